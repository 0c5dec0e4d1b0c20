//! Services without a sandbox.

use std::time::Instant;

use slashbox_core::{Command, HostLimits, Limits, Origin, PluginId};
use slashbox_store::{Change, Store};

use super::*;
use crate::{Input, emit_rate::EmitRate, guest::Hosts};

pub(super) const NOW_MS: u64 = 1_000;

/// A command of the tenant `acme`.
pub(crate) fn command() -> Command {
    let (tenant, source, dialect) = ("acme".into(), "support".into(), "hotline".into());
    Command {
        id: "1".into(),
        name: "/x".parse().unwrap(),
        args: String::new(),
        conversation: None,
        operator: None,
        contact: None,
        message: None,
        occurred_at_ms: 0,
        origin: Origin { tenant, source, dialect, instance: None },
        data: "null".into(),
        envelope: String::new(),
    }
}

/// The services of a call of the plugin `notes` for the tenant `acme`.
pub(super) fn services(store: &Store, limits: Limits) -> Services {
    let (plugin, environment, hosts) = (PluginId::shared("notes"), Vec::new(), Hosts::default());
    let (host, emit_rate) = (HostLimits::default(), EmitRate::new(limits.emits_per_minute));
    let spec = SandboxSpec { plugin, limits, host, environment, hosts, emit_rate, egress: None };
    let call = Call { input: Input::Command(Arc::new(command())), now_ms: NOW_MS, deadline: Instant::now() };
    Services::new(Arc::new(spec), call, store.reader())
}

/// Commits what such a call changed.
pub(super) async fn commit(store: &Store, effects: Effects) {
    let scope = Scope { tenant: "acme".into(), plugin: "notes".into() };
    let (origin, quota) = (command().origin, Limits::default().quota());
    let change = Change { scope, effects, quota, origin, conversation: None, events: Vec::new() };
    store.commit(change, NOW_MS).await.unwrap();
}

fn text(result: Result<(), ServiceError>) -> String {
    match result.unwrap_err() {
        ServiceError::Invalid(text) => format!("invalid: {text}"),
        ServiceError::Limit(text) => format!("limit: {text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn timers_are_checked_and_bounded() {
    let store = Store::in_memory().unwrap();
    let mut call = services(&store, Limits { timers: 2, ..Limits::default() });
    call.set_timer("a".into(), 0, "null".into()).await.unwrap();
    let at = |call: &Services, key: &str| match &call.effects.timers[key] {
        slashbox_core::TimerWrite::Set { due_at_ms, .. } => *due_at_ms,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(&call, "a"), NOW_MS + 1_000);
    call.set_timer("b".into(), 5_000, "[1]".into()).await.unwrap();
    assert_eq!(at(&call, "b"), NOW_MS + 5_000);
    let third = call.set_timer("c".into(), 5_000, "1".into()).await;
    assert_eq!(text(third), "limit: timer \"c\": limit of 2 timers reached");
    call.set_timer("b".into(), 9_000, "2".into()).await.unwrap();
    commit(&store, call.into_effects()).await;

    let mut call = services(&store, Limits { timers: 2, ..Limits::default() });
    let third = call.set_timer("c".into(), 5_000, "1".into()).await;
    assert_eq!(text(third), "limit: timer \"c\": limit of 2 timers reached");
    assert_eq!(
        text(call.set_timer(String::new(), 1, "1".into()).await),
        "invalid: timer key of 0 bytes: expected 1 to 512"
    );
    let late = call.set_timer("a".into(), u64::MAX, "1".into()).await;
    assert!(text(late).starts_with("invalid: timer \"a\" after 18446744073709551615 ms: expected at most"));
    let wrong = call.set_timer("a".into(), 1, "{".into()).await;
    assert!(text(wrong).starts_with("invalid: timer \"a\": its data is no JSON"));
    let large = call.set_timer("a".into(), 1, format!("\"{}\"", "x".repeat(64 * 1024))).await;
    assert_eq!(text(large), "invalid: timer \"a\" with 65538 bytes of data: expected at most 65536");
}

#[tokio::test]
async fn events_are_checked_and_bounded() {
    let store = Store::in_memory().unwrap();
    let mut call = services(&store, Limits { emits: 2, ..Limits::default() });
    for kind in ["", "a b", "*", "a.*", "/x", ".a"] {
        assert!(text(call.emit(kind.into(), None, "1".into())).starts_with("invalid: event "), "{kind}");
    }
    assert!(text(call.emit("a".into(), None, "".into())).starts_with("invalid: event \"a\": its data is no JSON"));
    let long = call.emit("a".into(), Some("x".repeat(1_025)), "1".into());
    assert_eq!(text(long), "invalid: event \"a\": conversation of 1025 bytes: expected at most 1024");
    call.emit("a.b".into(), Some("1:2".into()), "{}".into()).unwrap();
    call.emit("a".into(), None, "1".into()).unwrap();
    assert_eq!(
        text(call.emit("a".into(), None, "1".into())),
        "limit: event \"a\": limit of 2 events in a call reached"
    );
    assert_eq!(call.effects.emits.len(), 2);
}

#[tokio::test]
async fn a_chain_of_emissions_ends() {
    let store = Store::in_memory().unwrap();
    let mut call = services(&store, Limits::default());
    let mut at = |hops| {
        let event = slashbox_core::Event { hops, ..slashbox_core::Event::from(&command()) };
        call.call.input = Input::Event { event: Arc::new(event), attempt: 1 };
        call.emit("a".into(), None, "1".into())
    };
    at(7).unwrap();
    assert_eq!(text(at(8)), "limit: event \"a\": limit of 8 emissions from the event that came from outside reached");
}

#[tokio::test]
async fn a_call_leaves_no_more_behind_than_one_commit_takes() {
    let store = Store::in_memory().unwrap();
    let mut call = services(&store, Limits::default());
    // With its two quotes, and a key of two bytes.
    let large = format!("\"{}\"", "x".repeat(64 * 1024 - 2));
    for number in 10..73 {
        call.set_timer(number.to_string(), 1, large.clone()).await.unwrap();
    }
    let reached = "limit of 4194304 bytes written in one call reached";
    let timer = call.set_timer("73".into(), 1, large.clone()).await;
    assert_eq!(text(timer), format!("limit: timer \"73\": {reached}"));
    assert_eq!(text(call.emit("a".into(), None, large.clone())), format!("limit: event \"a\": {reached}"));
    // One in the place of another takes no more.
    call.set_timer("10".into(), 9, large.clone()).await.unwrap();
    call.set_timer("10".into(), 9, "1".into()).await.unwrap();
    call.emit("a".into(), None, large).unwrap();
}

#[tokio::test]
async fn a_call_changes_no_more_timers_than_it_may() {
    let store = Store::in_memory().unwrap();
    let mut call = services(&store, Limits { kv_writes: 2, ..Limits::default() });
    call.set_timer("a".into(), 1, "1".into()).await.unwrap();
    call.cancel_timer("b".into()).unwrap();
    let reached = "limit: timer \"c\": limit of 2 timers changed in one call reached";
    assert_eq!(text(call.set_timer("c".into(), 1, "1".into()).await), reached);
    assert_eq!(text(call.cancel_timer("c".into())), reached);
    call.set_timer("b".into(), 1, "1".into()).await.unwrap();
}

#[tokio::test]
async fn what_is_emitted_is_counted_once_the_call_has_succeeded() {
    let store = Store::in_memory().unwrap();
    let limits = Limits { emits_per_minute: 2, ..Limits::default() };
    let mut failed = services(&store, limits);
    failed.emit("a".into(), None, "1".into()).unwrap();
    let spec = failed.spec.clone();
    drop(failed);
    let again = || Services { spec: spec.clone(), ..services(&store, limits) };
    let mut call = again();
    call.emit("a".into(), None, "1".into()).unwrap();
    call.emit("a".into(), None, "1".into()).unwrap();
    let reached = "limit: event \"a\": limit of 2 events in a minute reached";
    assert_eq!(text(call.emit("a".into(), None, "1".into())), reached);
    call.into_effects();
    assert_eq!(text(again().emit("a".into(), None, "1".into())), reached);
}
