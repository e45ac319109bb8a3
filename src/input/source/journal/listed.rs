//! Reads the entries that the index and the search have found, in the order of the file.

use std::fs::File;
use std::sync::Arc;

use super::batch::{Batch, Life};
use super::entry::Values;
use super::header::Header;
use super::index::{self, Transports};
use super::object::{ENTRY, HEAD, Head};
use super::proof::{Proof, Prover};
use super::record::Transport;
use super::search;
use super::unpack::Unpacker;
use super::wanted::Wanted;
use super::window::Window;

/// Bytes read at an entry, and of these before it, where its own values lie.
const NEAR: usize = 4096;
const BEFORE: usize = 2048;
/// Least length of a text to search for: shorter ones occur too often.
const MIN_TEXT: usize = 4;
/// Mark in the offset of an entry that only the search has found.
const SEARCHED: u64 = 1;

/// Entries at known offsets.
pub(super) struct Listed {
    entries: Vec<u64>,
    next: usize,
    near: Window,
    values: Values,
    prover: Prover,
    /// The last entry of each machine.
    pub(super) lives: Vec<Life>,
}

/// Error: the list cannot be used, because a part of it is damaged.
pub(super) struct Broken;

impl Listed {
    /// Lists the entries of the first `length` bytes of `file` that may matter; `None` where more than one in `sparse`
    /// is the kernel's, or where the index is incomplete.
    pub(super) fn new(
        file: &Arc<File>,
        length: u64,
        header: &Header,
        wanted: &Wanted,
        (sparse, threads): (u64, u64),
    ) -> Option<Self> {
        let text = wanted.common();
        if !header.begin_sound || text.len() < MIN_TEXT {
            return None;
        }
        let window = |block, back| Window::new(Arc::clone(file), length, block, back);
        let mut apart = window(NEAR, 0);
        let mut prover = Prover::new(header.form, header.begin);
        let last = Head::parse(apart.bytes(header.tail, HEAD))?;
        let end = header
            .tail
            .checked_add(last.size)
            .filter(|end| *end <= length)?;
        let transports = Transports::of(&mut apart, &mut prover, header)?;
        if transports.count().saturating_mul(sparse) > header.entries {
            return None;
        }
        let mut entries = transports.entries(&mut apart, header)?;
        let found = search::entries(file, header, end, text, threads)?;
        entries.extend(found.into_iter().map(|entry| entry | SEARCHED));
        entries.sort_unstable();
        entries.dedup_by_key(|entry| *entry & !SEARCHED);
        Some(Self {
            entries,
            next: 0,
            near: window(NEAR, BEFORE),
            values: Values::new(Arc::clone(file), length),
            lives: index::lives(&mut apart, &mut prover, header),
            prover,
        })
    }

    /// Reads up to `weight` bytes of records; `done` is the offset of the last entry. Returns whether these were the
    /// last.
    pub(super) fn read(
        &mut self,
        wanted: &Wanted,
        weight: usize,
        batch: &mut Batch,
        done: &mut u64,
    ) -> Result<bool, Broken> {
        while let Some(&entry) = self.entries.get(self.next) {
            if batch.weight() >= weight {
                return Ok(false);
            }
            let at = entry & !SEARCHED;
            let begin = self.near.bytes(at, HEAD);
            let head = Head::parse(begin).filter(|head| head.kind == ENTRY);
            let head = head.ok_or(Broken)?;
            let object = self.near.bytes(at, head.size as usize);
            if (object.len() as u64) < head.size || self.prover.entry(object, at) != Proof::Sound {
                return Err(Broken);
            }
            let outcome = self.values.read(
                &mut self.near,
                &mut self.prover,
                (at, head),
                (wanted, false),
                &mut batch.bytes,
            );
            // The kernel writes no entry without a message, and no overlong one.
            if !outcome.whole || (!outcome.has_message && entry & SEARCHED == 0) {
                return Err(Broken);
            }
            // An entry that the index does not list as the kernel's is not the kernel's: a message may contain bytes
            // that look like an entry.
            let is_listed =
                |transport| entry & SEARCHED == 0 || transport == Some(Transport::Other);
            let record = outcome.record;
            if let Some(record) = record.filter(|record| is_listed(record.transport)) {
                batch.met(record.realtime);
                batch.records.push(record);
            }
            *done = at;
            self.next += 1;
        }
        Ok(true)
    }

    /// Reads `file` from now on.
    pub(super) fn open(&mut self, file: &Arc<File>) {
        self.near.open(Arc::clone(file));
        self.values.open(Arc::clone(file));
    }

    /// Frees the memory, and closes the file.
    pub(super) fn close(&mut self) {
        self.near.close();
        self.values.close();
        self.prover.unpacker = Unpacker::default();
    }
}
