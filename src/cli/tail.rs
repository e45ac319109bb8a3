//! A file that is followed: it may grow, be cut to begin anew, or be rotated away from under its name.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long to wait for more.
const GROWTH: Duration = Duration::from_millis(200);

/// A file under a name. Reading waits for more where it ends.
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    read: u64,
}

impl Tail {
    /// Follows the file that `path` names now, from its begin.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path)?,
            read: 0,
        })
    }

    /// Goes on with what the name means now, if that is another file or begins anew.
    fn turn(&mut self) -> io::Result<()> {
        // Between two files of a rotation there may be none.
        let Ok(named) = std::fs::metadata(&self.path) else {
            return Ok(());
        };
        if !is_same(&named, &self.file.metadata()?) {
            if let Ok(file) = File::open(&self.path) {
                self.file = file;
                self.read = 0;
            }
        } else if named.is_file() && named.len() < self.read {
            // A named pipe has no length: whoever writes into it next goes on.
            self.read = self.file.seek(SeekFrom::Start(0))?;
        }
        Ok(())
    }
}

impl Read for Tail {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.file.read(block)?;
            if read > 0 {
                self.read += read as u64;
                return Ok(read);
            }
            thread::sleep(GROWTH);
            self.turn()?;
        }
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}
