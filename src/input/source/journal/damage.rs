//! Damage of a journal file, and its description.

use crate::input::source::bounds::size as amount;

/// Damage of one journal file.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Offset of the first damage.
    first: Option<u64>,
    places: u64,
    unread: u64,
    last_end: u64,
    /// Length of the file, where it ends before its last object, and the end of that object.
    pub(super) cut: Option<(u64, u64)>,
    /// Number of entries and of values that the header counts and that were not met, where nothing else is damaged.
    pub(super) missing: (u64, u64),
    /// Number of entries that refer to missing values.
    pub(super) dangling: u64,
    /// Message of the read error that ended the reading.
    pub(super) broken: Option<String>,
}

impl Damage {
    /// Adds a stretch of `bytes` at `at` that cannot be read.
    pub(super) const fn add(&mut self, at: u64, bytes: u64) {
        if self.first.is_none() || self.last_end != at {
            self.places += 1;
        }
        if self.first.is_none() {
            self.first = Some(at);
        }
        self.last_end = at + bytes;
        self.unread += bytes;
    }

    /// Describes all of it; `None` if the file is whole.
    pub(super) fn words(&self) -> Option<String> {
        let mut parts = Vec::new();
        parts.extend(self.broken.clone());
        if let Some(first) = self.first {
            let more = match self.places {
                0 | 1 => String::new(),
                n => format!(" and at {} more places", n - 1),
            };
            let unread = amount(self.unread);
            parts.push(format!(
                "the journal is damaged at byte {first}{more}, {unread} of it cannot be read"
            ));
        }
        if let Some((at, missing)) = self.cut {
            let missing = match missing {
                0 => String::new(),
                n => format!(", at least {} are missing", amount(n)),
            };
            parts.push(format!("the journal is cut off at byte {at}{missing}"));
        }
        if parts.is_empty() && self.missing != (0, 0) {
            let (entries, fields) = self.missing;
            parts.push(format!(
                "the journal is damaged: {entries} entries and {fields} fields that its header counts are not in it"
            ));
        }
        if parts.is_empty() && self.dangling > 0 {
            parts.push(format!(
                "the journal is damaged: {} entries name fields that are not in it",
                self.dangling
            ));
        }
        (!parts.is_empty()).then(|| {
            format!(
                "{}; the rest counts. `journalctl --verify --file` tells more",
                parts.join("; ")
            )
        })
    }
}
