//! State of a live run: the time of the next report, its events, and their writer.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::args::ReportArgs;
use super::batch::unreadable;
use super::cluster::Local;
use super::filters::Filter;
use super::gate::Gate;
use super::input::{Input, Sums};
use super::metrics::Publisher;
use super::pace::Pace;
use super::status::Status;
use super::writer::{Page, Writer};
use super::{cluster, pager, replay, say, say_unreported, terminal};
use crate::analyze::{Analysis, Live};
use crate::beside::stay_alone;
use crate::date::Date;
use crate::error::{Error, printable};
use crate::input::Prefixes;
use crate::input::event::{DropBatch, LogEvent};
use crate::report::{Events, InputReport, LiveText, Report, Style, Unjudged, few_filters};
use crate::site::{Provenance, Site};
use crate::time::{Reading, Time};

/// Interval of the timer that looks for settled findings.
const TICK: Duration = Duration::from_secs(1);
/// Pause of the timer after a report, as a multiple of its duration: reports on many flows must not keep the processor
/// busy while nothing happens.
const TICK_REST: u32 = 20;
/// Longest time for which rows wait for others of their kind.
const HELD: Duration = Duration::from_micros(crate::report::HELD as u64);

/// A live run.
pub(super) struct Session<'s> {
    args: &'s ReportArgs,
    filter: Filter,
    style: Style,
    /// Names of the inputs.
    sources: Vec<String>,
    analysis: Analysis,
    live: Live,
    writer: Writer,
    gate: Gate,
    pace: Pace,
    status: Status,
    publisher: Option<Publisher>,
    /// Whether the start line was printed.
    has_started: bool,
    began: Instant,
    heard: Instant,
    /// Whether lines came that no report has judged yet.
    is_dirty: bool,
    /// Time of the next tick of the timer.
    tick: Instant,
    /// How times are read, of options too.
    reading: Reading,
    /// What `--now` says that it was when the run began.
    told: Option<Time>,
    /// Log time that the timer has reached: it never goes back.
    now: Option<Time>,
    /// Time since which rows wait.
    held: Option<Instant>,
    /// Where stdin is read on a node of the cluster: its root, whose files count once its own log is seen.
    local: Option<Local>,
    failed: Option<Error>,
}

impl<'s> Session<'s> {
    pub(super) fn new(
        args: &'s ReportArgs,
        filter: Filter,
        style: Style,
        mut analysis: Analysis,
        sources: &[PathBuf],
        reading: Reading,
    ) -> Result<Self, Error> {
        let now = Instant::now();
        let told = (args.shared.judging.now.as_ref()).map(|_| reading.reference);
        let is_stdin = matches!(sources, [only] if only.as_os_str() == "-");
        let publisher = (args.metrics.as_deref())
            .map(Publisher::start)
            .transpose()?;
        if sources.len() > 1 {
            analysis.begin_turns();
        }
        let sources = (sources.iter())
            .map(|path| path.display().to_string())
            .collect();
        let writer = match args.renderer().events {
            None => Writer::None,
            Some(Events::Each(write)) => Writer::Each(write),
            Some(Events::Rows) => {
                let rows = LiveText::new(style, analysis.site().settle, !args.shared.is_quiet());
                Writer::Rows(Box::new(rows))
            }
        };
        Ok(Self {
            args,
            filter,
            style,
            sources,
            analysis,
            live: Live::new(args.updates),
            // What a journal has already is told together.
            gate: Gate::new(args.follow && !args.follows_journal()),
            writer,
            pace: Pace::new(now),
            status: Status::new(args.shared.is_quiet()),
            publisher,
            has_started: false,
            reading,
            told,
            began: now,
            heard: now,
            is_dirty: false,
            tick: now + TICK,
            now: None,
            held: None,
            local: is_stdin.then(|| Local::find(&args.shared)).flatten(),
            failed: None,
        })
    }

    pub(super) const fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// Reads a part of an input by `part`, and takes account of it.
    pub(super) fn account<T>(&mut self, input: &mut Input, part: impl FnOnce(&mut Self) -> T) -> T {
        let before = Sums::of(&self.analysis);
        let result = part(self);
        input.add(&before, &Sums::of(&self.analysis));
        result
    }

    pub(super) const fn set_lines(&mut self, lines: u64) {
        self.analysis.set_lines(lines);
    }

    /// Goes on with the input of this number.
    pub(super) fn select(&mut self, input: u32) {
        self.analysis.select(input);
    }

    /// Returns the faults of the reports in the input `name` as errors.
    pub(super) fn unreadable(&mut self, name: &str) -> Vec<Error> {
        unreadable(&mut self.analysis, name)
    }

    /// Returns the inputs of reports of which nothing was judged, since the last call.
    pub(super) fn take_unjudged(&mut self) -> Vec<(String, Unjudged)> {
        self.analysis.take_unjudged()
    }

    /// Notes for `--metrics` that something has changed.
    pub(super) const fn note_change(&mut self) {
        if let Some(publisher) = &mut self.publisher {
            publisher.note_change();
        }
    }

    /// Adds an event of the reader.
    pub(super) fn take(&mut self, event: LogEvent<'_>) {
        // What a journal has already may take longer to read than a reader that is well may be silent.
        if let Some(publisher) = &self.publisher {
            publisher.beat();
        }
        if let LogEvent::EndOfLog { correction } = event {
            self.moved(correction);
        }
        let LogEvent::Drops(mut rest) = event else {
            return self.analysis.push(event);
        };
        self.learn_of_this_node(rest);
        self.is_dirty = true;
        // While reports are cheap, each line is judged separately, so that batching makes no difference.
        while self.is_live()
            && let Some((line, others)) = rest.split_at_checked(1)
        {
            rest = others;
            self.analysis.push_drops(line);
            self.is_dirty = true;
            if self.failed.is_none() && self.pace.allows(Instant::now(), self.analysis.cost()) {
                self.failed = self.tell(None).err();
            }
        }
        if !rest.is_empty() {
            self.analysis.push_drops(rest);
        }
    }

    /// Reads the files of this machine where the log is its own: before its first drop line is judged.
    fn learn_of_this_node(&mut self, drops: DropBatch<'_>) {
        let is_own = |local: &Local| {
            let mut hosts = drops.iter().filter_map(|line| line.host);
            hosts.any(|host| host.eq_ignore_ascii_case(&local.name))
        };
        if !self.local.as_ref().is_some_and(is_own) {
            return;
        }
        for fact in self.local.take().map(Local::facts).unwrap_or_default() {
            self.analysis.tell(&fact, Provenance::Host);
        }
    }

    /// Records that bytes came, after their items were taken.
    ///
    /// # Errors
    /// If stdout cannot be written to.
    pub(super) fn hear(&mut self) -> Result<(), Error> {
        self.heard = Instant::now();
        self.note_change();
        if !self.gate.is_open() {
            let since = (self.heard - self.began).as_micros() as i64;
            let clock = (self.told).map_or_else(terminal::now, |told| Time(told.0 + since));
            self.gate.hear(self.heard, self.analysis.last(), clock);
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Says that what comes from now on is written as this run goes on.
    pub(super) const fn open(&mut self) {
        self.gate.open();
        self.is_dirty = true;
    }

    /// Whether all that came was told.
    pub(super) const fn has_told_all(&self) -> bool {
        !self.is_dirty
    }

    /// Whether events are written as they happen.
    const fn is_live(&self) -> bool {
        self.gate.is_open() && !matches!(self.writer, Writer::None)
    }

    /// Whether time alone may produce events.
    fn is_waiting(&self) -> bool {
        let rows = matches!(&self.writer, Writer::Rows(rows) if rows.is_waiting());
        rows || self.live.is_waiting()
    }

    /// Returns the time of the next action without new input; `None` where there is none.
    pub(super) fn due(&self) -> Option<Instant> {
        let waits = !self.has_started && !self.gate.has_heard();
        let start = waits.then(|| self.began + TICK);
        let publish = self.publisher.as_ref().map(Publisher::due);
        if !self.is_live() {
            return [start, self.gate.due(), publish]
                .into_iter()
                .flatten()
                .min();
        }
        let report = self.is_dirty.then(|| self.pace.due());
        let tick = self.is_waiting().then_some(self.tick);
        let held = self.held.map(|since| since + HELD);
        [start, report, tick, held, self.status.due(), publish]
            .into_iter()
            .flatten()
            .min()
    }

    /// Performs the actions that are due. `open` is the last time at which the input was known to be open, `inputs` what was
    /// read of each.
    ///
    /// # Errors
    /// If stdout cannot be written to.
    pub(super) fn act(&mut self, open: Instant, inputs: &[Input]) -> Result<(), Error> {
        let now = Instant::now();
        let opened = self.gate.try_open(open);
        let waits = !self.gate.has_heard() && now - self.began >= TICK;
        if !self.has_started && (self.gate.is_open() || waits) {
            self.start();
        }
        if self.is_live() {
            self.tell_due(now, opened)?;
        }
        // Events come before pages, which nobody waits for.
        self.publish(Instant::now(), inputs);
        Ok(())
    }

    /// Writes the events and rows that are due. `opened` is whether the input is known to go on since just now.
    fn tell_due(&mut self, now: Instant, opened: bool) -> Result<(), Error> {
        if self.is_dirty && (opened || self.pace.allows(now, self.analysis.cost())) {
            self.tell(None)?;
        }
        if self.tick <= now {
            self.tick()?;
        }
        if self.held.is_some_and(|since| since + HELD <= now) {
            self.held = None;
            if let Writer::Rows(rows) = &mut self.writer {
                let out = &mut Page::new(&mut self.status);
                (rows.flush(out).and_then(|()| out.flush())).map_err(Error::Output)?;
            }
        }
        self.status.draw(Instant::now());
        Ok(())
    }

    /// Publishes the pages of `--metrics` if they are due.
    fn publish(&mut self, now: Instant, inputs: &[Input]) {
        let Some(publisher) = &self.publisher else {
            return;
        };
        publisher.beat();
        if publisher.due() > now {
            return;
        }
        stay_alone();
        let silence = (now - self.heard).as_micros() as i64;
        let last = self.analysis.last();
        let time = last.map(|last| Time(last.0 + silence)).max(self.now);
        let began = Instant::now();
        let report = self.report(time, inputs.iter().map(Input::report).collect());
        if let Some(publisher) = &mut self.publisher {
            publisher.publish(&report, &self.analysis, inputs, began);
        }
    }

    /// Creates the report as it is printed. `now` is the current time of the log.
    fn report(&mut self, now: Option<Time>, inputs: Vec<InputReport>) -> Report {
        self.look_at_clock();
        let mut report = self.filter.apply(self.analysis.report(now));
        report.inputs = inputs;
        report.inputs.extend(cluster::reports(&self.args.shared));
        report.options = replay::options(std::env::args_os(), &self.reading);
        report
    }

    /// Prints to stderr the input that is read, and the role by which it is judged.
    fn start(&mut self) {
        self.has_started = true;
        let is_silent = matches!(self.writer, Writer::None) && self.publisher.is_none();
        if self.args.shared.is_quiet() || is_silent {
            return;
        }
        let named = |source: &String| match source.as_str() {
            "-" => "stdin".to_owned(),
            "" => "the journal of this machine".to_owned(),
            name => printable(name),
        };
        let source = match &self.sources[..] {
            [] => String::new(),
            [first] => named(first),
            [first, second] => format!("{} and {}", named(first), named(second)),
            [first, more @ ..] => format!("{} and {} more", named(first), more.len()),
        };
        let prefix = self
            .args
            .shared
            .judging
            .prefix
            .as_deref()
            .unwrap_or(Prefixes::DOCUMENTED);
        let site = self.analysis.site();
        let role = roles(site);
        let what = format!("dropsift: reading {source} for {}", printable(prefix));
        let role = match &self.publisher {
            Some(publisher) => format!("{role} · http://{}/metrics", publisher.address()),
            None => role,
        };
        let role = match self.filter.options() {
            [] => role,
            options => format!("{role} · {} alone", few_filters(options)),
        };
        let line = format!("{what} · {role} · Ctrl-C: report");
        if line.chars().count() <= terminal::stderr_width() {
            say(&line);
        } else {
            say(&format!("{what}\n  {role} · Ctrl-C: report"));
        }
    }

    /// Creates a report and writes its changes. `tick` is the current time of the log, where the timer triggers it.
    fn tell(&mut self, tick: Option<Time>) -> Result<(), Error> {
        self.is_dirty = false;
        let began = Instant::now();
        stay_alone();
        self.now = self.now.max(tick);
        self.look_at_clock();
        let report = self.filter.apply(self.analysis.report(self.now));
        let events = self.live.changes(&report);
        if let Some(publisher) = self.publisher.as_mut().filter(|_| !events.is_empty()) {
            publisher.note_change();
        }
        let out = &mut Page::new(&mut self.status);
        (self.writer.write(&events, &report, out))
            .and_then(|()| out.flush())
            .map_err(Error::Output)?;
        self.status.update(began, &report);
        if matches!(&self.writer, Writer::Rows(rows) if rows.is_holding()) {
            self.held.get_or_insert(began);
        } else {
            self.held = None;
        }
        self.pace.note(began, Instant::now());
        Ok(())
    }

    /// Notes the day, which may be another one by now.
    fn look_at_clock(&mut self) {
        let passed = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(0);
        let clock = (self.told).map_or_else(terminal::now, |told| Time(told.0 + passed));
        self.analysis.set_today(Date::of(clock));
    }

    /// Advances the log's clock by the silence since the last line.
    fn tick(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        let silence = began - self.heard;
        if let Some(last) = self.analysis.last().filter(|_| self.is_waiting()) {
            self.tell(Some(Time(last.0 + silence.as_micros() as i64)))?;
        }
        self.tick = Instant::now() + TICK.max(began.elapsed() * TICK_REST);
        Ok(())
    }

    /// Moves all times by whole years, once the log shows that its years were assumed wrongly.
    pub(super) fn add_years(&mut self, years: i32) {
        if years == 0 {
            return;
        }
        self.analysis.add_years(years);
        self.moved(years);
    }

    /// Records that the times of a log were moved by whole years.
    fn moved(&mut self, years: i32) {
        if years != 0 {
            // Of several logs, only one was moved.
            let now = self.now.filter(|_| self.sources.len() == 1);
            self.now = now.map(|now| now.add_years(years));
        }
    }

    /// Removes the status line.
    pub(super) fn clear(&mut self) {
        self.status.clear();
    }

    /// Writes the remaining events, and the report.
    ///
    /// # Errors
    /// If stdout cannot be written to.
    pub(super) fn end(&mut self, inputs: Vec<InputReport>) -> Result<Report, Error> {
        self.failed.take().map_or(Ok(()), Err)?;
        self.status.clear();
        let report = self.report(self.now, inputs);
        // Without a report, an input that has ended still writes its events.
        let wanted = self.is_live() || self.args.no_report;
        let (args, style) = (self.args, self.style);
        if wanted {
            let events = self.live.last_changes(&report);
            let out = &mut Page::new(&mut self.status);
            let mut written = self.writer.write(&events, &report, out);
            if let Writer::Rows(rows) = &mut self.writer {
                written = written.and_then(|()| rows.flush(out));
                if !rows.is_empty() {
                    written = written.and_then(|()| out.write_all(b"\n"));
                }
            }
            written.and_then(|()| out.flush()).map_err(Error::Output)?;
        }
        if !args.no_report {
            // Events that were printed are on the terminal already.
            let is_paged = args.is_paged() && !wanted;
            pager::rendered(is_paged, |out| {
                (args.renderer().report)(&report, style, out)
            })
            .map_err(Error::Output)?;
        } else {
            say_unreported(&args.shared, &report);
        }
        Ok(report)
    }
}

/// Describes the roles of the nodes: those known by name, and the default for all others.
fn roles(site: &Site) -> String {
    let others = site.known.default_role();
    let guess = if others.is_known() { "" } else { " (guess)" };
    let named = site.known.roles().keys();
    let mut texts: Vec<String> = named
        .map(|node| format!("{} {}", printable(node), site.role(node)))
        .collect();
    if texts.is_empty() {
        return format!("role {}{guess}", others.value);
    }
    texts.push(format!("others {}{guess}", others.value));
    texts.join(", ")
}
