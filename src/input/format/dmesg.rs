//! `dmesg` of util-linux in each of its time formats: the kernel's own log, without a host.

use super::header::{
    bracket, caller, clock, day, digits, glued_month, iso, literal, month, priority, seconds,
    source, spaces, stamp_of,
};
use super::journal_fields::of_priority;
use super::record::{Format, Origin, Read, Record};
use crate::time::{SECOND, Stamp, day_of_civil};

/// First bytes of a line: its bracket, or a level before it.
const LEVELS: &[u8] = b"[<kumdaslncf";

pub(super) static DMESG: Format = Format {
    code: "dmesg",
    title: "dmesg: seconds since boot, the level of -r or -x before it or not",
    sample: "[12345.677901] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: LEVELS,
    read: Read::Text(|record, _| headed(record, uptime)),
};

pub(super) static DMESG_SHOW_DELTA: Format = Format {
    code: "dmesg-show-delta",
    title: "dmesg -d: seconds since boot and since the message before",
    sample: "[12345.927901 <    0.250000>] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: LEVELS,
    read: Read::Text(|record, _| headed(record, uptime_and_delta)),
};

pub(super) static DMESG_CTIME: Format = Format {
    code: "dmesg-ctime",
    title: "dmesg -T: the date that this machine computed from its boot",
    sample: "[Wed Apr 22 10:00:01 2026] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: LEVELS,
    read: Read::Text(|record, _| headed(record, ctime)),
};

pub(super) static DMESG_RELTIME: Format = Format {
    code: "dmesg-reltime",
    title: "dmesg -e and -H: a date to the minute, then seconds since the message before",
    sample: "[Apr22 10:00] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: LEVELS,
    read: Read::Text(|record, _| headed(record, reltime)),
};

pub(super) static DMESG_DELTA: Format = Format {
    code: "dmesg-delta",
    title: "dmesg --time-format delta: seconds since the message before",
    sample: "[<    0.250000>] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: LEVELS,
    read: Read::Text(|record, _| headed(record, delta)),
};

pub(super) static DMESG_ISO: Format = Format {
    code: "dmesg-iso",
    title: "dmesg --time-format iso: date, time and zone, with a comma",
    sample: "2026-04-22T10:00:01,123456+00:00 HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"<0123456789kumdaslncf",
    read: Read::Text(|record, _| headed(record, iso_with_comma)),
};

/// A record with its times and without its message.
type Header<'a> = Option<Record<'a>>;

type Parse = for<'a> fn(&mut &'a [u8]) -> Header<'a>;

/// The times that may stand behind another: dmesg prints one for each `--time-format` (util-linux 2.41).
const FURTHER: [Parse; 6] = [
    uptime,
    uptime_and_delta,
    ctime,
    reltime,
    delta,
    iso_with_comma,
];

/// Splits a line into its level, its time, parsed by `header`, further times, the caller, and the message.
fn headed<'a>(
    record: &'a [u8],
    header: impl Fn(&mut &'a [u8]) -> Header<'a>,
) -> Option<Record<'a>> {
    let mut rest = record;
    let origin = level(&mut rest);
    let mut split = header(&mut rest)?;
    // Fast path: no drop line begins as a time does.
    while matches!(rest.first(), Some(b'[' | b'0'..=b'9'))
        && let Some(more) = further(&mut rest)
    {
        split = both(split, more);
    }
    if caller(&mut rest).is_some() {
        literal(&mut rest, b" ")?;
    }
    split.origin = origin;
    split.message = rest.into();
    Some(split)
}

fn further<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    FURTHER.iter().find_map(|header| {
        let mut behind = *rest;
        let found = header(&mut behind)?;
        *rest = behind;
        Some(found)
    })
}

/// Returns a header with the times of both, of which the stamp is the one that says more.
fn both<'a>(one: Record<'a>, other: Record<'a>) -> Record<'a> {
    let rank = |record: &Record<'_>| match record.stamp {
        Stamp::None | Stamp::NoSuchDay | Stamp::Unread => 0,
        Stamp::Uptime { .. } => 1,
        Stamp::Yearless { .. } => 2,
        Stamp::Zoneless { .. } => 3,
        Stamp::Dated { .. } => 4,
    };
    let (more, less) = if rank(&other) > rank(&one) {
        (other, one)
    } else {
        (one, other)
    };
    let uptime = match less.stamp {
        Stamp::Uptime { micros } => Some(micros),
        _ => less.uptime,
    };
    Record {
        uptime: more.uptime.or(uptime),
        ..more
    }
}

/// Creates a record of the kernel's ring buffer.
fn kernel<'a>(stamp: Stamp) -> Record<'a> {
    Record::new(stamp, None, Origin::Kernel, (&[][..]).into())
}

fn uptime<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    let micros = bracket(rest)?;
    Some(kernel(Stamp::Uptime { micros }))
}

fn uptime_and_delta<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    literal(rest, b"[")?;
    spaces(rest);
    let micros = seconds(rest)?;
    literal(rest, b" <")?;
    spaces(rest);
    seconds(rest)?;
    literal(rest, b">] ")?;
    Some(kernel(Stamp::Uptime { micros }))
}

fn ctime<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    literal(rest, b"[")?;
    // The weekday is redundant with the date, and localised.
    let space = rest.iter().take(24).position(|&b| b == b' ')?;
    *rest = &rest[space..];
    spaces(rest);
    let month = month(rest)?;
    spaces(rest);
    let day = day(rest)?;
    literal(rest, b" ")?;
    let (day_micros, fine) = clock(rest)?;
    literal(rest, b" ")?;
    let year = digits(rest, 4, 4)?;
    // With `-d`.
    if literal(rest, b" <").is_some() {
        spaces(rest);
        seconds(rest)?;
        literal(rest, b">")?;
    }
    literal(rest, b"] ")?;
    let day = day_of_civil(year as i32, month, day);
    Some(kernel(stamp_of(day, day_micros, None, fine)))
}

/// `[Apr22 10:00] `, or `[  +0.250000] ` for a message of the same minute.
fn reltime<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    literal(rest, b"[")?;
    spaces(rest);
    if literal(rest, b"+").is_some() {
        let after = seconds(rest)?;
        literal(rest, b"] ")?;
        return Some(Record {
            after: Some(after),
            ..kernel(Stamp::None)
        });
    }
    let month = glued_month(rest)?;
    let day = day(rest)?;
    literal(rest, b" ")?;
    let hour = digits(rest, 2, 2)?;
    literal(rest, b":")?;
    let minute = digits(rest, 2, 2)?;
    literal(rest, b"] ")?;
    (hour < 24 && minute < 60).then(|| {
        kernel(Stamp::Yearless {
            month,
            day,
            day_micros: (hour * 60 + minute) * 60 * SECOND,
            fine: false,
        })
    })
}

fn delta<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    literal(rest, b"[<")?;
    spaces(rest);
    let after = seconds(rest)?;
    literal(rest, b">] ")?;
    Some(Record {
        after: Some(after),
        ..kernel(Stamp::None)
    })
}

fn iso_with_comma<'a>(rest: &mut &'a [u8]) -> Header<'a> {
    // The comma distinguishes it from journalctl's form, which has a host, and the `T` from Python's loggers.
    if rest.get(10) != Some(&b'T') || rest.get(19) != Some(&b',') {
        return None;
    }
    let stamp = iso(rest)?;
    literal(rest, b" ")?;
    // Other programs write a comma too, and then a host and the tag `kernel:`.
    let is_tagged = source(rest).is_some_and(|(host, origin, _)| {
        host.is_some() && !matches!(origin, Origin::Other | Origin::Unclear)
    });
    (!is_tagged).then(|| kernel(stamp))
}

/// Parses the `<4>` of `dmesg -r` or the `kern  :warn  : ` of `dmesg -x`, if present. Another facility than the kernel's
/// belongs to a program that wrote to /dev/kmsg.
pub(super) fn level(text: &mut &[u8]) -> Origin {
    /// As util-linux names them, sys-utils/dmesg.c.
    const FACILITIES: [&[u8]; 12] = [
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
        b"ftp",
    ];
    if let Some(priority) = priority(text) {
        return of_priority(priority);
    }
    let window = &text[..text.len().min(24)];
    let Some(colon) = memchr::memchr(b':', window) else {
        return Origin::Kernel;
    };
    let name = window[..colon].trim_ascii_end();
    if !FACILITIES.contains(&name) {
        return Origin::Kernel;
    }
    let mut rest = &text[colon + 1..];
    let level = rest.iter().take(12).position(|&b| b == b':');
    rest = level.map_or(rest, |end| &rest[end + 1..]);
    spaces(&mut rest);
    *text = rest;
    match name {
        b"kern" => Origin::Kernel,
        _ => Origin::Forged,
    }
}
