//! Events of a plugin's own: emitted with the call's outcome.

use std::time::Instant;

use slashbox_core::{Emit, HOPS_MAX, is_kind};

use super::{Services, timers::check_json};
use crate::{
    Input,
    bindings::slashbox::plugin::{events::Host, types::ServiceError},
    guest::Guest,
};

/// The most bytes of an event's data: a quarter of what an event from outside may have.
const DATA_BYTES_MAX: usize = 64 * 1024;

/// The most bytes of a conversation's name, which orders deliveries.
const CONVERSATION_BYTES_MAX: usize = 1_024;

impl Services {
    pub(in crate::services) fn emit(
        &mut self,
        kind: String,
        conversation: Option<String>,
        data: String,
    ) -> Result<(), ServiceError> {
        if !is_kind(&kind) {
            let kind = kind.get(..kind.floor_char_boundary(100)).unwrap_or_default();
            return Err(ServiceError::Invalid(format!("event {kind:?}: expected dotted words such as `paid`")));
        }
        if let Some(bytes) = conversation.as_ref().map(String::len).filter(|&bytes| bytes > CONVERSATION_BYTES_MAX) {
            let expected = format!("expected at most {CONVERSATION_BYTES_MAX}");
            return Err(ServiceError::Invalid(format!("event {kind:?}: conversation of {bytes} bytes: {expected}")));
        }
        check_json(&format!("event {kind:?}"), &data, DATA_BYTES_MAX)?;
        let hops = match &self.call.input {
            Input::Command(_) => 0,
            Input::Event { event, .. } => event.hops,
        };
        if hops >= HOPS_MAX {
            return Err(ServiceError::Limit(format!(
                "event {kind:?}: limit of {HOPS_MAX} emissions from the event that came from outside reached"
            )));
        }
        let emits_max = self.spec.limits.emits;
        if self.effects.emits.len() >= emits_max as usize {
            return Err(ServiceError::Limit(format!("event {kind:?}: limit of {emits_max} events in a call reached")));
        }
        let bytes = kind.len() + conversation.as_ref().map_or(0, String::len) + data.len();
        let sum = self.written_with(&format!("event {kind:?}:"), bytes, 0)?;
        let tenant = &self.call.input.origin().tenant;
        if !self.spec.emit_rate.admits(tenant, self.effects.emits.len(), Instant::now()) {
            let limit = self.spec.limits.emits_per_minute;
            return Err(ServiceError::Limit(format!("event {kind:?}: limit of {limit} events in a minute reached")));
        }
        self.written_bytes = sum;
        self.effects.emits.push(Emit { kind, conversation, data });
        Ok(())
    }
}

impl Host for Guest {
    fn emit(&mut self, kind: String, conversation: Option<String>, data: String) -> Result<(), ServiceError> {
        self.services("events")?.emit(kind, conversation, data)
    }
}
