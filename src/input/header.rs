//! The parts that the headers of text logs are made of: numbers, clock times, months, and `host ident:`.

use std::borrow::Cow;

use super::Origin;
use crate::time::{DAY, SECOND, Time, days_of_civil};

/// The longest `host ident:` that is looked for, in bytes: a hostname has 64 at most, an identifier is short.
const LONGEST_SOURCE: usize = 200;

/// Takes a number of `least` to `most` digits off the front.
pub(super) fn digits(text: &mut &[u8], least: usize, most: usize) -> Option<i64> {
    let len = text
        .iter()
        .take(most)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if len < least {
        return None;
    }
    let (number, rest) = text.split_at(len);
    *text = rest;
    Some(number.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}

/// Takes `literal` off the front.
pub(super) fn literal(text: &mut &[u8], literal: &[u8]) -> Option<()> {
    *text = text.strip_prefix(literal)?;
    Some(())
}

/// Takes any number of spaces off the front.
pub(super) fn spaces(text: &mut &[u8]) {
    *text = text.trim_ascii_start();
}

/// Takes a fraction of a second, `.123456` or `,123456`: its microseconds, or `None` where there is none.
pub(super) fn fraction(text: &mut &[u8]) -> Option<i64> {
    let mut rest = text
        .strip_prefix(b".")
        .or_else(|| text.strip_prefix(b","))?;
    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let micros = rest[..len]
        .iter()
        .chain(std::iter::repeat(&b'0'))
        .take(6)
        .fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    rest = &rest[len..];
    *text = rest;
    Some(micros)
}

/// Takes `10:00:01[.123456]`: microseconds since midnight, and whether a fraction stood there.
pub(super) fn clock(text: &mut &[u8]) -> Option<(i64, bool)> {
    let hour = digits(text, 2, 2)?;
    literal(text, b":")?;
    let minute = digits(text, 2, 2)?;
    literal(text, b":")?;
    let second = digits(text, 2, 2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let micros = fraction(text);
    let day_micros = ((hour * 60 + minute) * 60 + second) * SECOND + micros.unwrap_or(0);
    Some((day_micros, micros.is_some()))
}

/// Takes an English month of three letters.
pub(super) fn month(text: &mut &[u8]) -> Option<u8> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let name = text.first_chunk::<3>()?;
    let at = MONTHS.iter().position(|m| *m == name)?;
    *text = &text[3..];
    Some(at as u8 + 1)
}

/// Takes a day of the month, padded with a zero or a space.
pub(super) fn day(text: &mut &[u8]) -> Option<u8> {
    spaces(text);
    let day = digits(text, 1, 2)?;
    (1..=31).contains(&day).then_some(day as u8)
}

/// Takes `2026-04-22`: days since 1970-01-01.
pub(super) fn date(text: &mut &[u8]) -> Option<i64> {
    let year = digits(text, 4, 4)?;
    literal(text, b"-")?;
    let month = digits(text, 2, 2)?;
    literal(text, b"-")?;
    let day = digits(text, 2, 2)?;
    ((1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| days_of_civil(year as i32, month as u8, day as u8))
}

/// Takes `Z`, `+0200`, `+02:00` or `-02`: microseconds ahead of UTC.
pub(super) fn zone(text: &mut &[u8]) -> Option<i64> {
    if let Some(rest) = text.strip_prefix(b"Z") {
        *text = rest;
        return Some(0);
    }
    let sign = match text.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut rest = &text[1..];
    let hours = digits(&mut rest, 2, 2)?;
    let _ = literal(&mut rest, b":");
    let minutes = digits(&mut rest, 2, 2).unwrap_or(0);
    *text = rest;
    Some(sign * (hours * 60 + minutes) * 60 * SECOND)
}

/// The point in time `day_micros` after the begin of the day `days`.
pub(super) const fn at(days: i64, day_micros: i64) -> Time {
    Time(days * DAY + day_micros)
}

/// Who sent a message: host, origin, and the message.
pub(super) type Sent<'a> = (Option<Cow<'a, str>>, Origin, &'a [u8]);

/// Splits `[host ]ident[pid]: message`.
pub(super) fn source(text: &[u8]) -> Option<Sent<'_>> {
    let window = &text[..text.len().min(LONGEST_SOURCE)];
    let colon = memchr::memmem::find(window, b": ").or_else(|| {
        // An empty message: the line ends with its colon.
        (text.len() <= LONGEST_SOURCE && text.ends_with(b":")).then(|| text.len() - 1)
    })?;
    let before = &text[..colon];
    let message = text.get(colon + 2..).unwrap_or_default();
    let (host, ident) = match memchr::memchr(b' ', before) {
        Some(space) => (Some(&before[..space]), &before[space + 1..]),
        None => (None, before),
    };
    if ident.is_empty() || host.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    let origin = match ident {
        b"kernel" => Origin::Kernel,
        _ if ident.starts_with(b"kernel[") => Origin::Forged,
        _ => Origin::Other,
    };
    Some((host.map(String::from_utf8_lossy), origin, message))
}
