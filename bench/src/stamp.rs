//! Plugins that differ, all from one build: what the guest `stamped` has as its command and its version is written over in
//! the component. Any other component becomes another file by a section that nobody reads.

use std::iter::repeat;

use anyhow::{Context, Result, ensure};

/// As in `bench/guests/stamped`.
const COMMAND: &[u8] = b"/stamped-command-";
/// As in `bench/guests/stamped`.
const VERSION: &[u8] = b"stamped-version--";

/// The guest `stamped` with a command, slash included, and with what its replies begin with.
pub(crate) fn stamped(component: &[u8], command: &str, version: &str) -> Result<Vec<u8>> {
    let mut stamped = component.to_vec();
    write_over(&mut stamped, COMMAND, command)?;
    write_over(&mut stamped, VERSION, version)?;
    Ok(stamped)
}

/// Every occurrence, since the compiler may have made several.
fn write_over(bytes: &mut [u8], stamp: &[u8], text: &str) -> Result<()> {
    ensure!(text.len() <= stamp.len(), "{text:?} has more than {} bytes", stamp.len());
    let padded: Vec<u8> = text.bytes().chain(repeat(b' ')).take(stamp.len()).collect();
    let places: Vec<usize> =
        bytes.windows(stamp.len()).enumerate().filter(|(_, window)| *window == stamp).map(|(at, _)| at).collect();
    ensure!(!places.is_empty(), "the component has no {:?}", String::from_utf8_lossy(stamp));
    for at in places {
        bytes.iter_mut().skip(at).zip(&padded).for_each(|(byte, new)| *byte = *new);
    }
    Ok(())
}

/// The same component as another file: with a custom section of that name behind it, which has nothing in it.
pub(crate) fn renamed(component: &[u8], name: &str) -> Result<Vec<u8>> {
    // The number of a custom section, its length, the length of its name, its name. Each length is one byte up to 127.
    let bytes = u8::try_from(name.len()).ok().filter(|bytes| *bytes < 127).context("the name is too long")?;
    Ok([component, &[0, bytes + 1, bytes], name.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_written_over_and_filled_up() {
        let component = b"a/stamped-command-bstamped-version--c/stamped-command-";
        let expected = b"a/x               bv1               c/x               ";
        assert_eq!(stamped(component, "/x", "v1").unwrap(), expected);
        assert!(stamped(component, "/a-command-that-is-too-long", "v1").is_err());
        assert!(stamped(b"another component", "/x", "v1").is_err());
    }

    #[test]
    fn a_section_is_added() {
        assert_eq!(renamed(b"abc", "v1").unwrap(), b"abc\0\x03\x02v1");
        assert!(renamed(b"abc", &"v".repeat(127)).is_err());
    }
}
