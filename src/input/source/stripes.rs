//! Parallel reading of a large plain file in stripes: one thread takes the scans of stripes in the order of the file,
//! while another reads and scans the next ones. The items of a log are the same, and in the same order, as when it is
//! read in sequence.
//!
//! A stripe has the lines that begin in it. Anything unusual, such as a line that is longer than a stripe, ends this way
//! of reading, and the rest is read in sequence.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use memchr::{memchr, memrchr};

use super::BLOCK;
use super::bounds::Bounds;
use super::room::Room;
use crate::input::event::Sink;
use crate::input::framing;
use crate::input::reader::{Reader, Scanner};
use crate::input::scan::Scan;

/// A file with less left to read is not worth a thread.
const LEAST: u64 = 8 << 20;
/// Stripes that may be scanned ahead of the one that is taken.
const AHEAD: u64 = 16;
/// Free slots at which a thread that waits for room is woken: waking a thread costs as much as a stripe.
const ROOM: u64 = AHEAD / 2;
/// Bytes read behind a stripe at first, for the end of its last line, and bytes read further where they contain none.
const OVERHANG: usize = 512;
const FARTHER: usize = 16 << 10;

/// Lines of a file, scanned.
#[derive(Default)]
struct Stripe {
    bytes: Room,
    /// Position of the lines in `bytes`.
    begin: usize,
    end: usize,
    /// Offset of the lines in the file.
    from: u64,
    scan: Scan,
    odd: bool,
}

/// State shared by both threads.
struct Shared<'f> {
    file: &'f File,
    scanner: &'f Scanner,
    /// Part of the file that is read in stripes.
    from: u64,
    to: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The next stripe to scan, and the next to take.
    next: u64,
    taken: u64,
    scanned: BTreeMap<u64, Stripe>,
    /// Stripes for reuse: fresh memory costs a page fault each 4 KiB.
    spare: Vec<Stripe>,
    /// Whether the thread that takes stripes waits for one, and whether the other waits for room.
    starved: bool,
    full: bool,
    /// One of the threads is done.
    over: bool,
}

impl State {
    /// Returns the number of stripes that may be scanned ahead.
    const fn room(&self) -> u64 {
        (self.taken + AHEAD).saturating_sub(self.next)
    }
}

/// Whether the part of a file between two offsets is worth a thread, and the machine has more than one.
pub(super) fn is_worth(from: u64, to: u64) -> bool {
    to.saturating_sub(from) >= LEAST
        && thread::available_parallelism().is_ok_and(|threads| threads.get() > 1)
}

/// Reads the lines of `file` between `from`, where one begins, and `to`, as far as possible in stripes. Returns the
/// offset of the rest.
pub(super) fn read(
    file: &File,
    Range {
        start: from,
        end: to,
    }: Range<u64>,
    reader: &mut Reader,
    scanner: &Scanner,
    sink: &mut Sink<'_>,
    bounds: &Bounds,
) -> u64 {
    let shared = Shared {
        file,
        scanner,
        from,
        to,
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, || {
            let _over = Over(&shared);
            shared.work();
        });
        if beside.is_err() {
            return from;
        }
        let _over = Over(&shared);
        shared.take(reader, sink, bounds)
    })
}

/// Marks a thread as done when it is dropped, also on a panic.
struct Over<'s, 'f>(&'s Shared<'f>);

impl Drop for Over<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_all();
    }
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, guard: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        self.changed
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the other thread if the state that it waits for has come.
    fn tell(&self, state: &State) {
        if state.starved || (state.full && state.room() >= ROOM) {
            self.changed.notify_all();
        }
    }

    const fn count(&self) -> u64 {
        self.to.div_ceil(BLOCK as u64) - self.from / BLOCK as u64
    }

    /// Returns the next stripe to scan, if it may be scanned now.
    fn claim(&self, state: &mut State) -> Option<(u64, Stripe)> {
        let index = state.next;
        if index == self.count() || state.room() == 0 {
            return None;
        }
        state.next += 1;
        Some((index, state.spare.pop().unwrap_or_default()))
    }

    fn scan(&self, index: u64, mut stripe: Stripe) {
        // A read error is reported when the rest is read in sequence.
        stripe.odd = self.fill(index, &mut stripe).ok() != Some(true);
        if !stripe.odd {
            let text = &stripe.bytes.bytes()[stripe.begin..stripe.end];
            self.scanner.scan(text, &mut stripe.scan);
        }
        let mut state = self.lock();
        state.scanned.insert(index, stripe);
        self.tell(&state);
    }

    /// Scans stripes until all are done.
    fn work(&self) {
        loop {
            let mut state = self.lock();
            let claimed = loop {
                if state.over || state.next == self.count() {
                    return;
                }
                let least = if state.full { ROOM } else { 1 };
                state.full = state.room() < least;
                if !state.full
                    && let Some(claimed) = self.claim(&mut state)
                {
                    break claimed;
                }
                state = self.wait(state);
            };
            drop(state);
            self.scan(claimed.0, claimed.1);
        }
    }

    /// Takes the stripes in their order, and scans one itself where none is ready.
    fn take(&self, reader: &mut Reader, sink: &mut Sink<'_>, bounds: &Bounds) -> u64 {
        let mut done = self.from;
        for index in 0..self.count() {
            let stripe = loop {
                let mut state = self.lock();
                if let Some(stripe) = state.scanned.remove(&index) {
                    break stripe;
                }
                if let Some((index, stripe)) = self.claim(&mut state) {
                    drop(state);
                    self.scan(index, stripe);
                } else if state.over {
                    return done;
                } else {
                    state.starved = true;
                    self.wait(state).starved = false;
                }
            };
            if stripe.odd || stripe.from != done || !reader.is_in_lines() {
                return done;
            }
            let text = &stripe.bytes.bytes()[stripe.begin..stripe.end];
            reader.push_scanned(text, &stripe.scan, sink);
            bounds.take(text.len());
            done += text.len() as u64;
            let mut state = self.lock();
            state.taken += 1;
            state.spare.push(stripe);
            self.tell(&state);
        }
        done
    }

    /// Returns the offset at which a stripe begins, if none of its lines is cut: the start of the lines, or a whole
    /// block.
    const fn begin(&self, index: u64) -> u64 {
        if index == 0 {
            self.from
        } else {
            (self.from / BLOCK as u64 + index) * BLOCK as u64
        }
    }

    /// Reads the lines that begin in a stripe; `false` where that is impossible.
    fn fill(&self, index: u64, stripe: &mut Stripe) -> io::Result<bool> {
        // The first stripe begins at a line; for others the byte before shows it.
        let from = self.begin(index) - u64::from(index > 0);
        let limit = usize::try_from(self.begin(index + 1).min(self.to) - from).unwrap_or(BLOCK);
        if stripe.bytes.bytes().is_empty() {
            // All but the first start a byte before a page.
            stripe.bytes = Room::new(1 + BLOCK + OVERHANG + FARTHER, 1);
        }
        let room = stripe.bytes.bytes_mut();
        let mut read = read_at(self.file, &mut room[..limit + OVERHANG], from)?;
        let last = limit.saturating_sub(1);
        let ends = |bytes: &[u8]| memchr(b'\n', bytes.get(last..).unwrap_or_default());
        let mut end = ends(&room[..read]);
        if end.is_none() && read == limit + OVERHANG {
            read += read_at(self.file, &mut room[read..], from + read as u64)?;
            end = ends(&room[..read]);
        }
        let bytes = &stripe.bytes.bytes()[..read];
        stripe.begin = match memchr(b'\n', bytes) {
            _ if index == 0 => 0,
            Some(end) if end < limit => end + 1,
            _ => return Ok(false),
        };
        stripe.end = match end {
            Some(end) => last + end + 1,
            // The file may end without a line end, or be truncated at this moment.
            None if from + read as u64 >= self.to => {
                memrchr(b'\n', bytes).map_or(stripe.begin, |end| end + 1)
            }
            None => return Ok(false),
        };
        stripe.from = from + stripe.begin as u64;
        let Some(text) = bytes.get(stripe.begin..stripe.end) else {
            return Ok(false);
        };
        // Lines that continue in the next stripe.
        Ok(framing::end_of_lines(text) == text.len())
    }
}

/// Fills `block` with the bytes at `at`. Returns their number.
#[cfg(unix)]
fn read_at(file: &File, block: &mut [u8], at: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    let mut filled = 0;
    while filled < block.len() {
        match file.read_at(&mut block[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(filled)
}

/// Returns an error, so that files are read in sequence: this platform has no positioned read.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
