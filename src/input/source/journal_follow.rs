//! Journals that go on: what there is, then what journald writes, through rotation, vacuuming and restarts.
//!
//! A file is known by its own ID (`file_id` of its header), which stays when it is renamed. An archived file is let go of
//! once all of it was read; one that was deleted can be read to its end as long as it is open. A file that is not known is
//! read whole, whatever the clock says of it, but for what it has of another: that is told by its boot and the time since, from
//! the first to the last entry that was read of that boot in a file.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::journal::{
    Batch, Growing, Grown, JournalFile, Waiting, Wanted, fault_of, is_journal_name, is_new,
    is_put_aside,
};
use super::journals::{self, Log, micros, time};
use super::{LOCAL_JOURNAL, Opening, Options, Summary};
use crate::error::Error;
use crate::input::event::{LogEvent, Sink};
use crate::time::Time;

/// The position of each journal file, by its ID: the sequence number of the last entry that was read.
type Positions = BTreeMap<u128, u64>;

/// Where a run that ended has read to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    pub positions: BTreeMap<u128, u64>,
    /// From where to where the kernel's entries of each boot were read in each file: by the IDs of the boot and of the file, the
    /// microseconds since the boot began.
    pub boots: BTreeMap<(u128, u128), (u64, u64)>,
    /// When its last entry was received, in microseconds since 1970.
    pub realtime: u64,
}

/// The journals of some folders, followed.
pub struct JournalFollow {
    folders: Vec<PathBuf>,
    wanted: Arc<Wanted>,
    log: Log,
    /// Files that are written to, by ID.
    growing: BTreeMap<u128, Followed>,
    /// Positions of files that were read to their end, which still lie in a folder.
    ended: Positions,
    /// Positions of a cursor, while no folder has a journal: they may not be mounted yet.
    awaited: Positions,
    /// Files that may begin with copies of what the others hold, as `journalctl --flush` makes them in another folder of a
    /// machine: the others have to be read first.
    flushed: Vec<(u128, Followed)>,
    /// Folders in which a file was read.
    read_in: BTreeSet<PathBuf>,
    /// Files that could not be read when they were found, and whether that was said: one that is being made is no journal yet.
    odd: BTreeMap<PathBuf, bool>,
    realtime: u64,
    lines: u64,
    is_cut: bool,
}

struct Followed {
    path: PathBuf,
    growing: Growing,
}

/// What a look at all journals found.
#[derive(Debug, Default)]
pub struct Look {
    /// Whether entries came.
    pub is_news: bool,
    /// Whether more is there already.
    pub is_more: bool,
    /// What could not be read, with what to do.
    pub errors: Vec<Error>,
    /// Whether a file was read to its end, after which nothing is written to it.
    has_ended: bool,
}

impl JournalFollow {
    /// Reads what the journals in `folders` have, of this boot only where `boot` is one, and goes on from there. With a
    /// cursor, only what lies behind it is read. `stop` ends that: see [`is_cut`](Self::is_cut).
    pub fn start(
        folders: Vec<PathBuf>,
        boot: Option<u128>,
        cursor: Option<Cursor>,
        options: &Options,
        stop: &AtomicBool,
        sink: &mut Sink<'_>,
    ) -> (Self, Summary, Vec<Error>) {
        let mut follow = Self {
            folders,
            wanted: journals::wanted(&options.prefixes),
            log: Log::new(options),
            growing: BTreeMap::new(),
            ended: Positions::new(),
            awaited: Positions::new(),
            flushed: Vec::new(),
            read_in: BTreeSet::new(),
            odd: BTreeMap::new(),
            realtime: 0,
            lines: 0,
            is_cut: false,
        };
        follow.log.only_boot = boot.filter(|_| cursor.is_none());
        let mut opening = Opening::new(options, sink);
        match cursor {
            Some(cursor) => follow.resume(cursor, &mut opening),
            None => follow.read_all(&mut opening, stop),
        }
        let (summary, errors) = opening.done();
        follow.lines = summary.lines;
        follow.log.only_boot = None;
        (follow, summary, errors)
    }

    /// Reads all files as one log, the earliest entry first.
    fn read_all(&mut self, opening: &mut Opening<'_, '_, '_>, stop: &AtomicBool) {
        let mut waiting = Vec::new();
        let mut uptimes = Vec::new();
        for path in self.files(opening) {
            let name = path.display().to_string();
            let opened = File::open(&path).and_then(|file| {
                let mut journal = JournalFile::open(file, None, Arc::clone(&self.wanted))?;
                let growing = journal.growing()?;
                if is_of_system(&path) {
                    uptimes.push((journal.position().0, journal.uptime()?));
                }
                Ok((journal, growing))
            });
            match opened {
                Err(why) => {
                    opening.failed(&name, why);
                    self.odd.insert(path, true);
                }
                Ok((journal, growing)) => {
                    let (id, seqnum) = journal.position();
                    let (first, last) = journal.realtime();
                    self.note(&path, last);
                    match growing {
                        Some(growing) => _ = self.growing.insert(id, Followed { path, growing }),
                        None => _ = self.ended.insert(id, seqnum),
                    }
                    if opening.has_ended_before(last, journal.entries()) {
                        self.log.positions.insert(id, seqnum);
                        continue;
                    }
                    opening.bounds.expect(journal.length());
                    waiting.push(Waiting {
                        head: first,
                        name,
                        what: RefCell::new(Some(journal)),
                    });
                }
            }
        }
        waiting.sort_by(|a, b| (a.head, &a.name).cmp(&(b.head, &b.name)));
        let bytes = waiting
            .iter()
            .map(|file| file.what.borrow().as_ref().map_or(0, JournalFile::length));
        let bytes = bytes.sum();
        let waiting: VecDeque<_> = waiting.into();
        let mut open = |journal: &RefCell<Option<JournalFile>>| {
            let journal = journal.borrow_mut().take();
            Ok(journal.map(Box::new))
        };
        opening.merge_into(&mut self.log, waiting, bytes, &mut open, stop);
        self.is_cut = stop.load(Ordering::Relaxed);
        if self.is_cut {
            // The files were taken for read when they were opened.
            self.realtime = (self.log.latest).map_or(0, |time| time.0.unsigned_abs());
            // Where nothing of this boot was met so far, the next run passes over the earlier ones once more.
            if self.log.only_boot.is_some() && !self.log.has_begun() {
                self.log.positions.clear();
            }
        } else {
            for (id, uptime) in uptimes {
                if let Some((boot, range)) = uptime {
                    self.log.note_range(boot, id, range);
                }
            }
            self.log.gone_on(opening.sink);
        }
    }

    /// Opens all files behind a cursor: those that it knows at their position, others from their start.
    fn resume(&mut self, cursor: Cursor, opening: &mut Opening<'_, '_, '_>) {
        self.realtime = cursor.realtime;
        self.log.boots = cursor.boots;
        opening.summary.known = true;
        opening.summary.blank = false;
        for path in self.files(opening) {
            let name = path.display().to_string();
            let opened = File::open(&path).and_then(|file| {
                let journal = JournalFile::open(file.try_clone()?, None, Arc::clone(&self.wanted))?;
                let (id, last) = journal.position();
                // One that has less than was read of it was put back to an earlier state, as with a snapshot of the machine.
                let known = cursor.positions.get(&id).filter(|read| **read <= last);
                let mut growing = Growing::new(file)?;
                growing.resume_behind(known.copied().unwrap_or(0));
                Ok((id, growing, known.is_none()))
            });
            match opened {
                // What it has of a boot may have been copied from one that is known.
                Ok((id, growing, true)) => self.flushed.push((id, Followed { path, growing })),
                Ok((id, growing, false)) => {
                    self.note(&path, cursor.realtime);
                    self.growing.insert(id, Followed { path, growing });
                }
                Err(why) => {
                    opening.failed(&name, why);
                    self.odd.insert(path, true);
                }
            }
        }
        if !self.is_up() {
            self.awaited = cursor.positions;
        }
    }

    /// Returns the journal files in the folders.
    fn files(&self, opening: &mut Opening<'_, '_, '_>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut found = false;
        for folder in &self.folders {
            match journal_files(folder) {
                Ok(own) => {
                    found = true;
                    files.extend(own);
                }
                Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => {
                    found = true;
                    opening.failed(&folder.display().to_string(), why);
                }
            }
        }
        if !found {
            let list: Vec<String> = self
                .folders
                .iter()
                .map(|f| f.display().to_string())
                .collect();
            let why = format!("no journal in {}; name its directory", list.join(" or "));
            opening.failed(LOCAL_JOURNAL, io::Error::other(why));
        }
        files
    }

    /// Looks for files in `folders` from now on; what is read already is read on.
    pub fn set_folders(&mut self, folders: Vec<PathBuf>) {
        self.folders = folders;
    }

    /// Whether entries were written since the last look to files that were there then.
    pub fn has_news(&self) -> bool {
        (self.growing.values()).any(|followed| followed.growing.has_news())
    }

    /// Hands on what was written since the last look; with `finds_files`, also of files that were not there then.
    pub fn look(&mut self, finds_files: bool, sink: &mut Sink<'_>) -> Look {
        let mut look = Look::default();
        if finds_files {
            self.take_new_files(&mut look);
        }
        let mut batches = self.read_growing(&mut look);
        // Behind a file that was rotated there is another, which may not be there for long.
        while look.has_ended {
            look.has_ended = false;
            self.take_new_files(&mut look);
            batches.extend(self.read_growing(&mut look));
        }
        // Their others have been read to the end just now.
        if !self.flushed.is_empty() && !look.is_more {
            for (id, mut followed) in std::mem::take(&mut self.flushed) {
                followed.growing.leave_out(self.log.boots.clone());
                self.growing.insert(id, followed);
            }
            batches.extend(self.read_growing(&mut look));
        }
        look.is_news = !batches.is_empty();
        self.hand_on(&batches, sink);
        look
    }

    /// Reads what was written to each file since the last look.
    fn read_growing(&mut self, look: &mut Look) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut read = Vec::new();
        let mut ended = Vec::new();
        for (id, followed) in &mut self.growing {
            let mut batch = Batch::default();
            match followed.growing.read(&self.wanted, &mut batch) {
                Ok(Grown::More) => look.is_more = true,
                Ok(Grown::Read) => {}
                Ok(Grown::Ended) => ended.push(*id),
                Err(why) => {
                    ended.push(*id);
                    look.errors.push(Error::Input {
                        name: followed.path.display().to_string(),
                        why,
                    });
                }
            }
            // All that the system wrote is in these, in its order, and `journalctl --flush` copies all of it.
            if is_of_system(&followed.path) {
                for (boot, range) in &batch.boots {
                    self.log.note_range(*boot, *id, *range);
                }
            }
            if batch.entries > 0 {
                read.extend(batch.span.map(|(_, last)| (followed.path.clone(), last)));
                batches.push(batch);
            }
        }
        for (path, last) in read {
            self.note(&path, last);
        }
        look.has_ended |= !ended.is_empty();
        for id in ended {
            if let Some(followed) = self.growing.remove(&id) {
                self.ended.insert(id, followed.growing.position().1);
            }
        }
        batches
    }

    /// Notes the time of an entry of a file.
    fn note(&mut self, path: &Path, realtime: u64) {
        self.realtime = self.realtime.max(realtime);
        self.read_in.extend(path.parent().map(Path::to_owned));
    }

    /// Whether journals of the machine of `path` were read in another folder than its own.
    fn is_read_elsewhere(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| {
            let is_other =
                |other: &&PathBuf| **other != folder && other.file_name() == folder.file_name();
            self.read_in.iter().any(|other| is_other(&other))
        })
    }

    /// Hands on the records of several files in the order of their time.
    fn hand_on(&mut self, batches: &[Batch], sink: &mut Sink<'_>) {
        let mut records: Vec<_> = batches
            .iter()
            .flat_map(|batch| batch.records.iter().map(move |record| (record, batch)))
            .collect();
        records.sort_by_key(|(record, _)| record.realtime);
        for (record, batch) in records {
            let message = &batch.bytes[record.message.clone()];
            self.log.record(record, message, batch.file, sink);
        }
        for batch in batches {
            self.lines += batch.entries;
            for life in &batch.lives {
                sink(LogEvent::Alive {
                    time: time(life.realtime),
                    monotonic: Some(micros(life.monotonic)),
                    host: Some(&life.host),
                });
            }
            if let Some((_, last)) = batch.span {
                self.log.alive(time(last), sink);
            }
        }
    }

    /// Opens files that were not there at the last look.
    fn take_new_files(&mut self, look: &mut Look) {
        let folders = self
            .folders
            .iter()
            .filter_map(|folder| journal_files(folder).ok());
        let mut there = Positions::new();
        for path in folders.flatten() {
            let Ok(file) = File::open(&path) else {
                // It was renamed or deleted in this moment; renamed, the next look has it.
                continue;
            };
            let opened = Growing::new(file);
            match opened {
                Ok(mut growing) => {
                    let (id, _) = growing.position();
                    growing.resume_behind(self.awaited.get(&id).copied().unwrap_or(0));
                    if let Some(known) = self.growing.get_mut(&id) {
                        known.path = path;
                    } else if let Some(seqnum) = self.ended.get(&id) {
                        there.insert(id, *seqnum);
                    } else if self.flushed.iter().any(|(known, _)| *known == id) {
                        // It is read after those that it was copied from.
                    } else if self.is_read_elsewhere(&path) {
                        self.flushed.push((id, Followed { path, growing }));
                    } else {
                        self.growing.insert(id, Followed { path, growing });
                    }
                }
                Err(why) => match self.odd.get_mut(&path) {
                    None => _ = self.odd.insert(path, false),
                    Some(true) => {}
                    Some(told) => {
                        *told = true;
                        look.errors.push(fault_of(&path.display().to_string(), why));
                    }
                },
            }
        }
        // What was deleted will not come back; a folder that was unmounted may.
        if self.is_up() {
            self.ended = there;
            self.awaited.clear();
        }
    }

    /// Whether there ever was a journal.
    pub fn has_journal(&self) -> bool {
        let is_odd = self.odd.keys().any(|path| !is_put_aside(path));
        self.is_up() || self.lines > 0 || !self.ended.is_empty() || is_odd
    }

    /// Whether a file is there that is written to.
    pub fn is_up(&self) -> bool {
        !(self.growing.is_empty() && self.flushed.is_empty())
    }

    /// Whether the first read was stopped: what is behind [`last`](Self::last) was not read.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// When the last entry that was read was received.
    pub fn last(&self) -> Time {
        time(self.realtime)
    }

    /// How many entries were met.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Where the reading stands.
    pub fn cursor(&self) -> Cursor {
        if self.is_cut {
            return Cursor {
                positions: self.log.positions.clone(),
                boots: self.log.boots.clone(),
                realtime: self.realtime,
            };
        }
        let growing = self.growing.values().map(|file| file.growing.position());
        let ended = self.ended.clone();
        let awaited = self.awaited.clone();
        Cursor {
            positions: growing.chain(ended).chain(awaited).collect(),
            boots: self.log.boots.clone(),
            realtime: self.realtime,
        }
    }
}

/// Whether this is a journal of the system, by its name, and not of a user.
fn is_of_system(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.as_encoded_bytes());
    name.is_some_and(|name| name.starts_with(b"system"))
}

/// Returns the files in `folder` that are journals by their names.
fn journal_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_journal_name(&path) && path.is_file() && !is_new(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
