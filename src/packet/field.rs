//! Parsers of single fields of a line of the kernel's: their keys, numbers and addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use nom::bytes::complete::take_while;
use nom::combinator::map_opt;
use nom::{IResult, Parser};

use crate::leading;

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

/// Parses `key` and a value, graphic ASCII characters without `#`, with which rsyslog begins its escapes.
#[inline(always)]
pub(super) fn field<'t, const N: usize>(
    key: &'static [u8; N],
) -> impl Parser<&'t [u8], Output = &'t [u8], Error = ()> + Fn(&'t [u8]) -> Parsed<'t, &'t [u8]> {
    move |text: &'t [u8]| {
        let text = text.strip_prefix(key).ok_or(NO)?;
        let (value, rest) = text.split_at(leading::word(text));
        Ok((rest, value))
    }
}

/// Returns a decimal number up to `most`.
#[inline(always)]
pub(super) fn number<'t>(
    most: u64,
) -> impl Parser<&'t [u8], Output = u64, Error = ()> + Fn(&'t [u8]) -> Parsed<'t, u64> {
    move |text: &'t [u8]| {
        let (number, len) = leading::number(text);
        if len == 0 || number > most {
            return Err(NO);
        }
        Ok((&text[len..], number))
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
    let (mut rest, mut fits) = (text, true);
    let mut octets = [0; 4];
    for (octet, end) in octets.iter_mut().zip(*b"... ") {
        let four = rest.first_chunk().ok_or(NO)?;
        let (number, len, is_one) = leading::octet(*four, end);
        fits &= is_one;
        *octet = number;
        rest = rest.get(len + 1..).ok_or(NO)?;
    }
    if !fits {
        return Err(NO);
    }
    Ok((rest, octets.into()))
}

/// `%pI6`, eight groups of four digits.
pub(super) fn v6(text: &[u8]) -> Parsed<'_, Ipv6Addr> {
    let Ok((rest, whole)) = fixed(b"####:####:####:####:####:####:####:####")(text) else {
        return other_v6(text);
    };
    if rest.first() != Some(&b' ') {
        return other_v6(text);
    }
    let groups =
        std::array::from_fn(|at| leading::hex(std::array::from_fn(|digit| whole[at * 5 + digit])));
    let [a, b, c, d, e, f, g, h] = groups;
    Ok((rest, Ipv6Addr::new(a, b, c, d, e, f, g, h)))
}

/// Parses an abbreviated IPv6 address.
#[inline(never)]
pub(super) fn other_v6(text: &[u8]) -> Parsed<'_, Ipv6Addr> {
    let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':';
    let parse = |text| std::str::from_utf8(text).ok()?.parse().ok();
    map_opt(take_while(is_part), parse).parse(text)
}
