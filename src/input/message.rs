//! Decides whether a kernel message begins with the LOG prefix.

use std::borrow::Cow;

use super::{Origin, Prefixes, Record};

/// What a nominated record turned out to be.
#[derive(Debug)]
pub(super) enum Anchored<'a> {
    /// A drop line: its message from the prefix on.
    Drop(Cow<'a, [u8]>),
    /// The kernel's, but some other rule's line.
    Other,
    /// The text of a drop line where the kernel did not put it.
    Untrusted(&'static str),
}

/// Judges where the prefix stands in `record`.
pub(super) fn anchor<'a>(record: Record<'a>, prefixes: &Prefixes) -> Anchored<'a> {
    match record.origin {
        Origin::Kernel => {}
        Origin::Forged => return Anchored::Untrusted("not from the kernel, but claims to be"),
        Origin::Other => return Anchored::Untrusted("written by another program than the kernel"),
    }
    let message = plain(record.message);
    let Some(prefix) = prefixes.at_begin_of(&message) else {
        return elsewhere(&message, prefixes);
    };
    let rest = &message[prefix.len()..];
    // A line may end anywhere, also in its `IN=`.
    if rest.starts_with(b"IN=") || b"IN=".starts_with(rest.trim_ascii_end()) {
        Anchored::Drop(message)
    } else {
        Anchored::Other
    }
}

/// The prefix is not where the message begins: glued to other text it is the end of a longer prefix, and that is
/// another rule's; otherwise somebody wrote it into a message.
fn elsewhere(message: &[u8], prefixes: &Prefixes) -> Anchored<'static> {
    let glued = |prefix: &Vec<u8>| {
        memchr::memmem::find(message, prefix)
            .is_some_and(|at| at > 0 && !message[at - 1].is_ascii_whitespace())
    };
    if prefixes.0.iter().any(glued) {
        Anchored::Other
    } else {
        Anchored::Untrusted("the prefix does not stand where the kernel's message begins")
    }
}

/// `message` without the colour codes (CSI sequences) that `journalctl` and `dmesg` write for a terminal.
fn plain(message: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, &message).is_none() {
        return message;
    }
    let mut out = Vec::with_capacity(message.len());
    let mut rest = message.as_ref();
    while let Some(at) = memchr::memmem::find(rest, b"\x1b[") {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 2..];
        let end = rest
            .iter()
            .position(|b| !matches!(b, b'0'..=b'9' | b';' | b':'));
        rest = end.map_or(&[], |end| &rest[end + 1..]);
    }
    out.extend_from_slice(rest);
    out.into()
}
