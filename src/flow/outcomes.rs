//! Outcomes of the lines of a flow in the chains of their node, added up.
//!
//! Of rules and notes the first by order are kept, so that the order of the lines does not matter.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{ChainOutcome, Judged, Narrowed, Origin, Position, Shadowed};
use crate::time::Time;

/// Upper bound on the deciding rules, on the narrowed and dead rules, and on the notes kept of one flow.
const MAX: usize = 8;

/// Outcomes of lines in the chains of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainOutcomes {
    /// Number of lines evaluated.
    pub lines: u64,
    /// Number of them that are accepted without a line in the drop log.
    pub accepted: u64,
    /// Latest time of a line that the chain would not have logged: it accepts it, or may stop it before.
    pub last_unlogged: Option<Time>,
    /// Number of lines that only their source keeps out.
    pub kept_out: u64,
    /// Number of lines that a running chain would accept if conntrack did not classify them as INVALID.
    pub invalid: u64,
    /// Number of lines by the deciding outcome.
    pub by: Vec<(ChainOutcome, u64)>,
    /// Rules that accept such packets from other sources.
    pub narrowed: BTreeSet<Narrowed>,
    /// Rules that would accept such packets, but are not reached or do not apply.
    pub dead: BTreeSet<Shadowed>,
    /// Matches that could not be evaluated.
    pub notes: BTreeSet<Arc<str>>,
}

/// Texts that many flows have, once.
pub(super) type Texts = BTreeSet<Arc<str>>;

/// How many texts are kept once; further ones are of a flow each.
const MAX_TEXTS: usize = 4096;

fn shared(texts: &mut Texts, text: String) -> Arc<str> {
    if let Some(known) = texts.get(&*text) {
        return Arc::clone(known);
    }
    let text: Arc<str> = text.into();
    if texts.len() < MAX_TEXTS {
        texts.insert(Arc::clone(&text));
    }
    text
}

/// Class of a peer by the running chain: a part of a finding's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PeerClass {
    /// The chain accepts all of its lines.
    Accepted,
    /// Every one of its lines is refused only because of the peer's address.
    Narrowed,
    /// Any other outcome, or no known running chain.
    #[default]
    Else,
}

impl PeerClass {
    /// Returns the class in one word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Narrowed => "narrowed",
            Self::Else => "else",
        }
    }
}

impl ChainOutcomes {
    /// Adds `lines` lines of one time.
    pub(super) fn add(&mut self, judged: Judged, time: Time, lines: u64, texts: &mut Texts) {
        self.lines += lines;
        if judged.accepted {
            self.accepted += lines;
        }
        if judged.accepted || matches!(judged.outcome, ChainOutcome::MayStop(_)) {
            self.last_unlogged = self.last_unlogged.max(Some(time));
        }
        if !judged.narrowed.is_empty() {
            self.kept_out += lines;
        }
        if judged.invalid_alone {
            self.invalid += lines;
        }
        self.count(judged.outcome, lines);
        self.narrowed.extend(judged.narrowed);
        self.dead.extend(judged.dead);
        for note in judged.notes {
            let is_late =
                self.notes.len() >= MAX && self.notes.last().is_some_and(|last| **last < *note);
            if !is_late && !self.notes.contains(&*note) {
                self.notes.insert(shared(texts, note));
            }
        }
        self.bound();
    }

    /// Adds the sums of other lines.
    pub fn absorb(&mut self, other: &Self) {
        self.lines += other.lines;
        self.accepted += other.accepted;
        self.last_unlogged = self.last_unlogged.max(other.last_unlogged);
        self.kept_out += other.kept_out;
        self.invalid += other.invalid;
        for (outcome, lines) in &other.by {
            self.count(outcome.clone(), *lines);
        }
        self.narrowed.extend(other.narrowed.iter().cloned());
        self.dead.extend(other.dead.iter().cloned());
        self.notes.extend(other.notes.iter().cloned());
        self.bound();
    }

    fn count(&mut self, outcome: ChainOutcome, lines: u64) {
        match self.by.binary_search_by(|(known, _)| known.cmp(&outcome)) {
            Ok(at) => self.by[at].1 += lines,
            // Most flows have one.
            Err(at) => {
                self.by.reserve_exact(1);
                self.by.insert(at, (outcome, lines));
            }
        }
    }

    /// Moves its time by whole years.
    pub(super) fn add_years(&mut self, years: i32) {
        self.last_unlogged = self.last_unlogged.map(|time| time.add_years(years));
    }

    /// Keeps the first entries of each: the first of all is never dropped on the way, so its sum is complete.
    fn bound(&mut self) {
        self.by.truncate(MAX);
        while self.narrowed.len() > MAX {
            self.narrowed.pop_last();
        }
        while self.dead.len() > MAX {
            self.dead.pop_last();
        }
        while self.notes.len() > MAX {
            self.notes.pop_last();
        }
    }

    /// Whether every one of `lines` lines would be accepted.
    pub const fn accepts_all(&self, lines: u64) -> bool {
        lines > 0 && self.accepted == lines
    }

    /// Whether the log is older than the rules: a running chain accepts all of `lines` lines, and none is newer than it.
    pub fn already_allows(&self, lines: u64, origin: Origin) -> bool {
        matches!(origin, Origin::Running(_)) && self.accepts_all(lines) && !self.is_stale(origin)
    }

    /// Whether a running chain would not have logged a line that came after it was printed: the chain on the node has then
    /// changed.
    pub fn is_stale(&self, origin: Origin) -> bool {
        let Origin::Running(Some(taken)) = origin else {
            return false;
        };
        (self.last_unlogged).is_some_and(|last| last.is_dated() && taken < last)
    }

    /// Classifies the peer of `lines` lines.
    pub fn peer_class(&self, lines: u64, origin: Origin) -> PeerClass {
        match origin {
            Origin::NextBoot => PeerClass::Else,
            Origin::Running(_) if self.accepts_all(lines) => PeerClass::Accepted,
            Origin::Running(_) if lines > 0 && self.kept_out == lines => PeerClass::Narrowed,
            Origin::Running(_) => PeerClass::Else,
        }
    }

    /// Returns the rules that accept, with the lines of each.
    pub fn accepting(&self) -> impl Iterator<Item = (&Position, u64)> {
        self.by.iter().filter_map(|(outcome, lines)| match outcome {
            ChainOutcome::Accepted(position) => Some((position, *lines)),
            _ => None,
        })
    }
}
