//! The host that a command asks: where it is, what opens it, what it answers.
//!
//! Invariant: a token goes nowhere but to the host that it was given for: that of a configuration to the address of the
//! same configuration, or to the one that was named beside it. So it is with a source's credentials, which are asked for
//! by the source's name.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use slashbox::{
    EgressSettings, Source,
    config::{Entrance, Reach},
};
use slashbox_core::{NameError, PluginId, check_name};
use slashbox_egress::{Egress, Limits, Request, Response, SendError};
use url::Url;

use super::{
    Usage, config,
    paint::{line, note},
    table::Table,
    text::{plain, plain_json},
};

/// Where a host listens if nothing is said.
const URL: &str = "http://127.0.0.1:8787";

/// The token for a host that is named by its URL alone.
const TOKEN: &str = "SLASHBOX_ADMIN_TOKEN";

/// The most items that a command lists. Nobody reads more; who processes them gets them from the API, page by page.
const LISTED_MAX: i64 = 10_000;

/// The most items that are asked for at once: a page is then some megabytes at most, and there at once.
const PAGE_MAX: u32 = 200;

/// The most bytes of an answer: far more than a page, or an event with its data and its deliveries.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How long a host may take: a test of a webhook that does not answer takes 15 s, and a reload waits for the one before.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// How long a host may take for a platform's request: a command has 10 s at most, and an event is stored within 5 s.
const PLATFORM_MAX: Duration = Duration::from_secs(15);

/// Which host is asked, and how its answer is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Asking {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// The host's configuration: its address and its token [default: slashbox.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the host is, if not where the configuration says; without --config, SLASHBOX_ADMIN_TOKEN is its token
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// As [`Asking`], for a list.
#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    /// How many at most: 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=LISTED_MAX))]
    limit: u32,
    #[command(flatten)]
    asking: Asking,
}

/// What a host answers, to be shown to people.
#[derive(Debug)]
pub(super) struct Answer {
    host: RunningHost,
    text: String,
}

/// A host that runs, as far as it is known from here.
#[derive(Debug)]
pub(super) struct RunningHost {
    url: Url,
    token: Option<SecretString>,
    egress: Egress,
}

/// The first items of a list.
#[derive(Debug)]
pub(super) struct List {
    host: RunningHost,
    /// As they came.
    items: Vec<Box<RawValue>>,
    /// Whether there are more.
    more: bool,
}

/// What a list's endpoint answers.
#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// Why a host does not answer.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Asking {
    /// What the host answers at a path below `/v1/admin`; none if programs are to have it, which is done then.
    pub(super) async fn ask(&self, path: &[&str]) -> anyhow::Result<Option<Answer>> {
        self.send(Method::GET, path).await
    }

    /// As [`Asking::ask`], of what the host is to do: the path says all of it.
    pub(super) async fn tell(&self, path: &[&str]) -> anyhow::Result<Option<Answer>> {
        self.send(Method::POST, path).await
    }

    /// The host itself, for whoever asks it more than once.
    pub(super) async fn host(&self) -> anyhow::Result<RunningHost> {
        RunningHost::find(self).await
    }

    /// A source of the host's configuration, and the host as that source's platform reaches it: without the token, which a
    /// platform does not have.
    pub(super) async fn source(&self, name: &str) -> anyhow::Result<(RunningHost, Source)> {
        let file = config::named_or_usual(self.config.as_deref()).ok_or_else(config::unnamed)?;
        let Entrance { listen, source } = Entrance::load(file, name).map_err(|error| config::mistake(file, &error))?;
        let url = self.url.as_deref().map_or_else(|| url_of(listen), parse_url)?;
        Ok((RunningHost::at_url(url, None).await?, source))
    }

    /// What another command is to be given for it to ask the same host.
    pub(super) fn options(&self) -> String {
        let config = self.config.as_ref().map(|file| format!(" --config {}", file.display()));
        let url = self.url.as_ref().map(|url| format!(" --url {url}"));
        config.unwrap_or_default() + &url.unwrap_or_default()
    }

    /// For programs: an answer as it came.
    pub(super) fn print(&self, text: &str) {
        line(plain_json(text));
    }

    /// Whether programs are to have what it answers.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    async fn send(&self, method: Method, path: &[&str]) -> anyhow::Result<Option<Answer>> {
        let host = RunningHost::find(self).await?;
        let text = host.send(method, path, &[]).await?;
        if self.json {
            self.print(&text);
            return Ok(None);
        }
        Ok(Some(Answer { host, text }))
    }
}

impl Listing {
    /// The first items of a list, by these filters; none if programs are to have them, which is done then.
    pub(super) async fn ask<const N: usize>(
        &self,
        name: &str,
        filters: [(&str, Option<String>); N],
    ) -> anyhow::Result<Option<List>> {
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let list = RunningHost::find(&self.asking).await?.list(name, filters, self.limit).await?;
        if self.asking.json {
            list.print_json();
            return Ok(None);
        }
        Ok(Some(list))
    }
}

impl Answer {
    /// What it says.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> anyhow::Result<T> {
        self.host.understood(&self.text)
    }
}

impl RunningHost {
    /// Finds out where it is. Does not yet ask it anything.
    async fn find(asking: &Asking) -> anyhow::Result<Self> {
        let (url, token) = place(asking)?;
        Self::at_url(url, token).await
    }

    async fn at_url(url: Url, token: Option<SecretString>) -> anyhow::Result<Self> {
        // Whoever runs the command has named this host: it may be reached, wherever it is, and nothing else.
        let allow_cidrs = addresses(&url).await.into_iter().map(Into::into).collect();
        let egress = Egress::new(&EgressSettings { allow_http: true, allow_cidrs })?;
        Ok(Self { url, token, egress })
    }

    /// What it answers when it has done what a path below `/v1/admin` says, in JSON.
    pub(super) async fn post(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        self.send(Method::POST, path, query).await
    }

    /// What it answers to a platform's request, whatever that is.
    pub(super) async fn answer(&self, path: &[&str], headers: HeaderMap, body: Vec<u8>) -> anyhow::Result<Response> {
        let target = self.egress.check(self.at(path, &[])?.as_str())?;
        let limits = Limits { body_bytes_max: ANSWER_BYTES_MAX, total: PLATFORM_MAX };
        let request = Request { method: Method::POST, target, headers, body: body.into(), limits };
        self.egress.send(request).await.map_err(|error| self.unreachable(&error))
    }

    /// What it answers at a path below `/v1/admin`, in JSON.
    async fn send(&self, method: Method, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        let path = [&["v1", "admin"], path].concat();
        let target = self.egress.check(self.at(&path, query)?.as_str())?;
        let limits = Limits { body_bytes_max: ANSWER_BYTES_MAX, total: ANSWER_MAX };
        let headers = self.headers()?;
        let request = Request { method, target, headers, body: Default::default(), limits };
        let response = self.egress.send(request).await.map_err(|error| self.unreachable(&error))?;
        if response.status != StatusCode::OK {
            return Err(self.refusal(&response));
        }
        if !response.whole {
            bail!("{}: the answer is larger than {ANSWER_BYTES_MAX} bytes", self.name());
        }
        String::from_utf8(response.body.into()).with_context(|| self.no_slashbox())
    }

    /// The first items of a list, from as many pages as that takes.
    async fn list(self, name: &str, filters: Vec<(&str, String)>, limit: u32) -> anyhow::Result<List> {
        let mut items: Vec<Box<RawValue>> = Vec::new();
        let mut before = None;
        loop {
            let left = limit.saturating_sub(u32::try_from(items.len())?);
            let mut query = filters.clone();
            query.push(("limit", left.min(PAGE_MAX).to_string()));
            query.extend(before.map(|before| ("before", before)));
            let answer = self.send(Method::GET, &[name], &query).await?;
            let page: Page = self.understood(&answer)?;
            items.extend(page.items);
            before = page.next;
            if before.is_none() || items.len() >= limit as usize {
                return Ok(List { host: self, items, more: before.is_some() });
            }
        }
    }

    /// What an answer says.
    pub(super) fn understood<'a, T: Deserialize<'a>>(&self, answer: &'a str) -> anyhow::Result<T> {
        serde_json::from_str(answer).with_context(|| self.no_slashbox())
    }

    fn at(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.url.clone();
        let mut segments = url.path_segments_mut().map_err(|()| anyhow!("{} has no paths", self.url))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn headers(&self) -> anyhow::Result<HeaderMap> {
        let json = HeaderValue::from_static("application/json");
        // Its type, though there is no body: without it, nothing is changed.
        let mut headers = HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)]);
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| Usage("the token: expected a text that can stand in a header".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    fn unreachable(&self, error: &SendError) -> anyhow::Error {
        let hint = match error {
            SendError::Connect { .. } => {
                " (does slashbox run there? `slashbox serve` starts it, --config or --url says where it does)"
            }
            _ => "",
        };
        anyhow!("cannot ask {}: {error}{hint}", self.name())
    }

    fn refusal(&self, response: &Response) -> anyhow::Error {
        let Ok(Problem { code, detail }) = serde_json::from_slice(&response.body) else {
            return anyhow!("{}: status {}", self.no_slashbox(), response.status.as_u16());
        };
        let detail = plain(&detail);
        match (code.as_str(), &self.token) {
            ("bad-parameter" | "bad-configuration", _) => Usage(detail).into(),
            ("unauthorized", None) => {
                anyhow!("{} wants a token: name its configuration with --config, or set {TOKEN}", self.name())
            }
            ("unauthorized" | "forbidden" | "not-found" | "unavailable", _) => anyhow!("{}: {detail}", self.name()),
            _ => anyhow!(detail),
        }
    }

    /// As it was given, for people.
    fn name(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    fn no_slashbox(&self) -> String {
        format!("{} does not answer as slashbox does", self.name())
    }
}

impl List {
    /// What the items say.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> anyhow::Result<Vec<T>> {
        self.items.iter().map(|item| self.host.understood(item.get())).collect()
    }

    /// For programs: one array.
    fn print_json(&self) {
        let items: Vec<String> = self.items.iter().map(|item| format!("\n  {}", plain_json(item.get()))).collect();
        let end = if items.is_empty() { "" } else { "\n" };
        line(format_args!("[{}{end}]", items.join(",")));
    }

    /// For people, as the table that was made of it; `what` it has.
    pub(super) fn print(&self, what: &str, table: Table) {
        if self.items.is_empty() {
            note(&format!("no {what}"));
            return;
        }
        table.print();
        if self.more {
            note(&format!("there are older {what}: --limit shows more"));
        }
    }
}

/// Reads an id, as far as a mistake in it can be told here: what else stands in a path would be another path.
pub(super) fn id(text: &str) -> Result<String, &'static str> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits { Ok(text.into()) } else { Err("expected letters, digits and `-`, as a list shows it") }
}

/// Reads a plugin's name as lists show it.
pub(super) fn plugin_id(text: &str) -> Result<PluginId, NameError> {
    let (tenant, stem) = text.split_once('/').map_or((None, text), |(tenant, stem)| (Some(tenant), stem));
    check_name(tenant.unwrap_or(stem))?;
    check_name(stem)?;
    Ok(tenant.map_or_else(|| PluginId::shared(stem), |tenant| PluginId::of_tenant(tenant, stem)))
}

/// Where the host is, and what opens it.
fn place(Asking { config, url, .. }: &Asking) -> anyhow::Result<(Url, Option<SecretString>)> {
    match (url.as_deref().map(parse_url).transpose()?, config) {
        (Some(url), Some(file)) => Ok((url, reach(file)?.admin_token)),
        (Some(url), None) => Ok((url, token_of_environment())),
        (None, file) => match config::named_or_usual(file.as_deref()) {
            Some(file) => of_reach(reach(file)?),
            None => Ok((parse_url(URL)?, token_of_environment())),
        },
    }
}

fn reach(file: &Path) -> Result<Reach, Usage> {
    Reach::load(file).map_err(|error| config::mistake(file, &error))
}

fn of_reach(Reach { listen, admin_token }: Reach) -> anyhow::Result<(Url, Option<SecretString>)> {
    Ok((url_of(listen)?, admin_token))
}

fn url_of(listen: SocketAddr) -> Result<Url, Usage> {
    parse_url(&format!("http://{}", own(listen)))
}

/// Where this machine itself reaches what listens on an address: one that stands for all of its own is none to connect to.
fn own(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn token_of_environment() -> Option<SecretString> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(SecretString::from)
}

/// The URL is not repeated: there may be a password in it.
fn parse_url(text: &str) -> Result<Url, Usage> {
    let fits = |url: &Url| {
        let credentials = !url.username().is_empty() || url.password().is_some();
        let more = url.query().is_some() || url.fragment().is_some();
        matches!(url.scheme(), "http" | "https") && url.has_host() && !credentials && !more
    };
    let expected = "--url: expected one such as http://127.0.0.1:8787, without a user, a password or a query";
    Url::parse(text).ok().filter(fits).ok_or_else(|| Usage(expected.into()))
}

/// The addresses of a URL's host; none if it cannot be resolved, which is told when it is connected to.
async fn addresses(url: &Url) -> Vec<IpAddr> {
    match url.host() {
        Some(url::Host::Ipv4(address)) => vec![address.into()],
        Some(url::Host::Ipv6(address)) => vec![address.into()],
        Some(url::Host::Domain(name)) => {
            let port = url.port_or_known_default().unwrap_or_default();
            let found = tokio::net::lookup_host((name, port)).await;
            found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_read_as_it_is_listed() {
        assert_eq!(plugin_id("mark"), Ok(PluginId::shared("mark")));
        assert_eq!(plugin_id("acme/mark"), Ok(PluginId::of_tenant("acme", "mark")));
        for wrong in ["", "/", "a/", "/a", "a/b/c", "..", "../x", "a b", ".a"] {
            assert!(plugin_id(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn urls() {
        for fits in ["http://127.0.0.1:8787", "https://example.com/slashbox/", "http://[::1]:1", "http://localhost"] {
            assert!(parse_url(fits).is_ok(), "{fits}");
        }
        for wrong in ["", "localhost:8787", "127.0.0.1:8787", "ftp://a", "http://u:p@a", "http://a/?q", "http://a#f"] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn where_a_host_is_reached_from_its_own_machine() {
        for (listen, expected) in [
            ("127.0.0.1:8787", "127.0.0.1:8787"),
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(own(listen.parse().unwrap()).to_string(), expected);
        }
    }

    fn at(url: &str, path: &[&str], query: &[(&str, String)]) -> String {
        let egress = Egress::new(&EgressSettings::default()).unwrap();
        let host = RunningHost { url: parse_url(url).unwrap(), token: None, egress };
        host.at(path, query).unwrap().to_string()
    }

    #[test]
    fn paths_begin_at_the_url() {
        assert_eq!(at("http://a", &["events"], &[]), "http://a/events");
        assert_eq!(at("http://a/s/", &["events", "x?/y%"], &[]), "http://a/s/events/x%3F%2Fy%25");
        let query = [("kind", "/mark".to_owned()), ("conversation", "a&b".to_owned())];
        assert_eq!(at("http://a", &["events"], &query), "http://a/events?kind=%2Fmark&conversation=a%26b");
    }
}
