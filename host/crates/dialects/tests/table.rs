//! `docs/platforms.md` says what the dialects do: each of its tables is compared with them. So are the examples of what
//! receivers get, in the guides.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is a test: a failed expectation is how it reports"
)]

use std::collections::BTreeSet;

use http::HeaderName;
use serde_json::{Value, json};
use slashbox_core::{Dedupe, Event, Sender};
use slashbox_dialects::{
    Arrival, Credential, Credentials, Dialect, Format, Others, Received, Recipient, Request, Secret,
};

const NOW_MS: u64 = 1_800_000_000_000;

/// 2026-03-11T10:00:00Z.
const EXAMPLES_AT_MS: u64 = 1_773_223_200_000;

/// 2025-10-08T20:41:00Z.
const MINUTE_MS: u64 = 1_759_956_060_000;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The id of the event of each example.
const ID: &str = "01KKE5Z4M0T9X3V7B1N5C8D2FG";

fn document(name: &str) -> String {
    let path = format!("{}/../../../docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A table of the document: its head, and its other rows.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The one whose head begins with this cell.
    fn of(first: &str) -> Self {
        let text = document("platforms");
        let cells = |line: &str| -> Vec<String> {
            let inner = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')).unwrap();
            inner.split('|').map(|cell| cell.trim().into()).collect()
        };
        let from_head = text.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
        let mut rows = from_head.take_while(|line| line.starts_with('|')).map(cells);
        let head = rows.next().unwrap_or_else(|| panic!("no table begins with {first}"));
        let rows: Vec<_> = rows.skip(1).collect();
        assert!(rows.iter().all(|row| row.len() == head.len()), "{first}: a row has another number of cells");
        Self { head, rows }
    }

    /// Each row's first cell, without its backticks, and its cell of this dialect.
    fn column(&self, dialect: Dialect) -> impl Iterator<Item = (&str, &str)> {
        let at = self.head.iter().position(|name| name == dialect.name()).unwrap();
        self.rows.iter().map(move |row| (row[0].trim_matches('`'), row[at].as_str()))
    }
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_dialect_has_a_column_and_no_other() {
    let names: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    for first in ["kind", "field"] {
        assert_eq!(Table::of(first).head[1..], names);
    }
    let of_repetitions = Table::of("dialect");
    assert!(of_repetitions.rows.iter().map(|row| row[0].trim_matches('`')).eq(names));
}

#[test]
fn kinds_and_names_are_those_of_the_dialects() {
    let table = Table::of("kind");
    for &dialect in Dialect::ALL {
        let documented: BTreeSet<_> = table
            .column(dialect)
            .flat_map(|(kind, cell)| quoted(cell).into_iter().map(move |native| (kind, native)))
            .collect();
        let known: BTreeSet<_> = dialect.kinds().iter().map(|kind| (kind.canonical, kind.native)).collect();
        assert_eq!(documented, known, "{dialect}");
        let of_others = match dialect.others() {
            Others::Native => "native.NAME",
            Others::Chosen(kind) => kind,
            Others::Kind => "KIND",
        };
        for (kind, cell) in table.column(dialect) {
            assert_eq!(cell.starts_with("any other"), kind == of_others, "{dialect}: {kind}");
            assert_eq!(cell.starts_with("a command"), kind == "/NAME" && dialect.has_commands(), "{dialect}: {kind}");
        }
    }
}

/// The dialects do with their samples as they say of themselves, and so as the table says.
#[test]
fn samples_have_the_kinds_of_the_table() {
    for &dialect in Dialect::ALL {
        for (event, _) in samples(dialect).iter().filter_map(|sample| read(dialect, sample)) {
            let is_listed = |kind: &&slashbox_dialects::Kind| kind.native == event.native_kind;
            let listed: Vec<_> = dialect.kinds().iter().filter(is_listed).map(|kind| kind.canonical).collect();
            match dialect.others() {
                _ if event.is_command() => assert!(dialect.has_commands()),
                Others::Chosen(kind) if listed.is_empty() => assert_eq!(event.kind, kind),
                Others::Kind => assert!(listed.is_empty()),
                Others::Native | Others::Chosen(_) => assert!(listed.contains(&&*event.kind), "{event:?}"),
            }
        }
    }
}

#[test]
fn formats_are_those_that_there_are() {
    let yes_or_no = |can: bool| if can { "yes" } else { "no" };
    let expected: Vec<_> = Format::all().map(|format| (format.name(), yes_or_no(format.has_commands()))).collect();
    let table = Table::of("`format`");
    let documented: Vec<_> = table.rows.iter().map(|row| (row[0].trim_matches('`'), row[2].as_str())).collect();
    assert_eq!(documented, expected);
}

/// In the documents, the first example behind a heading is what is sent: of what came in by a dialect, in a format.
#[test]
fn examples_are_what_is_sent() {
    for format in Format::all() {
        check_example("webhooks", &format!("\n#### `{format}`\n"), ("inbox", "conversation_closed"), format.name());
    }
    for format in ["hotline", "sendpulse", "tg-staff", "inbox"] {
        let heading = if format == "tg-staff" { "\n### The body\n" } else { "\n## What a receiver gets\n" };
        check_example(format, heading, ("native", "message"), format);
    }
    check_example("native", "\n## What a receiver gets\n", ("tg-staff", "message_from_agent"), "native");
}

#[track_caller]
fn check_example(name: &str, heading: &str, (dialect, sample): (&str, &str), format: &str) {
    let text = document(name);
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("{name} has no heading {heading:?}"));
    let (_, example) = section.split_once("```json\n").unwrap();
    let example: Value = serde_json::from_str(example.split_once("```").unwrap().0).unwrap();
    let dialect: Dialect = dialect.parse().unwrap();
    let sample = dialect.samples().iter().find(|known| known.name == sample).unwrap();
    let (mut event, _) = read(dialect, &serde_json::from_str(sample.body).unwrap()).unwrap();
    if event.occurred_at_ms == NOW_MS {
        event.occurred_at_ms = EXAMPLES_AT_MS; // What says no time happened when it came in.
    }
    let format: Format = format.parse().unwrap();
    let to = Recipient { api_key: Some("crm-key-of-mine"), hmac_secret: None };
    let sent: Value = serde_json::from_str(&format.event(&event, &to).body).unwrap();
    assert_eq!(example, sent, "{name}, {heading:?}");
}

/// Each path is where its field is read from, before all that stand behind it.
#[test]
fn fields_are_read_from_where_the_table_says() {
    let table = Table::of("field");
    for &dialect in Dialect::ALL {
        for (field, cell) in table.column(dialect).filter(|(field, _)| *field != "id") {
            for alternative in cell.split(';') {
                let paths = paths(alternative);
                let reads =
                    |sample: &Value| (0..paths.len()).all(|first| is_read(dialect, field, sample, &paths, first));
                assert!(paths.is_empty() || samples(dialect).iter().any(reads), "{dialect}, {field}: {alternative}");
            }
        }
    }
}

/// Whether a field is the value at a path, in a sample that has values there and at all paths behind it, and none before.
fn is_read(dialect: Dialect, field: &str, sample: &Value, paths: &[Path], first: usize) -> bool {
    let mut body = sample.clone();
    paths.iter().for_each(|path| path.remove(&mut body));
    let mut expected = String::new();
    for (number, path) in paths.iter().enumerate().skip(first).rev() {
        expected = path.fill(&mut body, &|place| value(dialect, field, number + place * 100));
    }
    read(dialect, &body).and_then(|(event, _)| typed(field, &event)).is_some_and(|read| read == expected)
}

/// What a sample says has a cell, and comes from nowhere but from the paths of that cell.
#[test]
fn what_samples_say_is_read_from_nowhere_else() {
    let table = Table::of("field");
    for &dialect in Dialect::ALL {
        for (field, cell) in table.column(dialect) {
            let is_there = |body: &Value| read(dialect, body).is_some_and(|(event, _)| typed(field, &event).is_some());
            for mut sample in samples(dialect).into_iter().filter(is_there) {
                assert!(!cell.is_empty(), "{dialect}: {field} is read of {sample}");
                let paths: Vec<_> = cell.split(';').flat_map(paths).collect();
                paths.iter().for_each(|path| path.remove(&mut sample));
                // Who wrote it, the event's name may say as well.
                assert!(!is_there(&sample) || field == "sender", "{dialect}: {field} is read of {sample}");
            }
        }
    }
}

/// The same id is the same event for a day, whatever else it says.
#[test]
fn ids_are_read_from_where_the_table_says() {
    let table = Table::of("field");
    for &dialect in Dialect::ALL {
        let (_, cell) = table.column(dialect).find(|(field, _)| *field == "id").unwrap();
        let keys = |id: &str| -> Vec<Option<Dedupe>> {
            let events = samples(dialect).into_iter().filter(|sample| sample.get("command").is_none());
            let key = |mut sample: Value| {
                paths(cell).iter().for_each(|path| drop(path.fill(&mut sample, &|_| (id.into(), id.into()))));
                read(dialect, &sample).and_then(|(_, dedupe)| dedupe).filter(|dedupe| dedupe.ttl_ms == DAY_MS)
            };
            events.map(key).collect()
        };
        let (one, other) = (keys("one"), keys("other"));
        assert!(one.iter().all(|key| key.is_none() == cell.is_empty() && *key == one[0]), "{dialect}");
        assert!(cell.is_empty() || one[0] != other[0], "{dialect}");
    }
}

/// Where a field is read from: `a.b`, or of several places `{a.b}:{c >> 20}`.
struct Path(String);

/// Those of a cell, or of one of its alternatives, in their order. Of several with `[data.]`, all in `data` come before all
/// beside it.
fn paths(alternative: &str) -> Vec<Path> {
    let of_part = |part| {
        let beside = quoted(part).into_iter().filter(|path: &&str| path.starts_with("[data.]"));
        let all = quoted(part).into_iter().map(|path| path.replace("[data.]", "data."));
        all.chain(beside.map(|path| path.replace("[data.]", ""))).map(Path).collect::<Vec<_>>()
    };
    alternative.split("then").flat_map(of_part).collect()
}

impl Path {
    /// What is as it stands, and the places between, each with the bits that are cut off.
    fn places(&self) -> Vec<(&str, u32)> {
        let braced = if self.0.contains('{') { self.0.split('{').skip(1).collect() } else { vec![self.0.as_str()] };
        let places = braced.into_iter().map(|text| text.split('}').next().unwrap());
        places.map(with_bits).collect()
    }

    fn remove(&self, body: &mut Value) {
        for (place, _) in self.places() {
            let (parent, name) = parent(body, place);
            parent.as_object_mut().and_then(|parent| parent.remove(name));
        }
    }

    /// Puts values there, each by its place's number; gives back what becomes of them.
    fn fill(&self, body: &mut Value, value: &dyn Fn(usize) -> (String, String)) -> String {
        let mut whole = self.0.clone();
        for (number, (place, bits)) in self.places().into_iter().enumerate() {
            let (written, read) = value(number);
            let (parent, name) = parent(body, place);
            if !parent.is_object() {
                *parent = json!({});
            }
            parent[name] = if bits == 0 { json!(written) } else { json!(written.parse::<i64>().unwrap() << bits) };
            let shown = if bits == 0 { place.into() } else { format!("{place} >> {bits}") };
            whole = whole.replace(&format!("{{{shown}}}"), &read);
            if whole == place {
                whole = read;
            }
        }
        whole
    }
}

/// A place of `c >> 20`, and the bits.
fn with_bits(place: &str) -> (&str, u32) {
    place.split_once(" >> ").map_or((place, 0), |(place, bits)| (place, bits.parse().unwrap()))
}

/// The object that a place is in, made if it is none, and its name there. Of an array, it is in the first element.
fn parent<'v, 'p>(body: &'v mut Value, place: &'p str) -> (&'v mut Value, &'p str) {
    let mut object = if body.is_array() { &mut body[0] } else { body };
    let (parents, name) = place.rsplit_once('.').unwrap_or(("", place));
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        if !object.is_object() {
            *object = json!({});
        }
        object = &mut object[parent];
    }
    (object, name)
}

/// A value of a field, another one for each number: as it is written, and as it is read.
fn value(dialect: Dialect, field: &str, number: usize) -> (String, String) {
    match field {
        "sender" => {
            let name = Sender::ALL[number].name();
            (name.into(), name.into())
        }
        "occurred_at" => {
            let (between, behind) = if dialect == Dialect::HOTLINE { (" ", "") } else { ("T", "Z") };
            let written = format!("2025-10-08{between}20:41:{number:02}{behind}");
            (written, (MINUTE_MS + number as u64 * 1_000).to_string())
        }
        _ => ((number + 1_000).to_string(), (number + 1_000).to_string()),
    }
}

/// The field of this name; none if nothing is known.
fn typed(field: &str, event: &Event) -> Option<String> {
    match field {
        "conversation" => event.conversation.clone(),
        "contact" => event.contact.clone(),
        "operator" => event.operator.clone(),
        "sender" => Some(event.sender).filter(|sender| *sender != Sender::Unknown).map(|sender| sender.name().into()),
        "message" => event.message.clone(),
        "text" => event.text.clone().filter(|text| !text.is_empty()),
        "occurred_at" => Some(event.occurred_at_ms).filter(|&time| time != NOW_MS).map(|time| time.to_string()),
        "instance" => event.origin.instance.clone(),
        "id" => None, // It is no field: see `ids_are_read_from_where_the_table_says`.
        other => panic!("{other} is no field"),
    }
}

fn samples(dialect: Dialect) -> Vec<Value> {
    dialect.samples().iter().map(|sample| serde_json::from_str(sample.body).unwrap()).collect()
}

/// What a source of the dialect, which knows its sender by all that it can, makes of a body: its event, or its command as one.
/// None if it is refused, or a ping.
fn read(dialect: Dialect, body: &Value) -> Option<(Event, Option<Dedupe>)> {
    let secret = |credential: Credential| {
        let is_known = dialect.credentials().contains(&credential);
        is_known.then(|| Secret::new(&format!("the {credential} of the source")).unwrap())
    };
    let header = secret(Credential::AuthHeader).map(|secret| (HeaderName::from_static("x-key"), secret));
    let credentials = Credentials {
        api_key: secret(Credential::ApiKey),
        token: secret(Credential::Token),
        hmac_secret: secret(Credential::HmacSecret),
        auth_header: header,
    };
    let body = dialect.signed(body.to_string(), &credentials);
    let headers = credentials.headers(body.as_bytes()).unwrap();
    let received = Received { body: body.as_bytes(), headers: &headers, path_token: None };
    let arrival = Arrival { tenant: "default", source: "support", now_ms: NOW_MS, new_id: &|| ID.into() };
    match dialect.read(&received, &credentials, arrival).ok()? {
        Request::Command { command, .. } => Some((Event::from(&command), None)),
        Request::Events(mut events) => events.pop().map(|incoming| (incoming.event, incoming.dedupe)),
        Request::Ping => None,
    }
}
