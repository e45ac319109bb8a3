//! An unnamed temporary file for a stream that must be sought in, or read twice. The system removes it however the
//! program ends.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use super::BLOCK;
use super::bounds::Bounds;

/// An unnamed temporary file while it is written. Its errors name the folder for temporary files.
#[derive(Debug)]
pub struct Spool(File);

impl Spool {
    /// Creates an empty file.
    ///
    /// # Errors
    /// If the folder for temporary files cannot hold it.
    pub fn new() -> io::Result<Self> {
        tempfile::tempfile().map(Self).map_err(named)
    }

    /// Copies `stream` to a file, up to `bounds`, since its bytes are not recognised as a log. Returns the file at its start,
    /// and the error that ended the stream.
    ///
    /// # Errors
    /// If the folder for temporary files cannot hold it.
    pub(super) fn copy(
        mut stream: impl Read,
        bounds: &Bounds,
    ) -> io::Result<(File, Option<io::Error>)> {
        let mut file = Self::new()?;
        let mut block = vec![0; BLOCK];
        let broken = loop {
            match stream.read(&mut block) {
                Ok(0) => break None,
                Ok(n) => {
                    file.write_all(&block[..n])?;
                    bounds.hollow(n);
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => break Some(why),
            }
        };
        Ok((file.rewound()?, broken))
    }

    /// Returns the file, at its start.
    ///
    /// # Errors
    /// If it cannot be sought in.
    pub fn rewound(mut self) -> io::Result<File> {
        self.0.rewind()?;
        Ok(self.0)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|why| match why.kind() {
            io::ErrorKind::Interrupted => why,
            _ => named(why),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Adds the directory for temporary files and the remedy to an error.
fn named(why: io::Error) -> io::Error {
    let words = why.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    // tempfile adds the path, which stands below.
    let words = words.split(" at path").next().unwrap_or_default();
    let folder = tempfile::env::temp_dir();
    if words.starts_with("Too many open files") {
        return io::Error::other(
            "too many files are open at once; allow more of them with `ulimit -n 4096`, or unpack it and name the folder",
        );
    }
    // Its kind would be taken for one of the input.
    io::Error::other(format!(
        "it came as a stream and must be kept in a file, and none can be written in `{}` ({}); set TMPDIR to a folder \
             with room, or save it as a file and name that",
        folder.display(),
        words.to_lowercase()
    ))
}
