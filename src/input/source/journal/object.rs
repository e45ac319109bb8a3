//! The parts of a journal file's objects that every reader needs: kinds, sizes, and where their contents begin.
//!
//! Follows systemd's `journal-def.h`; all numbers are little-endian.

/// Length of the head of an object: type, flags, 6 reserved bytes, size.
pub(super) const HEAD: usize = 16;

pub(super) const DATA: u8 = 1;
pub(super) const FIELD: u8 = 2;
pub(super) const ENTRY: u8 = 3;
pub(super) const ENTRY_ARRAY: u8 = 6;

/// Flags of a DATA object: the compression of its value.
pub(super) const XZ: u8 = 1;
pub(super) const LZ4: u8 = 2;
pub(super) const ZSTD: u8 = 4;

/// Offset of the items within an ENTRY object.
pub(super) const ENTRY_ITEMS: usize = 64;
/// Offset of the items within an ENTRY_ARRAY object.
pub(super) const ARRAY_ITEMS: usize = 24;
/// Offset of the name within a FIELD object.
pub(super) const FIELD_NAME: usize = 40;

/// The smallest size of an object, by type; type 0 is none.
const LEAST: [u64; 8] = [u64::MAX, 64, 40, 64, 16, 16, 24, 64];
/// The largest ENTRY object: journald writes 1024 fields at most (ENTRY_FIELD_COUNT_MAX), of 16 bytes each.
const MAX_ENTRY: u64 = 64 << 10;
/// The largest value that journald takes (DATA_SIZE_MAX) is 768 MiB.
const MAX_DATA: u64 = 1 << 30;

/// The head of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Length of the object, head included, without the padding to 8 bytes.
    pub(super) size: u64,
}

impl Head {
    /// Parses the first 16 bytes of an object; `None` where they are no head.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEAD)?;
        let (kind, flags, size) = (bytes[0], bytes[1], u64_at(bytes, 8));
        let least = LEAST.get(usize::from(kind)).copied()?;
        let flags_fit = match kind {
            DATA => matches!(flags, 0 | XZ | LZ4 | ZSTD),
            _ => flags == 0,
        };
        let most = match kind {
            DATA => MAX_DATA,
            ENTRY => MAX_ENTRY,
            _ => u64::MAX >> 1,
        };
        let fits = flags_fit && bytes[2..8] == [0; 6] && (least..=most).contains(&size);
        fits.then_some(Self { kind, flags, size })
    }

    /// Length up to the next object.
    pub(super) const fn padded(self) -> u64 {
        self.size.next_multiple_of(8)
    }
}

/// Differences between the versions of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Offsets of 32 bits, files of 4 GiB at most (HEADER_INCOMPATIBLE_COMPACT).
    pub(super) compact: bool,
    /// The key of the hash, the file's ID; `None` for Jenkins' hash, of files from before systemd 246.
    pub(super) key: Option<(u64, u64)>,
}

impl Form {
    /// Offset of the value within a DATA object.
    pub(super) const fn payload(self) -> usize {
        if self.compact { 72 } else { 64 }
    }

    /// Returns the DATA offsets of an ENTRY object.
    pub(super) fn items(self, entry: &[u8]) -> impl Iterator<Item = u64> + '_ {
        let items = entry.get(ENTRY_ITEMS..).unwrap_or_default();
        self.offsets(items, if self.compact { 4 } else { 16 })
    }

    /// Length of an item of an ENTRY_ARRAY object.
    pub(super) const fn array_item(self) -> usize {
        if self.compact { 4 } else { 8 }
    }

    /// Returns the offsets in `bytes`, one every `stride` bytes.
    pub(super) fn offsets(self, bytes: &[u8], stride: usize) -> impl Iterator<Item = u64> + '_ {
        let compact = self.compact;
        bytes.chunks_exact(stride).map(move |item| {
            if compact {
                u64::from(u32_at(item, 0))
            } else {
                u64_at(item, 0)
            }
        })
    }
}

/// Returns the number at `at`; 0 where `bytes` ends before it.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let number = bytes.get(at..).and_then(<[u8]>::first_chunk);
    number.copied().map_or(0, u64::from_le_bytes)
}

/// Returns the number of 32 bits at `at`; 0 where `bytes` ends before it.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let number = bytes.get(at..).and_then(<[u8]>::first_chunk);
    number.copied().map_or(0, u32::from_le_bytes)
}
