//! The lines of a log, which in most forms are one record each: lines with a hit are parsed, and all lines only where a
//! time counts from the line before.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::nodes::{Jump, Written};
use super::{Reader, Taken};
use crate::input::event::{DropLine, LogEvent, NoticeKind, Sink};
use crate::input::format::text::{plain, trim};
use crate::input::framing::{self, Framing, LONG_LINE};
use crate::input::message::NOTICES;
use crate::input::scan::{ReadLine, Scan, ScannedLine, is_no_text};
use crate::input::search::Found;
use crate::time::Time;

/// Number of records at either end of a block that are tried for a date that shows the progress of the log.
const DATING_TRIES: usize = 8;
/// How many lines of a log's begin are looked at for its first time, and how many are gone back from its end: text without
/// times may stand before and behind it, and how the bytes come must not decide what is found.
pub(super) const FIRST_TRIES: usize = 4096;
const LAST_TRIES: usize = 1024;
/// How many lines from the end of a block are looked at for the names of nodes in their column.
const COLUMN_TRIES: usize = 512;
/// Upper bound on the bytes kept of the line before a block.
const MAX_BEFORE: usize = 4096;
/// Number of drop lines in a batch.
const BATCH: usize = 64;

impl Reader {
    /// Takes complete lines. Returns the number of bytes taken, which is less than all where another framing begins.
    pub(super) fn lines_of(&mut self, text: &[u8], sink: &mut Sink<'_>) -> usize {
        if text.is_empty() {
            return 0;
        }
        if text.len() >= LONG_LINE
            && let Some(framing) = self.unbroken(text)
        {
            self.framing = framing;
            return 0;
        }
        if self.lines == 0
            && !self.barred
            && let Some(table) = Framing::table(text)
        {
            self.framing = table;
            return 0;
        }
        if self.may_open(text) && self.opens(text, 0) {
            return 0;
        }
        self.recognise(text);
        if self.each {
            let used = self.visit(text, sink);
            if is_no_text(&text[..used]) {
                self.foreign(&text[..used], sink);
            }
            return self.done(&text[..used], None);
        }
        let mut scan = std::mem::take(&mut self.scan);
        self.scanner.scan(text, &mut scan);
        let used = self.scanned(text, &scan, sink);
        self.scan = scan;
        used
    }

    /// Whether `text` needs another treatment than lines of which only those with hits are parsed.
    pub(super) fn begins_other(&mut self, text: &[u8]) -> bool {
        if self.may_open(text) && framing::opening(text).is_some() {
            return true;
        }
        self.recognise(text);
        self.each
    }

    /// Whether another framing may begin at the current lines: at any line that opens one, or at the log's first.
    fn may_open(&self, text: &[u8]) -> bool {
        self.lines == 0 || framing::is_nominated(text)
    }

    /// Takes complete lines that were scanned. Returns the number of bytes taken.
    pub(super) fn scanned(&mut self, text: &[u8], scan: &Scan, sink: &mut Sink<'_>) -> usize {
        // Times behind a start of the machine say nothing of those before it.
        let begins = !lines(text).next().is_some_and(is_start);
        if begins {
            self.alive_at_begin(text, sink);
        }
        let used = self.take_lines(text, scan, sink);
        // What stands behind is read again.
        if scan.no_text {
            self.foreign(&text[..used], sink);
        }
        // The time of a line alone has been said, or it has none: a long one takes long to parse.
        let is_alone = memchr(b'\n', text).is_none_or(|end| end + 1 == text.len());
        if !(is_alone && begins) || self.each {
            self.alive_at_end(&text[..used], sink);
        }
        let ends = Some(scan.ends).filter(|_| used == text.len());
        self.done(&text[..used], ends)
    }

    /// Counts the processed lines `done`; `ends` is their number of line ends, if known.
    fn done(&mut self, done: &[u8], ends: Option<u64>) -> usize {
        self.barred = false;
        self.nul_run = 0;
        // Lines that another framing takes do not count as lines.
        self.known = self.known || lines(done).any(|line| self.read(&plain(line)).is_some());
        let ends = ends.unwrap_or_else(|| memchr_iter(b'\n', done).count() as u64);
        self.lines += ends + u64::from(!done.ends_with(b"\n") && !done.is_empty());
        if let Some(line) = lines_back(done.strip_suffix(b"\n").unwrap_or(done)).next() {
            self.before.clear();
            self.before.extend_from_slice(kept(line));
        }
        done.len()
    }

    /// Takes the lines of a scan in their order.
    fn take_lines(&mut self, text: &[u8], scan: &Scan, sink: &mut Sink<'_>) -> usize {
        let mut batch = Vec::with_capacity(BATCH.min(scan.lines.len()));
        for hit in &scan.lines {
            let line = hit.line();
            match hit {
                ScannedLine::Drop(read) => {
                    let host = read.host(scan);
                    let time = self.date(host, read, scan, &mut batch, sink);
                    if batch.len() == BATCH {
                        flush(&mut batch, sink);
                    }
                    batch.push(read.drop_line(time, host, text, scan));
                }
                ScannedLine::Found(_, found) => {
                    flush(&mut batch, sink);
                    if self.begins_parts(text, &line) {
                        return line.start;
                    }
                    if (found.opening || found.prefix) && self.opens(text, line.start) {
                        return line.start;
                    }
                    // A distance refers to the line before, which was not parsed: `alive_at_end` returns to it.
                    if self.distance(trim(&text[line.clone()])).is_some() {
                        self.each = true;
                        self.keep_open(&text[..line.start]);
                        return line.start;
                    }
                    let starts = found.notice && is_start(&text[line.clone()]);
                    if starts {
                        self.alive_before_boot(&text[..line.start], sink);
                    }
                    if self.line(text, line.clone(), *found, sink) == Taken::Document {
                        self.framing = Framing::document();
                        return line.start;
                    }
                    if starts {
                        self.alive_at_begin(&text[line.start..], sink);
                    }
                }
            }
        }
        flush(&mut batch, sink);
        text.len()
    }

    /// Dates a drop line of `host` that was already parsed; a boot or a step back of its node is reported before it, after
    /// the waiting lines.
    #[inline]
    fn date(
        &mut self,
        host: Option<&str>,
        read: &ReadLine,
        scan: &Scan,
        waiting: &mut Vec<DropLine<'_>>,
        sink: &mut Sink<'_>,
    ) -> Time {
        self.known = true;
        let besides = scan.besides(read);
        let written = Written {
            received: self.clock.resolve_at(read.stamp, None, besides.uptime),
            host,
            boot: besides.boot,
            late: besides.late,
        };
        self.note_time(read.stamp, written.received);
        self.zone_names += u64::from(besides.zone_name);
        let (time, jump) = self.nodes.take(&written);
        if jump != Jump::NONE {
            flush(waiting, sink);
            jump.say(time, host, sink);
        }
        time
    }

    /// Parses each line, where times count from the line before.
    fn visit(&mut self, text: &[u8], sink: &mut Sink<'_>) -> usize {
        let search = self.scanner.search.clone();
        let finder = search.of_record();
        let mut begin = 0;
        let mut alive = None;
        while begin < text.len() {
            let end = memchr(b'\n', &text[begin..]).map_or(text.len(), |at| begin + at);
            if framing::is_nominated(&text[begin..]) && self.opens(text, begin) {
                return begin;
            }
            let found = finder.found_in(&text[begin..end]);
            if (found.opening || found.prefix) && self.opens(text, begin) {
                return begin;
            }
            let mut taken = Taken::Nothing;
            if found != Found::default() {
                if self.begins_parts(text, &(begin..end)) {
                    return begin;
                }
                taken = self.line(text, begin..end, found, sink);
                if taken == Taken::Document {
                    self.framing = Framing::document();
                    return begin;
                }
            }
            if taken != Taken::Said {
                alive = self.time(trim(&text[begin..end])).or(alive);
            }
            begin = end + 1;
        }
        if let Some(alive) = alive {
            sink(alive.event());
        }
        text.len()
    }

    /// Whether another framing begins at `at`; it is then active from there on.
    fn opens(&mut self, text: &[u8], at: usize) -> bool {
        if at == 0 && self.barred {
            return false;
        }
        if let Some(framing) = framing::opening(&text[at..]) {
            self.framing = framing;
            return true;
        }
        false
    }

    /// Detects forms whose lines must all be visited.
    fn recognise(&mut self, text: &[u8]) {
        self.each = self.each
            || lines(text)
                .take(DATING_TRIES)
                .any(|line| self.distance(line).is_some());
    }

    /// Returns the microseconds of `line` after the line before, if that is its only time.
    fn distance(&self, line: &[u8]) -> Option<i64> {
        // The distance stands in brackets, `[<` or `[ +`, with or without colours and JSON escapes. Few logs have such
        // brackets, and others are not parsed for it.
        let may = |at: usize| {
            let inside = line[at + 1..].trim_ascii_start();
            matches!(inside.first(), Some(b'<' | b'+' | b'\\' | 0x1b))
        };
        if memchr_iter(b'[', line).any(may) {
            self.read(&plain(line))?.after
        } else {
            None
        }
    }

    /// Reports that the log was alive at the time of the first line that has one, of those before another start of the
    /// machine.
    fn alive_at_begin(&mut self, text: &[u8], sink: &mut Sink<'_>) {
        let mut tries = DATING_TRIES;
        for (number, line) in lines(text).enumerate() {
            if tries.max(self.first_tries) == 0 || number > 0 && is_start(line) {
                return;
            }
            tries = tries.saturating_sub(1);
            self.first_tries = self.first_tries.saturating_sub(1);
            let last = self.clock.last();
            if self.alive(line, sink) {
                // Lines before it may count from one another, and not from this one.
                if number > 0 {
                    self.clock.go_back_to(last);
                }
                self.first_tries = 0;
                self.has_times = true;
                return;
            }
        }
    }

    /// Says when the log had its last line before a start of the machine: a start ends a boot, and only its last line shows
    /// how long that went on.
    fn alive_before_boot(&mut self, before: &[u8], sink: &mut Sink<'_>) {
        if !self.nodes.booted {
            let mut back = lines_back(before).take(DATING_TRIES);
            back.any(|line| self.alive(line, sink));
        }
    }

    /// Reports that the log was alive at the time of the last line that has one. Where the next line counts from it, the
    /// search goes back without a limit.
    fn alive_at_end(&mut self, text: &[u8], sink: &mut Sink<'_>) {
        let mut alive = None;
        let mut after = 0_i64;
        let mut tries = 0;
        let mut last: &[u8] = &[];
        for line in lines_back(text) {
            last = line;
            if let Some(more) = self.distance(line) {
                after = after.saturating_add(more);
                self.each = true;
                continue;
            }
            alive = self.time(line);
            tries += 1;
            // A log without any times is not looked through for one.
            let most = if self.has_times {
                LAST_TRIES
            } else {
                DATING_TRIES
            };
            // Lines before a start of the machine are of another boot, whose end was told.
            if alive.is_some() || is_start(line) || tries >= most && !self.each {
                break;
            }
        }
        if after > 0 {
            let time = self.clock.go_on(after);
            sink(LogEvent::Alive {
                time,
                monotonic: None,
                host: None,
            });
        } else if let Some(alive) = alive {
            self.has_times = true;
            sink(alive.event());
            self.others_alive(text, last, alive.host.as_deref(), sink);
        }
    }

    /// Says when each node with a drop line, but for that of the `last` line, had its own last line in `text`: a node's log
    /// goes on with lines of any kind.
    fn others_alive(&mut self, text: &[u8], last: &[u8], host: Option<&str>, sink: &mut Sink<'_>) {
        let mut open = self.nodes.several_but(host);
        if open == 0 {
            return;
        }
        // These lines lie before the last one, from which the next may count its time.
        let clock = self.clock.clone();
        // Most logs have their hosts in one column: a line is parsed only where that has a name that is looked for.
        let column = host.and_then(|host| memmem::find(last, host.as_bytes()));
        for line in lines_back(text).take(COLUMN_TRIES) {
            let Some(column) = column.filter(|_| open != 0) else {
                break;
            };
            let bit = name_at(line, column).map_or(0, |name| self.nodes.bit(name));
            if open & bit != 0 && self.alive_of(line, open & bit, sink) {
                open &= !bit;
            }
        }
        while let Some(host) = self.nodes.first(open) {
            self.search_alive(text, &host, open, sink);
            open &= open - 1;
        }
        self.clock = clock;
    }

    /// Looks for the last line of `host`, the first of `nodes`, wherever the name stands.
    fn search_alive(&mut self, text: &[u8], host: &str, nodes: u64, sink: &mut Sink<'_>) {
        // The search from the start is vectorised, and a node that is not there is not searched for from the end.
        let mut end = match memmem::find(text, host.as_bytes()) {
            Some(_) => text.len(),
            None => 0,
        };
        for _ in 0..DATING_TRIES {
            let Some(at) = memmem::rfind(&text[..end], host.as_bytes()) else {
                break;
            };
            let begin = memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
            let behind = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
            if self.alive_of(trim(&text[begin..behind]), nodes, sink) {
                break;
            }
            end = begin;
        }
    }

    /// Says that the first of `nodes` was alive at the time of `line`, if the line is of that node: whether it is.
    fn alive_of(&mut self, line: &[u8], nodes: u64, sink: &mut Sink<'_>) -> bool {
        let alive = self.own_time(line);
        let alive = alive.filter(|alive| alive.host.is_some());
        let alive = alive.filter(|alive| alive.host == self.nodes.first(nodes));
        if let Some(alive) = &alive {
            sink(alive.event());
        }
        alive.is_some()
    }

    /// Reports that the log was alive at the time of `record`. Returns whether it has a time of its own.
    pub(super) fn alive(&mut self, record: &[u8], sink: &mut Sink<'_>) -> bool {
        let alive = self.own_time(trim(record));
        if let Some(alive) = &alive {
            sink(alive.event());
        }
        alive.is_some()
    }
}

/// Whether `line` may tell a start of the machine.
fn is_start(line: &[u8]) -> bool {
    let starts = NOTICES.iter().filter(|row| row.kind == NoticeKind::Boot);
    let mut literals = starts.map(|row| row.literal.as_bytes());
    literals.any(|literal| memmem::find(line, literal).is_some())
}

/// Passes on the waiting drop lines.
fn flush(batch: &mut Vec<DropLine<'_>>, sink: &mut Sink<'_>) {
    if !batch.is_empty() {
        sink(LogEvent::Drops(batch));
        batch.clear();
    }
}

/// Returns the name that stands in a column of `line`, as far as it is one of a host.
fn name_at(line: &[u8], column: usize) -> Option<&str> {
    /// `HOST_NAME_MAX` of Linux.
    const MAX_HOST: usize = 64;
    let window = line.get(column..)?;
    let window = &window[..window.len().min(MAX_HOST + 1)];
    let end = (window.iter()).position(|b| !b.is_ascii_alphanumeric() && !b"-._".contains(b))?;
    std::str::from_utf8(&window[..end]).ok()
}

/// Returns the part of a line that is kept for the next one, which may repeat it.
pub(super) fn kept(line: &[u8]) -> &[u8] {
    &line[..line.len().min(MAX_BEFORE)]
}

/// Returns the lines of `block`, and the text behind its last line end.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(block);
    std::iter::from_fn(move || {
        let block = rest?;
        let end = memchr(b'\n', block);
        rest = end.map(|end| &block[end + 1..]);
        Some(trim(&block[..end.unwrap_or(block.len())]))
    })
}

/// Returns the lines of `block` from the last to the first.
fn lines_back(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(block);
    std::iter::from_fn(move || {
        let block = rest?;
        let end = memrchr(b'\n', block);
        rest = end.map(|end| &block[..end]);
        Some(trim(&block[end.map_or(0, |end| end + 1)..]))
    })
}
