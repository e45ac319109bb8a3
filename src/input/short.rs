//! `journalctl -o short` and `short-precise`, and the syslog files that look the same: `Apr 22 10:00:01 host kernel: `.

use super::header::{clock, day, literal, month, source};
use super::{Format, Prefixes, Record};
use crate::time::Stamp;

pub(super) static SHORT: Format = Format {
    code: "short",
    title: "journalctl -o short and short-precise: month, day and time of day",
    sample: "Apr 22 10:00:01.123456 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    read,
};

fn read<'a>(record: &'a [u8], _: &Prefixes) -> Option<Record<'a>> {
    let mut rest = record;
    let stamp = take_stamp(&mut rest)?;
    literal(&mut rest, b" ")?;
    let (host, origin, message) = source(rest)?;
    Some(Record {
        stamp,
        host,
        origin,
        message: message.into(),
    })
}

/// Reads a stamp of this form alone, as users repeat it in options.
pub fn stamp(text: &str) -> Option<Stamp> {
    let mut rest = text.as_bytes();
    take_stamp(&mut rest).filter(|_| rest.is_empty())
}

fn take_stamp(text: &mut &[u8]) -> Option<Stamp> {
    let month = month(text)?;
    literal(text, b" ")?;
    let day = day(text)?;
    literal(text, b" ")?;
    let (day_micros, fine) = clock(text)?;
    Some(Stamp::Yearless {
        month,
        day,
        day_micros,
        fine,
    })
}
