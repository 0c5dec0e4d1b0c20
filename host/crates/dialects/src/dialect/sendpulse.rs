//! Soon.

use slashbox_core::Event;

use super::Wire;
use crate::{Arrival, Credential, Credentials, Kind, Received, Recipient, Refusal, Rendered, Request, Sample};

/// The dialect.
pub(super) struct SendPulse;

impl Wire for SendPulse {
    fn name(&self) -> &'static str {
        "sendpulse"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[]
    }

    fn credentials(&self) -> &'static [Credential] {
        &[Credential::Token]
    }

    fn samples(&self) -> &'static [Sample] {
        &[]
    }

    fn read(&self, _: &Received<'_>, _: &Credentials, _: Arrival<'_>) -> Result<Request, Refusal> {
        Err(Refusal::Malformed(String::new()))
    }

    fn render(&self, _: &Event, _: &Recipient<'_>) -> Rendered {
        Rendered::json(String::new())
    }
}
