//! Reads an INPUT of the command line to its end: opens it, and pushes its bytes through a [`Scanner`].

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::Prefixes;
use super::scan::{Scanner, Sink};
use crate::error::Error;
use crate::time::{Reading, Time};

/// How much is read at once, in bytes: measured, more gains nothing.
pub const BLOCK: usize = 256 * 1024;

/// How inputs are to be read.
#[derive(Debug, Clone)]
pub struct Options {
    pub prefixes: Prefixes,
    /// `reference` holds for what has no time of its own.
    pub reading: Reading,
}

/// What came of one input.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// How many lines, or records where the form has no lines.
    pub lines: u64,
    /// Whether any of them was of a known log format.
    pub known: bool,
    /// Whether it holds nothing but white space.
    pub blank: bool,
}

impl Summary {
    /// The account of what `scanner` has seen.
    pub fn of(scanner: &Scanner) -> Self {
        Self {
            lines: scanner.lines(),
            known: scanner.is_known(),
            blank: scanner.is_blank(),
        }
    }
}

/// Reads the file `path`.
///
/// # Errors
/// If it cannot be opened, or reading fails. What was read before is with `sink`, and counted in the summary.
pub fn read_file(path: &Path, options: &Options, sink: &mut Sink<'_>) -> (Summary, Option<Error>) {
    let failed = |why| Error::Input {
        name: path.display().to_string(),
        why,
    };
    let opened = File::open(path).and_then(|file| {
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Ok((file, meta))
    });
    let (mut file, meta) = match opened {
        Ok(opened) => opened,
        Err(why) => return (Summary::default(), Some(failed(why))),
    };
    let mut reading = options.reading;
    // A pipe's own time says nothing of the log.
    if meta.is_file()
        && let Some(written) = meta
            .modified()
            .ok()
            .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
    {
        reading.reference = Time(written.as_micros() as i64);
    }
    let (summary, why) = read_stream(&mut file, options, reading, sink);
    (summary, why.map(failed))
}

/// Reads a stream to its end.
pub fn read_stream(
    stream: &mut impl Read,
    options: &Options,
    reading: Reading,
    sink: &mut Sink<'_>,
) -> (Summary, Option<std::io::Error>) {
    let mut scanner = Scanner::new(options.prefixes.clone(), reading);
    let mut block = vec![0; BLOCK];
    let error = loop {
        match stream.read(&mut block) {
            Ok(0) => break None,
            Ok(n) => scanner.push(&block[..n], sink),
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => break Some(why),
        }
    };
    scanner.finish(sink);
    (Summary::of(&scanner), error)
}
