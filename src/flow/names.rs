//! The names of a log's nodes, and those of its interfaces.

use crate::names::Names as Table;

/// Upper bound on the nodes, and on the interfaces, that are told apart.
const MAX_NAMES: usize = 1_024;
/// Placeholder for the names over the bound.
const OTHERS: &str = "others";

/// Names with a number each.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Table);

impl Names {
    #[inline]
    pub(super) fn number(&mut self, name: &str) -> u16 {
        match self.0.number(name, MAX_NAMES) {
            Some(number) => number,
            None => self.others(),
        }
    }

    /// Returns the number of the placeholder for names over the bound.
    pub(super) fn others(&mut self) -> u16 {
        self.0.number(OTHERS, MAX_NAMES + 1).unwrap_or_default()
    }

    /// Returns the number of a name that is known.
    pub(super) fn find(&self, name: &str) -> Option<u16> {
        self.0.find(name)
    }

    /// Returns the number that each of `others` has in this table, by its number there.
    pub(super) fn numbers(&mut self, others: &Self) -> Vec<u16> {
        others.0.iter().map(|name| self.number(name)).collect()
    }

    pub(super) fn name(&self, number: u16) -> &str {
        self.0.name(number).unwrap_or(OTHERS)
    }
}
