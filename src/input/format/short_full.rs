//! `journalctl -o short-full` and `with-unit`: `Wed 2026-04-22 10:00:01 UTC host kernel: `.
//!
//! The weekday is English in every locale (systemd, format_timestamp). The zone is a name, of which only UTC is
//! unambiguous, or `+0545` where the zone has no letters.

use super::header::{clock, date, literal, stamp_of, word, zone};
use super::record::{Format, Layer, Read, Record};
use super::relay::sent;
use crate::time::Stamp;

pub(super) static SHORT_FULL: Format = Format {
    code: "short-full",
    title: "journalctl -o short-full and with-unit: weekday, date, time and zone",
    sample: "Wed 2026-04-22 10:00:01 UTC harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::WEEKDAYS,
    read: Read::Text(read),
};

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let stamp = stamp(&mut rest)?;
    Some(Record {
        // This form always has a zone.
        zone_name: matches!(stamp, Stamp::Zoneless { .. }),
        ..sent(rest, stamp, layer)?
    })
}

/// Parses `Wed 2026-04-22 10:00:01.123456 UTC `, which begins a record of `-o verbose` too.
pub(super) fn stamp(text: &mut &[u8]) -> Option<Stamp> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let mut rest = *text;
    if !WEEKDAYS.contains(&word(&mut rest)?) {
        return None;
    }
    let days = date(&mut rest)?;
    literal(&mut rest, b" ")?;
    let (day_micros, fine) = clock(&mut rest)?;
    literal(&mut rest, b" ")?;
    let ahead = match zone(&mut rest) {
        Some(ahead) => {
            literal(&mut rest, b" ")?;
            Some(ahead)
        }
        None => matches!(word(&mut rest)?, b"UTC" | b"GMT").then_some(0),
    };
    let stamp = stamp_of(days, day_micros, ahead, fine);
    *text = rest;
    Some(stamp)
}
