//! slashbox's own dialect, for platforms that integrate directly: one JSON object a request, whose members are the typed
//! fields themselves.
//!
//! `command` makes it a command, `kind` an event. Nothing that is misspelled is overlooked: an unknown member is refused.
//! Errors are `application/problem+json`, as they are everywhere in slashbox's API. The same members, without the
//! credentials and with where it came from, are the data of the open formats.

use serde::Deserialize;
use serde_json::value::RawValue;
use slashbox_core::{Command, Event, Sender, TIMER_FIRED, is_kind};

use super::{Others, Wire};
use crate::{
    Answer, Answered, Arrival, Credential, Credentials, Incoming, Kind, Received, Recipient, Refusal, Rendered,
    ReplyStyle, Request, Sample, Shown, Taken, dedupe,
    fields::{id, text},
    json::{self, Members, Object, shown},
    request::check_size,
    sample::samples,
    time,
    translate::own_envelope,
};

/// The dialect.
pub(super) struct Native;

const SAMPLES: &[Sample] = samples!["native":
    "event" "an event of a kind of your own",
    "message" "a message from the contact",
    "command" "the command /mark, with the argument deal",
];

/// The media type of a refusal: RFC 9457.
const PROBLEM: &str = "application/problem+json";

/// The most bytes that are said of a body that cannot be read: the names of all members, and some more.
const REFUSAL_BYTES_MAX: usize = 1_000;

/// Where a sender may say by what a repetition is known.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The kinds that are the host's own to make.
const RESERVED: [&str; 2] = ["plugin.", "slashbox."];

impl Wire for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    /// Any: the sender says what it is.
    fn kinds(&self) -> &'static [Kind] {
        &[]
    }

    fn others(&self) -> Others {
        Others::Kind
    }

    fn has_commands(&self) -> bool {
        true
    }

    fn credentials(&self) -> &'static [Credential] {
        &[Credential::Token]
    }

    fn samples(&self) -> &'static [Sample] {
        SAMPLES
    }

    fn read(
        &self,
        received: &Received<'_>,
        credentials: &Credentials,
        arrival: Arrival<'_>,
    ) -> Result<Request, Refusal> {
        let body = credentials.taken_out_of_json(json::text_of(received.body)?);
        if let Some(first) = body.trim_start().chars().next().filter(|first| *first != '{') {
            return Err(malformed(format!("the body begins with {first:?}: expected a JSON object")));
        }
        let fields: Fields<'_> =
            serde_json::from_str(&body).map_err(|error| malformed(bounded(format!("the body: {error}"))))?;
        let key = fields.idempotency_key(received)?;
        match (fields.command, fields.kind) {
            (Some(_), None) => {
                Ok(Request::Command { command: fields.into_command(arrival, &body)?, idempotency_key: key })
            }
            (None, Some(_)) => {
                let dedupe = key.as_deref().map(dedupe::by_id);
                Ok(Request::Events(vec![Incoming { event: fields.into_event(arrival, &body)?, dedupe }]))
            }
            (None, None) => Err(malformed("`command` and `kind` are missing: expected one of them".into())),
            (Some(_), Some(_)) => Err(malformed("`command` and `kind` are both there: expected one of them".into())),
        }
    }

    fn answer(&self, answered: Answered, _style: ReplyStyle) -> Answer {
        let Answered { id, command, outcome, shown } = answered;
        let mut body = Object::new();
        body.text("id", &id).text("command", &command).text("outcome", outcome);
        match shown {
            Shown::Nothing => {}
            Shown::Message(reply) => {
                body.text("message", &reply.text).text("format", format_name(reply.format));
            }
            Shown::Error(error) => {
                body.text("error", &error);
            }
        }
        Answer { status: 200, content_type: Some("application/json"), body: body.finish(), retry_after_s: None }
    }

    fn accepted(&self, events: &[Taken], style: ReplyStyle) -> Answer {
        crate::answer::accepted(202, events, style)
    }

    fn refuse(&self, refusal: &Refusal, _style: ReplyStyle) -> Answer {
        let (status, code) = (refusal.status(), refusal.code());
        let mut body = Object::new();
        body.text("title", &code.replace('-', " ")).json("status", &status.to_string());
        body.text("code", code).text("detail", &refusal.to_string());
        let (content_type, retry_after_s) = (Some(PROBLEM), refusal.retry_after_s());
        Answer { status, content_type, body: body.finish(), retry_after_s }
    }

    fn render(&self, event: &Event, _to: &Recipient<'_>) -> Rendered {
        let mut body = own_envelope(event, self.name()).unwrap_or_else(|| members(event));
        body.json("data", &json::sound(&event.data));
        Rendered::json(body.finish())
    }
}

/// A member's name may be as long as the body.
fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(REFUSAL_BYTES_MAX));
    text
}

fn malformed(text: String) -> Refusal {
    Refusal::Malformed(text)
}

fn format_name(format: slashbox_core::Format) -> &'static str {
    match format {
        slashbox_core::Format::Plain => "plain",
        slashbox_core::Format::MarkdownV2 => "markdown-v2",
    }
}

/// The members, those whose texts are to stay as they are as they were written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'b> {
    #[serde(borrow, default)]
    command: Option<&'b RawValue>,
    #[serde(borrow, default)]
    args: Option<&'b RawValue>,
    #[serde(borrow, default)]
    kind: Option<&'b RawValue>,
    #[serde(borrow, default)]
    native_kind: Option<&'b RawValue>,
    #[serde(borrow, default)]
    id: Option<&'b RawValue>,
    #[serde(borrow, default)]
    conversation: Option<&'b RawValue>,
    #[serde(borrow, default)]
    contact: Option<&'b RawValue>,
    #[serde(borrow, default)]
    operator: Option<&'b RawValue>,
    #[serde(borrow, default)]
    sender: Option<&'b RawValue>,
    #[serde(borrow, default)]
    message: Option<&'b RawValue>,
    #[serde(borrow, default)]
    text: Option<&'b RawValue>,
    #[serde(borrow, default)]
    occurred_at: Option<&'b RawValue>,
    #[serde(borrow, default)]
    instance: Option<&'b RawValue>,
    #[serde(borrow, default)]
    data: Option<&'b RawValue>,
}

impl Fields<'_> {
    /// `id` and the header say the same, if both are there.
    fn idempotency_key(&self, received: &Received<'_>) -> Result<Option<String>, Refusal> {
        let own = id("id", self.id.map(RawValue::get))?.filter(|id| !id.is_empty());
        let Some(header) = received.headers.get(IDEMPOTENCY_KEY) else { return Ok(own) };
        let header = header.to_str().ok().map(str::trim).filter(|key| !key.is_empty());
        let header = header.map(json::string);
        let header = id("the header `idempotency-key`", header.as_deref())?
            .ok_or_else(|| malformed("the header `idempotency-key`: expected visible characters of ASCII".into()))?;
        match own {
            Some(own) if own != header => Err(malformed(format!(
                "`id` is {:?} and the header `idempotency-key` {:?}: expected the same",
                shown(&own),
                shown(&header)
            ))),
            _ => Ok(Some(header)),
        }
    }

    fn into_command(self, arrival: Arrival<'_>, body: &str) -> Result<Command, Refusal> {
        absent("a command", &[("text", self.text), ("sender", self.sender), ("native_kind", self.native_kind)])?;
        let name = string("command", self.command)?.unwrap_or_default();
        Ok(Command {
            id: (arrival.new_id)(),
            name: name.parse().map_err(|error| malformed(format!("`command`: {error}")))?,
            args: string("args", self.args)?.unwrap_or_default(),
            conversation: field("conversation", self.conversation)?,
            operator: field("operator", self.operator)?,
            contact: field("contact", self.contact)?,
            message: field("message", self.message)?,
            occurred_at_ms: self.occurred_at_ms()?.unwrap_or(arrival.now_ms),
            origin: arrival.origin(Native.name(), field("instance", self.instance)?),
            data: self.data.map_or("null", RawValue::get).into(),
            envelope: envelope(body),
        })
    }

    fn into_event(self, arrival: Arrival<'_>, body: &str) -> Result<Event, Refusal> {
        absent("an event", &[("args", self.args)])?;
        let (data, envelope) = (self.data.map_or("null", RawValue::get), envelope(body));
        check_size(None, data.len() + envelope.len())?;
        let kind = string("kind", self.kind)?.unwrap_or_default();
        check_kind(&kind)?;
        let native_kind = string("native_kind", self.native_kind)?;
        Ok(Event {
            id: (arrival.new_id)(),
            native_kind: native_kind.as_deref().map_or(&*kind, crate::kind::beginning).into(),
            kind,
            conversation: field("conversation", self.conversation)?,
            contact: field("contact", self.contact)?,
            operator: field("operator", self.operator)?,
            sender: self.sender()?,
            message: field("message", self.message)?,
            text: string("text", self.text)?,
            occurred_at_ms: self.occurred_at_ms()?.unwrap_or(arrival.now_ms),
            origin: arrival.origin(Native.name(), field("instance", self.instance)?),
            data: data.into(),
            envelope,
            hops: 0,
        })
    }

    fn sender(&self) -> Result<Sender, Refusal> {
        let Some(sender) = string("sender", self.sender)? else { return Ok(Sender::Unknown) };
        sender.parse().map_err(|error| malformed(format!("`sender`: {error}")))
    }

    fn occurred_at_ms(&self) -> Result<Option<u64>, Refusal> {
        let Some(written) = string("occurred_at", self.occurred_at)? else { return Ok(None) };
        time::rfc3339(&written).map(Some).ok_or_else(|| {
            let written = shown(&written);
            malformed(format!("`occurred_at` is {written:?}: expected a time as 2025-10-08T20:41:20Z (RFC 3339)"))
        })
    }
}

/// Of what the other sort has, but this one has not.
fn absent(what: &str, members: &[(&str, Option<&RawValue>)]) -> Result<(), Refusal> {
    match members.iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(malformed(format!("`{name}` is there: {what} has none"))),
        None => Ok(()),
    }
}

fn field(name: &str, value: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    id(name, value.map(RawValue::get))
}

fn string(name: &str, value: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let raw = value.map(RawValue::get);
    match raw.filter(|raw| !raw.starts_with(['"', 'n'])) {
        Some(raw) => Err(malformed(format!("`{name}` is {}: expected a string", shown(raw)))),
        None => text(name, raw),
    }
}

fn check_kind(kind: &str) -> Result<(), Refusal> {
    let quoted = shown(kind);
    if !is_kind(kind) {
        return Err(malformed(format!("`kind` is {quoted:?}: expected dotted words such as `message.received`")));
    }
    if kind == TIMER_FIRED || RESERVED.iter().any(|reserved| kind.starts_with(reserved)) {
        return Err(malformed(format!("`kind` is {quoted:?}: expected one that is not the host's own to make")));
    }
    Ok(())
}

/// The body without its data.
fn envelope(body: &str) -> String {
    Members::of(body).unwrap_or_default().without("data").finish()
}

/// The typed fields, but for `data`.
pub(crate) fn members(event: &Event) -> Object {
    let Event { kind, native_kind, conversation, contact, operator, sender, message, text, .. } = event;
    let mut body = Object::new();
    if event.is_command() {
        body.text("command", kind).text_if("args", text.as_deref());
    } else {
        body.text("kind", kind).text("native_kind", native_kind);
    }
    body.text("id", &event.id).text("occurred_at", &time::to_rfc3339(event.occurred_at_ms));
    for (name, value) in
        [("conversation", conversation), ("contact", contact), ("operator", operator), ("message", message)]
    {
        body.text_if(name, value.as_deref());
    }
    if !event.is_command() {
        body.text("sender", sender.name()).text_if("text", text.as_deref());
    }
    body.text_if("instance", event.origin.instance.as_deref());
    body
}
