//! Tells findings as they come: reads what there is, judges, prints, and lets a timer tell what has settled.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::args::Shared;
use super::batch::judged;
use super::feed::{Feed, Wake};
use super::{Exit, account, complain, learned, verdict};
use crate::analyze::{Analysis, Live};
use crate::beside::{WORTH_A_THREAD, beside};
use crate::error::Error;
use crate::input::event::LogEvent;
use crate::input::reader::Reader;
use crate::input::source::{Options, Summary, read_stream};
use crate::report::{Event, Report, Style, json, text_event};
use crate::time::Time;

/// How often the timer looks for what has settled.
const TICK: Duration = Duration::from_secs(1);
/// How long nothing must come before a report that costs much is made.
const LULL: Duration = Duration::from_millis(50);
/// What the reports between two lulls may cost, in flows that are judged. So each line of a small log is judged
/// as it comes, and a large one that is poured in costs hardly more than a file.
const CREDIT: usize = 1_000;
/// Follows one input to its end or to Ctrl-C.
pub(super) fn run(
    shared: &Shared,
    inputs: &[PathBuf],
    options: &Options,
    analysis: Analysis,
    style: Style,
) -> Result<Exit, Error> {
    let stdin = PathBuf::from("-");
    let path = match inputs {
        [] => &stdin,
        [only] => only,
        _ => {
            return Err(Error::Usage(
                "only one input can be followed; read several with --no-follow".to_owned(),
            ));
        }
    };
    let mut feed = Feed::open(path, options)?;
    // The end of the program frees it, and faster.
    let mut tale = ManuallyDrop::new(Tale {
        shared,
        style,
        analysis,
        live: Live::default(),
        credit: CREDIT,
        dirty: false,
        took: Duration::ZERO,
        failed: None,
    });
    let mut reader = Reader::new(options.prefixes.clone(), options.reading);
    let (mut heard, mut exit) = (Instant::now(), Exit::Clean);
    let mut whole = None;
    let mut pause = TICK;
    loop {
        let wake = match feed.next(Duration::ZERO) {
            Ok(wake) => Ok(wake),
            // Nothing waits: this is the moment to say what is known.
            Err(_) if tale.afford() => {
                tale.tell(None)?;
                feed.next(pause)
            }
            Err(_) => match feed.next(LULL.max(tale.took * 5)) {
                Err(RecvTimeoutError::Timeout) => {
                    tale.tell(None)?;
                    tale.credit = CREDIT;
                    feed.next(pause)
                }
                wake => wake,
            },
        };
        match wake {
            Ok(Wake::Block(block, filled)) => {
                heard = Instant::now();
                reader.push(&block[..filled], &mut |event| tale.take(event));
                tale.unfailed()?;
                feed.give_back(block);
            }
            Ok(Wake::Whole(file)) => {
                let name = path.display().to_string();
                let (summary, errors) =
                    read_stream(&name, file, options, &mut |event| tale.take(event));
                for error in &errors {
                    complain(&error.to_string());
                    exit = Exit::Trouble;
                }
                whole = Some(summary);
                break;
            }
            // The first block of plain lines came as any other.
            Ok(Wake::Plain(_)) => {}
            Ok(Wake::End | Wake::Interrupted) => break,
            Ok(Wake::Failed(why)) => {
                let name = path.display().to_string();
                complain(&Error::Input { name, why }.to_string());
                exit = Exit::Trouble;
                break;
            }
            Err(RecvTimeoutError::Timeout) => {
                let began = Instant::now();
                tale.tick(heard.elapsed())?;
                // A report on many flows must not eat the processor while nothing happens.
                pause = TICK.max(began.elapsed() * 20);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let summary = match whole {
        Some(summary) => summary,
        None => {
            reader.finish(&mut |event| tale.take(event));
            Summary::of(&reader)
        }
    };
    tale.analysis.set_lines(summary.lines);
    let tally = tale.analysis.tally();
    let none_read = tally.unreadable > 0 && tally.drops == 0;
    let (judged, known) = judged(path, &summary, none_read, exit == Exit::Clean);
    learned(shared, &tale.analysis);
    let report = ManuallyDrop::new(tale.end(usize::from(!known))?);
    account(shared, &tale.analysis);
    Ok(exit.and(judged).and(verdict(shared, &report)))
}

/// What a live run has to tell.
struct Tale<'s> {
    shared: &'s Shared,
    style: Style,
    analysis: Analysis,
    live: Live,
    /// What reports may cost before nothing comes for a while.
    credit: usize,
    /// Whether something came that has not been judged.
    dirty: bool,
    /// How long the last report took.
    took: Duration,
    failed: Option<Error>,
}

impl Tale<'_> {
    fn take(&mut self, event: LogEvent<'_>) {
        let LogEvent::Drops(mut rest) = event else {
            return self.analysis.push(event);
        };
        // While that is cheap, each line is judged as if it came alone: how lines come together makes no difference.
        while self.credit > 0
            && let Some((line, others)) = rest.split_at_checked(1)
        {
            rest = others;
            self.analysis.push_drops(line);
            self.dirty = true;
            if self.failed.is_none() && self.afford() {
                self.failed = self.tell(None).err();
            }
        }
        if !rest.is_empty() {
            self.analysis.push_drops(rest);
            self.dirty = true;
        }
    }

    /// Whether a report may be made now, if one is needed; takes its cost.
    fn afford(&mut self) -> bool {
        if !self.dirty {
            return true;
        }
        let cost = self.analysis.cost() + 1;
        let affordable = self.credit >= cost;
        if affordable {
            self.credit -= cost;
        } else {
            // The next line is not asked again: a report costs more with each.
            self.credit = 0;
        }
        affordable
    }

    fn unfailed(&mut self) -> Result<(), Error> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Tells what changed, if anything came.
    fn tell(&mut self, now: Option<Time>) -> Result<(), Error> {
        if !self.dirty && now.is_none() {
            return Ok(());
        }
        self.dirty = false;
        let began = Instant::now();
        let report = super::values::filtered(self.shared, self.analysis.report(now))?;
        let events = self.live.changes(&report, now);
        print(&written(self.shared, self.style, events).map_err(Error::Output)?)?;
        self.took = began.elapsed();
        Ok(())
    }

    /// Lets `silence` pass on the log's clock.
    fn tick(&mut self, silence: Duration) -> Result<(), Error> {
        let Some(last) = self.analysis.last().filter(|_| self.live.is_waiting()) else {
            return Ok(());
        };
        self.tell(Some(Time(last.0 + silence.as_micros() as i64)))
    }

    /// Tells the report.
    fn end(&mut self, unknown_inputs: usize) -> Result<Report, Error> {
        self.unfailed()?;
        let mut report = super::values::filtered(self.shared, self.analysis.report(None))?;
        report.unknown_inputs = unknown_inputs;
        let events = self.live.last_changes(&report);
        let (shared, style) = (self.shared, self.style);
        let (news, whole) = beside(
            events.len() * AN_EVENT >= WORTH_A_THREAD,
            || written(shared, style, events),
            || written(shared, style, [Event::report(&report)]),
        );
        print(&news.map_err(Error::Output)?)?;
        print(&whole.map_err(Error::Output)?)?;
        Ok(report)
    }
}

/// What it costs to write an event, in flows to judge.
const AN_EVENT: usize = 4;

/// Events as they are printed.
fn written<'e>(
    shared: &Shared,
    style: Style,
    events: impl IntoIterator<Item = Event<'e>>,
) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    for event in events {
        if shared.output == "json" {
            json::event(&event, &mut page)?;
        } else {
            text_event(&event, style, &mut page)?;
        }
    }
    Ok(page)
}

/// Prints what is told at one moment together: whoever reads it is woken for each write.
fn print(page: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(page)
        .and_then(|()| out.flush())
        .map_err(Error::Output)
}
