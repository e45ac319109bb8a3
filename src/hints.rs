//! Where a name was found last: in a log few names come again and again, and to look at one place first is cheaper than a
//! hash or a search.
//!
//! A hint may be wrong. Whoever takes one compares the name that stands there.

/// So many places; names of a cluster mostly end differently.
const PLACES: usize = 16;

/// Places of names in somebody's list.
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
