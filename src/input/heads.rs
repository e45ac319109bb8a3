//! How the drop lines before began: stamp, host and prefix. In most logs the next one begins like one of them, but for its
//! time.
//!
//! What is remembered was read by a format once; only the time is read anew. So reading with a memory says what reading
//! without says, which a property test holds.

use super::header::{clock, day, literal, month, spaces};
use super::words::{Word, Words};
use crate::eights::leading;
use crate::memo::{Key, Known, Memo};
use crate::packet::{ENDS, Frame, Usual, ends_key};
use crate::time::{SECOND, Stamp};

/// The begins of lines.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// From behind the stamp to the name of the interface.
    sources: Memo<Source>,
    /// The same up to the address of the sender.
    whole: Memo<Whole>,
    /// Where in these the ends of the hardware addresses were first.
    ends: usize,
    /// The date of the last line, as text with the space behind it, and as it was read.
    date: Known,
    month: u8,
    day: u8,
    /// The last time of day, `10:00:01`, and the microseconds since midnight that it means.
    second: [u8; 8],
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
        if self.date.length() == 0 || !self.date.begins(line) {
            return None;
        }
        let mut rest = &line[self.date.length()..];
        let (day_micros, fine) = self.clock(&mut rest)?;
        let stamp = line.len() - rest.len();
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

    /// Takes a time of day, as [`clock`] does.
    #[inline(always)]
    fn clock(&mut self, text: &mut &[u8]) -> Option<(i64, bool)> {
        if text.starts_with(&self.second)
            && let Some((number, length @ 1..=6)) = text.get(9..).and_then(leading)
            && text[8] == b'.'
        {
            *text = &text[9 + length..];
            let micros = i64::from(number) * [100_000, 10_000, 1_000, 100, 10, 1][length - 1];
            return Some((self.micros + micros, true));
        }
        let (told, rest) = self.new_clock(text)?;
        *text = rest;
        Some(told)
    }

    #[inline(never)]
    fn new_clock<'a>(&mut self, text: &'a [u8]) -> Option<((i64, bool), &'a [u8])> {
        let mut rest = text;
        let told = clock(&mut rest)?;
        if let Some(second) = text.first_chunk() {
            self.second = *second;
            self.micros = told.0 - told.0 % SECOND;
        }
        Some((told, rest))
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
        let Some(date) = Known::new(&line[..date]) else {
            return;
        };
        self.date = date;
        (self.month, self.day) = (month, day);
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
