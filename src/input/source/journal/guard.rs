//! Filter between a journal in a stream and the crate that reads it, which trusts its input: [`Guard`] passes a chain of
//! sound objects only.
//!
//! An object that is damaged or not wanted is passed as an object of type 0, which the crate skips, so that all offsets
//! stay as they are. The fields of an entry that the crate does not return are recorded by the guard.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

use super::ahead::Ahead;
use super::chain::{Bytes, Chain, Step};
use super::damage::Damage;
use super::header::{HEADER, Header};
use super::object::{DATA, ENTRY, HEAD, Head, u64_at};
use super::proof::Name;
use super::record::number;
use super::unpack::MAX_VALUE;
use super::volume::Volume;

/// Upper bound on the bytes of unpacked values, in addition to four times the bytes of the journal.
const MAX_UNPACKED: u64 = 64 << 20;
/// Number of values with times that are remembered for the next entry.
const RECENT: usize = 16;
/// Offset up to which the starts of values are known: 16 MiB of bits.
const MAX_MAPPED: u64 = 1 << 30;

/// Fields of an entry that the crate does not return.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) monotonic: u64,
    pub(super) boot: u128,
    pub(super) source_monotonic: Option<u64>,
}

/// Data that the guard passes beside the bytes.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Marks of the entries that were passed and not taken yet.
    pub(super) marks: VecDeque<Mark>,
    pub(super) damage: Damage,
}

/// Bytes of a journal without objects that could harm its reader.
pub(super) struct Guard<R> {
    chain: Chain<Ahead<R>>,
    told: Rc<RefCell<Told>>,
    /// Bytes that are passed next, in place of bytes of the file, and the number already passed.
    instead: Vec<u8>,
    gone: usize,
    /// Range of the file's bytes that are passed after that.
    from: u64,
    until: u64,
    ended: bool,
    /// Header as it is passed, and the volume that follows it.
    header: Vec<u8>,
    volume: Volume,
    /// Whether a volume has ended, and the next was not asked for yet.
    turned: bool,
    is_behind_entry: bool,
    /// Unpacked size of the compressed values that were passed, in bytes.
    unpacked: u64,
    /// Values of `_SOURCE_MONOTONIC_TIMESTAMP`, by their offsets.
    times: VecDeque<(u64, Option<u64>)>,
    /// One bit for each offset at which an object can begin: whether a value does.
    values: Vec<u64>,
}

impl<R: Read> Guard<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is malformed, or of a version that cannot be read in a stream.
    pub(super) fn new(stream: R, told: Rc<RefCell<Told>>) -> io::Result<(Self, Header)> {
        let mut ahead = Ahead::new(stream);
        let bytes = ahead.bytes(0, HEADER).to_vec();
        if let Some(why) = ahead.broken().filter(|_| bytes.len() < HEADER) {
            return Err(io::Error::other(why));
        }
        let header = Header::parse(&bytes)?;
        if let Some(name) = header.foreign_compression() {
            return Err(io::Error::other(format!(
                "its fields are packed with {name}, which is not read from a stream; name the file itself, not \
                 compressed, or `journalctl --file FILE -o json` writes a log that is read"
            )));
        }
        // The crate must never find an end by itself.
        let mut instead = bytes;
        instead[88..96].copy_from_slice(&header.begin.to_le_bytes());
        instead[96..104].copy_from_slice(&(u64::MAX / 4).to_le_bytes());
        let guard = Self {
            from: HEADER as u64,
            until: header.begin,
            chain: Chain::new(&header, ahead, true),
            told,
            header: instead.clone(),
            instead,
            gone: 0,
            ended: false,
            volume: Volume::default(),
            turned: false,
            is_behind_entry: false,
            unpacked: 0,
            times: VecDeque::new(),
            values: Vec::new(),
        };
        Ok((guard, header))
    }

    /// Continues with the next volume. Returns whether there is one, for which another reader is needed.
    pub(super) fn turn(&mut self) -> bool {
        std::mem::take(&mut self.turned)
    }

    /// Steps to the next object, and decides which of its bytes are passed.
    fn next(&mut self) {
        // Values precede the entry that refers to them.
        if self.volume.is_full() && std::mem::take(&mut self.is_behind_entry) {
            self.instead.clone_from(&self.header);
            self.instead[88..96].copy_from_slice(&(HEADER as u64).to_le_bytes());
            self.gone = 0;
            self.volume.turn(self.chain.at, &mut self.instead);
            self.turned = true;
            return;
        }
        match self.chain.step() {
            Step::End => {
                self.ended = true;
                self.chain.damage.forgot = self.volume.forgot && !self.volume.is_first();
                self.told.borrow_mut().damage = std::mem::take(&mut self.chain.damage);
            }
            Step::Gap { at, length } => self.out(at, 0, length, length),
            Step::Object {
                at,
                head,
                name,
                length,
            } => {
                let is_out = match head.kind {
                    ENTRY => {
                        self.mark(at, head);
                        true
                    }
                    DATA => {
                        self.set(at);
                        self.takes(at, head, name, length)
                    }
                    _ => false,
                };
                let kind = if is_out { head.kind } else { 0 };
                self.is_behind_entry = kind == ENTRY;
                self.out(at, kind, head.size, head.padded());
                if kind == ENTRY && !self.volume.is_first() {
                    self.place(at, head);
                }
            }
        }
    }

    /// Whether a value is passed.
    fn takes(&mut self, at: u64, head: Head, name: Name, length: usize) -> bool {
        match name {
            Name::Other => return false,
            Name::SourceMonotonic => {
                let object = self.chain.bytes.bytes(at, head.size as usize);
                let payload = self.chain.prover.form.payload();
                let value = object.get(payload..).and_then(Name::split);
                let time = value.and_then(|(_, value)| number(value));
                self.times.push_back((at, time));
                if self.times.len() > RECENT {
                    self.times.pop_front();
                }
                return false;
            }
            _ => {}
        }
        if head.flags != 0 {
            self.unpacked += length as u64;
            if self.unpacked > MAX_UNPACKED + 4 * at {
                self.chain.damage.bomb = true;
                return false;
            }
        }
        if length <= MAX_VALUE {
            let object = self.chain.bytes.bytes(at, head.size as usize);
            self.volume.keep(at, object, length);
        }
        length <= MAX_VALUE
    }

    /// Passes the entry at `at` with the offsets that are valid in this volume.
    fn place(&mut self, at: u64, head: Head) {
        let form = self.chain.prover.form;
        self.instead.clear();
        let entry = self.chain.bytes.bytes(at, head.padded() as usize);
        self.instead.extend_from_slice(entry);
        self.instead.resize(head.padded() as usize, 0);
        self.volume
            .place(form, &mut self.instead[..head.size as usize]);
        self.from = self.until;
    }

    /// Records the fields of the entry at `at` that the crate does not return.
    fn mark(&mut self, at: u64, head: Head) {
        let entry = self.chain.bytes.bytes(at, head.size as usize);
        let mut boot = [0; 16];
        boot.copy_from_slice(entry.get(40..56).unwrap_or(&[0; 16]));
        let mut mark = Mark {
            monotonic: u64_at(entry, 32),
            boot: u128::from_be_bytes(boot),
            source_monotonic: None,
        };
        let mut whole = true;
        for item in self.chain.prover.form.items(entry) {
            let (word, bit) = place(item);
            whole &=
                item >= MAX_MAPPED || self.values.get(word).is_some_and(|bits| bits & bit != 0);
            if let Some((_, time)) = self.times.iter().find(|(at, _)| *at == item) {
                mark.source_monotonic = *time;
            }
        }
        self.chain.damage.dangling += u64::from(!whole);
        self.told.borrow_mut().marks.push_back(mark);
    }

    /// Records that a value begins at `at`.
    fn set(&mut self, at: u64) {
        let (word, bit) = place(at);
        if at < MAX_MAPPED {
            if self.values.len() <= word {
                self.values.resize(word + 1, 0);
            }
            self.values[word] |= bit;
        }
    }

    /// Passes an object as one of type `kind`.
    fn out(&mut self, at: u64, kind: u8, size: u64, padded: u64) {
        self.instead.clear();
        self.instead
            .extend_from_slice(self.chain.bytes.bytes(at, HEAD));
        self.instead.resize(HEAD, 0);
        self.instead[0] = kind;
        self.instead[8..].copy_from_slice(&size.to_le_bytes());
        self.gone = 0;
        self.from = at + HEAD as u64;
        self.until = at + padded;
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.turned {
                return Ok(0);
            }
            let instead = &self.instead[self.gone..];
            if !instead.is_empty() {
                let n = instead.len().min(buf.len());
                buf[..n].copy_from_slice(&instead[..n]);
                self.gone += n;
                return Ok(n);
            }
            if self.ended || buf.is_empty() {
                return Ok(0);
            }
            if self.from < self.until {
                let wanted = (self.until - self.from).min(buf.len() as u64) as usize;
                self.chain.bytes.release(self.from);
                let bytes = self.chain.bytes.bytes(self.from, wanted);
                if !bytes.is_empty() {
                    let n = bytes.len();
                    buf[..n].copy_from_slice(bytes);
                    self.from += n as u64;
                    return Ok(n);
                }
                // The walk reports where the file is truncated.
                self.from = self.until;
            }
            self.next();
        }
    }
}

/// Returns the word and the bit for an offset.
const fn place(offset: u64) -> (usize, u64) {
    ((offset / 512) as usize, 1 << (offset / 8 % 64))
}
