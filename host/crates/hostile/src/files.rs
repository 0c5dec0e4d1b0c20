//! Files that are no plugins for any host, or need more than a host gives.

use crate::{Attack, MakeError, component};

/// How a component begins: the magic number and the version of the format.
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// How a core module begins, which is all of an empty one.
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A file that no host takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Nothing is in it.
    Empty,
    /// It ends in the middle.
    Truncated,
    /// A core module, not a component.
    CoreModule,
    /// Native code.
    Native,
    /// No WebAssembly at all.
    Text,
}

impl Bad {
    /// All of them.
    pub const ALL: &[Bad] = &[Self::Empty, Self::Truncated, Self::CoreModule, Self::Native, Self::Text];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::CoreModule => "core-module",
            Self::Native => "native",
            Self::Text => "text",
        }
    }

    /// What is in the file.
    ///
    /// # Errors
    /// None but a mistake in this crate.
    pub fn bytes(self) -> Result<Vec<u8>, MakeError> {
        Ok(match self {
            Self::Empty => Vec::new(),
            Self::Truncated => {
                let mut whole = component(Attack::Calm, self.name())?;
                whole.truncate(whole.len() / 2);
                whole
            }
            Self::CoreModule => MODULE.into(),
            Self::Native => b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".into(),
            Self::Text => b"hello there".into(),
        })
    }
}

/// A component as [`component`] makes it, with so many more core instances of an empty module, and behind them so many of
/// one with a memory and of one with a table.
///
/// # Errors
/// As [`component`].
pub fn with_more(name: &str, instances: u32, memories: u32, tables: u32) -> Result<Vec<u8>, MakeError> {
    let mut component = component(Attack::Calm, name)?;
    let mut modules = sections(&component, CORE_MODULE);
    // Sections of a module: 5 is memories (one, of no pages), 4 tables (one, of functions, without elements).
    let (memory, table) = ([5, 3, 1, 0, 0], [4, 4, 1, 0x70, 0, 0]);
    for (count, body) in [(instances, &[][..]), (memories, &memory[..]), (tables, &table[..])] {
        if count == 0 {
            continue;
        }
        section(&mut component, CORE_MODULE, &[&MODULE, body].concat());
        let mut list = leb128(count);
        for _ in 0..count {
            list.push(0); // Instantiate …
            list.extend(leb128(modules));
            list.push(0); // … with no arguments.
        }
        section(&mut component, CORE_INSTANCE, &list);
        modules += 1;
    }
    Ok(component)
}

/// The beginning of a component of so many bytes: what is behind it are zeros, in a section that everybody skips.
///
/// # Errors
/// As [`component`], or if it has to be smaller than it is.
pub fn begin_of_large(name: &str, bytes: u64) -> Result<Vec<u8>, MakeError> {
    let mut component = component(Attack::Calm, name)?;
    let head = 1 + LEB128_MAX as u64;
    let rest = bytes.saturating_sub(component.len() as u64 + head);
    component.push(CUSTOM);
    // Padded to its full length, so that the length does not depend on itself.
    let rest = u32::try_from(rest).unwrap_or(u32::MAX);
    component.extend((0..LEB128_MAX).map(|at| {
        let more = if at + 1 < LEB128_MAX { 0x80 } else { 0 };
        (rest >> (7 * at)) as u8 & 0x7f | more
    }));
    component.extend([1, b'z']);
    Ok(component)
}

/// Section numbers of the component format. Source: the component model's `Binary.md`.
const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// The most bytes of a number of 32 bits.
const LEB128_MAX: usize = 5;

fn section(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    component.extend(leb128(content.len() as u32));
    component.extend(content);
}

fn leb128(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// How many sections of that number a component has at its top.
fn sections(component: &[u8], wanted: u8) -> u32 {
    let mut rest = component.get(COMPONENT.len()..).unwrap_or_default();
    let mut count = 0;
    while let Some((&id, after)) = rest.split_first() {
        count += u32::from(id == wanted);
        let length_bytes = after.iter().take_while(|&&byte| byte & 0x80 != 0).count() + 1;
        let digits = after.get(..length_bytes).unwrap_or_default();
        let length = digits.iter().rev().fold(0, |length, &byte| length << 7 | usize::from(byte & 0x7f));
        rest = after.get(length_bytes + length..).unwrap_or_default();
    }
    count
}
