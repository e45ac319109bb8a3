//! Records as Fluentd prints them (`@type stdout`) and keeps them in files (`@type file`): a time, the tag by which it
//! routes them, and the record as JSON.

use super::header::{DIGITS, header_word, iso, literal, spaces, word};
use super::json;
use super::record::{Format, Layer, Origin, Read, Record};

pub(super) static FLUENTD: Format = Format {
    code: "fluentd",
    title: "Fluentd's outputs stdout and file: time, routing tag, and the record as JSON",
    sample: r#"2026-04-22 10:00:01.123456789 +0000 host.kernel: {"_HOSTNAME":"harvester1","_TRANSPORT":"kernel","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: DIGITS,
    read: Read::Text(read),
};

/// Largest offset of the record.
const MAX_HEADER: usize = 200;

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    // Fast rejection: few lines with a stamp have a brace in their header.
    let brace = memchr::memchr(b'{', &record[..record.len().min(MAX_HEADER)])?;
    let (mut head, object) = record.split_at(brace);
    let stamp = iso(&mut head)?;
    let tag = if literal(&mut head, b"\t").is_some() {
        head.strip_suffix(b"\t")?
    } else {
        // Of syslog, whose stamps have a `T`, the tag would be a program's.
        (record.get(10) == Some(&b' ')).then_some(())?;
        literal(&mut head, b" ")?;
        spaces(&mut head);
        let tag = word(&mut head)?.strip_suffix(b":")?;
        head.is_empty().then_some(tag)?
    };
    is_tag(tag).then_some(())?;
    let mut split = json::read(object, layer)?.timed(stamp);
    if split.origin == Origin::Kernel && has_other_facility(tag) {
        split.origin = Origin::Forged;
    }
    Some(split)
}

/// Whether a routing tag ends with a selector of another facility than the kernel's, `system.user.notice`, as in_syslog makes them.
fn has_other_facility(tag: &[u8]) -> bool {
    let mut dots = memchr::memrchr_iter(b'.', tag).skip(1);
    let selector = dots.next().map_or(tag, |dot| &tag[dot + 1..]);
    header_word(selector) == Some(true)
}

/// Whether this is a routing tag: words with dots between them, and so no program of syslog with its host or its PID.
fn is_tag(tag: &[u8]) -> bool {
    !tag.is_empty() && (tag.iter()).all(|b| b.is_ascii_alphanumeric() || b"._-*/".contains(b))
}
