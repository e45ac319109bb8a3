//! Prefix of `grep` for the lines of several files: `kernel.log:`, `kernel.log-` for context, `kernel.log:17:`.

use super::header::digits;
use super::record::{Format, Layer, Read, Record};

pub(super) static GREP: Format = Format {
    code: "grep",
    title: "a line of any other form behind the file name or line number of grep",
    sample: "logs/kernel.log:Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: &[],
    read: Read::Text(read),
};

/// Upper bound on the bytes of the file name.
const MAX_NAME: usize = 255;

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    // A grep of a grep is not supported: it would be tried at every colon of a hostile line.
    if layer.depth > 0 {
        return None;
    }
    let window = &record[..record.len().min(MAX_NAME)];
    for (at, byte) in window.iter().enumerate() {
        match byte {
            b':' | b'-' if at > 0 => {}
            b' ' | b'\t' => return None,
            _ => continue,
        }
        let mut rest = &record[at + 1..];
        let mut number = rest;
        if digits(&mut number, 1, 9).is_some() && number.first() == Some(byte) {
            rest = &number[1..];
        }
        let Some(split) = layer.inner(rest) else {
            // An object is parsed as a whole, and one that is none would be again at each of its colons.
            if rest.first() == Some(&b'{') {
                return None;
            }
            continue;
        };
        // A message without a header, behind a word and a colon, may belong to another rule's prefix.
        let name = &record[..at];
        let is_file = name.iter().all(u8::is_ascii_digit) || name.iter().any(|b| b"./".contains(b));
        if !split.stamp.is_none() || split.after.is_some() || is_file {
            return Some(split);
        }
    }
    None
}
