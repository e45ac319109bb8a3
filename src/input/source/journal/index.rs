//! The journal's own index: from the field `_TRANSPORT` to its values, and from a value to its entries.
//!
//! Any inconsistency ends the use of the index, and the file is walked through instead.

use super::batch::Life;
use super::header::Header;
use super::object::{ARRAY_ITEMS, DATA, ENTRY, ENTRY_ARRAY, FIELD, FIELD_NAME, HEAD, Head, u64_at};
use super::proof::{Name, Proof, Prover};
use super::record::Transport;
use super::window::Window;

/// Upper bound on the fields read before `_TRANSPORT`; journals have some hundred.
const MAX_FIELDS: usize = 4096;
/// Upper bound on the machines whose last entries are read.
const MAX_HOSTS: usize = 64;
/// systemd knows seven transports.
const MAX_TRANSPORTS: usize = 64;
/// The longest value of `_TRANSPORT`, name and all, with its object's head.
const MAX_TRANSPORT: u64 = 256;
/// Bytes of an array read at once.
const PIECE: usize = 64 << 10;

/// References to the entries of a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    /// First entry, which is stored in the DATA object itself.
    first: u64,
    /// The first array of the others.
    array: u64,
    pub(super) count: u64,
}

impl Links {
    /// Parses the references of a DATA object.
    pub(super) fn of(object: &[u8]) -> Self {
        Self {
            first: u64_at(object, 40),
            array: u64_at(object, 48),
            count: u64_at(object, 56),
        }
    }

    /// Returns the offset of the last entry; `None` where the list is incomplete.
    fn last(self, window: &mut Window, header: &Header) -> Option<u64> {
        let stride = header.form.array_item() as u64;
        let mut left = self.count.checked_sub(1)?;
        let (mut array, mut last) = (self.array, self.first);
        while left > 0 {
            let begin = window.bytes(array, ARRAY_ITEMS);
            let head = Head::parse(begin).filter(|head| head.kind == ENTRY_ARRAY)?;
            let next = u64_at(begin, 16);
            let items = ((head.size - ARRAY_ITEMS as u64) / stride).min(left);
            if items == 0 || (next != 0 && next <= array) {
                return None;
            }
            let at = array + ARRAY_ITEMS as u64 + (items - 1) * stride;
            let item = window.bytes(at, stride as usize);
            last = header.form.offsets(item, stride as usize).next()?;
            left -= items;
            array = next;
        }
        (last <= header.tail).then_some(last)
    }

    /// Appends the offsets of the entries to `all`, in their order; `None` where the list is incomplete.
    pub(super) fn entries(
        self,
        window: &mut Window,
        header: &Header,
        all: &mut Vec<u64>,
    ) -> Option<()> {
        let mut last = 0;
        let mut left = self.count;
        let mut take = |entry: u64, all: &mut Vec<u64>| {
            let fits = entry > last && entry.is_multiple_of(8) && entry <= header.tail;
            last = entry;
            all.push(entry);
            left -= 1;
            fits.then_some(())
        };
        if self.count == 0 || self.count > header.entries {
            return None;
        }
        take(self.first, all)?;
        let mut taken = 1;
        let mut array = self.array;
        let stride = header.form.array_item();
        while taken < self.count {
            let begin = window.bytes(array, ARRAY_ITEMS);
            let head = Head::parse(begin).filter(|head| head.kind == ENTRY_ARRAY)?;
            let next = u64_at(begin, 16);
            let room = (head.size - ARRAY_ITEMS as u64) / stride as u64;
            // Each array is longer than the one before it, and lies behind it.
            if room == 0 || array > header.tail || (next != 0 && next <= array) {
                return None;
            }
            let mut wanted = room.min(self.count - taken);
            taken += wanted;
            let mut at = array + ARRAY_ITEMS as u64;
            while wanted > 0 {
                let items = (wanted as usize).min(PIECE / stride);
                let bytes = window.bytes(at, items * stride);
                if bytes.len() < items * stride {
                    return None;
                }
                for entry in header.form.offsets(bytes, stride) {
                    take(entry, all)?;
                }
                at += (items * stride) as u64;
                wanted -= items as u64;
            }
            array = next;
        }
        Some(())
    }
}

/// Returns the last entry of each machine; as many as the index has.
pub(super) fn lives(window: &mut Window, prover: &mut Prover, header: &Header) -> Vec<Life> {
    let mut lives = Vec::new();
    let mut value = field(window, header, b"_HOSTNAME").unwrap_or(0);
    while value != 0 && lives.len() < MAX_HOSTS {
        let mut life = |window: &mut Window| {
            let head = Head::parse(window.bytes(value, HEAD))?;
            if head.kind != DATA || head.flags != 0 || head.size > MAX_TRANSPORT {
                return None;
            }
            let object = window.bytes(value, head.size as usize);
            let proof = prover.data(head, object).proof;
            let (Name::Hostname, name) = Name::split(object.get(prover.form.payload()..)?)? else {
                return None;
            };
            let host = String::from_utf8_lossy(name).into();
            let (links, next) = (Links::of(object), u64_at(object, 32));
            let entry = links
                .last(window, header)
                .filter(|_| proof != Proof::Damaged)?;
            let begin = window.bytes(entry, 40);
            let _ = Head::parse(begin).filter(|head| head.kind == ENTRY)?;
            let life = Life {
                host,
                realtime: u64_at(begin, 24),
                monotonic: u64_at(begin, 32),
            };
            Some((life, next))
        };
        let Some((life, next)) = life(window) else {
            break;
        };
        lives.push(life);
        value = next;
    }
    lives.retain(|life| !life.host.is_empty());
    lives
}

/// The entries of the kernel, and of journald.
#[derive(Debug)]
pub(super) struct Transports {
    kernel: Vec<Links>,
}

impl Transports {
    /// Looks up the transports; `None` where the index does not cover every entry.
    pub(super) fn of(window: &mut Window, prover: &mut Prover, header: &Header) -> Option<Self> {
        let mut value = field(window, header, b"_TRANSPORT")?;
        let mut found = Self { kernel: Vec::new() };
        let mut entries = 0_u64;
        for _ in 0..MAX_TRANSPORTS {
            if value == 0 {
                return (entries == header.entries).then_some(found);
            }
            let head = Head::parse(window.bytes(value, HEAD))?;
            if head.kind != DATA || head.flags != 0 || head.size > MAX_TRANSPORT {
                return None;
            }
            let object = window.bytes(value, head.size as usize);
            if (object.len() as u64) < head.size {
                return None;
            }
            // Everything depends on this value: with a keyed hash, only a matching hash proves it.
            let proof = prover.data(head, object).proof;
            if proof == Proof::Damaged || (header.form.key.is_some() && proof != Proof::Sound) {
                return None;
            }
            let (Name::Transport, name) = Name::split(object.get(prover.form.payload()..)?)? else {
                return None;
            };
            let links = Links::of(object);
            entries = entries.checked_add(links.count)?;
            match Transport::of(name) {
                Transport::Kernel | Transport::Driver => found.kernel.push(links),
                Transport::Other => {}
            }
            value = u64_at(object, 32);
        }
        None
    }

    /// Returns the number of entries that the kernel and journald wrote.
    pub(super) fn count(&self) -> u64 {
        self.kernel.iter().map(|links| links.count).sum()
    }

    /// Returns the offsets of these entries, in the order of the file.
    pub(super) fn entries(&self, window: &mut Window, header: &Header) -> Option<Vec<u64>> {
        let mut all = Vec::new();
        for links in &self.kernel {
            links.entries(window, header, &mut all)?;
        }
        all.sort_unstable();
        Some(all)
    }
}

/// Returns the offset of the first DATA object of the field `name`, found through all buckets: a file has some hundred
/// fields.
fn field(window: &mut Window, header: &Header, name: &[u8]) -> Option<u64> {
    let (table, size) = header.fields;
    if size == 0 || size > 1 << 20 || !size.is_multiple_of(16) {
        return None;
    }
    let buckets = window.bytes(table, size as usize).to_vec();
    if (buckets.len() as u64) < size {
        return None;
    }
    let mut met = 0;
    for bucket in buckets.chunks_exact(16) {
        let mut at = u64_at(bucket, 0);
        while at != 0 {
            met += 1;
            let begin = window.bytes(at, FIELD_NAME + name.len());
            let head = Head::parse(begin).filter(|head| head.kind == FIELD)?;
            let next = u64_at(begin, 24);
            if head.size == (FIELD_NAME + name.len()) as u64
                && begin.get(FIELD_NAME..) == Some(name)
            {
                return Some(u64_at(begin, 32));
            }
            if met > MAX_FIELDS {
                return None;
            }
            at = next;
        }
    }
    None
}
