//! What is no text in a log of lines: packed data and UTF-16, as files of several kinds leave that were written into one.

use memchr::{memchr, memmem};

use crate::input::scan::is_no_text;

/// Signatures of packed data, with what is said where one begins a line.
const PACKED: &[(&[u8], &str)] = &[
    (b"\x1f\x8b\x08", GZIP),
    (b"\xfd7zXZ\0", XZ),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"BZh91AY&SY", BZIP2),
    (b"\x04\x22\x4d\x18", LZ4),
];

macro_rules! packed {
    ($what:literal) => {
        concat!(
            "packed data (",
            $what,
            ") begins within the text, and is not read: name each log as an input of its own, packed or not"
        )
    };
}
const GZIP: &str = packed!("gzip");
const XZ: &str = packed!("xz");
const ZSTD: &str = packed!("zstd");
const BZIP2: &str = packed!("bzip2");
const LZ4: &str = packed!("lz4");

/// What is said of a drop line in UTF-16 that no byte order mark announces.
pub(in crate::input) const WIDE: &str = "it is UTF-16 within a log that did not begin so: name each log as an input of its own, \
                                         or convert that part with `iconv -f UTF-16 -t UTF-8`";

/// Returns the offsets in lines at which packed data begins, and what is said of it.
pub(in crate::input) fn packed(lines: &[u8]) -> impl Iterator<Item = (usize, &'static str)> {
    PACKED.iter().flat_map(move |(magic, why)| {
        // Before a line may stand NULs that a crash left. Its own bytes alone decide, not those that came with it.
        let begins = |at: &usize| {
            let before = lines[..*at].iter().rfind(|byte| **byte != 0);
            let rest = &lines[*at..];
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            before.is_none_or(|byte| *byte == b'\n') && is_no_text(line)
        };
        let all = memmem::find_iter(lines, magic);
        all.filter(begins).map(move |at| (at, *why))
    })
}

/// Returns the bytes that a text of ASCII has in UTF-16 of either byte order, but for a NUL at one end.
pub(in crate::input) fn widened(text: &[u8]) -> Vec<u8> {
    let mut wide: Vec<u8> = text.iter().flat_map(|byte| [*byte, 0]).collect();
    wide.pop();
    wide
}
