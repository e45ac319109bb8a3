//! Indices of the flows of drop lines, a batch at once.
//!
//! The flows are more than a processor's caches hold. Each pass over a batch looks up one thing and does little besides, so
//! that the processor waits for the memory of several flows at once.

use std::hash::BuildHasher;

use indexmap::map::RawEntryApiV1;
use smallvec::SmallVec;

use super::bounds::Fold;
use super::collect::{BATCH, CountedDrop, Flows, Line};
use super::quota::Admitted;
use super::{Flow, FlowKey, Folded};

impl Flows {
    /// Returns the index of the flow of each line of a batch, and counts the lines.
    pub(super) fn places(
        &mut self,
        drops: &[CountedDrop<'_>],
        lines: &[Line],
    ) -> SmallVec<[usize; BATCH]> {
        let found = lines.iter().map(|line| self.find(line.hash, &line.key));
        let found: SmallVec<[Option<usize>; BATCH]> = found.collect();
        let unknown = lines.iter().zip(&found).filter(|(_, at)| at.is_none());
        let folds = unknown.filter_map(|(line, _)| self.fold(line.key));
        let mut folds: SmallVec<[Fold; BATCH]> = folds.collect();
        for fold in &mut folds {
            fold.place = self.find(fold.hash, &fold.wider);
        }
        let mut folds = folds.into_iter();
        let known = self.flows.len();
        let places = drops.iter().zip(lines).zip(found);
        let places = places.map(|((drop, line), place)| {
            self.meet(drop.packet, line);
            let place = match place {
                Some(place) => return (place, Folded::No),
                // An earlier line of the batch may have begun the flow.
                None if self.flows.len() > known => self.find(line.hash, &line.key),
                None => None,
            };
            let fold = folds.next();
            place.map_or_else(|| self.begin(drop, line, fold), |place| (place, Folded::No))
        });
        let places: SmallVec<[(usize, Folded); BATCH]> = places.collect();
        let counted = drops.iter().zip(places).map(|(drop, (place, folded))| {
            let flow = &mut self.flows[place];
            flow.logged += u64::from(drop.lines);
            flow.folded = flow.folded.max(folded);
            place
        });
        counted.collect()
    }

    /// Returns the index of the flow for a first line, a new one or the one into which it is folded, and the kind of folding.
    #[inline(never)]
    fn begin(
        &mut self,
        counted: &CountedDrop<'_>,
        line: &Line,
        foreseen: Option<Fold>,
    ) -> (usize, Folded) {
        let CountedDrop { drop, lines, .. } = counted;
        let (admitted, folded) = self.admit(line.key, line.role, foreseen);
        self.folded += u64::from(folded != Folded::No) * u64::from(*lines);
        let place = self.open(admitted, || Flow::begin(drop.time, drop.message));
        (place, folded)
    }

    /// Returns the index of an admitted flow, which is created if it is new.
    pub(super) fn open(&mut self, admitted: Admitted, new: impl FnOnce() -> Flow) -> usize {
        match admitted {
            Admitted::Place(place) => place,
            Admitted::Key(key) => {
                let flow = self.flows.entry(key);
                let place = flow.index();
                flow.or_insert_with(new);
                place
            }
        }
    }

    /// Returns the index of the flow with this key.
    pub(super) fn place(&self, key: FlowKey) -> Option<usize> {
        self.find(self.flows.hasher().hash_one(key), &key)
    }

    /// Returns the index of the flow with this key, whose hash is known.
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, key: &FlowKey) -> Option<usize> {
        let entry = self.flows.raw_entry_v1();
        entry.index_from_hash(hash, |known| known == key)
    }
}
