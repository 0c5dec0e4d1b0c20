//! From a plugin's file and grant to a plugin that can be called.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use slashbox_core::{Descriptor, HostLimits, Limit, Limits, Outcome, PluginId, Subscription};
use slashbox_egress::Egress;
use wasmtime::{
    Engine,
    component::{HasSelf, Linker},
};

use crate::{
    Grant, LoadError, Plugin,
    bindings::{self, PluginPre},
    cache::{Cache, ContentHash},
    call::{broken, sandbox},
    compile::Compiler,
    component::link,
    emit_rate::EmitRate,
    engine::{StartError, Ticking},
    from_wit,
    guest::{Guest, Hosts, SandboxSpec},
    health::Health,
    http_bounds::put_bounds,
    lanes::{Ended, Lane, Lanes},
    pace::Pace,
    places::{Places, TenantPlaces},
};

/// What `describe` may use of the processor, in milliseconds: it only builds a list.
const DESCRIBE_CPU_MS: u32 = 200;

/// How long `describe` may take, in milliseconds: it waits for nothing.
const DESCRIBE_TIMEOUT_MS: u32 = 2_000;

/// What a component says of itself, and what its sandbox had before it was asked.
struct Described {
    descriptor: Descriptor,
    memory_bytes: u64,
}

/// Loads plugins into one engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Loader {
    /// Held, so that a guest that describes itself can be interrupted for as long as somebody loads.
    ticking: Arc<Ticking>,
    linker: Linker<Guest>,
    compiler: Arc<Compiler>,
    lanes: Arc<Lanes>,
    cache: Option<Cache>,
    host: HostLimits,
    egress: Option<Egress>,
}

impl Loader {
    /// Links the host's services once for all plugins.
    pub(crate) fn new(
        ticking: Arc<Ticking>,
        lanes: Arc<Lanes>,
        cache: Option<Cache>,
        host: HostLimits,
        egress: Option<Egress>,
    ) -> Result<Self, StartError> {
        let linker = linker(&ticking.engine).map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let compiler = Arc::new(Compiler::new(host.compile_s));
        Ok(Self { ticking, linker, compiler, lanes, cache, host, egress })
    }

    /// Validates, compiles and links a component, and asks it what it is.
    pub(crate) async fn load(&self, id: &PluginId, bytes: Arc<[u8]>, grant: Grant) -> Result<Plugin, LoadError> {
        let limits = grant.limits;
        let (loader, size) = (self.clone(), bytes.len() as u64);
        let compile = move || {
            let hash = ContentHash::of(&bytes);
            let began = Instant::now();
            let pre = link(&loader.ticking.engine, &loader.linker, loader.cache.as_ref(), &bytes, &hash, limits)?;
            Ok::<_, LoadError>((pre, hash, began.elapsed()))
        };
        let (pre, hash, compiled_in) = self.compiler.run(compile).await?;
        let environment = grant.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let plugin = id.clone();
        let (host, hosts, egress) = (self.host, Hosts::default(), self.egress.clone());
        let emit_rate = EmitRate::new(limits.emits_per_minute);
        let mut spec = SandboxSpec { plugin, limits, host, environment, hosts, emit_rate, egress };
        let Described { descriptor, memory_bytes } = self.describe(&pre, &spec).await?;
        spec.hosts = Hosts { asked: descriptor.http_hosts.clone(), allowed: grant.allowed_hosts.clone() };
        let subscription = Subscription {
            patterns: descriptor.events.clone(),
            sources: grant.sources.clone(),
            senders: grant.senders.clone(),
        };
        Ok(Plugin {
            descriptor,
            subscription,
            places: Arc::new(Places::new(limits.concurrency)),
            shares: Arc::new(TenantPlaces::new(limits.share())),
            health: Health::default(),
            pace: Pace::default(),
            spec: Arc::new(spec),
            grant,
            pre,
            content_hash: hash.0,
            bytes: size,
            compiled_in,
            memory_bytes,
        })
    }

    /// Has a plugin describe itself once more, in another fresh sandbox, and tells how long that took.
    pub(crate) async fn time_describe(&self, plugin: &Plugin) -> Result<Duration, LoadError> {
        let began = Instant::now();
        self.describe(&plugin.pre, &plugin.spec).await?;
        Ok(began.elapsed())
    }

    /// Removes compiled code that nobody has used for long, but that of these contents.
    pub(crate) fn prune(&self, used: &BTreeSet<ContentHash>) {
        if let Some(cache) = &self.cache {
            cache.prune(&self.ticking.engine, used);
        }
    }

    /// Asks it what it is, with nothing granted but memory and time.
    async fn describe(&self, pre: &PluginPre<Guest>, spec: &SandboxSpec) -> Result<Described, LoadError> {
        let limits = spec.limits;
        let (cpu_ms, timeout_ms) = (limits.cpu_ms.min(DESCRIBE_CPU_MS), limits.timeout_ms.min(DESCRIBE_TIMEOUT_MS));
        let limits = Limits { cpu_ms, timeout_ms, ..limits };
        let (plugin, host, emit_rate) = (spec.plugin.clone(), self.host, EmitRate::new(0));
        let (environment, hosts, egress) = (Vec::new(), Hosts::default(), None);
        let bare = SandboxSpec { plugin, host, limits, environment, hosts, emit_rate, egress };
        let mut store = sandbox(&self.ticking.engine, Guest::bare(Arc::new(bare)), limits);
        let (meter, timeout) = (store.data().meter.clone(), Duration::from_millis(u64::from(timeout_ms)));
        // It happens once, and beside whatever else a start or a reload keeps the processors busy with.
        meter.count_by_thread();
        let pre = pre.clone();
        let work = Box::pin(async move {
            let described = async {
                let instance = pre.instantiate_async(&mut store).await?;
                let memory_bytes = store.data().limiter.bytes();
                let descriptor = instance.slashbox_plugin_handler().call_describe(&mut store).await?;
                Ok::<_, wasmtime::Error>((descriptor, memory_bytes))
            };
            (described.await, store)
        });
        let not = |what: String| Err(LoadError::Describe(what));
        match self.lanes.run(Lane::Serving, meter, timeout, work).await {
            Ended::Done((Ok((descriptor, memory_bytes)), _)) => {
                Ok(Described { descriptor: from_wit::descriptor(descriptor)?, memory_bytes })
            }
            Ended::Done((Err(error), store)) => not(match broken(&error, store.data(), limits, self.host) {
                Outcome::Limit(limit @ Limit::Cpu { .. }) => return Err(LoadError::DescribeTime(format!(": {limit}"))),
                Outcome::Limit(limit) => format!("did not return: {limit}"),
                Outcome::Trapped(trap) => format!("trapped: {}", trap.cause),
                _ => format!("failed: {error:#}"),
            }),
            Ended::TimedOut => Err(LoadError::DescribeTime(format!(" within {timeout_ms} ms"))),
            Ended::Panicked(words) => not(format!("failed: the host panicked: {words}")),
        }
    }
}

/// All of WASI preview 2, HTTP, and our own services: what is not granted is refused when it is called.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    put_bounds(&mut linker)?;
    bindings::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)?;
    Ok(linker)
}
