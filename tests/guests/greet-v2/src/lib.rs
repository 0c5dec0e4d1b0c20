//! Answers `/greet` with its version, so that a test sees which one serves.

use slashbox_sdk::{Plugin, export};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("greet", "2.0.0").summary("Says hello").command("/greet", "", "says hello", |_| "hello v2")
}
