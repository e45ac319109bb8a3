//! Tells findings as they come: reads what there is, judges, prints, and lets a timer tell what has settled.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::args::Shared;
use super::batch::judged;
use super::{Exit, account, complain, learned, say, verdict};
use crate::analyze::{Analysis, Live};
use crate::error::Error;
use crate::input::open::{BLOCK, Live as Stream, Options, Summary, peel, read_stream};
use crate::input::scan::{Item, Scanner};
use crate::report::{Event, Report, Style, json, text_event};
use crate::time::Time;

/// How often the timer looks for what has settled.
const TICK: Duration = Duration::from_secs(1);
/// How long to wait for a followed file to grow.
const GROWTH: Duration = Duration::from_millis(200);
/// What a report may cost: so many flows may be judged at once, and so many more for each line that comes.
const CREDIT: usize = 100_000;
const CREDIT_PER_LINE: usize = 2;

/// What wakes the loop.
enum Wake {
    Block(Vec<u8>),
    /// An archive or a journal, which is read as a whole.
    Whole(File),
    Failed(io::Error),
    End,
    Interrupted,
}

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
    let wakes = reader(path, options)?;
    let mut tale = Tale {
        shared,
        style,
        analysis,
        live: Live::default(),
        credit: CREDIT,
        dirty: false,
        failed: None,
    };
    let mut scanner = Scanner::new(options.prefixes.clone(), options.reading);
    let (mut heard, mut exit) = (Instant::now(), Exit::Clean);
    let mut whole = None;
    let mut pause = TICK;
    loop {
        let wake = match wakes.try_recv() {
            Ok(wake) => Ok(wake),
            Err(_) => {
                // Nothing waits: this is the moment to say what is known.
                tale.tell(None)?;
                wakes.recv_timeout(pause)
            }
        };
        match wake {
            Ok(Wake::Block(block)) => {
                heard = Instant::now();
                scanner.push(&block, &mut |item| tale.take(item));
                tale.unfailed()?;
            }
            Ok(Wake::Whole(file)) => {
                let name = path.display().to_string();
                let (summary, errors) =
                    read_stream(&name, file, options, &mut |item| tale.take(item));
                for error in &errors {
                    complain(&error.to_string());
                    exit = Exit::Trouble;
                }
                whole = Some(summary);
                break;
            }
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
            scanner.finish(&mut |item| tale.take(item));
            Summary::of(&scanner)
        }
    };
    tale.analysis.set_lines(summary.lines);
    let tally = tale.analysis.tally();
    let none_read = tally.unreadable > 0 && tally.drops == 0;
    let (judged, known) = judged(path, &summary, none_read, exit == Exit::Clean);
    learned(shared, &tale.analysis);
    let report = tale.end(usize::from(!known))?;
    account(shared, &tale.analysis);
    Ok(exit.and(judged).and(verdict(shared, &report)))
}

/// Starts a thread that reads `path`, and a handler for Ctrl-C.
fn reader(path: &Path, options: &Options) -> Result<Receiver<Wake>, Error> {
    let (send, wakes) = sync_channel(4);
    let interrupt = send.clone();
    let handled = ctrlc::set_handler(move || drop(interrupt.send(Wake::Interrupted)));
    if handled.is_err() {
        say("dropsift: cannot handle Ctrl-C: it will end the run without a report");
    }
    if path.as_os_str() == "-" {
        let options = options.clone();
        thread::spawn(move || match peel(io::stdin(), &options) {
            Ok(Stream::Lines(mut lines)) => pump(&mut lines, &send, false),
            Ok(Stream::Whole(mut whole)) => {
                let wake = spool(&mut whole).map_or_else(Wake::Failed, Wake::Whole);
                drop(send.send(wake));
            }
            Err(why) => drop(send.send(Wake::Failed(why))),
        });
    } else {
        let named = |why| Error::Input {
            name: path.display().to_string(),
            why,
        };
        let mut file = File::open(path).map_err(named)?;
        thread::spawn(move || pump(&mut file, &send, true));
    }
    Ok(wakes)
}

/// Puts a stream into an unnamed file.
fn spool(stream: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(stream, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Sends what there is, as soon as it is there.
fn pump(from: &mut impl Read, to: &SyncSender<Wake>, grows: bool) {
    let mut block = vec![0; BLOCK];
    loop {
        let wake = match from.read(&mut block) {
            Ok(0) if grows => {
                thread::sleep(GROWTH);
                continue;
            }
            Ok(0) => Wake::End,
            Ok(n) => Wake::Block(block[..n].to_vec()),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => Wake::Failed(why),
        };
        let last = !matches!(wake, Wake::Block(_));
        if to.send(wake).is_err() || last {
            return;
        }
    }
}

/// What a live run has to tell.
struct Tale<'s> {
    shared: &'s Shared,
    style: Style,
    analysis: Analysis,
    live: Live,
    /// How many flows may be judged before more lines have to come.
    credit: usize,
    /// Whether something came that has not been judged.
    dirty: bool,
    failed: Option<Error>,
}

impl Tale<'_> {
    fn take(&mut self, item: Item<'_>) {
        let drops = matches!(item, Item::Drop(_));
        self.analysis.push(item);
        if drops {
            self.dirty = true;
            self.credit = self.credit.saturating_add(CREDIT_PER_LINE).min(CREDIT);
            let cost = self.analysis.flows() + 1;
            if self.credit >= cost && self.failed.is_none() {
                self.credit -= cost;
                self.failed = self.tell(None).err();
            }
        }
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
        let report = super::values::filtered(self.shared, self.analysis.report(now))?;
        for event in self.live.changes(&report) {
            self.print(&event)?;
        }
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
        self.tell(None)?;
        let mut report = super::values::filtered(self.shared, self.analysis.report(None))?;
        report.unknown_inputs = unknown_inputs;
        self.print(&Event::report(&report))?;
        Ok(report)
    }

    fn print(&self, event: &Event<'_>) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        let written = if self.shared.output == "json" {
            json::event(event, &mut out)
        } else {
            let mut page = Vec::new();
            text_event(event, self.style, &mut page).and_then(|()| out.write_all(&page))
        };
        written.and_then(|()| out.flush()).map_err(Error::Output)
    }
}
