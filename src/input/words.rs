//! The names of hosts and interfaces that come again and again, as a number each.

use crate::eights::same;
use crate::hints::Hints;

/// A word of [`Words`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Word(u8);

/// Words, each with its number.
#[derive(Debug, Default)]
pub(super) struct Words {
    known: Vec<Box<str>>,
    hints: Hints,
}

impl Words {
    /// The number of `word`; `None` where it is no text, or there are too many.
    #[inline]
    pub(super) fn number(&mut self, word: &[u8]) -> Option<Word> {
        let hint = self.hints.of(word);
        match self.known.get(hint) {
            Some(known) if same(known.as_bytes(), word) => Some(Word(hint as u8)),
            _ => self.search(word),
        }
    }

    /// The same where the hint is wrong.
    #[cold]
    fn search(&mut self, word: &[u8]) -> Option<Word> {
        let known = self.known.iter().position(|known| known.as_bytes() == word);
        let at = match known {
            Some(at) => at as u8,
            None => {
                let next = u8::try_from(self.known.len()).ok()?;
                self.known.push(std::str::from_utf8(word).ok()?.into());
                next
            }
        };
        self.hints.note(word, usize::from(at));
        Some(Word(at))
    }

    /// The word of a number that these words gave.
    #[inline]
    pub(super) fn get(&self, word: Word) -> &str {
        self.known
            .get(usize::from(word.0))
            .map_or("", |known| known)
    }
}
