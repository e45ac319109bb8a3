//! Inputs: opens an INPUT of the command line, unpacks it, and pushes the bytes of the logs in it through a [`Reader`]
//! to its end.
//!
//! The kind of an input is detected from its content, never from its name. An unreadable part never hides the readable
//! rest: lines that were read count, and each failure is reported.

mod ahead;
mod archive;
mod bounds;
mod bundle;
mod cluster;
mod decode;
mod directory;
mod hint;
mod host;
mod journal;
mod journal_follow;
mod journal_path;
mod journals;
mod lines;
mod own;
mod own_page;
mod peel;
mod room;
mod root;
mod spool;
mod stripes;
mod tree;
mod unpack;
mod utf16;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use self::bounds::{Bounds, Counted};
use self::journal::{destroyed, empty, fault_of, is_journal_name, is_new};
use self::unpack::{Kind, Peeked, Source};
use super::Prefixes;
use super::event::Sink;
use super::objects::is_objects;
use super::reader::Reader;
use crate::error::Error;
use crate::time::{Moment, Reading, Time};

pub use self::bounds::Progress;
pub use self::cluster::{holds_objects, read_objects};
pub use self::directory::LOCAL_JOURNALS;
pub use self::hint::Hint;
pub use self::host::{Host, host_name, is_harvester, read_host};
pub use self::journal_follow::{Cursor, JournalFollow, Look};
pub use self::peel::{Live, peel, widen};
pub use self::room::Room;
pub use self::spool::Spool;

/// Bytes read at once: larger blocks gain nothing (measured).
pub const BLOCK: usize = 256 * 1024;
/// Bytes read from a pipe at once: its writer is woken for each block (measured: a fifth faster).
const BLOCK_OF_A_PIPE: usize = 2 * BLOCK;
/// Upper bound on the failures of one input that are reported one by one.
const TOLD: usize = 20;

/// Options of reading.
#[derive(Debug, Clone)]
pub struct Options {
    pub prefixes: Prefixes,
    /// Interpretation of time stamps; `reference` applies to inputs without a time of their own.
    pub reading: Reading,
    /// Progress, updated while inputs are read; a progress bar holds a clone.
    pub progress: Progress,
    /// Journal files that ended before are not read.
    pub since: Option<Moment>,
}

/// Result of reading one input.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// Number of lines, or of records where the form has no lines.
    pub lines: u64,
    /// Whether any of them was of a known log format.
    pub known: bool,
    /// Whether it holds nothing but white space.
    pub blank: bool,
    /// Whether Kubernetes objects were in it.
    pub objects: bool,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            lines: 0,
            known: false,
            blank: true,
            objects: false,
        }
    }
}

impl Summary {
    /// Returns the summary of the lines that `reader` has read.
    pub fn of(reader: &Reader) -> Self {
        Self {
            lines: reader.lines(),
            known: reader.is_known(),
            blank: reader.is_blank(),
            objects: false,
        }
    }

    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.known |= other.known;
        self.blank &= other.blank;
        self.objects |= other.objects;
    }
}

/// Reads the input `path`: a log, a journal, a directory of journals, a support bundle, packed or not; `-` is the
/// standard input.
///
/// The second value lists the parts that could not be read. Events of the parts before and after were passed to `sink`,
/// and count.
pub fn read_file(path: &Path, options: &Options, sink: &mut Sink<'_>) -> (Summary, Vec<Error>) {
    let mut opening = Opening::new(options, sink);
    if path.as_os_str() == "-" {
        opening.stdin();
        return opening.done();
    }
    let name = path.display().to_string();
    match std::fs::metadata(path) {
        Err(why) => opening.failed(&name, why),
        Ok(meta) if meta.is_dir() => opening.directory(path),
        Ok(_) => opening.path(path, &name),
    }
    opening.done()
}

/// Reads `input` to its end, whatever it contains, as [`read_file`] does.
pub fn read_stream(
    name: &str,
    input: impl Read + Send + 'static,
    options: &Options,
    sink: &mut Sink<'_>,
) -> (Summary, Vec<Error>) {
    let mut opening = Opening::new(options, sink);
    let stream = Counted::new(input, opening.bounds.clone());
    opening.input(name, Source::Stream(Box::new(stream)), options.reading, 0);
    opening.done()
}

/// What is said for the name of the journals of this machine, which are read by an option and have none.
pub const LOCAL_JOURNAL: &str = "the local journal";

/// Reads the journals of this machine.
pub fn read_local_journal(options: &Options, sink: &mut Sink<'_>) -> (Summary, Vec<Error>) {
    let mut opening = Opening::new(options, sink);
    opening.journal_folders(LOCAL_JOURNAL, &local_journals());
    opening.done()
}

/// Returns the folders of the journals of this machine, whether they are there or not.
pub fn local_journals() -> Vec<PathBuf> {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let folder = |root: &&str| Path::new(root).join(machine.trim());
    LOCAL_JOURNALS.iter().map(folder).collect()
}
/// Bytes of a file that is called a journal in which no text has a NUL.
const HEAD_OF_TEXT: usize = 4096;

/// One input while it is read.
struct Opening<'o, 'k, 's> {
    options: &'o Options,
    sink: &'k mut Sink<'s>,
    summary: Summary,
    errors: Vec<Error>,
    untold: usize,
    bounds: Bounds,
}

impl<'o, 'k, 's> Opening<'o, 'k, 's> {
    fn new(options: &'o Options, sink: &'k mut Sink<'s>) -> Self {
        Self {
            options,
            sink,
            summary: Summary::default(),
            errors: Vec::new(),
            untold: 0,
            bounds: Bounds::new(options.progress.clone()),
        }
    }

    fn done(mut self) -> (Summary, Vec<Error>) {
        if self.untold > 0 {
            self.errors.push(Error::Unreadable {
                name: "the rest".to_owned(),
                why: format!(
                    "{} more parts failed; read them one by one to see why",
                    self.untold
                ),
            });
        }
        (self.summary, self.errors)
    }

    fn failed(&mut self, name: &str, why: io::Error) {
        if self.errors.len() < TOLD {
            self.errors.push(fault_of(name, why));
        } else {
            self.untold += 1;
        }
    }

    fn stdin(&mut self) {
        const NAME: &str = "standard input";
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            widen(io::stdin());
            // A buffer of its own would copy every byte, and an archive in a file needs no copy on disk.
            match io::stdin().as_fd().try_clone_to_owned() {
                Ok(owned) => self.file(File::from(owned), NAME),
                Err(why) => self.failed(NAME, why),
            }
        }
        #[cfg(not(unix))]
        {
            let stream = Counted::new(io::stdin(), self.bounds.clone());
            self.input(
                NAME,
                Source::Stream(Box::new(stream)),
                self.options.reading,
                0,
            );
        }
    }

    fn path(&mut self, path: &Path, name: &str) {
        match File::open(path) {
            Ok(_) if path.metadata().is_ok_and(|meta| meta.len() == 0) && is_journal_name(path) => {
                let why = if is_new(path) { empty() } else { destroyed() };
                self.failed(name, why);
            }
            Ok(file) => self.file(file, name),
            Err(why) => self.failed(name, why),
        }
    }

    fn file(&mut self, file: File, name: &str) {
        let mut reading = self.options.reading;
        let meta = file.metadata();
        let regular = meta.as_ref().is_ok_and(std::fs::Metadata::is_file);
        // The time of a pipe says nothing about the log.
        if regular && let Ok(meta) = &meta {
            reading.reference = modified(meta).unwrap_or(reading.reference);
            self.bounds.expect(meta.len());
        }
        let file = Counted::new(file, self.bounds.clone());
        let source = if regular {
            Source::File(file)
        } else {
            Source::Stream(Box::new(file))
        };
        self.input(name, source, reading, 0);
    }

    /// Reads `source`, whatever it contains, at `depth` nested packings.
    fn input(&mut self, name: &str, source: Source<'_>, reading: Reading, depth: u32) {
        let mut reader = Reader::new(self.options.prefixes.clone(), reading);
        if self.pour(name, source, reading, depth, &mut reader) {
            reader.finish(self.sink);
            self.summary.add(Summary::of(&reader));
        }
    }

    /// Pushes the lines of `source` through `reader`. Returns whether it had any; an input without lines is read
    /// separately.
    fn pour(
        &mut self,
        name: &str,
        source: Source<'_>,
        reading: Reading,
        depth: u32,
        reader: &mut Reader,
    ) -> bool {
        if depth > bounds::DEPTH {
            self.bounds.trip();
            self.failed(name, bounds::too_deep());
            return false;
        }
        let plain = match &source {
            Source::File(file) => file.try_clone().ok(),
            Source::Stream(_) => None,
        };
        let size = (plain.as_ref())
            .and_then(|file| file.metadata().ok())
            .map_or(0, |meta| meta.len());
        // Another process that shares the file may have read its start.
        let is_whole = (plain.as_ref())
            .and_then(|mut file| file.stream_position().ok())
            .is_some_and(|position| position == 0);
        let (peeked, file) = match Peeked::of(source, Vec::with_capacity(BLOCK)) {
            Ok(peeked) => peeked,
            Err(why) => {
                self.failed(name, why);
                return false;
            }
        };
        match peeked.kind() {
            Kind::Text if reader.lines() == 0 && is_objects(peeked.head()) => {
                self.objects(name, peeked);
            }
            Kind::Text if is_broken_journal(name, peeked.head()) => {
                self.failed(name, destroyed());
            }
            Kind::Text => {
                // Only a plain file, neither packed nor in an archive, can be read in stripes.
                let whole = (plain.as_ref()).filter(|_| depth == 0);
                self.lines(name, peeked, depth, reader, whole);
                if let Some(file) = &plain {
                    self.check_size(name, file, size);
                }
                return true;
            }
            Kind::Packed(codec) => {
                match unpack::unpack(codec, peeked.into_stream(), self.bounds.clone()) {
                    Ok(stream) => {
                        let source = Source::Stream(stream);
                        return self.pour(name, source, reading, depth + 1, reader);
                    }
                    Err(why) => self.failed(name, why),
                }
            }
            Kind::Own => self.own(name, peeked.into_stream()),
            Kind::Unread(why) => self.failed(name, io::Error::other(why)),
            Kind::Zip => self.zip(name, peeked.into_stream(), file, reading, depth),
            Kind::Journal => match plain.filter(|_| is_whole) {
                Some(file) => self.journal_file(name, file),
                None => self.journal(name, peeked.into_stream()),
            },
        }
        false
    }
}

/// Whether an input that begins with `head` is a journal by its name, and binary, so that it is no text of one.
pub fn is_broken_journal(name: &str, head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD_OF_TEXT)];
    is_journal_name(Path::new(name)) && head.contains(&0)
}

/// Returns the time of the last write to a file.
fn modified(meta: &std::fs::Metadata) -> Option<Time> {
    let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Time(i64::try_from(since.as_micros()).ok()?))
}
