//! What a text begins with, many bytes at a time: numbers in one register, words without a branch for each byte.
//!
//! How long a number or a name is, is a matter of chance: a loop that ends with it costs the processor a wrong guess for many
//! of them, and a drop line has some twenty.

/// `0` in each byte.
const ZEROS: u64 = 0x3030_3030_3030_3030;
/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// What makes a byte above 9 one with its highest bit. Carries go to the bytes behind such a one, which do not count.
const TO_HIGH: u64 = 0x7676_7676_7676_7676;

/// Returns the number that a text begins with, and how many digits it has: 0 and 0 where there are none. A number that 64 bits
/// cannot hold is [`u64::MAX`].
#[inline(always)]
pub(crate) fn number(text: &[u8]) -> (u64, usize) {
    if let Some(eight) = text.first_chunk() {
        let digits = u64::from_le_bytes(*eight) ^ ZEROS;
        let len = decimals(digits);
        if len < 8 {
            return (value(digits, len), len);
        }
    }
    one_by_one(text)
}

/// Returns the number of bytes before the first that is no digit.
#[inline(always)]
const fn decimals(digits: u64) -> usize {
    let others = (digits.wrapping_add(TO_HIGH) | digits) & HIGH;
    others.trailing_zeros() as usize / 8
}

/// Returns the number that the first `len` bytes are, fewer than 8.
#[inline(always)]
const fn value(digits: u64, len: usize) -> u64 {
    // Zeros come before them, and what is behind them goes.
    let digits = digits << (56 - 8 * len) << 8;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// Reads a number up to 255 without padding, and the byte `end` behind it. Returns the number, how many digits it has, and
/// whether the text is such a number.
#[inline(always)]
pub(crate) const fn octet(text: [u8; 4], end: u8) -> (u8, usize, bool) {
    /// The least number of so many digits; of none and of four none is an octet.
    const LEAST: [u32; 5] = [256, 0, 10, 100, 256];
    let word = u32::from_le_bytes(text);
    let digits = word ^ ZEROS as u32;
    let others = (digits.wrapping_add(TO_HIGH as u32) | digits) & HIGH as u32;
    let len = others.trailing_zeros() as usize / 8;
    let [_, hundreds, tens, ones] = (((digits as u64) << (32 - 8 * len)) as u32).to_le_bytes();
    let number = hundreds as u32 * 100 + tens as u32 * 10 + ones as u32;
    let fits = (number >= LEAST[len]) & (number < 256) & ((word as u64 >> (8 * len)) as u8 == end);
    (number as u8, len, fits)
}

/// Returns the number of each two digits that follow each other in `text`, at the place of the first, where `text` has a digit
/// for each `0` of `layout` and otherwise the same bytes.
#[inline(always)]
pub(crate) fn pairs(text: [u8; 8], layout: [u8; 8]) -> Option<[u8; 8]> {
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(layout);
    let to_high = layout.map(|byte| if byte == b'0' { 0x76 } else { 0x7f });
    let others = (digits.wrapping_add(u64::from_le_bytes(to_high)) | digits) & HIGH;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    (others == 0).then_some(pairs.to_le_bytes())
}

/// Returns the number that four hex digits are.
#[inline(always)]
pub(crate) const fn hex(digits: [u8; 4]) -> u16 {
    let word = u32::from_be_bytes(digits);
    // Letters, and they alone, have this bit.
    let nibbles = (word & 0x0f0f_0f0f) + 9 * (word >> 6 & 0x0101_0101);
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff;
    (bytes | bytes >> 8) as u16
}

/// Returns how many graphic ASCII characters other than `#` a text begins with.
#[inline(always)]
pub(crate) fn word(text: &[u8]) -> usize {
    if let Some(eight) = text.first_chunk() {
        let bytes = u64::from_le_bytes(*eight);
        // Of the bytes that end a word, the first has its highest bit: carries and borrows go to those behind it.
        let below = bytes.wrapping_sub(repeat(b'!')) & !bytes;
        let above = bytes.wrapping_add(repeat(0x7f - b'~')) | bytes;
        let hash = (bytes ^ repeat(b'#')).wrapping_sub(repeat(1));
        let hash = hash & !(bytes ^ repeat(b'#'));
        let others = (below | above | hash) & HIGH;
        if others != 0 {
            return others.trailing_zeros() as usize / 8;
        }
    }
    let others = |byte: &u8| !byte.is_ascii_graphic() || *byte == b'#';
    text.iter().position(others).unwrap_or(text.len())
}

/// Returns eight times the same byte.
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[cold]
fn one_by_one(text: &[u8]) -> (u64, usize) {
    let digits = text.iter().take_while(|b| b.is_ascii_digit());
    digits.fold((0_u64, 0), |(sum, len), digit| {
        let sum = sum.saturating_mul(10);
        (sum.saturating_add(u64::from(digit - b'0')), len + 1)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, any, prop_assert_eq, prop_oneof, proptest};

    use super::{hex, number, octet, one_by_one, pairs, word};

    proptest! {
        #[test]
        fn many_at_once_are_what_each_is(text in proptest::collection::vec(prop_oneof![8 => b'0'..=b'9', 1 => any::<u8>(), 1 => Just(b'.')], 4..24)) {
            prop_assert_eq!(number(&text), one_by_one(&text));
            let (found, len, fits) = octet(*text.first_chunk().unwrap(), b'.');
            let word = text.iter().take_while(|byte| byte.is_ascii_digit());
            let word = String::from_utf8(word.copied().collect()).unwrap();
            let wanted = word.parse::<u8>().ok().filter(|wanted| wanted.to_string() == word && text.get(word.len()) == Some(&b'.'));
            prop_assert_eq!(fits.then_some((found, len)), wanted.filter(|_| word.len() < 4).map(|wanted| (wanted, word.len())));
        }

        #[test]
        fn a_text_of_a_layout_has_its_numbers(hour in 0..100_u8, minute in 0..100_u8, at in 0..8_usize, byte in any::<u8>()) {
            let text = format!("{hour:02}:{minute:02}:07");
            let mut text: [u8; 8] = text.as_bytes().try_into().unwrap();
            let numbers = pairs(text, *b"00:00:00").map(|found| [found[0], found[3], found[6]]);
            prop_assert_eq!(numbers, Some([hour, minute, 7]));
            text[at] = byte;
            let fits = text.iter().zip(b"00:00:00").all(|(byte, wanted)| byte == wanted || *wanted == b'0' && byte.is_ascii_digit());
            prop_assert_eq!(pairs(text, *b"00:00:00").is_some(), fits);
        }

        #[test]
        fn a_word_ends_with_its_first_other_byte(text in proptest::collection::vec(prop_oneof![8 => b'!'..=b'~', 1 => any::<u8>(), 1 => Just(b'#')], 0..24)) {
            let len = text.iter().take_while(|byte| byte.is_ascii_graphic() && **byte != b'#').count();
            prop_assert_eq!(word(&text), len);
        }

        #[test]
        fn four_hex_digits_are_their_number(value in any::<u16>()) {
            prop_assert_eq!(hex(*format!("{value:04x}").as_bytes().first_chunk().unwrap()), value);
            prop_assert_eq!(hex(*format!("{value:04X}").as_bytes().first_chunk().unwrap()), value);
        }
    }

    #[test]
    fn numbers_of_any_length() {
        for (text, value, len) in [
            ("", 0, 0),
            ("x1234567", 0, 0),
            ("7 ......", 7, 1),
            ("65535 WINDOW", 65_535, 5),
            ("0000012 ", 12, 7),
            ("12345678 ", 12_345_678, 8),
            ("99999999999999999999999", u64::MAX, 23),
        ] {
            assert_eq!(number(text.as_bytes()), (value, len), "{text}");
        }
    }
}
