//! A client that may reach loopback, and requests with short limits.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::Empty;
use slashbox_egress::{Egress, Limits, Open, Opened, Request, Response, SendError, Settings};

/// Long enough for a busy machine to answer, short enough to wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) const LIMITS: Limits = Limits { total: Duration::from_secs(10), body_bytes_max: 1000 };

pub(crate) fn loopback() -> Egress {
    let allow_cidrs = vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    Egress::new(&Settings { allow_http: true, allow_cidrs }).unwrap()
}

pub(crate) fn request(egress: &Egress, url: &str) -> Request {
    let target = egress.check(url).unwrap();
    Request { method: Method::GET, target, headers: HeaderMap::new(), body: Bytes::new(), limits: LIMITS }
}

pub(crate) async fn get(url: &str) -> Result<Response, SendError> {
    get_within(url, LIMITS).await
}

pub(crate) async fn get_within(url: &str, limits: Limits) -> Result<Response, SendError> {
    let egress = loopback();
    egress.send(Request { limits, ..request(&egress, url) }).await
}

pub(crate) fn open<B>(egress: &Egress, method: Method, url: &str, body: B) -> Open<B> {
    let target = egress.check(url).unwrap();
    Open { method, target, headers: HeaderMap::new(), body, total: LIMITS.total }
}

/// The headers of an answer, and its body to be streamed.
pub(crate) async fn get_open(url: &str, total: Duration) -> Opened {
    let egress = loopback();
    egress.open(Open { total, ..open(&egress, Method::GET, url, Empty::new()) }).await.unwrap()
}

/// What must come, within 10 s, and need not be there at once.
pub(crate) async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMITS.total, coming).await.unwrap()
}
