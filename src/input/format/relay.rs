//! Lines that a relay put its own header before, and lines whose header is of no known form.

use std::net::IpAddr;

use super::header::{source, word};
use super::prefixes::Prefixes;
use super::record::{Layer, Origin, Record};
use crate::time::Stamp;

/// Largest offset of the end of a host's name and the kernel's tag behind it.
const MAX_TAG: usize = 80;

/// Whether a word can only be the name or the address of a host: it has a digit, or is an address.
fn is_host(word: &[u8]) -> bool {
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

/// Splits the sender off the text behind a stamp. What a relay put its own header before, with a stamp or without, is
/// read as the record that it is.
pub(super) fn sent<'a>(text: &'a [u8], stamp: Stamp, layer: Layer<'_>) -> Option<Record<'a>> {
    let (host, origin, message) = source(text)?;
    let relayed = match (origin, &host) {
        (Origin::Unclear, _) => relayed(text, stamp, layer),
        // `host: kernel: `: programs have a PID, or a host before them.
        (Origin::Other, None) => own_tag(text, stamp),
        _ => None,
    };
    Some(relayed.unwrap_or_else(|| Record::new(stamp, host, origin, message.into())))
}

/// Reads the record that is the kernel's or claims to be, behind a relay's stamp, or behind its stamp and its name.
fn relayed<'a>(text: &'a [u8], stamp: Stamp, layer: Layer<'_>) -> Option<Record<'a>> {
    let stamped = |text| {
        let record = layer.inner(text)?;
        let is_its = matches!(record.origin, Origin::Kernel | Origin::Forged);
        (is_its && record.stamp != Stamp::None).then_some(record)
    };
    let mut behind = text;
    let relay = word(&mut behind)?;
    if let Some(record) = stamped(text) {
        return Some(record);
    }
    if relay.ends_with(b":") {
        return None;
    }
    stamped(behind).or_else(|| {
        let (host, origin, message) = source(behind)?;
        let is_sent = origin == Origin::Kernel && is_host(relay);
        let host = host.filter(|host| is_sent && is_host(host.as_bytes()))?;
        Some(Record::new(stamp, Some(host), origin, message.into()))
    })
}

/// Reads a record whose host has a colon behind it, as a tag has.
fn own_tag(text: &[u8], stamp: Stamp) -> Option<Record<'_>> {
    let end = memchr::memmem::find(&text[..text.len().min(MAX_TAG)], b": kernel: ")?;
    let (host, message) = (&text[..end], &text[end + 10..]);
    let host = std::str::from_utf8(host).ok().filter(|_| is_host(host))?;
    Some(Record::new(
        stamp,
        Some(host.into()),
        Origin::Kernel,
        message.into(),
    ))
}

/// Returns who wrote `text`, which no form reads: nobody tells where the LOG prefix stands in it as a message does, with
/// the kernel's tag before it or none.
pub(super) fn of_unknown(text: &[u8], prefixes: &Prefixes) -> Origin {
    // An indented line continues another one.
    if text.first().is_some_and(u8::is_ascii_whitespace) {
        return Origin::Other;
    }
    let head = prefixes.find(text).map_or(text, |at| &text[..at]);
    let is_apart = head.last().is_none_or(u8::is_ascii_whitespace) || head.ends_with(b"kernel:");
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b"kernel:").unwrap_or(head);
    let is_named = memchr::memmem::find(head, b": ").is_some() || head.ends_with(b":");
    if is_apart && !is_named {
        Origin::Unclear
    } else {
        Origin::Other
    }
}
