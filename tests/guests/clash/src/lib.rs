//! Declares the same command twice: no host takes it.

use slashbox_sdk::{Plugin, export};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("clash", "1.0.0").summary("Contradicts itself").command("/twice", "", "says one", |_| "one").command(
        "/twice",
        "",
        "says two",
        |_| "two",
    )
}
