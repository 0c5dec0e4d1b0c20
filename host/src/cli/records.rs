//! Events and their deliveries as a running host tells of them, for people: each is shown alone and with the other.

use anstyle::Style;
use serde::Deserialize;
use serde_json::value::RawValue;
use slashbox_core::DeliveryState;

use super::{
    paint::{BAD, BOLD, GOOD, ODD, paint},
    table::{Cell, Table, facts},
    text::{long_time, plain, short_time},
};

/// What is shown of one event.
#[derive(Deserialize)]
pub(super) struct EventRecord {
    id: String,
    tenant: String,
    source: String,
    dialect: String,
    instance: Option<String>,
    kind: String,
    native_kind: String,
    conversation: Option<String>,
    contact: Option<String>,
    operator: Option<String>,
    sender: String,
    message: Option<String>,
    occurred_at: String,
    accepted_at: String,
    text: Option<String>,
    data: Box<RawValue>,
    payload_gone: bool,
}

/// What is shown of a delivery.
#[derive(Deserialize)]
pub(super) struct DeliveryRecord {
    id: String,
    event_kind: String,
    tenant: String,
    subscriber: Subscriber,
    state: String,
    parked: bool,
    set_aside: bool,
    replay: bool,
    dead_why: Option<String>,
    attempt_count: u32,
    ready_at: Option<String>,
    last_attempt: Option<Attempt>,
}

#[derive(Deserialize)]
struct Subscriber {
    kind: String,
    name: String,
}

/// An attempt to deliver.
#[derive(Deserialize)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) at: String,
    pub(super) took_ms: u64,
    pub(super) fault: Option<String>,
    pub(super) detail: String,
    pub(super) answer: String,
}

impl EventRecord {
    pub(super) fn print(self) {
        let kind = if self.kind == self.native_kind {
            self.kind.clone()
        } else {
            format!("{} ({})", self.kind, self.native_kind)
        };
        let gone = "removed in the course of time".to_owned();
        let data = if self.payload_gone { gone } else { self.data.get().to_owned() };
        let of = if self.tenant == "default" { String::new() } else { format!(" of {}", self.tenant) };
        facts(
            &format!("{} {}", paint(BOLD, "event"), plain(&self.id)),
            &[
                ("kind", Some(kind)),
                ("source", Some(format!("{}{of} ({})", self.source, self.dialect))),
                ("instance", self.instance),
                ("conversation", self.conversation),
                ("contact", self.contact),
                ("operator", self.operator),
                ("sender", Some(self.sender)),
                ("message", self.message),
                ("occurred", Some(long_time(&self.occurred_at))),
                ("accepted", Some(long_time(&self.accepted_at))),
                ("text", self.text),
                ("data", Some(data)),
            ],
        );
    }
}

/// Deliveries in a list.
pub(super) fn table(deliveries: Vec<DeliveryRecord>) -> Table {
    let headings = ["ID", "KIND", "SUBSCRIBER", "TENANT", "STATE", "ATTEMPTS", "NEXT (UTC)", "LAST (UTC)", "DETAIL"];
    let mut table = Table::new(headings);
    for delivery in deliveries {
        let (state, style) = delivery.state();
        let next = delivery.next().map(short_time).unwrap_or_default();
        let (last, detail) = match &delivery.last_attempt {
            Some(last) => (short_time(&last.at), last.detail.as_str()),
            None => Default::default(),
        };
        let detail = delivery.dead_why.as_deref().map_or(detail, dead_why);
        table.row([
            Cell::new(&delivery.id),
            Cell::styled(BOLD, &delivery.event_kind),
            Cell::new(delivery.to()),
            Cell::new(of_tenant(&delivery.tenant)),
            Cell::styled(style, state),
            Cell::new(delivery.attempt_count.to_string()),
            Cell::new(next),
            Cell::new(last),
            Cell::new(detail),
        ]);
    }
    table
}

/// Why a delivery is dead of which no attempt tells, in words.
fn dead_why(why: &str) -> &str {
    match why {
        "backlog" => "too many were waiting: it was the oldest",
        "waited" => "it had waited for too long",
        "absent" => "its subscriber was absent for too long",
        other => other,
    }
}

impl DeliveryRecord {
    pub(super) fn print(self) {
        let (state, style) = self.state();
        let title = format!("{} {}  {}", paint(BOLD, "delivery"), plain(&self.id), paint(style, plain(state)));
        let tenant = Some(of_tenant(&self.tenant).to_owned()).filter(|tenant| !tenant.is_empty());
        let next = self.next().map(long_time);
        let attempts = self.attempt_count.to_string();
        let marks = [(self.set_aside, "others of its conversation overtake it"), (self.replay, "replayed")];
        let marks: Vec<&str> = marks.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark)).collect();
        let marks = Some(marks.join(", ")).filter(|marks| !marks.is_empty());
        facts(
            &title,
            &[
                ("to", Some(self.to())),
                ("tenant", tenant),
                ("attempts", Some(attempts)),
                ("next", next),
                ("marks", marks),
                ("why dead", self.dead_why.as_deref().map(|why| dead_why(why).to_owned())),
            ],
        );
    }

    fn to(&self) -> String {
        format!("{} {}", self.subscriber.kind, self.subscriber.name)
    }

    /// When it is attempted. Of one that is parked nobody knows, and a lease's end is nothing to wait for.
    fn next(&self) -> Option<&str> {
        let due = self.state == DeliveryState::Due.name() && !self.parked;
        self.ready_at.as_deref().filter(|_| due)
    }

    /// How it stands, for people.
    fn state(&self) -> (&str, Style) {
        match self.state.parse() {
            _ if self.parked => ("parked", ODD),
            Ok(DeliveryState::Succeeded) => (&self.state, GOOD),
            Ok(DeliveryState::Dead) => (&self.state, BAD),
            _ if self.attempt_count > 0 => (&self.state, ODD),
            _ => (&self.state, Style::new()),
        }
    }
}

/// A tenant's name, if there is need to say it.
pub(super) fn of_tenant(tenant: &str) -> &str {
    if tenant == "default" { "" } else { tenant }
}
