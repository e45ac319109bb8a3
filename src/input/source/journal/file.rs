//! A journal in a seekable file: the choice of its access path, and its records in batches.
//!
//! Where few entries are the kernel's, the index leads to them, and a search of the raw bytes to entries of other
//! programs with a LOG prefix. Where many are, where the file is small, and where its structures are inconsistent, all
//! objects are walked through.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::Batch;
use super::behind::behind;
use super::growing::{Growing, first_header, read_header};
use super::header::Header;
use super::listed::{Broken, Listed};
use super::walk::Walk;
use super::wanted::Wanted;
use super::window::read_at;

/// Conditions under which a file is read by its index.
#[derive(Debug, Clone, Copy)]
struct Choice {
    /// Size of a file, in bytes, below which it is walked through, and all of its values are proven.
    small: u64,
    /// Least number of entries for each entry of the kernel.
    sparse: u64,
}

impl Choice {
    /// Reading an entry by the index takes ten times as long as by a walk.
    const MEASURED: Self = Self {
        small: 16 << 20,
        sparse: 8,
    };
}

/// Resources for one batch of a file.
#[derive(Debug, Clone, Copy)]
pub(in crate::input::source) struct Share {
    /// Bytes of a batch.
    pub(in crate::input::source) batch: usize,
    /// Whether the file stays open, and its windows in memory.
    pub(in crate::input::source) stays: bool,
    /// Number of threads that may search.
    pub(in crate::input::source) threads: u64,
}

/// A journal file that is read in batches.
pub(in crate::input::source) struct JournalFile {
    /// `None` while the file is closed, and at its end.
    file: Option<Arc<File>>,
    path: Option<PathBuf>,
    /// Length of the file when it was opened, in bytes.
    length: u64,
    header: Header,
    wanted: Arc<Wanted>,
    choice: Choice,
    way: Way,
    /// Offset of the last entry that was read.
    done: u64,
    passed: u64,
    /// Number of entries of the batches that were read by the index.
    counted: u64,
    /// Whether its windows are not in memory.
    is_closed: bool,
    /// Message of the error that ended the stream it is a copy of.
    broken: Option<String>,
}

/// Access path of a file.
enum Way {
    /// Not chosen yet.
    New,
    Listed(Box<Listed>),
    Walk(Box<Walk>),
    Ended,
}

impl JournalFile {
    /// Opens the journal in `file`, which is opened again from `path` if it did not stay open.
    ///
    /// # Errors
    /// If it cannot be read, or is of a form that is not known.
    pub(in crate::input::source) fn open(
        file: File,
        path: Option<PathBuf>,
        wanted: Arc<Wanted>,
    ) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let file = Arc::new(file);
        Ok(Self {
            header: first_header(&file, length)?,
            file: Some(file),
            path,
            length,
            wanted,
            choice: Choice::MEASURED,
            way: Way::New,
            done: 0,
            passed: 0,
            counted: 0,
            is_closed: false,
            broken: None,
        })
    }

    /// Opens the journal in `copy`, an unnamed copy of a stream, whose bytes were counted when they came. `broken` is the
    /// error that ended the stream.
    ///
    /// # Errors
    /// As for [`Self::open`]; `broken` where it left no whole header.
    pub(in crate::input::source) fn copied(
        copy: File,
        broken: Option<io::Error>,
        wanted: Arc<Wanted>,
    ) -> io::Result<Self> {
        let mut journal = match (Self::open(copy, None, wanted), broken) {
            (Err(_), Some(why)) => return Err(why),
            (journal, broken) => Self {
                broken: broken.map(|why| why.to_string()),
                ..journal?
            },
        };
        journal.passed = journal.length;
        Ok(journal)
    }

    /// Returns the times of the first and of the last entry by the header, in microseconds since 1970.
    pub(in crate::input::source) const fn realtime(&self) -> (u64, u64) {
        self.header.realtime
    }

    /// Returns the number of entries that the header counts.
    pub(in crate::input::source) const fn entries(&self) -> u64 {
        self.header.entries
    }

    /// Length of the file in bytes.
    pub(in crate::input::source) const fn length(&self) -> u64 {
        self.length
    }

    /// What is written to the file after it was opened; `None` where it is archived.
    ///
    /// # Errors
    /// If it is closed, and cannot be opened again.
    pub(in crate::input::source) fn growing(&mut self) -> io::Result<Option<Growing>> {
        let file = self.opened()?;
        Ok((!self.header.archived).then(|| Growing::behind(file, &self.header)))
    }

    /// Returns the boot of all entries, and the microseconds from its begin to the first and the last of them; `None` where
    /// they are of several.
    ///
    /// # Errors
    /// If the file is closed, and cannot be opened again.
    pub(in crate::input::source) fn uptime(&mut self) -> io::Result<Option<(u128, (u64, u64))>> {
        let file = self.opened()?;
        let (boot, last) = self.header.uptime;
        let first = Walk::new(&file, self.length, &self.header, false).first();
        let first = first.filter(|(first, from)| *first == boot && *from <= last);
        Ok(first.map(|(_, from)| (boot, (from, last))))
    }

    /// Returns the ID of the file, and the sequence number of the last entry that its header counts.
    pub(in crate::input::source) const fn position(&self) -> (u128, u64) {
        (self.header.id, self.header.seqnum)
    }

    /// Reads the next records.
    pub(in crate::input::source) fn batch(&mut self, share: Share) -> Batch {
        let mut batch = Batch {
            file: self.header.id,
            series: self.header.series,
            ..Batch::default()
        };
        let file = match self.opened() {
            Ok(file) => file,
            Err(why) => {
                batch.end = Some(Some(why.to_string()));
                self.way = Way::Ended;
                return batch;
            }
        };
        if matches!(self.way, Way::New) {
            self.way = self.choose(&file, share);
        }
        let mut at = self.passed;
        if let Way::Listed(listed) = &mut self.way {
            batch.met(self.header.realtime.0);
            match listed.read(&self.wanted, share.batch, &mut batch, &mut self.done) {
                Ok(true) => {
                    batch.lives.append(&mut listed.lives);
                    batch.entries = self.header.entries.saturating_sub(self.counted);
                    batch.seqnum = self.header.seqnum;
                    batch.met(self.header.realtime.1);
                    batch.end = Some(None);
                }
                Ok(false) => {
                    at = self.done;
                    // Others that lie between them are counted at the end.
                    batch.entries = batch.records.len() as u64;
                    self.counted += batch.entries;
                    batch.seqnum = entry_seqnum(&file, self.done).unwrap_or(0);
                }
                // The walk describes the damage, and finds the entries that the index lacks.
                Err(Broken) => self.way = self.walk(&file, true),
            }
        }
        if let Way::Walk(walk) = &mut self.way {
            walk.read(&self.wanted, share.batch, &mut batch, &mut self.done);
            at = walk.chain.at;
            batch.seqnum = walk.last;
        }
        if batch.end.is_some() {
            at = self.length;
            self.way = Way::Ended;
            self.file = None;
            let damage = batch.end.take().flatten();
            let told = [self.broken.take(), damage, behind(&file, self.length)];
            let told: Vec<String> = told.into_iter().flatten().collect();
            batch.end = Some((!told.is_empty()).then(|| told.join("; ")));
        } else if !share.stays {
            self.close();
        }
        let at = at.clamp(self.passed, self.length.max(self.passed));
        batch.passed = at - self.passed;
        self.passed = at;
        batch
    }

    /// Chooses the access path of the file.
    fn choose(&mut self, file: &Arc<File>, share: Share) -> Way {
        let used = self.header.tail.min(self.length);
        if used < self.choice.small {
            return self.walk(file, true);
        }
        // A file that is being written may change between two reads.
        for _ in 0..3 {
            if let Some(listed) = Listed::new(
                file,
                self.length,
                &self.header,
                &self.wanted,
                (self.choice.sparse, share.threads),
            ) {
                return Way::Listed(Box::new(listed));
            }
            match read_header(file, self.length) {
                Ok(header) if self.header.online && header.tail != self.header.tail => {
                    self.header = header;
                }
                _ => break,
            }
        }
        self.walk(file, false)
    }

    fn walk(&self, file: &Arc<File>, thorough: bool) -> Way {
        Way::Walk(Box::new(Walk::new(
            file,
            self.length,
            &self.header,
            thorough,
        )))
    }

    /// Returns the file, and opens it again if it was closed.
    fn opened(&mut self) -> io::Result<Arc<File>> {
        let file = match &self.file {
            Some(file) if !self.is_closed => return Ok(Arc::clone(file)),
            Some(file) => Arc::clone(file),
            None => Arc::new(File::open(self.path.as_deref().unwrap_or(Path::new("")))?),
        };
        self.is_closed = false;
        match &mut self.way {
            Way::Listed(listed) => listed.open(&file),
            Way::Walk(walk) => walk.open(&file),
            Way::New | Way::Ended => {}
        }
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    /// Frees all memory that can be read again, and closes the file if it has a name.
    pub(in crate::input::source) fn close(&mut self) {
        match &mut self.way {
            Way::Listed(listed) => listed.close(),
            Way::Walk(walk) => walk.close(),
            Way::New | Way::Ended => {}
        }
        self.is_closed = true;
        if self.path.is_some() {
            self.file = None;
        }
    }
}

/// Returns the sequence number of the entry at the offset `at`.
fn entry_seqnum(file: &File, at: u64) -> Option<u64> {
    let mut number = [0; 8];
    let read = read_at(file, &mut number, at + 16).ok()?;
    (read == number.len()).then(|| u64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// Returns a real journal of ten records over two boots.
    fn sample() -> Vec<u8> {
        let packed = include_bytes!("../../../../fixtures/inputs/sample.journal.gz");
        let mut bytes = Vec::new();
        let mut unpacked = flate2::read::GzDecoder::new(&packed[..]);
        unpacked.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Returns the messages of the journal in `bytes`, by its index where it is of use, and the description of its
    /// damage.
    fn messages(bytes: &[u8], choice: Choice) -> (Vec<(u64, String)>, Option<String>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let wanted = Wanted::new(vec![b"HARVESTER_DROP_".to_vec()], Box::new(|_| true));
        let mut journal = match JournalFile::open(file, None, Arc::new(wanted)) {
            Ok(journal) => journal,
            Err(why) => return (Vec::new(), Some(why.to_string())),
        };
        journal.choice = choice;
        let share = Share {
            batch: 700,
            stays: true,
            threads: 2,
        };
        let mut all = Vec::new();
        loop {
            let batch = journal.batch(share);
            // A whole file that is not small is read by its index.
            let is_listed = matches!(journal.way, Way::Listed(_));
            assert!(is_listed || batch.end.is_some() || choice.small > 0 || bytes != sample());
            all.extend(batch.records.iter().map(|record| {
                let message = &batch.bytes[record.message.clone()];
                let text = String::from_utf8_lossy(message);
                (
                    record.realtime,
                    format!("{:?} {:?} {text}", record.host, record.transport),
                )
            }));
            if let Some(damage) = batch.end {
                return (all, damage);
            }
        }
    }

    const BY_INDEX: Choice = Choice {
        small: 0,
        sparse: 1,
    };

    #[test]
    fn the_index_leads_to_what_a_walk_meets() {
        let (walked, damage) = messages(&sample(), Choice::MEASURED);
        assert_eq!((walked.len(), damage), (10, None));
        assert_eq!(messages(&sample(), BY_INDEX), (walked, None));
    }

    #[test]
    fn no_bit_that_flips_costs_a_record_silently() {
        let whole = messages(&sample(), Choice::MEASURED).0;
        let bytes = sample();
        let first = bytes.len() - 12_000;
        let mut kept = 0;
        for n in 0..600 {
            let mut damaged = bytes.clone();
            // The header, and where the objects are.
            let at = match n % 4 {
                0 => 8 + n * 7 % 232,
                _ => first + n * 7919 % 12_000,
            };
            damaged[at] ^= 1 << (n % 8);
            let (found, damage) = messages(&damaged, BY_INDEX);
            let is_lost = whole.iter().any(|message| !found.contains(message));
            assert!(!is_lost || damage.is_some(), "byte {at}, bit {}", n % 8);
            kept += found.len();
        }
        assert!(kept > 600 * 9, "{kept} of 6000");
    }
}
