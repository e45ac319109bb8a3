//! Interning of names as small numbers, with an upper bound, because the names come from the log.

use std::collections::HashMap;

/// Names, each with its number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u16, foldhash::fast::RandomState>,
    /// Numbers of the names looked up last, by its last two bytes and its length: nodes and interfaces have their digits there.
    recent: [[u16; 16]; 8],
}

impl Names {
    /// Returns the number of `name`, and assigns a new one while there are fewer than `max`; `None` beyond.
    #[inline(always)]
    pub(crate) fn number(&mut self, name: &str, max: usize) -> Option<u16> {
        let recent = self.recent(name.as_bytes());
        recent.or_else(|| self.look_up(name, max))
    }

    /// Takes the name among the recent ones, and returns its number, as [`Self::number`] does.
    #[inline(never)]
    fn look_up(&mut self, name: &str, max: usize) -> Option<u16> {
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => self.add(name, max)?,
        };
        let (tens, ones) = slot(name.as_bytes());
        self.recent[tens][ones] = number;
        Some(number)
    }

    /// Returns the number of a name that was looked up lately.
    #[inline(always)]
    pub(crate) fn recent(&self, name: &[u8]) -> Option<u16> {
        let (tens, ones) = slot(name);
        let number = self.recent[tens][ones];
        let known = self.names.get(usize::from(number))?;
        is_same(known.as_bytes(), name).then_some(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
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

/// Returns the place of a name among the recent ones.
#[inline]
fn slot(name: &[u8]) -> (usize, usize) {
    match name {
        // Both halves of a byte count, so that a letter before the last digit is no digit, and the length.
        [.., tens, ones] => (
            (usize::from(tens ^ tens >> 4) ^ name.len()) % 8,
            usize::from(ones % 16),
        ),
        _ => (0, 0),
    }
}

/// Whether two names are the same. Most have 4 to 16 bytes, which two numbers at either end cover; a call that compares
/// memory takes longer than the rest of the look-up.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk()
                && one.last_chunk::<8>() == other.last_chunk()
        }
        4..8 => {
            one.first_chunk::<4>() == other.first_chunk()
                && one.last_chunk::<4>() == other.last_chunk()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_told_apart_whatever_their_length() {
        let mut names = Names::default();
        let mut known = Vec::new();
        for length in 0..20 {
            for changed in 0..length {
                let mut name = vec![b'a'; length];
                name[changed] = b'q';
                known.push(String::from_utf8(name).unwrap());
            }
        }
        for _ in 0..2 {
            for (number, name) in known.iter().enumerate() {
                assert_eq!(
                    names.number(name, known.len()),
                    Some(number as u16),
                    "{name}"
                );
            }
        }
    }

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
