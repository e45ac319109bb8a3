//! Volumes of a long stream: the crate that reads streams keeps every value it has met, so it gets the stream in
//! volumes, each of which begins with the values that later entries still refer to.

use std::collections::HashMap;

use super::object::{ENTRY_ITEMS, Form, u32_at, u64_at};

/// Size of the values, in bytes, at which a volume ends.
const MAX_KEPT: usize = 24 << 20;
/// Bytes of memory for a value besides its length.
const OVERHEAD: usize = 160;
/// Upper bound on the bytes that are carried from one volume to the next.
const MAX_SHARED: usize = 8 << 20;

/// A part of the stream that one reader reads.
#[derive(Debug, Default)]
pub(super) struct Volume {
    kept: usize,
    /// Offset in the stream from which objects are unchanged, and the distance by which they lie further on in the
    /// volume.
    begin: u64,
    ahead: u64,
    /// New offsets of the values carried over.
    moved: HashMap<u64, u64>,
    /// The values that several entries have, by their offsets in the stream.
    shared: HashMap<u64, Box<[u8]>>,
    shared_bytes: usize,
    /// Whether some of them were too many to remember.
    pub(super) forgot: bool,
}

impl Volume {
    /// Records a DATA object that was passed, which is `length` bytes long without its compression.
    pub(super) fn keep(&mut self, at: u64, object: &[u8], length: usize) {
        self.kept += length + OVERHEAD;
        // A value of a single entry belongs to the next one, and is not shared.
        if u64_at(object, 56) == 1 {
            return;
        }
        if self.shared_bytes + object.len() + OVERHEAD > MAX_SHARED {
            self.forgot = true;
            return;
        }
        self.shared_bytes += object.len() + OVERHEAD;
        self.shared.insert(at, object.into());
    }

    /// Whether another volume must begin.
    pub(super) const fn is_full(&self) -> bool {
        self.kept > MAX_KEPT
    }

    /// Begins another volume, with the object at `at` of the stream: appends the shared values to `out`, its header.
    pub(super) fn turn(&mut self, at: u64, out: &mut Vec<u8>) {
        self.moved.clear();
        self.kept = self.shared_bytes;
        for (offset, object) in &self.shared {
            self.moved.insert(*offset, out.len() as u64);
            out.extend_from_slice(object);
            out.resize(out.len().next_multiple_of(8), 0);
        }
        self.begin = at;
        self.ahead = at.wrapping_sub(out.len() as u64);
    }

    /// Sets the offsets in `entry` to those in this volume; 0 for values that are not in it.
    pub(super) fn place(&self, form: Form, entry: &mut [u8]) {
        let items = entry.get_mut(ENTRY_ITEMS..).unwrap_or_default();
        for item in items.chunks_exact_mut(if form.compact { 4 } else { 16 }) {
            let offset = match form.compact {
                true => u64::from(u32_at(item, 0)),
                false => u64_at(item, 0),
            };
            let place = match self.moved.get(&offset) {
                _ if offset >= self.begin => offset.wrapping_sub(self.ahead),
                Some(place) => *place,
                None => 0,
            };
            if form.compact {
                let place = u32::try_from(place).unwrap_or(0);
                item.copy_from_slice(&place.to_le_bytes());
            } else {
                item[..8].copy_from_slice(&place.to_le_bytes());
            }
        }
    }

    /// Whether it is the first volume, in which all offsets are those of the stream.
    pub(super) const fn is_first(&self) -> bool {
        self.begin == 0
    }
}
