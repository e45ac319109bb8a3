//! Parsers of single fields of a line of the kernel's: their keys, numbers and addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use nom::bytes::complete::take_while;
use nom::combinator::map_opt;
use nom::{IResult, Parser};

/// Parser result without an error value, which is never used.
pub(super) type Parsed<'t, T> = IResult<&'t [u8], T, ()>;

pub(super) const NO: nom::Err<()> = nom::Err::Error(());

/// `key` as it stands. nom's own compares byte by byte, and a line has some twenty.
#[inline(always)]
pub(super) fn tag<'t, const N: usize>(
    key: &'static [u8; N],
) -> impl Parser<&'t [u8], Output = (), Error = ()> + Fn(&'t [u8]) -> Parsed<'t, ()> {
    move |text: &'t [u8]| match text.strip_prefix(key) {
        Some(rest) => Ok((rest, ())),
        None => Err(NO),
    }
}

/// Parses text of a fixed length, in which each `#` of `layout` stands for a hex digit. Returns it.
#[inline(always)]
pub(super) fn fixed<'t, const N: usize>(
    layout: &'static [u8; N],
) -> impl Parser<&'t [u8], Output = &'t [u8; N], Error = ()> + Fn(&'t [u8]) -> Parsed<'t, &'t [u8; N]>
{
    move |text: &'t [u8]| {
        let (whole, rest) = text.split_first_chunk::<N>().ok_or(NO)?;
        // Without a branch for each byte, so that the compiler compares many at once: a MAC took a third of a line's time.
        let mut fits = true;
        for (byte, wanted) in whole.iter().zip(layout) {
            let is_digit = *wanted == b'#';
            fits &= (!is_digit & (byte == wanted)) | (is_digit & is_hex(*byte));
        }
        if fits { Ok((rest, whole)) } else { Err(NO) }
    }
}

/// Whether a byte is a hex digit, without a branch.
#[inline(always)]
const fn is_hex(byte: u8) -> bool {
    (byte.wrapping_sub(b'0') < 10) | ((byte | 0x20).wrapping_sub(b'a') < 6)
}

/// Parses `key` and a value up to the next space, and discards the value.
#[inline(always)]
pub(super) fn field<'t, const N: usize>(
    key: &'static [u8; N],
) -> impl Parser<&'t [u8], Output = &'t [u8], Error = ()> + Fn(&'t [u8]) -> Parsed<'t, &'t [u8]> {
    move |text: &'t [u8]| {
        let text = text.strip_prefix(key).ok_or(NO)?;
        let end = text.iter().position(|b| !IN_VALUES[usize::from(*b)]);
        let (value, rest) = text.split_at(end.unwrap_or(text.len()));
        Ok((rest, value))
    }
}

/// The bytes of a value: graphic ASCII characters without `#`, with which rsyslog begins its escapes.
static IN_VALUES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = byte != b'#';
        byte += 1;
    }
    table
};

/// Returns a decimal number up to `most`.
#[inline(always)]
pub(super) fn number<'t>(
    most: u64,
) -> impl Parser<&'t [u8], Output = u64, Error = ()> + Fn(&'t [u8]) -> Parsed<'t, u64> {
    move |text: &'t [u8]| {
        let (mut sum, mut at) = (0_u64, 0);
        while let Some(digit @ b'0'..=b'9') = text.get(at) {
            sum = sum * 10 + u64::from(digit - b'0');
            at += 1;
            if sum > most {
                return Err(NO);
            }
        }
        if at == 0 {
            Err(NO)
        } else {
            Ok((&text[at..], sum))
        }
    }
}

/// `key` and a number of 16 bits.
#[inline(always)]
pub(super) fn short<'t, const N: usize>(
    key: &'static [u8; N],
) -> impl Parser<&'t [u8], Output = u16, Error = ()> + Fn(&'t [u8]) -> Parsed<'t, u16> {
    move |text: &'t [u8]| {
        let (text, ()) = tag(key)(text)?;
        let (text, number) = number(u16::MAX.into())(text)?;
        Ok((text, number as u16))
    }
}

/// Parses `%pI4`, which prints numbers without padding, and the space behind it.
#[inline(always)]
pub(super) fn v4(text: &[u8]) -> Parsed<'_, Ipv4Addr> {
    let (text, a) = octet(text, b'.')?;
    let (text, b) = octet(text, b'.')?;
    let (text, c) = octet(text, b'.')?;
    let (text, d) = octet(text, b' ')?;
    Ok((text, Ipv4Addr::new(a, b, c, d)))
}

/// Parses an octet, and the byte `end` behind it.
#[inline(always)]
fn octet(text: &[u8], end: u8) -> Parsed<'_, u8> {
    let [a, b, c, d, ..] = *text else {
        return Err(NO);
    };
    let [x, y, z] = [a, b, c].map(|b| b.wrapping_sub(b'0'));
    let (len, octet) = if b == end {
        (2, Some(x).filter(|x| *x < 10))
    } else if c == end && x > 0 && x < 10 && y < 10 {
        (3, Some(x * 10 + y))
    } else if d == end && x > 0 && x < 3 && y < 10 && z < 10 {
        (4, (x * 100).checked_add(y * 10 + z))
    } else {
        return Err(NO);
    };
    Ok((&text[len..], octet.ok_or(NO)?))
}

/// `%pI6`, eight groups of four digits.
pub(super) fn v6(text: &[u8]) -> Parsed<'_, Ipv6Addr> {
    let Ok((rest, whole)) = fixed(b"####:####:####:####:####:####:####:####")(text) else {
        return other_v6(text);
    };
    if rest.first() != Some(&b' ') {
        return other_v6(text);
    }
    let digits = whole.iter().filter(|byte| **byte != b':');
    let bits = digits.fold(0, |bits, digit| {
        bits << 4 | u128::from(NIBBLES[usize::from(*digit)])
    });
    Ok((rest, Ipv6Addr::from_bits(bits)))
}

/// The hex digit that a byte is, 255 for others.
pub(super) static NIBBLES: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// Parses an abbreviated IPv6 address.
#[inline(never)]
pub(super) fn other_v6(text: &[u8]) -> Parsed<'_, Ipv6Addr> {
    let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':';
    let parse = |text| std::str::from_utf8(text).ok()?.parse().ok();
    map_opt(take_while(is_part), parse).parse(text)
}
