//! Stands between a journal file and the crate that reads it, which trusts what it reads: [`Guard`] walks the chain of
//! objects as it passes, and hands out a chain that holds nothing else than sound objects.
//!
//! Follows systemd's `journal-def.h` and docs/JOURNAL_FILE_FORMAT.md. What is not sound or not wanted goes out as an
//! object of type 0, which the crate skips, so that all offsets stay as they are. Behind a damaged place the chain is
//! taken up again at the next object that proves to be one.

use std::cell::RefCell;
use std::hash::Hasher;
use std::io::{self, Read};
use std::rc::Rc;

use super::bounds::size as amount;

/// The part of the header that every version since systemd 189 has.
const HEADER: usize = 240;
/// No version has a header of more than some 300 bytes.
const HEADER_MOST: u64 = 4096;
/// What every object begins with: type, flags, 6 bytes of nothing, size.
const OBJECT: usize = 16;
const DATA: u8 = 1;
const ENTRY: u8 = 3;
/// The sizes below which an object of a type is none, by type.
const LEAST: [u64; 8] = [u64::MAX, 64, 40, 64, 16, 16, 24, 64];
/// The largest object that is held in memory whole.
const MOST: u64 = 64 << 20;
/// A field's value longer than this is nothing that a kernel message has.
const VALUE: usize = 64 << 10;
/// What unpacked values may take at all, besides four times the bytes of the journal.
const KEPT: u64 = 64 << 20;
/// How far behind a damaged place is looked at a time.
const WINDOW: usize = 256 << 10;
/// Times from the year 3111 on are damage.
const LATEST: u64 = 1 << 55;

const INCOMPATIBLE: [(u32, &str); 2] = [(1, "xz"), (2, "lz4")];
const KEYED: u32 = 4;
const ZSTD: u32 = 8;
const COMPACT: u32 = 16;
const OBJECT_ZSTD: u8 = 4;

/// The fields that are read.
const WANTED: [&[u8]; 4] = [
    b"MESSAGE",
    b"_TRANSPORT",
    b"_HOSTNAME",
    b"SYSLOG_IDENTIFIER",
];

/// What is wrong with a journal.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Where the first damaged place begins.
    first: Option<u64>,
    places: u64,
    unread: u64,
    last_end: u64,
    /// Where the file ends before its last object.
    cut: Option<(u64, u64)>,
    bomb: bool,
    /// Why no more could be read.
    broken: Option<String>,
}

impl Found {
    fn damaged(&mut self, at: u64, bytes: u64) {
        if self.first.is_none() || self.last_end != at {
            self.places += 1;
        }
        self.first.get_or_insert(at);
        self.last_end = at + bytes;
        self.unread += bytes;
    }

    /// All of it in words; `None` if nothing is wrong.
    pub(super) fn words(&self) -> Option<String> {
        let mut parts = Vec::new();
        parts.extend(self.broken.clone());
        if let Some(first) = self.first {
            let more = match self.places {
                0 | 1 => String::new(),
                n => format!(" and at {} more places", n - 1),
            };
            let unread = amount(self.unread);
            parts.push(format!(
                "the journal is damaged at byte {first}{more}, {unread} of it cannot be read"
            ));
        }
        if let Some((at, missing)) = self.cut {
            let missing = match missing {
                0 => String::new(),
                n => format!(", at least {} are missing", amount(n)),
            };
            parts.push(format!("the journal is cut off at byte {at}{missing}"));
        }
        if self.bomb {
            parts.push(
                "its packed fields unfold to far more than a log has, most were left out"
                    .to_owned(),
            );
        }
        (!parts.is_empty()).then(|| {
            format!(
                "{}; the rest counts. `journalctl --verify --file` tells more",
                parts.join("; ")
            )
        })
    }
}

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
    is_compact: bool,
    key: Option<(u64, u64)>,
    /// Whether any hash agreed: the key may be what is damaged.
    key_fits: bool,
    kept: u64,
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
            is_compact: false,
            key: None,
            key_fits: false,
            kept: 0,
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
        guard.is_compact = flags & COMPACT != 0;
        guard.key = (flags & KEYED != 0).then(|| (u64_at(header, 24), u64_at(header, 32)));
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
            self.done = true;
            return Ok(());
        }
        if self.lost && self.at > self.tail && self.tail >= self.begin {
            self.done = true;
            return Ok(());
        }
        let Some((kind, flags, size)) = self.object(0)? else {
            // Behind the last object there is what was laid out for more of them, or half of one.
            if self.tail_met && !self.lost {
                self.done = true;
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
            self.done = true;
            return Ok(());
        }
        match self.prove(kind, flags, 0, size) {
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
                let proof = self.prove(kind, flags, distance, size);
                let follows = self.follows(distance + size.next_multiple_of(8) as usize)?;
                let is_proven = match proof {
                    Proof::Sound { .. } => follows || self.key_fits,
                    Proof::Unknown { .. } => follows && !self.key_fits,
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

    /// Whether the object of `size` bytes, `distance` from here, is what its begin says.
    fn prove(&mut self, kind: u8, flags: u8, distance: usize, size: u64) -> Proof {
        let object = &self.ahead[self.start + distance..][..size as usize];
        if kind == ENTRY {
            return self.prove_entry(object, self.at + distance as u64);
        }
        let Some(payload) = object.get(if self.is_compact { 72 } else { 64 }..) else {
            return Proof::Damaged;
        };
        let unpacked;
        let plain = if flags & OBJECT_ZSTD == 0 {
            payload
        } else {
            let mut out = Vec::new();
            let decoder = zstd::stream::read::Decoder::new(payload);
            let read =
                decoder.and_then(|decoder| decoder.take(VALUE as u64 + 1).read_to_end(&mut out));
            if read.is_err() {
                return Proof::Damaged;
            }
            unpacked = out;
            &unpacked
        };
        let name = plain.split(|&b| b == b'=').next().unwrap_or_default();
        let is_name = |b: &u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        if name.is_empty()
            || name.len() > 64
            || name.len() == plain.len()
            || !name.iter().all(is_name)
        {
            return Proof::Damaged;
        }
        let mut wanted = WANTED.contains(&name);
        if plain.len() > VALUE {
            // It goes unread; the whole of it was not unpacked either.
            return if flags & OBJECT_ZSTD == 0 {
                self.hashed(object, plain, false)
            } else {
                Proof::Unknown { wanted: false }
            };
        }
        if wanted && flags & OBJECT_ZSTD != 0 {
            self.kept += plain.len() as u64;
            if self.kept > KEPT + 4 * self.at {
                self.found.borrow_mut().bomb = true;
                wanted = false;
            }
        }
        let proof = self.hashed(object, plain, wanted);
        self.key_fits |= matches!(proof, Proof::Sound { .. });
        proof
    }

    /// Compares the hash of a value with the one that its object has.
    fn hashed(&self, object: &[u8], plain: &[u8], wanted: bool) -> Proof {
        // Without a key it is Jenkins' hash, of files from before systemd 246.
        let Some((first, second)) = self.key else {
            return Proof::Unknown { wanted };
        };
        #[expect(
            deprecated,
            reason = "the journal's hash is SipHash-2-4, which std has under this name only"
        )]
        let mut hasher = std::hash::SipHasher::new_with_keys(first, second);
        hasher.write(plain);
        if hasher.finish() == u64_at(object, OBJECT) {
            Proof::Sound { wanted }
        } else if self.key_fits {
            Proof::Damaged
        } else {
            Proof::Unknown { wanted }
        }
    }

    /// An entry: its number, its times and boot, and the offsets of its fields, which are all before it.
    fn prove_entry(&self, object: &[u8], here: u64) -> Proof {
        let item = if self.is_compact { 4 } else { 16 };
        let items = &object[64..];
        let offset = |item: &[u8]| {
            if self.is_compact {
                u64::from(u32_at(item, 0))
            } else {
                u64_at(item, 0)
            }
        };
        let is_before =
            |offset: u64| offset >= self.begin && offset < here && offset.is_multiple_of(8);
        let realtime = u64_at(object, 24);
        let sound = items.len().is_multiple_of(item)
            && !items.is_empty()
            && (1..LATEST).contains(&realtime)
            && items.chunks_exact(item).all(|item| is_before(offset(item)));
        if sound {
            Proof::Sound { wanted: true }
        } else {
            Proof::Damaged
        }
    }
}

/// Whether an object is one.
enum Proof {
    /// It proves to be one.
    Sound {
        wanted: bool,
    },
    /// It may well be.
    Unknown {
        wanted: bool,
    },
    Damaged,
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
                    self.done = true;
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

/// The number at `at`, which must be in `bytes`.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}
