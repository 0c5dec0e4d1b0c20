//! HTTP out of a sandbox: linked, so that guests of every language load, and refused request by request.

use std::sync::Arc;

use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use super::GuestLog;
use crate::bindings::slashbox::plugin::log::Level;

/// How much of a request's body the host holds for the guest at a time: it holds some for each request that is open.
const BODY_CHUNK_BYTES: usize = 4 * 1024;

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
        let host = request.uri().authority().map_or("", |authority| authority.as_str());
        let version = env!("CARGO_PKG_VERSION");
        self.log.write(Level::Warn, &format!("http to {host} refused: slashbox {version} sends none for plugins yet"));
        Box::new(async { Err(Error::HttpRequestDenied) })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
}
