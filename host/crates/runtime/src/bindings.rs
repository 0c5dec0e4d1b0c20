//! What wasmtime makes of the plugin interface (`wit/`).

#![allow(missing_debug_implementations, unreachable_pub)] // Generated code.

wasmtime::component::bindgen!({
    path: "wit",
    world: "plugin",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: {
        "slashbox:plugin/kv.delete": async,
        "slashbox:plugin/kv.get": async,
        "slashbox:plugin/kv.increment": async,
        "slashbox:plugin/kv.list-keys": async,
        "slashbox:plugin/kv.set": async,
        "slashbox:plugin/timers.set": async,
    },
    exports: { default: async },
});
