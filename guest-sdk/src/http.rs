//! HTTP requests to the hosts that the operator granted.
//!
//! [`get`], [`post`], [`put`], [`patch`], [`delete`] and [`request`] begin a [`Request`]. What goes out is added to it,
//! the body with [`body_json`](Request::body_json) or [`body`](Request::body). What comes back ends it: [`send`] gives the
//! [`Response`] whatever its status is; [`json`](Request::json), [`text`](Request::text) and [`bytes`](Request::bytes)
//! send it too, fail if the status is no success, and give the answer's body as what they are named after.
//!
//! ```
//! use slashbox_sdk::{Command, OrRefuse, Plugin, Result, http, settings};
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("invoice", "1.0.0")
//!         .command("/invoice", "NUMBER", "shows an invoice", invoice)
//!         .command("/pay", "NUMBER", "marks an invoice as paid", pay)
//!         .http_host("crm.example.com")
//!         .required_secret("CRM_TOKEN", "what the CRM knows us by")
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Invoice {
//!     total: String,
//!     paid: bool,
//! }
//!
//! fn invoice(command: Command) -> Result<String> {
//!     let url = format!("https://crm.example.com/invoices/{}", http::encode(&command.args));
//!     let response = http::get(url).bearer(settings::require("CRM_TOKEN")?).send()?;
//!     if response.status() == 404 {
//!         return Ok("No such invoice".to_owned());
//!     }
//!     let invoice: Invoice = response.error_for_status()?.json()?;
//!     Ok(format!("{}, {}", invoice.total, if invoice.paid { "paid" } else { "open" }))
//! }
//!
//! fn pay(command: Command) -> Result<String> {
//!     let number: u32 = command.args.parse().or_refuse("Which invoice?")?;
//!     let invoice: Invoice = http::post("https://crm.example.com/payments")
//!         .bearer(settings::require("CRM_TOKEN")?)
//!         .body_json(&number)
//!         .json()?;
//!     Ok(format!("{} is paid", invoice.total))
//! }
//! # use slashbox_sdk::{http::Response, testing::Host};
//! # let host = Host::new()
//! #     .setting("CRM_TOKEN", "x")
//! #     .answer("GET", "https://crm.example.com/invoices/a%2Fb", Response::new(404))
//! #     .answer("POST", "https://crm.example.com/payments", Response::new(201).body_json(&serde_json::json!({"total": "5 €", "paid": true})));
//! # let told = |command| host.command(&plugin(), command).unwrap().unwrap().text;
//! # assert_eq!(told(Command::new("/invoice").args("a/b")), "No such invoice");
//! # assert_eq!(told(Command::new("/pay").args("42")), "5 € is paid");
//! # assert_eq!(host.requests()[1].header("authorization"), Some("Bearer x"));
//! ```
//!
//! # What the host lets through
//! * A plugin asks for its hosts with [`Plugin::http_host`](crate::Plugin::http_host), and the operator grants them with
//!   `allowed_hosts` in the plugin's .toml. All else fails with [`Error::Denied`].
//! * `https://` alone, and no addresses of the operator's own network, unless the operator allows them.
//! * No redirects are followed: a 3xx is an answer like any other.
//! * A call may send 20 requests, and bodies of 8 MiB, sent and received, all together; the operator may set other limits
//!   (`http_requests`, `http_mib`). Beyond them it is [`Error::Limit`].
//! * A request may take as long as the call: see [`Request::timeout_ms`].
//!
//! # Requests may repeat
//! What a call changes in [`kv`](crate::kv) counts once, whatever happens. A request that was sent is sent: an event whose
//! handler fails after it comes again, and so does the request. So that the other side can tell, the host adds the header
//! `Idempotency-Key` to a request that has none: the id of the command or the event and the plugin's name, with the
//! request's number behind them from a call's second one on (`ID-NAME-2`). It is the same at each attempt, as long as the handler sends its requests in the
//! same order.
//!
//! # Failures
//! As a [`Failure`](crate::Failure), by `?`, an [`Error`] that may pass is unavailable: a host that is unreachable or takes
//! too long, and the statuses 408, 425, 429 and 5xx. All else is refused: asking again will not help. A handler that knows
//! better matches the error, or uses [`OrRefuse`](crate::OrRefuse).
//!
//! [`send`]: Request::send

mod error;
mod request;
mod response;
mod url;

pub use error::Error;
pub(crate) use request::Outgoing;
pub use request::Request;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use request::header;
pub use response::Response;
pub use url::encode;
pub(crate) use url::{Scheme, Url};

/// A GET request. The URL begins with `https://` (or `http://`, where the operator allows it).
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// A POST request, as of [`get`].
pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

/// A PUT request, as of [`get`].
pub fn put(url: impl Into<String>) -> Request {
    request("PUT", url)
}

/// A PATCH request, as of [`get`].
pub fn patch(url: impl Into<String>) -> Request {
    request("PATCH", url)
}

/// A DELETE request, as of [`get`].
pub fn delete(url: impl Into<String>) -> Request {
    request("DELETE", url)
}

/// A request with any method, e.g. `HEAD`. Methods are told apart by case.
pub fn request(method: impl Into<String>, url: impl Into<String>) -> Request {
    Request::new(method.into(), url.into())
}

#[cfg(test)]
mod tests;
