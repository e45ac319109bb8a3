//! Entries of a journal that are handed on together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::Record;

/// Upper bound on the machines of a batch that are told apart.
const MAX_LIVES: usize = 64;

/// Records of one file, in their order.
#[derive(Debug, Default)]
pub(in crate::input::source) struct Batch {
    /// ID of the file.
    pub(in crate::input::source) file: u128,
    /// The series that its entries are numbered in.
    pub(super) series: u128,
    /// Sequence number of the last entry that was met in the file; 0 where none was.
    pub(in crate::input::source) seqnum: u64,
    pub(in crate::input::source) records: Vec<Record>,
    /// Messages of the records, one after the other.
    pub(in crate::input::source) bytes: Vec<u8>,
    /// The earliest and latest time of any entry that was met.
    pub(in crate::input::source) span: Option<(u64, u64)>,
    /// The last entry of each machine that was met.
    pub(in crate::input::source) lives: Vec<Life>,
    /// From when to when of each boot, in microseconds since it began, the entries are that were met one by one.
    pub(in crate::input::source) boots: BTreeMap<u128, (u64, u64)>,
    /// Number of entries met, and of bytes of the file passed.
    pub(in crate::input::source) entries: u64,
    pub(in crate::input::source) passed: u64,
    /// Set at the end of the file: a description of its damage, if any.
    pub(in crate::input::source) end: Option<Option<String>>,
}

/// The last entry of a machine.
#[derive(Debug, Clone)]
pub(in crate::input::source) struct Life {
    pub(in crate::input::source) host: Arc<str>,
    /// Microseconds since 1970, and since boot.
    pub(in crate::input::source) realtime: u64,
    pub(in crate::input::source) monotonic: u64,
}

impl Batch {
    /// Records an entry of a machine.
    pub(super) fn lives(&mut self, host: &Arc<str>, realtime: u64, monotonic: u64) {
        match self.lives.iter().position(|known| known.host == *host) {
            Some(at) if self.lives[at].realtime <= realtime => {
                let life = &mut self.lives[at];
                (life.realtime, life.monotonic) = (realtime, monotonic);
            }
            None if self.lives.len() < MAX_LIVES => self.lives.push(Life {
                host: Arc::clone(host),
                realtime,
                monotonic,
            }),
            Some(_) | None => {}
        }
    }

    /// Returns the batch of a file whose reading was aborted.
    pub(super) fn broken_off() -> Self {
        Self {
            end: Some(Some(
                "reading it broke off; read it once more, by itself".to_owned(),
            )),
            ..Self::default()
        }
    }

    /// Records an entry of a boot.
    pub(super) fn ran(&mut self, boot: u128, monotonic: u64) {
        let range = self.boots.entry(boot).or_insert((monotonic, monotonic));
        *range = (range.0.min(monotonic), range.1.max(monotonic));
    }

    pub(super) fn met(&mut self, realtime: u64) {
        let (first, last) = self.span.unwrap_or((realtime, realtime));
        self.span = Some((first.min(realtime), last.max(realtime)));
    }

    /// Returns the size in memory, in bytes.
    pub(super) const fn weight(&self) -> usize {
        self.bytes.len() + self.records.len() * size_of::<Record>()
    }
}
