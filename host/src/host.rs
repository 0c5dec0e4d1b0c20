//! The embedding API: build a host, give it commands, mount its routes, shut it down.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use slashbox_core::{Command, CommandName, CommandNameError, NameError, Origin, check_name};
use slashbox_runtime::{Catalog, Folders, LoadError, Runtime, Settings, StartError};
use slashbox_store::{OpenError, Store};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use ulid::Ulid;

use crate::{Answer, Source, pipeline, telemetry::HOST, web};

/// What an answer may take, in milliseconds: what platforms wait.
pub(crate) const COMMAND_MS: u32 = 5_000;

/// How long a shutdown waits for commands beyond their own budget.
const GRACE: Duration = Duration::from_secs(1);

/// A host for plugins. Cheap to clone; all clones are one host.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) store: Store,
    pub(crate) sources: HashMap<String, Source>,
    pub(crate) command_budget: Duration,
    pub(crate) tasks: TaskTracker,
}

/// Says how a [`Host`] is to be.
#[derive(Clone, Debug)]
pub struct HostBuilder {
    plugins_dir: PathBuf,
    data_dir: PathBuf,
    settings: Settings,
    command_ms: u32,
    sources: Vec<Source>,
}

/// Why a host could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// What it keeps cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Its plugins cannot run.
    #[error(transparent)]
    Runtime(#[from] StartError),
    /// Two sources have the same name.
    #[error("source {0:?} is there twice: expected names that differ")]
    SourceTwice(String),
    /// The plugins folder would be watched for what the host itself writes.
    #[error("data directory {data_dir:?}: expected a folder outside of the plugins folder {plugins_dir:?}")]
    DataInPlugins {
        /// The data directory.
        data_dir: PathBuf,
        /// The plugins folder.
        plugins_dir: PathBuf,
    },
    /// A figure is out of its range.
    #[error("{what} of {value}: expected {expected}")]
    Range {
        /// Which figure.
        what: &'static str,
        /// What it is.
        value: u32,
        /// What it may be.
        expected: &'static str,
    },
}

/// Why a single file cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum OfFileError {
    /// There is no memory for what it keeps.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// It is no plugin for this host.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Why a command has no answer from a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No plugin of the tenant's declares it.
    #[error("unknown command {name}{}", did_you_mean(.near))]
    Unknown {
        /// The command.
        name: String,
        /// The commands that exist and are near to it, the nearest first.
        near: Vec<String>,
    },
    /// Nobody could have typed it.
    #[error(transparent)]
    Name(#[from] CommandNameError),
    /// The tenant's name is none.
    #[error("tenant: {0}")]
    Tenant(#[from] NameError),
    /// The host ends.
    #[error("slashbox is shutting down")]
    ShuttingDown,
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", did you mean {}?", near.join(" or ")) }
}

/// A command that the embedding program itself gives.
#[derive(Clone, Debug)]
pub struct NewCommand {
    name: String,
    args: String,
    conversation: Option<String>,
    operator: Option<String>,
    contact: Option<String>,
    source: String,
    data: String,
}

impl NewCommand {
    /// A command by its name with the slash, e.g. `/invoice`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            args: String::new(),
            conversation: None,
            operator: None,
            contact: None,
            source: "in-process".into(),
            data: "null".into(),
        }
    }

    /// What followed the name.
    #[must_use]
    pub fn args(mut self, args: &str) -> Self {
        self.args = args.into();
        self
    }

    /// The conversation in which it was typed.
    #[must_use]
    pub fn conversation(mut self, conversation: &str) -> Self {
        self.conversation = Some(conversation.into());
        self
    }

    /// Who typed it.
    #[must_use]
    pub fn operator(mut self, operator: &str) -> Self {
        self.operator = Some(operator.into());
        self
    }

    /// Whom the conversation is with.
    #[must_use]
    pub fn contact(mut self, contact: &str) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// What plugins see as its source; `in-process` if nothing is said.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        self.source = source.into();
        self
    }

    /// What else plugins may want to know, as JSON.
    #[must_use]
    pub fn data(mut self, data: &serde_json::Value) -> Self {
        self.data = data.to_string();
        self
    }

    /// As [`NewCommand::data`], with the text of the JSON as it is to be passed on. Text that is no JSON is the plugin's
    /// to refuse.
    #[must_use]
    pub fn data_text(mut self, data: String) -> Self {
        self.data = data;
        self
    }

    fn into_command(self, tenant: &str) -> Result<Command, CommandError> {
        check_name(tenant)?;
        Ok(Command {
            id: new_id(),
            name: self.name.parse::<CommandName>()?,
            args: self.args,
            conversation: self.conversation,
            operator: self.operator,
            contact: self.contact,
            occurred_at_ms: pipeline::now_ms(),
            origin: Origin { tenant: tenant.into(), source: self.source, dialect: "native".into(), instance: None },
            data: self.data,
        })
    }
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self {
            plugins_dir: "plugins".into(),
            data_dir: "data".into(),
            settings: Settings::default(),
            command_ms: COMMAND_MS,
            sources: Vec::new(),
        }
    }
}

impl HostBuilder {
    /// The folder with the plugins: `plugins` if nothing is said. It is made if there is none.
    #[must_use]
    pub fn plugins_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.plugins_dir = dir.into();
        self
    }

    /// Where the host keeps what must last: `data` if nothing is said. One host at a time has it.
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = dir.into();
        self
    }

    /// How much plugins may have.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The whole budget of a command, in milliseconds: waiting, call and commit. 1,000 to 10,000; 5,000 if nothing is said.
    #[must_use]
    pub fn command_ms(mut self, command_ms: u32) -> Self {
        self.command_ms = command_ms;
        self
    }

    /// One more way in.
    #[must_use]
    pub fn source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// Opens the store, loads the plugins, and watches their folder from then on.
    ///
    /// # Errors
    /// If the data directory is in use or cannot be used, the sandbox does not start, or the sources contradict each
    /// other. A plugin that cannot be loaded is none: see [`Catalog::problems`].
    pub async fn build(self) -> Result<Host, BuildError> {
        if !(1_000..=10_000).contains(&self.command_ms) {
            let expected = "1000 to 10000, in milliseconds";
            return Err(BuildError::Range { what: "command_ms", value: self.command_ms, expected });
        }
        if is_inside(&self.data_dir, &self.plugins_dir) {
            let Self { data_dir, plugins_dir, .. } = self;
            return Err(BuildError::DataInPlugins { data_dir, plugins_dir });
        }
        let mut sources = HashMap::new();
        for source in self.sources {
            if let Some(twice) = sources.insert(source.name.clone(), source) {
                return Err(BuildError::SourceTwice(twice.name));
            }
        }
        let store = Store::open(&self.data_dir)?;
        let folders = Folders { plugins_dir: self.plugins_dir, data_dir: self.data_dir };
        let runtime = Runtime::start(&self.settings, &folders, store.reader()).await?;
        Ok(Host::new(runtime, store, sources, self.command_ms))
    }
}

impl Host {
    /// Says how a host is to be; [`HostBuilder::build`] makes it.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// A host of one plugin's file, with the grant beside it if there is one. What the plugin keeps is gone with the host:
    /// for trying it.
    ///
    /// # Errors
    /// If the file is no plugin for this host.
    pub async fn of_file(settings: &Settings, file: &Path) -> Result<Self, OfFileError> {
        let store = Store::in_memory()?;
        let runtime = Runtime::of_file(settings, file, store.reader()).await?;
        Ok(Self::new(runtime, store, HashMap::new(), COMMAND_MS))
    }

    fn new(runtime: Runtime, store: Store, sources: HashMap<String, Source>, command_ms: u32) -> Self {
        let command_budget = Duration::from_millis(u64::from(command_ms));
        let inner = Inner { runtime, store, sources, command_budget, tasks: TaskTracker::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Has a tenant's command answered by the plugin that owns it.
    ///
    /// # Errors
    /// If no plugin owns it, if it is no command, or if the host is shutting down. How the plugin's call ended is no error,
    /// but the answer's [`outcome`](Answer::outcome).
    pub async fn command(&self, tenant: &str, command: NewCommand) -> Result<Answer, CommandError> {
        pipeline::answer(&self.inner, command.into_command(tenant)?).await
    }

    /// The host's routes, to be served or mounted: `POST /in/{source}`, `/healthz`, `/readyz`.
    pub fn router(&self) -> axum::Router {
        web::router(self.inner.clone())
    }

    /// The plugins that serve now, and what is odd about the folder.
    pub fn plugins(&self) -> Arc<Catalog> {
        self.inner.runtime.catalog()
    }

    /// Looks at the plugins folder now, and returns when what was found serves. Without it, changes are seen within a
    /// fraction of a second.
    pub async fn sync_plugins(&self) {
        self.inner.runtime.sync().await;
    }

    /// Takes no more commands, finishes those in flight, and closes what it keeps. Further calls do nothing.
    pub async fn shutdown(&self) {
        if !self.inner.tasks.close() {
            return;
        }
        let grace = self.inner.command_budget + GRACE;
        if tokio::time::timeout(grace, self.inner.tasks.wait()).await.is_err() {
            let left = self.inner.tasks.len();
            warn!(target: HOST, left, "commands did not end within the grace time");
        }
        self.inner.runtime.shutdown().await;
        self.inner.store.clone().close().await;
        info!(target: HOST, "shut down");
    }
}

/// Whether a folder is another, or lies in it, as far as their names tell.
pub(crate) fn is_inside(folder: &Path, other: &Path) -> bool {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    full(folder).starts_with(full(other))
}

/// A new id: sortable by time, 26 characters.
pub(crate) fn new_id() -> String {
    Ulid::generate().to_string()
}
