//! What the host knows of one sandbox while it runs.
//!
//! Built for each call, so it is cheap: what WASI needs is made when a guest first asks for it, and most never do.

use std::sync::Arc;

use slashbox_core::{Effects, PluginId, Scope};
use slashbox_store::Reader;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    limiter::Limiter,
    meter::Meter,
    services::{GuestLog, HttpGate, Kv, Stdio},
};

/// The most handles that a guest has open at once: streams, pollables, requests.
const HANDLES_MAX: usize = 1_024;

/// The most bytes of a request's headers: what servers take.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// The most random bytes at once: making them cannot be interrupted.
const RANDOM_BYTES_MAX: u64 = 64 * 1024;

/// The state of one sandbox.
pub(crate) struct Guest {
    pub(crate) limiter: Limiter,
    pub(crate) meter: Arc<Meter>,
    pub(crate) log: Arc<GuestLog>,
    /// None while a plugin describes itself: nothing is granted then.
    pub(crate) kv: Option<Kv>,
    environment: Arc<[(String, String)]>,
    table: ResourceTable,
    wasi: Option<Box<WasiCtx>>,
    http: Option<Box<(WasiHttpCtx, HttpGate)>>,
}

/// What a sandbox starts with.
pub(crate) struct Grants {
    pub(crate) plugin: Arc<PluginId>,
    pub(crate) environment: Arc<[(String, String)]>,
    pub(crate) memory_mib: u32,
}

impl Guest {
    /// A sandbox with nothing but memory, for `describe`.
    pub(crate) fn bare(plugin: Arc<PluginId>, memory_mib: u32) -> Self {
        let log = GuestLog::new(plugin.clone(), String::new(), String::new());
        Self::new(Grants { plugin, environment: Arc::new([]), memory_mib }, log, None)
    }

    /// A sandbox for a call.
    pub(crate) fn calling(grants: Grants, scope: Scope, call: String, reader: Reader, now_ms: u64) -> Self {
        let log = GuestLog::new(grants.plugin.clone(), scope.tenant.clone(), call);
        Self::new(grants, log, Some(Kv::new(scope, reader, now_ms)))
    }

    fn new(grants: Grants, log: GuestLog, kv: Option<Kv>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            limiter: Limiter::new(grants.memory_mib),
            meter: Arc::new(Meter::new()),
            log: Arc::new(log),
            kv,
            environment: grants.environment,
            table,
            wasi: None,
            http: None,
        }
    }

    /// What the call wants to change.
    pub(crate) fn into_effects(self) -> Effects {
        self.kv.map(Kv::into_effects).unwrap_or_default()
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| Box::new(wasi(&self.environment, &self.log)));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let http = self.http.get_or_insert_with(|| {
            let mut ctx = WasiHttpCtx::new();
            ctx.set_field_size_limit(HEADER_BYTES_MAX);
            Box::new((ctx, HttpGate::new(self.log.clone())))
        });
        let (ctx, hooks) = &mut **http;
        WasiHttpCtxView { ctx, hooks, table: &mut self.table }
    }
}

/// The settings as environment, the log as stdout and stderr; no folders, no sockets.
fn wasi(environment: &[(String, String)], log: &Arc<GuestLog>) -> WasiCtx {
    WasiCtx::builder()
        .envs(environment)
        .stdout(Stdio::out(log.clone()))
        .stderr(Stdio::err(log.clone()))
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}
