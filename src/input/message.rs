//! Decides whether a kernel message begins with the LOG prefix.

use std::borrow::Cow;

use super::header::{bracket, digits, literal, priority, spaces};
use super::{Origin, Prefixes};

/// What a nominated record turned out to be.
#[derive(Debug)]
pub(super) enum Anchored<'m> {
    /// A drop line: its message, from the prefix on, and how many lines it stands for.
    Drop { message: &'m [u8], repeats: u32 },
    /// The kernel's, but some other rule's line.
    Other,
    /// The text of a drop line where the kernel did not put it.
    Untrusted(&'static str),
}

/// Judges where the prefix stands in `message`, which `origin` has written and [`unescaped`] has cleaned.
pub(super) fn anchor<'m>(origin: Origin, message: &'m [u8], prefixes: &Prefixes) -> Anchored<'m> {
    match origin {
        Origin::Kernel => {}
        Origin::Forged => return Anchored::Untrusted("not from the kernel, but claims to be"),
        Origin::Other => return Anchored::Untrusted("written by another program than the kernel"),
    }
    let (message, repeats) = repeated(bare(message));
    // What follows a line end is not the kernel's: a LOG line has none.
    let line = first_line(message);
    let Some(prefix) = prefixes.at_begin_of(line) else {
        return elsewhere(message, prefixes);
    };
    let rest = &line[prefix.len()..];
    // A line may end anywhere, also in its `IN=`.
    if rest.starts_with(b"IN=") || b"IN=".starts_with(rest.trim_ascii_end()) {
        Anchored::Drop {
            message: line,
            repeats,
        }
    } else {
        Anchored::Other
    }
}

fn first_line(message: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', message).unwrap_or(message.len());
    let line = &message[..end];
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `message` without what syslog daemons leave before the kernel's text: a space, a level `<4>`, the uptime of imklog.
pub(super) fn bare(message: &[u8]) -> &[u8] {
    uptime_of(message).1
}

/// The uptime before the kernel's text, in microseconds, and the text.
pub(super) fn uptime_of(message: &[u8]) -> (Option<i64>, &[u8]) {
    let mut rest = message;
    spaces(&mut rest);
    let _ = priority(&mut rest);
    let uptime = bracket(&mut rest);
    (uptime, rest)
}

/// Takes `message repeated 3 times: [ text ]` apart, as rsyslog writes it (tools/omfile, runtime/msg.c): the text, and how
/// many more lines it stands for.
fn repeated(message: &[u8]) -> (&[u8], u32) {
    let unwrap = || {
        let mut rest = message.strip_prefix(b"message repeated ")?;
        // No daemon writes 0: that is somebody's text.
        let times = digits(&mut rest, 1, 9).filter(|times| *times > 0)?;
        literal(&mut rest, b" times: [")?;
        let text = rest.trim_ascii_end();
        let text = text.strip_suffix(b"]").unwrap_or(text);
        Some((bare(text), u32::try_from(times).ok()?))
    };
    unwrap().unwrap_or((message, 1))
}

/// The prefix is not where the message begins: glued to other text it is the end of a longer prefix, and that is
/// another rule's; otherwise somebody wrote it into a message.
fn elsewhere(message: &[u8], prefixes: &Prefixes) -> Anchored<'static> {
    let glued = |prefix: &Vec<u8>| {
        memchr::memmem::find(message, prefix)
            .is_some_and(|at| at > 0 && !message[at - 1].is_ascii_whitespace())
    };
    if prefixes.texts.iter().any(glued) {
        Anchored::Other
    } else {
        Anchored::Untrusted("the prefix does not stand where the kernel's message begins")
    }
}

/// `message` with the control characters that rsyslog wrote as `#012`.
pub(super) fn unescaped(message: &[u8]) -> Cow<'_, [u8]> {
    if !memchr::memchr_iter(b'#', message).any(|at| message.get(at + 1) == Some(&b'0')) {
        return message.into();
    }
    let mut out = Vec::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = memchr::memchr(b'#', rest) {
        out.extend_from_slice(&rest[..at]);
        match rest[at..] {
            [_, b'0', high @ b'0'..=b'3', low @ b'0'..=b'7', ..] => {
                out.push((high - b'0') * 8 + (low - b'0'));
                rest = &rest[at + 4..];
            }
            _ => {
                out.push(b'#');
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out.into()
}

/// `text` without the colour codes (CSI sequences) that `journalctl`, `dmesg` and `grep` write for a terminal.
pub(super) fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, text).is_none() {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
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
