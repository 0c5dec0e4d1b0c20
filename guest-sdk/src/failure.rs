//! How a handler fails, and what ordinary errors mean for its caller.

use crate::{ServiceError, http};
use std::{char, error::Error, fmt, num, str, string};

/// What a handler returns: what it is for, or why it did not do it.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Why a handler did not do what it was asked.
///
/// The `?` operator makes one of any error. Where asking again cannot help, because the input is wrong, it is refused;
/// everything else may pass, so it is unavailable:
///
/// | error | failure |
/// |---|---|
/// | [`serde_json::Error`] about the text or its shape | refused |
/// | [`serde_json::Error`] while reading or writing | unavailable |
/// | [`ParseIntError`](num::ParseIntError), [`ParseFloatError`](num::ParseFloatError), [`ParseBoolError`](str::ParseBoolError), [`ParseCharError`](char::ParseCharError) | refused |
/// | [`TryFromIntError`](num::TryFromIntError), [`CharTryFromError`](char::CharTryFromError) | refused |
/// | [`Utf8Error`](str::Utf8Error), [`FromUtf8Error`](string::FromUtf8Error) | refused |
/// | [`ServiceError::Invalid`], [`Limit`](ServiceError::Limit), [`Denied`](ServiceError::Denied) | refused |
/// | [`ServiceError::Unavailable`] | unavailable |
/// | [`http::Error::Unreachable`], [`Timeout`](http::Error::Timeout), [`Status`](http::Error::Status) of 408, 425, 429 and 5xx | unavailable |
/// | any other [`http::Error`] | refused |
/// | any other | unavailable |
///
/// The error itself decides, not what caused it: whoever wraps one says what it means, with [`OrRefuse`] or `map_err`.
/// The text is the error's with those of its sources, `: ` between them.
///
/// ```
/// use slashbox_sdk::{Command, Failure, Result};
///
/// fn double(command: Command) -> Result<String> {
///     let number: i32 = command.args.parse()?;
///     Ok((number * 2).to_string())
/// }
///
/// assert_eq!(double(Command::new("/double").args("21")), Ok("42".to_owned()));
/// let failure = double(Command::new("/double").args("many"));
/// assert_eq!(failure, Err(Failure::refused("invalid digit found in string")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// For good: asking again will not help. For a command, the operator sees the text as the error; an event becomes a
    /// dead letter.
    Refused(String),
    /// For now: a command's sender is told to try later, and the text goes to the host's log; an event is delivered
    /// again, with growing pauses.
    Unavailable(String),
}

impl Failure {
    /// For good, for this reason. An operator may read it: say what to do about it.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    /// For now, for this reason. It goes to the host's log, never to the sender.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(reason.into())
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused(reason) | Self::Unavailable(reason) => reason,
        }
    }
}

/// The reason alone.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let text = with_sources(&error);
        if is_for_good(&error) { Self::Refused(text) } else { Self::Unavailable(text) }
    }
}

/// Turns a missing value or an error into a [`Failure`] with the plugin's own words.
///
/// ```
/// use slashbox_sdk::{Command, Failure, OrRefuse, Result};
///
/// fn half(command: Command) -> Result<String> {
///     let word = command.arg_words().next().or_refuse("Which number? Try /half 42")?;
///     let number: f64 = word.parse().or_refuse(format!("{word} is no number"))?;
///     Ok((number / 2.0).to_string())
/// }
///
/// assert_eq!(half(Command::new("/half").args("ten")), Err(Failure::refused("ten is no number")));
/// ```
pub trait OrRefuse<T> {
    /// The value, or a refusal with exactly this text: an operator reads it, so an error's own text is left out.
    ///
    /// # Errors
    /// [`Failure::Refused`] if there is no value.
    fn or_refuse(self, reason: impl Into<String>) -> Result<T>;

    /// The value, or "try again later" with this text and that of the error: the host's log keeps it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if there is no value.
    fn or_unavailable(self, reason: impl Into<String>) -> Result<T>;
}

impl<T> OrRefuse<T> for Option<T> {
    fn or_refuse(self, reason: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Failure::refused(reason))
    }

    fn or_unavailable(self, reason: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Failure::unavailable(reason))
    }
}

impl<T, E: Error> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self, reason: impl Into<String>) -> Result<T> {
        self.map_err(|_| Failure::refused(reason))
    }

    fn or_unavailable(self, reason: impl Into<String>) -> Result<T> {
        self.map_err(|error| Failure::unavailable(format!("{}: {}", reason.into(), with_sources(&error))))
    }
}

/// Returns from the handler with a refusal, its text written as for [`format!`].
///
/// ```
/// use slashbox_sdk::{Command, Result, refuse};
///
/// fn pay(command: Command) -> Result<&'static str> {
///     if command.operator.is_none() {
///         refuse!("{} works only for operators", command.name);
///     }
///     Ok("Paid")
/// }
/// # assert!(pay(Command::new("/pay")).is_err());
/// ```
#[macro_export]
macro_rules! refuse {
    ($($text:tt)*) => {
        return ::core::result::Result::Err($crate::Failure::refused(::std::format!($($text)*)))
    };
}

/// Whether asking again cannot help.
fn is_for_good(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<ServiceError>() {
        return !matches!(error, ServiceError::Unavailable(_));
    }
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        return !error.is_io();
    }
    if let Some(error) = error.downcast_ref::<http::Error>() {
        return error.is_for_good();
    }
    error.is::<num::ParseIntError>()
        || error.is::<num::ParseFloatError>()
        || error.is::<num::TryFromIntError>()
        || error.is::<str::ParseBoolError>()
        || error.is::<str::Utf8Error>()
        || error.is::<string::FromUtf8Error>()
        || error.is::<char::ParseCharError>()
        || error.is::<char::CharTryFromError>()
}

/// The texts of an error and its sources. Many errors repeat their source's text at their end; it is then not said twice.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// An error whose text leaves its cause to `source`, or repeats it.
    #[derive(Debug)]
    struct Wrapped {
        text: &'static str,
        cause: ServiceError,
    }

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.text)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.cause)
        }
    }

    fn json(text: &str) -> serde_json::Error {
        serde_json::from_str::<u8>(text).unwrap_err()
    }

    #[test]
    fn wrong_input_is_refused() {
        let check = |failure: Failure| assert!(matches!(failure, Failure::Refused(_)), "{failure:?}");
        check("x".parse::<i32>().unwrap_err().into());
        check("x".parse::<f64>().unwrap_err().into());
        check("x".parse::<bool>().unwrap_err().into());
        check("xy".parse::<char>().unwrap_err().into());
        check(u8::try_from(256_i32).unwrap_err().into());
        check(char::try_from(0xD800_u32).unwrap_err().into());
        let bytes = vec![0xFF];
        check(str::from_utf8(&bytes).unwrap_err().into());
        check(String::from_utf8(bytes).unwrap_err().into());
        check(json("{").into());
        check(json("x").into());
        check(json("\"x\"").into());
        check(ServiceError::Invalid("x".into()).into());
        check(ServiceError::Limit("x".into()).into());
        check(ServiceError::Denied("x".into()).into());
    }

    #[test]
    fn all_else_is_unavailable() {
        let check = |failure: Failure| assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
        check(io::Error::other("x").into());
        check(fmt::Error.into());
        check(ServiceError::Unavailable("x".into()).into());
        check(serde_json::from_reader::<_, u8>(Broken).unwrap_err().into());
        check(Wrapped { text: "x", cause: ServiceError::Invalid("y".into()) }.into());
    }

    /// A reader that cannot be read.
    struct Broken;

    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    #[test]
    fn the_text_says_each_cause_once() {
        let check = |text, expected: &str| {
            let error = Wrapped { text, cause: ServiceError::Unavailable("no kv".into()) };
            assert_eq!(Failure::from(error).reason(), expected);
        };
        check("cannot count", "cannot count: no kv");
        check("cannot count: no kv", "cannot count: no kv");
        check("no kv", "no kv");
    }

    #[test]
    fn the_plugins_own_words() {
        let parsed = || "x".parse::<i32>();
        assert_eq!(Some(1).or_refuse("none"), Ok(1));
        assert_eq!(None::<i32>.or_refuse("none"), Err(Failure::refused("none")));
        assert_eq!(None::<i32>.or_unavailable("none"), Err(Failure::unavailable("none")));
        assert_eq!(parsed().or_refuse("no number"), Err(Failure::refused("no number")));
        let expected = Failure::unavailable("no number: invalid digit found in string");
        assert_eq!(parsed().or_unavailable("no number"), Err(expected));
    }
}
