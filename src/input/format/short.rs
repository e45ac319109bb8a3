//! `journalctl -o short` and `short-precise`, and the syslog files that look the same: `Apr 22 10:00:01 host kernel: `.
//!
//! journalctl writes the month in the language of `LC_TIME`, some of them behind a space; syslog daemons in English, and
//! pad the day with a space.

use super::header::{clock, day, has_zone_name, literal, month, spaces};
use super::record::{Format, Layer, Read, Record};
use super::relay::sent;
use crate::time::Stamp;

pub(super) static SHORT: Format = Format {
    code: "short",
    title: "journalctl -o short and short-precise, and traditional syslog files: month, day and time of day",
    sample: "Apr 22 10:00:01.123456 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: &[],
    read: Read::Text(read),
};

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    // ` 4月 22`, as against the indent of a continuation line, which may hold anything. What wraps a line takes its blank for
    // an indent.
    if layer.depth == 0 && rest.get(1).is_some_and(u8::is_ascii_digit) {
        let _ = literal(&mut rest, b" ");
    }
    let stamp = take_stamp(&mut rest)?;
    literal(&mut rest, b" ")?;
    let sent = sent(rest, stamp, layer)?;
    Some(Record {
        zone_name: sent.zone_name || has_zone_name(rest),
        ..sent
    })
}

/// Parses a stamp of this form alone, as users repeat it in options.
pub fn stamp(text: &str) -> Option<Stamp> {
    let mut rest = text.as_bytes();
    take_stamp(&mut rest).filter(|_| rest.is_empty())
}

/// Parses `Apr 22 10:00:01.123456`.
pub(in crate::input) fn take_stamp(text: &mut &[u8]) -> Option<Stamp> {
    let mut rest = *text;
    let month = month(&mut rest)?;
    spaces(&mut rest);
    let day = day(&mut rest)?;
    literal(&mut rest, b" ")?;
    let (day_micros, fine) = clock(&mut rest)?;
    *text = rest;
    Some(Stamp::Yearless {
        month,
        day,
        day_micros,
        fine,
    })
}
