//! Records of binary journals become items of a log.
//!
//! A record's time is that of its reception, `__REALTIME_TIMESTAMP`, as `journalctl` prints it in every form: so a journal
//! and a text made of it agree to the microsecond.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::journal::{
    Boots, Item as Told, JournalFile, Merge, Record as Entry, Transport, Waiting, Wanted,
};
use super::journal_path::JournalPath;
use super::{Opening, Options, Prefixes, Spool};
use crate::input::event::{LogEvent, NoticeKind, Sink};
use crate::input::format::{JournalFields, Origin, Record};
use crate::input::reader::Reader;
use crate::time::{SECOND, Stamp, Time};

/// Returns the selection of entries to read: drop lines with one of `prefixes`, and notices.
pub(super) fn wanted(prefixes: &Prefixes) -> Arc<Wanted> {
    let says = Reader::notable(prefixes);
    Arc::new(Wanted::new(prefixes.texts.clone(), Box::new(says)))
}

impl Opening<'_, '_, '_> {
    /// Reads the journal in `stream`, which is copied to a file first.
    pub(super) fn journal(&mut self, name: &str, stream: Box<dyn Read + Send + '_>) {
        let copied = Spool::copy(stream, &self.bounds);
        let wanted = wanted(&self.options.prefixes);
        match copied.and_then(|(copy, broken)| JournalFile::copied(copy, broken, wanted)) {
            Ok(file) => self.journal_alone(name, file),
            Err(why) => self.failed(name, why),
        }
    }

    /// Reads the journal in `file`, which can be sought in.
    pub(super) fn journal_file(&mut self, name: &str, file: File) {
        match JournalFile::open(file, None, wanted(&self.options.prefixes)) {
            Ok(file) => self.journal_alone(name, file),
            Err(why) => self.failed(name, why),
        }
    }

    fn journal_alone(&mut self, name: &str, file: JournalFile) {
        let bytes = file.length();
        let waiting = Waiting {
            head: file.realtime().0,
            name: name.to_owned(),
            what: (),
        };
        let mut file = Some(Box::new(file));
        self.merge(vec![waiting].into(), bytes, &mut |()| Ok(file.take()));
    }

    /// Reads the files of one journal, which have to come in the order of their heads.
    pub(super) fn journal_parts(&mut self, waiting: VecDeque<Waiting<JournalPath>>) {
        let wanted = wanted(&self.options.prefixes);
        let bounds = self.bounds.clone();
        let bytes = waiting.iter().map(|waiting| waiting.what.bytes).sum();
        self.merge(waiting, bytes, &mut |journal| {
            journal.open(&wanted, &bounds)
        });
    }

    /// Whether a journal whose last entry is of `last` ended before `--since`: then none of its `entries` is read, and that is
    /// said.
    pub(super) fn has_ended_before(&mut self, last: u64, entries: u64) -> bool {
        let time = time(last);
        let since = self.options.since.map(|since| since.near(time));
        let has_ended = last > 0 && since.is_some_and(|since| time < since);
        if has_ended {
            (self.sink)(LogEvent::Notice {
                kind: NoticeKind::EndedBefore,
                time,
                host: None,
                count: entries,
            });
        }
        has_ended
    }

    /// Passes on the entries of all files in the order of time.
    fn merge<T>(
        &mut self,
        waiting: VecDeque<Waiting<T>>,
        bytes: u64,
        open: &mut dyn FnMut(&T) -> io::Result<Option<Box<JournalFile>>>,
    ) {
        let mut log = Log::new(self.options);
        self.merge_into(&mut log, waiting, bytes, open, &AtomicBool::new(false));
        log.gone_on(self.sink);
        (self.sink)(LogEvent::EndOfLog { correction: 0 });
    }

    /// Hands on the entries of all files, the earliest first, as those of a log that may go on; up to `stop`.
    pub(super) fn merge_into<T>(
        &mut self,
        log: &mut Log,
        waiting: VecDeque<Waiting<T>>,
        bytes: u64,
        open: &mut dyn FnMut(&T) -> io::Result<Option<Box<JournalFile>>>,
        stop: &AtomicBool,
    ) {
        // Its format is known, even if it is empty.
        self.summary.known = true;
        self.summary.blank = false;
        let mut tell = |told: Told<'_>| match told {
            Told::Alive(realtime) => {
                let time = time(realtime);
                log.latest = log.latest.max(Some(time));
                log.alive(time, self.sink);
            }
            Told::Lives(life) => (self.sink)(LogEvent::Alive {
                time: time(life.realtime),
                monotonic: Some(micros(life.monotonic)),
                host: Some(&life.host),
            }),
            Told::Record(entry, message, file) => log.record(entry, message, file, self.sink),
            Told::Copy(entry, file) => {
                log.note(entry, file);
                self.summary.lines = self.summary.lines.saturating_sub(1);
            }
            Told::Told { file, seqnum } => _ = log.positions.insert(file, seqnum),
            Told::Passed { entries, bytes } => {
                self.summary.lines += entries;
                self.bounds.take(bytes as usize);
            }
            Told::Failed { name, why } => self.failed(name, why),
        };
        Merge::new(waiting, bytes).run(open, &mut tell, stop);
    }
}

/// Upper bound on the boots in files of which it is noted how far they were read.
const MAX_BOOTS: usize = 1024;

/// Log that the files of a journal form together.
pub(super) struct Log {
    /// Entries of other boots are not handed on.
    pub(super) only_boot: Option<u128>,
    reader: Reader,
    /// Last time at which the log was reported to be alive.
    alive: Option<Time>,
    pub(super) latest: Option<Time>,
    /// Sequence number of the last entry of each file up to which all was handed on.
    pub(super) positions: BTreeMap<u128, u64>,
    /// From where to where the kernel's records of each boot were read in each file.
    pub(super) boots: Boots,
    /// Boot ID of the last record, and the number that stands for it.
    boot: Option<(u128, Option<u64>)>,
}

impl Log {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            only_boot: None,
            reader: Reader::new(options.prefixes.clone(), options.reading),
            alive: None,
            latest: None,
            positions: BTreeMap::new(),
            boots: Boots::new(),
            boot: None,
        }
    }

    /// Whether a record was handed on.
    pub(super) const fn has_begun(&self) -> bool {
        self.boot.is_some()
    }

    /// Says up to when the log has gone on.
    pub(super) fn gone_on(&self, sink: &mut Sink<'_>) {
        if let Some(time) = self.latest {
            sink(LogEvent::Alive {
                time,
                monotonic: None,
                host: None,
            });
        }
    }

    /// Reports that the log was alive at `time`, if at least a second has passed since the last report.
    pub(super) fn alive(&mut self, time: Time, sink: &mut Sink<'_>) {
        if self.alive.is_none_or(|last| time.since(last) >= SECOND) {
            self.alive = Some(time);
            sink(LogEvent::Alive {
                time,
                monotonic: None,
                host: None,
            });
        }
    }

    /// Passes on one entry of `file`.
    pub(super) fn record(
        &mut self,
        entry: &Entry,
        message: &[u8],
        file: u128,
        sink: &mut Sink<'_>,
    ) {
        self.note(entry, file);
        if self.only_boot.is_some_and(|boot| boot != entry.boot) {
            return;
        }
        let at = time(entry.realtime);
        self.latest = self.latest.max(Some(at));
        self.alive(at, sink);
        // Most messages are valid UTF-8, which is checked faster than a lossy conversion.
        let message = match simdutf8::basic::from_utf8(message) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(message),
        };
        let fields = JournalFields {
            transport: entry.transport.map(|transport| match transport {
                Transport::Kernel => &b"kernel"[..],
                Transport::Driver => b"driver",
                Transport::Other => b"other",
            }),
            identifier: entry.identifier.as_deref().map(str::as_bytes),
            process: entry.has_process.then_some(b"sender"),
            facility: entry.is_foreign.then_some(b"user"),
            realtime: Some(at.0),
            monotonic: Some(micros(entry.monotonic)),
            source_monotonic: entry.source_monotonic.map(micros),
            ..JournalFields::default()
        };
        let (stamp, late) = fields.when().unwrap_or((Stamp::None, 0));
        // A sender cannot remove the transport: an entry without one is from a damaged or a handmade file. What journald says
        // of its sender beside it is then all that there is.
        let origin = fields.origin().unwrap_or(Origin::Kernel);
        let host = entry.host.as_deref().map(Into::into);
        let mut record = Record::new(stamp, host, origin, message.as_bytes().into());
        record.late = late;
        record.monotonic = Some(micros(entry.monotonic));
        record.boot = self.boot(entry.boot);
        self.reader.journal_record(&record, sink);
    }

    /// Notes that it was read of its boot. Only the kernel's records come in their order: those of users lie in files of their
    /// own.
    fn note(&mut self, entry: &Entry, file: u128) {
        if entry.transport != Some(Transport::Kernel) || entry.boot == 0 {
            return;
        }
        self.note_range(entry.boot, file, (entry.monotonic, entry.monotonic));
    }

    /// Notes that a file was read from one time of a boot to another.
    pub(super) fn note_range(&mut self, boot: u128, file: u128, (from, to): (u64, u64)) {
        let range = (self.boots.entry((boot, file))).or_insert((from, to));
        *range = (range.0.min(from), range.1.max(to));
        if self.boots.len() > MAX_BOOTS {
            // What is forgotten is read again where it is copied, and never lost.
            self.boots.retain(|(known, _), _| *known == boot);
            let oldest = self.boots.iter().min_by_key(|(_, (_, to))| *to);
            let oldest = oldest
                .map(|(key, _)| *key)
                .filter(|_| self.boots.len() > MAX_BOOTS);
            oldest.map(|key| self.boots.remove(&key));
        }
    }

    /// Returns the number that stands for a boot, the same as in other forms of the journal.
    fn boot(&mut self, id: u128) -> Option<u64> {
        if self.boot.is_none_or(|(last, _)| last != id) {
            let text = format!("{id:032x}");
            let fields = JournalFields {
                boot: (id != 0).then_some(text.as_bytes()),
                ..JournalFields::default()
            };
            self.boot = Some((id, fields.boot()));
        }
        self.boot.and_then(|(_, boot)| boot)
    }
}

pub(super) fn time(realtime: u64) -> Time {
    Time(micros(realtime))
}

pub(super) fn micros(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}
