//! Text that no form reads, and in which a drop line begins: who wrote it. The one answer for a line by itself and for one that
//! containers and collectors wrap.

use super::header::{clock, iso};
use super::json_fields::{FIELDS, Part, Within, field};
use super::prefixes::Prefixes;
use super::record::Origin;
use super::relay::is_host;
use super::take_short_stamp;

/// Returns who wrote `text`, which no form reads and in which a drop line begins: a program where it shows that it is one's,
/// else nobody tells.
pub(in crate::input) fn of_unknown(text: &[u8], prefixes: &Prefixes) -> Origin {
    // An indented line continues another one.
    let is_further = text.first().is_some_and(u8::is_ascii_whitespace);
    let head = prefixes.begin_of(text).map_or(text, |at| &text[..at]);
    if is_further || is_programs(head) {
        Origin::Other
    } else {
        Origin::Unclear
    }
}

/// Whether what stands before a drop line shows that a program wrote it: the header of a logger, a tag, or the begin of an address
/// or a list that it is a part of.
fn is_programs(head: &[u8]) -> bool {
    if is_loggers(head) {
        return true;
    }
    // What holds it may be the kernel's record, in an object that cannot be read or as a field of YAML.
    if memchr::memmem::find(head, b"{\"").is_some() || is_message_key(head) {
        return false;
    }
    if let Some(before) = head.trim_ascii_end().strip_suffix(b"kernel:") {
        let tag = before.trim_ascii().strip_suffix(b":");
        return tag.is_some_and(|tag| !tag.contains(&b' ') && !is_host(tag));
    }
    let is_tagged = memchr::memmem::find(head, b": ").is_some_and(|at| {
        // `harvester1: ` is what tools print that ask several hosts, before whole lines too. A tag has its time before it.
        let behind = &head[at + 2..];
        !is_host(&head[..at]) || !behind.is_empty() && !is_stamped(behind)
    });
    let last = head.rsplit(|b| *b == b' ').next().unwrap_or_default();
    is_tagged || last.contains(&b'?') || last.ends_with(b"(") || last.ends_with(b"/")
}

/// Whether a text begins with a time, or a priority, as a line of a log does.
fn is_stamped(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let is_bracket = text.first().is_some_and(|first| b"[<".contains(first));
    is_bracket || iso(&mut &*text).is_some() || take_short_stamp(&mut &*text).is_some()
}

/// Whether a text ends with a key under which records have their message: `message: "`.
fn is_message_key(head: &[u8]) -> bool {
    let head = head.strip_suffix(b"\"").unwrap_or(head);
    let key = head.trim_ascii_end().strip_suffix(b":").unwrap_or_default();
    let key = key.rsplit(|b| *b == b' ').next().unwrap_or_default();
    field(Within::Record, key).is_some_and(|row| FIELDS[usize::from(row)].part == Part::Message)
}

/// Whether a text has what loggers write before a message: klog's header, logfmt's level, an audit record's number, the request
/// of a web server.
fn is_loggers(head: &[u8]) -> bool {
    let words = || head.split(|b| *b == b' ');
    let mut pairs = words().zip(words().skip(1));
    words().any(|word| word.starts_with(b"level=") || word.starts_with(b"lvl="))
        || memchr::memmem::find(head, b"audit(").is_some()
        || pairs.any(|(word, next)| is_klog(word, next) || is_request(word, next))
}

/// Whether these words begin a line of klog: `I0504 09:58:10.000000`.
fn is_klog(word: &[u8], mut next: &[u8]) -> bool {
    let [level, day @ ..] = word else {
        return false;
    };
    b"IWEF".contains(level)
        && day.len() == 4
        && day.iter().all(u8::is_ascii_digit)
        && clock(&mut next).is_some()
}

/// Whether these words stand in the log of a web server: the date of the Common Log Format, or a request, `"GET /`.
fn is_request(word: &[u8], next: &[u8]) -> bool {
    let is_method = |method: &[u8]| !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
    matches!(word, [b'[', _, _, b'/', _, _, _, b'/', ..])
        || word.strip_prefix(b"\"").is_some_and(is_method)
            && (next.starts_with(b"/") || next.starts_with(b"http"))
}
