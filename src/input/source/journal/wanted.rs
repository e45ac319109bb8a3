//! Which entries of a journal are worth handing on.

use super::record::{Record, Transport};

/// Says whether a message of the kernel's, or of journald's, says something that counts.
pub(in crate::input::source) type Says = dyn Fn(&[u8]) -> bool + Send + Sync;

/// The texts that make an entry worth reading.
pub(in crate::input::source) struct Wanted {
    /// LOG prefixes: whoever wrote one, the entry is handed on.
    prefixes: Vec<Vec<u8>>,
    says: Box<Says>,
}

impl Wanted {
    pub(in crate::input::source) fn new(prefixes: Vec<Vec<u8>>, says: Box<Says>) -> Self {
        Self { prefixes, says }
    }

    /// Whether the entry of `record`, with this message, is handed on.
    pub(super) fn keeps(&self, record: &Record, message: &[u8]) -> bool {
        if is_trusted(record) {
            return (self.says)(message);
        }
        let holds = |prefix: &Vec<u8>| memchr::memmem::find(message, prefix).is_some();
        self.prefixes.iter().any(holds)
    }

    /// Whether a compressed message of the entry of `record` is unpacked where most are not.
    pub(super) fn reads_packed(&self, record: &Record) -> bool {
        is_trusted(record)
    }

    /// A text that all prefixes begin with, as long as it can be.
    pub(super) fn common(&self) -> &[u8] {
        let Some((first, rest)) = self.prefixes.split_first() else {
            return &[];
        };
        let same = |other: &Vec<u8>| first.iter().zip(other).take_while(|(a, b)| a == b).count();
        let length = rest.iter().map(same).min().unwrap_or(first.len());
        &first[..length]
    }
}

/// Whether the kernel wrote it, or journald, or nobody knows.
fn is_trusted(record: &Record) -> bool {
    record.transport != Some(Transport::Other)
}
