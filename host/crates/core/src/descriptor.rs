//! What a plugin says of itself, checked.

use crate::{CommandName, CommandNameError, HttpHost, HttpHostError, Pattern, PatternError};

/// The most bytes of each text in a descriptor: one line in a console.
const TEXT_BYTES_MAX: usize = 1_000;

/// The most commands, kinds, hosts or settings that one plugin declares.
const ITEMS_MAX: usize = 200;

/// A command that a plugin answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// The command.
    pub name: CommandName,
    /// What follows the name, for people.
    pub usage: String,
    /// What it does.
    pub summary: String,
}

/// A setting that a plugin reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// The variable's name.
    pub name: String,
    /// What it is for.
    pub summary: String,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Whether the plugin cannot do its work without it.
    pub required: bool,
}

/// What a plugin says of itself. Made by [`Descriptor::check`] alone, so that one that exists is sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// For people; a plugin's identity is its file's name.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// What it is for.
    pub summary: String,
    /// The commands that it answers.
    pub commands: Vec<CommandSpec>,
    /// Which events it wants.
    pub events: Vec<Pattern>,
    /// The hosts that it asks to reach over HTTP.
    pub http_hosts: Vec<HttpHost>,
    /// The settings that it reads.
    pub settings: Vec<SettingSpec>,
}

/// What is wrong with a plugin's account of itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// A command that nobody could type.
    #[error("command {0}")]
    CommandName(#[from] CommandNameError),
    /// The same command twice.
    #[error("command {0} is declared twice")]
    CommandTwice(CommandName),
    /// A setting that no environment could hold.
    #[error("setting {0:?}: expected letters, digits and `_`, no digit first")]
    SettingName(String),
    /// The same setting twice.
    #[error("setting {0} is declared twice")]
    SettingTwice(String),
    /// A pattern that matches no kind of event.
    #[error("event {0}")]
    EventPattern(#[from] PatternError),
    /// Something that names no host.
    #[error("http host {0}")]
    HttpHost(#[from] HttpHostError),
    /// A list without end.
    #[error("{count} {what}: expected at most {ITEMS_MAX}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// A text that could play with a terminal or a log.
    #[error("{what} {text:?}: expected one line without control characters")]
    Control {
        /// Which text.
        what: &'static str,
        /// What it says.
        text: String,
    },
    /// A text for people without end.
    #[error("{what} of {bytes} bytes: expected at most {TEXT_BYTES_MAX}")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// How long.
        bytes: usize,
    },
}

impl Descriptor {
    /// Whether all of it is sound.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(self) -> Result<Self, DescriptorError> {
        self.check_sizes()?;
        for (index, spec) in self.commands.iter().enumerate() {
            if self.commands.iter().take(index).any(|earlier| earlier.name == spec.name) {
                return Err(DescriptorError::CommandTwice(spec.name.clone()));
            }
        }
        for (index, spec) in self.settings.iter().enumerate() {
            if !is_variable(&spec.name) {
                return Err(DescriptorError::SettingName(spec.name.clone()));
            }
            if self.settings.iter().take(index).any(|earlier| earlier.name == spec.name) {
                return Err(DescriptorError::SettingTwice(spec.name.clone()));
            }
        }
        Ok(self)
    }

    fn check_sizes(&self) -> Result<(), DescriptorError> {
        let lists = [
            ("commands", self.commands.len()),
            ("events", self.events.len()),
            ("http hosts", self.http_hosts.len()),
            ("settings", self.settings.len()),
        ];
        if let Some((what, count)) = lists.into_iter().find(|&(_, count)| count > ITEMS_MAX) {
            return Err(DescriptorError::TooMany { what, count });
        }
        let own = [("name", &self.name), ("version", &self.version), ("summary", &self.summary)];
        let of_commands = self.commands.iter().flat_map(|c| [("usage", &c.usage), ("summary", &c.summary)]);
        let of_settings = self.settings.iter().flat_map(|s| [("setting", &s.name), ("summary", &s.summary)]);
        let mut texts = own.into_iter().chain(of_commands).chain(of_settings);
        texts.try_for_each(|(what, text)| match text.len() {
            bytes if bytes > TEXT_BYTES_MAX => Err(DescriptorError::TooLong { what, bytes }),
            _ if text.chars().any(char::is_control) => Err(DescriptorError::Control { what, text: text.clone() }),
            _ => Ok(()),
        })
    }
}

fn is_variable(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(allowed) && name.starts_with(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str) -> CommandSpec {
        CommandSpec { name: name.parse().unwrap(), usage: String::new(), summary: String::new() }
    }

    fn setting(name: &str) -> SettingSpec {
        SettingSpec { name: name.into(), summary: String::new(), secret: false, required: false }
    }

    fn problem(descriptor: Descriptor) -> String {
        descriptor.check().unwrap_err().to_string()
    }

    #[test]
    fn a_sound_one_passes() {
        let descriptor = Descriptor {
            commands: vec![command("/a"), command("/b")],
            events: vec!["message.*".parse().unwrap(), "/mark".parse().unwrap()],
            http_hosts: vec!["*.a.example".parse().unwrap()],
            settings: vec![setting("CRM_URL"), setting("_x1")],
            ..Descriptor::default()
        };
        assert_eq!(descriptor.clone().check(), Ok(descriptor));
    }

    #[test]
    fn each_fault_is_named_with_its_value() {
        let check = |descriptor: Descriptor, text: &str| {
            let problem = problem(descriptor);
            assert!(problem.contains(text), "{problem}");
        };
        let base = Descriptor::default;
        check(Descriptor { commands: vec![command("/a"), command("/a")], ..base() }, "command /a is declared twice");
        check(Descriptor { settings: vec![setting("A"), setting("A")], ..base() }, "setting A is declared twice");
        for name in ["", "1A", "A-B", "A=B"] {
            check(Descriptor { settings: vec![setting(name)], ..base() }, &format!("setting {name:?}"));
        }
    }

    #[test]
    fn texts_are_of_one_line() {
        let descriptor = Descriptor { summary: "a\u{1b}[2J".into(), ..Descriptor::default() };
        assert_eq!(problem(descriptor), "summary \"a\\u{1b}[2J\": expected one line without control characters");
        let descriptor = Descriptor { name: "a\nok b".into(), ..Descriptor::default() };
        assert_eq!(problem(descriptor), "name \"a\\nok b\": expected one line without control characters");
    }

    #[test]
    fn sizes_are_bounded() {
        let text = "x".repeat(TEXT_BYTES_MAX);
        assert!(Descriptor { summary: text.clone(), ..Descriptor::default() }.check().is_ok());
        let over = Descriptor { summary: text + "x", ..Descriptor::default() };
        assert_eq!(problem(over), "summary of 1001 bytes: expected at most 1000");
        let events = vec!["*".parse::<Pattern>().unwrap(); ITEMS_MAX];
        assert!(Descriptor { events: events.clone(), ..Descriptor::default() }.check().is_ok());
        let over = Descriptor { events: [events, vec!["*".parse().unwrap()]].concat(), ..Descriptor::default() };
        assert_eq!(problem(over), "201 events: expected at most 200");
    }
}
