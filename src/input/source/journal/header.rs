//! The header of a journal file.

use std::io::{self, Read};

use super::name::headless;
use super::object::{Form, u32_at, u64_at};

/// The part of the header that every version since systemd 189 has.
pub(super) const HEADER: usize = 240;
/// Offset of the state.
pub(super) const STATE: usize = 16;
/// Offset of the number of entries.
pub(super) const ENTRIES: usize = 152;
/// Upper bound on the bytes of a header: no version has more than some 300.
const MAX_HEADER: u64 = 4096;

const COMPRESSED_XZ: u32 = 1;
const COMPRESSED_LZ4: u32 = 2;
const KEYED_HASH: u32 = 4;
const COMPRESSED_ZSTD: u32 = 8;
const COMPACT: u32 = 16;
const KNOWN: u32 = COMPRESSED_XZ | COMPRESSED_LZ4 | KEYED_HASH | COMPRESSED_ZSTD | COMPACT;

/// State of a file that a journald has open.
const ONLINE: u8 = 1;
/// State of a file that was rotated: nothing is written to it any more.
pub(super) const ARCHIVED: u8 = 2;

/// Signature at the start of a journal file.
pub(in crate::input::source) const MAGIC: &[u8; 8] = b"LPKSHHRH";

/// Fields of the file header.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) form: Form,
    /// Whether a journald had the file open; it may have crashed since.
    pub(super) online: bool,
    pub(super) archived: bool,
    /// The file's own ID, which stays when it is renamed.
    pub(super) id: u128,
    /// The series that its entries are numbered in, which the files of one journald share.
    pub(super) series: u128,
    /// Offset of the first object.
    pub(super) begin: u64,
    /// Whether the header gives that offset.
    pub(super) begin_sound: bool,
    /// Offset of the last object.
    pub(super) tail: u64,
    /// Where the journal ends, and the file with it; the largest number where the header contradicts itself.
    pub(super) end: u64,
    pub(super) entries: u64,
    /// Sequence number of the last entry that is part of the file.
    pub(super) seqnum: u64,
    pub(super) data: u64,
    /// Offset and size of the buckets of the hash table of FIELD objects.
    pub(super) fields: (u64, u64),
    /// Microseconds since 1970 of the first and of the last entry.
    pub(super) realtime: (u64, u64),
    /// The boot of the last entry, and the microseconds from its begin to that entry.
    pub(super) uptime: (u128, u64),
}

impl Header {
    /// Parses the first 240 bytes of a file.
    ///
    /// # Errors
    /// If there are fewer, or the file is of a form that is not known.
    pub(super) fn parse(bytes: &[u8]) -> io::Result<Self> {
        if bytes.len() < HEADER {
            return Err(headless());
        }
        let incompatible = u32_at(bytes, 12);
        let unknown = incompatible & !KNOWN;
        if unknown != 0 {
            return Err(io::Error::other(format!(
                "it is a journal of a form that is not known here (incompatible flags {unknown:#x}); `journalctl \
                 --file FILE -o json` writes a log that is read"
            )));
        }
        let key = (u64_at(bytes, 24), u64_at(bytes, 32));
        let begin = u64_at(bytes, 88);
        let begin_sound = (HEADER as u64..=MAX_HEADER).contains(&begin) && begin.is_multiple_of(8);
        let tail = u64_at(bytes, 136);
        let end = begin.saturating_add(u64_at(bytes, 96));
        let id_at = |at: usize| {
            let id = bytes[at..].first_chunk();
            id.copied().map_or(0, u128::from_be_bytes)
        };
        Ok(Self {
            form: Form {
                compact: incompatible & COMPACT != 0,
                key: (incompatible & KEYED_HASH != 0).then_some(key),
            },
            online: bytes[STATE] == ONLINE,
            archived: bytes[STATE] == ARCHIVED,
            id: u128::from(key.0) << 64 | u128::from(key.1),
            series: id_at(72),
            begin: if begin_sound { begin } else { HEADER as u64 },
            begin_sound,
            tail,
            end: if begin_sound && end > tail {
                end
            } else {
                u64::MAX
            },
            entries: u64_at(bytes, ENTRIES),
            seqnum: u64_at(bytes, 160),
            data: u64_at(bytes, 208),
            fields: (u64_at(bytes, 120), u64_at(bytes, 128)),
            realtime: (u64_at(bytes, 184), u64_at(bytes, 192)),
            uptime: (id_at(56), u64_at(bytes, 200)),
        })
    }
}

/// Returns the times of the first and of the last entry of the journal that `stream` begins, in microseconds since 1970.
///
/// # Errors
/// If it cannot be read, or is of a form that is not known.
pub(in crate::input::source) fn realtime_of(stream: impl Read) -> io::Result<(u64, u64)> {
    let mut bytes = Vec::with_capacity(HEADER);
    stream.take(HEADER as u64).read_to_end(&mut bytes)?;
    Header::parse(&bytes).map(|header| header.realtime)
}
