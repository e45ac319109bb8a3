//! Walk through the chain of a journal's objects, each of which ends where the next begins. After damage the walk
//! continues at the next object that can be proven.

use super::damage::Damage;
use super::header::Header;
use super::object::{DATA, ENTRY, HEAD, Head};
use super::proof::{Name, Proof, Prover, Verdict};
use super::unpack::MAX_VALUE;
use super::window::Window;

/// Bytes searched at a time for the next object after damage.
const SEARCHED: usize = 256 << 10;
/// Upper bound on the size of a DATA object that is proven: longer values are core dumps, and no messages.
const MAX_PROVEN: u64 = 8 << 20;

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A readable object at `at`, with the name of the field where it is a value.
    Object {
        at: u64,
        head: Head,
        name: Name,
    },
    /// Bytes that cannot be read.
    Gap,
    End,
}

/// A walk through a file.
pub(super) struct Chain {
    pub(super) bytes: Window,
    pub(super) prover: Prover,
    pub(super) damage: Damage,
    /// Offset of the next object.
    pub(super) at: u64,
    begin: u64,
    tail: u64,
    tail_met: bool,
    online: bool,
    /// Whether the walk follows damage: only an object that can be proven is then accepted.
    lost: bool,
    ended: bool,
    key_tried: bool,
    /// Entries and values that the header counts and that were not met yet.
    missing: (u64, u64),
    /// Whether compressed values are proven too, which takes most of the time where there are many.
    pub(super) thorough: bool,
}

impl Chain {
    pub(super) fn new(header: &Header, bytes: Window, thorough: bool) -> Self {
        Self {
            bytes,
            prover: Prover::new(header.form, header.begin),
            damage: Damage::default(),
            at: header.begin,
            begin: header.begin,
            tail: header.tail,
            tail_met: header.tail < header.begin,
            online: header.online,
            lost: !header.begin_sound,
            ended: false,
            key_tried: false,
            missing: (header.entries, header.data),
            thorough,
        }
    }

    /// Goes on at the object at `at`, of a file whose objects before it were walked through earlier.
    pub(super) const fn resume_at(&mut self, at: u64) {
        self.at = at;
        self.tail_met |= at > self.tail;
        // The header counts what lies before it too.
        self.missing = (0, 0);
    }

    /// Reads the next part of the file.
    pub(super) fn step(&mut self) -> Step {
        match self.sound() {
            Some(step) => step,
            None => self.other(),
        }
    }

    /// Reads the next object if it is sound, and neither the last nor behind damage, as most are.
    #[inline]
    fn sound(&mut self) -> Option<Step> {
        let at = self.at;
        if self.lost || self.ended || at >= self.tail {
            return None;
        }
        let head = Head::parse(self.bytes.bytes(at, HEAD))?;
        if head.size > self.tail - at {
            return None;
        }
        if !matches!(head.kind, DATA | ENTRY) {
            return Some(self.object(head, Name::Other));
        }
        if head.size > MAX_PROVEN || (head.flags != 0 && !self.thorough) {
            return None;
        }
        let object = self.bytes.bytes(at, head.size as usize);
        if (object.len() as u64) < head.size {
            return None;
        }
        let (verdict, missing) = match head.kind {
            ENTRY => {
                let proof = self.prover.entry(object, at);
                let name = Name::Other;
                (Verdict { proof, name }, &mut self.missing.0)
            }
            _ => (self.prover.data(head, object), &mut self.missing.1),
        };
        if verdict.proof != Proof::Sound {
            return None;
        }
        *missing = missing.saturating_sub(1);
        Some(self.object(head, verdict.name))
    }

    /// Reads any other part of the file.
    fn other(&mut self) -> Step {
        if self.ended {
            return Step::End;
        }
        let at = self.at;
        self.tail_met |= at == self.tail;
        if self.bytes.bytes(at, HEAD).len() < HEAD {
            if !self.tail_met && (at <= self.tail || !self.lost) {
                self.cut();
            }
            return self.end();
        }
        // After all objects that the header counts, the next ones are still being written, and are read the next time.
        let is_behind = at > self.tail && self.tail >= self.begin;
        if is_behind && (self.lost || (self.tail_met && self.missing.0 == 0)) {
            return self.end();
        }
        let Some(head) = self.head(at) else {
            // Behind the last object is preallocated space, or a partly written object.
            if self.tail_met && !self.lost && (at != self.tail || self.online) {
                return self.end();
            }
            return self.resume();
        };
        if !matches!(head.kind, DATA | ENTRY) {
            if self.lost {
                return self.resume();
            }
            return self.object(head, Name::Other);
        }
        let there = self.bytes.bytes(at, head.size.min(MAX_PROVEN) as usize);
        if (there.len() as u64) < head.size.min(MAX_PROVEN) {
            if self.lost || !self.tail_met {
                return self.resume();
            }
            self.cut();
            return self.end();
        }
        let mut verdict = self.prove(head, at, self.thorough || self.lost);
        if verdict.proof == Proof::Unknown && head.kind == DATA && self.finds_key(head.padded()) {
            verdict = self.prove(head, at, self.thorough || self.lost);
        }
        match verdict.proof {
            Proof::Sound => self.lost = false,
            // A long value that cannot be proven ends where a sound object begins.
            Proof::Unknown
                if !self.lost && (head.size <= MAX_VALUE as u64 || self.follows(head.padded())) => {
            }
            // The object is still being written.
            Proof::Damaged if self.online && at == self.tail => return self.end(),
            // The next object shows whether its size or only its content is damaged.
            Proof::Damaged if !self.lost && self.follows(head.padded()) => {
                return self.gap(head.size, head.padded());
            }
            _ => return self.resume(),
        }
        let missing = match head.kind {
            ENTRY => &mut self.missing.0,
            _ => &mut self.missing.1,
        };
        *missing = missing.saturating_sub(1);
        self.object(head, verdict.name)
    }

    /// Parses the head at `at`, if an object can begin there. Up to the last object, which the header knows, each must
    /// end before it.
    fn head(&mut self, at: u64) -> Option<Head> {
        let tail = self.tail;
        Head::parse(self.bytes.bytes(at, HEAD)).filter(|head| at >= tail || head.size <= tail - at)
    }

    fn prove(&mut self, head: Head, at: u64, thorough: bool) -> Verdict {
        let unknown = Verdict {
            proof: Proof::Unknown,
            name: Name::Other,
        };
        if head.kind == ENTRY {
            let object = self.bytes.bytes(at, head.size as usize);
            let proof = self.prover.entry(object, at);
            return Verdict { proof, ..unknown };
        }
        if head.size > MAX_PROVEN || (head.flags != 0 && !thorough) {
            return unknown;
        }
        let object = self.bytes.bytes(at, head.size as usize);
        self.prover.data(head, object)
    }

    /// Whether the key of the hashes is proven by a value that follows soon. Of the first values it is not known whether
    /// they or the key are damaged.
    fn finds_key(&mut self, distance: u64) -> bool {
        if self.prover.form.key.is_none() || self.prover.key_fits || self.key_tried {
            return false;
        }
        self.key_tried = true;
        let mut at = self.at + distance;
        while at - self.at < SEARCHED as u64
            && !self.prover.key_fits
            && let Some(head) = self.head(at)
        {
            if head.kind == DATA && head.size <= MAX_VALUE as u64 {
                self.prove(head, at, true);
            }
            at += head.padded();
        }
        self.prover.key_fits
    }

    /// Whether a sound object, or the end, follows `distance` bytes from here.
    fn follows(&mut self, distance: u64) -> bool {
        let at = self.at + distance;
        distance <= MAX_PROVEN
            && (self.bytes.bytes(at, HEAD).len() < HEAD || self.head(at).is_some())
    }

    /// Searches the next object that can be proven.
    fn resume(&mut self) -> Step {
        self.lost = true;
        let there = self.bytes.bytes(self.at, SEARCHED).len() as u64 / 8 * 8;
        let mut distance = HEAD as u64;
        while distance < there {
            if self.is_proven(distance) {
                self.lost = false;
                break;
            }
            distance += 8;
        }
        let length = distance.min(there).max(HEAD as u64);
        self.gap(length, length)
    }

    /// Whether an object that can be proven begins `distance` bytes from here.
    fn is_proven(&mut self, distance: u64) -> bool {
        let at = self.at + distance;
        let Some(head) = self.head(at) else {
            return false;
        };
        if !matches!(head.kind, DATA | ENTRY)
            || head.size > (MAX_VALUE + 4096) as u64
            || (self.bytes.bytes(at, head.size as usize).len() as u64) < head.size
        {
            return false;
        }
        let proof = self.prove(head, at, true).proof;
        let follows = self.follows(distance + head.padded());
        match proof {
            Proof::Sound => follows || self.prover.key_fits,
            Proof::Unknown => follows && !self.prover.key_fits,
            Proof::Damaged => false,
        }
    }

    fn object(&mut self, head: Head, name: Name) -> Step {
        let at = self.at;
        self.at += head.padded();
        Step::Object { at, head, name }
    }

    /// Returns a gap of `padded` bytes, `length` of which would have been read.
    fn gap(&mut self, length: u64, padded: u64) -> Step {
        // A value that was not unpacked so far may be damaged too.
        self.thorough = true;
        let at = self.at;
        self.damage.add(at, length);
        self.at += padded;
        Step::Gap
    }

    /// Records that the file ends before its last object.
    fn cut(&mut self) {
        let mut end = self.at;
        loop {
            let there = self.bytes.bytes(end, SEARCHED).len();
            end += there as u64;
            if there < SEARCHED {
                break;
            }
        }
        self.damage.cut = Some((end, self.tail.saturating_sub(end)));
    }

    fn end(&mut self) -> Step {
        self.ended = true;
        self.damage.missing = self.missing;
        self.damage.broken = self.bytes.broken();
        Step::End
    }
}
