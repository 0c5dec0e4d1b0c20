//! What is done to each limit, and what has to come of it.

use slashbox::{HostLimits, Limit, Limits, Outcome};
use slashbox_core::REPLY_UNITS_MAX;
use slashbox_hostile::Bad;

use super::{
    finding::{Finding, Verdict},
    ground::{Ended, Ground, LARGE_MIB_MAX, MIB, narrowed},
};

mod crowd;

/// What a try came to: the figure at which it held, whether it held, and what was done; or why it could not be tried.
type Tried = Result<(Option<u64>, bool, String), String>;

/// How much later than its time a call may end: the machine may be busy with others.
pub(super) const LATE_MS: u64 = 2_000;

/// How far from what may be passed at once a reply stays, on either side: what stands around its text counts too.
const AROUND_BYTES: u64 = 64 * 1024;

/// Tries all limits, one after the other, and tells of each as soon as it is known.
pub(super) async fn all(ground: &Ground, tell: &mut impl FnMut(Finding)) {
    let (limits, host) = (ground.limits, ground.over_all);
    let mut say = |limit: &'static str, tried: Tried| {
        let configured = limits.get(limit).or_else(|| host.get(limit));
        tell(found(limit, configured, tried));
    };
    say("memory_mib", memory(ground).await);
    say("cpu_ms", cpu(ground).await);
    let (of_timeout, of_command) = tokio::join!(timeout(ground), command(ground));
    say("timeout_ms", of_timeout);
    say("command_ms", of_command);
    let crowd = crowd::of_plugin(ground).await;
    say("concurrency", crowd.places);
    say("queue_ms", crowd.queue);
    say("tenant_calls", crowd::of_tenant(ground).await);
    say("calls", crowd::of_all(ground).await);
    say("log_kib", log(ground, "log", "its log").await);
    say("log_kib", log(ground, "stdout", "stdout").await);
    say("handles", handles(ground).await);
    say("passed_mib", passed(ground).await);
    say("reply", cut(ground).await);
    say("kv_value_kib", kv_value(ground).await);
    say("kv_writes", kv_writes(ground).await);
    say("kv_reads", kv_reads(ground).await);
    say("kv_keys", kv_keys(ground).await);
    say("kv_mib", kv_mib(ground).await);
    say("timers", timers(ground).await);
    say("emits", emits(ground).await);
    say("emits_per_minute", emits_per_minute(ground).await);
    say("stack_kib", stack(ground).await);
    say("table_elements", table(ground).await);
    say("instances", instances(ground));
    say("memories", refused(ground, "memories", "a component of three memories"));
    say("tables", refused(ground, "tables", "a component of more than four tables"));
    say("plugin_file_mib", file(ground));
    say("describe", describe(ground));
    for bad in Bad::ALL {
        say("file", refused(ground, bad.name(), &format!("a file that is {}", bad.name())));
    }
    say("compile_s", Err("no component at hand takes so long to compile".into()));
    say("http_requests", Err("it would take a server to send requests to".into()));
    say("http_mib", Err("it would take a server to send requests to".into()));
}

/// What is told of a try.
fn found(limit: &'static str, configured: Option<u32>, tried: Tried) -> Finding {
    match tried {
        Ok((at, true, how)) => Finding { limit, verdict: Verdict::Held, configured, at, how },
        Ok((at, false, how)) => Finding { limit, verdict: Verdict::Not, configured, at, how },
        Err(how) => Finding { limit, verdict: Verdict::NotTried, configured, at: None, how },
    }
}

async fn memory(ground: &Ground) -> Tried {
    let mib = ground.limits.memory_mib;
    let kib = count(ground, "memory", "1").await?.0;
    let Ended { outcome, .. } = ground.types("memory", "").await?;
    // At the end of 32 bits, it is the format that refuses.
    let ended = outcome == Outcome::Limit(Limit::Memory { mib }) || (mib == 4_096 && outcome.crashed());
    let held = ended && kib <= u64::from(mib) * 1024 && kib + 1024 > u64::from(mib) * 1024;
    Ok((Some(kib / 1024), held, format!("grew one memory until it was refused, then broke: {}", words(&outcome))))
}

async fn cpu(ground: &Ground) -> Tried {
    let ms = narrowed::cpu_ms(ground.limits, ground.over_all);
    let Ended { outcome, took } = ground.types("cpu", "").await?;
    let how = format!("computed for ever{}: {}", narrowed_to(ms, ground.limits.cpu_ms), words(&outcome));
    Ok((Some(millis(took)), outcome == Outcome::Limit(Limit::Cpu { ms }), how))
}

async fn timeout(ground: &Ground) -> Tried {
    let ms = narrowed::timeout_ms(ground.limits, ground.over_all);
    let Ended { outcome, took } = ground.types("timeout", "").await?;
    let how = format!("waited in the host{}: {}", narrowed_to(ms, ground.limits.timeout_ms), words(&outcome));
    let held = outcome == Outcome::Limit(Limit::Timeout { ms }) && millis(took) <= u64::from(ms) + LATE_MS;
    Ok((Some(millis(took)), held, how))
}

async fn command(ground: &Ground) -> Tried {
    let (Limits { timeout_ms, .. }, HostLimits { command_ms, .. }) = (ground.limits, ground.over_all);
    if timeout_ms < command_ms {
        return Err("timeout_ms is less, and ends every call before".into());
    }
    let Ended { outcome, took } = ground.types("sleep", "").await?;
    let held = outcome == Outcome::Limit(Limit::Deadline) && millis(took) <= u64::from(command_ms) + LATE_MS;
    Ok((Some(millis(took)), held, format!("waited in the host: {}", words(&outcome))))
}

async fn log(ground: &Ground, plugin: &str, what: &str) -> Tried {
    let kib = narrowed::log_kib(ground.limits);
    let lines = u64::from(kib) * 1024 / 200 * 2;
    count(ground, plugin, &lines.to_string()).await?;
    let volume = ground.heard.of(plugin);
    let held = volume.bytes <= u64::from(kib) * 1024 && volume.dropped > 0;
    let narrowed = narrowed_to(kib, ground.limits.log_kib);
    let how = format!("wrote {lines} lines to {what}{narrowed}: {} were dropped", volume.dropped);
    Ok((Some(volume.bytes.div_ceil(1024)), held, how))
}

async fn handles(ground: &Ground) -> Tried {
    let handles = ground.limits.handles;
    let (open, _) = count(ground, "handles", &handles.to_string()).await?;
    let Ended { outcome, .. } = ground.types("handles", &(open + 1).to_string()).await?;
    let held = outcome == Outcome::Limit(Limit::Handles { handles });
    Ok((Some(open), held, format!("opened one more: {}", words(&outcome))))
}

async fn passed(ground: &Ground) -> Tried {
    let (memory_mib, mib) = (ground.limits.memory_mib, narrowed::passed_mib(ground.limits));
    let bytes = u64::from(mib) * MIB;
    if u64::from(memory_mib) * MIB <= bytes + 2 * AROUND_BYTES {
        return Err("memory_mib is no more than it: no plugin has so much to pass".into());
    }
    let Ended { outcome: under, .. } = ground.types("reply", &(bytes - AROUND_BYTES).to_string()).await?;
    let Ended { outcome: over, .. } = ground.types("reply", &(bytes + AROUND_BYTES).to_string()).await?;
    let held = under.succeeded() && over.crashed();
    let (narrowed, kib) = (narrowed_to(mib, ground.limits.passed_mib), AROUND_BYTES / 1024);
    let how = format!("a reply {kib} KiB less{narrowed}: {}; {kib} KiB more: {}", words(&under), words(&over));
    Ok((Some(mib.into()), held, how))
}

async fn cut(ground: &Ground) -> Tried {
    let Ended { outcome, .. } = ground.types("cut", "").await?;
    let Outcome::Replied(Some(reply)) = &outcome else { return Err(words(&outcome)) };
    let units = reply.text.encode_utf16().count();
    let (whole, rest) = (reply.text.trim_end_matches('…'), reply.text.ends_with('…'));
    let held = units <= REPLY_UNITS_MAX && rest && whole.chars().all(|c| c == 'x');
    Ok((Some(units as u64), held, format!("a reply to be cut to {REPLY_UNITS_MAX} units in the middle of a character")))
}

async fn kv_value(ground: &Ground) -> Tried {
    let bytes = u64::from(ground.limits.kv_value_kib) * 1024;
    let (fits, _) = count(ground, "kv-value", &format!("0 {bytes}")).await?;
    let (over, error) = count(ground, "kv-value", &format!("0 {}", bytes + 1)).await?;
    Ok((Some(bytes / 1024), fits > 0 && over == 0, format!("set a value one byte larger: {error}")))
}

async fn kv_writes(ground: &Ground) -> Tried {
    let Limits { kv_writes, kv_keys, .. } = ground.limits;
    if kv_keys <= kv_writes {
        return Err("kv_keys is no more, and is reached before".into());
    }
    let (keys, error) = count(ground, "kv-writes", "0 0").await?;
    Ok((Some(keys), keys == u64::from(kv_writes), format!("set keys in one call: {error}")))
}

async fn kv_reads(ground: &Ground) -> Tried {
    let (reads, error) = count(ground, "reads", "").await?;
    Ok((Some(reads), reads == u64::from(ground.limits.kv_reads), format!("read a key in one call: {error}")))
}

async fn kv_keys(ground: &Ground) -> Tried {
    let most = narrowed::kv_keys(ground.limits);
    let (keys, calls, error) = until_full(ground, "kv-keys", u64::from(most), |done| format!("{done} 0")).await?;
    let narrowed = narrowed_to(most, ground.limits.kv_keys);
    Ok((Some(keys), keys == u64::from(most), format!("set keys in {calls} calls{narrowed}: {error}")))
}

async fn kv_mib(ground: &Ground) -> Tried {
    let (mib, value) = (narrowed::kv_mib(ground.limits), u64::from(ground.limits.kv_value_kib) * 1024);
    let most = u64::from(mib) * MIB;
    if u64::from(ground.limits.kv_keys) * value <= most {
        return Err("kv_keys of the largest values are no more, and kv_keys is reached before".into());
    }
    let (keys, calls, error) = until_full(ground, "kv-mib", most / value, |done| format!("{done} {value}")).await?;
    let bytes = keys * value;
    // A value and its key, of at most 20 digits, did not fit any more.
    let held = bytes <= most && bytes + (value + 20) * 2 + keys * 20 > most;
    let narrowed = narrowed_to(mib, ground.limits.kv_mib);
    Ok((Some(bytes.div_ceil(MIB)), held, format!("set values of {value} bytes in {calls} calls{narrowed}: {error}")))
}

async fn timers(ground: &Ground) -> Tried {
    let most = narrowed::timers(ground.limits);
    let (timers, calls, error) = until_full(ground, "timers", u64::from(most), |done| format!("{done} 1000")).await?;
    let narrowed = narrowed_to(most, ground.limits.timers);
    Ok((Some(timers), timers == u64::from(most), format!("set timers in {calls} calls{narrowed}: {error}")))
}

/// Calls until nothing more can be set, or more was than may be. Gives how many were, in how many calls, and why it ended.
async fn until_full(
    ground: &Ground,
    plugin: &str,
    most: u64,
    args: impl Fn(u64) -> String,
) -> Result<(u64, u32, String), String> {
    let (mut done, mut calls) = (0, 0);
    loop {
        let (more, error) = count(ground, plugin, &args(done)).await?;
        (done, calls) = (done + more, calls + 1);
        if more == 0 || done > most {
            return Ok((done, calls, error));
        }
    }
}

async fn emits(ground: &Ground) -> Tried {
    if ground.limits.emits_per_minute <= ground.limits.emits {
        return Err("emits_per_minute is no more, and is reached before".into());
    }
    let (events, error) = count(ground, "emits", "").await?;
    Ok((Some(events), events == u64::from(ground.limits.emits), format!("emitted events in one call: {error}")))
}

async fn emits_per_minute(ground: &Ground) -> Tried {
    let most = narrowed::emits_per_minute(ground.limits);
    let (events, calls, error) = until_full(ground, "emits-per-minute", u64::from(most), |_| String::new()).await?;
    let narrowed = narrowed_to(most, ground.limits.emits_per_minute);
    Ok((Some(events), events == u64::from(most), format!("emitted events in {calls} calls{narrowed}: {error}")))
}

async fn stack(ground: &Ground) -> Tried {
    let kib = ground.over_all.stack_kib;
    let Ended { outcome, .. } = ground.types("stack", "").await?;
    let held = outcome == Outcome::Limit(Limit::Stack { kib });
    Ok((Some(kib.into()), held, format!("called itself without end: {}", words(&outcome))))
}

async fn table(ground: &Ground) -> Tried {
    let most = u64::from(ground.over_all.table_elements);
    let (elements, _) = count(ground, "table", "").await?;
    let is_less = elements + 1 < most && elements * 8 + MIB / 8 < u64::from(ground.limits.memory_mib) * MIB;
    let how =
        if elements < most { "grew a table until memory_mib refused it" } else { "grew a table until it was refused" };
    Ok((Some(elements), elements <= most && !is_less, how.into()))
}

fn instances(ground: &Ground) -> Tried {
    let most = ground.over_all.instances;
    if let Some(problem) = ground.problem("instances-at") {
        return Err(format!("a component of {most} instances was not loaded: {problem}"));
    }
    let problem = ground.problem("instances-over");
    let how = format!("a component of one more: {}", problem.as_deref().unwrap_or("was loaded"));
    Ok((Some(most.into()), problem.is_some(), how))
}

fn file(ground: &Ground) -> Tried {
    let most = ground.over_all.plugin_file_mib;
    if let Some(problem) = ground.problem("file-at") {
        return Ok((None, false, format!("a file of {most} MiB was not loaded: {problem}")));
    }
    let problem = ground.problem("file-over");
    let at = if most <= LARGE_MIB_MAX { "; one of just as much is loaded" } else { "" };
    let how = format!("a file one byte larger: {}{at}", problem.as_deref().unwrap_or("was loaded"));
    Ok((Some(most.into()), problem.is_some(), how))
}

fn describe(ground: &Ground) -> Tried {
    refused(ground, "describe", "computed for ever when it was asked what it is")
}

/// A file that must not be served.
fn refused(ground: &Ground, plugin: &str, what: &str) -> Tried {
    let problem = ground.problem(plugin);
    Ok((None, problem.is_some(), format!("{what}: {}", problem.as_deref().unwrap_or("was loaded"))))
}

/// The number with which a plugin replies, and what it says behind it.
async fn count(ground: &Ground, plugin: &str, args: &str) -> Result<(u64, String), String> {
    let Ended { outcome, .. } = ground.types(plugin, args).await?;
    let Outcome::Replied(Some(reply)) = &outcome else {
        return Err(format!("it ended otherwise: {}", words(&outcome)));
    };
    let (number, error) = reply.text.split_once(' ').unwrap_or((&reply.text, "nothing was refused"));
    let number = number.parse().map_err(|_| format!("it replied {:?}", reply.text))?;
    Ok((number, error.into()))
}

/// How a call ended, in one line.
fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Limit(limit) => limit.to_string(),
        Outcome::Trapped(trap) => format!("trapped: {}", trap.cause),
        other => other.name().into(),
    }
}

/// What to say of a limit that a grant made narrower for the try.
fn narrowed_to(tried: u32, configured: u32) -> String {
    if tried < configured { format!(", narrowed to {tried} by a grant") } else { String::new() }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
