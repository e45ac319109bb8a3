//! Selection of the entries of a journal that are handed on.

use super::record::Transport;

/// Predicate for messages of the kernel or of journald that matter.
pub(in crate::input::source) type Says = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Texts by which an entry is selected.
pub(in crate::input::source) struct Wanted {
    /// LOG prefixes: an entry with one of them is handed on, whatever program wrote it.
    prefixes: Vec<Vec<u8>>,
    says: Box<Says>,
}

impl Wanted {
    pub(in crate::input::source) fn new(prefixes: Vec<Vec<u8>>, says: Box<Says>) -> Self {
        Self { prefixes, says }
    }

    /// Whether an entry of this transport, with this message, is handed on.
    pub(super) fn keeps(&self, transport: Option<Transport>, message: &[u8]) -> bool {
        if is_trusted(transport) {
            (self.says)(message)
        } else {
            self.holds_prefix(message)
        }
    }

    /// Whether no entry with this message is handed on.
    pub(super) fn is_never(&self, message: &[u8]) -> bool {
        !(self.says)(message) && !self.holds_prefix(message)
    }

    fn holds_prefix(&self, message: &[u8]) -> bool {
        let holds = |prefix: &Vec<u8>| memchr::memmem::find(message, prefix).is_some();
        self.prefixes.iter().any(holds)
    }

    /// Whether a compressed message of an entry of this transport is unpacked even where most are not.
    pub(super) fn reads_packed(&self, transport: Option<Transport>) -> bool {
        is_trusted(transport)
    }

    /// Returns the longest common start of all prefixes.
    pub(super) fn common(&self) -> &[u8] {
        let Some((first, rest)) = self.prefixes.split_first() else {
            return &[];
        };
        let same = |other: &Vec<u8>| first.iter().zip(other).take_while(|(a, b)| a == b).count();
        let length = rest.iter().map(same).min().unwrap_or(first.len());
        &first[..length]
    }
}

/// Whether the kernel or journald wrote the entry, or no field says who did.
fn is_trusted(transport: Option<Transport>) -> bool {
    transport != Some(Transport::Other)
}
