//! The parts that the headers of text logs are made of: numbers, clock times, months, and `host ident:`.

use std::borrow::Cow;

use super::months::month_of;
use super::record::Origin;
use crate::time::{DAY, SECOND, Stamp, Time, days_of_civil};

/// What a number, or a date of ISO 8601, begins with.
pub(super) const DIGITS: &[u8] = b"0123456789";
/// What the name of a weekday begins with.
pub(super) const WEEKDAYS: &[u8] = b"FMSTW";
/// The longest `host ident:` that is looked for, in bytes: a hostname has 64 at most, an identifier is short.
const MAX_SOURCE: usize = 200;
/// No month's name is longer, in bytes.
const MAX_MONTH: usize = 32;

/// Takes a number of `least` to `most` digits off the front.
pub(in crate::input) fn digits(text: &mut &[u8], least: usize, most: usize) -> Option<i64> {
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
pub(in crate::input) fn literal(text: &mut &[u8], literal: &[u8]) -> Option<()> {
    *text = text.strip_prefix(literal)?;
    Some(())
}

/// Takes any number of spaces off the front.
pub(super) fn spaces(text: &mut &[u8]) {
    let len = text.iter().take_while(|b| **b == b' ').count();
    *text = &text[len..];
}

/// Takes a fraction of a second, `.123456` or `,123456`: its microseconds, or `None` where there is none.
pub(in crate::input) fn fraction(text: &mut &[u8]) -> Option<i64> {
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

/// Takes the abbreviated name of a month, in whatever language.
pub(super) fn month(text: &mut &[u8]) -> Option<u8> {
    let end = memchr::memchr(b' ', &text[..text.len().min(MAX_MONTH)])?;
    let month = month_of(&text[..end])?;
    *text = &text[end..];
    Some(month)
}

/// Takes the `Apr22` of `dmesg -e`, which pads the day with a space.
pub(super) fn glued_month(text: &mut &[u8]) -> Option<u8> {
    let end = text
        .iter()
        .take(MAX_MONTH)
        .position(|b| *b == b' ' || b.is_ascii_digit())?;
    let month = month_of(&text[..end])?;
    *text = &text[end..];
    Some(month)
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

/// Takes `2026-04-22T10:00:01.123456+00:00`; a space for the `T` and no zone are read too.
pub(in crate::input) fn iso(text: &mut &[u8]) -> Option<Stamp> {
    let mut rest = *text;
    let days = date(&mut rest)?;
    let t = *rest.first()?;
    if t != b'T' && t != b' ' {
        return None;
    }
    rest = &rest[1..];
    let (day_micros, fine) = clock(&mut rest)?;
    let local = at(days, day_micros);
    let stamp = match zone(&mut rest) {
        Some(ahead) => Stamp::Dated {
            at: Time(local.0 - ahead),
            fine,
        },
        None => Stamp::Zoneless { at: local, fine },
    };
    *text = rest;
    Some(stamp)
}

/// Takes `12345.677901`: its microseconds.
pub(super) fn seconds(text: &mut &[u8]) -> Option<i64> {
    let mut rest = *text;
    let whole = digits(&mut rest, 1, 12)?;
    let micros = fraction(&mut rest)?;
    *text = rest;
    Some(whole * SECOND + micros)
}

/// Takes the kernel's own `[12345.677901] `, with the caller of `CONFIG_PRINTK_CALLER` or the CPU of some vendors'
/// kernels (`@5`) in it or behind it: microseconds since boot.
pub(super) fn bracket(text: &mut &[u8]) -> Option<i64> {
    let mut rest = text.strip_prefix(b"[")?;
    spaces(&mut rest);
    let micros = seconds(&mut rest)?;
    if literal(&mut rest, b"@").is_some() {
        digits(&mut rest, 1, 4)?;
    }
    literal(&mut rest, b"]")?;
    caller(&mut rest);
    // A message that is empty ends with its bracket.
    if !rest.is_empty() {
        literal(&mut rest, b" ")?;
    }
    *text = rest;
    Some(micros)
}

/// Takes `[ T123]` or `[   C1]`, where it stands.
fn caller(text: &mut &[u8]) {
    let Some(mut rest) = text.strip_prefix(b"[") else {
        return;
    };
    spaces(&mut rest);
    if (literal(&mut rest, b"T").is_some() || literal(&mut rest, b"C").is_some())
        && digits(&mut rest, 1, 10).is_some()
        && literal(&mut rest, b"]").is_some()
    {
        *text = rest;
    }
}

/// Takes the `<4>` of syslog: facility times eight, plus level.
pub(in crate::input) fn priority(text: &mut &[u8]) -> Option<i64> {
    let mut rest = text.strip_prefix(b"<")?;
    let priority = digits(&mut rest, 1, 3)?;
    literal(&mut rest, b">")?;
    *text = rest;
    Some(priority)
}

/// Takes what stands before the next space, and that space.
pub(super) fn word<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b' ', &text[..text.len().min(MAX_SOURCE)])?;
    let (word, rest) = text.split_at(end);
    *text = &rest[1..];
    (!word.is_empty()).then_some(word)
}

/// Who sent a message: host, origin, and the message.
pub(super) type Sent<'a> = (Option<Cow<'a, str>>, Origin, &'a [u8]);

/// Splits `[host ][facility.level ]ident[pid]: message`.
pub(super) fn source(text: &[u8]) -> Option<Sent<'_>> {
    let window = &text[..text.len().min(MAX_SOURCE)];
    // A search for `: ` by `memmem` would have to be prepared for each line.
    let colon = memchr::memchr_iter(b':', window)
        .find(|at| window.get(at + 1) == Some(&b' '))
        .or_else(|| {
            // An empty message: the line ends with its colon.
            (text.len() <= MAX_SOURCE && text.ends_with(b":")).then(|| text.len() - 1)
        })?;
    let before = &text[..colon];
    let message = text.get(colon + 2..).unwrap_or_default();
    let (mut host, mut ident) = match memchr::memchr(b' ', before) {
        Some(space) => (Some(&before[..space]), &before[space + 1..]),
        None => (None, before),
    };
    if ident.is_empty() || host.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    // BusyBox writes `kern.warn kernel:`, with a host before it or not.
    if host.is_some_and(is_selector) {
        host = None;
    } else if let Some(space) = memchr::memchr(b' ', ident)
        && is_selector(&ident[..space])
    {
        ident = &ident[space + 1..];
    }
    Some((host.map(String::from_utf8_lossy), origin(ident), message))
}

/// What `ident`, the tag of a text log, says of who wrote the message.
pub(super) fn origin(ident: &[u8]) -> Origin {
    match ident {
        b"kernel" | b"vmunix" => Origin::Kernel,
        _ if ident.starts_with(b"kernel[") || ident.starts_with(b"vmunix[") => Origin::Forged,
        b"systemd-journald" => Origin::Journald,
        _ if ident.starts_with(b"systemd-journald[") => Origin::Journald,
        _ => Origin::Other,
    }
}

/// Whether `word` is a `facility.level` of syslog.conf(5), of which the kernel's messages have these.
fn is_selector(word: &[u8]) -> bool {
    const LEVELS: [&[u8]; 8] = [
        b"emerg", b"alert", b"crit", b"err", b"warn", b"notice", b"info", b"debug",
    ];
    word.strip_prefix(b"kern.")
        .or_else(|| word.strip_prefix(b"user."))
        .is_some_and(|level| LEVELS.contains(&level))
}
