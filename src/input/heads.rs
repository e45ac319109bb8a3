//! How the drop lines before began: stamp, host and prefix. In most logs the next one begins like one of them, but for its
//! time.
//!
//! What is remembered was read by a [`Format`] once; only the time is read anew. So reading with a memory says what reading
//! without says, which a property test holds.

use std::ops::Range;

use super::header::{clock, day, literal, month, spaces};
use super::survey::Ready;
use super::{Format, short};
use crate::time::Stamp;

/// So many begins are remembered: a log has a few hosts.
const MOST: usize = 8;

/// The begins of lines.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: Vec<Known>,
    /// The one to forget next.
    oldest: usize,
    /// The date of the last line, as text with the space behind it, and as it was read.
    date: Vec<u8>,
    month: u8,
    day: u8,
}

/// What stands between a stamp and the name of the interface.
#[derive(Debug)]
struct Known {
    text: Box<[u8]>,
    /// Where the host stands in it.
    host: Option<Range<usize>>,
    /// Where the message begins in it.
    message: usize,
}

/// The begin of a line.
pub(super) struct Head {
    pub(super) stamp: Stamp,
    /// All places count from the begin of the line.
    pub(super) host: Option<Range<usize>>,
    pub(super) message: usize,
    /// Up to behind `IN=`.
    pub(super) length: usize,
}

impl Heads {
    /// The begin of `line`, if lines before began like it.
    #[inline]
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Head> {
        if self.known.is_empty() {
            return None;
        }
        let mut rest = line.strip_prefix(&self.date[..])?;
        let (day_micros, fine) = clock(&mut rest)?;
        let stamp = line.len() - rest.len();
        let known = self
            .known
            .iter()
            .find(|known| rest.starts_with(&known.text))?;
        Some(Head {
            stamp: Stamp::Yearless {
                month: self.month,
                day: self.day,
                day_micros,
                fine,
            },
            host: known
                .host
                .as_ref()
                .map(|host| stamp + host.start..stamp + host.end),
            message: stamp + known.message,
            length: stamp + known.text.len(),
        })
    }

    /// Remembers the begin of a line, up to behind `IN=`, that was read as a record of `format` with nothing besides stamp and
    /// host; its message begins at `message`.
    pub(super) fn learn(&mut self, format: &Format, head: &[u8], message: usize, ready: &Ready) {
        let told = ready.uptime.is_some() || ready.boot.is_some() || ready.late != 0;
        if told || ready.repeats != 1 || !std::ptr::eq(format, &raw const short::SHORT) {
            return;
        }
        let (Some((date, stamp)), Stamp::Yearless { month, day, .. }) = (places(head), ready.stamp)
        else {
            return;
        };
        let Some(message) = message.checked_sub(stamp) else {
            return;
        };
        self.date.clear();
        self.date.extend_from_slice(&head[..date]);
        (self.month, self.day) = (month, day);
        let rest = &head[stamp..];
        if self.known.iter().any(|known| *known.text == *rest) {
            return;
        }
        let known = Known {
            text: rest.into(),
            host: ready
                .host_in_line()
                .map(|host| host.start - stamp..host.end - stamp),
            message,
        };
        if self.known.len() < MOST {
            self.known.push(known);
        } else {
            self.known[self.oldest] = known;
            self.oldest = (self.oldest + 1) % MOST;
        }
    }
}

/// Where the date of a begin ends, with the space behind it, and where its time of day does.
fn places(head: &[u8]) -> Option<(usize, usize)> {
    let mut rest = head;
    month(&mut rest)?;
    spaces(&mut rest);
    day(&mut rest)?;
    literal(&mut rest, b" ")?;
    let date = head.len() - rest.len();
    clock(&mut rest)?;
    Some((date, head.len() - rest.len()))
}
