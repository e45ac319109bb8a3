//! Where a name was found last: in a log few names come again and again, and to look at one place first is cheaper than a
//! hash or a search.

/// So many places; names of a cluster mostly end differently.
const PLACES: usize = 16;

/// Places of names in somebody's list. A hint may be wrong: whoever takes one compares the name that stands there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hints([u16; PLACES]);

impl Hints {
    /// The place at which a name like `name` was found last.
    #[inline]
    pub(crate) fn of(&self, name: &[u8]) -> usize {
        usize::from(self.0[Self::place(name)])
    }

    /// Notes that `name` was found at a place; a place beyond 65,535 is not noted.
    pub(crate) fn note(&mut self, name: &[u8], at: usize) {
        if let Ok(at) = u16::try_from(at) {
            self.0[Self::place(name)] = at;
        }
    }

    /// Nodes of a cluster differ in their last letter, interfaces in their length too.
    #[inline]
    fn place(name: &[u8]) -> usize {
        let last = name.last().copied().unwrap_or_default();
        usize::from(last).wrapping_add(name.len()) % PLACES
    }
}

/// Names that lie in memory where they did when they were asked for last: lines that come together have theirs from one list,
/// so that most need not be read.
#[derive(Default)]
pub(crate) struct Lately<'a>([Option<(&'a str, u16)>; NAMES]);

/// More than a cluster has nodes: two that share a place take it from each other with each line.
const NAMES: usize = 16;

impl<'a> Lately<'a> {
    /// The number of `name`, which `find` finds where it was not asked for lately.
    #[inline]
    pub(crate) fn number(&mut self, name: &'a str, find: impl FnOnce(&'a str) -> u16) -> u16 {
        // Short texts are kept 32 bytes apart.
        let slot = &mut self.0[name.as_ptr().addr() / 32 % NAMES];
        match slot {
            Some((known, number)) if std::ptr::eq(*known, name) => *number,
            _ => {
                let number = find(name);
                *slot = Some((name, number));
                number
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hints, Lately};

    #[test]
    fn a_name_that_moves_is_asked_for_again() {
        let names: Vec<String> = (0..9).map(|at| format!("harvester{}", at % 3)).collect();
        let mut lately = Lately::default();
        for name in names.iter().chain(&names) {
            let number = |name: &str| u16::from(name.as_bytes()[9] - b'0');
            assert_eq!(lately.number(name, number), number(name));
        }
    }

    #[test]
    fn a_place_that_is_too_far_is_not_noted() {
        let mut hints = Hints::default();
        hints.note(b"mgmt-br", 7);
        hints.note(b"mgmt-br", 1 << 16);
        assert_eq!(hints.of(b"mgmt-br"), 7);
    }
}
