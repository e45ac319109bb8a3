//! Reader of one log: blocks are pushed in, events come out, the same for a file and for a pipe.
//!
//! Each record passes the same stages: searched for hits ([`super::search`]), split off ([`super::framing`]), parsed
//! ([`super::format`]), classified ([`super::message`]), dated, and reported. `lines.rs` and `record.rs` contain the
//! stages; blocks that [`super::fast`] has read skip the first four.

mod carry;
mod clock;
mod line;
mod lines;
mod literals;
mod lost;
mod nodes;
mod parts;
mod record;

use super::event::{LogEvent, NoticeKind, Sink};
use super::fast;
use super::format::Prefixes;
use super::format::text::trim;
use super::framing::{self, Cut, Event, Framing, MAX_RECORD, Torn};
use super::scan::{self, Scan};
use super::search::{Found, Search};
use crate::time::{Reading, Time};

use clock::Clock;
use nodes::NodeClocks;

pub use line::{Line, line};

/// Bytes of lines that are scanned first after records of another framing; each further step doubles them. A scan of the
/// whole block would be repeated for each line that opens a framing.
const FIRST_LINES: usize = 256;

/// Result of taking a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// The record was reported, and its time, if it has one, is known.
    Said,
    Nothing,
    /// No record, but a document that contains some.
    Document,
}

/// Scanner for blocks of complete lines, which may run on any thread.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    prefixes: Prefixes,
    search: Search,
    is_fast: bool,
}

impl Scanner {
    /// Scans `block` into `scan`.
    pub(super) fn scan(&self, block: &[u8], scan: &mut Scan) {
        if self.is_fast {
            fast::scan(block, &self.search, &self.prefixes, scan);
        } else {
            scan::scan(block, &self.search, scan);
        }
    }
}

/// The state of one log.
pub struct Reader {
    prefixes: Prefixes,
    scanner: Scanner,
    /// Scan of the last lines, kept to reuse its memory.
    scan: Scan,
    clock: Clock,
    nodes: NodeClocks,
    /// Number of drop lines with a day that their year does not have.
    no_such_days: u64,
    /// Number of drop lines without a time that is understood, in forms whose records have one.
    unread_times: u64,
    /// Number of drop lines whose stamp has the name of a zone.
    zone_names: u64,
    /// Whether its text has holes of NULs, and how many of one were taken off before a line.
    has_nuls: bool,
    nul_run: usize,
    /// Whether the user gave the zone of stamps without an offset.
    has_zone: bool,
    known: bool,
    framing: Framing,
    /// Whether the current text begins no other framing, even if it looks like one.
    barred: bool,
    /// Whether each line must be visited, since its time counts from the line before.
    each: bool,
    /// Start of a record that is not complete yet.
    carry: Vec<u8>,
    /// Offset in it at which the search for the end of the record goes on.
    resume: usize,
    /// The last line of the text before.
    before: Vec<u8>,
    /// Whether the rest of a record that is too long is skipped: up to the line's end, or `skip` bytes.
    overlong: bool,
    skip: u64,
    lines: u64,
    blank: bool,
    /// How many more lines may be looked at for the log's first time, and whether any had one.
    first_tries: usize,
    has_times: bool,
}

/// Creates the search for `prefixes` and for the literals of notices and framings.
fn search_for(prefixes: &Prefixes) -> Search {
    prefixes.search(|prefixes| Search::new(prefixes, literals::literals()))
}

impl Reader {
    /// Creates a reader for lines with one of `prefixes`, whose times are interpreted by `reading`.
    pub fn new(prefixes: Prefixes, reading: Reading) -> Self {
        let is_fast = !cfg!(feature = "slow");
        Self::with(prefixes, reading, is_fast)
    }

    /// Creates a reader without the fast path; its events are the same as those of [`Self::new`].
    pub fn slow(prefixes: Prefixes, reading: Reading) -> Self {
        Self::with(prefixes, reading, false)
    }

    fn with(prefixes: Prefixes, reading: Reading, is_fast: bool) -> Self {
        let search = search_for(&prefixes);
        Self {
            scanner: Scanner {
                prefixes: prefixes.clone(),
                search,
                is_fast,
            },
            prefixes,
            scan: Scan::default(),
            clock: Clock::new(reading),
            nodes: NodeClocks::default(),
            no_such_days: 0,
            unread_times: 0,
            zone_names: 0,
            has_nuls: false,
            nul_run: 0,
            has_zone: reading.offset != 0,
            known: false,
            framing: Framing::Lines,
            barred: false,
            each: false,
            carry: Vec::new(),
            resume: 0,
            before: Vec::new(),
            overlong: false,
            skip: 0,
            lines: 0,
            blank: true,
            first_tries: lines::FIRST_TRIES,
            has_times: false,
        }
    }

    /// Returns the number of lines, or of records where the form has no lines.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether any record was of a known log format.
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// Whether only white space came in.
    pub const fn is_blank(&self) -> bool {
        self.blank
    }

    /// Adds the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        // No overlong record lies within one block, so that the split of the bytes makes no difference.
        for block in bytes.chunks(MAX_RECORD) {
            self.push_block(block, sink);
        }
    }

    /// Returns a scanner for blocks of lines, which may run on any thread; `None` where lines have to be read in
    /// sequence.
    pub(super) fn scanner(&self) -> Option<Scanner> {
        let is_ready = self.scanner.is_fast && self.known && self.is_in_lines();
        is_ready.then(|| self.scanner.clone())
    }

    /// Whether complete lines may be scanned ahead.
    pub(super) const fn is_in_lines(&self) -> bool {
        matches!(self.framing, Framing::Lines) && !self.each && !self.overlong && self.skip == 0
    }

    /// Drops the start of an incomplete line. Returns its length in bytes.
    pub(crate) fn give_back(&mut self) -> usize {
        std::mem::take(&mut self.carry).len()
    }

    /// Takes complete lines that were scanned, while [`Self::is_in_lines`].
    pub(super) fn push_scanned(&mut self, text: &[u8], scan: &Scan, sink: &mut Sink<'_>) {
        let mut used = 0;
        if !text.is_empty() && self.carry.is_empty() && !self.begins_other(text) {
            self.blank = false;
            used = self.scanned(text, scan, sink);
        }
        self.push(&text[used..], sink);
    }

    /// Settles the years of the stamps as if the log ended now, by the machine's clock. Returns the error of its times,
    /// in years.
    pub fn settle_years(&mut self, now: Time) -> i32 {
        self.clock.settle_years(now)
    }

    /// Takes the end of a part of the log, of which another may follow: its last line may lack its newline.
    pub fn end_part(&mut self, sink: &mut Sink<'_>) {
        if self.overlong {
            self.overlong = false;
            self.lines += 1;
        }
        self.skip = 0;
        if let Some(framing) = self.unbroken(&self.carry) {
            self.framing = framing;
        }
        let cut = self.cut_at_end();
        self.take_carry(true, sink);
        if !cut.is_empty() {
            // The same end may come again.
            self.before.clear();
        }
        parts::cut_in_prefix(cut, sink);
        self.end_parts(sink);
        if let Framing::Torn(_) = self.framing {
            self.framing = Framing::Lines;
        }
        if let Framing::Document(document) = &mut self.framing
            && document.is_open()
        {
            let is_lost = document.is_lost();
            self.framing = Framing::Lines;
            if is_lost {
                self.lines += 1;
                carry::unreadable(&[], sink);
            }
        }
    }

    /// Takes the end of the log.
    pub fn finish(&mut self, sink: &mut Sink<'_>) {
        self.end_part(sink);
        let zone_names = if self.has_zone { 0 } else { self.zone_names };
        for (kind, count) in [
            (NoticeKind::NoSuchDay, self.no_such_days),
            (NoticeKind::UnreadTime, self.unread_times),
            (NoticeKind::ZoneName, zone_names),
            (NoticeKind::Nuls, u64::from(self.has_nuls)),
        ] {
            if count > 0 {
                sink(LogEvent::Notice {
                    kind,
                    time: Time::UNKNOWN,
                    host: None,
                    count,
                });
            }
        }
        let correction = self.clock.correction();
        sink(LogEvent::EndOfLog { correction });
    }

    /// Takes as many complete records as `text` has; all of it, if it is the `last`. Returns their length in bytes.
    fn take(&mut self, text: &[u8], last: bool, sink: &mut Sink<'_>) -> usize {
        self.blank = self.blank && text.iter().all(|b| b.is_ascii_whitespace() || *b == 0);
        let mut at = 0;
        // The last record that is not the first of its framing.
        let mut records: Option<(usize, usize)> = None;
        let mut is_first = true;
        let mut most = usize::MAX;
        let whole = if last {
            text.len()
        } else {
            framing::end_of_whole(text)
        };
        // Where lines wait for further parts, looked for once.
        let mut open = None;
        while at < text.len() {
            let rest = &text[at..];
            if matches!(self.framing, Framing::Lines) {
                let end = *open.get_or_insert_with(|| framing::open_end(&text[..whole]));
                if at >= whole {
                    break;
                }
                if at >= end {
                    self.framing = Framing::Parts(Box::default());
                    continue;
                }
                let part = lines_within(&text[at..end], most);
                at += self.lines_of(&rest[..part], sink);
                most = most.saturating_mul(2);
                continue;
            }
            most = FIRST_LINES;
            if let Framing::Parts(_) = self.framing {
                let (used, more) = self.parts(rest, last, sink);
                at += used;
                if more {
                    break;
                }
                continue;
            }
            if let Framing::Document(_) = self.framing {
                let (used, more) = self.document(rest, last, sink);
                at += used;
                if more {
                    break;
                }
                continue;
            }
            match self
                .framing
                .cut(rest, std::mem::take(&mut self.resume), last)
            {
                Cut::Record(len) => {
                    let len = len.max(1);
                    let record = self.framing.composed(&rest[..len]);
                    // The time of a record alone is said once: a long one takes long to parse.
                    if is_first {
                        self.alive(&record, sink);
                    } else {
                        records = Some((at, at + len));
                    }
                    is_first = false;
                    self.record(&record, sink);
                    at += len;
                }
                Cut::Torn => {
                    self.lines += 1;
                    self.framing = Framing::Torn(Box::new(Torn::new(rest)));
                }
                Cut::Lost(len, begins) => {
                    self.torn(&rest[..len], begins, sink);
                    at += len;
                }
                Cut::Fields(len) => {
                    if let Framing::Torn(torn) = &mut self.framing {
                        torn.pass(false);
                    }
                    at += len;
                }
                Cut::Skip(len) => {
                    if !matches!(self.framing, Framing::Torn(_)) {
                        carry::unreadable(rest, sink);
                        self.lines += 1;
                        self.framing = Framing::Torn(Box::new(Torn::too_long(rest)));
                    }
                    if let Framing::Torn(torn) = &mut self.framing {
                        torn.pass(true);
                    }
                    self.skip = len.saturating_sub(rest.len() as u64);
                    at = usize::try_from(len)
                        .map_or(text.len(), |len| text.len().min(at.saturating_add(len)));
                }
                Cut::More(resume) => {
                    self.resume = resume;
                    break;
                }
                Cut::Leave if !last && framing::is_undecided(rest) => break,
                Cut::Leave => {
                    // Now, and not at the end: lines behind it may count their time from it.
                    if let Some((from, to)) = records.take() {
                        self.alive(&text[from..to], sink);
                    }
                    is_first = true;
                    let other =
                        framing::opening(rest).filter(|other| !other.is_like(&self.framing));
                    if matches!(self.framing, Framing::Export) && other.is_none() {
                        self.no_field(rest, sink);
                    }
                    self.barred = other.is_none();
                    self.framing = other.unwrap_or(Framing::Lines);
                }
            }
        }
        if let Some((from, to)) = records {
            let record = self.framing.composed(&text[from..to]);
            self.alive(&record, sink);
        }
        at
    }

    /// Continues in a document. Returns the number of bytes processed, and whether the document continues.
    fn document(&mut self, text: &[u8], last: bool, sink: &mut Sink<'_>) -> (usize, bool) {
        let Framing::Document(mut document) = std::mem::replace(&mut self.framing, Framing::Lines)
        else {
            return (0, false);
        };
        loop {
            match document.next(text) {
                Event::Record(from, to) => {
                    let part = &text[from..to];
                    let composed = document.composed(part);
                    self.record(composed.as_deref().unwrap_or(part), sink);
                }
                Event::Lost(at) => {
                    self.lines += 1;
                    carry::unreadable(&text[..at], sink);
                }
                Event::End(at) => return (at, false),
                Event::Broken(at) => {
                    self.broken(&text[document.open_record().min(at)..at], sink);
                    return (at, false);
                }
                Event::More if last => {
                    if document.is_open() {
                        self.broken(&text[document.open_record()..], sink);
                    }
                    return (text.len(), true);
                }
                Event::More => {
                    let done = document.release();
                    self.framing = Framing::Document(document);
                    return (done, true);
                }
            }
        }
    }

    /// Takes one record of a form that has no lines.
    fn record(&mut self, record: &[u8], sink: &mut Sink<'_>) {
        self.lines += 1;
        self.known = true;
        // Records without lines have no `last message repeated`, and none of a line behind them means a line before.
        self.before.clear();
        let found = Found {
            repeat: false,
            ..self.scanner.search.of_record().found_in(record)
        };
        if self.take_record(trim(record), found, &[], sink) == Taken::Document {
            self.lines -= 1;
            self.broken(record, sink);
        }
    }
}

/// Returns the length in bytes of the complete lines at the start of `lines`, about `most` bytes; at least one line.
fn lines_within(lines: &[u8], mut most: usize) -> usize {
    while let Some(part) = lines.get(..most) {
        match framing::end_of_lines(part) {
            0 => most = most.saturating_mul(2),
            end => return end,
        }
    }
    lines.len()
}
