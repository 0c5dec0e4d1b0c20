//! A remote webhook: the subscriber that is reached over HTTP.
//!
//! Owns the request (address, headers, time limit) and what its answer means. Never the body's format, which is the
//! dialects', nor where requests may go, which is egress's.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use slashbox_core::{
    Command, Fault, Outcome, Reply, Schedule,
    signature::{SigningKey, sign},
};
use slashbox_dialects::{Format, Recipient, Rendered, answer_of_remote};
use slashbox_egress::{Egress, Limits, Request, Response, SendError, Target, TargetError};
use tracing::warn;

use crate::{
    Attempted, Delivering, Delivery, Policy, Subscriber, Verdict, redact::Redactor, retry_after, telemetry::DELIVERIES,
};

/// What identifies the event, the same at each attempt. Standard Webhooks.
const ID: HeaderName = HeaderName::from_static("webhook-id");

/// When the request was made, in seconds since the Unix epoch. Standard Webhooks.
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");

/// By what the receiver knows that it is ours. Standard Webhooks.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Which attempt this is, from 1 on.
const ATTEMPT: HeaderName = HeaderName::from_static("webhook-attempt");

/// The most attempts at the same time at one remote, unless somebody says otherwise: what a small server bears.
pub const IN_FLIGHT_MAX: u32 = 40;

/// That it may have arrived before, since somebody has it delivered once more.
const REPLAY: HeaderName = HeaderName::from_static("webhook-replay");

/// That another event of its conversation, accepted earlier, comes later.
const OUT_OF_ORDER: HeaderName = HeaderName::from_static("webhook-out-of-order");

/// How long a remote may take to answer, unless somebody says otherwise.
pub const ANSWER_MAX: Duration = Duration::from_secs(15);

/// The most bytes of an answer that are kept, to be shown.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// What a remote is.
#[derive(Clone, Debug)]
pub struct RemoteSettings {
    /// What it is called, and what its deliveries belong to.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// How requests to it are written.
    pub format: Format,
    /// What it knows the sender by, where the format has a place for it.
    pub api_key: Option<SecretString>,
    /// By what its bodies are signed, where the format has a place for that.
    pub hmac_secret: Option<SecretString>,
    /// By what its requests are signed, each by all; not at all if there are none.
    pub keys: Vec<SigningKey>,
    /// What its requests carry besides.
    pub headers: HeaderMap,
    /// When a failed attempt is made again.
    pub schedule: Schedule,
    /// The most attempts at the same time.
    pub in_flight_max: u32,
    /// The most attempts in a second, at least 1; as many as there are if `None`.
    pub per_second: Option<u32>,
    /// How long it may take to answer an event, the whole answer included.
    pub answer_max: Duration,
    /// Which answers say that an event has arrived.
    pub success: Success,
}

/// Which answers say that an event has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Success {
    /// Each whose status says so: 200 to 299.
    #[default]
    Any2xx,
    /// Status 200, and no other.
    Only200,
}

impl Success {
    fn is(self, status: StatusCode) -> bool {
        match self {
            Self::Any2xx => status.is_success(),
            Self::Only200 => status == StatusCode::OK,
        }
    }
}

/// A remote webhook.
pub struct Remote {
    settings: RemoteSettings,
    policy: Policy,
    egress: Egress,
    /// Takes its credentials out of what operators read.
    credentials: Redactor,
    /// Takes them and its URL out of what is kept to be shown.
    private: Redactor,
    revision: String,
}

impl Remote {
    /// A remote that is reached through `egress`. `revision` is another one when something has changed in how it is
    /// reached.
    pub fn new(settings: RemoteSettings, egress: Egress, revision: String) -> Self {
        let policy = Policy {
            schedule: settings.schedule.clone(),
            in_flight_max: settings.in_flight_max,
            attempt_max: settings.answer_max,
            per_second: settings.per_second,
            may_be_disabled: true,
        };
        let target = &settings.target;
        let parts = parts_of(target);
        let private = Redactor::new(credentials(&settings).chain(parts.iter().map(String::as_str)));
        let credentials = Redactor::new(credentials(&settings));
        Self { policy, egress, credentials, private, revision, settings }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The host that it is at. The rest of its URL may hold a secret.
    pub fn host(&self) -> &str {
        self.settings.target.host()
    }

    /// How requests to it are written.
    pub fn format(&self) -> Format {
        self.settings.format
    }

    /// Whether its requests are signed.
    pub fn is_signed(&self) -> bool {
        !self.settings.keys.is_empty()
    }

    /// Has it answer a command within `total`. A command is sent once. `now_ms` is the time, in milliseconds since the Unix
    /// epoch.
    pub async fn command(&self, command: &Command, now_ms: u64, total: Duration) -> Outcome {
        let body = self.settings.format.command(command, &self.recipient());
        let limits = Limits { total, ..Limits::default() };
        let answer = self.send(self.here(), body, Marks::first(&command.id, now_ms), limits).await;
        let outcome = match answer {
            Ok(response) => {
                let content_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                answer_of_remote(response.status.as_u16(), content_type, &response.body, response.whole)
            }
            Err(error) => {
                warn!(target: DELIVERIES, call = command.id, webhook = self.settings.name, %error, "not answered");
                Outcome::Unavailable(sentence(&error, total))
            }
        };
        match outcome {
            Outcome::Unavailable(why) => Outcome::Unavailable(format!("the webhook {} {why}", self.settings.name)),
            Outcome::Refused(why) => Outcome::Refused(self.credentials.clean(why)),
            Outcome::Replied(Some(reply)) => {
                Outcome::Replied(Some(Reply { text: self.credentials.clean(reply.text), ..reply }))
            }
            outcome => outcome,
        }
    }

    fn recipient(&self) -> Recipient<'_> {
        let RemoteSettings { api_key, hmac_secret, .. } = &self.settings;
        Recipient {
            api_key: api_key.as_ref().map(ExposeSecret::expose_secret),
            hmac_secret: hmac_secret.as_ref().map(ExposeSecret::expose_secret),
        }
    }

    /// Where it is.
    fn here(&self) -> Place<'_> {
        Place { target: self.settings.target.clone(), headers: self.settings.headers.clone(), to: self.recipient() }
    }

    /// Another place, for a replay. What the webhook's own server knows the host by is nobody else's to see.
    fn elsewhere(&self, url: &str) -> Result<Place<'_>, TargetError> {
        let target = self.egress.check(url)?;
        let is_same = target.is_https() == self.settings.target.is_https()
            && target.authority() == self.settings.target.authority();
        Ok(if is_same {
            Place { target, ..self.here() }
        } else {
            Place { target, headers: HeaderMap::new(), to: Recipient::default() }
        })
    }

    async fn send(
        &self,
        place: Place<'_>,
        body: Rendered,
        marks: Marks<'_>,
        limits: Limits,
    ) -> Result<Response, SendError> {
        let Marks { id, attempt, now_ms, .. } = marks;
        let Place { target, mut headers, .. } = place;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(ID, id);
        }
        let timestamp_s = now_ms / 1_000;
        headers.insert(TIMESTAMP, HeaderValue::from(timestamp_s));
        let keys = &self.settings.keys;
        let signature = (!keys.is_empty()).then(|| sign(keys, id, timestamp_s, body.body.as_ref()));
        headers.extend(signature.and_then(|signature| Some((SIGNATURE, signature.try_into().ok()?))));
        headers.insert(ATTEMPT, HeaderValue::from(attempt));
        for (name, is_so) in [(REPLAY, marks.replay), (OUT_OF_ORDER, marks.out_of_order)] {
            headers.extend(is_so.then_some((name, HeaderValue::from_static("true"))));
        }
        if let Some((name, value)) = body.signature {
            headers.extend(HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)));
        }
        let body = Bytes::from(body.body);
        self.egress.send(Request { method: Method::POST, target, headers, body, limits }).await
    }

    /// As its deliveries are made, but written in this way.
    pub async fn deliver_as(&self, delivery: &Delivery, format: Format) -> Attempted {
        let place = match &delivery.replay_url {
            Some(url) => self.elsewhere(url.expose()),
            None => Ok(self.here()),
        };
        let place = match place {
            Ok(place) => place,
            Err(error) => return cannot_go_there(&error),
        };
        let private =
            delivery.replay_url.as_ref().map(|_| Redactor::new(parts_of(&place.target).iter().map(String::as_str)));
        let body = format.event(&delivery.event, &place.to);
        let limits = Limits { total: self.settings.answer_max, ..Limits::default() };
        match self.send(place, body, Marks::of(delivery), limits).await {
            Ok(response) => {
                let attempted = self.answered(&response, delivery.now_ms);
                match private {
                    Some(private) => Attempted { answer: private.clean(attempted.answer), ..attempted },
                    None => attempted,
                }
            }
            Err(error) => {
                let verdict = match fault(&error) {
                    Some(fault) => Verdict::Failed { fault, retry_after: None },
                    None => Verdict::Hindered,
                };
                let (detail, answer) = (error.to_string(), String::new());
                Attempted { verdict, status: None, detail, answer, change: None }
            }
        }
    }

    /// The status alone decides, whatever the body says: nobody is shown it.
    fn answered(&self, response: &Response, now_ms: u64) -> Attempted {
        let status = response.status;
        let retry_after = || {
            let asks = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            let hint = response.headers.get(RETRY_AFTER).filter(|_| asks)?.to_str().ok()?;
            retry_after::parse(hint, SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms))
        };
        let verdict = if self.settings.success.is(status) {
            Verdict::Arrived
        } else {
            Verdict::Failed { fault: Fault::Theirs, retry_after: retry_after() }
        };
        let detail = format!("answered with status {}", status.as_u16());
        let answer = self.to_be_shown(&response.body);
        Attempted { verdict, status: Some(status.as_u16()), detail, answer, change: None }
    }

    /// The beginning of an answer, without what it may repeat of the request's secrets.
    fn to_be_shown(&self, body: &[u8]) -> String {
        let mut text = self.private.clean(String::from_utf8_lossy(body).into_owned());
        text.truncate(text.floor_char_boundary(ANSWER_BYTES_MAX));
        text
    }
}

/// Where a request goes, and with which credentials.
struct Place<'r> {
    target: Target,
    headers: HeaderMap,
    to: Recipient<'r>,
}

/// Somebody asked for a replay to where no request may go any more.
fn cannot_go_there(error: &TargetError) -> Attempted {
    let detail = format!("the URL to replay to: {error}");
    let verdict = Verdict::Failed { fault: Fault::Ours, retry_after: None };
    Attempted { verdict, status: None, detail, answer: String::new(), change: None }
}

/// What the headers tell of a request.
#[derive(Clone, Copy)]
struct Marks<'m> {
    id: &'m str,
    attempt: u32,
    now_ms: u64,
    out_of_order: bool,
    replay: bool,
}

impl<'m> Marks<'m> {
    /// Of what is sent once.
    fn first(id: &'m str, now_ms: u64) -> Self {
        Self { id, attempt: 1, now_ms, out_of_order: false, replay: false }
    }

    fn of(delivery: &'m Delivery) -> Self {
        let Delivery { event, attempt, now_ms, out_of_order, replay, .. } = delivery;
        Self { id: &event.id, attempt: *attempt, now_ms: *now_ms, out_of_order: *out_of_order, replay: *replay }
    }
}

/// The keys, and of each header its value and what follows a scheme such as `Bearer`.
fn credentials(settings: &RemoteSettings) -> impl Iterator<Item = &str> {
    let values = settings.headers.values().filter_map(|value| value.to_str().ok());
    let in_headers = values.flat_map(|value| [value, value.split_once(' ').map_or("", |(_, rest)| rest)]);
    let keys = settings.api_key.iter().chain(&settings.hmac_secret).map(ExposeSecret::expose_secret);
    keys.chain(in_headers)
}

impl Subscriber for Remote {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn revision(&self) -> &str {
        &self.revision
    }

    fn deliver<'d>(&'d self, delivery: &'d Delivery) -> Delivering<'d> {
        Box::pin(self.deliver_as(delivery, self.settings.format))
    }
}

/// Without headers and key, which are secrets.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RemoteSettings { name, target, .. } = &self.settings;
        f.debug_struct("Remote").field("name", name).field("target", target).finish_non_exhaustive()
    }
}

/// Whose fault it is; of nobody's if this host was hindered.
fn fault(error: &SendError) -> Option<Fault> {
    match error {
        SendError::Local { .. } => None,
        SendError::Refused(_) => Some(Fault::Ours),
        SendError::Dns { .. } => Some(Fault::Dns),
        SendError::Connect { .. } => Some(Fault::Connect),
        SendError::Tls { .. } => Some(Fault::Tls),
        SendError::Timeout { .. } => Some(Fault::Timeout),
        SendError::Broken { .. } => Some(Fault::Theirs),
    }
}

/// What of a URL may be a secret: its path and its query, and each part of them, as it stands and as it is meant. A server may
/// repeat any of it.
fn parts_of(target: &Target) -> Vec<String> {
    let (path, query) = (target.path(), target.query().unwrap_or_default());
    let values = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    // A word such as `webhooks` is no secret, and found all over.
    let is_word = |part: &&str| part.len() < 20 && part.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_');
    let parts = path.split('/').chain(values).filter(|part| !is_word(part));
    let parts = [path, query].into_iter().chain(parts);
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    parts.flat_map(|part| [part.to_owned(), decoded(part), decoded(&part.replace('+', " "))]).collect()
}

/// What operators are told, to follow the webhook's name. Where it is, and why exactly it failed, is in the log.
fn sentence(error: &SendError, total: Duration) -> String {
    match error {
        SendError::Refused(_) => "cannot be reached: this host's configuration does not allow it".into(),
        SendError::Local { .. } => "cannot be reached: this host has a problem of its own".into(),
        SendError::Dns { .. } => "cannot be reached: its name has no address".into(),
        SendError::Connect { .. } => "cannot be reached".into(),
        SendError::Tls { .. } => "cannot be reached: its certificate is not valid".into(),
        SendError::Timeout { .. } => format!("did not answer within {} s", seconds(total)),
        SendError::Broken { .. } => "broke off its answer".into(),
    }
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io, sync::Arc};

    use slashbox_core::{Event, Origin, Sender};
    use slashbox_egress::Settings;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn event() -> Event {
        let origin =
            Origin { tenant: "default".into(), source: "support".into(), dialect: "hotline".into(), instance: None };
        Event {
            id: "01J".into(),
            kind: "conversation.closed".into(),
            native_kind: "dialog_closed".into(),
            conversation: None,
            contact: None,
            operator: None,
            sender: Sender::Contact,
            message: None,
            text: None,
            occurred_at_ms: 0,
            origin,
            data: "null".into(),
            envelope: String::new(),
            hops: 0,
        }
    }

    /// The webhook headers of one request, which is answered.
    async fn asked(listener: &TcpListener) -> BTreeMap<String, String> {
        let (stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            stream.readable().await.unwrap();
            read_some(&stream, &mut request);
        }
        stream.writable().await.unwrap();
        stream.try_write(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        let request = String::from_utf8(request).unwrap();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        request.lines().filter_map(header).filter(|(name, _)| name.starts_with("webhook-")).collect()
    }

    fn read_some(stream: &TcpStream, request: &mut Vec<u8>) {
        match stream.try_read_buf(request) {
            Ok(bytes) => assert_ne!(bytes, 0, "it broke off"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }

    #[tokio::test]
    async fn headers_tell_which_attempt_it_is_and_what_is_odd_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let loopback = Settings { allow_http: true, allow_cidrs: vec!["127.0.0.1".parse().unwrap()] };
        let egress = Egress::new(&loopback).unwrap();
        let target = egress.check(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let settings = RemoteSettings {
            name: "crm".into(),
            target,
            format: Format::AsReceived,
            api_key: None,
            hmac_secret: None,
            keys: Vec::new(),
            headers: HeaderMap::new(),
            schedule: Schedule::none(),
            in_flight_max: IN_FLIGHT_MAX,
            per_second: None,
            answer_max: ANSWER_MAX,
            success: Success::Any2xx,
        };
        let remote = Remote::new(settings, egress, String::new());
        for (out_of_order, replay) in [(false, false), (true, false), (false, true), (true, true)] {
            let event = Arc::new(event());
            let delivery = Delivery { event, attempt: 7, now_ms: 5_999, out_of_order, replay, replay_url: None };
            let (attempted, headers) = tokio::join!(remote.deliver(&delivery), asked(&listener));
            assert_eq!(attempted.verdict, Verdict::Arrived, "{attempted:?}");
            let mut expected = vec![("webhook-attempt", "7"), ("webhook-id", "01J")];
            expected.extend(out_of_order.then_some(("webhook-out-of-order", "true")));
            expected.extend(replay.then_some(("webhook-replay", "true")));
            expected.push(("webhook-timestamp", "5"));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(headers, expected);
        }
    }

    /// A server that complains of a key mostly repeats the key alone.
    #[test]
    fn every_part_of_a_url_may_be_a_secret() {
        let url = "https://h.example/services/T0/abcdefgh1234?key=s3cret%2Fvalue&b=with+a+blank";
        let target = slashbox_egress::Settings::default().check(url).unwrap();
        let parts = parts_of(&target);
        let redactor = Redactor::new(parts.iter().map(String::as_str));
        let check = |text: &str, expected: &str| assert_eq!(redactor.clean(text.into()), expected);
        check("no hook abcdefgh1234 here", "no hook [redacted] here");
        check("unknown key s3cret%2Fvalue", "unknown key [redacted]");
        check("unknown key s3cret/value", "unknown key [redacted]");
        check("not with a blank, please", "not [redacted], please");
        check("services are fine", "services are fine");
        check("no T0", "no T0");
    }
}
