//! The names of hosts and interfaces that come again and again, as a number each.

use crate::eights::same;

/// A word of [`Words`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(u8);

/// Words, each with its number.
#[derive(Debug, Default)]
pub(super) struct Words {
    known: Vec<Box<str>>,
    /// The last that was asked for.
    last: u8,
}

impl Words {
    /// The number of `word`; `None` where it is no text, or there are too many.
    #[inline]
    pub(super) fn number(&mut self, word: &[u8]) -> Option<Word> {
        let is = |known: &str| same(known.as_bytes(), word);
        let last = self.known.get(usize::from(self.last));
        if !last.is_some_and(|known| is(known)) {
            self.last = match self.known.iter().position(|known| is(known)) {
                Some(at) => at as u8,
                None => {
                    let next = u8::try_from(self.known.len()).ok()?;
                    self.known.push(std::str::from_utf8(word).ok()?.into());
                    next
                }
            };
        }
        Some(Word(self.last))
    }

    /// The word of a number that these words gave.
    #[inline]
    pub(super) fn get(&self, word: Word) -> &str {
        self.known
            .get(usize::from(word.0))
            .map_or("", |known| known)
    }
}
