//! Never says what it is: its `describe` does not return.

use slashbox_sdk::{Plugin, export};

export!(plugin);

fn plugin() -> Plugin {
    loop {
        std::hint::spin_loop();
    }
}
