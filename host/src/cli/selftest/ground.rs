//! Where the limits are tried: a host of the configured limits, in a temporary folder, with every hostile plugin in it.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use slashbox::{Host, HostLimits, Limits, NewCommand, Outcome, Settings};
use slashbox_hostile::{Attack, Bad, begin_of_large, component, with_more};
use tempfile::TempDir;

use super::heard::Heard;

pub(super) const MIB: u64 = 1024 * 1024;

/// The most copies of the plugin that waits.
const CROWD_PLUGINS_MAX: u32 = 64;

/// The most calls that are made at once.
pub(super) const CROWD_MAX: u32 = 1_024;

/// The largest file that is made to be taken; one that is too large is no larger on the disk than its beginning.
pub(super) const LARGE_MIB_MAX: u32 = 64;

/// A host to be attacked.
pub(super) struct Ground {
    pub(super) host: Host,
    pub(super) limits: Limits,
    pub(super) over_all: HostLimits,
    pub(super) heard: Heard,
    /// How many copies of the plugin that waits there are: `sleep-0`, `sleep-1` …
    pub(super) sleepers: u32,
    /// Removed when this is dropped.
    _dir: TempDir,
}

/// How a command ended, and after how long.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
}

impl Ground {
    /// Writes the plugins, and starts the host.
    pub(super) async fn prepare(settings: Settings, heard: Heard) -> anyhow::Result<Self> {
        let (limits, over_all) = (settings.ceiling, settings.host);
        let dir = tempfile::Builder::new().prefix("slashbox-selftest-").tempdir()?;
        let plugins = dir.path().join("plugins");
        fs::create_dir(&plugins)?;
        let crowd = over_all.calls.max(over_all.tenant_calls).min(CROWD_MAX) + 1;
        let sleepers = crowd.div_ceil(limits.share()).min(CROWD_PLUGINS_MAX);
        write_plugins(&plugins, limits, over_all, sleepers)?;
        let builder = Host::builder().plugins_dir(&plugins).data_dir(dir.path().join("data")).settings(settings);
        let host = builder.build().await?;
        Ok(Self { host, limits, over_all, heard, sleepers, _dir: dir })
    }

    /// Types `/PLUGIN ARGS`. If there is no such plugin, says why it was not loaded.
    pub(super) async fn types(&self, plugin: &str, args: &str) -> Result<Ended, String> {
        let problem = || self.problem(plugin).unwrap_or_else(|| "it is not there".into());
        if self.host.plugins().plugin("default", plugin).is_none() {
            return Err(format!("the plugin that would try it was not loaded: {}", problem()));
        }
        self.call("default".into(), plugin.into(), args.into()).await
    }

    /// The same of any tenant, to be run beside others.
    pub(super) fn call(
        &self,
        tenant: String,
        plugin: String,
        args: String,
    ) -> impl Future<Output = Result<Ended, String>> + Send + use<> {
        let host = self.host.clone();
        async move {
            let began = Instant::now();
            let command = NewCommand::new(&format!("/{plugin}")).args(&args).source("selftest");
            let answer = host.command(&tenant, command).await.map_err(|error| error.to_string())?;
            Ok(Ended { outcome: answer.outcome, took: began.elapsed() })
        }
    }

    /// Why a plugin was not loaded; none if it was.
    pub(super) fn problem(&self, plugin: &str) -> Option<String> {
        let plugins = self.host.plugins();
        let of = |path: &Path| path.file_stem().is_some_and(|stem| stem == plugin);
        plugins.problems().find(|problem| of(&problem.path)).map(|problem| problem.what.clone())
    }

    pub(super) async fn leave(self) {
        self.host.shutdown().await;
    }
}

/// What a limit is narrowed to for the try, by a grant: as configured, or the most that is tried.
pub(super) mod narrowed {
    use slashbox::{HostLimits, Limits};

    /// Ends before whatever else ends a call.
    pub(in super::super) fn timeout_ms(limits: Limits, host: HostLimits) -> u32 {
        if limits.timeout_ms < host.command_ms { limits.timeout_ms } else { host.command_ms * 3 / 4 }
    }

    pub(in super::super) fn cpu_ms(limits: Limits, host: HostLimits) -> u32 {
        let clock_ms = limits.timeout_ms.min(host.command_ms);
        if limits.cpu_ms < clock_ms * 3 / 4 { limits.cpu_ms } else { (clock_ms / 2).max(1) }
    }

    pub(in super::super) fn log_kib(limits: Limits) -> u32 {
        limits.log_kib.min(1_024)
    }

    /// Less than the memory that it has to stand in.
    pub(in super::super) fn passed_mib(limits: Limits) -> u32 {
        limits.passed_mib.min((limits.memory_mib / 2).max(1))
    }

    /// As many as some hundred calls set, and as have room.
    pub(in super::super) fn kv_keys(limits: Limits) -> u32 {
        let (writes, room) = (limits.kv_writes.saturating_mul(200), limits.kv_mib.saturating_mul(1024 * 1024 / 16));
        limits.kv_keys.min(100_000).min(writes).min(room)
    }

    pub(in super::super) fn kv_mib(limits: Limits) -> u32 {
        let kib_a_call = limits.kv_writes.saturating_mul(limits.kv_value_kib);
        let room = limits.kv_keys.saturating_mul(limits.kv_value_kib) / 1024;
        limits.kv_mib.min(64).min(kib_a_call.saturating_mul(100) / 1024).min(room).max(1)
    }

    /// As many as some calls emit, well within the minute.
    pub(in super::super) fn emits_per_minute(limits: Limits) -> u32 {
        limits.emits_per_minute.min(limits.emits.saturating_mul(20))
    }

    pub(in super::super) fn timers(limits: Limits) -> u32 {
        limits.timers.min(10_000)
    }
}

fn write_plugins(dir: &Path, limits: Limits, host: HostLimits, sleepers: u32) -> anyhow::Result<()> {
    use Attack::{
        Cut, Emits, Handles, Kv, Log, Memory, Reads, Recurse, Reply, Sleep, Spin, SpinInDescribe, Stdout, Table, Timers,
    };
    let grant = |key: &str, value: u32| format!("[limits]\n{key} = {value}\n");
    let log = grant("log_kib", narrowed::log_kib(limits));
    for (name, attack, grant) in [
        ("cpu", Spin, grant("cpu_ms", narrowed::cpu_ms(limits, host))),
        ("timeout", Sleep, grant("timeout_ms", narrowed::timeout_ms(limits, host))),
        ("sleep", Sleep, String::new()),
        ("describe", SpinInDescribe, String::new()),
        ("memory", Memory, String::new()),
        ("table", Table, String::new()),
        ("stack", Recurse, String::new()),
        ("log", Log, log.clone()),
        ("stdout", Stdout, log),
        ("reply", Reply, grant("passed_mib", narrowed::passed_mib(limits))),
        ("cut", Cut, String::new()),
        ("kv-value", Kv, String::new()),
        ("kv-writes", Kv, String::new()),
        ("kv-keys", Kv, grant("kv_keys", narrowed::kv_keys(limits))),
        ("kv-mib", Kv, grant("kv_mib", narrowed::kv_mib(limits))),
        ("timers", Timers, grant("timers", narrowed::timers(limits))),
        ("reads", Reads, String::new()),
        ("emits", Emits, String::new()),
        ("emits-per-minute", Emits, grant("emits_per_minute", narrowed::emits_per_minute(limits))),
        ("handles", Handles, String::new()),
    ] {
        fs::write(dir.join(format!("{name}.wasm")), component(attack, name)?)?;
        if !grant.is_empty() {
            fs::write(dir.join(format!("{name}.toml")), grant)?;
        }
    }
    for number in 0..sleepers {
        let name = format!("sleep-{number}");
        fs::write(dir.join(format!("{name}.wasm")), component(Sleep, &name)?)?;
    }
    write_files(dir, host)
}

/// Files that must not become plugins, and those that just may.
fn write_files(dir: &Path, host: HostLimits) -> anyhow::Result<()> {
    for bad in Bad::ALL {
        fs::write(dir.join(format!("{}.wasm", bad.name())), bad.bytes()?)?;
    }
    for (name, [instances, memories, tables]) in [
        ("instances-at", [host.instances.saturating_sub(1), 0, 0]),
        ("instances-over", [host.instances, 0, 0]),
        ("memories", [0, 2, 0]),
        ("tables", [0, 0, 5]),
    ] {
        fs::write(dir.join(format!("{name}.wasm")), with_more(name, instances, memories, tables)?)?;
    }
    let bytes_max = u64::from(host.plugin_file_mib) * MIB;
    write_large(dir, "file-over", bytes_max + 1)?;
    if host.plugin_file_mib <= LARGE_MIB_MAX {
        write_large(dir, "file-at", bytes_max)?;
    }
    Ok(())
}

/// Only its beginning takes room on the disk.
fn write_large(dir: &Path, name: &str, bytes: u64) -> anyhow::Result<()> {
    let mut file = File::create(dir.join(format!("{name}.wasm")))?;
    file.write_all(&begin_of_large(name, bytes)?)?;
    Ok(file.set_len(bytes)?)
}
