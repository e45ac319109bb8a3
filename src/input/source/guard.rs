//! Stands between a journal file and the crate that reads it, which trusts what it reads: [`Guard`] walks the chain of
//! objects as it passes, and hands out a chain that holds nothing else than sound objects.
//!
//! Follows systemd's `journal-def.h` and docs/JOURNAL_FILE_FORMAT.md. What is not sound or not wanted goes out as an
//! object of type 0, which the crate skips, so that all offsets stay as they are. Behind a damaged place the chain is
//! taken up again at the next object that proves to be one.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use super::damage::Found;
use super::proof::{DATA, ENTRY, Judge, OBJECT, OBJECT_ZSTD, Proof, VALUE, u32_at, u64_at};

/// The part of the header that every version since systemd 189 has.
const HEADER: usize = 240;
/// No version has a header of more than some 300 bytes.
const HEADER_MOST: u64 = 4096;
/// The sizes below which an object of a type is none, by type.
const LEAST: [u64; 8] = [u64::MAX, 64, 40, 64, 16, 16, 24, 64];
/// The largest object that is held in memory whole.
const MOST: u64 = 64 << 20;
/// How far behind a damaged place is looked at a time.
const WINDOW: usize = 256 << 10;

const INCOMPATIBLE: [(u32, &str); 2] = [(1, "xz"), (2, "lz4")];
const KEYED: u32 = 4;
const ZSTD: u32 = 8;
const COMPACT: u32 = 16;

/// The bytes of a journal without what could harm its reader.
pub(super) struct Guard<R> {
    inner: R,
    found: Rc<RefCell<Found>>,
    /// Bytes that were read ahead, from `start` on.
    ahead: Vec<u8>,
    start: usize,
    ended: bool,
    /// The offset of the next byte.
    at: u64,
    /// What goes out next instead of bytes of the file, and how much of it has gone.
    instead: Vec<u8>,
    gone: usize,
    /// How many bytes of the file go out after that.
    pass: u64,
    done: bool,
    /// The last thing here was damage: only an object that proves to be one is taken for one.
    lost: bool,
    tail: u64,
    tail_met: bool,
    /// Where the first object can be.
    begin: u64,
    judge: Judge,
    /// How many entries and data objects the header counts, less those that came.
    missing: (u64, u64),
    /// The time of the first entry, as the header has it.
    pub(super) head: u64,
}

impl<R: Read> Guard<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is none, or of a form that cannot be read.
    pub(super) fn new(inner: R, found: Rc<RefCell<Found>>) -> io::Result<Self> {
        let mut guard = Self {
            inner,
            found,
            ahead: Vec::new(),
            start: 0,
            ended: false,
            at: 0,
            instead: Vec::new(),
            gone: 0,
            pass: 0,
            done: false,
            lost: false,
            tail: 0,
            tail_met: false,
            begin: HEADER as u64,
            judge: Judge::new(HEADER as u64, false, None),
            missing: (0, 0),
            head: 0,
        };
        if guard.fill(HEADER)? < HEADER {
            if let Some(why) = guard.found.borrow_mut().broken.take() {
                return Err(io::Error::other(why));
            }
            return Err(io::Error::other(
                "the journal is cut off in its header; nothing of it can be read",
            ));
        }
        let header = &guard.ahead[..HEADER];
        let flags = u32_at(header, 12);
        if let Some((_, name)) = INCOMPATIBLE.iter().find(|(bit, _)| flags & bit != 0) {
            return Err(io::Error::other(format!(
                "its fields are packed with {name}, which is not read here; `journalctl --file FILE -o json` writes \
                 a log that is"
            )));
        }
        let unknown = flags & !(KEYED | ZSTD | COMPACT);
        if unknown != 0 {
            return Err(io::Error::other(format!(
                "it is a journal of a form that is not known here (incompatible flags {unknown:#x}); `journalctl \
                 --file FILE -o json` writes a log that is read"
            )));
        }
        let begin = u64_at(header, 88);
        let sound = (HEADER as u64..=HEADER_MOST).contains(&begin) && begin.is_multiple_of(8);
        guard.begin = if sound { begin } else { HEADER as u64 };
        guard.lost = !sound;
        guard.tail = u64_at(header, 136);
        guard.tail_met = guard.tail < guard.begin;
        let key = (flags & KEYED != 0).then(|| (u64_at(header, 24), u64_at(header, 32)));
        guard.judge = Judge::new(guard.begin, flags & COMPACT != 0, key);
        guard.missing = (u64_at(header, 152), u64_at(header, 208));
        guard.head = u64_at(header, 184);
        // The crate is never to find an end of its own.
        guard.instead = header.to_vec();
        guard.instead[88..96].copy_from_slice(&guard.begin.to_le_bytes());
        guard.instead[96..104].copy_from_slice(&(u64::MAX / 4).to_le_bytes());
        guard.advance(HEADER);
        guard.pass = guard.begin - HEADER as u64;
        Ok(guard)
    }

    /// Reads ahead until there are `wanted` bytes, and tells how many there are.
    fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        while self.ahead.len() - self.start < wanted && !self.ended {
            if self.start > 0 {
                self.ahead.drain(..self.start);
                self.start = 0;
            }
            let had = self.ahead.len();
            let missing = (wanted - had).max(WINDOW) as u64;
            // What is read is as much as there is, whatever size an object claims.
            let read = self
                .inner
                .by_ref()
                .take(missing)
                .read_to_end(&mut self.ahead);
            self.ended = self.ahead.len() - had < missing as usize;
            // What was read before counts; then the file ends here.
            if let Err(why) = read {
                self.ended = true;
                self.found.borrow_mut().broken = Some(why.to_string());
            }
        }
        Ok(self.ahead.len() - self.start)
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        self.at += bytes as u64;
    }

    /// The begin of the object `distance` bytes from here: type, flags and size; `None` where it cannot be one.
    fn object(&mut self, distance: usize) -> io::Result<Option<(u8, u8, u64)>> {
        if self.fill(distance + OBJECT)? < distance + OBJECT {
            return Ok(None);
        }
        let bytes = &self.ahead[self.start + distance..][..OBJECT];
        let (kind, flags, size) = (bytes[0], bytes[1], u64_at(bytes, 8));
        let flags_fit = if kind == DATA {
            flags & !OBJECT_ZSTD == 0
        } else {
            flags == 0
        };
        let least = LEAST.get(usize::from(kind)).copied().unwrap_or(u64::MAX);
        let is_held = matches!(kind, DATA | ENTRY);
        let here = self.at + distance as u64;
        let fits = flags_fit
            && bytes[2..8] == [0; 6]
            && size >= least
            && (!is_held || size <= MOST)
            // Up to the last object, which the header knows, each ends before it.
            && (here >= self.tail || size <= self.tail - here);
        Ok(fits.then_some((kind, flags, size)))
    }

    /// Comes to the next object: decides what of it goes out.
    fn next(&mut self) -> io::Result<()> {
        self.tail_met |= self.at == self.tail;
        let there = self.fill(OBJECT)?;
        if there < OBJECT {
            if !self.tail_met && (self.at <= self.tail || !self.lost) {
                self.cut();
            }
            self.end();
            return Ok(());
        }
        if self.lost && self.at > self.tail && self.tail >= self.begin {
            self.end();
            return Ok(());
        }
        let Some((kind, flags, size)) = self.object(0)? else {
            // Behind the last object there is what was laid out for more of them, or half of one.
            if self.tail_met && !self.lost {
                self.end();
                return Ok(());
            }
            return self.resume();
        };
        let padded = size.next_multiple_of(8);
        if !matches!(kind, DATA | ENTRY) {
            if self.lost {
                return self.resume();
            }
            self.out(kind, size, padded);
            return Ok(());
        }
        if self.fill(size as usize)? < size as usize {
            if self.lost || !self.tail_met {
                return self.resume();
            }
            self.cut();
            self.end();
            return Ok(());
        }
        let object = &self.ahead[self.start..][..size as usize];
        let proof = self.judge.prove(kind, flags, object, self.at);
        if !matches!(proof, Proof::Damaged) {
            self.judge.met(kind, object, self.at);
            let counted = if kind == ENTRY {
                &mut self.missing.0
            } else {
                &mut self.missing.1
            };
            *counted = counted.saturating_sub(1);
        }
        match proof {
            Proof::Sound { wanted } => {
                self.lost = false;
                self.out(if wanted { kind } else { 0 }, size, padded);
            }
            Proof::Unknown { wanted } if !self.lost => {
                self.out(if wanted { kind } else { 0 }, size, padded);
            }
            // Whether its size or what is in it is damaged, the next object shows.
            Proof::Damaged if !self.lost && self.follows(padded as usize)? => {
                self.found.borrow_mut().damaged(self.at, size);
                self.out(0, size, padded);
            }
            _ => return self.resume(),
        }
        Ok(())
    }

    /// Whether something sound comes `distance` bytes from here: an object, or the end.
    fn follows(&mut self, distance: usize) -> io::Result<bool> {
        let there = self.fill(distance + OBJECT)?;
        Ok(there < distance + OBJECT || self.object(distance)?.is_some())
    }

    /// Looks for the next object that proves to be one, and hands out what is before it as nothing.
    fn resume(&mut self) -> io::Result<()> {
        let there = self.fill(WINDOW)? / 8 * 8;
        let mut distance = OBJECT;
        self.lost = true;
        while distance < there {
            if let Some((kind, flags, size)) = self.object(distance)?
                && matches!(kind, DATA | ENTRY)
                && size <= (VALUE + 4096) as u64
                && self.fill(distance + size as usize)? >= distance + size as usize
            {
                let object = &self.ahead[self.start + distance..][..size as usize];
                let here = self.at + distance as u64;
                let proof = self.judge.prove(kind, flags, object, here);
                let follows = self.follows(distance + size.next_multiple_of(8) as usize)?;
                let is_proven = match proof {
                    Proof::Sound { .. } => follows || self.judge.key_fits,
                    Proof::Unknown { .. } => follows && !self.judge.key_fits,
                    Proof::Damaged => false,
                };
                if is_proven {
                    break;
                }
            }
            distance += 8;
        }
        let gap = distance.min(there).max(OBJECT);
        if distance < there {
            self.lost = false;
        }
        self.found.borrow_mut().damaged(self.at, gap as u64);
        self.out(0, gap as u64, gap as u64);
        Ok(())
    }

    /// The end, wherever it is.
    fn end(&mut self) {
        self.done = true;
        let mut found = self.found.borrow_mut();
        found.missing = self.missing;
        found.bomb = self.judge.bomb;
        found.dangling = self.judge.dangling;
    }

    /// Tells where the file ends before its time.
    fn cut(&mut self) {
        let end = self.at + (self.ahead.len() - self.start) as u64;
        self.found.borrow_mut().cut = Some((end, self.tail.saturating_sub(end)));
    }

    /// Lets an object out as one of type `kind`.
    fn out(&mut self, kind: u8, size: u64, padded: u64) {
        let mut begin = [0; OBJECT];
        begin.copy_from_slice(&self.ahead[self.start..][..OBJECT]);
        begin[0] = kind;
        begin[8..].copy_from_slice(&size.to_le_bytes());
        self.instead.clear();
        self.instead.extend_from_slice(&begin);
        self.gone = 0;
        self.advance(OBJECT);
        self.pass = padded - OBJECT as u64;
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let instead = &self.instead[self.gone..];
            if !instead.is_empty() {
                let n = instead.len().min(buf.len());
                buf[..n].copy_from_slice(&instead[..n]);
                self.gone += n;
                return Ok(n);
            }
            if self.done || buf.is_empty() {
                return Ok(0);
            }
            if self.pass > 0 {
                let wanted = self.pass.min(buf.len() as u64) as usize;
                let n = self.fill(1)?.min(wanted);
                if n == 0 {
                    self.cut();
                    self.end();
                }
                buf[..n].copy_from_slice(&self.ahead[self.start..][..n]);
                self.advance(n);
                self.pass -= n as u64;
                return Ok(n);
            }
            self.next()?;
        }
    }
}
