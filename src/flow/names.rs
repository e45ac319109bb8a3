//! Names of nodes and interfaces as small numbers, inside a bound: names come from the log.

use std::collections::HashMap;

use crate::eights::same;

/// So many nodes, and so many interfaces, are told apart: names come from the log.
const MOST_NAMES: usize = 1_024;
/// What stands for the names over the bound.
const OTHERS: &str = "others";

/// Names with a number each.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    numbers: HashMap<String, u16>,
    last: u16,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u16 {
        // A cluster has a few nodes: comparing their names is cheaper than a hash.
        let few = &self.names[..self.names.len().min(8)];
        let is = |known: &String| same(known.as_bytes(), name.as_bytes());
        if self.names.get(usize::from(self.last)).is_some_and(is) {
            return self.last;
        }
        if let Some(at) = few.iter().position(is) {
            self.last = at as u16;
            return self.last;
        }
        if let Some(&number) = self.numbers.get(name) {
            self.last = number;
            return number;
        }
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

    pub(super) fn name(&self, number: u16) -> &str {
        self.names
            .get(usize::from(number))
            .map_or(OTHERS, String::as_str)
    }
}
