//! `slashbox send`: a request to a running host, as the platform of one of its sources makes it.
//!
//! Invariant: what a source knows its platform by is not shown, even if the answer repeats it as it is.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anstyle::Style;
use anyhow::Context;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::{Deserialize, Serialize};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use slashbox::{BODY_BYTES_MAX, Credentials, Source};
use slashbox_egress::Response;

use super::{
    Usage, block_on,
    paint::{BAD, BOLD, GOOD, ODD, line, note, paint},
    running_host::{Asking, RunningHost},
    text::{plain, plain_json, plain_lines},
};

/// What it is for, in lines that can be typed.
const EXAMPLES: &str = "\
Examples:
  slashbox send --source support mark.json
  slashbox send --source support first.json second.json       one after the other
  slashbox samples hotline mark | slashbox send --source support -";

/// The file's name that stands for the standard input.
const STDIN: &str = "-";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Send {
    /// The source to which it is sent, as the configuration calls it
    #[arg(long, value_name = "NAME")]
    source: String,
    /// The bodies, sent in this order, each when the one before is answered; - is the standard input
    #[arg(value_name = "FILE.json", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

/// What is sent, and where it is from.
struct Body {
    name: String,
    bytes: Vec<u8>,
}

/// What came back. The source's credentials are nowhere in it.
struct Answer {
    status: StatusCode,
    content_type: Option<String>,
    retry_after_s: Option<String>,
    /// As it was written, if it is JSON.
    json: Option<Box<RawValue>>,
    text: String,
    took_ms: u128,
}

/// An answer, for programs.
#[derive(Serialize)]
struct Record<'a> {
    status: u16,
    content_type: Option<&'a str>,
    body: &'a RawValue,
    took_ms: u128,
}

/// What an answer says of an event that was taken.
#[derive(Deserialize)]
struct Taken {
    id: String,
    duplicate: bool,
}

pub(super) fn run(arguments: Send) -> anyhow::Result<ExitCode> {
    block_on(arguments.run())
}

impl Send {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let (host, source) = self.asking.source(&self.source).await?;
        // All of them, before anything is sent: a file that cannot be read leaves no half of a conversation.
        let bodies = self.bodies()?;
        let mut all_taken = true;
        for body in bodies {
            tell_oddities(&body);
            let Body { name, bytes } = body;
            let answer = post(&host, &source, bytes).await?;
            all_taken &= answer.status.is_success();
            if self.asking.is_json() {
                answer.print_json()?;
            } else {
                answer.print(&name);
                self.print_hint(&answer.taken());
            }
        }
        Ok(if all_taken { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn bodies(&self) -> anyhow::Result<Vec<Body>> {
        if self.files.iter().filter(|file| is_stdin(file)).count() > 1 {
            return Err(Usage("- is there twice: the standard input can be read once".into()).into());
        }
        self.files.iter().map(|file| Body::read(file)).collect()
    }

    /// How to see what became of what was taken.
    fn print_hint(&self, taken: &[Taken]) {
        let options = self.asking.options();
        match taken {
            [] => {}
            [Taken { id, .. }] => note(&format!("`slashbox events show {id}{options}` shows what became of it")),
            _ => note(&format!("`slashbox events list --source {}{options}` shows what became of them", self.source)),
        }
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == STDIN
}

impl Body {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let name = if is_stdin(file) { "the standard input".into() } else { file.display().to_string() };
        let read = if is_stdin(file) {
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(file)
        };
        Ok(Self { bytes: read.with_context(|| name.clone())?, name })
    }
}

/// What a host will not like is sent all the same: what it says to that is worth seeing too.
fn tell_oddities(Body { name, bytes }: &Body) {
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        note(&format!("{name}: no JSON ({error}), sent as it is"));
    }
    if bytes.len() > BODY_BYTES_MAX {
        note(&format!("{name}: {} bytes, a host takes at most {BODY_BYTES_MAX}", bytes.len()));
    }
}

/// Sends a body with all that the source knows its platform by.
async fn post(host: &RunningHost, source: &Source, body: Vec<u8>) -> anyhow::Result<Answer> {
    let credentials = source.credentials();
    let body = match String::from_utf8(body) {
        Ok(text) => source.dialect().signed(text, credentials).into_bytes(),
        Err(no_text) => no_text.into_bytes(),
    };
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    // The error says nothing of the value, and would say nothing of the key.
    let own = credentials.headers(&body).map_err(|_| no_header(source))?;
    headers.extend(own);
    let path: Vec<&str> = ["in", source.name()].into_iter().chain(credentials.path_token()).collect();
    let begun = Instant::now();
    let response = host.answer(&path, headers, body).await?;
    Ok(Answer::of(&response, credentials, begun.elapsed().as_millis()))
}

fn no_header(source: &Source) -> Usage {
    let name = source.name();
    Usage(format!("the source {name}: a credential has characters that no header carries, so nobody could send it"))
}

impl Answer {
    fn of(Response { status, headers, body, .. }: &Response, credentials: &Credentials, took_ms: u128) -> Self {
        let text = String::from_utf8_lossy(body);
        let header = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let json: Option<&RawValue> = serde_json::from_str(&text).ok();
        let json = json.and_then(|json| RawValue::from_string(credentials.taken_out_of_json(json.get()).into()).ok());
        Self {
            status: *status,
            content_type: header(CONTENT_TYPE),
            retry_after_s: header(RETRY_AFTER),
            text: credentials.taken_out_of(&text),
            json,
            took_ms,
        }
    }

    /// The events that were taken, if it was events.
    fn taken(&self) -> Vec<Taken> {
        let Some(json) = self.json.as_ref().filter(|_| self.status.is_success()) else { return Vec::new() };
        let one = || serde_json::from_str(json.get()).map(|taken| vec![taken]);
        serde_json::from_str(json.get()).or_else(|_| one()).unwrap_or_default()
    }

    /// What became of the request, in words.
    fn word(&self) -> (&'static str, Style) {
        let taken = self.taken();
        if !self.status.is_success() {
            ("refused", BAD)
        } else if taken.is_empty() {
            if self.is_error() { ("answered with an error", ODD) } else { ("answered", GOOD) }
        } else if taken.iter().all(|taken| taken.duplicate) {
            ("taken before", ODD)
        } else {
            ("taken", GOOD)
        }
    }

    /// Whether a command was not done: the platforms show such a text only if its status is that of a success.
    fn is_error(&self) -> bool {
        self.value().is_some_and(|value| value.get("error").is_some())
    }

    fn value(&self) -> Option<Value> {
        serde_json::from_str(self.json.as_ref()?.get()).ok()
    }

    /// For people.
    fn print(&self, name: &str) {
        let (word, style) = self.word();
        let (name, word) = (paint(BOLD, plain(name)), paint(style, word));
        let again = self.retry_after_s.as_ref().map(|after| format!(", to be sent again in {} s", plain(after)));
        line(format_args!("{name}  {word}  {} in {} ms{}", self.status, self.took_ms, again.unwrap_or_default()));
        match self.value() {
            Some(value) => line(plain_json(&format!("{value:#}"))),
            None if self.text.is_empty() => note("the answer is empty"),
            None => line(plain_lines(self.text.trim_end())),
        }
    }

    fn print_json(&self) -> anyhow::Result<()> {
        let text = to_raw_value(&self.text)?;
        let Self { status, content_type, json, took_ms, .. } = self;
        let (status, content_type, body) = (status.as_u16(), content_type.as_deref(), json.as_deref().unwrap_or(&text));
        let record = Record { status, content_type, body, took_ms: *took_ms };
        line(plain_json(&serde_json::to_string_pretty(&record)?));
        Ok(())
    }
}
