//! Records of /dev/kmsg: `4,1234,12345677901,-,caller=T1;text` (Linux, Documentation/ABI/testing/dev-kmsg).

use std::borrow::Cow;

use super::header::{digits, literal};
use super::journal_fields::of_priority;
use super::record::{Format, Layer, Read, Record};
use crate::time::Stamp;

pub(super) static KMSG: Format = Format {
    code: "kmsg",
    title: "/dev/kmsg and dmesg --time-format raw: priority, number and microseconds since boot",
    sample: "4,1234,12345677901,-;HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: Read::Text(read),
};

fn read<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let priority = digits(&mut rest, 1, 5)?;
    literal(&mut rest, b",")?;
    digits(&mut rest, 1, 18)?;
    literal(&mut rest, b",")?;
    let micros = digits(&mut rest, 1, 18)?;
    literal(&mut rest, b",")?;
    let flags = rest.iter().take(64).position(|&b| b == b';')?;
    if flags == 0 || rest[..flags].contains(&b' ') {
        return None;
    }
    Some(Record::new(
        Stamp::Uptime { micros },
        None,
        of_priority(priority),
        unescaped(&rest[flags + 1..]),
    ))
}

/// Decodes text in which control bytes, bytes from 127 on and backslashes are written as `\xNN`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let hex = rest
            .get(at + 1..at + 4)
            .and_then(|code| std::str::from_utf8(code.strip_prefix(b"x")?).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                out.push(b'\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out.into()
}
