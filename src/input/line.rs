//! Reads one line alone, as `explain` does: no log around it, and so no answer but an entry or a reason.

use super::clock::Clock;
use super::lines::trim;
use super::message::{Anchored, anchor, plain, unescaped, uptime_of};
use super::{Layer, Prefixes, read};
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

/// The drop line that `raw` is, else why it is none.
pub fn line(raw: &[u8], prefixes: &Prefixes, reading: Reading) -> Result<Line, &'static str> {
    const NONE: &str = "no drop line: the LOG prefix is not in it";
    let raw = trim(raw);
    // Colours are taken off for reading only, as everywhere.
    let text = plain(raw);
    if text.trim_ascii().is_empty() {
        return Err("a blank line");
    }
    let holds = |text: &[u8]| {
        let mut all = prefixes.texts.iter();
        all.any(|prefix| memchr::memmem::find(text, prefix).is_some())
    };
    let Some(record) = read(&text, Layer::outermost(prefixes)) else {
        return Err(if !holds(&text) {
            NONE
        } else if text.first().is_some_and(u8::is_ascii_whitespace) {
            "stands in a continuation line, which the kernel does not write"
        } else if matches!(text.first(), Some(b'{' | b'[')) {
            "a document that holds records: judge it as a log"
        } else {
            "what stands before the kernel's message is of no known form"
        });
    };
    let (_, record) = record;
    let message = unescaped(&record.message);
    match anchor(record.origin, &message, prefixes) {
        Anchored::Drop { message, .. } => {
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
        Anchored::Other if holds(&message) => {
            Err("no drop line: the prefix is the end of a longer one, and so another rule's")
        }
        Anchored::Untrusted(why) if holds(&message) => Err(why),
        Anchored::Other | Anchored::Untrusted(_) => Err(NONE),
    }
}
