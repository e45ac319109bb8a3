//! The file of `--cursor-file`: how far each journal file was read.
//!
//! Its first line has the form and the time of the last entry; a line for each journal file has the ID of the file and the
//! sequence number of its last entry that was read; a line `boot` has the ID of a boot and the microseconds of it that were
//! read.

use std::io::{self, Write};
use std::path::Path;

use crate::error::Error;
use crate::input::source::Cursor;

/// What the file begins with.
const FORM: &str = "dropsift-cursor-1";

/// What the line of a boot begins with.
const BOOT: &str = "boot ";

/// Reads a cursor; `None` where there is no file yet, or it is empty.
///
/// # Errors
/// If it cannot be read, or holds something else.
pub(super) fn read(path: &Path) -> Result<Option<Cursor>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => parse(&text).map(Some).ok_or_else(|| {
            Error::Usage(format!(
                "--cursor-file `{}` holds no cursor; remove it to begin anew",
                path.display()
            ))
        }),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(named(path, why)),
    }
}

/// Replaces the cursor at once: whatever happens, the file holds the old one or the new one.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(path: &Path, cursor: &Cursor) -> Result<(), Error> {
    let replace = || -> io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text(cursor).as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    replace().map_err(|why| named(path, why))
}

fn named(path: &Path, why: io::Error) -> Error {
    Error::Input {
        name: path.display().to_string(),
        why,
    }
}

fn text(cursor: &Cursor) -> String {
    let mut text = format!("{FORM} {}\n", cursor.realtime);
    for (id, seqnum) in &cursor.positions {
        text.push_str(&format!("{id:032x} {seqnum}\n"));
    }
    for (id, monotonic) in &cursor.boots {
        text.push_str(&format!("{BOOT}{id:032x} {monotonic}\n"));
    }
    text
}

fn parse(text: &str) -> Option<Cursor> {
    let mut lines = text.lines();
    let realtime = lines.next()?.strip_prefix(FORM)?.trim().parse().ok()?;
    let mut cursor = Cursor {
        realtime,
        ..Cursor::default()
    };
    for line in lines {
        let (known, line) = match line.strip_prefix(BOOT) {
            Some(line) => (&mut cursor.boots, line),
            None => (&mut cursor.positions, line),
        };
        let (id, number) = line.split_once(' ')?;
        known.insert(u128::from_str_radix(id, 16).ok()?, number.parse().ok()?);
    }
    Some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        assert_eq!(read(&path).unwrap(), None);
        let cursor = Cursor {
            positions: [(1, 2), (u128::MAX, u64::MAX)].into(),
            boots: [(3, 4)].into(),
            realtime: 1_776_852_282_000_000,
        };
        for _ in 0..2 {
            write(&path, &cursor).unwrap();
            assert_eq!(read(&path).unwrap().as_ref(), Some(&cursor));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        for other in ["x\n", "dropsift-cursor-1\n", "dropsift-cursor-1 1\nzz 1\n"] {
            std::fs::write(&path, other).unwrap();
            assert!(read(&path).is_err(), "{other:?}");
        }
    }
}
