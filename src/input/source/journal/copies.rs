//! Entries that several files of one journal have, as a copy of a file has them: they count once.
//!
//! Follows `compare_with_location()` in systemd's sd-journal.c, so that a directory has what `journalctl -D` shows of it.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::record::Record;

/// Upper bound on the entries that are remembered. More are there only where a clock was set back, and their copies count
/// twice then.
const MAX_KNOWN: usize = 1 << 16;

/// What is the same in all copies of an entry: its times, its boot, and the hash of its fields, which no key of a file changes.
type Key = (u64, u64, u128, u64);

/// An entry that was passed on.
#[derive(Debug)]
struct Known {
    /// The series of sequence numbers, which the files of one journald share, and the number in it.
    number: (u128, u64),
    /// The last file that had it.
    part: usize,
    /// Up to when its file was passed on when it came.
    at: u64,
}

/// The entries that further files may have too.
#[derive(Debug, Default)]
pub(super) struct Copies {
    known: HashMap<Key, SmallVec<[Known; 1]>, foldhash::fast::RandomState>,
    /// The time at which the merge stands.
    now: u64,
}

impl Copies {
    /// Forgets what lies before `time`, since no file has anything of it any more.
    pub(super) fn advance(&mut self, time: u64) {
        if time > self.now {
            self.now = time;
            self.known
                .retain(|_, known| known.iter().any(|known| known.at >= time));
        }
    }

    /// Whether `record` is a copy of an entry of another file than `part`, which numbers its entries in `series` and was
    /// passed on up to the time `at`. Within one file nothing is a copy.
    pub(super) fn is_copy(&mut self, record: &Record, series: u128, part: usize, at: u64) -> bool {
        let (realtime, monotonic) = (record.realtime, record.monotonic);
        let key = (realtime, monotonic, record.boot, record.hash);
        let number = (series, record.seqnum);
        let is_full = self.known.len() >= MAX_KNOWN;
        if is_full && !self.known.contains_key(&key) {
            return false;
        }
        let same = self.known.entry(key).or_default();
        let is_same = |known: &&mut Known| {
            known.part != part && (known.number.0 != series || known.number == number)
        };
        if let Some(known) = same.iter_mut().find(is_same) {
            known.part = part;
            return true;
        }
        same.push(Known { number, part, at });
        false
    }
}
