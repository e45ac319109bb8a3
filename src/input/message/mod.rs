//! Classification of messages, shared by logs, their fast path, binary journals and `explain`.

mod dedup;
mod notice;

use std::borrow::Cow;

use super::event::NoticeKind;
use super::format::header::{count, literal};
use super::format::text::{bare, has_other_facility, plain};
use super::format::{Origin, Prefixes, is_field, rule_prefix, without_unseen_end};

pub use dedup::Dedup;
pub(super) use notice::ROWS as NOTICES;

/// Text of syslogd for repeated messages.
pub(super) const REPEAT: &str = "last message repeated ";

/// Reason why the text of a drop line within a message is no drop line.
pub(super) const ELSEWHERE: &str = "the prefix does not stand where the kernel's message begins";

/// Reason why a drop line behind a header of no known form is none.
pub(super) const UNCLEAR: &str = "what stands before the kernel's message is of no known form, or a second header, which the tag \
                                  of any program may be: cut it off, or save the log with `journalctl -k -o export`";

/// Reason why the text of a drop line by another program is none.
pub(super) const PROGRAM: &str = "written by another program than the kernel";

/// Reason why the text of a drop line by a sender that says to be the kernel is none.
const CLAIMED: &str = "not from the kernel, but claims to be";

/// Reason why a line whose LOG prefix or first field was escaped or marked is none.
pub(super) const MANGLED: &str =
    "the LOG prefix or what follows it was escaped, marked or cut on its way";

/// The end of what journalctl writes in place of a message that it hides.
pub(super) const BLOB: &str = " blob data]";

/// Reason why a message that journalctl has hidden is none.
pub(super) const HIDDEN: &str = "journalctl has hidden a message of the kernel, since it has bytes that cannot be printed; it may be a \
                                 drop line: save the log with `journalctl -k -a`, or with `-o export`";

/// Reason why a message whose bytes are given as numbers is none.
pub(super) const NUMBERS: &str = "its bytes stand there as numbers, and the list is cut off or has numbers that are no bytes: export the log again";

/// Reason why a line at the end of a log is no drop line.
pub(super) const CUT: &str = "the log ends within the LOG prefix";

/// Reason why a message with several drop lines is none.
pub(super) const JOINED: &str =
    "several drop lines stand in one line: put each on a line of its own";

/// Class of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class<'m> {
    /// A drop line: its text from the prefix on, and the number of lines for which it stands.
    Drop { message: &'m [u8], repeats: u32 },
    /// A line of another LOG rule, with its prefix if that is complete.
    OtherRule(Option<&'m [u8]>),
    /// The text of a drop line that the kernel did not write.
    Untrusted(&'static str),
    /// A drop line behind a header of no known form: who wrote it cannot be told.
    Unclear,
    /// A drop line whose prefix or first field was changed on its way.
    Mangled,
    /// The text of a drop line inside of a message of the kernel.
    Elsewhere,
    /// Several drop lines, which what collected them has joined to one: the parts of each cannot be told.
    Joined,
    /// A message of the kernel that journalctl has hidden.
    Hidden,
    /// A notice on lost evidence or on a new start of the log.
    Notice { kind: NoticeKind, count: u64 },
    /// Any other message.
    Other,
}

/// Whether `record`, whose message is `text`, written by `origin` and cleaned by [`unescaped`], may hold a drop line: a LOG prefix
/// with its `IN=` anywhere, or a message of the kernel that begins with one and may be cut.
pub(super) fn holds_drop(origin: Origin, text: &[u8], record: &[u8], prefixes: &Prefixes) -> bool {
    let message = bare(text);
    origin == Origin::Kernel && prefixes.at_begin_of(message).is_some()
        || prefixes.begin_of(message).is_some()
        || prefixes.begin_of(record).is_some()
}

/// Classifies `message`, written by `origin` and cleaned by [`unescaped`]. `holds_prefix` states that a LOG prefix was
/// found in its record.
pub(super) fn classify<'m>(
    origin: Origin,
    message: &'m [u8],
    holds_prefix: bool,
    prefixes: &Prefixes,
) -> Class<'m> {
    let text = bare(message);
    if !holds_prefix {
        return match notice::notice(origin, text) {
            Some((kind, count)) => Class::Notice { kind, count },
            None => of_rule(origin, first_line(text), prefixes),
        };
    }
    match origin {
        Origin::Kernel if has_other_facility(text) => return Class::Untrusted(CLAIMED),
        Origin::Kernel => {}
        Origin::Unclear => return Class::Unclear,
        Origin::Forged => return Class::Untrusted(CLAIMED),
        Origin::Journald | Origin::Journalctl | Origin::Other => {
            return Class::Untrusted(PROGRAM);
        }
    }
    let (text, repeats) = repeated(text);
    // Text after a line end is not the kernel's: a LOG line has none.
    let line = first_line(text);
    let Some(prefix) = prefixes.at_begin_of(line) else {
        return if prefixes.is_changed_in(line) {
            Class::Mangled
        } else {
            elsewhere(text, prefixes)
        };
    };
    let rest = &line[prefix.len()..];
    if prefixes.begin_in(rest) {
        return Class::Joined;
    }
    // A truncated line may end anywhere, also within its `IN=`; where it was wrapped a mark may stand.
    let end = rest.trim_ascii_end();
    let is_cut = |end: &[u8]| b"IN=".starts_with(end);
    let is_wrapped = || matches!(end, [cut @ .., b'=' | b'\\'] if is_cut(cut));
    if rest.starts_with(b"IN=") || is_cut(end) || is_wrapped() {
        if has_process(rest) {
            return Class::Untrusted(CLAIMED);
        }
        Class::Drop {
            message: line,
            repeats,
        }
    } else if is_field(rest) || prefixes.is_changed_in(line) || prefixes.is_spelt_in(line) {
        Class::Mangled
    } else {
        Class::OtherRule(rule_prefix(line))
    }
}

/// Classifies a line without a LOG prefix: one of another rule, or one whose prefix something unseen broke.
fn of_rule<'m>(origin: Origin, line: &'m [u8], prefixes: &Prefixes) -> Class<'m> {
    if !matches!(origin, Origin::Kernel | Origin::Unclear) {
        return Class::Other;
    }
    if prefixes.is_mangled_in(line) {
        return Class::Mangled;
    }
    if is_hidden(line) {
        return Class::Hidden;
    }
    match rule_prefix(line) {
        Some(prefix) if origin == Origin::Kernel => Class::OtherRule(Some(prefix)),
        _ => Class::Other,
    }
}

/// Whether `line` is what journalctl writes in place of a message with bytes that cannot be printed: `[290B blob data]`
/// (systemd, logs-show.c).
fn is_hidden(line: &[u8]) -> bool {
    let size = line
        .strip_prefix(b"[")
        .and_then(|line| line.strip_suffix(BLOB.as_bytes()));
    size.is_some_and(|size| size.first().is_some_and(u8::is_ascii_digit) && size.len() < 8)
}

/// Whether a PID and a colon stand in a line, `URGP=0[4242]: text`, as behind a tag: the tag held what stands before. The kernel
/// has fields in brackets, and no PID.
fn has_process(line: &[u8]) -> bool {
    let mut ends = memchr::memmem::find_iter(line, b"]:");
    ends.any(|end| {
        let digits = (line[..end].iter().rev()).take_while(|b| b.is_ascii_digit());
        let begin = end - digits.count();
        begin < end
            && line[..begin].ends_with(b"[")
            && line.get(end + 2).is_none_or(u8::is_ascii_whitespace)
    })
}

/// Returns what stands behind the first line of a message.
pub(super) fn further_lines(message: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', message).unwrap_or(message.len());
    &message[end..]
}

fn first_line(message: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', message).unwrap_or(message.len());
    let line = &message[..end];
    without_unseen_end(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Splits `message repeated 3 times: [ text ]`, as rsyslog writes it (tools/omfile, runtime/msg.c), into the text and
/// the number of further lines.
fn repeated(message: &[u8]) -> (&[u8], u32) {
    let unwrap = || {
        let mut rest = message.strip_prefix(b"message repeated ")?;
        // No daemon writes 0, so the text is no count.
        let times = count(&mut rest).filter(|times| *times > 0)?;
        literal(&mut rest, b" times: [")?;
        let text = rest.trim_ascii_end();
        let text = text.strip_suffix(b"]").unwrap_or(text);
        Some((bare(text), times))
    };
    unwrap().unwrap_or((message, 1))
}

/// Classifies a message that contains the prefix, but not at its start: glued to other text it is the end of another
/// rule's longer prefix, or one with marks before it; otherwise, and in quotes, it was written into a message. A message of the
/// audit subsystem says what programs did.
fn elsewhere<'m>(message: &'m [u8], prefixes: &Prefixes) -> Class<'m> {
    let is_audit = message.starts_with(b"audit: ") || message.starts_with(b"type=");
    let before = prefixes.find(message).map_or(message, |at| &message[..at]);
    // A program's line that looks like one of dmesg: `[12345.677901] harvester1 app[12]: `.
    if is_audit && memchr::memmem::find(message, b"audit(").is_some() || has_process(before) {
        return Class::Untrusted(PROGRAM);
    }
    let glued = |prefix: &Vec<u8>| {
        memchr::memmem::find(message, prefix)
            .and_then(|at| message.get(at.checked_sub(1)?))
            .is_some_and(|before| !before.is_ascii_whitespace() && !b"\"'`\\".contains(before))
    };
    if prefixes.texts.iter().any(glued) {
        match rule_prefix(message) {
            Some(prefix) if prefixes.is_mangled(prefix) => Class::Mangled,
            prefix => Class::OtherRule(prefix),
        }
    } else {
        Class::Elsewhere
    }
}

/// Returns `message` with the control characters that rsyslog wrote as `#012` decoded.
pub(in crate::input) fn unescaped(message: &[u8]) -> Cow<'_, [u8]> {
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
    // Colours that stand behind `#033`.
    match plain(&out) {
        Cow::Borrowed(_) => out.into(),
        Cow::Owned(plain) => plain.into(),
    }
}
