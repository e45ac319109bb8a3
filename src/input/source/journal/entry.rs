//! Conversion of an ENTRY object to a [`Record`]: its values are looked up, and values shared by many entries are
//! cached.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use super::object::{DATA, HEAD, Head, u64_at};
use super::proof::{Name, Proof, Prover};
use super::record::{Record, Transport, number};
use super::unpack::{MAX_VALUE, Unpacked};
use super::wanted::Wanted;
use super::window::Window;

/// Upper bound on the shared values of a file that are cached.
const MAX_KNOWN: usize = 4096;
/// Size of a window onto values away from their entry.
const FAR: usize = 4096;
/// How much of a packed value is read for its start: a block of zstd is 128 KiB.
const MAX_PACKED_BEGIN: usize = 160 << 10;
/// How the value of a message begins.
const MESSAGE: &[u8] = b"MESSAGE=";
/// Bytes of a value that are read to learn its field.
const NAME: usize = 32;

/// Content of a shared value.
#[derive(Debug, Clone)]
enum Known {
    Nothing,
    Transport(Transport),
    Host(Arc<str>),
    Identifier(Arc<str>),
}

/// Result of looking up a value.
enum Found {
    Known(Known),
    SourceMonotonic(Option<u64>),
    Message,
    /// A compressed value, whose field is not known yet.
    Packed,
    Damaged,
}

/// Result of reading an entry.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Whether all values that matter were there.
    pub(super) whole: bool,
    /// Whether one of them is a message, even where it is not wanted.
    pub(super) has_message: bool,
    /// Host name of its machine.
    pub(super) host: Option<Arc<str>>,
    /// The record, where it is wanted.
    pub(super) record: Option<Record>,
}

/// Looks up the values of a file's entries.
pub(super) struct Values {
    far: Window,
    known: HashMap<u64, Known, foldhash::fast::RandomState>,
    /// Scratch: the offsets of an entry's values, and the message.
    items: Vec<u64>,
    message: Vec<u8>,
    /// DATA objects that a walk has proven, the last ones.
    proven: [u64; 16],
    next: usize,
}

impl Values {
    /// Creates the lookup for the first `end` bytes of `file`.
    pub(super) fn new(file: Arc<File>, end: u64) -> Self {
        Self {
            far: Window::new(file, end, FAR, 0),
            known: HashMap::default(),
            items: Vec::new(),
            message: Vec::new(),
            proven: [0; 16],
            next: 0,
        }
    }

    /// Records that the DATA object at `at` has just been proven.
    pub(super) const fn note(&mut self, at: u64) {
        self.proven[self.next] = at;
        self.next = (self.next + 1) % self.proven.len();
    }

    /// Reads `file` from now on.
    pub(super) fn open(&mut self, file: Arc<File>) {
        self.far.open(file);
    }

    /// Frees the memory, and closes the file.
    pub(super) fn close(&mut self) {
        self.far.close();
        self.known = HashMap::default();
    }

    /// Reads the entry at `at`, which was proven; its message is appended to `bytes` if it is `wanted`. Compressed
    /// messages of other programs are read only if `all` are.
    pub(super) fn read(
        &mut self,
        near: &mut Window,
        prover: &mut Prover,
        (at, head): (u64, Head),
        (wanted, all): (&Wanted, bool),
        bytes: &mut Vec<u8>,
    ) -> Outcome {
        let entry = near.bytes(at, head.size as usize);
        self.items.clear();
        self.items.extend(prover.form.items(entry));
        let mut boot = [0; 16];
        boot.copy_from_slice(entry.get(40..56).unwrap_or(&[0; 16]));
        let mut record = Record {
            realtime: u64_at(entry, 24),
            monotonic: u64_at(entry, 32),
            boot: u128::from_be_bytes(boot),
            transport: None,
            host: None,
            identifier: None,
            source_monotonic: None,
            message: 0..0,
        };
        let mut whole = true;
        let mut has_message = false;
        let mut packed = 0;
        for n in 0..self.items.len() {
            let item = self.items[n];
            if let Some(known) = self.known.get(&item) {
                put(&mut record, known);
                continue;
            }
            match self.look(near, prover, item) {
                Found::Known(known) => put(&mut record, &known),
                Found::SourceMonotonic(time) => record.source_monotonic = time,
                Found::Message => has_message = true,
                Found::Packed => {
                    self.items[packed] = item;
                    packed += 1;
                }
                Found::Damaged => whole = false,
            }
        }
        let is_read = all || wanted.reads_packed(&record);
        for n in 0..if is_read { packed } else { 0 } {
            match self.unpack(near, prover, self.items[n]) {
                Some(Found::Known(known)) => put(&mut record, &known),
                Some(Found::Message) => has_message = true,
                Some(_) => {}
                None => whole = false,
            }
        }
        let is_kept = has_message && wanted.keeps(&record, &self.message);
        if is_kept {
            let from = bytes.len();
            bytes.extend_from_slice(&self.message);
            record.message = from..bytes.len();
        }
        Outcome {
            whole,
            has_message: has_message || !is_read,
            host: record.host.clone(),
            record: is_kept.then_some(record),
        }
    }

    /// Reads the DATA object at `item`; a message is stored in `self.message`.
    fn look(&mut self, near: &mut Window, prover: &mut Prover, item: u64) -> Found {
        let payload = prover.form.payload();
        let window = pick(near, &mut self.far, item, payload + NAME);
        let begin = window.bytes(item, payload + NAME);
        let Some(head) = Head::parse(begin).filter(|head| head.kind == DATA) else {
            return Found::Damaged;
        };
        if head.size <= payload as u64 {
            return Found::Damaged;
        }
        let is_shared = u64_at(begin, 56) > 1;
        if head.flags != 0 {
            return Found::Packed;
        }
        let stored = begin.get(payload..).unwrap_or_default();
        // Of irrelevant values only those shared by many entries are proven, once.
        let matters = !is_other(stored);
        if head.size > (payload + MAX_VALUE) as u64 {
            if !matters {
                return Found::Known(Known::Nothing);
            }
            if !stored.starts_with(MESSAGE) {
                return Found::Damaged;
            }
            // Its begin tells what it is, as in every other form.
            let window = pick(near, &mut self.far, item, payload + MAX_VALUE);
            let begin = window.bytes(item, payload + MAX_VALUE);
            let value = begin.get(payload + MESSAGE.len()..).unwrap_or_default();
            self.message.clear();
            self.message.extend_from_slice(value);
            return Found::Message;
        }
        if !(matters || is_shared) {
            return Found::Known(Known::Nothing);
        }
        let window = pick(near, &mut self.far, item, head.size as usize);
        let object = window.bytes(item, head.size as usize);
        if (object.len() as u64) < head.size {
            return Found::Damaged;
        }
        if !self.proven.contains(&item) && prover.data(head, object).proof == Proof::Damaged {
            return Found::Damaged;
        }
        match Name::split(&object[payload..]) {
            Some((Name::Message, value)) => {
                self.message.clear();
                self.message.extend_from_slice(value);
                Found::Message
            }
            Some((Name::SourceMonotonic, value)) => Found::SourceMonotonic(number(value)),
            Some((name, value)) => {
                let known = known(name, value);
                if is_shared {
                    self.remember(item, known.clone());
                }
                Found::Known(known)
            }
            None => Found::Damaged,
        }
    }

    /// Reads the compressed DATA object at `item`; `None` where it is damaged.
    fn unpack(&mut self, near: &mut Window, prover: &mut Prover, item: u64) -> Option<Found> {
        let payload = prover.form.payload();
        let head = Head::parse(pick(near, &mut self.far, item, HEAD).bytes(item, HEAD))?;
        // A value that is short enough is stored in less; of a longer one the start tells what it is.
        if head.size > (payload + MAX_VALUE) as u64 {
            let length = payload + MAX_PACKED_BEGIN;
            let window = pick(near, &mut self.far, item, length);
            let stored = window.bytes(item, length.min(head.size as usize));
            let begin = prover.unpacker.begin(head.flags, stored.get(payload..)?);
            return Some(match begin.strip_prefix(MESSAGE) {
                Some(value) => {
                    self.message.clear();
                    self.message.extend_from_slice(value);
                    Found::Message
                }
                None => Found::Known(Known::Nothing),
            });
        }
        let window = pick(near, &mut self.far, item, head.size as usize);
        let object = window.bytes(item, head.size as usize);
        if (object.len() as u64) < head.size {
            return None;
        }
        let is_shared = u64_at(object, 56) > 1;
        let is_proven = self.proven.contains(&item);
        if !is_proven && prover.data(head, object).proof == Proof::Damaged {
            return None;
        }
        let found = match prover.unpacker.unpack(head.flags, &object[payload..]) {
            Unpacked::Begin(begin) => match begin.strip_prefix(MESSAGE) {
                Some(value) => {
                    self.message.clear();
                    self.message.extend_from_slice(value);
                    Found::Message
                }
                None => Found::Known(Known::Nothing),
            },
            Unpacked::Damaged => return None,
            Unpacked::Whole(plain) => match Name::split(plain)? {
                (Name::Message, value) => {
                    self.message.clear();
                    self.message.extend_from_slice(value);
                    Found::Message
                }
                (name, value) => Found::Known(known(name, value)),
            },
        };
        if let Found::Known(known) = &found
            && is_shared
        {
            let known = known.clone();
            self.remember(item, known);
        }
        Some(found)
    }

    fn remember(&mut self, item: u64, known: Known) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(item, known);
    }
}

/// Returns the window that contains the `length` bytes at `at`, or else the one for distant values.
fn pick<'w>(near: &'w mut Window, far: &'w mut Window, at: u64, length: usize) -> &'w mut Window {
    if near.holds(at, length) { near } else { far }
}

/// Whether `stored`, the start of a value, shows that its field is not read.
fn is_other(stored: &[u8]) -> bool {
    const READ: [&[u8]; 5] = [
        b"MESSAGE=",
        b"_TRANSPORT=",
        b"_HOSTNAME=",
        b"SYSLOG_IDENTIFIER=",
        b"_SOURCE_MONOTONIC_TIMESTAMP=",
    ];
    !READ.iter().any(|name| stored.starts_with(name))
}

fn known(name: Name, value: &[u8]) -> Known {
    let text = || String::from_utf8_lossy(value).into();
    match name {
        Name::Transport => Known::Transport(Transport::of(value)),
        Name::Hostname => Known::Host(text()),
        Name::Identifier => Known::Identifier(text()),
        Name::Message | Name::SourceMonotonic | Name::Other => Known::Nothing,
    }
}

fn put(record: &mut Record, known: &Known) {
    match known {
        Known::Nothing => {}
        Known::Transport(transport) => record.transport = Some(*transport),
        Known::Host(host) => record.host = Some(Arc::clone(host)),
        Known::Identifier(identifier) => record.identifier = Some(Arc::clone(identifier)),
    }
}
