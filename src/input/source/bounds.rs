//! What reading may cost: [`Bounds`] on what packed inputs unfold to, and [`Progress`] through the bytes of an input.
//!
//! Unpacking is streamed, so a packed input costs time, never memory; the bounds keep the time, and the disk that an
//! archive in an archive is laid on, in proportion to what the user handed over.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many packings may lie in each other: a support bundle has two, its supportconfig four.
pub(super) const DEPTH: u32 = 4;
/// What is never too much, in bytes.
const ALWAYS: u64 = 256 << 20;
/// How many times its packed size a thing may have that is not seen to be a log: text packs 10 to 40 times.
const RATIO: u64 = 100;
/// Ratio that is believed of a log: zstd makes 1 of 10,900 of a line that repeats for ever, and that is still a log.
const LOG_RATIO: u64 = 50_000;
/// How long a stream that has nothing just now is left alone.
const PAUSE: Duration = Duration::from_millis(10);

/// How far the reading is, kept up to date while it goes on. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64)>);

impl Progress {
    /// How many bytes of the inputs were read, as they lie on disk.
    pub fn read(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// How many there are, of those inputs that have been opened; 0 where it is not known.
    pub fn total(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }
}

/// The bounds of one input. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Bounds(Rc<Account>);

#[derive(Debug)]
struct Account {
    progress: Progress,
    /// Bytes read of the input itself.
    taken: Cell<u64>,
    /// The size of the input, where it has one: the parts of an archive are not read in a row.
    size: Cell<u64>,
    /// Bytes that came out of it, at whatever depth.
    given: Cell<u64>,
    /// Those of them that are not seen to be a log.
    hollow: Cell<u64>,
    tripped: Cell<bool>,
}

impl Bounds {
    pub(super) fn new(progress: Progress) -> Self {
        Self(Rc::new(Account {
            progress,
            taken: Cell::new(0),
            size: Cell::new(0),
            given: Cell::new(0),
            hollow: Cell::new(0),
            tripped: Cell::new(false),
        }))
    }

    /// Adds to the bytes that are to be read.
    pub(super) fn expect(&self, bytes: u64) {
        self.0.size.set(self.0.size.get() + bytes);
        self.0.progress.0.1.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes bytes of the input that were read.
    pub(super) fn take(&self, bytes: usize) {
        self.0.taken.set(self.0.taken.get() + bytes as u64);
        let read = &self.0.progress.0.0;
        read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Takes back bytes that will be read once more.
    pub(super) fn put_back(&self, bytes: usize) {
        self.0.taken.set(self.0.taken.get() - bytes as u64);
        let read = &self.0.progress.0.0;
        read.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// Notes unpacked bytes that are not seen to be a log.
    pub(super) fn hollow(&self, bytes: usize) {
        self.0.hollow.set(self.0.hollow.get() + bytes as u64);
    }

    /// Notes unpacked bytes.
    ///
    /// # Errors
    /// If that is too much.
    fn give(&self, bytes: usize) -> io::Result<()> {
        let given = &self.0.given;
        given.set(given.get() + bytes as u64);
        let packed = self.0.taken.get().max(self.0.size.get());
        let is_bomb = |bytes: u64, ratio| bytes > ALWAYS.max(packed.saturating_mul(ratio));
        if is_bomb(self.0.hollow.get(), RATIO) || is_bomb(given.get(), LOG_RATIO) {
            self.trip();
        }
        if self.is_tripped() {
            return Err(io::Error::other(format!(
                "{} unfold to more than {}, as a zip bomb does; what came before counts. If it is a log, unpack it \
                 and name the file",
                size(packed),
                size(given.get())
            )));
        }
        Ok(())
    }

    /// Nothing more is to be read of this input.
    pub(super) fn trip(&self) {
        self.0.tripped.set(true);
    }

    pub(super) fn is_tripped(&self) -> bool {
        self.0.tripped.get()
    }
}

/// What is said of an archive in an archive in an archive.
pub(super) fn too_deep() -> io::Error {
    io::Error::other(format!(
        "it is packed more than {DEPTH} times over, as a zip bomb is; unpack it and name the file in it"
    ))
}

/// A size as people say it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Counts the bytes of the input itself, and sits out interruptions.
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
    /// The file itself once more.
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
                // Somebody else made our end of the pipe non-blocking.
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

/// Counts the bytes that come out of a packing, and says in words what is wrong with it.
pub(super) struct Unpacked<R> {
    inner: R,
    bounds: Bounds,
    /// What it is packed as, and how that is checked.
    what: &'static str,
    check: &'static str,
    given: u64,
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
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
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
                return Err(io::Error::new(ErrorKind::InvalidData, text));
            }
        };
        self.given += n as u64;
        self.bounds.give(n)?;
        Ok(n)
    }
}
