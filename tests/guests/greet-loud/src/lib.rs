//! Declares `/greet`, which another plugin has too, and `/shout`, which none has: a conflict.

use slashbox_sdk::{Plugin, export};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("greet-loud", "1.0.0")
        .summary("Says hello, loudly")
        .command("/greet", "", "says hello", |_| "HELLO")
        .command("/shout", "TEXT", "repeats it loudly", |command| command.args.to_uppercase())
}
