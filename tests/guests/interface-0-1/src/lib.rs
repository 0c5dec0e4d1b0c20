//! A plugin of the frozen interface `wit/0.1`, without the SDK: what was built against it must load for as long as the host
//! serves that track. It is never changed.

#![allow(unsafe_code, reason = "what is generated calls across the sandbox's edge")]

#[allow(clippy::all, clippy::indexing_slicing, clippy::unwrap_used)]
mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "../../../wit/0.1", pub_export_macro: true });
}

use bindings::{
    exports::slashbox::plugin::handler::Guest,
    slashbox::plugin::{
        events, kv, log, timers,
        types::{Command, CommandSpec, Descriptor, Event, Failure, Format, Reply, ServiceError, SettingSpec},
    },
};

struct Frozen;

impl Guest for Frozen {
    fn describe() -> Descriptor {
        Descriptor {
            name: "interface 0.1".into(),
            version: "0.1.0".into(),
            summary: "Built against the first interface".into(),
            commands: vec![CommandSpec {
                name: "/frozen".into(),
                usage: "WHAT".into(),
                summary: "tries a service".into(),
            }],
            events: vec!["message.*".into()],
            http_hosts: vec!["*.example.com".into()],
            settings: vec![SettingSpec {
                name: "GREETING".into(),
                summary: "how to say hello".into(),
                secret: false,
                required: false,
            }],
        }
    }

    fn on_command(c: Command) -> Result<Option<Reply>, Failure> {
        let text = match c.args.as_str() {
            "fields" => format!("{} {:?} {:?} {}", c.name, c.conversation, c.operator, c.origin.source),
            "kv" => said(services(&c))?,
            "refuse" => return Err(Failure::Refused("as it was told".into())),
            "nothing" => return Ok(None),
            other => return Err(Failure::Unavailable(other.into())),
        };
        Ok(Some(Reply { text, format: Format::Plain }))
    }

    fn on_event(e: Event) -> Result<(), Failure> {
        said(kv::increment("events", 1))?;
        said(kv::set("last", e.text.unwrap_or_default().as_bytes(), None))
    }
}

/// Each service once.
fn services(c: &Command) -> Result<String, ServiceError> {
    log::write(log::Level::Info, "trying each service");
    let count = kv::increment("commands", 1)?;
    let last = kv::get("last")?.unwrap_or_default();
    kv::delete("none")?;
    let page = kv::list_keys("", None, 10)?;
    timers::set("later", 60_000, "{}")?;
    timers::cancel("later")?;
    events::emit("tried", c.conversation.as_deref(), "{}")?;
    Ok(format!("{count} {} {}", String::from_utf8_lossy(&last), page.keys.join(" ")))
}

fn said<T>(done: Result<T, ServiceError>) -> Result<T, Failure> {
    done.map_err(|error| Failure::Unavailable(error.to_string()))
}

bindings::export!(Frozen with_types_in bindings);
