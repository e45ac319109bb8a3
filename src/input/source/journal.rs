//! Binary journals, read by the crate systemd-journal-reader behind a [`Guard`]; several files of one journal are
//! merged in the order of time.
//!
//! A record's time is that of its reception, `__REALTIME_TIMESTAMP`, as `journalctl` prints it in every form: so a
//! journal and a text made of it agree to the microsecond. `_SOURCE_MONOTONIC_TIMESTAMP` would be a little finer at
//! boot, and would need the boot's offset, which the crate does not give.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;

use systemd_journal_reader::{Entry as JournalEntry, JournalReader};

use super::Opening;
use super::damage::Found;
use super::guard::Guard;
use crate::input::event::LogEvent;
use crate::input::format::{JournalFields, Origin, Record};
use crate::input::reader::Reader;
use crate::time::{SECOND, Time};

/// A file of a journal that is being read.
struct Part<'a> {
    name: String,
    reader: JournalReader<Guard<Box<dyn Read + 'a>>>,
    found: Rc<RefCell<Found>>,
    next: JournalEntry,
}

/// A file of a journal whose turn has not come.
pub(super) struct Waiting {
    /// The time of its first entry.
    pub(super) head: u64,
    pub(super) path: PathBuf,
}

/// The time of the first entry of the journal in `stream`.
pub(super) fn head(stream: Box<dyn Read + '_>) -> io::Result<u64> {
    Guard::new(stream, Rc::default()).map(|guard| guard.head)
}

/// How far the log has been told to have gone on.
#[derive(Default)]
struct Alive(Option<Time>);

impl Opening<'_, '_, '_> {
    /// Reads the journal in `stream`.
    pub(super) fn journal(&mut self, name: &str, stream: Box<dyn Read + '_>) {
        let mut open = Vec::new();
        self.part(name, stream, &mut open);
        self.merge(open, VecDeque::new());
    }

    /// Reads the files of one journal, which have to come in the order of their heads.
    pub(super) fn journal_parts(&mut self, waiting: VecDeque<Waiting>) {
        self.merge(Vec::new(), waiting);
    }

    /// Opens a part, and adds it to those that are read, if it has an entry.
    fn part<'a>(&mut self, name: &str, stream: Box<dyn Read + 'a>, open: &mut Vec<Part<'a>>) {
        let found = Rc::new(RefCell::new(Found::default()));
        let opened = Guard::new(stream, found.clone()).and_then(JournalReader::new);
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(why) => return self.failed(name, why),
        };
        // Its format is known, be it empty.
        self.summary.known = true;
        self.summary.blank = false;
        let name = name.to_owned();
        match reader.next_entry() {
            Some(next) => open.push(Part {
                name,
                reader,
                found,
                next,
            }),
            None => self.part_ended(&name, &found),
        }
    }

    fn part_ended(&mut self, name: &str, found: &RefCell<Found>) {
        if let Some(words) = found.borrow().words() {
            self.failed(name, io::Error::other(words));
        }
    }

    /// Hands on the entries of all parts, the earliest first. Only parts that overlap are open at the same time.
    fn merge<'a>(&mut self, mut open: Vec<Part<'a>>, mut waiting: VecDeque<Waiting>) {
        let mut alive = Alive::default();
        let mut log = Reader::new(self.options.prefixes.clone(), self.options.reading);
        loop {
            let earliest = open
                .iter()
                .enumerate()
                .min_by_key(|(_, part)| part.next.realtime)
                .map(|(at, part)| (at, part.next.realtime));
            let due = |next: &&Waiting| earliest.is_none_or(|(_, time)| next.head <= time);
            if waiting.front().filter(due).is_some()
                && let Some(next) = waiting.pop_front()
            {
                let name = next.path.display().to_string();
                match self.journal_stream(&next.path) {
                    Ok(Some(stream)) => self.part(&name, stream, &mut open),
                    Ok(None) => {}
                    Err(why) => self.failed(&name, why),
                }
                continue;
            }
            let Some((at, _)) = earliest else {
                break;
            };
            let part = &mut open[at];
            match part.reader.next_entry() {
                Some(after) => {
                    let entry = std::mem::replace(&mut part.next, after);
                    self.record(&entry, &mut alive, &mut log);
                }
                None => {
                    let part = open.swap_remove(at);
                    self.record(&part.next, &mut alive, &mut log);
                    self.part_ended(&part.name, &part.found);
                }
            }
        }
        (self.sink)(LogEvent::EndOfLog { correction: 0 });
    }

    /// Hands on one entry.
    fn record(&mut self, entry: &JournalEntry, alive: &mut Alive, log: &mut Reader) {
        self.summary.lines += 1;
        let time = Time(i64::try_from(entry.realtime).unwrap_or(i64::MAX));
        if alive.0.is_none_or(|last| time.since(last).abs() >= SECOND) {
            alive.0 = Some(time);
            (self.sink)(LogEvent::Alive {
                time,
                monotonic: None,
                host: entry.fields.get("_HOSTNAME").map(|name| &**name),
            });
        }
        let field = |name: &str| entry.fields.get(name).map(|value| &**value);
        let Some(message) = field("MESSAGE") else {
            return;
        };
        let mut fields = JournalFields {
            realtime: Some(time.0),
            ..JournalFields::default()
        };
        for key in ["_TRANSPORT", "SYSLOG_IDENTIFIER"] {
            if let Some(value) = field(key) {
                fields.put(key.as_bytes(), value.as_bytes());
            }
        }
        let Some((stamp, _)) = fields.when() else {
            return;
        };
        // A sender cannot take the fields away.
        let origin = fields.origin().unwrap_or(Origin::Kernel);
        let host = field("_HOSTNAME").map(Into::into);
        let record = Record::new(stamp, host, origin, message.as_bytes().into());
        log.journal_record(&record, self.sink);
    }
}
