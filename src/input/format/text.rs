//! Bytes around the text of a line that do not belong to it: NULs, carriage returns, colours, marks of syslog daemons.

use std::borrow::Cow;

use super::header::{bracket, priority, spaces};
use super::journal_fields::is_kernels;

/// Removes NULs that a crash leaves, the carriage return of a Windows line end, and a byte order mark.
pub(in crate::input) fn trim(mut line: &[u8]) -> &[u8] {
    const MARKS: [&[u8]; 2] = [b"\0", b"\xef\xbb\xbf"];
    while let Some(rest) = MARKS.iter().find_map(|mark| line.strip_prefix(*mark)) {
        line = rest;
    }
    while let Some(rest) = line.strip_suffix(b"\0") {
        line = rest;
    }
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns `text` without the colour codes (CSI sequences) that `journalctl`, `dmesg` and `grep` write for a terminal.
pub(in crate::input) fn plain(text: &[u8]) -> Cow<'_, [u8]> {
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

/// Returns `message` without the prefix that syslog daemons leave before the kernel's text: a space, a level `<4>`, the
/// uptime of imklog.
pub(in crate::input) fn bare(message: &[u8]) -> &[u8] {
    uptime_of(message).1
}

/// Whether `text` begins with the level of another facility than the kernel's: `<13>`.
pub(in crate::input) fn has_other_facility(text: &[u8]) -> bool {
    let mut rest = text;
    priority(&mut rest).is_some_and(|priority| !is_kernels(priority))
}

/// Splits off the uptime before the kernel's text. Returns it in microseconds, and the text.
#[inline]
pub(in crate::input) fn uptime_of(message: &[u8]) -> (Option<i64>, &[u8]) {
    let mut rest = message;
    if !matches!(rest.first(), Some(b' ' | b'<' | b'[')) {
        return (None, rest);
    }
    spaces(&mut rest);
    let before = rest;
    // The level of another facility stays: it says that a program wrote this.
    if priority(&mut rest).is_some_and(|priority| !is_kernels(priority)) {
        rest = before;
    }
    let uptime = bracket(&mut rest);
    (uptime, rest)
}
