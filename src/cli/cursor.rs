//! The file of `--cursor-file`: how far each journal file was read.
//!
//! Its first line has the form and the time of the last entry, or `-` where nothing was read yet; a line for each journal file
//! has the ID of the file and the sequence number of its last entry that was read; a line `boot` has the ID of a boot, that of
//! a file, and from which microsecond of the boot to which the file was read. The last line is `end`: without it the file is
//! not whole.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::input::source::Cursor;

/// What the file begins with, in any version.
const NAME: &str = "dropsift-cursor-";

/// What the file begins with.
const FORM: &str = "dropsift-cursor-2";

/// What it began with when it had no seal, and of a boot only how far it was read in some file, which does not tell what was
/// left out before.
const UNSEALED: &str = "dropsift-cursor-1";

/// What the file ends with.
const SEAL: &str = "end\n";

/// Stands for the time of the last entry where nothing was read yet.
const NONE: &str = "-";

/// What the line of a boot begins with.
const BOOT: &str = "boot ";

/// Upper bound on the bytes of a cursor.
const MAX_BYTES: u64 = 16 << 20;

/// What a cursor's file held when it was opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Cursor(Cursor),
    /// What is left of a cursor, as after a power cut.
    Damaged,
}

/// A cursor's file, which no other run uses meanwhile.
#[derive(Debug)]
pub(super) struct CursorFile {
    path: PathBuf,
    /// The name that was given.
    given: PathBuf,
    /// Holds the lock of the file that `path` names now.
    held: File,
    /// What was written last.
    kept: Option<Cursor>,
}

/// Whether this run holds the lock of `file` now. Another one may be about to end, or to start a program, which has the lock
/// too for the moment between fork and exec.
fn is_locked(file: &File) -> bool {
    const TRIES: usize = 10;
    const PAUSE: Duration = Duration::from_millis(20);
    (0..TRIES).any(|_| {
        let is_free = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if !is_free {
            thread::sleep(PAUSE);
        }
        is_free
    })
}

impl CursorFile {
    /// Opens the file, or creates it: what stands in the way is found before anything is read.
    ///
    /// # Errors
    /// If it cannot be read or replaced, holds something else, or is used by another run.
    pub(super) fn open(given: &Path) -> Result<(Self, Found), Error> {
        // A link stays, and leads to the new file.
        let path = std::fs::canonicalize(given).unwrap_or_else(|_| given.to_owned());
        let told = |why: io::Error| refused(given, &why);
        if std::fs::metadata(&path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
            return Err(usage(given, "it is no file; name one that may be replaced"));
        }
        let is_new = !path.exists();
        let held = loop {
            let mut open = OpenOptions::new();
            let file = open.read(true).append(true).create(true).open(&path);
            let file = file.map_err(told)?;
            if !is_locked(&file) {
                let why = "another run uses it; end that one, or name another file for this one";
                return Err(usage(given, why));
            }
            // Another run may have replaced it in this moment.
            let (own, there) = (file.metadata().map_err(told)?, std::fs::metadata(&path));
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
                break file;
            }
        };
        let mut bytes = Vec::new();
        (&held)
            .take(MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(told)?;
        if is_new && bytes.is_empty() {
            // One that is empty later was cut.
            bytes = format!("{FORM} {NONE}\n{SEAL}").into_bytes();
        }
        let found = find(&bytes).ok_or_else(|| {
            usage(
                given,
                "it holds no cursor; remove it to begin anew, or name another file",
            )
        })?;
        let mut file = Self {
            path,
            given: given.to_owned(),
            held,
            kept: None,
        };
        // What is there is written again, so that a folder or a disk that takes nothing is known now.
        match file.replace(&bytes) {
            // The log is watched all the same, behind the cursor that is there.
            Err(why) if is_full(&why) && matches!(found, Found::Cursor(_)) => {}
            done => done.map_err(told)?,
        }
        Ok((file, found))
    }

    /// Keeps the cursor, if it is another than the last one.
    ///
    /// # Errors
    /// If it cannot be written. The file has the last one then.
    pub(super) fn save(&mut self, cursor: Cursor) -> Result<(), Error> {
        if self.kept.as_ref() != Some(&cursor) {
            self.replace(text(&cursor).as_bytes())
                .map_err(|why| refused(&self.given, &why))?;
            self.kept = Some(cursor);
        }
        Ok(())
    }

    /// Replaces the content at once: whatever happens, the file holds the old one or the new one.
    fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        let folder = folder(&self.path);
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        // The lock goes on without a gap; not every file system has locks.
        let _ = file.as_file().try_lock();
        self.held = file.persist(&self.path)?;
        File::open(folder)?.sync_all()
    }
}

/// Returns the folder of a file.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether no more can be written for now.
fn is_full(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Tells what a file holds; `None` where that is no cursor.
fn find(bytes: &[u8]) -> Option<Found> {
    // Blocks that were never written are read as zeros.
    let written = bytes.iter().rposition(|byte| *byte != 0);
    let begin = &bytes[..written.map_or(0, |last| last + 1)];
    let is_cursor = begin.starts_with(NAME.as_bytes()) || NAME.as_bytes().starts_with(begin);
    is_cursor.then(|| {
        let text = std::str::from_utf8(bytes).ok();
        text.and_then(parse).unwrap_or(Found::Damaged)
    })
}

fn usage(path: &Path, why: &str) -> Error {
    Error::Usage(format!("--cursor-file `{}`: {why}", path.display()))
}

/// Says why the file cannot be opened or replaced, and what to do.
fn refused(path: &Path, why: &io::Error) -> Error {
    let folder = folder(path).display();
    usage(
        path,
        &match why.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                format!("`{folder}` is no directory; make it, or name a file in another")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
                "no file can be written in `{folder}`; run as a user who may, or name a file elsewhere"
            ),
            io::ErrorKind::IsADirectory => "it is a directory; name a file in it".to_owned(),
            _ if is_full(why) => {
                format!("no space is left in `{folder}`; free some, or name a file elsewhere")
            }
            _ => format!("it cannot be written ({why}); name a file elsewhere"),
        },
    )
}

fn text(cursor: &Cursor) -> String {
    let mut text = format!("{FORM} {}\n", cursor.realtime);
    for (id, seqnum) in &cursor.positions {
        text.push_str(&format!("{id:032x} {seqnum}\n"));
    }
    for ((boot, file), (from, to)) in &cursor.boots {
        text.push_str(&format!("{BOOT}{boot:032x} {file:032x} {from} {to}\n"));
    }
    text.push_str(SEAL);
    text
}

/// Returns what a whole cursor tells; `None` where a part is missing.
fn parse(text: &str) -> Option<Found> {
    let (text, is_sealed) = match text.strip_prefix(FORM) {
        Some(text) => (text.strip_suffix(SEAL)?, true),
        None => (text.strip_prefix(UNSEALED)?, false),
    };
    let mut lines = text.strip_suffix('\n')?.lines();
    let realtime = lines.next()?.strip_prefix(' ')?;
    if is_sealed && realtime == NONE {
        return Some(Found::Nothing);
    }
    let mut cursor = Cursor {
        realtime: realtime.parse().ok()?,
        ..Cursor::default()
    };
    let id = |text: Option<&str>| u128::from_str_radix(text?, 16).ok();
    let number = |text: Option<&str>| text?.parse().ok();
    for line in lines {
        let mut parts = line.strip_prefix(BOOT).unwrap_or(line).split(' ');
        let first = id(parts.next())?;
        if !line.starts_with(BOOT) {
            cursor.positions.insert(first, number(parts.next())?);
        } else if is_sealed {
            let key = (first, id(parts.next())?);
            let range = (number(parts.next())?, number(parts.next())?);
            cursor.boots.insert(key, range);
        } else {
            number(parts.next())?;
        }
        if parts.next().is_some() {
            return None;
        }
    }
    Some(Found::Cursor(cursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        let cursor = Cursor {
            positions: [(1, 2), (u128::MAX, u64::MAX)].into(),
            boots: [((3, 1), (4, 5))].into(),
            realtime: 1_776_852_282_000_000,
        };
        let (mut file, found) = CursorFile::open(&path).unwrap();
        assert_eq!(found, Found::Nothing);
        for _ in 0..2 {
            file.save(cursor.clone()).unwrap();
            // The lock is that of the file that is there now.
            let refused = CursorFile::open(&path).unwrap_err().to_string();
            assert!(refused.contains("another run uses it"), "{refused}");
        }
        drop(file);
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Cursor(cursor));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_power_cut_leaves_begins_anew_and_another_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        let whole = text(&Cursor {
            positions: [(1, 23)].into(),
            boots: [((3, 1), (4, 56))].into(),
            realtime: 1_776_852_282_000_000,
        });
        let cut = (0..whole.len()).map(|end| whole.as_bytes()[..end].to_vec());
        let zeros = (1..whole.len()).map(|end| {
            let mut bytes = whole.clone().into_bytes();
            bytes[end..].fill(0);
            bytes
        });
        let others = [
            &b"\0\0\0\0"[..],
            b"dropsift-cursor-1\n",
            b"dropsift-cursor-1 1\nzz 1\n",
            b"dropsift-cursor-1 1\n\0\0",
            b"dropsift-cursor-1 17768",
            b"dropsift-cursor-1 1\n00000000000000000000000000000001 2",
        ];
        let others = others.into_iter().map(<[u8]>::to_vec);
        for left in others.chain(cut).chain(zeros) {
            std::fs::write(&path, &left).unwrap();
            assert_eq!(
                CursorFile::open(&path).unwrap().1,
                Found::Damaged,
                "{left:?}"
            );
        }
        for other in [&b"x\n"[..], b"\xff\xfe\0", b"root:x:0:0\n"] {
            std::fs::write(&path, other).unwrap();
            let refused = CursorFile::open(&path).unwrap_err().to_string();
            assert!(
                refused.contains("it holds no cursor; remove it"),
                "{refused}"
            );
            assert_eq!(std::fs::read(&path).unwrap(), other);
        }
    }

    #[test]
    fn a_file_without_a_seal_is_read_and_one_of_which_nothing_was_read_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Nothing);
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Nothing);
        std::fs::write(
            &path,
            "dropsift-cursor-1 7\n00000000000000000000000000000001 2\nboot 00000000000000000000000000000003 4\n",
        )
        .unwrap();
        // How far a boot was read tells nothing of what was left out before.
        let known = Cursor {
            positions: [(1, 2)].into(),
            realtime: 7,
            ..Cursor::default()
        };
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Cursor(known));
    }

    #[test]
    fn what_stands_in_the_way_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("own")).unwrap();
        let own = folder.path().join("own").display().to_string();
        for (path, why) in [
            (own.clone(), "it is a directory; name a file in it"),
            (format!("{own}/no/c"), "is no directory; make it"),
            ("/proc/c".to_owned(), "; "),
            ("/dev/null".to_owned(), "it is no file"),
        ] {
            let refused = CursorFile::open(Path::new(&path)).unwrap_err().to_string();
            assert!(
                refused.contains("--cursor-file") && refused.contains(why),
                "{refused}"
            );
        }
    }
}
