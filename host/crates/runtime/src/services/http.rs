//! HTTP out of a sandbox: linked, so that guests of every language load, and refused request by request.

use std::sync::Arc;

use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use super::GuestLog;

type Transmission = Box<dyn Future<Output = Result<()>> + Send>;
type Exchange = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Transmission)>> + Send>;

/// Refuses every request, and says in the plugin's log which and why.
pub(crate) struct HttpGate {
    log: Arc<GuestLog>,
}

impl HttpGate {
    pub(crate) fn new(log: Arc<GuestLog>) -> Self {
        Self { log }
    }
}

impl WasiHttpHooks for HttpGate {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Transmission,
    ) -> Exchange {
        self.log.http_refused(request.uri().authority().map_or("", |authority| authority.as_str()));
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
