//! Interning of names as small numbers, with an upper bound, because the names come from the log.

use std::collections::HashMap;

/// Names, each with its number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u16, foldhash::fast::RandomState>,
    /// Number of the name looked up last: consecutive lines are mostly of one node.
    last: u16,
}

impl Names {
    /// Returns the number of `name`, and assigns a new one while there are fewer than `max`; `None` beyond.
    #[inline]
    pub(crate) fn number(&mut self, name: &str, max: usize) -> Option<u16> {
        if (self.names.get(usize::from(self.last))).is_some_and(|last| **last == *name) {
            return Some(self.last);
        }
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => self.add(name, max)?,
        };
        self.last = number;
        Some(number)
    }

    #[cold]
    fn add(&mut self, name: &str, max: usize) -> Option<u16> {
        let next = u16::try_from(self.names.len()).ok()?;
        if self.names.len() >= max {
            return None;
        }
        self.names.push(name.into());
        self.numbers.insert(name.into(), next);
        Some(next)
    }

    /// Returns the number of a known name.
    pub(crate) fn find(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    /// Returns the name of a number.
    pub(crate) fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number)).map(|name| &**name)
    }

    /// Returns all names in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_beyond_the_bound_have_no_number() {
        let mut names = Names::default();
        assert_eq!(names.number("a", 2), Some(0));
        assert_eq!(names.number("", 2), Some(1));
        assert_eq!(names.number("b", 2), None);
        assert_eq!(names.number("a", 2), Some(0));
        assert_eq!((names.name(1), names.name(2)), (Some(""), None));
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", ""]);
    }
}
