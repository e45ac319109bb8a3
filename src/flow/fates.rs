//! What the chain in force would do with the lines of a flow, added up.
//!
//! Of rules and notes the first by order are kept, so that no order of lines matters.

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::{Dead, Fate, Judged, Place};

/// So many rules that decide, rules that do not, and notes are kept of one flow.
const MOST: usize = 8;

/// What the chain in force would do with lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fates {
    /// How many lines were asked about.
    pub lines: u64,
    /// How many of them it would accept without logging them.
    pub accepted: u64,
    /// Lines by what decides.
    pub by: BTreeMap<Fate, u64>,
    /// Rules that would accept them and do not.
    pub dead: BTreeSet<Dead>,
    /// What could not be evaluated.
    pub notes: BTreeSet<String>,
}

impl Fates {
    /// Adds `lines` lines.
    pub(super) fn add(&mut self, judged: Judged, lines: u64) {
        self.lines += lines;
        if matches!(judged.fate, Fate::Accepted(_)) {
            self.accepted += lines;
        }
        *self.by.entry(judged.fate).or_default() += lines;
        self.dead.extend(judged.dead);
        self.notes.extend(judged.notes);
        self.bound();
    }

    /// Adds what others add up to.
    pub fn absorb(&mut self, other: &Self) {
        self.lines += other.lines;
        self.accepted += other.accepted;
        for (fate, lines) in &other.by {
            *self.by.entry(fate.clone()).or_default() += lines;
        }
        self.dead.extend(other.dead.iter().cloned());
        self.notes.extend(other.notes.iter().cloned());
        self.bound();
    }

    /// Keeps the first of each: what comes first of all is never left out on the way, so its sum is whole.
    fn bound(&mut self) {
        while self.by.len() > MOST {
            self.by.pop_last();
        }
        while self.dead.len() > MOST {
            self.dead.pop_last();
        }
        while self.notes.len() > MOST {
            self.notes.pop_last();
        }
    }

    /// Whether every one of `lines` lines would be accepted.
    pub const fn accepts_all(&self, lines: u64) -> bool {
        lines > 0 && self.accepted == lines
    }

    /// The rules that accept, with the lines of each.
    pub fn accepting(&self) -> impl Iterator<Item = (&Place, u64)> {
        self.by.iter().filter_map(|(fate, lines)| match fate {
            Fate::Accepted(place) => Some((place, *lines)),
            _ => None,
        })
    }
}
