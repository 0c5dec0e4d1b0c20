//! Soon.

use slashbox_core::Event;

use super::Wire;
use crate::{Arrival, Credential, Credentials, Kind, Received, Recipient, Refusal, Rendered, Request, Sample};

/// The dialect.
pub(super) struct TgStaff;

impl Wire for TgStaff {
    fn name(&self) -> &'static str {
        "tg-staff"
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
