//! Reads an input that may go on: judges the lines so far, writes events, and lets a timer detect settled findings.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::args::ReportArgs;
use super::batch::judged;
use super::feed::{Feed, Wake};
use super::filters::Filter;
use super::refusal::fault;
use super::session::Session;
use super::{Exit, account, cluster, complain, learned, terminal, verdict};
use crate::analyze::Analysis;
use crate::error::Error;
use crate::input::reader::Reader;
use crate::input::source::{Options, Summary, read_stream};
use crate::report::{InputReport, Report, Style};

/// Upper bound on one wait: it limits the damage of a wrong timer.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Follows one input to its end or to Ctrl-C.
///
/// # Errors
/// If there are several inputs, if the one cannot be opened, or if stdout cannot be written to.
pub(super) fn run(
    args: &ReportArgs,
    options: &Options,
    analysis: Analysis,
    style: Style,
) -> Result<Exit, Error> {
    let shared = &args.shared;
    let stdin = PathBuf::from("-");
    let path = match &args.read.inputs[..] {
        [] => &stdin,
        [only] => only,
        _ => {
            return Err(Error::Usage(
                "only one input can be followed; read several with --no-follow".to_owned(),
            ));
        }
    };
    let filter = Filter::new(&shared.filters)?;
    let mut feed = Feed::open(path, options)?;
    // The process exit frees it, and faster.
    let told = (shared.judging.now.as_ref()).map(|_| options.reading.reference);
    let mut session = ManuallyDrop::new(Session::new(args, filter, style, analysis, path, told)?);
    let (summary, exit, held) = read(path, options, &mut feed, &mut session)?;
    // Where nothing at all could be read, there is no report.
    if let Some(error) = held {
        session.clear();
        if summary.lines == 0 {
            return Err(error);
        }
        complain(&fault(&error));
    }
    end(args, path, &summary, exit, &mut session)
}

/// Says what came of an input that has ended, with the report.
///
/// # Errors
/// If it holds objects of the cluster and no log, or if stdout cannot be written to.
pub(super) fn end(
    args: &ReportArgs,
    path: &Path,
    summary: &Summary,
    mut exit: Exit,
    session: &mut Session<'_>,
) -> Result<Exit, Error> {
    let shared = &args.shared;
    session.set_lines(summary.lines);
    for error in session.unreadable() {
        session.clear();
        complain(&fault(&error));
        exit = Exit::Trouble;
    }
    if summary.objects && summary.lines == 0 {
        session.clear();
        return Err(cluster::no_log(&path.display().to_string()));
    }
    let tally = session.analysis().tally();
    let none_judged = tally.refused() > 0 && session.analysis().met() == 0;
    session.clear();
    let (judged, known) = judged(path, summary, none_judged, exit == Exit::Clean);
    exit = exit.and(judged);
    learned(shared, session.analysis());
    let input = InputReport {
        name: path.display().to_string(),
        tally,
        known,
        has_objects: summary.objects,
        error: None,
    };
    let report: ManuallyDrop<Report> = ManuallyDrop::new(session.end(input)?);
    account(shared, session.analysis());
    Ok(exit.and(verdict(shared, &report)))
}

/// Passes on the input until it ends.
fn read(
    path: &Path,
    options: &Options,
    feed: &mut Feed,
    session: &mut Session<'_>,
) -> Result<(Summary, Exit, Option<Error>), Error> {
    let mut reader = Reader::new(options.prefixes.clone(), options.reading);
    let mut exit = Exit::Clean;
    let mut held = None;
    session.act(Instant::now())?;
    loop {
        let mut now = Instant::now();
        let wait = session.due().map_or(MAX_WAIT, |due| due - now);
        match feed.next(wait.min(MAX_WAIT)) {
            Ok(Wake::Block(block, filled)) => {
                reader.push(&block.bytes()[..filled], &mut |event| session.take(event));
                session.add_years(reader.settle_years(terminal::now()));
                session.set_lines(reader.lines());
                session.hear()?;
                feed.give_back(block);
            }
            Ok(Wake::Whole(file)) => {
                let name = path.display().to_string();
                let (summary, errors) =
                    read_stream(&name, file, options, &mut |event| session.take(event));
                session.clear();
                for error in errors {
                    exit = Exit::Trouble;
                    if let Some(earlier) = held.replace(error) {
                        complain(&fault(&earlier));
                    }
                }
                return Ok((summary, exit, held));
            }
            // The first block of plain lines came as any other.
            Ok(Wake::Plain(_)) => {}
            Err(RecvTimeoutError::Timeout) => now = Instant::now(),
            Ok(Wake::End | Wake::Interrupted) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(Wake::Failed(why)) => {
                let name = path.display().to_string();
                held = Some(Error::Input { name, why });
                exit = Exit::Trouble;
                break;
            }
        }
        // The gate opens only for an input that was still open at that time: one that has ended may look as if it went
        // on.
        session.act(now)?;
    }
    reader.finish(&mut |event| session.take(event));
    Ok((Summary::of(&reader), exit, held))
}
