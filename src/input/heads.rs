//! How the drop lines before began: stamp, host and prefix. In most logs the next one begins like one of them, but for its
//! time.
//!
//! What is remembered was read by a format once; only the time is read anew. So reading with a memory says what reading
//! without says, which a property test holds.

use super::header::{clock, day, literal, month, spaces};
use super::words::Word;
use crate::memo::{Key, Memo};
use crate::time::Stamp;

/// The begins of lines.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: Memo<Known>,
    /// The date of the last line, as text with the space behind it, and as it was read.
    date: Vec<u8>,
    month: u8,
    day: u8,
}

/// What stands between a stamp and the name of the interface.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    host: Option<Word>,
    /// Where the message begins in it.
    message: u8,
}

/// The begin of a line.
pub(super) struct Head {
    pub(super) stamp: Stamp,
    pub(super) host: Option<Word>,
    /// Where the message begins; all places count from the begin of the line.
    pub(super) message: usize,
    /// Up to behind `IN=`.
    pub(super) length: usize,
}

impl Heads {
    /// The begin of `line`, if lines before began like it. Other lines may follow it in the text.
    #[inline]
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Head> {
        if self.date.is_empty() {
            return None;
        }
        let mut rest = line.strip_prefix(&self.date[..])?;
        let (day_micros, fine) = clock(&mut rest)?;
        let stamp = line.len() - rest.len();
        let (length, known) = self.known.recall(key(rest)?, rest)?;
        Some(Head {
            stamp: Stamp::Yearless {
                month: self.month,
                day: self.day,
                day_micros,
                fine,
            },
            host: known.host,
            message: stamp + usize::from(known.message),
            length: stamp + length,
        })
    }

    /// Remembers how `line` begins, up to behind `IN=` at `length`: it was read as a record of [`SHORT`] with nothing besides
    /// `stamp` and `host`, and its message begins at `message`.
    ///
    /// [`SHORT`]: super::short::SHORT
    pub(super) fn learn(
        &mut self,
        line: &[u8],
        length: usize,
        message: usize,
        host: Option<Word>,
        told: Stamp,
    ) {
        let (Some((date, stamp)), Stamp::Yearless { month, day, .. }) =
            (places(&line[..length]), told)
        else {
            return;
        };
        let message = message.checked_sub(stamp);
        let Some(message) = message.and_then(|at| u8::try_from(at).ok()) else {
            return;
        };
        self.date.clear();
        self.date.extend_from_slice(&line[..date]);
        (self.month, self.day) = (month, day);
        if let Some(key) = key(&line[stamp..]) {
            let known = Known { host, message };
            self.known.remember(key, &line[stamp..length], known);
        }
    }
}

/// The space before the host, and most of its name; `None` where less is left of the text.
#[inline]
fn key(text: &[u8]) -> Option<Key> {
    Some(Key::of(text.first_chunk::<24>()?, [0, 8, 16]))
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
