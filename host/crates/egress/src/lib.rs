//! The only way out: an HTTP client that reaches nothing it must not.
//!
//! Owns which addresses and schemes may be reached, the resolving of names, connections, TLS, and the limits on time
//! and size. Webhooks and the command line's calls to its own host go through [`Egress::send`], which has bodies as a
//! whole; the plugins' HTTP goes through [`Egress::open`], which streams them, and upon which the former is built.
//! Never retries for its caller, follows no redirect, and knows nothing of what it carries.
//!
//! Invariants:
//! * Nothing is connected to but an address that was checked in the same attempt: whatever a name resolved to before or
//!   resolves to later, what was checked is what is dialed. One forbidden address refuses the whole answer.
//! * A cloud's metadata address is reached only if it is listed by itself, never by a wider range.
//! * What is sent ends within its limits, the body of the answer included.
//! * `Host` is the target's authority, whatever the caller says.
//! * No redirects, no proxies, no retries, no cookies, no decompression: reqwest is told so, so that neither the
//!   environment nor a feature that some other crate switches on brings them back.
//! * A message shows no query and no header, which may hold secrets.
//!
//! The HTTP itself, with its pool of connections, is reqwest's. It asks a resolver of ours, which answers with checked
//! addresses or not at all; it is given TLS that believes whom the machine believes; and since it asks no resolver about
//! an address in place of a name, that is checked before each request.

mod answer;
mod carrier;
mod egress;
mod error;
mod guard;
mod lookup;
mod open;
mod outgoing;
mod policy;
mod range;
mod refusal;
mod request;
mod special;
mod target;
mod tls;

#[cfg(test)]
mod tests;

pub use answer::AnswerBody;
pub use egress::{Egress, OWN_HEADERS};
pub use error::{OpenError, Phase, SendError, StartError};
pub use open::{Open, Opened};
pub use policy::Settings;
pub use range::{Range, RangeError};
pub use refusal::{Forbidden, Refusal};
pub use request::{CONNECT_MAX, Limits, Request, Response};
pub use special::Class;
pub use target::{Target, TargetError};
