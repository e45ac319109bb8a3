//! Parts of lines that come again and again, with what was read of them: comparing a part is cheaper than reading it.
//!
//! Only what was read once is remembered, so reading with a memory says what reading without says.

use crate::eights::begins;

/// So many parts are remembered, each at a place of its own.
const PLACES: usize = 128;
/// The longest part that is remembered, in bytes.
const LONGEST: usize = 118;

/// Parts of one kind, and what they say.
#[derive(Debug, Clone)]
pub(crate) struct Memo<T> {
    /// Empty until something is remembered.
    parts: Box<[Part<T>]>,
}

#[derive(Debug, Clone, Copy)]
struct Part<T> {
    length: u8,
    text: [u8; LONGEST],
    says: T,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self {
            parts: Box::default(),
        }
    }
}

impl<T: Copy + Default> Memo<T> {
    /// What the part says that `text` begins with, and its length in bytes, if it is the one remembered at the place of `key`.
    #[inline]
    pub(crate) fn recall(&self, key: Key, text: &[u8]) -> Option<(usize, T)> {
        let part = self.parts.get(key.place())?;
        let length = usize::from(part.length);
        let known = part.text.get(..length)?;
        (length > 0 && begins(text, known)).then_some((length, part.says))
    }

    /// Remembers at the place of `key` that `text` says `says`, instead of what was remembered there.
    pub(crate) fn remember(&mut self, key: Key, text: &[u8], says: T) {
        if text.len() > LONGEST {
            return;
        }
        if self.parts.is_empty() {
            let nothing = Part {
                length: 0,
                text: [0; LONGEST],
                says: T::default(),
            };
            self.parts = vec![nothing; PLACES].into();
        }
        if let Some(part) = self.parts.get_mut(key.place()) {
            part.length = text.len() as u8;
            part.text[..text.len()].copy_from_slice(text);
            part.says = says;
        }
    }
}

/// Tells parts apart, by some of their bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u64);

impl Key {
    /// Of the eight bytes at each of `places` in `window`.
    #[inline]
    pub(crate) fn of<const N: usize>(
        window: &[u8; N],
        places: impl IntoIterator<Item = usize>,
    ) -> Self {
        /// Of the golden ratio, as Knuth's multiplicative hash has it.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let key = places.into_iter().fold(0_u64, |key, at| {
            let eight = window.get(at..).and_then(<[u8]>::first_chunk);
            key.rotate_left(11) ^ eight.map_or(0, |eight| u64::from_le_bytes(*eight))
        });
        Self(key.wrapping_mul(FACTOR))
    }

    const fn place(self) -> usize {
        const _: () = assert!(PLACES.is_power_of_two());
        (self.0 >> (u64::BITS - PLACES.trailing_zeros())) as usize
    }
}
