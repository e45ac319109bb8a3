//! The files beside one that is followed: by their identity, whatever their names, and by their bytes.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::terminal;
use crate::time::Time;

/// Magic numbers of compressed copies: gzip, bzip2, xz, zstd.
const PACKED: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];

/// Number of bytes that a file has of another where one was made of the other: more than the first words that many logs have.
const ALIKE: usize = 100;

/// Identity of a file, independent of its name: device and inode on Unix, and when it was made, where that is known: the next
/// file may take the inode of one that was deleted.
pub(super) type Id = (u64, u64, i64);

pub(super) fn is_packed(begin: &[u8]) -> bool {
    PACKED.iter().any(|magic| begin.starts_with(magic))
}

/// A file in the same folder whose name has the same stem.
pub(super) struct Beside {
    pub(super) path: PathBuf,
    pub(super) id: Id,
    pub(super) length: u64,
    pub(super) modified: Option<Time>,
}

impl Beside {
    /// Returns the number at the end of its name: of `kern.log.2` and `kern.log.1`, the first is older.
    pub(super) fn turn(&self) -> Option<u32> {
        self.path.extension()?.to_str()?.parse().ok()
    }

    /// Opens the file; `None` where its name denotes another one by now, or none that can be opened.
    pub(super) fn open(&self) -> Option<File> {
        let file = File::open(&self.path).ok()?;
        (id(&file.metadata().ok()?) == self.id).then_some(file)
    }
}

/// Returns the plain files beside `path` whose names start with its stem: `kern.log.1`, `kern.log-20260422`,
/// `kern-20260422.log`; not the one that it denotes.
pub(super) fn beside(path: &Path) -> Vec<Beside> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let stem = path.file_stem().unwrap_or_default().as_encoded_bytes();
    let is_like = |name: &OsStr| {
        let rest = name.as_encoded_bytes().strip_prefix(stem);
        let rest = rest.unwrap_or_default();
        matches!(rest.first(), Some(b'.' | b'-' | b'_')) && Some(name) != path.file_name()
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_like(&entry.file_name()))
        .filter_map(|entry| {
            let meta = entry.metadata().ok().filter(Metadata::is_file)?;
            Some(Beside {
                path: entry.path(),
                id: id(&meta),
                length: meta.len(),
                modified: meta.modified().ok().and_then(terminal::time_of),
            })
        })
        .collect()
}

pub(super) fn id(meta: &Metadata) -> Id {
    let created = meta.created().ok().and_then(terminal::time_of);
    let created = created.map_or(0, |created| created.0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (meta.dev(), meta.ino(), created)
    }
    #[cfg(not(unix))]
    {
        (0, 0, created)
    }
}

/// Returns the identity of the file that `path` denotes now.
pub(super) fn named(path: &Path) -> Option<Id> {
    std::fs::metadata(path).map(|named| id(&named)).ok()
}

/// The first and the last bytes of a file.
pub(super) type Sample = (Vec<u8>, Vec<u8>);

/// Whether `file` begins or ends with a line, and more, of those that `sample` is of.
pub(super) fn is_shared((begin, end): &Sample, file: &File) -> bool {
    let length = file.metadata().map_or(0, |meta| meta.len());
    let other = bytes_at(file, 0, begin.len());
    let first = begin.iter().zip(&other).take_while(|(a, b)| a == b);
    let first = &other[..first.count()];
    let at = length.saturating_sub(end.len() as u64);
    let other = bytes_at(file, at, end.len());
    let last = (end.iter().rev()).zip(other.iter().rev());
    let last = &other[other.len() - last.take_while(|(a, b)| a == b).count()..];
    // The line break at the end belongs to the last line.
    [first, last.strip_suffix(b"\n").unwrap_or(last)]
        .iter()
        .any(|alike| alike.len() >= ALIKE && alike.contains(&b'\n'))
}

/// Returns the `length` bytes at `at`; fewer where the file ends.
pub(super) fn bytes_at(file: &File, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match read_at(file, &mut bytes[filled..], at + filled as u64) {
            Ok(read) if read > 0 => filled += read,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    bytes.truncate(filled);
    bytes
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

/// Reads nothing: on other systems a read at an offset moves the file's position, so nothing is compared.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Ok(0)
}
