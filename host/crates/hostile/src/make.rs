//! From an attack's few lines to a component: its body and the prelude are one core module, and `wit-component` makes the
//! component over the project's own WIT.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

use crate::Attack;

/// What all attacks share.
const PRELUDE: &str = include_str!("prelude.wat");

/// The project's own interface.
const PLUGIN: [(&str, &str); 4] = [
    ("types.wit", include_str!("../wit/types.wit")),
    ("handler.wit", include_str!("../wit/handler.wit")),
    ("services.wit", include_str!("../wit/services.wit")),
    ("world.wit", include_str!("../wit/world.wit")),
];

/// What else attacks import, each package before those that use it.
const WASI: [(&str, &str); 3] = [
    ("io.wit", include_str!("../wasi/io.wit")),
    ("clocks.wit", include_str!("../wasi/clocks.wit")),
    ("cli.wit", include_str!("../wasi/cli.wit")),
];

/// The world of all of it.
const WORLD: (&str, &str) = ("hostile.wit", include_str!("../wasi/hostile.wit"));

/// An attack could not be made: a mistake in this crate, or a command whose name is no letters, digits and `-`.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct MakeError {
    name: String,
    cause: String,
}

/// A component that does this when its command is typed: `/NAME`, in letters, digits and `-`.
///
/// # Errors
/// If the name is none.
pub fn component(attack: Attack, name: &str) -> Result<Vec<u8>, MakeError> {
    let error = |cause: String| MakeError { name: name.into(), cause };
    let is_name = !name.is_empty() && name.len() <= 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name {
        return Err(error("expected a name of letters, digits and `-`".into()));
    }
    encode(&module(attack, name)).map_err(error)
}

/// The core module's text. Imports come first, so the attack does.
fn module(attack: Attack, name: &str) -> String {
    let body = attack.body();
    let describing = if body.contains("(func $describing") { "" } else { "(func $describing)" };
    let bytes = name.len() + 1;
    let command = format!("(data (i32.const 512) \"/{name}\") (global $name_bytes i32 (i32.const {bytes}))");
    format!("(module\n{body}\n{describing}\n{PRELUDE}\n{command})")
}

fn encode(text: &str) -> Result<Vec<u8>, String> {
    let mut module = wat::parse_str(text).map_err(|error| error.to_string())?;
    let told = |error: anyhow::Error| format!("{error:#}");
    let mut resolve = Resolve::default();
    push(&mut resolve, &PLUGIN)?;
    for file in WASI {
        push(&mut resolve, &[file])?;
    }
    let package = push(&mut resolve, &[WORLD])?;
    let world = resolve.select_world(&[package], Some("hostile")).map_err(told)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(told)?;
    ComponentEncoder::default().module(&module).and_then(|mut encoder| encoder.encode()).map_err(told)
}

/// Adds one package.
fn push(resolve: &mut Resolve, files: &[(&str, &str)]) -> Result<wit_parser::PackageId, String> {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        sources.push_str(name, *text);
    }
    let parsed = sources.parse().map_err(|(_, error)| error.to_string())?;
    resolve.push_group(parsed).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_becomes_a_component() {
        for &attack in Attack::ALL {
            let made = component(attack, attack.name()).unwrap_or_else(|error| panic!("{error}"));
            assert!(made.starts_with(b"\0asm\x0d\0\x01\0"), "{attack:?}");
        }
    }

    #[test]
    fn a_command_is_named_as_commands_are() {
        for name in ["", "a b", "a\"b", "/a"] {
            assert!(component(Attack::Calm, name).is_err(), "{name:?}");
        }
    }
}
