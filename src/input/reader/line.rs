//! Reads a single line, as for `explain`: without a log around it, the result is a drop line or a reason.

use super::clock::Clock;
use crate::input::format::text::{plain, trim, uptime_of};
use crate::input::format::{self, Origin, Prefixes, of_unknown};
use crate::input::message::{
    Class, ELSEWHERE, HIDDEN, JOINED, MANGLED, PROGRAM, UNCLEAR, classify, holds_drop, unescaped,
};
use crate::time::{Reading, Time};

/// A drop line that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub time: Time,
    /// Whether the time resolves fractions of a second.
    pub fine: bool,
    pub host: Option<String>,
    /// The kernel message, from the LOG prefix on.
    pub message: String,
}

/// Parses the drop line `raw`. The error says why it is none.
pub fn line(raw: &[u8], prefixes: &Prefixes, reading: Reading) -> Result<Line, &'static str> {
    const NONE: &str = "no drop line: the LOG prefix is not in it";
    const WORD: &str =
        "no drop line: the prefix stands without its IN=, or is the end of another rule's prefix";
    let raw = trim(raw);
    // Colours are removed for parsing only, as everywhere.
    let text = plain(raw);
    if text.trim_ascii().is_empty() {
        return Err("a blank line");
    }
    let Some(record) = format::read(&text, prefixes) else {
        return Err(if prefixes.find(&text).is_none() {
            NONE
        } else if prefixes.begin_of(&text).is_none() {
            WORD
        } else if text.first().is_some_and(u8::is_ascii_whitespace) {
            "stands in a continuation line, which the kernel does not write"
        } else if matches!(text.first(), Some(b'{' | b'[')) {
            "a document that holds records: judge it as a log"
        } else if of_unknown(&text, prefixes) == Origin::Other {
            PROGRAM
        } else {
            UNCLEAR
        });
    };
    let message = unescaped(&record.message);
    let has_prefix = prefixes.find(&message).is_some();
    let holds_prefix = holds_drop(record.origin, &message, &text, prefixes);
    match classify(record.origin, &message, holds_prefix, prefixes) {
        Class::Drop { message, .. } => {
            let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
            let received = Clock::new(reading).resolve_at(record.stamp, record.after, uptime);
            let time = if received.is_dated() {
                Time(received.0.saturating_sub(record.late))
            } else {
                received
            };
            Ok(Line {
                time,
                fine: record.stamp.is_fine(),
                host: record.host.as_deref().map(str::to_owned),
                message: String::from_utf8_lossy(message).into_owned(),
            })
        }
        Class::OtherRule(_) | Class::Other if has_prefix => Err(WORD),
        Class::Elsewhere => Err(ELSEWHERE),
        Class::Joined => Err(JOINED),
        Class::Unclear => Err(UNCLEAR),
        Class::Mangled => Err(MANGLED),
        Class::Hidden => Err(HIDDEN),
        Class::Untrusted(why) => Err(why),
        Class::OtherRule(_) | Class::Notice { .. } | Class::Other => Err(NONE),
    }
}
