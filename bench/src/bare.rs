//! The floor of a call: wasmtime with the same component and the same kind of sandbox, and nothing else.
//!
//! A store with as little in it as the component's imports allow, a fresh instance, the typed call. No limits on memory,
//! no interruption (so the guest's code has no checks for it either), no timeout, no services. WASI is linked because the
//! component imports it, but its context is made only when the guest asks for it, which this guest never does.

use std::{path::Path, sync::Arc};

use anyhow::{Result, anyhow, ensure};
use slashbox_bench_round::{Laps, Order, answer};
use slashbox_bench_work::{DATA, reply};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use self::bindings::{
    PluginPre,
    slashbox::plugin::types::{Command, Origin},
};
use crate::{abreast, payload};

/// Sandboxes in the pool: as many as `slashbox-runtime` has by default.
const PLACES: u32 = 260;

/// What stays with a place for the next call: as much as in `slashbox-runtime`.
const KEEP_RESIDENT_BYTES: usize = 1024 * 1024;

#[allow(missing_debug_implementations, unreachable_pub, reason = "generated code")]
mod bindings {
    //! What wasmtime makes of the plugin interface, without the imports: the guest uses none of slashbox's.

    wasmtime::component::bindgen!({
        inline: "
            package slashbox-bench:bare;
            world plugin { export slashbox:plugin/handler@0.1.0; }
        ",
        path: "../wit",
        world: "slashbox-bench:bare/plugin",
        exports: { default: async },
    });
}

/// What a sandbox needs to have.
#[derive(Default)]
struct Guest {
    wasi: Option<Box<(WasiCtx, ResourceTable)>>,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| Box::new((WasiCtx::builder().build(), ResourceTable::new())));
        let (ctx, table) = &mut **wasi;
        WasiCtxView { ctx, table }
    }
}

/// Answers orders.
pub(crate) fn run(component: &Path) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let bare = Arc::new(Bare::load(component).map_err(plain)?);
    let said = tokio.block_on(bare.call()).map_err(plain)?;
    ensure!(said == reply(DATA)?, "the plugin replied something else: {said}");
    answer(|order| abreast::round(&tokio, order, || laps(bare.clone(), order.clone())))
}

/// An error as others have them.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// The same as that of `slashbox-runtime`, without what enforces limits.
fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(PLACES)
        .total_core_instances(PLACES * 64)
        .total_memories(PLACES * 2)
        .total_tables(PLACES * 4)
        .total_stacks(PLACES)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .async_stack_size(1024 * 1024)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// A component that is ready to be called, and what to call it with.
struct Bare {
    engine: Engine,
    pre: PluginPre<Guest>,
    command: Command,
}

impl Bare {
    fn load(component: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config())?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let component = Component::from_file(&engine, component)?;
        let pre = PluginPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, pre, command: command() })
    }

    async fn call(&self) -> wasmtime::Result<String> {
        let mut store = Store::new(&self.engine, Guest::default());
        let instance = self.pre.instantiate_async(&mut store).await?;
        match instance.slashbox_plugin_handler().call_on_command(&mut store, &self.command).await? {
            Ok(Some(reply)) => Ok(reply.text),
            other => Err(wasmtime::Error::msg(format!("the plugin did not reply: {other:?}"))),
        }
    }
}

async fn laps(bare: Arc<Bare>, order: Order) -> Result<Laps> {
    let mut laps = Laps::start(order.lasting);
    loop {
        bare.call().await.map_err(plain)?;
        if !laps.lap() {
            return Ok(laps);
        }
    }
}

fn command() -> Command {
    Command {
        id: payload::ID.into(),
        name: payload::NAME.into(),
        args: payload::ARGS.into(),
        conversation: Some(payload::CONVERSATION.into()),
        operator: Some(payload::OPERATOR.into()),
        contact: Some(payload::CONTACT.into()),
        occurred_at_ms: payload::OCCURRED_AT_MS,
        deadline_ms: 5_000,
        origin: Origin {
            tenant: "default".into(),
            source: payload::SOURCE.into(),
            dialect: "hotline".into(),
            instance: Some(payload::INSTANCE.into()),
        },
        data: DATA.into(),
    }
}
