//! A journal in a stream: the crate systemd-journal-reader behind a [`Guard`].

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;

use systemd_journal_reader::JournalReader;

use super::batch::{Batch, Life};
use super::guard::{Guard, Told};
use super::record::{Record, Transport};
use super::wanted::Wanted;

/// Number of entries after which a batch ends.
const ENTRIES: u64 = 1024;

/// A journal that comes as a stream, read in batches.
pub(in crate::input::source) struct JournalStream<'a> {
    reader: JournalReader<Tap<'a>>,
    guard: Tap<'a>,
    told: Rc<RefCell<Told>>,
    wanted: Arc<Wanted>,
    realtime: u64,
}

impl<'a> JournalStream<'a> {
    /// Reads the header of the journal in `stream`.
    ///
    /// # Errors
    /// If it is malformed, or of a version that cannot be read in a stream.
    pub(in crate::input::source) fn open(
        stream: Box<dyn Read + 'a>,
        wanted: Arc<Wanted>,
    ) -> io::Result<Self> {
        let told = Rc::new(RefCell::new(Told::default()));
        let (guard, header) = Guard::new(stream, Rc::clone(&told))?;
        let guard = Tap(Rc::new(RefCell::new(guard)));
        Ok(Self {
            reader: JournalReader::new(guard.clone())?,
            guard,
            told,
            wanted,
            realtime: header.realtime.0,
        })
    }

    /// Microseconds since 1970 of the first entry, as the header has it.
    pub(in crate::input::source) const fn realtime(&self) -> u64 {
        self.realtime
    }

    /// Reads on, up to `weight` bytes of records.
    pub(in crate::input::source) fn batch(&mut self, weight: usize) -> Batch {
        let mut batch = Batch::default();
        while batch.weight() < weight && batch.entries < ENTRIES {
            let Some(entry) = self.reader.next_entry() else {
                // Another volume has its own reader; the values of this one are freed.
                if self.guard.0.borrow_mut().turn()
                    && let Ok(reader) = JournalReader::new(self.guard.clone())
                {
                    self.reader = reader;
                    continue;
                }
                batch.end = Some(self.told.borrow().damage.words());
                break;
            };
            let mark = self.told.borrow_mut().marks.pop_front().unwrap_or_default();
            batch.entries += 1;
            batch.met(entry.realtime);
            let field = |name: &str| entry.fields.get(name).map(|value| &**value);
            if let Some(host) = field("_HOSTNAME") {
                batch.lives(Life {
                    host: host.into(),
                    realtime: entry.realtime,
                    monotonic: mark.monotonic,
                });
            }
            let Some(message) = field("MESSAGE") else {
                continue;
            };
            let from = batch.bytes.len();
            let record = Record {
                realtime: entry.realtime,
                monotonic: mark.monotonic,
                boot: mark.boot,
                transport: field("_TRANSPORT").map(|value| Transport::of(value.as_bytes())),
                host: field("_HOSTNAME").map(Into::into),
                identifier: field("SYSLOG_IDENTIFIER").map(Into::into),
                source_monotonic: mark.source_monotonic,
                message: from..from + message.len(),
            };
            if self.wanted.keeps(&record, message.as_bytes()) {
                batch.bytes.extend_from_slice(message.as_bytes());
                batch.records.push(record);
            }
        }
        batch
    }
}

/// A guard that outlives the readers of its volumes.
#[derive(Clone)]
struct Tap<'a>(Rc<RefCell<Guard<Box<dyn Read + 'a>>>>);

impl Read for Tap<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}
