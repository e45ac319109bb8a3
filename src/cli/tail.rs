//! A file that is followed: it may grow, be truncated, or be rotated. A rotated file is read to its end before the file
//! that replaces it, also where whole files came and went between two looks.

mod beside;

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use beside::{Beside, Id, Sample, beside, bytes_at, id, is_packed, is_shared, named};

use super::watch::Watch;
use super::{complain, terminal};
use crate::error::printable;
use crate::time::{SECOND, Time};

/// Pause before the next read at the end of the file.
pub(super) const GROWTH: Duration = Duration::from_millis(50);
/// Time for which a rotated file is still read: the daemon writes to it until it is signalled to reopen its log.
const AFTERLIFE: Duration = Duration::from_secs(60);
/// Time for which a rotated file may complete an unfinished line.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Upper bound on the rotated files that are still read.
const MAX_ROTATED: usize = 8;
/// Length in bytes of the samples by which two files are compared.
const SAMPLE: usize = 1024;
/// Bytes of two files that are compared at once.
const BLOCK_COMPARED: u64 = 64 << 10;
/// Upper bound on the lag of a file system's clock.
const CLOCK: i64 = 2 * SECOND;
/// Upper bound on the rescans of a folder until two scans agree.
const LOOKS: usize = 5;
/// Time after which a name that denotes no file that can be opened is said: between two files of a rotation there may be none.
const GONE: Duration = Duration::from_secs(2);

/// A file that is read.
struct Followed {
    file: File,
    id: Id,
    read: u64,
    /// The first and the last bytes that were read.
    begin: Vec<u8>,
    before: Vec<u8>,
    /// Time at which its name was found to denote another file, or of the last read since.
    since: Instant,
}

/// A file under a name.
pub(super) struct Tail {
    path: PathBuf,
    /// Files that were rotated away, the oldest first, and at the end the one that the name denotes.
    files: VecDeque<Followed>,
    /// Files beside it that existed before, or were read.
    met: HashSet<Id>,
    /// Last time at which the name denoted the last of the files.
    seen: Time,
    /// File of the last bytes, if they do not end a line.
    open_line: Option<Id>,
    /// What was read before of the file that was replaced or rewritten, up to the first read of the new one.
    replaced: Option<Sample>,
    /// Time since which the name denotes no file that can be opened, and why.
    gone: Option<(Instant, io::Error)>,
    /// Whether the name denotes a file, by what was said last.
    is_up: bool,
}

impl Followed {
    fn new(file: File, id: Id) -> Self {
        Self {
            file,
            id,
            read: 0,
            begin: Vec::new(),
            before: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Whether the bytes before its place are still those that were read; one that was cut and has grown again has others.
    fn goes_on(&self, file: &File) -> bool {
        let at = self.read - self.before.len() as u64;
        bytes_at(file, at, self.before.len()) == self.before
    }

    /// Whether another file begins with all that was read of this one. A log that was rotated may begin as the next one, so
    /// every byte counts; most differ where the reading stands.
    fn is_continued_by(&self, other: &File) -> bool {
        let is_alike = |at: u64| {
            let length = (self.read - at).min(BLOCK_COMPARED) as usize;
            let own = bytes_at(&self.file, at, length);
            own.len() == length && own == bytes_at(other, at, length)
        };
        self.read > 0
            && self.goes_on(other)
            && (0..self.read)
                .step_by(BLOCK_COMPARED as usize)
                .all(is_alike)
    }

    /// Starts again at the start of the file. Returns the first and the last bytes that were read of what it held.
    fn restart(&mut self) -> io::Result<Sample> {
        self.read = self.file.seek(SeekFrom::Start(0))?;
        Ok((
            std::mem::take(&mut self.begin),
            std::mem::take(&mut self.before),
        ))
    }

    /// Reads the available bytes; `None` where the file was truncated since.
    fn read(&mut self, block: &mut [u8], is_file: bool) -> io::Result<Option<usize>> {
        let read = loop {
            match self.file.read(block) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if is_file && (!self.goes_on(&self.file) || self.file.metadata()?.len() < self.read) {
            return Ok(None);
        }
        if read > 0 {
            self.read += read as u64;
            self.since = Instant::now();
            // On other systems bytes cannot be compared.
            if is_file && cfg!(unix) {
                let rest = SAMPLE - self.begin.len();
                self.begin.extend_from_slice(&block[..read.min(rest)]);
                self.before
                    .extend_from_slice(&block[read.saturating_sub(SAMPLE)..read]);
                let old = self.before.len().saturating_sub(SAMPLE);
                self.before.drain(..old);
            }
        }
        Ok(Some(read))
    }
}

impl Tail {
    /// Opens the file that `path` denotes now, at its start.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let id = id(&file.metadata()?);
        let mut met: HashSet<Id> = beside(path).into_iter().map(|found| found.id).collect();
        // Its next name may be like its name where that is not: `syslog.1` has the stem of `syslog`.
        met.insert(id);
        Ok(Self {
            path: path.to_owned(),
            files: [Followed::new(file, id)].into(),
            met,
            seen: terminal::now(),
            open_line: None,
            replaced: None,
            gone: None,
            is_up: true,
        })
    }

    /// Returns how many bytes were written and not read so far.
    pub(super) fn left(&self) -> u64 {
        let left = self.files.iter().map(|file| {
            let length = file.file.metadata().ok().filter(Metadata::is_file);
            length.map_or(0, |meta| meta.len().saturating_sub(file.read))
        });
        left.sum()
    }

    /// Returns whether the name denotes a file that can be opened, where that has changed, and says so.
    pub(super) fn changed(&mut self) -> Option<bool> {
        let name = printable(&self.path.display().to_string());
        match &self.gone {
            Some((since, why)) if self.is_up && since.elapsed() >= GONE => {
                let what = if why.kind() == io::ErrorKind::NotFound {
                    "is gone".to_owned()
                } else {
                    format!(
                        "cannot be opened any more ({})",
                        printable(&why.to_string())
                    )
                };
                complain(&format!(
                    "`{name}` {what}: what is still written to the file before is read, and a new one as soon as it is there; put \
                     the log back under this name, or run again with the name that it has now"
                ));
                self.is_up = false;
                Some(false)
            }
            None if !self.is_up => {
                complain(&format!("`{name}` is there again, and read on"));
                self.is_up = true;
                Some(true)
            }
            _ => None,
        }
    }

    /// Reads the available bytes; returns 0 where there are none. A file that takes the name is watched from then on.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn poll(&mut self, block: &mut [u8], watch: &Watch) -> io::Result<usize> {
        if block.is_empty() {
            return Ok(0);
        }
        loop {
            let read = self.read_on(block)?;
            if read > 0 {
                return Ok(read);
            }
            if !self.turn()? {
                return Ok(0);
            }
            watch.add(&self.path);
        }
    }

    /// Reads on in the oldest file that has more. A line that has begun goes on in its own file.
    fn read_on(&mut self, block: &mut [u8]) -> io::Result<usize> {
        for at in 0..self.files.len() {
            let is_last = at + 1 == self.files.len();
            let file = &mut self.files[at];
            if self.open_line.is_some_and(|open| open != file.id) {
                continue;
            }
            let is_file = file.file.metadata()?.is_file();
            let was_empty = is_file && is_last && file.read == 0;
            let read = file.read(block, is_file)?;
            if was_empty
                && let Some(read @ 1..) = read
                && self.copied(&block[..read])?
            {
                return self.read_on(block);
            }
            if was_empty && read.is_some_and(|read| read > 0) {
                self.tell_shared();
            }
            let file = &mut self.files[at];
            match read {
                None if is_last => {
                    let read = self.cut(block)?;
                    if read > 0 {
                        return Ok(read);
                    }
                    return self.read_on(block);
                }
                None | Some(0) => {
                    let id = file.id;
                    if self.open_line == Some(id) && !is_last && file.since.elapsed() >= LAST_WORDS
                    {
                        self.open_line = None;
                        block[0] = b'\n';
                        return Ok(1);
                    }
                }
                Some(read) => {
                    self.open_line = (block[read - 1] != b'\n').then_some(file.id);
                    return Ok(read);
                }
            }
        }
        Ok(0)
    }

    /// Adds a copy of the last file that was made before the file was truncated and before anything in it was read.
    /// Returns whether there is one. `begin` holds the file's first bytes now.
    fn copied(&mut self, begin: &[u8]) -> io::Result<bool> {
        let Some(last) = self.files.back() else {
            return Ok(false);
        };
        let begin = &begin[..begin.len().min(SAMPLE)];
        let mut copies = self.between(Some(last.id));
        // Where the name means another file by now, this one was renamed, and what is found may be a later one.
        if named(&self.path) != Some(last.id) {
            return Ok(false);
        }
        copies.retain(|found| {
            let copy = bytes_at(&found.file, 0, SAMPLE);
            // A copy with the same first bytes was made from the present content.
            let length = copy.len().min(begin.len());
            !is_packed(&copy) && copy[..length] != begin[..length]
        });
        if copies.is_empty() {
            return Ok(false);
        }
        if let Some(last) = self.files.back_mut() {
            last.restart()?;
        }
        for copy in copies {
            self.met.insert(copy.id);
            let at = self.files.len() - 1;
            self.files.insert(at, copy);
        }
        Ok(true)
    }

    /// Says that the file that is read now has lines of the one before, if it has.
    fn tell_shared(&mut self) {
        if let (Some(replaced), Some(last)) = (self.replaced.take(), self.files.back())
            && is_shared(&replaced, &last.file)
        {
            complain(&format!(
                "`{}` was written anew with lines that were read before, as by an editor that removes others: all of it is read, and \
                 those lines count twice. Run again for the right numbers, and edit a copy of a log that is followed",
                printable(&self.path.display().to_string())
            ));
        }
    }

    /// Continues at the start of a file that was truncated, after the unread rest in its copy, if there is one.
    fn cut(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let copy = self.copy();
        let Some(last) = self.files.back_mut() else {
            return Ok(0);
        };
        let read = last.read;
        let (begin, before) = last.restart()?;
        let was_open = self.open_line.take().is_some();
        if let Some((mut file, id)) = copy {
            file.seek(SeekFrom::Start(read))?;
            let mut rest = Followed::new(file, id);
            (rest.read, rest.before) = (read, before);
            self.open_line = was_open.then_some(id);
            self.met.insert(id);
            let at = self.files.len() - 1;
            self.files.insert(at, rest);
            return Ok(0);
        }
        self.replaced = Some((begin, before));
        complain(&format!(
            "`{}` was cut while it was followed; what was written to it between the last look, at byte {read}, and the cut is \
             not counted. Rotate logs by renaming them (`create` in logrotate, not `copytruncate`), or read the copy too",
            printable(&self.path.display().to_string())
        ));
        if was_open {
            block[0] = b'\n';
            return Ok(1);
        }
        Ok(0)
    }

    /// Returns the copy of the last file that was made before it was cut.
    fn copy(&self) -> Option<(File, Id)> {
        let last = self.files.back()?;
        if last.before.is_empty() {
            return None;
        }
        let mut found = beside(&self.path);
        found.sort_by_key(|found| Reverse(found.modified));
        found.into_iter().find_map(|found| {
            let may_be = found.id != last.id && found.length >= last.read && self.is_recent(&found);
            let file = found.open().filter(|_| may_be)?;
            last.goes_on(&file).then_some((file, found.id))
        })
    }

    /// Adds the file that the name denotes now, and those that were created and rotated under it since the last look.
    /// Returns whether the name denotes a new file.
    fn turn(&mut self) -> io::Result<bool> {
        self.forget();
        let named_now = named(&self.path);
        let Some(last) = self.files.back_mut() else {
            return Ok(false);
        };
        if named_now == Some(last.id) {
            self.gone = None;
            self.seen = terminal::now();
            return Ok(false);
        }
        // Between two files of a rotation there may be none, and the one before may have its next name already.
        let file = match File::open(&self.path) {
            Ok(file) => {
                self.gone = None;
                Some(file)
            }
            Err(why) => {
                self.gone.get_or_insert((Instant::now(), why));
                None
            }
        };
        let new = file
            .as_ref()
            .map(File::metadata)
            .transpose()?
            .map(|meta| id(&meta));
        if new == Some(last.id) {
            return Ok(false);
        }
        last.since = Instant::now();
        let had = self.files.len();
        let mut between = self.between(new);
        let mut next = file.zip(new);
        // Where the name has been given to yet another file, this one is beside it as well, at its place.
        if next.is_some() && named(&self.path) != new {
            let all = self.between(None);
            next = next.filter(|_| all.iter().all(|found| Some(found.id) != new));
            between = if next.is_none() { all } else { between };
        }
        for found in between {
            self.met.insert(found.id);
            if !is_packed(&bytes_at(&found.file, 0, SAMPLE)) {
                self.files.push_back(found);
            }
        }
        if let Some((file, new)) = next {
            self.met.insert(new);
            self.seen = terminal::now();
            let mut next = Followed::new(file, new);
            if self.files.len() == had
                && let Some(last) = self.files.back()
                && last.is_continued_by(&next.file)
            {
                next.file.seek(SeekFrom::Start(last.read))?;
                (next.read, next.before) = (last.read, last.before.clone());
                next.begin.clone_from(&last.begin);
                if self.open_line == Some(last.id) {
                    self.open_line = Some(new);
                }
                complain(&format!(
                    "`{}` was replaced by a file that begins with all that was read, as editors and rsync do; it is read on \
                     behind that",
                    printable(&self.path.display().to_string())
                ));
            }
            let last = self.files.back().filter(|_| next.read == 0);
            self.replaced = last.map(|last| (last.begin.clone(), last.before.clone()));
            self.files.push_back(next);
        }
        Ok(self.files.len() > had)
    }

    /// Returns the files beside the name that are not known yet, without the one that the name denotes (`new`), the
    /// oldest first and each once.
    fn between(&self, new: Option<Id>) -> Vec<Followed> {
        let known = |id: Id| {
            Some(id) == new || self.met.contains(&id) || self.files.iter().any(|file| file.id == id)
        };
        let (mut listed, mut opened) = (Vec::new(), Vec::<Followed>::new());
        // A folder may be listed while files in it get their next names: such a file is listed under both of its names, and
        // one of them may denote another file by now, or none. Two scans without one agree.
        for _ in 0..=LOOKS {
            let mut found = beside(&self.path);
            found.retain(|found| !known(found.id) && self.is_recent(found));
            found.sort_by_key(|found| (found.modified, Reverse(found.turn()), found.path.clone()));
            opened.clear();
            let mut has_moved = false;
            for found in &found {
                match found.open() {
                    Some(file) if opened.iter().all(|other| other.id != found.id) => {
                        opened.push(Followed::new(file, found.id));
                    }
                    file => has_moved |= file.is_none(),
                }
            }
            let names: Vec<PathBuf> = found.into_iter().map(|found| found.path).collect();
            if names == listed && !has_moved {
                break;
            }
            listed = names;
        }
        opened
    }

    /// Whether a file was written since the name was last looked at: an older one belongs to an earlier rotation, or is
    /// an unrelated copy.
    fn is_recent(&self, found: &Beside) -> bool {
        found
            .modified
            .is_none_or(|modified| self.seen.since(modified) <= CLOCK)
    }

    /// Drops rotated files that are no longer written to, and the oldest of too many.
    fn forget(&mut self) {
        while self.files.len() > 1
            && let Some(oldest) = self.files.front()
            && self.open_line != Some(oldest.id)
            && (oldest.since.elapsed() >= AFTERLIFE || self.files.len() > MAX_ROTATED + 1)
        {
            self.files.pop_front();
        }
    }
}

impl Read for Tail {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let watch = Watch::default();
        loop {
            let read = self.poll(block, &watch)?;
            if read > 0 || block.is_empty() {
                return Ok(read);
            }
            thread::sleep(GROWTH);
        }
    }
}
