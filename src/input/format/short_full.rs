//! `journalctl -o short-full` and `with-unit`: `Wed 2026-04-22 10:00:01 UTC host kernel: `.
//!
//! The weekday is English in every locale (systemd, format_timestamp). The zone is a name, of which only UTC is
//! unambiguous, or `+0545` where the zone has no letters.

use super::header::{at, clock, date, literal, word, zone};
use super::record::{Format, Layer, Read, Record};
use super::relay::sent;
use crate::time::{Stamp, Time};

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
    let local = at(days, day_micros);
    literal(&mut rest, b" ")?;
    let stamp = if let Some(ahead) = zone(&mut rest) {
        literal(&mut rest, b" ")?;
        Stamp::Dated {
            at: Time(local.0 - ahead),
            fine,
        }
    } else {
        match word(&mut rest)? {
            b"UTC" | b"GMT" => Stamp::Dated { at: local, fine },
            _ => Stamp::Zoneless { at: local, fine },
        }
    };
    *text = rest;
    Some(stamp)
}
