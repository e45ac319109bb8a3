//! Names of nodes and interfaces as small numbers, inside a bound: names come from the log.

use std::collections::HashMap;

use crate::eights::same;
use crate::hints::Hints;

/// So many nodes, and so many interfaces, are told apart: names come from the log.
const MOST_NAMES: usize = 1_024;
/// What stands for the names over the bound.
const OTHERS: &str = "others";

/// Names with a number each.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    numbers: HashMap<String, u16>,
    hints: Hints,
}

impl Names {
    #[inline]
    pub(super) fn number(&mut self, name: &str) -> u16 {
        let hint = self.hints.of(name.as_bytes());
        match self.names.get(hint) {
            Some(known) if same(known.as_bytes(), name.as_bytes()) => hint as u16,
            _ => self.search(name),
        }
    }

    /// The same where the hint is wrong.
    #[cold]
    fn search(&mut self, name: &str) -> u16 {
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => self.add(name),
        };
        self.hints.note(name.as_bytes(), usize::from(number));
        number
    }

    fn add(&mut self, name: &str) -> u16 {
        let name = if self.names.len() < MOST_NAMES {
            name
        } else {
            OTHERS
        };
        let next = self.names.len() as u16;
        let number = *self.numbers.entry(name.to_owned()).or_insert(next);
        if number == next {
            self.names.push(name.to_owned());
        }
        number
    }

    /// The number of a name that is known.
    pub(super) fn find(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    /// The number that each of `others` has here, by its number there.
    pub(super) fn numbers(&mut self, others: &Self) -> Vec<u16> {
        others.names.iter().map(|name| self.number(name)).collect()
    }

    pub(super) fn name(&self, number: u16) -> &str {
        self.names
            .get(usize::from(number))
            .map_or(OTHERS, String::as_str)
    }
}
