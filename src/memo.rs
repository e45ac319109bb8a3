//! Parts of lines that come again and again, with what was read of them: comparing a part is cheaper than reading it.
//!
//! Only what was read once is remembered, so reading with a memory says what reading without says.

/// So many parts are remembered, each at one of two places.
const PLACES: usize = 128;
/// Texts are compared in rows of so many bytes.
const ROW: usize = 16;
const ROWS: usize = 10;
/// The longest part that is remembered, in bytes.
const LONGEST: usize = ROW * ROWS;

/// A row in words, which a processor takes at once.
type Row = [u64; 2];

#[inline]
const fn row(bytes: &[u8; ROW]) -> Row {
    let (words, _) = bytes.as_chunks::<8>();
    [u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1])]
}

/// A text to compare others with, without a branch for each row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    rows: [Row; ROWS],
    /// The last row, which may overlap the one before; a text shorter than a row has a mask for what lies behind its end.
    last: Row,
    mask: Row,
    length: u8,
}

impl Known {
    /// `None` where `text` is longer than what is remembered.
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (whole, _) = text.as_chunks::<ROW>();
        let mut rows = [Row::default(); ROWS];
        for (known, bytes) in rows.iter_mut().zip(whole) {
            *known = row(bytes);
        }
        let (mut last, mut mask) = ([0; ROW], [0; ROW]);
        let end = &text[text.len().saturating_sub(ROW)..];
        last[..end.len()].copy_from_slice(end);
        mask[..end.len()].fill(u8::MAX);
        Some(Self {
            rows,
            last: row(&last),
            mask: row(&mask),
            length: text.len() as u8,
        })
    }

    /// Its length in bytes; 0 of what is no text.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether `text` begins with it. `false` also where neither has a whole row: that is for others to tell.
    #[inline(always)]
    pub(crate) fn begins(&self, text: &[u8]) -> bool {
        let end = text.get(self.length().saturating_sub(ROW)..);
        let Some(end) = end.and_then(<[u8]>::first_chunk) else {
            return false;
        };
        let end = row(end);
        let mut differs = [0, 1].map(|word| (end[word] ^ self.last[word]) & self.mask[word]);
        let (rows, _) = text.as_chunks::<ROW>();
        for (bytes, known) in rows[..self.length() / ROW].iter().zip(&self.rows) {
            let bytes = row(bytes);
            differs = [0, 1].map(|word| differs[word] | (bytes[word] ^ known[word]));
        }
        differs[0] | differs[1] == 0
    }
}

/// Parts of one kind, and what they say.
#[derive(Debug, Clone)]
pub(crate) struct Memo<T> {
    /// Empty until something is remembered.
    parts: Box<[(Known, T)]>,
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
        let (known, says) = self.parts.get(key.place())?;
        if known.length() > 0 && known.begins(text) {
            return Some((known.length(), *says));
        }
        self.recall_other(key, text)
    }

    #[inline(never)]
    fn recall_other(&self, key: Key, text: &[u8]) -> Option<(usize, T)> {
        let (known, says) = self.parts.get(key.place() ^ 1)?;
        (known.length() > 0 && known.begins(text)).then_some((known.length(), *says))
    }

    /// Remembers for `key` that `text` says `says`. What came first keeps its place, which is the one looked at first: rare
    /// parts take each other's.
    pub(crate) fn remember(&mut self, key: Key, text: &[u8], says: T) {
        let Some(known) = Known::new(text) else {
            return;
        };
        if self.parts.is_empty() {
            self.parts = vec![(Known::default(), T::default()); PLACES].into();
        }
        let first = key.place();
        let is_free = (self.parts.get(first)).is_some_and(|(known, _)| known.length() == 0);
        let place = if is_free { first } else { first ^ 1 };
        if let Some(part) = self.parts.get_mut(place) {
            *part = (known, says);
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
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Known, LONGEST, ROW};

    proptest! {
        #[test]
        fn a_known_text_is_compared_as_any(
            text in proptest::collection::vec(0..2_u8, 0..LONGEST + 2 * ROW),
            length in 0..=LONGEST,
            at in 0..4 * LONGEST,
        ) {
            let known = &text[..length.min(text.len())];
            let mut other = text.clone();
            if let Some(byte) = other.get_mut(at) {
                *byte += 1;
            }
            let tells = other.len() >= ROW;
            prop_assert_eq!(Known::new(known).unwrap().begins(&other), tells && other.starts_with(known));
        }
    }
}
