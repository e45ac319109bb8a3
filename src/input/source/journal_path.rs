//! A journal in a directory: inspected once, opened when its turn has come.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Spool;
use super::bounds::{Bounds, Counted, DEPTH, Progress};
use super::journal::{JournalFile, MAGIC, Wanted, destroyed, is_journal_name, is_new, realtime_of};
use super::unpack::{Kind, Peeked, unpack};

/// A journal in a directory.
pub(super) struct JournalPath {
    path: PathBuf,
    /// Whether it is seekable, that is not compressed.
    is_plain: bool,
    pub(super) bytes: u64,
    /// Microseconds since 1970 of its first and its last entry; 0 where that is not known.
    pub(super) realtime: (u64, u64),
    pub(super) entries: u64,
}

impl JournalPath {
    /// Inspects the start of the file `path`; `None` if it contains something else.
    pub(super) fn look(path: PathBuf, wanted: &Arc<Wanted>) -> io::Result<Option<Self>> {
        // A file without a size is no journal: it is empty, or one of /proc, which may have no end or block for ever.
        if path.metadata()?.len() == 0 {
            return match is_journal_name(&path) && !is_new(&path) {
                true => Err(destroyed()),
                false => Ok(None),
            };
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
        // Bytes read for the inspection do not count as progress.
        let Some(stream) = journal_in(&path, &Bounds::new(Progress::default()))? else {
            return match is_journal_name(&path) {
                true => Err(destroyed()),
                false => Ok(None),
            };
        };
        Ok(Some(Self {
            realtime: (realtime_of(stream)?.0, 0),
            bytes: path.metadata()?.len(),
            path,
            is_plain: false,
            entries: 0,
        }))
    }

    /// Opens it to be read.
    pub(super) fn open(
        &self,
        wanted: &Arc<Wanted>,
        bounds: &Bounds,
    ) -> io::Result<Option<Box<JournalFile>>> {
        if self.is_plain {
            let file = File::open(&self.path)?;
            let path = Some(self.path.clone());
            let file = JournalFile::open(file, path, Arc::clone(wanted))?;
            return Ok(Some(Box::new(file)));
        }
        let Some(stream) = journal_in(&self.path, bounds)? else {
            return Ok(None);
        };
        let (copy, broken) = Spool::copy(stream, bounds)?;
        let file = JournalFile::copied(copy, broken, Arc::clone(wanted))?;
        Ok(Some(Box::new(file)))
    }
}

/// Returns the bytes of the compressed journal in the file `path`, its compression taken off; `None` if it holds
/// something else.
fn journal_in(path: &Path, bounds: &Bounds) -> io::Result<Option<Box<dyn Read + Send>>> {
    let mut stream: Box<dyn Read + Send> =
        Box::new(Counted::new(File::open(path)?, bounds.clone()));
    for _ in 0..=DEPTH {
        let peeked = Peeked::new(stream, Vec::new())?;
        match peeked.kind() {
            Kind::Journal => return Ok(Some(peeked.into_stream())),
            Kind::Packed(codec) => stream = unpack(codec, peeked.into_stream(), bounds.clone())?,
            // A journal that was packed, by its name: `system.journal.lz4`.
            Kind::Unread(why)
                if is_journal_name(Path::new(path.file_stem().unwrap_or_default())) =>
            {
                return Err(io::Error::other(why));
            }
            Kind::Text | Kind::Own | Kind::Unread(_) | Kind::Zip => return Ok(None),
        }
    }
    Ok(None)
}
