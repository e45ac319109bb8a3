//! A journal file that journald writes to: its new entries, look by look.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::batch::Batch;
use super::header::{ARCHIVED, ENTRIES, HEADER, Header, MAGIC, STATE};
use super::name::destroyed;
use super::object::u64_at;
use super::record::Boots;
use super::walk::Walk;
use super::wanted::Wanted;
use super::window::{Window, read_at};

/// Bytes of records that one look at a file brings at most; the next look goes on.
const WEIGHT: usize = 1 << 20;

/// Where the reading of a growing file stands.
#[derive(Debug)]
pub(in crate::input::source) struct Growing {
    file: Arc<File>,
    id: u128,
    /// Offset of the object at which the next look begins.
    at: u64,
    /// Offset of the last entry that was read.
    done: u64,
    /// Sequence number of the last entry that was read.
    seqnum: u64,
    /// How many entries the header counted at the last look.
    entries: u64,
    /// What of it are copies of entries that were read in another file.
    copied: Boots,
}

/// What a look at a file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::input::source) enum Grown {
    /// Nothing more is there for now.
    Read,
    /// More is there already.
    More,
    /// All was read, and nothing more will come.
    Ended,
}

impl Growing {
    /// Creates a file whose entries were read as far as `header` counts them.
    pub(super) fn behind(file: Arc<File>, header: &Header) -> Self {
        Self {
            file,
            id: header.id,
            at: header.tail.max(header.begin),
            done: 0,
            seqnum: header.seqnum,
            entries: header.entries,
            copied: Boots::new(),
        }
    }

    /// Returns a file of which nothing was read.
    ///
    /// # Errors
    /// If it is no journal of a known form.
    pub(in crate::input::source) fn new(file: File) -> io::Result<Self> {
        let file = Arc::new(file);
        let header = first_header(&file, file.metadata()?.len())?;
        Ok(Self {
            file,
            id: header.id,
            at: header.begin,
            done: 0,
            seqnum: 0,
            entries: 0,
            copied: Boots::new(),
        })
    }

    /// Returns the ID of the file, and the sequence number of the last entry that was read.
    pub(in crate::input::source) const fn position(&self) -> (u128, u64) {
        (self.id, self.seqnum)
    }

    /// Leaves out the entries up to this sequence number, which were read by an earlier run.
    pub(in crate::input::source) const fn resume_behind(&mut self, seqnum: u64) {
        self.seqnum = seqnum;
    }

    /// Leaves out entries of `boots` that were read in another file.
    pub(in crate::input::source) fn leave_out(&mut self, boots: Boots) {
        self.copied = boots;
    }

    /// Whether the file has no name any more.
    #[cfg(unix)]
    pub(in crate::input::source) fn is_deleted(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.file.metadata().is_ok_and(|meta| meta.nlink() == 0)
    }

    #[cfg(not(unix))]
    pub(in crate::input::source) const fn is_deleted(&self) -> bool {
        false
    }

    /// Whether the header counts other entries than at the last look, or the file was rotated; what cannot be read is no news.
    pub(in crate::input::source) fn has_news(&self) -> bool {
        let mut header = [0; HEADER];
        matches!(read_at(&self.file, &mut header, 0), Ok(HEADER))
            && (u64_at(&header, ENTRIES) != self.entries || header[STATE] == ARCHIVED)
    }

    /// Reads what was written since the last look.
    ///
    /// # Errors
    /// If the file cannot be read. What was read before is in `batch`.
    pub(in crate::input::source) fn read(
        &mut self,
        wanted: &Wanted,
        batch: &mut Batch,
    ) -> io::Result<Grown> {
        // What is looked at here was written before: one that is deleted meanwhile is looked at once more.
        let is_deleted = self.is_deleted();
        batch.file = self.id;
        let header = read_header(&self.file, self.file.metadata()?.len())?;
        let state = if header.archived || is_deleted {
            Grown::Ended
        } else {
            Grown::Read
        };
        if header.entries == self.entries {
            return Ok(state);
        }
        let length = self.file.metadata()?.len();
        let mut walk = Walk::new(&self.file, length, &header, false);
        walk.chain.resume_at(self.at);
        walk.after = self.seqnum;
        walk.copied = std::mem::take(&mut self.copied);
        while batch.end.is_none() && batch.weight() < WEIGHT {
            walk.read(wanted, WEIGHT, batch, &mut self.done);
        }
        self.copied = std::mem::take(&mut walk.copied);
        self.at = walk.chain.at;
        if walk.last > self.seqnum {
            self.seqnum = walk.last;
        }
        if batch.end.is_none() {
            return Ok(Grown::More);
        }
        self.entries = header.entries;
        Ok(state)
    }
}

/// Returns the header of a file that was just opened.
///
/// # Errors
/// If it has none.
pub(super) fn first_header(file: &Arc<File>, length: u64) -> io::Result<Header> {
    let mut magic = [0; MAGIC.len()];
    let filled = read_at(file, &mut magic, 0)?;
    if filled < MAGIC.len() || magic != *MAGIC {
        return Err(destroyed());
    }
    read_header(file, length)
}

/// Returns the header of the first `length` bytes of `file`.
pub(super) fn read_header(file: &Arc<File>, length: u64) -> io::Result<Header> {
    let mut window = Window::new(Arc::clone(file), length, HEADER, 0);
    let header = Header::parse(window.bytes(0, HEADER));
    match window.broken() {
        Some(why) => Err(io::Error::other(why)),
        None => header,
    }
}
