//! Fields of a journal entry that are read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// How far the kernel's entries of each boot were read: by its ID, the microseconds since it began. Unlike the clock, and
/// unlike sequence numbers, which a copy has of its own, that never steps back and stays when an entry is copied.
pub(in crate::input::source) type Boots = BTreeMap<u128, u64>;

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
    pub(in crate::input::source) transport: Option<Transport>,
    pub(in crate::input::source) host: Option<Arc<str>>,
    pub(in crate::input::source) identifier: Option<Arc<str>>,
    /// Whether its facility is another than the kernel's.
    pub(in crate::input::source) is_foreign: bool,
    /// Time at which the kernel wrote it, in microseconds since boot.
    pub(in crate::input::source) source_monotonic: Option<u64>,
    /// Position of the message in the bytes of its batch.
    pub(in crate::input::source) message: Range<usize>,
}

/// Returns a number as fields of the journal have it.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
