//! `journalctl -o short-iso` and `short-iso-precise`, and rsyslog's file format: `2026-04-22T10:00:01+0000 host kernel: `.

use super::header::{has_zone_name, iso, literal};
use super::record::{Format, Layer, Read, Record};
use super::relay::sent;

pub(super) static SHORT_ISO: Format = Format {
    code: "short-iso",
    title: "journalctl -o short-iso and short-iso-precise, and rsyslog's RSYSLOG_FileFormat: date, time and zone",
    sample: "2026-04-22T10:00:01.123456+0000 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: Read::Text(read),
};

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let stamp = iso(&mut rest)?;
    literal(&mut rest, b" ")?;
    let sent = sent(rest, stamp, layer)?;
    Some(Record {
        zone_name: sent.zone_name || has_zone_name(rest),
        ..sent
    })
}
