//! `dmesg`, as it is and with `-T`: the kernel's own log, without a host.

use super::header::{at, clock, day, digits, fraction, literal, month, spaces};
use super::{Format, Origin, Prefixes, Record};
use crate::time::{SECOND, Stamp, days_of_civil};

pub(super) static DMESG: Format = Format {
    code: "dmesg",
    title: "dmesg: seconds since boot, the level of -r or -x before it or not",
    sample: "[12345.677901] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    read: read_uptime,
};

pub(super) static DMESG_CTIME: Format = Format {
    code: "dmesg-ctime",
    title: "dmesg -T: the date that this machine computed from its boot",
    sample: "[Wed Apr 22 10:00:01 2026] HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    read: read_ctime,
};

fn read_uptime<'a>(record: &'a [u8], _: &Prefixes) -> Option<Record<'a>> {
    let mut rest = record;
    level(&mut rest);
    literal(&mut rest, b"[")?;
    spaces(&mut rest);
    let seconds = digits(&mut rest, 1, 12)?;
    let micros = fraction(&mut rest)?;
    literal(&mut rest, b"] ")?;
    let stamp = Stamp::Uptime {
        micros: seconds * SECOND + micros,
    };
    Some(kernel(stamp, rest))
}

fn read_ctime<'a>(record: &'a [u8], _: &Prefixes) -> Option<Record<'a>> {
    let mut rest = record;
    level(&mut rest);
    literal(&mut rest, b"[")?;
    // The weekday says nothing that the date does not, and is localised.
    let space = rest.iter().take(12).position(|&b| b == b' ')?;
    rest = &rest[space + 1..];
    let month = month(&mut rest)?;
    let day = day(&mut rest)?;
    literal(&mut rest, b" ")?;
    let (day_micros, fine) = clock(&mut rest)?;
    literal(&mut rest, b" ")?;
    let year = digits(&mut rest, 4, 4)?;
    literal(&mut rest, b"] ")?;
    let days = days_of_civil(year as i32, month, day);
    let stamp = Stamp::Zoneless {
        at: at(days, day_micros),
        fine,
    };
    Some(kernel(stamp, rest))
}

/// Takes the `<4>` of `dmesg -r` or the `kern  :warn  : ` of `dmesg -x`, where it stands.
fn level(text: &mut &[u8]) {
    if text.starts_with(b"<") {
        let mut rest = &text[1..];
        if digits(&mut rest, 1, 3).is_some() && literal(&mut rest, b">").is_some() {
            *text = rest;
        }
    } else if (text.starts_with(b"kern ") || text.starts_with(b"user "))
        && let Some(end) = text.iter().take(24).rposition(|&b| b == b':')
    {
        *text = &text[end + 1..];
        spaces(text);
    }
}

/// A record of the kernel's ring buffer; who may write there is root already.
fn kernel(stamp: Stamp, message: &[u8]) -> Record<'_> {
    Record {
        stamp,
        host: None,
        origin: Origin::Kernel,
        message: message.into(),
    }
}
