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

/// Upper bound on the values of a file that are cached.
const MAX_KNOWN: usize = 4096;
/// Size of a window onto values away from their entry.
const FAR: usize = 4096;
/// How much of a packed value is read for its start: a block of zstd is 128 KiB.
const MAX_PACKED_BEGIN: usize = 160 << 10;
/// How the value of a message begins.
const MESSAGE: &[u8] = b"MESSAGE=";
/// Bytes of a value that are read to learn its field.
const NAME: usize = 32;

/// Returns the ID of the boot of an ENTRY object.
pub(super) fn boot_of(entry: &[u8]) -> u128 {
    let id = entry.get(40..56).and_then(|id| id.try_into().ok());
    u128::from_be_bytes(id.unwrap_or_default())
}

/// Content of a shared value.
#[derive(Debug, Clone, Copy)]
enum Known {
    Nothing,
    Transport(Transport),
    /// Index in [`Values::texts`].
    Host(usize),
    Identifier(usize),
    /// A facility that is not the kernel's.
    Foreign,
    Process,
    /// A message that is not handed on, whoever wrote it.
    Unwanted,
}

/// What the values of an entry say.
#[derive(Debug, Default)]
struct Parts {
    transport: Option<Transport>,
    /// Indices in [`Values::texts`].
    host: Option<usize>,
    identifier: Option<usize>,
    is_foreign: bool,
    has_process: bool,
    source_monotonic: Option<u64>,
    message: Message,
}

/// The last message among the values of an entry.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Message {
    #[default]
    Missing,
    Unwanted,
    /// It is in [`Values::message`].
    Here,
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
pub(super) struct Outcome<'v> {
    /// Whether all values that matter were there.
    pub(super) whole: bool,
    /// Whether one of them is a message, even where it is not wanted.
    pub(super) has_message: bool,
    /// Host name of its machine.
    pub(super) host: Option<&'v Arc<str>>,
    /// The record, where it is wanted.
    pub(super) record: Option<Record>,
}

/// Looks up the values of a file's entries.
pub(super) struct Values {
    far: Window,
    known: HashMap<u64, Known, foldhash::fast::RandomState>,
    /// Names of hosts and of programs.
    texts: Vec<Arc<str>>,
    /// The values of the entry before, which the next shares for the most part, at the same positions.
    last: Vec<(u64, Known)>,
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
            texts: Vec::new(),
            last: Vec::new(),
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
        self.texts = Vec::new();
        self.last = Vec::new();
    }

    /// Reads the entry at `at`, which was proven; its message is appended to `bytes` if it is `wanted`. Compressed
    /// messages of other programs are read only if `all` are.
    pub(super) fn read<'v>(
        &'v mut self,
        near: &mut Window,
        prover: &mut Prover,
        (at, head): (u64, Head),
        (wanted, all): (&Wanted, bool),
        bytes: &mut Vec<u8>,
    ) -> Outcome<'v> {
        let entry = near.bytes(at, head.size as usize);
        self.items.clear();
        self.items.extend(prover.form.items(entry));
        let (realtime, monotonic) = (u64_at(entry, 24), u64_at(entry, 32));
        let (seqnum, hash) = (u64_at(entry, 16), u64_at(entry, 56));
        let boot = boot_of(entry);
        self.last.resize(self.items.len(), (0, Known::Nothing));
        let mut parts = Parts::default();
        let mut whole = true;
        let mut packed = 0;
        for n in 0..self.items.len() {
            let item = self.items[n];
            let (last, known) = self.last[n];
            if last == item {
                parts.put(&Found::Known(known));
                continue;
            }
            self.bound(&mut parts);
            let found = match self.known.get(&item) {
                Some(known) => Found::Known(*known),
                None => self.look(near, prover, item, wanted),
            };
            self.last[n] = match found {
                Found::Known(known) => (item, known),
                _ => (0, Known::Nothing),
            };
            match found {
                Found::Packed => {
                    self.items[packed] = item;
                    packed += 1;
                }
                Found::Damaged => whole = false,
                found => parts.put(&found),
            }
        }
        let is_read = all || wanted.reads_packed(parts.transport);
        for n in 0..if is_read { packed } else { 0 } {
            self.bound(&mut parts);
            match self.unpack(near, prover, self.items[n]) {
                Some(found) => parts.put(&found),
                None => whole = false,
            }
        }
        let is_kept =
            parts.message == Message::Here && wanted.keeps(parts.transport, &self.message);
        let text = |at: usize| self.texts.get(at);
        let record = is_kept.then(|| {
            let from = bytes.len();
            bytes.extend_from_slice(&self.message);
            Record {
                realtime,
                monotonic,
                boot,
                seqnum,
                hash,
                transport: parts.transport,
                host: parts.host.and_then(text).cloned(),
                identifier: parts.identifier.and_then(text).cloned(),
                is_foreign: parts.is_foreign,
                has_process: parts.has_process,
                source_monotonic: parts.source_monotonic,
                message: from..bytes.len(),
            }
        });
        Outcome {
            whole,
            has_message: parts.message != Message::Missing || !is_read,
            host: parts.host.and_then(text),
            record,
        }
    }

    /// Forgets the cached values where they are too many, but for those of the entry that is being read.
    fn bound(&mut self, parts: &mut Parts) {
        if self.known.len().max(self.texts.len()) < MAX_KNOWN {
            return;
        }
        self.known.clear();
        self.last.fill((0, Known::Nothing));
        let texts = std::mem::take(&mut self.texts);
        let mut keep = |at: Option<usize>| {
            self.texts.push(Arc::clone(texts.get(at?)?));
            Some(self.texts.len() - 1)
        };
        parts.host = keep(parts.host);
        parts.identifier = keep(parts.identifier);
    }

    /// Reads the DATA object at `item`; a message is stored in `self.message`.
    fn look(
        &mut self,
        near: &mut Window,
        prover: &mut Prover,
        item: u64,
        wanted: &Wanted,
    ) -> Found {
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
        let matters = Name::read(stored).is_some();
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
            Some((Name::Message, value)) if is_shared && wanted.is_never(value) => {
                self.known.insert(item, Known::Unwanted);
                Found::Known(Known::Unwanted)
            }
            Some((Name::Message, value)) => {
                self.message.clear();
                self.message.extend_from_slice(value);
                Found::Message
            }
            Some((Name::SourceMonotonic, value)) => Found::SourceMonotonic(number(value)),
            Some((name, value)) => {
                let known = known(name, value, &mut self.texts);
                if is_shared {
                    self.known.insert(item, known);
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
                (name, value) => Found::Known(known(name, value, &mut self.texts)),
            },
        };
        if let Found::Known(known) = &found
            && is_shared
        {
            self.known.insert(item, *known);
        }
        Some(found)
    }
}

impl Parts {
    const fn put(&mut self, found: &Found) {
        match found {
            // Of two transports, that of a sender counts, as in other forms.
            Found::Known(Known::Transport(transport)) => {
                if matches!(self.transport, None | Some(Transport::Kernel)) {
                    self.transport = Some(*transport);
                }
            }
            Found::Known(Known::Host(host)) => self.host = Some(*host),
            Found::Known(Known::Identifier(identifier)) => self.identifier = Some(*identifier),
            Found::Known(Known::Foreign) => self.is_foreign = true,
            Found::Known(Known::Process) => self.has_process = true,
            Found::Known(Known::Unwanted) => self.message = Message::Unwanted,
            Found::SourceMonotonic(time) => self.source_monotonic = *time,
            Found::Message => self.message = Message::Here,
            Found::Known(Known::Nothing) | Found::Packed | Found::Damaged => {}
        }
    }
}

/// Returns the window that contains the `length` bytes at `at`, or else the one for distant values.
fn pick<'w>(near: &'w mut Window, far: &'w mut Window, at: u64, length: usize) -> &'w mut Window {
    if near.holds(at, length) { near } else { far }
}

/// Returns the content of a value that is no message; a text is appended to `texts`.
fn known(name: Name, value: &[u8], texts: &mut Vec<Arc<str>>) -> Known {
    let mut text = || {
        texts.push(String::from_utf8_lossy(value).into());
        texts.len() - 1
    };
    match name {
        Name::Transport => Known::Transport(Transport::of(value)),
        Name::Hostname if value.is_empty() => Known::Nothing,
        Name::Hostname => Known::Host(text()),
        Name::Identifier => Known::Identifier(text()),
        Name::Facility if value != b"0" => Known::Foreign,
        Name::Process => Known::Process,
        Name::Facility | Name::Message | Name::SourceMonotonic | Name::Other => Known::Nothing,
    }
}
