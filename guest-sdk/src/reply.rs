//! What a handler may return.

use crate::{Failure, Result};

/// How a reply's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Shown as it is.
    Plain,
    /// Telegram's MarkdownV2. Escaping is the plugin's task, see [`markdown::escape`](crate::markdown::escape): the host
    /// never escapes.
    MarkdownV2,
}

/// What the operator gets to see.
///
/// At most 4,096 characters, counted as UTF-16 code units; the host cuts what is longer, and says so in its log.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// How it is written.
    pub format: Format,
}

impl Reply {
    /// A text that is shown as it is.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: Format::Plain }
    }

    /// A text in Telegram's MarkdownV2.
    ///
    /// ```
    /// use slashbox_sdk::{Reply, markdown};
    ///
    /// let total = "42.50 €";
    /// let reply = Reply::markdown(format!("To pay: *{}*", markdown::escape(total)));
    /// assert_eq!(reply.text, r"To pay: *42\.50 €*");
    /// ```
    pub fn markdown(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: Format::MarkdownV2 }
    }
}

/// A text that is shown as it is.
impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// A text that is shown as it is.
impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// What a command's handler may return: [`Reply`], `String` or `&str`; an `Option` of these or `()` for "done, nothing to
/// show"; or a `Result` of any of them, with an error that can become a [`Failure`].
pub trait IntoReply {
    /// The reply, none if there is nothing to show, or why there is none.
    ///
    /// # Errors
    /// If the handler failed.
    fn into_reply(self) -> Result<Option<Reply>>;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Option<Reply>> {
        Ok(Some(self))
    }
}

impl IntoReply for String {
    fn into_reply(self) -> Result<Option<Reply>> {
        Ok(Some(self.into()))
    }
}

impl IntoReply for &str {
    fn into_reply(self) -> Result<Option<Reply>> {
        Ok(Some(self.into()))
    }
}

impl IntoReply for () {
    fn into_reply(self) -> Result<Option<Reply>> {
        Ok(None)
    }
}

impl<T: Into<Reply>> IntoReply for Option<T> {
    fn into_reply(self) -> Result<Option<Reply>> {
        Ok(self.map(Into::into))
    }
}

impl<T: IntoReply, E: Into<Failure>> IntoReply for Result<T, E> {
    fn into_reply(self) -> Result<Option<Reply>> {
        self.map_err(Into::into).and_then(IntoReply::into_reply)
    }
}

/// What an event's handler may return: `()`, or a `Result` of it, with an error that can become a [`Failure`].
pub trait IntoDone {
    /// Whether it is done.
    ///
    /// # Errors
    /// If the handler failed.
    fn into_done(self) -> Result;
}

impl IntoDone for () {
    fn into_done(self) -> Result {
        Ok(())
    }
}

impl<E: Into<Failure>> IntoDone for Result<(), E> {
    fn into_done(self) -> Result {
        self.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_commands_handler_may_return() {
        fn check(returned: impl IntoReply, expected: Result<Option<Reply>>) {
            assert_eq!(returned.into_reply(), expected);
        }
        let reply = || Ok(Some(Reply::text("x")));
        check(Reply::markdown("x"), Ok(Some(Reply::markdown("x"))));
        check("x", reply());
        check("x".to_owned(), reply());
        check(Some("x"), reply());
        check(None::<Reply>, Ok(None));
        check((), Ok(None));
        check(Ok::<_, Failure>("x"), reply());
        check(Ok::<_, Failure>(Some(Reply::text("x"))), reply());
        check(Err::<(), _>(Failure::refused("x")), Err(Failure::refused("x")));
        check("x".parse::<i32>().map(|_| ()), Err(Failure::refused("invalid digit found in string")));
    }

    #[test]
    fn what_an_events_handler_may_return() {
        assert_eq!(().into_done(), Ok(()));
        assert_eq!(Ok::<_, Failure>(()).into_done(), Ok(()));
        assert_eq!(Err(Failure::unavailable("x")).into_done(), Err(Failure::unavailable("x")));
        assert_eq!(Err(std::fmt::Error).into_done(), Err(Failure::unavailable(std::fmt::Error.to_string())));
    }
}
