//! `journalctl -o short-iso` and `short-iso-precise`, and rsyslog's file format: `2026-04-22T10:00:01+0000 host kernel: `.

use super::header::{at, clock, date, literal, source, zone};
use super::{Format, Prefixes, Record};
use crate::time::{Stamp, Time};

pub(super) static SHORT_ISO: Format = Format {
    code: "short-iso",
    title: "journalctl -o short-iso and short-iso-precise: date, time and zone",
    sample: "2026-04-22T10:00:01.123456+0000 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    read,
};

fn read<'a>(record: &'a [u8], _: &Prefixes) -> Option<Record<'a>> {
    let mut rest = record;
    let stamp = stamp(&mut rest)?;
    literal(&mut rest, b" ")?;
    let (host, origin, message) = source(rest)?;
    Some(Record {
        stamp,
        host,
        origin,
        message: message.into(),
    })
}

/// Takes an ISO 8601 date and time with its zone.
fn stamp(text: &mut &[u8]) -> Option<Stamp> {
    let days = date(text)?;
    literal(text, b"T")?;
    let (day_micros, fine) = clock(text)?;
    let ahead = zone(text)?;
    Some(Stamp::Dated {
        at: Time(at(days, day_micros).0 - ahead),
        fine,
    })
}
