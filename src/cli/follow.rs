//! Tells findings as they come: reads what there is, judges, prints, and lets a timer tell what has settled.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::args::Shared;
use super::batch::judged;
use super::tail::Tail;
use super::{Exit, account, complain, learned, say, verdict};
use crate::analyze::{Analysis, Live};
use crate::error::Error;
use crate::input::open::{BLOCK, Live as Stream, Options, Summary, peel, read_stream, widen};
use crate::input::scan::{Item, Scanner};
use crate::report::{Event, Report, Style, json, text_event};
use crate::time::Time;

/// How often the timer looks for what has settled.
const TICK: Duration = Duration::from_secs(1);
/// How long nothing must come before a report that costs much is made.
const LULL: Duration = Duration::from_millis(50);
/// What the reports between two lulls may cost, in flows that are judged. So each line of a small log is judged
/// as it comes, and a large one that is poured in costs hardly more than a file.
const CREDIT: usize = 25_000;
/// How much is read at once: more than of a file, since each block wakes the thread that judges.
const AT_ONCE: usize = 4 * BLOCK;

/// What wakes the loop.
enum Wake {
    /// So many bytes of a block.
    Block(Vec<u8>, usize),
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
    let (wakes, spare) = reader(path, options)?;
    let mut tale = Tale {
        shared,
        style,
        analysis,
        live: Live::default(),
        credit: CREDIT,
        dirty: false,
        took: Duration::ZERO,
        failed: None,
    };
    let mut scanner = Scanner::new(options.prefixes.clone(), options.reading);
    let (mut heard, mut exit) = (Instant::now(), Exit::Clean);
    let mut whole = None;
    let mut pause = TICK;
    loop {
        let wake = match wakes.try_recv() {
            Ok(wake) => Ok(wake),
            // Nothing waits: this is the moment to say what is known.
            Err(_) if tale.afford() => {
                tale.tell(None)?;
                wakes.recv_timeout(pause)
            }
            Err(_) => match wakes.recv_timeout(LULL.max(tale.took * 5)) {
                Err(RecvTimeoutError::Timeout) => {
                    tale.tell(None)?;
                    tale.credit = CREDIT;
                    wakes.recv_timeout(pause)
                }
                wake => wake,
            },
        };
        match wake {
            Ok(Wake::Block(block, filled)) => {
                heard = Instant::now();
                scanner.push(&block[..filled], &mut |item| tale.take(item));
                tale.unfailed()?;
                // Whoever reads may have read its last.
                let _ = spare.try_send(block);
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

/// Starts a thread that reads `path`, and a handler for Ctrl-C. Comes back: what wakes, and where blocks go to be used again.
fn reader(path: &Path, options: &Options) -> Result<(Receiver<Wake>, SyncSender<Vec<u8>>), Error> {
    let (send, wakes) = sync_channel(4);
    let (give_back, spare) = sync_channel(4);
    let interrupt = send.clone();
    let handled = ctrlc::set_handler(move || drop(interrupt.send(Wake::Interrupted)));
    if handled.is_err() {
        say("dropsift: cannot handle Ctrl-C: it will end the run without a report");
    }
    if path.as_os_str() == "-" {
        let options = options.clone();
        widen(io::stdin());
        thread::spawn(move || match peel(io::stdin(), &options) {
            Ok(Stream::Lines(mut lines)) => pump(&mut lines, &send, &spare),
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
        let meta = std::fs::metadata(path).map_err(named)?;
        // A named pipe is opened once somebody writes to it, and until then Ctrl-C must do.
        let waits = !meta.is_file() && !meta.is_dir();
        let at_once = (!waits).then(|| Tail::open(path).map_err(named));
        let (opened, path) = (at_once.transpose()?, path.to_owned());
        thread::spawn(move || match opened.map_or_else(|| Tail::open(&path), Ok) {
            Ok(mut file) => pump(&mut file, &send, &spare),
            Err(why) => drop(send.send(Wake::Failed(why))),
        });
    }
    Ok((wakes, give_back))
}

/// Puts a stream into an unnamed file.
fn spool(stream: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(stream, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Sends what there is, as soon as it is there.
fn pump(from: &mut impl Read, to: &SyncSender<Wake>, spare: &Receiver<Vec<u8>>) {
    loop {
        let mut block = spare.try_recv().unwrap_or_else(|_| vec![0; AT_ONCE]);
        let wake = match from.read(&mut block) {
            Ok(0) => Wake::End,
            Ok(n) => Wake::Block(block, n),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => Wake::Failed(why),
        };
        let last = !matches!(wake, Wake::Block(..));
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
    /// What reports may cost before nothing comes for a while.
    credit: usize,
    /// Whether something came that has not been judged.
    dirty: bool,
    /// How long the last report took.
    took: Duration,
    failed: Option<Error>,
}

impl Tale<'_> {
    fn take(&mut self, item: Item<'_>) {
        let Item::Drops(entries) = item else {
            return self.analysis.push(item);
        };
        // While that is cheap, each line is judged as if it came alone: how lines come together makes no difference.
        let mut rest = entries;
        while self.credit > 0
            && let Some((line, others)) = rest.split_first()
        {
            rest = others;
            self.analysis.push(Item::Drops(std::slice::from_ref(line)));
            self.dirty = true;
            if self.failed.is_none() && self.afford() {
                self.failed = self.tell(None).err();
            }
        }
        if !rest.is_empty() {
            self.analysis.push(Item::Drops(rest));
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
        for event in self.live.changes(&report, now) {
            self.print(&event)?;
        }
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
        for event in self.live.last_changes(&report) {
            self.print(&event)?;
        }
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
