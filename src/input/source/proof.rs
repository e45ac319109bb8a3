//! Tells whether an object of a journal is what it claims to be, and whether it is wanted.
//!
//! Follows systemd's `journal-def.h`: a field is proven by its hash, an entry by its times and by the offsets of its
//! fields, which all stand before it.

use std::hash::Hasher;
use std::io::Read;

/// What every object begins with: type, flags, 6 bytes of nothing, size.
pub(super) const OBJECT: usize = 16;
pub(super) const DATA: u8 = 1;
pub(super) const ENTRY: u8 = 3;
pub(super) const OBJECT_ZSTD: u8 = 4;
/// A field's value longer than this is nothing that a kernel message has.
pub(super) const VALUE: usize = 64 << 10;
/// What unpacked values may take at all, besides four times the bytes of the journal.
const KEPT: u64 = 64 << 20;
/// Times from the year 3111 on are damage.
const LATEST: u64 = 1 << 55;

/// The fields that are read.
const WANTED: [&[u8]; 4] = [
    b"MESSAGE",
    b"_TRANSPORT",
    b"_HOSTNAME",
    b"SYSLOG_IDENTIFIER",
];

/// Whether an object is one.
pub(super) enum Proof {
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

/// What is known of a journal that its objects can be held against.
pub(super) struct Judge {
    /// Where the first object can be.
    begin: u64,
    is_compact: bool,
    key: Option<(u64, u64)>,
    /// Whether any hash agreed: the key may be what is damaged.
    pub(super) key_fits: bool,
    /// The bytes of packed values that were let through, unpacked.
    kept: u64,
    /// Whether that was too much.
    pub(super) bomb: bool,
    /// A bit for each place where an object can begin: whether a field does.
    fields: Vec<u64>,
    /// How many entries name a field that is none.
    pub(super) dangling: u64,
}

impl Judge {
    pub(super) const fn new(begin: u64, is_compact: bool, key: Option<(u64, u64)>) -> Self {
        Self {
            begin,
            is_compact,
            key,
            key_fits: false,
            kept: 0,
            bomb: false,
            fields: Vec::new(),
            dangling: 0,
        }
    }

    /// Takes note of an object that goes into the reading: fields for the entries that name them.
    pub(super) fn met(&mut self, kind: u8, object: &[u8], here: u64) {
        if kind == DATA {
            let (word, bit) = place(here);
            if self.fields.len() <= word {
                self.fields.resize(word + 1, 0);
            }
            self.fields[word] |= bit;
        } else if kind == ENTRY {
            let is_field = |offset: u64| {
                let (word, bit) = place(offset);
                self.fields.get(word).is_some_and(|bits| bits & bit != 0)
            };
            if !self.items(object).all(is_field) {
                self.dangling += 1;
            }
        }
    }

    /// The offsets of the fields of an entry.
    fn items<'o>(&self, entry: &'o [u8]) -> impl Iterator<Item = u64> + use<'o> {
        let is_compact = self.is_compact;
        let offset = move |item: &[u8]| {
            if is_compact {
                u64::from(u32_at(item, 0))
            } else {
                u64_at(item, 0)
            }
        };
        let size = if is_compact { 4 } else { 16 };
        entry[64..].chunks_exact(size).map(offset)
    }

    /// Whether `object`, at the offset `here`, is what its begin says.
    pub(super) fn prove(&mut self, kind: u8, flags: u8, object: &[u8], here: u64) -> Proof {
        if kind == ENTRY {
            return self.prove_entry(object, here);
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
            if self.kept > KEPT + 4 * here {
                self.bomb = true;
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
        let is_before =
            |offset: u64| offset >= self.begin && offset < here && offset.is_multiple_of(8);
        let realtime = u64_at(object, 24);
        let sound = items.len().is_multiple_of(item)
            && !items.is_empty()
            && (1..LATEST).contains(&realtime)
            && self.items(object).all(is_before);
        if sound {
            Proof::Sound { wanted: true }
        } else {
            Proof::Damaged
        }
    }
}

/// Where the bit for an offset stands.
const fn place(offset: u64) -> (usize, u64) {
    ((offset / 512) as usize, 1 << (offset / 8 % 64))
}

/// The number at `at`, which must be in `bytes`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

/// The same of a number of 32 bits.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}
