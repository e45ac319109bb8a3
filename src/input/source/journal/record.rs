//! Fields of a journal entry that are read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// From where to where the kernel's entries of each boot were read in each file: by the IDs of both, the microseconds since
/// the boot began. Unlike the clock, and unlike sequence numbers, which a copy has of its own, that never steps back and stays
/// when an entry is copied. Between the ranges of two files there may be another one that was never read.
pub(in crate::input::source) type Boots = BTreeMap<(u128, u128), (u64, u64)>;

/// Whether an entry of `boot`, received at `monotonic`, was read in one of the files.
pub(super) fn was_read(boots: &Boots, boot: u128, monotonic: u64) -> bool {
    let of_boot = boots.range((boot, 0)..=(boot, u128::MAX));
    of_boot
        .into_iter()
        .any(|(_, (from, to))| (*from..=*to).contains(&monotonic))
}

/// Transport by which an entry reached the journal (systemd.journal-fields(7), `_TRANSPORT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::input::source) enum Transport {
    Kernel,
    /// journald itself.
    Driver,
    Other,
}

impl Transport {
    pub(super) fn of(value: &[u8]) -> Self {
        match value {
            b"kernel" => Self::Kernel,
            b"driver" => Self::Driver,
            _ => Self::Other,
        }
    }
}

/// One entry of a journal, as far as it is read.
#[derive(Debug, Clone)]
pub(in crate::input::source) struct Record {
    /// Time at which journald received it, in microseconds since 1970.
    pub(in crate::input::source) realtime: u64,
    /// Time at which journald received it, in microseconds since boot.
    pub(in crate::input::source) monotonic: u64,
    pub(in crate::input::source) boot: u128,
    /// Its number among those of its journald, and the hash of all of its fields.
    pub(in crate::input::source) seqnum: u64,
    pub(in crate::input::source) hash: u64,
    pub(in crate::input::source) transport: Option<Transport>,
    pub(in crate::input::source) host: Option<Arc<str>>,
    pub(in crate::input::source) identifier: Option<Arc<str>>,
    /// Whether its facility is another than the kernel's.
    pub(in crate::input::source) is_foreign: bool,
    /// Whether a process sent it, as none sends what the kernel writes.
    pub(in crate::input::source) has_process: bool,
    /// Time at which the kernel wrote it, in microseconds since boot.
    pub(in crate::input::source) source_monotonic: Option<u64>,
    /// Position of the message in the bytes of its batch.
    pub(in crate::input::source) message: Range<usize>,
}

/// Returns a number as fields of the journal have it.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
