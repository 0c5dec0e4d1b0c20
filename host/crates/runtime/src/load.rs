//! From a plugin's file and grant to a plugin that can be called.

use std::{sync::Arc, time::Duration};

use slashbox_core::{Descriptor, Limits, Outcome, PluginId};

use wasmtime::{
    Engine,
    component::{HasSelf, Linker},
};

use crate::{
    Grant, LoadError, Plugin,
    bindings::{self, PluginPre},
    cache::{Cache, ContentHash},
    call::{bounded, broken, sandbox},
    component::link,
    engine::{StartError, Ticking},
    from_wit,
    guest::Guest,
    places::Places,
};

/// What `describe` may use: it only builds a list.
const DESCRIBE: Limits = Limits { memory_mib: u32::MAX, cpu_ms: 200, timeout_ms: 2_000, concurrency: 1 };

/// Loads plugins into one engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Loader {
    /// Held, so that a guest that describes itself can be interrupted for as long as somebody loads.
    ticking: Arc<Ticking>,
    linker: Linker<Guest>,
    cache: Option<Cache>,
}

impl Loader {
    /// Links the host's services once for all plugins.
    pub(crate) fn new(ticking: Arc<Ticking>, cache: Option<Cache>) -> Result<Self, StartError> {
        let linker = linker(&ticking.engine).map_err(|error| StartError::Engine(format!("{error:#}")))?;
        Ok(Self { ticking, linker, cache })
    }

    /// Validates, compiles and links a component, and asks it what it is.
    pub(crate) async fn load(&self, id: &PluginId, bytes: Arc<[u8]>, grant: Grant) -> Result<Plugin, LoadError> {
        let limits = grant.limits;
        let loader = self.clone();
        let compile = move || {
            let hash = ContentHash::of(&bytes);
            let pre = link(&loader.ticking.engine, &loader.linker, loader.cache.as_ref(), &bytes, &hash, limits)?;
            Ok::<_, LoadError>((pre, hash))
        };
        // Compiling is a matter of seconds for large guests: never on a thread that serves.
        let compiled = tokio::task::spawn_blocking(compile).await;
        let (pre, hash) = compiled.map_err(|panic| LoadError::Compile(format!("the compiler failed: {panic}")))??;
        let id = Arc::new(id.clone());
        let descriptor = self.describe(&pre, id.clone(), limits).await?;
        let environment = grant.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Plugin {
            id,
            descriptor,
            limits,
            environment,
            places: Arc::new(Places::new(limits.concurrency)),
            grant,
            pre,
            content_hash: hash.0,
        })
    }

    async fn describe(
        &self,
        pre: &PluginPre<Guest>,
        id: Arc<PluginId>,
        limits: Limits,
    ) -> Result<Descriptor, LoadError> {
        let limits = limits.narrowed_to(DESCRIBE);
        let mut store = sandbox(&self.ticking.engine, Guest::bare(id, limits.memory_mib), limits.cpu_ms);
        let timeout = Duration::from_millis(u64::from(limits.timeout_ms));
        let described = bounded(store.data().meter.clone(), timeout, async {
            let instance = pre.instantiate_async(&mut store).await?;
            instance.slashbox_plugin_handler().call_describe(&mut store).await
        })
        .await;
        match described {
            Some(Ok(descriptor)) => Ok(from_wit::descriptor(descriptor)?),
            Some(Err(error)) => Err(LoadError::Describe(match broken(&error, store.data(), limits) {
                Outcome::Limit(limit) => format!("did not return: {limit}"),
                Outcome::Trapped(trap) => format!("trapped: {}", trap.cause),
                _ => format!("failed: {error:#}"),
            })),
            None => Err(LoadError::Describe(format!("did not return within {} ms", limits.timeout_ms))),
        }
    }
}

/// All of WASI preview 2, HTTP, and our own services: what is not granted is refused when it is called.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)?;
    Ok(linker)
}
