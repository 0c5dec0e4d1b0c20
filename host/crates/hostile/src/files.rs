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
    // Sections of a module: 5 is memories (one, of no pages), 4 tables (one, of functions, without elements).
    let (memory, table) = ([5, 3, 1, 0, 0], [4, 4, 1, 0x70, 0, 0]);
    for (count, body) in [(instances, &[][..]), (memories, &memory[..]), (tables, &table[..])] {
        if count > 0 {
            add(&mut component, body, count);
        }
    }
    Ok(component)
}

/// [`Attack::Memory`] with one more memory, which has so many pages of 64 KiB from the beginning.
///
/// # Errors
/// As [`component`].
pub fn with_memory(name: &str, pages: u32) -> Result<Vec<u8>, MakeError> {
    let mut component = component(Attack::Memory, name)?;
    let mut body = Vec::new();
    section(&mut body, 5, &[&[1, 0][..], &leb128(pages)].concat()); // Memories: one, without a maximum.
    add(&mut component, &body, 1);
    Ok(component)
}

/// A component with a function that takes a compiler many seconds, and no thread can help it: thousands of loops, one
/// behind the other, over one variable.
///
/// # Errors
/// As [`component`].
pub fn slow_to_compile(name: &str) -> Result<Vec<u8>, MakeError> {
    const LOOPS: usize = 20_000;
    // loop; local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0; end
    let one = [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b];
    // No locals but the parameter, the loops, and its value as the result.
    let function = [&[0][..], &one.repeat(LOOPS), &[0x20, 0, 0x0b]].concat();
    let mut body = Vec::new();
    // Sections of a module: 1 is types (one, from i32 to i32), 3 the type of each function, 10 their code.
    section(&mut body, 1, &[1, 0x60, 1, 0x7f, 1, 0x7f]);
    section(&mut body, 3, &[1, 0]);
    section(&mut body, 10, &[&[1][..], &leb128(function.len() as u32), &function].concat());
    let mut component = component(Attack::Calm, name)?;
    add(&mut component, &body, 1);
    Ok(component)
}

/// Adds a core module of these sections, and so many instances of it.
fn add(component: &mut Vec<u8>, body: &[u8], instances: u32) {
    let module = sections(component, CORE_MODULE);
    section(component, CORE_MODULE, &[&MODULE, body].concat());
    let mut list = leb128(instances);
    for _ in 0..instances {
        list.push(0); // Instantiate …
        list.extend(leb128(module));
        list.push(0); // … with no arguments.
    }
    section(component, CORE_INSTANCE, &list);
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
