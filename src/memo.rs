//! Parts of lines that come again and again, with what was read of them: comparing a part is cheaper than reading it.
//!
//! Only what was read once is remembered, so reading with a memory says what reading without says.

use wide::u8x16;

/// So many parts are remembered, each at one of two places.
const PLACES: usize = 128;
/// Texts are compared in rows of so many bytes.
const ROW: usize = 16;
const ROWS: usize = 10;
/// The longest part that is remembered, in bytes.
const LONGEST: usize = ROW * ROWS;

/// A part, and what it says: what is looked at first lies in the first of a processor's cache lines, and most parts fill two.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Part<T> {
    says: T,
    /// In bytes; 0 of what is no part.
    length: u8,
    /// The last row of the text, which may overlap the one before.
    last: u8x16,
    rows: [u8x16; ROWS],
}

impl<T: Default> Default for Part<T> {
    fn default() -> Self {
        Self {
            says: T::default(),
            length: 0,
            last: u8x16::ZERO,
            rows: [u8x16::ZERO; ROWS],
        }
    }
}

impl<T> Part<T> {
    /// `None` where `text` is shorter than a row, or longer than what is remembered.
    fn new(text: &[u8], says: T) -> Option<Self> {
        let last = u8x16::new(*text.last_chunk()?);
        let (whole, _) = text.as_chunks::<ROW>();
        let mut rows = [u8x16::ZERO; ROWS];
        if text.len() > LONGEST {
            return None;
        }
        for (known, bytes) in rows.iter_mut().zip(whole) {
            *known = u8x16::new(*bytes);
        }
        Some(Self {
            says,
            length: text.len() as u8,
            last,
            rows,
        })
    }

    /// Whether `text` begins with it, without a branch for each row; no text begins with what is no part.
    #[inline(always)]
    fn begins(&self, text: &[u8]) -> bool {
        let end = text.get(usize::from(self.length).wrapping_sub(ROW)..);
        let Some(end) = end.and_then(<[u8]>::first_chunk) else {
            return false;
        };
        let mut differs = u8x16::new(*end) ^ self.last;
        // The last row is one of them where the length is a multiple.
        let rows = usize::from(self.length - 1) / ROW;
        let Some(whole) = text.as_chunks::<ROW>().0.get(..rows) else {
            return false;
        };
        for (bytes, known) in whole.iter().zip(&self.rows) {
            differs |= u8x16::new(*bytes) ^ *known;
        }
        differs == u8x16::ZERO
    }
}

/// Parts of one kind, and what they say.
#[derive(Debug, Clone)]
pub(crate) struct Memo<T> {
    /// Empty until something is remembered.
    parts: Box<[Part<T>]>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self {
            parts: Box::default(),
        }
    }
}

impl<T: Copy + Default> Memo<T> {
    /// What the part says that `text` begins with, and its length in bytes, if it is one of the two remembered for `key`.
    #[inline(always)]
    pub(crate) fn recall(&self, key: Key, text: &[u8]) -> Option<(usize, T)> {
        let part = self.parts.get(key.place())?;
        if part.begins(text) {
            return Some((usize::from(part.length), part.says));
        }
        self.recall_other(key, text)
    }

    #[inline(never)]
    fn recall_other(&self, key: Key, text: &[u8]) -> Option<(usize, T)> {
        let part = self.parts.get(key.place() ^ 1)?;
        (part.begins(text)).then_some((usize::from(part.length), part.says))
    }

    /// Remembers for `key` that `text` says `says`. What came first keeps its place, which is the one looked at first: rare
    /// parts take each other's.
    pub(crate) fn remember(&mut self, key: Key, text: &[u8], says: T) {
        const { assert!(size_of::<Part<T>>() == 3 * 64) };
        let Some(new) = Part::new(text, says) else {
            return;
        };
        if self.parts.is_empty() {
            self.parts = vec![Part::default(); PLACES].into();
        }
        let first = key.place();
        let is_free = (self.parts.get(first)).is_some_and(|part| part.length == 0);
        let place = if is_free { first } else { first ^ 1 };
        if let Some(part) = self.parts.get_mut(place) {
            *part = new;
        }
    }
}

/// Tells parts apart, by some of their bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u64);

impl Key {
    /// Of nothing.
    pub(crate) const NONE: Self = Self(0);

    /// Of the eight bytes at each of `places` in `window`.
    #[inline(always)]
    pub(crate) fn of<const N: usize>(
        window: &[u8; N],
        places: impl IntoIterator<Item = usize>,
    ) -> Self {
        Self::NONE.and(window, places)
    }

    /// Of these too.
    #[inline(always)]
    pub(crate) fn and<const N: usize>(
        self,
        window: &[u8; N],
        places: impl IntoIterator<Item = usize>,
    ) -> Self {
        Self(places.into_iter().fold(self.0, |key, at| {
            let eight = window.get(at..).and_then(<[u8]>::first_chunk);
            key.rotate_left(11) ^ eight.map_or(0, |eight| u64::from_le_bytes(*eight))
        }))
    }

    #[inline(always)]
    const fn place(self) -> usize {
        /// Of the golden ratio, as Knuth's multiplicative hash has it.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        const _: () = assert!(PLACES.is_power_of_two());
        // Both halves of the product: a bit of the key reaches none below it in one alone.
        let product = self.0 as u128 * FACTOR as u128;
        let mixed = (product >> 64) as u64 ^ product as u64;
        (mixed >> (u64::BITS - PLACES.trailing_zeros())) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{LONGEST, Part, ROW};

    proptest! {
        #[test]
        fn a_part_is_compared_as_any_text(
            text in proptest::collection::vec(0..2_u8, 0..LONGEST + 2 * ROW),
            length in 0..=LONGEST,
            at in 0..4 * LONGEST,
        ) {
            let known = &text[..length.min(text.len())];
            let mut other = text.clone();
            if let Some(byte) = other.get_mut(at) {
                *byte += 1;
            }
            let part = Part::new(known, ());
            prop_assert_eq!(part.is_some(), known.len() >= ROW);
            prop_assert_eq!(part.is_some_and(|part| part.begins(&other)), known.len() >= ROW && other.starts_with(known));
            prop_assert!(!Part::<()>::default().begins(&text));
        }
    }
}
