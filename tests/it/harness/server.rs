//! A host that serves, and what a test does with it.

use reqwest::{Body, Client, Method, header::HeaderMap};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{
    Answer, Ended, KEY, Lines, Process, Sender, Site, eventually,
    sender::{client, send},
};

/// A running `slashbox serve`.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    client: Client,
    url: String,
    /// The sender that the source `support` knows.
    pub(crate) support: Sender,
}

impl Server {
    /// Starts a host at a site, on a port that is free, and waits until it serves.
    pub(crate) async fn start(site: &Site) -> Self {
        Self::try_start(site).await.unwrap_or_else(|ended| panic!("slashbox ended: {}", ended.err))
    }

    /// As [`Self::start`], of a host that may end before it serves.
    pub(crate) async fn try_start(site: &Site) -> Result<Self, Ended> {
        let mut process = Process::start(&["serve", "--listen", "127.0.0.1:0"], site.dir(), site.environment());
        let first = eventually("the first line of `serve`", async || {
            let line = process.out().all().into_iter().next();
            if line.is_none() && process.code_now().is_some() { Some(None) } else { line.map(Some) }
        });
        let Some(first) = first.await else { return Err(process.ended().await) };
        let url = first.strip_prefix(&format!("slashbox {} on ", super::VERSION));
        let url = url.unwrap_or_else(|| panic!("the first line of `serve` is {first:?}")).to_owned();
        let client = client();
        let support = Sender::new(client.clone(), format!("{url}/in/support"), KEY);
        Ok(Self { process, client, url, support })
    }

    /// Its address: `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The sender of another source.
    pub(crate) fn sender(&self, source: &str, key: &str) -> Sender {
        Sender::new(self.client.clone(), format!("{}/in/{source}", self.url), key)
    }

    /// Any request, without a body.
    pub(crate) async fn request(&self, method: Method, path: &str) -> Answer {
        send(&self.client, method, &format!("{}{path}", self.url), "".into()).await
    }

    /// Reads a path with these headers besides the usual ones, or in their stead.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Posts nothing to a path, with these headers besides the usual ones.
    pub(crate) async fn post_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Posts a body to a path, with these headers besides the usual ones.
    pub(crate) async fn posts(&self, path: &str, headers: &[(&'static str, &str)], body: impl Into<Body>) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url)).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// As [`Self::posts`].
    pub(crate) async fn posts_with(&self, path: &str, headers: HeaderMap, body: impl Into<Body>) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url)).headers(headers).body(body);
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Has it do something that must succeed, and gives back what it says. The path goes on after `/v1/admin/`.
    pub(crate) async fn does(&self, path: &str) -> Value {
        let answer = self.post_with(&format!("/v1/admin/{path}"), &[("content-type", "application/json")]).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"), "{path}: {answer:?}");
        answer.json()
    }

    /// Has it read its configuration again, and gives back what it says of that.
    pub(crate) async fn try_reload(&self) -> Answer {
        self.post_with("/v1/admin/reload", &[("content-type", "application/json")]).await
    }

    /// Has it read its configuration again, which must succeed, and gives back what has changed.
    pub(crate) async fn reload(&self) -> Value {
        let answer = self.try_reload().await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"), "{answer:?}");
        answer.json()
    }

    /// Reads from the admin API what must be there. The path goes on after `/v1/admin/`.
    pub(crate) async fn admin(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, &format!("/v1/admin/{path}")).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"), "{path}: {answer:?}");
        answer.json()
    }

    /// All items of a listing, page by page: `deliveries?state=dead`, or `events`.
    pub(crate) async fn listed(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut before = String::new();
        loop {
            let page = self.admin(&format!("{path}{before}")).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { return items };
            before = format!("{}before={next}", if path.contains('?') { '&' } else { '?' });
        }
    }

    /// Waits until there is exactly one such delivery that is so, and gives it back.
    pub(crate) async fn delivery(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the state of deliveries{path}"), async || {
            let [delivery] = self.listed(&format!("deliveries{path}")).await.try_into().ok()?;
            Some(delivery).filter(&is_so)
        })
        .await
    }

    /// Waits until nothing is to be delivered any more but to those who are not there.
    pub(crate) async fn settled(&self) {
        eventually("the end of all deliveries", async || {
            for state in ["waiting", "due", "leased"] {
                let open = self.listed(&format!("deliveries?state={state}")).await;
                if open.iter().any(|delivery| delivery["parked"] == false) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// What `support` is shown for a line.
    pub(crate) async fn says(&self, line: &str) -> String {
        self.support.says(line).await
    }

    /// Asserts what `support` is shown for each line.
    pub(crate) async fn check(&self, expected: &[(&str, &str)]) {
        self.support.check(expected).await;
    }

    /// Waits until `support` is shown this.
    pub(crate) async fn until(&self, line: &str, shown: &str) {
        self.support.until(line, shown).await;
    }

    /// Has a call run that takes a while, and returns once it does. The site has [one place](Site::one_place) for calls.
    pub(crate) async fn running(&self, line: &'static str) -> JoinHandle<String> {
        let sender = self.support.clone();
        let call = tokio::spawn(async move { sender.says(line).await });
        // Whoever comes to the place that is taken is told so.
        let busy = "! /echo is busy, try again in a moment (ref REF)";
        eventually(line, async || (self.says("/echo").await == busy).then_some(())).await;
        assert!(!call.is_finished(), "{line} was too short");
        call
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> &Lines {
        self.process.err()
    }

    /// The listing of what it serves, whole: the plugins come last, and an empty line ends it.
    pub(crate) async fn listing(&self) -> String {
        let lines = eventually("the end of the listing", async || {
            let lines = self.process.out().all();
            let mut plugins = lines.iter().skip_while(|line| !line.starts_with("plugins  "));
            plugins.any(|line| line.is_empty()).then_some(lines)
        });
        lines.await.join("\n")
    }

    /// The most memory that it had so far, in MiB; none on systems that do not tell.
    pub(crate) fn memory_mib_max(&self) -> Option<u64> {
        self.process.memory_mib_max()
    }

    /// By what the system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Kills it, as a machine that fails does.
    pub(crate) async fn kill(self) -> Ended {
        self.signal("KILL");
        let ended = self.ended().await;
        assert_eq!(ended.code, None, "{ended:#?}");
        ended
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> Ended {
        self.process.ended().await
    }

    /// Has it end as a service manager does, which it must do well.
    pub(crate) async fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.ended().await;
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        ended
    }
}
