//! Short texts, eight bytes at a time: most of what a drop line says are short words and numbers, and a loop over their
//! bytes ends where no processor foresees it.

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
/// The highest bit of each byte.
const HIGH: u64 = ONES << 7;

/// The number that the digits make that `text` begins with, eight at most, and how many they are. `None` where fewer than
/// eight bytes are left to look at.
#[inline(always)]
pub(crate) fn leading(text: &[u8]) -> Option<(u32, usize)> {
    let eight = u64::from_le_bytes(*text.first_chunk()?);
    let values = eight ^ (ONES * u64::from(b'0'));
    // A byte that is no digit gets its highest bit; what it carries reaches only the bytes behind it.
    let others = (values.wrapping_add(ONES * (0x80 - 10)) | values) & HIGH;
    let length = others.trailing_zeros() / 8;
    if length == 0 {
        return Some((0, 0));
    }
    // The digits go to the end, zeros before them; then neighbours are joined: pairs, pairs of pairs, and so on.
    let values = values << (64 - 8 * length);
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & (u64::MAX / 0x101);
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & (u64::MAX / 0x1_0001);
    let number = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) as u32;
    Some((number, length as usize))
}

/// Hours, minutes and seconds of the `10:00:01` that `text` begins with; `None` where it is none, or no eight bytes are left.
#[inline]
pub(crate) fn clock(text: &[u8]) -> Option<(u8, u8, u8)> {
    let eight = u64::from_le_bytes(*text.first_chunk()?);
    let values = eight ^ u64::from_le_bytes(*b"00:00:00");
    // To a digit 118 may be added below 128, to the place of a colon 127.
    let most = u64::from_le_bytes([118, 118, 127, 118, 118, 127, 118, 118]);
    if (values.wrapping_add(most) | values) & HIGH != 0 {
        return None;
    }
    let [h, hh, _, m, mm, _, s, ss] = values.to_le_bytes();
    Some((h * 10 + hh, m * 10 + mm, s * 10 + ss))
}

/// Whether two texts are equal; most are short.
#[inline]
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && begins(one, other)
}

/// Whether `text` begins with `known`.
#[inline]
pub(crate) fn begins(text: &[u8], known: &[u8]) -> bool {
    let Some(text) = text.get(..known.len()) else {
        return false;
    };
    match known.len() {
        16.. => equal::<16>(text, known),
        8.. => equal::<8>(text, known),
        4.. => equal::<4>(text, known),
        _ => text == known,
    }
}

/// Compares texts of one length that have `N` bytes or more: the last of them once more where they are no multiple.
#[inline]
fn equal<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    let chunks = one.as_chunks::<N>().0.iter().zip(other.as_chunks::<N>().0);
    // An array of a known size is compared in place.
    chunks.into_iter().all(|(one, other)| one == other)
        && one.last_chunk::<N>() == other.last_chunk::<N>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{begins, clock, leading, same};

    proptest! {
        #[test]
        fn leading_digits_make_the_number_that_they_are(text in "[0-9]{0,12}[^0-9][ -~]{8}") {
            let length = text.bytes().take(8).take_while(u8::is_ascii_digit).count();
            let number = text[..length].parse().unwrap_or(0);
            prop_assert_eq!(leading(text.as_bytes()), Some((number, length)));
        }

        #[test]
        fn texts_are_compared_as_any(mut text in proptest::collection::vec(0..3_u8, 0..40), length in 0..40_usize, at in 0..80_usize) {
            let known = text.clone();
            if let Some(byte) = text.get_mut(at) {
                *byte += 1;
            }
            let part = &known[..length.min(known.len())];
            prop_assert_eq!(same(&text, &known), text == known);
            prop_assert_eq!(begins(&text, part), text.starts_with(part));
            prop_assert_eq!(begins(part, &text), part.starts_with(&text));
        }

        #[test]
        fn no_byte_is_taken_for_a_digit(bytes: [u8; 8]) {
            let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            prop_assert_eq!(leading(&bytes).map(|(_, length)| length), Some(length));
        }

        #[test]
        fn a_clock_is_read_as_its_parts(text in "[0-9:/ ]{8}|[0-9]{2}:[0-9]{2}:[0-9]{2}", over: u8, at in 0..16_usize) {
            let mut text = text.into_bytes();
            if let Some(byte) = text.get_mut(at) {
                *byte = over;
            }
            let read = |from: usize| -> Option<u8> {
                let digits = std::str::from_utf8(&text[from..from + 2]).ok()?;
                digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
            };
            let colons = text[2] == b':' && text[5] == b':';
            let parts = || Some((read(0)?, read(3)?, read(6)?));
            prop_assert_eq!(clock(&text), colons.then(parts).flatten());
        }
    }
}
