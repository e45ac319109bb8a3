//! Parsers of single fields of a line of the kernel's: their keys, numbers and addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use nom::bytes::complete::take_while;
use nom::combinator::map_opt;
use nom::sequence::preceded;
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

/// Parses `key` and a value up to the next space, and discards the value.
#[inline(always)]
pub(super) fn field<'t, const N: usize>(
    key: &'static [u8; N],
) -> impl Parser<&'t [u8], Output = &'t [u8], Error = ()> + Fn(&'t [u8]) -> Parsed<'t, &'t [u8]> {
    move |text: &'t [u8]| {
        let text = text.strip_prefix(key).ok_or(NO)?;
        let end = text.iter().position(|b| !b.is_ascii_graphic());
        let (value, rest) = text.split_at(end.unwrap_or(text.len()));
        Ok((rest, value))
    }
}

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

/// Parses `%pI4`, which prints numbers without padding.
#[inline]
pub(super) fn v4(text: &[u8]) -> Parsed<'_, Ipv4Addr> {
    let (text, a) = octet(text)?;
    let (text, b) = preceded(tag(b"."), octet).parse(text)?;
    let (text, c) = preceded(tag(b"."), octet).parse(text)?;
    let (text, d) = preceded(tag(b"."), octet).parse(text)?;
    Ok((text, Ipv4Addr::new(a, b, c, d)))
}

#[inline(always)]
pub(super) fn octet(text: &[u8]) -> Parsed<'_, u8> {
    let digit = |at: usize| {
        let digit = text.get(at).map(|b| b.wrapping_sub(b'0'));
        digit.filter(|digit| *digit < 10)
    };
    let first = digit(0).ok_or(NO)?;
    let Some(second) = digit(1) else {
        return Ok((&text[1..], first));
    };
    if first == 0 {
        return Err(NO);
    }
    let tens = first * 10 + second;
    let Some(third) = digit(2) else {
        return Ok((&text[2..], tens));
    };
    let octet = u16::from(tens) * 10 + u16::from(third);
    let octet = u8::try_from(octet).map_err(|_| NO)?;
    Ok((&text[3..], octet))
}

/// `%pI6`, eight groups of four digits.
pub(super) fn v6(text: &[u8]) -> Parsed<'_, Ipv6Addr> {
    /// Number of characters of an unabbreviated IPv6 address.
    const WHOLE: usize = 39;
    let Some((whole, rest)) = text.split_first_chunk::<WHOLE>() else {
        return other_v6(text);
    };
    let (mut bits, mut bad) = (0_u128, 0);
    for (at, byte) in whole.iter().enumerate() {
        if at % 5 == 4 {
            bad |= u8::from(*byte != b':') << 4;
        } else {
            let digit = NIBBLES[usize::from(*byte)];
            bad |= digit & 0xf0;
            bits = bits << 4 | u128::from(digit & 15);
        }
    }
    if bad != 0 || rest.first() != Some(&b' ') {
        return other_v6(text);
    }
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
