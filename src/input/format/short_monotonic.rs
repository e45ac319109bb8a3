//! `journalctl -o short-unix`, `short-monotonic` and `short-delta`: seconds since 1970 or since boot, then `host kernel: `.

use super::header::{literal, seconds, source, spaces};
use super::record::{Format, Layer, Origin, Read, Record};
use super::relay::sent;
use crate::time::{Stamp, Time};

pub(super) static SHORT_UNIX: Format = Format {
    code: "short-unix",
    title: "journalctl -o short-unix: seconds since 1970",
    sample: "1776852001.123456 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: Read::Text(read_unix),
};

pub(super) static SHORT_MONOTONIC: Format = Format {
    code: "short-monotonic",
    title: "journalctl -o short-monotonic: seconds since boot, and the host",
    sample: "[12345.677901] harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"[",
    read: Read::Text(read_monotonic),
};

pub(super) static SHORT_DELTA: Format = Format {
    code: "short-delta",
    title: "journalctl -o short-delta: seconds since boot and since the record before",
    sample: "[12345.927901 <    0.250000 >] harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"[",
    read: Read::Text(read_delta),
};

fn read_unix<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    /// Digits of the seconds since 2001; fewer are a host's name, as `10.5` is.
    const LEAST: usize = 9;
    let mut rest = record;
    let digits = record.iter().take_while(|b| b.is_ascii_digit());
    let micros = seconds(&mut rest).filter(|_| digits.count() > LEAST)?;
    literal(&mut rest, b" ")?;
    let stamp = Stamp::Dated {
        at: Time(micros),
        fine: true,
    };
    sent(rest, stamp, layer)
}

fn read_monotonic<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record.strip_prefix(b"[")?;
    spaces(&mut rest);
    let micros = seconds(&mut rest)?;
    literal(&mut rest, b"] ")?;
    sent_at_uptime(micros, rest)
}

fn read_delta<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record.strip_prefix(b"[")?;
    spaces(&mut rest);
    let micros = seconds(&mut rest)?;
    // The first record has blanks there; `*` follows a distance across boots. dmesg prints neither.
    let mut sure = rest.starts_with(b"  ");
    spaces(&mut rest);
    if literal(&mut rest, b"<").is_some() {
        spaces(&mut rest);
        seconds(&mut rest)?;
        let mark = literal(&mut rest, b" ").or_else(|| literal(&mut rest, b"*"));
        sure = mark.is_some();
        literal(&mut rest, b">")?;
    }
    literal(&mut rest, b"] ")?;
    if !sure {
        return sent_at_uptime(micros, rest);
    }
    let (host, origin, message) = source(rest)?;
    let stamp = Stamp::Uptime { micros };
    Some(Record::new(stamp, host, origin, message.into()))
}

/// Returns a record only if its tag is the kernel's: lines of dmesg look alike, and any of its messages may contain a
/// colon.
fn sent_at_uptime(micros: i64, text: &[u8]) -> Option<Record<'_>> {
    let (host, origin, message) = source(text)?;
    (!matches!(origin, Origin::Other | Origin::Unclear))
        .then(|| Record::new(Stamp::Uptime { micros }, host, origin, message.into()))
}
