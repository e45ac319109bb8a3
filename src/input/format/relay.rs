//! Lines that another header stands before.
//!
//! A syslog tag may hold any words, also a host, a stamp and `kernel`. So behind the name of a host no second header is
//! believed: nobody can tell a relay's line from one that a program forged.

use std::net::IpAddr;

use super::header::{host_name, source};
use super::record::{Layer, Origin, Record};
use crate::time::Stamp;

/// Largest offset of the end of a host's name and the kernel's tag behind it.
const MAX_TAG: usize = 80;

/// Whether a word can only be the name or the address of a host: it has a digit, or is an address.
pub(super) fn is_host(word: &[u8]) -> bool {
    let is_name = |word: &[u8]| {
        word[0].is_ascii_alphanumeric()
            && word.iter().any(u8::is_ascii_digit)
            && !word.iter().all(u8::is_ascii_digit)
            && (word.iter()).all(|b| b.is_ascii_alphanumeric() || b"-._".contains(b))
    };
    let is_address = || {
        let text = std::str::from_utf8(word).ok();
        text.is_some_and(|text| text.parse::<IpAddr>().is_ok())
    };
    !word.is_empty() && (is_name(word) || is_address())
}

/// Splits the sender off the text behind a stamp. Behind a second stamp, with no name between, stands the record.
pub(super) fn sent<'a>(text: &'a [u8], stamp: Stamp, layer: Layer<'_>) -> Option<Record<'a>> {
    let (host, mut origin, message) = source(text)?;
    if origin == Origin::Unclear
        && let Some(record) = layer.inner(text)
        && matches!(record.origin, Origin::Kernel | Origin::Forged)
        && record.stamp != Stamp::None
    {
        return Some(record);
    }
    if origin == Origin::Other && host.is_none() && is_host_as_tag(text) {
        origin = Origin::Unclear;
    }
    Some(Record::new(stamp, host, origin, message.into()))
}

/// Whether a host stands where the tag does, `harvester1: kernel: `: devices write so, and so does a program of that name
/// where the log has no hosts.
fn is_host_as_tag(text: &[u8]) -> bool {
    let window = &text[..text.len().min(MAX_TAG)];
    let end = memchr::memmem::find(window, b": kernel: ");
    end.is_some_and(|end| is_host(host_name(&text[..end])))
}
