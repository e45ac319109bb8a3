//! Syslog as it is forwarded: RFC 5424, `<4>` before a line of a syslog file, and octet counts (RFC 6587) before both.

use super::header::{digits, host_name, iso, literal, origin, priority, spaces, word};
use super::journal_fields::of_priority;
use super::record::{Format, Layer, Origin, Read, Record};
use crate::time::Stamp;

pub(super) static RFC5424: Format = Format {
    code: "rfc5424",
    title: "RFC 5424 syslog",
    sample: "<4>1 2026-04-22T10:00:01.123456+00:00 harvester1 kernel - - - HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"<1",
    read: Read::Text(read),
};

pub(super) static FORWARDED: Format = Format {
    code: "forwarded",
    title: "a syslog line as it is forwarded, with its <priority>",
    sample: "<4>Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"<",
    read: Read::Text(read_forwarded),
};

pub(super) static COUNTED: Format = Format {
    code: "octet-counted",
    title: "syslog with the number of its bytes before it, as TCP forwards it",
    sample: "125 <4>Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: Read::Text(read_counted),
};

/// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`.
fn read<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let priority = priority(&mut rest);
    literal(&mut rest, b"1 ")?;
    let stamp = if literal(&mut rest, b"- ").is_some() {
        Stamp::None
    } else {
        let stamp = iso(&mut rest)?;
        literal(&mut rest, b" ")?;
        stamp
    };
    let host = word(&mut rest)?;
    let app = word(&mut rest)?;
    let process = word(&mut rest)?;
    word(&mut rest)?;
    structured_data(&mut rest)?;
    // rsyslog keeps the space behind the tag.
    spaces(&mut rest);
    let _ = literal(&mut rest, "\u{feff}".as_bytes());
    let origin = match origin(app) {
        Origin::Kernel if process != b"-" => Origin::Forged,
        other => checked(other, priority),
    };
    let host = (host != b"-").then(|| String::from_utf8_lossy(host_name(host)));
    Some(Record::new(stamp, host, origin, rest.into()))
}

/// Parses the structured data, `-` or one or more `[id name="value" …]`. It is always present: the rest is the message,
/// even if it begins with a bracket.
fn structured_data(text: &mut &[u8]) -> Option<()> {
    if literal(text, b"-").is_some() {
        return Some(());
    }
    let mut rest = *text;
    while rest.first() == Some(&b'[') {
        let mut quoted = false;
        let mut escaped = false;
        let end = rest.iter().position(|&b| {
            let closes = b == b']' && !quoted;
            if escaped {
                escaped = false;
            } else if b == b'\\' {
                escaped = quoted;
            } else if b == b'"' {
                quoted = !quoted;
            }
            closes
        })?;
        rest = &rest[end + 1..];
    }
    if rest.len() == text.len() {
        return None;
    }
    *text = rest;
    Some(())
}

fn read_forwarded<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let priority = priority(&mut rest)?;
    // `<4>[12345.677901] ` is dmesg's; a message without any time is the kernel's with printk_time off.
    let mut split = match rest.first()? {
        b'[' | b'<' => return None,
        _ => layer.inner(rest)?,
    };
    split.origin = checked(split.origin, Some(priority));
    Some(split)
}

fn read_counted<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    digits(&mut rest, 1, 7)?;
    literal(&mut rest, b" ")?;
    if rest.first() != Some(&b'<') {
        return None;
    }
    layer.inner(rest)
}

/// Corrects the origin by the facility: a sender that claims to be the kernel with another facility is forged.
const fn checked(origin: Origin, priority: Option<i64>) -> Origin {
    match (origin, priority) {
        (Origin::Kernel, Some(priority)) => of_priority(priority),
        (Origin::Unclear, Some(8..)) => Origin::Forged,
        (origin, _) => origin,
    }
}
