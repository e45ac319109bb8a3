//! Resource bounds on reading: [`Bounds`] on the unpacked size of packed inputs, and [`Progress`] through the bytes of
//! an input.
//!
//! Unpacking is streamed, so a packed input costs time, never memory; the bounds keep the time, and the disk space for
//! an archive within an archive, in proportion to the size of the input.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bound on nested packings: a support bundle has two, its supportconfig four.
pub(super) const DEPTH: u32 = 4;
/// Unpacked bytes that are always allowed.
const ALWAYS: u64 = 256 << 20;
/// Upper bound on the ratio of unpacked to packed size for data that is not recognised as a log: text packs 10 to 40
/// times.
const RATIO: u64 = 100;
/// Upper bound on the ratio for a log: zstd packs a line that repeats for ever at 1 to 10,900, and that is still a log.
const LOG_RATIO: u64 = 50_000;
/// Pause before the next read from a stream that has no data at present.
const PAUSE: Duration = Duration::from_millis(10);

/// Progress of the reading, updated continuously. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64)>);

impl Progress {
    /// Returns the number of bytes read from the inputs, as they lie on disk.
    pub fn read(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Returns the size, in bytes, of the inputs opened so far; 0 where it is not known.
    pub fn total(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }
}

/// Resource bounds of one input. Clones share the counters.
#[derive(Debug, Clone)]
pub(super) struct Bounds(Arc<Account>);

#[derive(Debug)]
struct Account {
    progress: Progress,
    /// Bytes read of the input itself.
    taken: AtomicU64,
    /// Size of the input, if known: the members of an archive are not read in sequence.
    size: AtomicU64,
    /// Unpacked bytes, at any depth.
    given: AtomicU64,
    /// Unpacked bytes that are not recognised as a log.
    hollow: AtomicU64,
    tripped: AtomicBool,
}

impl Bounds {
    pub(super) fn new(progress: Progress) -> Self {
        Self(Arc::new(Account {
            progress,
            taken: AtomicU64::new(0),
            size: AtomicU64::new(0),
            given: AtomicU64::new(0),
            hollow: AtomicU64::new(0),
            tripped: AtomicBool::new(false),
        }))
    }

    /// Adds to the bytes to be read.
    pub(super) fn expect(&self, bytes: u64) {
        self.0.size.fetch_add(bytes, Ordering::Relaxed);
        self.0.progress.0.1.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes read from the input.
    pub(super) fn take(&self, bytes: usize) {
        self.0.taken.fetch_add(bytes as u64, Ordering::Relaxed);
        let read = &self.0.progress.0.0;
        read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Subtracts bytes that will be read again.
    pub(super) fn put_back(&self, bytes: usize) {
        self.0.taken.fetch_sub(bytes as u64, Ordering::Relaxed);
        let read = &self.0.progress.0.0;
        read.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// Counts unpacked bytes that are not recognised as a log.
    pub(super) fn hollow(&self, bytes: usize) {
        self.0.hollow.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts unpacked bytes.
    ///
    /// # Errors
    /// If the bounds are exceeded.
    fn give(&self, bytes: usize) -> io::Result<()> {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let given = self.0.given.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let packed = count(&self.0.taken).max(count(&self.0.size));
        let is_bomb = |bytes: u64, ratio| bytes > ALWAYS.max(packed.saturating_mul(ratio));
        if is_bomb(count(&self.0.hollow), RATIO) || is_bomb(given, LOG_RATIO) {
            self.trip();
        }
        if self.is_tripped() {
            return Err(io::Error::other(format!(
                "{} unfold to more than {}, as a zip bomb does; what came before counts. If it is a log, unpack it \
                 and name the file",
                size(packed),
                size(given)
            )));
        }
        Ok(())
    }

    /// Stops the reading of this input.
    pub(super) fn trip(&self) {
        self.0.tripped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_tripped(&self) -> bool {
        self.0.tripped.load(Ordering::Relaxed)
    }
}

/// Returns the error for an archive that is nested too deeply.
pub(super) fn too_deep() -> io::Error {
    io::Error::other(format!(
        "it is packed more than {DEPTH} times over, as a zip bomb is; unpack it and name the file in it"
    ))
}

/// Formats a size with its unit.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Counts the bytes read from the input, and retries interrupted reads.
pub(super) struct Counted<R> {
    inner: R,
    bounds: Bounds,
}

impl<R> Counted<R> {
    pub(super) const fn new(inner: R, bounds: Bounds) -> Self {
        Self { inner, bounds }
    }
}

impl Counted<std::fs::File> {
    /// Duplicates the file handle.
    pub(super) fn try_clone(&self) -> io::Result<std::fs::File> {
        self.inner.try_clone()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buf) {
                Ok(n) => {
                    self.bounds.take(n);
                    return Ok(n);
                }
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                // The pipe is non-blocking, because another process that shares it made it so.
                Err(why) if why.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                Err(why) => return Err(why),
            }
        }
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Counts the bytes that come out of a decoder, and describes its errors.
pub(super) struct Unpacked<R> {
    inner: R,
    bounds: Bounds,
    /// Name of the packing, and the command that checks it.
    what: &'static str,
    check: &'static str,
    given: u64,
    /// What it found: asked again, decoders find something else.
    damage: Option<String>,
}

impl<R> Unpacked<R> {
    pub(super) const fn new(
        inner: R,
        bounds: Bounds,
        what: &'static str,
        check: &'static str,
    ) -> Self {
        Self {
            inner,
            bounds,
            what,
            check,
            given: 0,
            damage: None,
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(damage) = &self.damage {
            return Err(io::Error::new(ErrorKind::InvalidData, damage.clone()));
        }
        let n = match self.inner.read(buf) {
            Ok(n) => n,
            Err(why)
                if self.bounds.is_tripped()
                    || matches!(why.kind(), ErrorKind::Interrupted | ErrorKind::OutOfMemory) =>
            {
                return Err(why);
            }
            Err(why) => {
                let text = format!(
                    "its {} data is damaged or cut off after {} unpacked ({why}); what came before counts. Get it \
                     again; `{}` checks it",
                    self.what,
                    size(self.given),
                    self.check
                );
                self.damage = Some(text.clone());
                return Err(io::Error::new(ErrorKind::InvalidData, text));
            }
        };
        self.given += n as u64;
        self.bounds.give(n)?;
        Ok(n)
    }
}
