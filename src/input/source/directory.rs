//! Directories: the files of a journal, `/var/log/journal` or one folder of it, or an unpacked support bundle.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bounds::{Bounds, Counted, DEPTH, Progress};
use super::journal::{JournalFile, JournalStream, Source, Waiting, Wanted};
use super::tree::Tree;
use super::unpack::{Kind, Peeked, unpack};
use super::{Opening, bundle, journals};
use crate::time::Time;

/// What a journal begins with.
const MAGIC: &[u8; 8] = b"LPKSHHRH";

/// Where journald keeps the journals of a machine (systemd-journald.service(8)), in folders named by its machine ID:
/// those that stay, and those of this boot.
pub const LOCAL_JOURNALS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

impl Opening<'_, '_, '_> {
    /// Reads what the directory `path` holds.
    pub(super) fn directory(&mut self, path: &Path) {
        let name = path.display().to_string();
        if let Err(why) = std::fs::read_dir(path) {
            return self.failed(&name, why);
        }
        let tree = Tree::Folder(path.to_owned());
        let names = tree.names();
        if bundle::Layout::of(&name, &names).is_some() {
            return self.tree(&name, tree, self.options.reading, 0);
        }
        let before = self.errors.len();
        let files = names.iter().map(|own| path.join(own)).collect();
        let lines = self.summary.lines;
        let waiting = self.journals_among(files);
        if !waiting.is_empty() || self.summary.lines > lines {
            self.journal_parts(waiting);
        } else if self.errors.len() == before {
            let why = "it is a directory, and holds neither a journal nor a support bundle; name the files in it";
            self.failed(&name, io::Error::other(why));
        }
    }

    /// Reads the journals in those of `folders` that there are, as one.
    pub(super) fn journal_folders(&mut self, name: &str, folders: &[PathBuf]) {
        let mut files = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            if let Err(why) = std::fs::read_dir(folder) {
                self.failed(&folder.display().to_string(), why);
                continue;
            }
            let names = Tree::Folder(folder.clone()).names();
            files.extend(names.iter().map(|own| folder.join(own)));
        }
        let (before, lines) = (self.errors.len(), self.summary.lines);
        let waiting = self.journals_among(files);
        let is_nothing = waiting.is_empty() && self.summary.lines == lines;
        if is_nothing && self.errors.len() == before {
            let list: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
            let why = format!("no journal in {}; name its directory", list.join(" or "));
            return self.failed(name, io::Error::other(why));
        }
        self.journal_parts(waiting);
    }

    /// The journals among `files`, in the order of their first entries. Those that ended before `--since` only count.
    fn journals_among(&mut self, files: Vec<PathBuf>) -> VecDeque<Waiting<JournalPath>> {
        let mut waiting = Vec::new();
        let wanted = journals::wanted(&self.options.prefixes);
        for path in files {
            let name = path.display().to_string();
            match JournalPath::look(path, &wanted) {
                Ok(Some(journal)) => {
                    let last = Time(i64::try_from(journal.realtime.1).unwrap_or(i64::MAX));
                    let since = self.options.since.map(|since| since.near(last));
                    if last.0 > 0 && since.is_some_and(|since| last < since) {
                        self.summary.lines += journal.entries;
                        continue;
                    }
                    self.bounds.expect(journal.bytes);
                    waiting.push(Waiting {
                        head: journal.realtime.0,
                        name,
                        what: journal,
                    });
                }
                Ok(None) => {}
                Err(why) => self.failed(&name, why),
            }
        }
        waiting.sort_by(|a, b| (a.head, &a.name).cmp(&(b.head, &b.name)));
        waiting.into()
    }
}

/// A journal in a directory.
pub(super) struct JournalPath {
    path: PathBuf,
    /// Whether it can be sought in: it is not compressed.
    is_plain: bool,
    pub(super) bytes: u64,
    /// Microseconds since 1970 of its first and its last entry; 0 where that is not known.
    realtime: (u64, u64),
    entries: u64,
}

impl JournalPath {
    /// Looks at the begin of the file `path`; `None` if it holds something else.
    fn look(path: PathBuf, wanted: &Arc<Wanted>) -> io::Result<Option<Self>> {
        // What has no size holds no journal: an empty file, or one of /proc, which may have no end or wait for ever.
        if path.metadata()?.len() == 0 {
            return Ok(None);
        }
        let mut file = File::open(&path)?;
        let mut magic = [0; MAGIC.len()];
        if file.read_exact(&mut magic).is_ok() && magic == *MAGIC {
            let journal = JournalFile::open(file, None, Arc::clone(wanted))?;
            return Ok(Some(Self {
                path,
                is_plain: true,
                bytes: journal.length(),
                realtime: journal.realtime(),
                entries: journal.entries(),
            }));
        }
        // A look at the begin is no reading.
        let Some(stream) = journal_in(&path, &Bounds::new(Progress::default()))? else {
            return Ok(None);
        };
        let stream = JournalStream::open(stream, Arc::clone(wanted))?;
        let realtime = (stream.realtime(), 0);
        drop(stream);
        Ok(Some(Self {
            bytes: path.metadata()?.len(),
            path,
            is_plain: false,
            realtime,
            entries: 0,
        }))
    }

    /// Opens it to be read.
    pub(super) fn open(
        &self,
        wanted: &Arc<Wanted>,
        bounds: &Bounds,
    ) -> io::Result<Option<Source<'static>>> {
        if self.is_plain {
            let file = File::open(&self.path)?;
            let path = Some(self.path.clone());
            let file = JournalFile::open(file, path, Arc::clone(wanted))?;
            return Ok(Some(Source::File(Box::new(file))));
        }
        let Some(stream) = journal_in(&self.path, bounds)? else {
            return Ok(None);
        };
        let stream = JournalStream::open(stream, Arc::clone(wanted))?;
        Ok(Some(Source::Stream(Box::new(stream))))
    }
}

/// The bytes of the compressed journal in the file `path`, its compression taken off; `None` if it holds something else.
fn journal_in(path: &Path, bounds: &Bounds) -> io::Result<Option<Box<dyn Read>>> {
    let mut stream: Box<dyn Read> = Box::new(Counted::new(File::open(path)?, bounds.clone()));
    for _ in 0..=DEPTH {
        let peeked = Peeked::new(stream, Vec::new())?;
        match peeked.kind() {
            Kind::Journal => return Ok(Some(peeked.into_stream())),
            Kind::Packed(codec) => stream = unpack(codec, peeked.into_stream(), bounds.clone())?,
            Kind::Text | Kind::Zip => return Ok(None),
        }
    }
    Ok(None)
}
