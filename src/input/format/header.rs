//! Parsers for the parts of text headers: numbers, clock times, months, and `host ident:`.

use std::borrow::Cow;

use super::months::month_of;
use super::record::Origin;
use crate::leading::{number, pairs};
use crate::time::{DAY, SECOND, Stamp, Time, day_of_civil};

/// First bytes of a number, or of an ISO 8601 date.
pub(super) const DIGITS: &[u8] = b"0123456789";
/// First bytes of a weekday's name.
pub(super) const WEEKDAYS: &[u8] = b"FMSTW";
/// The longest `host ident:` that is looked for, in bytes: a hostname has 64 at most, an identifier is short.
const MAX_SOURCE: usize = 200;
/// Upper bound on the bytes of a month's name.
const MAX_MONTH: usize = 32;

/// Parses a number of `least` to `most` digits.
#[inline]
pub(in crate::input) fn digits(text: &mut &[u8], least: usize, most: usize) -> Option<i64> {
    let (mut number, mut len) = (0, 0);
    while len < most
        && let Some(digit @ b'0'..=b'9') = text.get(len)
    {
        number = number * 10 + i64::from(digit - b'0');
        len += 1;
    }
    if len < least {
        return None;
    }
    *text = &text[len..];
    Some(number)
}

/// Parses a count at the start of `text` and removes it; `None` if it exceeds 32 bits.
pub(in crate::input) fn count(text: &mut &[u8]) -> Option<u32> {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text.split_at(len);
    let count = std::str::from_utf8(number).ok()?.parse().ok()?;
    *text = rest;
    Some(count)
}

/// Parses `literal`.
pub(in crate::input) fn literal(text: &mut &[u8], literal: &[u8]) -> Option<()> {
    *text = text.strip_prefix(literal)?;
    Some(())
}

/// Skips spaces.
pub(super) fn spaces(text: &mut &[u8]) {
    let len = text.iter().take_while(|b| **b == b' ').count();
    *text = &text[len..];
}

/// Parses a fraction of a second, `.123456` or `,123456`. Returns its microseconds; `None` where there is none.
pub(in crate::input) fn fraction(text: &mut &[u8]) -> Option<i64> {
    let [b'.' | b',', rest @ ..] = *text else {
        return None;
    };
    // As most forms have it.
    if let (micros, 6) = number(rest) {
        *text = &rest[6..];
        return Some(micros as i64);
    }
    let (mut micros, mut len) = (0, 0);
    while let Some(digit @ b'0'..=b'9') = rest.get(len) {
        if len < 6 {
            micros = micros * 10 + i64::from(digit - b'0');
        }
        len += 1;
    }
    if len == 0 {
        return None;
    }
    for _ in len..6 {
        micros *= 10;
    }
    *text = &rest[len..];
    Some(micros)
}

/// Returns the number of two digits.
#[inline]
fn pair(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Parses `10:00:01[.123456]`. Returns the microseconds since midnight, and whether there was a fraction.
#[inline]
pub(in crate::input) fn clock(text: &mut &[u8]) -> Option<(i64, bool)> {
    // As most forms have it.
    if let Some((whole, [b'.', rest @ ..])) = text.split_first_chunk()
        && let Some([hour, _, _, minute, _, _, second, _]) = pairs(*whole, *b"00:00:00")
        && let (micros, 6) = number(rest)
    {
        *text = &rest[6..];
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        return Some((seconds * SECOND + micros as i64, true));
    }
    let [h, hh, b':', m, mm, b':', s, ss, rest @ ..] = *text else {
        return None;
    };
    let (hour, minute, second) = (pair(*h, *hh)?, pair(*m, *mm)?, pair(*s, *ss)?);
    *text = rest;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let micros = fraction(text);
    let day_micros = ((hour * 60 + minute) * 60 + second) * SECOND + micros.unwrap_or(0);
    Some((day_micros, micros.is_some()))
}

/// Parses the abbreviated name of a month, in any known language.
pub(super) fn month(text: &mut &[u8]) -> Option<u8> {
    let end = memchr::memchr(b' ', &text[..text.len().min(MAX_MONTH)])?;
    let month = month_of(&text[..end])?;
    *text = &text[end..];
    Some(month)
}

/// Parses the `Apr22` of `dmesg -e`, which pads the day with a space.
pub(super) fn glued_month(text: &mut &[u8]) -> Option<u8> {
    let end = text
        .iter()
        .take(MAX_MONTH)
        .position(|b| *b == b' ' || b.is_ascii_digit())?;
    let month = month_of(&text[..end])?;
    *text = &text[end..];
    Some(month)
}

/// Parses a day of the month, padded with a zero or a space.
pub(super) fn day(text: &mut &[u8]) -> Option<u8> {
    spaces(text);
    let day = digits(text, 1, 2)?;
    (1..=31).contains(&day).then_some(day as u8)
}

/// Parses `2026-04-22`. Returns the days since 1970-01-01, which a day that no calendar has has none of.
pub(super) fn date(text: &mut &[u8]) -> Option<Option<i64>> {
    let (whole, [d, dd, rest @ ..]) = text.split_first_chunk()? else {
        return None;
    };
    let [century, _, year, _, _, month, ..] = pairs(*whole, *b"0000-00-")?;
    let day = pair(*d, *dd)?;
    *text = rest;
    let year = i32::from(century) * 100 + i32::from(year);
    Some(day_of_civil(year, month, day as u8))
}

/// Parses `Z`, `+0200`, `+02:00` or `-02`. Returns the offset from UTC in microseconds.
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

/// Parses a zone behind a space, ` +0200` or ` UTC`, if another word follows.
fn zone_apart(text: &mut &[u8]) -> Option<i64> {
    let mut rest = text.strip_prefix(b" ")?;
    let ahead = match literal(&mut rest, b"UTC").or_else(|| literal(&mut rest, b"GMT")) {
        Some(()) => 0,
        None => zone(&mut rest)?,
    };
    rest.starts_with(b" ").then(|| *text = rest)?;
    Some(ahead)
}

/// Returns the stamp of a day, as far as the calendar has it, and a time of day, of a clock that is `ahead` of UTC.
pub(super) const fn stamp_of(
    day: Option<i64>,
    day_micros: i64,
    ahead: Option<i64>,
    fine: bool,
) -> Stamp {
    match (day, ahead) {
        (None, _) => Stamp::NoSuchDay,
        (Some(days), Some(ahead)) => {
            let at = Time(days * DAY + day_micros - ahead);
            Stamp::Dated { at, fine }
        }
        (Some(days), None) => {
            let at = Time(days * DAY + day_micros);
            Stamp::Zoneless { at, fine }
        }
    }
}

/// Parses `2026-04-22T10:00:01.123456+00:00`; a space in place of the `T`, and a missing zone, are accepted.
#[inline]
pub(in crate::input) fn iso(text: &mut &[u8]) -> Option<Stamp> {
    let mut rest = *text;
    let days = date(&mut rest)?;
    let t = *rest.first()?;
    if t != b'T' && t != b' ' {
        return None;
    }
    rest = &rest[1..];
    let (day_micros, fine) = clock(&mut rest)?;
    let ahead = zone(&mut rest).or_else(|| zone_apart(&mut rest));
    let stamp = stamp_of(days, day_micros, ahead, fine);
    *text = rest;
    Some(stamp)
}

/// Parses `12345.677901`. Returns the microseconds.
pub(super) fn seconds(text: &mut &[u8]) -> Option<i64> {
    let mut rest = *text;
    let (whole, len) = number(rest);
    if !(1..=12).contains(&len) {
        return None;
    }
    rest = &rest[len..];
    let micros = fraction(&mut rest)?;
    *text = rest;
    Some(whole as i64 * SECOND + micros)
}

/// Parses the kernel's own `[12345.677901] `, with the caller of `CONFIG_PRINTK_CALLER` or the CPU of some vendors'
/// kernels (`@5`) in it or behind it. Returns the microseconds since boot.
pub(super) fn bracket(text: &mut &[u8]) -> Option<i64> {
    let mut rest = text.strip_prefix(b"[")?;
    spaces(&mut rest);
    let micros = seconds(&mut rest)?;
    if literal(&mut rest, b"@").is_some() {
        digits(&mut rest, 1, 4)?;
    }
    literal(&mut rest, b"]")?;
    let _ = caller(&mut rest);
    // An empty message ends with its bracket.
    if !rest.is_empty() {
        literal(&mut rest, b" ")?;
    }
    *text = rest;
    Some(micros)
}

/// Parses `[ T123]` or `[   C1]`, if present.
pub(super) fn caller(text: &mut &[u8]) -> Option<()> {
    let mut rest = text.strip_prefix(b"[")?;
    spaces(&mut rest);
    literal(&mut rest, b"T").or_else(|| literal(&mut rest, b"C"))?;
    digits(&mut rest, 1, 10)?;
    literal(&mut rest, b"]")?;
    *text = rest;
    Some(())
}

/// Parses the `<4>` of syslog: facility times eight, plus level.
pub(in crate::input) fn priority(text: &mut &[u8]) -> Option<i64> {
    let mut rest = text.strip_prefix(b"<")?;
    let priority = digits(&mut rest, 1, 3)?;
    literal(&mut rest, b">")?;
    *text = rest;
    Some(priority)
}

/// Parses the word before the next space, and consumes that space.
pub(super) fn word<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b' ', &text[..text.len().min(MAX_SOURCE)])?;
    let (word, rest) = text.split_at(end);
    *text = &rest[1..];
    (!word.is_empty()).then_some(word)
}

/// Sender of a message: host, origin, and the message.
pub(super) type Sent<'a> = (Option<Cow<'a, str>>, Origin, &'a [u8]);

/// Splits `[host ]ident[pid]: message`. Words that rsyslog's templates and others put around the host (a zone, a
/// severity, a facility) are skipped.
pub(super) fn source(text: &[u8]) -> Option<Sent<'_>> {
    if let Some((host, message)) = usual_source(text) {
        return Some((Some(String::from_utf8_lossy(host)), Origin::Kernel, message));
    }
    other_source(text)
}

/// Returns the host before a ` kernel: `, and the message, as far as one look shows that the word is a host: it has a
/// digit, and nothing besides that a word of a header has.
#[inline]
pub(in crate::input) fn usual_source(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let window = &text[..text.len().min(MAX_WORD)];
    let space = window.iter().position(|b| !IN_HOSTS[usize::from(*b)])?;
    let (host, rest) = text.split_at(space);
    let message = rest.strip_prefix(b" kernel: ")?;
    // From its end, where most hosts have their digits.
    if host.first() == Some(&b'-') || !host.iter().rev().any(u8::is_ascii_digit) {
        return None;
    }
    Some((host, message))
}

/// Whether a byte is one of a host's name without dots.
static IN_HOSTS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'-';
        byte += 1;
    }
    table
};

fn other_source(text: &[u8]) -> Option<Sent<'_>> {
    // An object, whose keys have a colon behind them, is no header.
    let colon = tag_end(text).filter(|_| text[0] != b'{')?;
    let before = &text[..colon];
    let message = text.get(colon + 1..).unwrap_or_default();
    let message = message.strip_prefix(b" ").unwrap_or(message);
    let mut is_foreign = false;
    let mut rest = before;
    let mut host = None;
    while let Some(space) = memchr::memchr(b' ', rest) {
        let word = &rest[..space];
        match header_word(word) {
            Some(foreign) => is_foreign |= foreign,
            None if host.is_none() => host = Some(word),
            // An identifier may have spaces in it; the kernel's has none.
            None => break,
        }
        rest = &rest[space + 1..];
    }
    if rest.is_empty() || host.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    let origin = match origin(rest) {
        Origin::Kernel if is_foreign => Origin::Forged,
        // Another header stands before the kernel's tag, or a tag that holds these words.
        Origin::Other if rest.ends_with(b" kernel") && !is_foreign => Origin::Unclear,
        origin => origin,
    };
    let host = host.map(|host| String::from_utf8_lossy(host_name(host)));
    Some((host, origin, message))
}

/// Returns the name of a host as senders and relays decorate it: `[host]`, `host:514`, and `source@host/relay`, as syslog-ng
/// chains names.
pub(super) fn host_name(host: &[u8]) -> &[u8] {
    let inner = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    let mut name = inner.unwrap_or(host);
    if let Some(end) = memchr::memchr(b'/', name) {
        name = &name[..end];
    }
    if let Some(at) = memchr::memchr(b'@', name) {
        name = &name[at + 1..];
    }
    // An address of IPv6 has further colons.
    if let Some(colon) = memchr::memchr(b':', name)
        && name[colon + 1..].iter().all(u8::is_ascii_digit)
    {
        name = &name[..colon];
    }
    if name.is_empty() { host } else { name }
}

/// Finds the colon behind the tag: before a space, or behind the kernel's own name, to which some templates glue the
/// message.
fn tag_end(text: &[u8]) -> Option<usize> {
    let window = &text[..text.len().min(MAX_SOURCE)];
    // A `memmem` search for `: ` would have to be prepared for each line.
    let mut colons = memchr::memchr_iter(b':', window);
    colons.find(|&at| match text.get(at + 1) {
        Some(b' ') | None => true,
        Some(_) => {
            let tag = memchr::memrchr(b' ', &text[..at]).map_or(0, |space| space + 1);
            matches!(origin(&text[tag..at]), Origin::Kernel | Origin::Forged)
        }
    })
}

/// Upper bound on the length of a header word that is not a host.
const MAX_WORD: usize = 24;

/// Abbreviations of the tz database, except those that are also words: first of all those that are UTC.
pub(super) const ZONES: [&[u8]; 34] = [
    b"UTC", b"GMT", b"CET", b"CEST", b"WET", b"WEST", b"EET", b"EEST", b"MSK", b"BST", b"IST",
    b"EST", b"EDT", b"CST", b"CDT", b"MST", b"MDT", b"PST", b"PDT", b"AKST", b"AKDT", b"HST",
    b"JST", b"KST", b"HKT", b"SGT", b"PKT", b"SAST", b"EAT", b"WIB", b"AEST", b"AEDT", b"NZST",
    b"NZDT",
];

/// Whether the name of a zone that is not UTC begins the text behind a stamp.
pub(super) fn has_zone_name(text: &[u8]) -> bool {
    // Fast path: most hosts are in lower case.
    if !text.first().is_some_and(u8::is_ascii_uppercase) {
        return false;
    }
    let word = text.split(|b| *b == b' ').next().unwrap_or_default();
    ZONES[2..].contains(&word)
}

/// Whether a word of a header is a zone, a severity or a facility; and if so, whether a facility other than the
/// kernel's.
pub(super) fn header_word(word: &[u8]) -> Option<bool> {
    /// Levels of syslog.conf(5), and as Python's and ChromeOS' loggers write them.
    const SEVERITIES: [&[u8]; 14] = [
        b"emerg",
        b"emergency",
        b"panic",
        b"alert",
        b"crit",
        b"critical",
        b"err",
        b"error",
        b"warn",
        b"warning",
        b"notice",
        b"info",
        b"informational",
        b"debug",
    ];
    const FACILITIES: [&[u8]; 26] = [
        b"kern",
        b"user",
        b"mail",
        b"daemon",
        b"auth",
        b"syslog",
        b"lpr",
        b"news",
        b"uucp",
        b"cron",
        b"authpriv",
        b"security",
        b"ftp",
        b"ntp",
        b"audit",
        b"alert",
        b"clock",
        b"console",
        b"local0",
        b"local1",
        b"local2",
        b"local3",
        b"local4",
        b"local5",
        b"local6",
        b"local7",
    ];
    // Fast path: most words are hosts with a digit, and only an offset or a selector has one as well.
    let is_host = || word.iter().any(u8::is_ascii_digit) && !word.iter().any(|b| b"+.".contains(b));
    if word.is_empty() || word.len() > MAX_WORD || word[0] != b'-' && is_host() {
        return None;
    }
    let bare = (word
        .strip_prefix(b"[")
        .and_then(|word| word.strip_suffix(b"]")))
    .unwrap_or(word);
    let is_one_of = |names: &[&[u8]], word: &[u8]| {
        (names.iter()).any(|name| name.len() == word.len() && name.eq_ignore_ascii_case(word))
    };
    if let Some(dot) = memchr::memchr(b'.', bare) {
        let (facility, severity) = (&bare[..dot], &bare[dot + 1..]);
        // rsyslog's %pri-text% has the number behind it: `user.notice<13>`.
        let end = memchr::memchr(b'<', severity).unwrap_or(severity.len());
        let is_selector =
            is_one_of(&FACILITIES, facility) && is_one_of(&SEVERITIES, &severity[..end]);
        // BusyBox' klogd writes `user` for the kernel, and so may any program with the tag `kernel`.
        return is_selector.then(|| !is_one_of(&[b"kern"], facility));
    }
    let is_offset = matches!(bare, [b'+' | b'-', rest @ ..] if rest.len() > 1 && rest.iter().all(|b| b.is_ascii_digit() || *b == b':'));
    if is_one_of(&SEVERITIES, bare) || ZONES.contains(&bare) || is_offset {
        return Some(false);
    }
    // A host may well be called `mail` or `news`.
    (bare == b"kern").then_some(false)
}

/// Returns the origin of a message by `ident`, the tag of a text log.
pub(super) fn origin(ident: &[u8]) -> Origin {
    match ident {
        b"kernel" | b"vmunix" => Origin::Kernel,
        _ if ident.starts_with(b"kernel[") || ident.starts_with(b"vmunix[") => Origin::Forged,
        b"systemd-journald" => Origin::Journald,
        _ if ident.starts_with(b"systemd-journald[") => Origin::Journald,
        _ => Origin::Other,
    }
}
