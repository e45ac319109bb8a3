//! Merge of the files of one journal in the order of time. Only files that overlap are open at the same time, and of
//! each only some records are in memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::available_parallelism;

use super::batch::{Batch, Life};
use super::copies::Copies;
use super::file::{JournalFile, Share};
use super::pool::Pool;
use super::record::Record;

/// Upper bound on the bytes of the batches of all open files.
const MAX_BATCHES: usize = 8 << 20;
/// Least and largest size of a batch, in bytes.
const BATCH: (usize, usize) = (4 << 10, 256 << 10);
/// Number of open files up to which they stay open and are read ahead.
const FEW: usize = 32;
/// Number of files that are opened before their turn.
const AHEAD: usize = 2;
/// Size of the files, in bytes, from which threads pay.
const MIN_THREADED: u64 = 4 << 20;
/// Upper bound on the threads: more would only wait for the one that takes the records.
const MAX_THREADS: usize = 4;

/// A file that is not open yet: its name, and the time of its first entry.
pub(in crate::input::source) struct Waiting<T> {
    pub(in crate::input::source) head: u64,
    pub(in crate::input::source) name: String,
    pub(in crate::input::source) what: T,
}

/// An item of the merged stream.
pub(in crate::input::source) enum Item<'b> {
    /// A file had an entry at this time.
    Alive(u64),
    /// Last entry of a machine so far.
    Lives(&'b Life),
    /// A record, its message, and the ID of its file.
    Record(&'b Record, &'b [u8], u128),
    /// A record that another file had too, and the ID of its file.
    Copy(&'b Record, u128),
    /// All of a file up to the entry with this sequence number was told.
    Told { file: u128, seqnum: u64 },
    /// Entries met and bytes passed since the last item.
    Passed { entries: u64, bytes: u64 },
    /// A file could not be read, or not all of it.
    Failed { name: &'b str, why: std::io::Error },
}

/// A file that is open.
struct Part {
    name: String,
    state: State,
    batch: Batch,
    next: usize,
    /// The latest time of a record that was passed on.
    latest: u64,
}

enum State {
    Here(Box<JournalFile>),
    /// Its next batch is being read by another thread.
    Away(Receiver<(Box<JournalFile>, Batch)>),
    Ended,
}

/// Merges files.
pub(in crate::input::source) struct Merge<T> {
    waiting: VecDeque<Waiting<T>>,
    /// Opened before their turn, with the times of their first entries.
    ahead: VecDeque<(u64, Part)>,
    parts: Vec<Part>,
    /// The time of the next record of each part that has one.
    turns: BinaryHeap<Reverse<(u64, usize)>>,
    /// `None` where there is one file.
    copies: Option<Copies>,
    open: usize,
    pool: Pool,
    threads: usize,
    /// Whether only what was read already is told.
    is_stopped: bool,
}

impl<T> Merge<T> {
    /// Creates a merge of `waiting`, which must be in the order of their heads; their size is `bytes` in all.
    pub(in crate::input::source) fn new(waiting: VecDeque<Waiting<T>>, bytes: u64) -> Self {
        let threads = match available_parallelism() {
            Ok(threads) if bytes >= MIN_THREADED => threads.get().min(MAX_THREADS),
            _ => 1,
        };
        Self {
            copies: (waiting.len() > 1).then(Copies::default),
            waiting,
            ahead: VecDeque::new(),
            parts: Vec::new(),
            turns: BinaryHeap::new(),
            open: 0,
            pool: Pool::new(if threads > 1 { threads } else { 0 }),
            threads,
            is_stopped: false,
        }
    }

    /// Passes all records to `tell`, up to `stop`: then only those whose entries were told to be met. `open` opens a waiting file, and returns `None` where there is nothing to
    /// read.
    pub(in crate::input::source) fn run(
        mut self,
        open: &mut dyn FnMut(&T) -> std::io::Result<Option<Box<JournalFile>>>,
        tell: &mut dyn FnMut(Item<'_>),
        stop: &AtomicBool,
    ) {
        while !stop.load(Ordering::Relaxed) {
            self.open_ahead(open, tell);
            let now = self.turns.peek().map(|Reverse((time, _))| *time);
            let is_due = |head: u64| now.is_none_or(|now| head <= now);
            if self.ahead.front().is_some_and(|(head, _)| is_due(*head))
                && let Some((_, part)) = self.ahead.pop_front()
            {
                let at = self.parts.len();
                self.parts.push(part);
                self.open += 1;
                self.refill(at, tell);
                continue;
            }
            let head = self.ahead.front().map_or(u64::MAX, |(head, _)| *head);
            // Waiting files are due if no file is open.
            if !self.take_next(head, tell) && self.ahead.is_empty() && self.waiting.is_empty() {
                return;
            }
        }
        self.is_stopped = true;
        while self.take_next(u64::MAX, tell) {}
    }

    /// Passes the next records, up to the time `head`. Returns whether there are some.
    fn take_next(&mut self, head: u64, tell: &mut dyn FnMut(Item<'_>)) -> bool {
        let Some(Reverse((time, at))) = self.turns.pop() else {
            return false;
        };
        if let Some(copies) = &mut self.copies {
            copies.advance(time);
        }
        let next = self
            .turns
            .peek()
            .map_or(u64::MAX, |Reverse((time, _))| *time);
        self.take(at, next.min(head), tell);
        true
    }

    /// Opens files before their turn, as many as are read ahead.
    fn open_ahead(
        &mut self,
        open: &mut dyn FnMut(&T) -> std::io::Result<Option<Box<JournalFile>>>,
        tell: &mut dyn FnMut(Item<'_>),
    ) {
        let wanted = if self.threads > 1 && self.open < FEW {
            AHEAD
        } else {
            1
        };
        while self.ahead.len() < wanted
            && let Some(Waiting { head, name, what }) = self.waiting.pop_front()
        {
            match open(&what) {
                Ok(Some(file)) => {
                    let mut part = Part {
                        name,
                        state: State::Here(file),
                        batch: Batch::default(),
                        next: 0,
                        latest: 0,
                    };
                    if wanted > 1 {
                        self.send(&mut part);
                    }
                    self.ahead.push_back((head, part));
                }
                Ok(None) => {}
                Err(why) => tell(Item::Failed { name: &name, why }),
            }
        }
    }

    fn share(&self) -> Share {
        let batch = MAX_BATCHES / self.open.max(1);
        Share {
            batch: batch.clamp(BATCH.0, BATCH.1),
            stays: self.open <= FEW,
            // Also where several files are searched at once: the last ones would be searched by one thread.
            threads: self.threads as u64,
        }
    }

    /// Lets another thread read the next batch of a file.
    fn send(&self, part: &mut Part) {
        let share = self.share();
        part.state = match std::mem::replace(&mut part.state, State::Ended) {
            State::Here(mut file) => State::Away(self.pool.start(move || {
                let batch = file.batch(share);
                (file, batch)
            })),
            other => other,
        };
    }

    /// Takes the next batch of a part, and schedules it, unless the part has ended.
    fn refill(&mut self, at: usize, tell: &mut dyn FnMut(Item<'_>)) {
        loop {
            let share = self.share();
            let is_ahead = self.threads > 1 && self.open <= FEW;
            let part = &mut self.parts[at];
            let (state, batch) = match std::mem::replace(&mut part.state, State::Ended) {
                State::Here(mut file) => {
                    let batch = file.batch(share);
                    (State::Here(file), batch)
                }
                State::Away(coming) => match coming.recv() {
                    Ok((file, batch)) => (State::Here(file), batch),
                    // The thread panicked, and has printed its message.
                    Err(_) => (State::Ended, Batch::broken_off()),
                },
                State::Ended => return,
            };
            tell(Item::Passed {
                entries: batch.entries,
                bytes: batch.passed,
            });
            if let Some((first, _)) = batch.span {
                tell(Item::Alive(first));
            }
            part.state = if batch.end.is_some() {
                State::Ended
            } else {
                state
            };
            part.batch = batch;
            part.next = 0;
            let first = part.batch.records.first().map(|record| record.realtime);
            if is_ahead && matches!(part.state, State::Here(_)) {
                let mut part = std::mem::replace(&mut self.parts[at], Part::gone());
                self.send(&mut part);
                self.parts[at] = part;
            }
            if let Some(first) = first {
                self.turns.push(Reverse((first, at)));
                return;
            }
            if self.passed(at, tell) {
                return;
            }
        }
    }

    /// Reports the end of a batch. Returns whether it was the last one of the file.
    fn passed(&mut self, at: usize, tell: &mut dyn FnMut(Item<'_>)) -> bool {
        let part = &mut self.parts[at];
        if let Some((_, last)) = part.batch.span {
            tell(Item::Alive(last));
        }
        for life in &part.batch.lives {
            tell(Item::Lives(life));
        }
        let Batch { file, seqnum, .. } = part.batch;
        if seqnum > 0 {
            tell(Item::Told { file, seqnum });
        }
        let Some(damage) = part.batch.end.take() else {
            return false;
        };
        if let Some(words) = damage {
            let why = std::io::Error::other(words);
            tell(Item::Failed {
                name: &part.name,
                why,
            });
        }
        *part = Part::gone();
        self.open -= 1;
        true
    }

    /// Passes the records of a part up to the time `until`, at least one.
    fn take(&mut self, at: usize, until: u64, tell: &mut dyn FnMut(Item<'_>)) {
        let part = &mut self.parts[at];
        while let Some(record) = part.batch.records.get(part.next) {
            if part.next > 0 && record.realtime > until {
                self.turns.push(Reverse((record.realtime, at)));
                return;
            }
            part.next += 1;
            part.latest = part.latest.max(record.realtime);
            let Batch { file, series, .. } = part.batch;
            let is_copy = (self.copies.as_mut())
                .is_some_and(|copies| copies.is_copy(record, series, at, part.latest));
            tell(if is_copy {
                Item::Copy(record, file)
            } else {
                Item::Record(record, &part.batch.bytes[record.message.clone()], file)
            });
        }
        if !self.passed(at, tell) && !self.is_stopped {
            self.refill(at, tell);
        }
    }
}

impl Part {
    /// Returns the placeholder for a part that has ended.
    fn gone() -> Self {
        Self {
            name: String::new(),
            state: State::Ended,
            batch: Batch::default(),
            next: 0,
            latest: 0,
        }
    }
}
