//! What the host knows of one sandbox while it runs.
//!
//! Built for each call, so it is cheap: what a service or WASI needs is made when a guest first asks for it, and most never
//! do.

use std::sync::Arc;

use slashbox_core::{Effects, HostLimits, HttpHost, Limits, PluginId};
use slashbox_egress::Egress;
use slashbox_store::Reader;
use tokio::runtime::Handle;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    Call,
    emit_rate::EmitRate,
    limiter::Limiter,
    meter::Meter,
    services::{GuestLog, HttpGate, Services, Stdio},
};

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
    pub(crate) services: Option<Services>,
    spec: Arc<SandboxSpec>,
    /// Where requests are sent, wherever the guest itself runs.
    runtime: Handle,
    table: ResourceTable,
    wasi: Option<Box<WasiCtx>>,
    http: Option<Box<(WasiHttpCtx, HttpGate)>>,
}

/// What every sandbox of a plugin's version starts with.
pub(crate) struct SandboxSpec {
    pub(crate) plugin: PluginId,
    pub(crate) limits: Limits,
    /// What holds for all plugins.
    pub(crate) host: HostLimits,
    /// The settings.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) hosts: Hosts,
    pub(crate) emit_rate: EmitRate,
    /// The way out; none if there is none for anybody.
    pub(crate) egress: Option<Egress>,
}

/// The hosts that a plugin may reach: what it asks for and is granted.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    pub(crate) asked: Vec<HttpHost>,
    pub(crate) allowed: Vec<HttpHost>,
}

impl Guest {
    /// A sandbox with nothing but memory, for `describe`.
    pub(crate) fn bare(spec: Arc<SandboxSpec>) -> Self {
        Self::new(spec, None, None)
    }

    /// A sandbox for a call.
    pub(crate) fn calling(spec: Arc<SandboxSpec>, call: &Call, reader: Reader) -> Self {
        let services = Services::new(spec.clone(), call.clone(), reader);
        Self::new(spec, Some(call), Some(services))
    }

    fn new(spec: Arc<SandboxSpec>, call: Option<&Call>, services: Option<Services>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(spec.limits.handles as usize);
        Self {
            limiter: Limiter::new(spec.limits.memory_mib, spec.host),
            meter: Arc::new(Meter::new()),
            log: Arc::new(GuestLog::new(spec.clone(), call.map(|call| call.input.clone()))),
            services,
            spec,
            runtime: Handle::current(),
            table,
            wasi: None,
            http: None,
        }
    }

    /// What the call wants to change, and whether it did what cannot be taken back.
    pub(crate) fn into_effects(self) -> Effects {
        let sent_http = self.http.is_some_and(|http| http.1.has_sent());
        let effects = self.services.map(Services::into_effects).unwrap_or_default();
        Effects { sent_http, ..effects }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| Box::new(wasi(&self.spec.environment, &self.log)));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let http = self.http.get_or_insert_with(|| {
            let mut ctx = WasiHttpCtx::new();
            ctx.set_field_size_limit(HEADER_BYTES_MAX);
            let call = self.services.as_ref().map(Services::call);
            Box::new((ctx, HttpGate::new(self.spec.clone(), call, self.log.clone(), self.runtime.clone())))
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
