//! Verification of the objects of a journal.
//!
//! A value is proven by its hash, an entry by its number, its times and the offsets of its values, which all lie before it
//! (systemd, `journal-def.h`, `journal-file.c`).

use std::hash::Hasher;

use super::object::{Form, HEAD, Head, u64_at};
use super::unpack::{Unpacked, Unpacker};

/// Upper bound on times since 1970 and since boot, in microseconds: those of 1141 years or more are damaged.
const MAX_TIME: u64 = 1 << 55;
/// The longest name of a field (systemd, `journal_field_valid`).
const MAX_NAME: usize = 64;

/// Names of the fields that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Message,
    Transport,
    Hostname,
    Identifier,
    Facility,
    SourceMonotonic,
    /// The process that sent it, or its user.
    Process,
    Other,
}

impl Name {
    /// Splits `NAME=value` where the field is one that is read.
    pub(super) fn read(data: &[u8]) -> Option<(Self, &[u8])> {
        let of = |name, value: Option<_>| value.map(|value| (name, value));
        None.or_else(|| of(Self::Message, data.strip_prefix(b"MESSAGE=")))
            .or_else(|| of(Self::Transport, data.strip_prefix(b"_TRANSPORT=")))
            .or_else(|| of(Self::Hostname, data.strip_prefix(b"_HOSTNAME=")))
            .or_else(|| of(Self::Identifier, data.strip_prefix(b"SYSLOG_IDENTIFIER=")))
            .or_else(|| of(Self::Facility, data.strip_prefix(b"SYSLOG_FACILITY=")))
            .or_else(|| {
                let value = data.strip_prefix(b"_SOURCE_MONOTONIC_TIMESTAMP=");
                of(Self::SourceMonotonic, value)
            })
            .or_else(|| of(Self::Process, data.strip_prefix(b"_PID=")))
            .or_else(|| of(Self::Process, data.strip_prefix(b"_UID=")))
    }

    /// Splits `NAME=value`; `None` where `data` has no valid name.
    pub(super) fn split(data: &[u8]) -> Option<(Self, &[u8])> {
        if let Some(read) = Self::read(data) {
            return Some(read);
        }
        let is_valid = |b: &u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        let begin = &data[..data.len().min(MAX_NAME + 1)];
        let length = begin.iter().position(|b| !is_valid(b))?;
        (length > 0 && data[length] == b'=').then(|| (Self::Other, &data[length + 1..]))
    }
}

/// Result of the verification of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Sound,
    /// Neither proven nor refuted.
    Unknown,
    Damaged,
}

/// Result for a DATA object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub(super) proof: Proof,
    /// Name of the field; [`Name::Other`] for an irrelevant one.
    pub(super) name: Name,
}

/// Proves objects of one file.
pub(super) struct Prover {
    pub(super) form: Form,
    /// Offset of the first object.
    begin: u64,
    /// Whether any hash agreed so far: if none does, the key may be damaged.
    pub(super) key_fits: bool,
    pub(super) unpacker: Unpacker,
}

impl Prover {
    pub(super) fn new(form: Form, begin: u64) -> Self {
        Self {
            form,
            begin,
            key_fits: false,
            unpacker: Unpacker::default(),
        }
    }

    /// Proves a DATA object, given whole.
    pub(super) fn data(&mut self, head: Head, object: &[u8]) -> Verdict {
        let verdict = |proof, name| Verdict { proof, name };
        let damaged = verdict(Proof::Damaged, Name::Other);
        let Some(stored) = object.get(self.form.payload()..) else {
            return damaged;
        };
        let hash = u64_at(object, HEAD);
        let (plain, whole) = match self.unpacker.unpack(head.flags, stored) {
            Unpacked::Whole(plain) => (plain, true),
            Unpacked::Begin([0, ..]) => return verdict(Proof::Unknown, Name::Other),
            Unpacked::Begin(begin) => (begin, false),
            Unpacked::Damaged => return damaged,
        };
        let Some((name, _)) = Name::split(plain) else {
            return damaged;
        };
        let proof = match (whole, head.flags) {
            (true, _) => hashed(self.form, self.key_fits, plain, hash),
            // Too long for a message: the value is not wanted, but its end must be known.
            (false, 0) => hashed(self.form, self.key_fits, stored, hash),
            (false, _) => Proof::Unknown,
        };
        self.key_fits |= proof == Proof::Sound;
        let name = if whole { name } else { Name::Other };
        verdict(proof, name)
    }

    /// Proves an ENTRY object at the offset `at`: its number and times, and that its values lie before it.
    pub(super) fn entry(&self, object: &[u8], at: u64) -> Proof {
        let form = self.form;
        let is_before =
            |offset: u64| offset >= self.begin && offset < at && offset.is_multiple_of(8);
        let items = object.len().saturating_sub(super::object::ENTRY_ITEMS);
        let stride = if form.compact { 4 } else { 16 };
        let sound = items > 0
            && items.is_multiple_of(stride)
            && u64_at(object, 16) > 0
            && (1..MAX_TIME).contains(&u64_at(object, 24))
            && u64_at(object, 32) < MAX_TIME
            && form.items(object).all(is_before);
        if sound { Proof::Sound } else { Proof::Damaged }
    }
}

/// Compares the hash of a value with the one that its object has.
fn hashed(form: Form, key_fits: bool, plain: &[u8], hash: u64) -> Proof {
    // Without a key, the hash is Jenkins', in files from before systemd 246.
    let Some((first, second)) = form.key else {
        return Proof::Unknown;
    };
    #[expect(
        deprecated,
        reason = "the journal's hash is SipHash-2-4, which std has under this name only"
    )]
    let mut hasher = std::hash::SipHasher::new_with_keys(first, second);
    hasher.write(plain);
    if hasher.finish() == hash {
        Proof::Sound
    } else if key_fits {
        Proof::Damaged
    } else {
        Proof::Unknown
    }
}
