//! How the drop lines before began: stamp, host and prefix. In most logs the next one begins like one of them, but for its
//! time.
//!
//! What is remembered was read by a format once; only the time is read anew. So reading with a memory says what reading
//! without says, which a property test holds.

use super::header::{clock, day, literal, month, spaces};
use super::words::{Word, Words};
use crate::eights::leading;
use crate::memo::{Key, Memo};
use crate::packet::{ENDS, Frame, Usual, ends_key};
use crate::time::{SECOND, Stamp};

/// `Apr 22 `; `Apr  3 ` is as long.
const DATE: usize = 7;
/// `Apr 22 10:00:01`.
const SECOND_LENGTH: usize = DATE + 8;

/// The begins of lines.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// From behind the stamp to the name of the interface.
    sources: Memo<Source>,
    /// The same up to the address of the sender.
    whole: Memo<Whole>,
    /// Where in these the ends of the hardware addresses were first.
    ends: usize,
    /// The date of the last line, with the space behind it, as text and as it was read; the month is 0 until there is one.
    date: [u8; DATE],
    month: u8,
    day: u8,
    /// The last time to the second, `Apr 22 10:00:01`, with the byte behind it, and the microseconds since midnight that it means.
    second: u128,
    micros: i64,
}

/// What stands between a stamp and the name of the interface.
#[derive(Debug, Clone, Copy, Default)]
struct Source {
    host: Option<Word>,
    /// Where the message begins in it.
    message: u8,
}

/// What stands between a stamp and the address of the sender.
#[derive(Debug, Clone, Copy, Default)]
struct Whole {
    source: Source,
    interface: Word,
    frame: Frame,
}

/// The begin of a line.
pub(super) struct Head {
    pub(super) stamp: Stamp,
    pub(super) host: Option<Word>,
    pub(super) interface: Word,
    pub(super) frame: Frame,
    /// Where the message begins; all places count from the begin of the line.
    pub(super) message: usize,
    /// Up to behind `SRC=`.
    pub(super) length: usize,
}

impl Heads {
    /// The begin of `line`, if lines before began like it. Other lines may follow it in the text.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        line: &[u8],
        packets: &mut Usual,
        words: &mut Words,
    ) -> Option<Head> {
        let (day_micros, fine, stamp) = self.time(line)?;
        let rest = &line[stamp..];
        let known = match self.whole_key(rest) {
            Some(key) => self.whole.recall(key, rest),
            None => None,
        };
        let (length, whole) = match known {
            Some(known) => known,
            None => self.new_whole(rest, packets, words)?,
        };
        Some(Head {
            stamp: Stamp::Yearless {
                month: self.month,
                day: self.day,
                day_micros,
                fine,
            },
            host: whole.source.host,
            interface: whole.interface,
            frame: whole.frame,
            message: stamp + usize::from(whole.source.message),
            length: stamp + length,
        })
    }

    /// Reads on where only the source is known, or not even that.
    #[inline(never)]
    fn new_whole(
        &mut self,
        text: &[u8],
        packets: &mut Usual,
        words: &mut Words,
    ) -> Option<(usize, Whole)> {
        let (begin, source) = self.sources.recall(key(text)?, text)?;
        let (name, frame, behind) = packets.link(&text[begin..])?;
        let interface = words.number(&text[begin..begin + name])?;
        let whole = Whole {
            source,
            interface,
            frame,
        };
        let length = begin + behind;
        if self.ends == 0 {
            self.ends = begin + name + ENDS;
        }
        if let Some(key) = self.whole_key(text) {
            self.whole.remember(key, &text[..length], whole);
        }
        Some((length, whole))
    }

    /// Host and hardware addresses tell most begins apart. They stand at the same place where hosts have names of one length;
    /// what a name of another length makes of the key is as good.
    #[inline(always)]
    fn whole_key(&self, text: &[u8]) -> Option<Key> {
        ends_key(key(text)?, text.get(self.ends..)?)
    }

    /// The time that `line` begins with, where it is of the date of the last one: the microseconds since midnight, whether it
    /// tells parts of a second, and how long it is.
    #[inline(always)]
    fn time(&mut self, line: &[u8]) -> Option<(i64, bool, usize)> {
        const MICROS: [i64; 7] = [0, 100_000, 10_000, 1_000, 100, 10, 1];
        let window = line.first_chunk::<16>()?;
        // The byte behind the second does not count.
        if u128::from_le_bytes(*window) << 8 == self.second << 8 {
            match window[SECOND_LENGTH] {
                b' ' => return Some((self.micros, false, SECOND_LENGTH)),
                b'.' => {
                    if let Some((number, length @ 1..=6)) = leading(&line[SECOND_LENGTH + 1..]) {
                        let micros = self.micros + i64::from(number) * MICROS[length];
                        return Some((micros, true, SECOND_LENGTH + 1 + length));
                    }
                }
                _ => {}
            }
        }
        self.new_time(line)
    }

    #[inline(never)]
    fn new_time(&mut self, line: &[u8]) -> Option<(i64, bool, usize)> {
        if self.month == 0 {
            return None;
        }
        let mut rest = line.strip_prefix(&self.date)?;
        let (micros, fine) = clock(&mut rest)?;
        self.at(line, micros);
        Some((micros, fine, line.len() - rest.len()))
    }

    /// Notes the second that `line` begins with.
    fn at(&mut self, line: &[u8], day_micros: i64) {
        if let Some(window) = line.first_chunk() {
            self.second = u128::from_le_bytes(*window);
            self.micros = day_micros - day_micros % SECOND;
        }
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
        let Stamp::Yearless {
            month,
            day,
            day_micros,
            ..
        } = told
        else {
            return;
        };
        let Some((date, stamp)) = places(&line[..length]) else {
            return;
        };
        let message = message.checked_sub(stamp);
        let Some(message) = message.and_then(|at| u8::try_from(at).ok()) else {
            return;
        };
        let Ok(date) = <[u8; DATE]>::try_from(&line[..date]) else {
            return;
        };
        self.date = date;
        (self.month, self.day) = (month, day);
        self.at(line, day_micros);
        if let Some(key) = key(&line[stamp..]) {
            let source = Source { host, message };
            self.sources.remember(key, &line[stamp..length], source);
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
