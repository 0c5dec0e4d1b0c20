//! Events of the plugin's own, for other plugins and for remote webhooks.

use crate::{ServiceError, host};
use serde::Serialize;

/// Emits the event `plugin.PLUGIN.KIND`, PLUGIN being the name of the plugin's file, with its data written as JSON. It
/// goes out together with the call's outcome, as `kv` does: a call that fails emits nothing.
///
/// An event is at most 8 emissions away from the one that came from outside, so that plugins cannot wake each other for
/// ever.
///
/// ```
/// use slashbox_sdk::{Command, Result, events};
///
/// fn paid(command: Command) -> Result<&'static str> {
///     events::emit("paid", command.conversation.as_deref(), &command.args)?;
///     Ok("Paid")
/// }
/// # let host = slashbox_sdk::testing::Host::new();
/// # paid(Command::new("/paid").conversation("5").args("42")).unwrap();
/// # assert_eq!(host.emitted()[0].data_json, "\"42\"");
/// ```
///
/// # Errors
/// [`ServiceError::Invalid`] if the host does not take the kind or the data, [`ServiceError::Limit`] if the event is too
/// many emissions away or there are too many.
pub fn emit(kind: &str, conversation: Option<&str>, data: &(impl Serialize + ?Sized)) -> Result<(), ServiceError> {
    let data = serde_json::to_string(data);
    let data = data.map_err(|error| ServiceError::Invalid(format!("data of event {kind:?}: {error}")))?;
    host::emit(kind, conversation, &data)
}
