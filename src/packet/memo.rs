//! Parts of lines that come again and again, with what was read of them: comparing a part is cheaper than reading it.
//!
//! Only what was read once is remembered, so reading with a memory says what reading without says.

/// So many parts are remembered, each at a place of its own.
const PLACES: usize = 64;
/// The longest part that is remembered, in bytes.
const LONGEST: usize = 110;

/// Parts of one kind, and what they say.
#[derive(Debug, Clone)]
pub(super) struct Memo<T> {
    /// Empty until something is remembered.
    parts: Vec<Part<T>>,
}

#[derive(Debug, Clone, Copy)]
struct Part<T> {
    length: u8,
    text: [u8; LONGEST],
    says: T,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<T: Copy + Default> Memo<T> {
    /// What the part says that `text` begins with, and its length in bytes, if it is the one remembered at `place`.
    #[inline]
    pub(super) fn recall(&self, place: usize, text: &[u8]) -> Option<(usize, T)> {
        let part = self.parts.get(place % PLACES)?;
        let length = usize::from(part.length);
        let known = part.text.get(..length)?;
        (length > 0 && text.starts_with(known)).then_some((length, part.says))
    }

    /// Remembers at `place` that `text` says `says`, instead of what was remembered there.
    pub(super) fn remember(&mut self, place: usize, text: &[u8], says: T) {
        if text.len() > LONGEST {
            return;
        }
        if self.parts.is_empty() {
            let nothing = Part {
                length: 0,
                text: [0; LONGEST],
                says: T::default(),
            };
            self.parts = vec![nothing; PLACES];
        }
        if let Some(part) = self.parts.get_mut(place % PLACES) {
            part.length = text.len() as u8;
            part.text[..text.len()].copy_from_slice(text);
            part.says = says;
        }
    }
}
