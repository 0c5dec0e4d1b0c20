//! Events of the plugin's own, for other plugins and for remote webhooks.
//!
//! What is emitted as `paid` becomes the event `plugin.PLUGIN.paid`, PLUGIN being the name of the plugin's file. It goes
//! out together with the call's outcome, as `kv` does: a call that fails emits nothing, and what an event that comes
//! twice emits is emitted once.
//!
//! An event is at most 8 emissions away from the one that came from outside, so that plugins cannot wake each other for
//! ever.
//!
//! ```
//! use slashbox_sdk::{Command, Result, events};
//!
//! fn paid(command: Command) -> Result<&'static str> {
//!     events::emit("paid", &command.args)?;
//!     Ok("Paid")
//! }
//! # use slashbox_sdk::{Plugin, testing::Host};
//! # let plugin = Plugin::new("p", "1.0.0").command("/paid", "", "", paid);
//! # let host = Host::new();
//! # host.command(&plugin, Command::new("/paid").conversation("5").args("42")).unwrap();
//! # assert_eq!(host.emitted()[0].data_json, "\"42\"");
//! # assert_eq!(host.emitted()[0].conversation.as_deref(), Some("5"));
//! ```

use crate::{ServiceError, host};
use serde::Serialize;

/// Emits an event in the conversation of the call, with its data written as JSON: that of the command, of the event or of
/// the timer that is being handled; in none if that has none. [`emit_in`] says which.
///
/// # Errors
/// [`ServiceError::Invalid`] if the host does not take the kind or the data, [`ServiceError::Limit`] if the event is too
/// many emissions away or there are too many.
pub fn emit(kind: &str, data: &(impl Serialize + ?Sized)) -> Result<(), ServiceError> {
    emit_in(host::conversation().as_deref(), kind, data)
}

/// Emits an event in that conversation, or in none.
///
/// ```
/// use slashbox_sdk::{Result, events};
///
/// fn night() -> Result {
///     events::emit_in("-100:5", "closed", &"until 9:00")?;
///     events::emit_in(None, "night", &())?;
///     Ok(())
/// }
/// # let host = slashbox_sdk::testing::Host::new();
/// # night().unwrap();
/// # assert_eq!(host.emitted()[0].conversation.as_deref(), Some("-100:5"));
/// # assert_eq!(host.emitted()[1].conversation, None);
/// ```
///
/// # Errors
/// As of [`emit`].
pub fn emit_in<'a>(
    conversation: impl Into<Option<&'a str>>,
    kind: &str,
    data: &(impl Serialize + ?Sized),
) -> Result<(), ServiceError> {
    let data = serde_json::to_string(data);
    let data = data.map_err(|error| ServiceError::Invalid(format!("data of event {kind:?}: {error}")))?;
    host::emit(kind, conversation.into(), &data)
}
