//! Reads a file by a walk through all of its objects.

use std::fs::File;
use std::sync::Arc;

use super::batch::Batch;
use super::chain::{Chain, Step};
use super::entry::{Values, boot_of};
use super::header::Header;
use super::object::{DATA, ENTRY, u64_at};
use super::proof::Name;
use super::record::{Boots, was_read};
use super::unpack::Unpacker;
use super::wanted::Wanted;
use super::window::Window;

/// Bytes read at once, and bytes kept of those passed, for the values of the entries to come.
const BLOCK: usize = 256 << 10;
const PASSED: usize = 32 << 10;
/// Number of bytes of the file after which a batch ends.
const STRETCH: u64 = 4 << 20;

/// A walk through a file.
pub(super) struct Walk {
    pub(super) chain: Chain,
    values: Values,
    /// Entries up to this sequence number were read earlier.
    pub(super) after: u64,
    /// Entries that were read in another file.
    pub(super) copied: Boots,
    /// Sequence number of the last entry that was met.
    pub(super) last: u64,
}

impl Walk {
    /// Creates a walk through the first `length` bytes of `file`. With `thorough`, compressed values are proven and read
    /// whatever program wrote them.
    pub(super) fn new(file: &Arc<File>, length: u64, header: &Header, thorough: bool) -> Self {
        let window = Window::new(Arc::clone(file), length, BLOCK, PASSED);
        Self {
            chain: Chain::new(header, window, thorough),
            values: Values::new(Arc::clone(file), length),
            after: 0,
            copied: Boots::new(),
            last: 0,
        }
    }

    /// Reads up to `weight` bytes of records, of entries behind the offset `done`.
    pub(super) fn read(
        &mut self,
        wanted: &Wanted,
        weight: usize,
        batch: &mut Batch,
        done: &mut u64,
    ) {
        let chain = &mut self.chain;
        let from = chain.at;
        while batch.weight() < weight && chain.at - from < STRETCH {
            match chain.step() {
                Step::End => {
                    batch.end = Some(chain.damage.words());
                    return;
                }
                Step::Object { at, head, name, .. } if head.kind == DATA => {
                    if name != Name::Other {
                        self.values.note(at);
                    }
                }
                Step::Object { at, head, .. } if head.kind == ENTRY => {
                    let entry = chain.bytes.bytes(at, head.size as usize);
                    self.last = u64_at(entry, 16);
                    let (realtime, monotonic) = (u64_at(entry, 24), u64_at(entry, 32));
                    let boot = boot_of(entry);
                    if self.last <= self.after || was_read(&self.copied, boot, monotonic) {
                        continue;
                    }
                    batch.entries += 1;
                    batch.met(realtime);
                    batch.ran(boot, monotonic);
                    if at <= *done {
                        continue;
                    }
                    *done = at;
                    let outcome = self.values.read(
                        &mut chain.bytes,
                        &mut chain.prover,
                        (at, head),
                        (wanted, chain.thorough),
                        &mut batch.bytes,
                    );
                    chain.damage.dangling += u64::from(!outcome.whole);
                    if let Some(host) = outcome.host {
                        batch.lives(host, realtime, monotonic);
                    }
                    batch.records.extend(outcome.record);
                }
                Step::Object { .. } | Step::Gap => {}
            }
        }
    }

    /// Returns the boot of the first entry, and the microseconds from its begin to that entry.
    pub(super) fn first(&mut self) -> Option<(u128, u64)> {
        loop {
            match self.chain.step() {
                Step::End => return None,
                Step::Object { at, head, .. } if head.kind == ENTRY => {
                    let entry = self.chain.bytes.bytes(at, head.size as usize);
                    return Some((boot_of(entry), u64_at(entry, 32)));
                }
                Step::Object { .. } | Step::Gap => {}
            }
        }
    }

    /// Reads `file` from now on.
    pub(super) fn open(&mut self, file: &Arc<File>) {
        self.chain.bytes.open(Arc::clone(file));
        self.values.open(Arc::clone(file));
    }

    /// Frees the memory, and closes the file.
    pub(super) fn close(&mut self) {
        self.chain.bytes.close();
        self.values.close();
        self.chain.prover.unpacker = Unpacker::default();
    }
}
