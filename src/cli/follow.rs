//! Reads inputs that may go on: judges the lines so far, writes events, and lets a timer detect settled findings.

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::args::ReportArgs;
use super::batch::unjudged;
use super::feed::Feed;
use super::filters::Filter;
use super::input::Input;
use super::refusal::fault;
use super::session::Session;
use super::wake::Wake;
use super::{Exit, account, cluster, complain, learned, terminal, verdict};
use crate::analyze::Analysis;
use crate::error::{Error, printable};
use crate::input::reader::Reader;
use crate::input::source::{Options, Summary, read_stream};
use crate::report::{Renderer, Report, Style};

/// Upper bound on one wait: it limits the damage of a wrong timer.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Follows inputs to their ends or to Ctrl-C.
///
/// # Errors
/// If one cannot be opened, or if stdout cannot be written to.
pub(super) fn run(
    args: &ReportArgs,
    options: &Options,
    analysis: Analysis,
    style: Style,
) -> Result<Exit, Error> {
    let shared = &args.shared;
    let paths = match &args.read.inputs[..] {
        [] => vec![PathBuf::from("-")],
        some => once_each(some),
    };
    let filter = Filter::new(&shared.filters)?;
    let mut feed = Feed::open(&paths, options)?;
    // The process exit frees it, and faster.
    let mut session = ManuallyDrop::new(Session::new(
        args,
        filter,
        style,
        analysis,
        &paths,
        options.reading,
    )?);
    let (inputs, exit) = read(&paths, options, &mut feed, &mut session, args.renderer())?;
    end(args, &inputs, exit, &mut session)
}

/// Returns `paths`, without those of a file that an earlier one names.
fn once_each(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut once = Vec::new();
    let mut known = Vec::new();
    for path in paths {
        let own = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if known.contains(&own) {
            let name = printable(&path.display().to_string());
            complain(&format!("`{name}` is given twice; it is read once"));
            continue;
        }
        known.push(own);
        once.push(path.clone());
    }
    once
}

/// Says what came of inputs that have ended, with the report.
///
/// # Errors
/// If they hold objects of the cluster and no log, or if stdout cannot be written to.
pub(super) fn end(
    args: &ReportArgs,
    inputs: &[Input],
    mut exit: Exit,
    session: &mut Session<'_>,
) -> Result<Exit, Error> {
    let shared = &args.shared;
    let lines = inputs.iter().map(|input| input.summary.lines).sum();
    session.set_lines(lines);
    session.clear();
    if lines == 0
        && let [first, ..] = inputs
        && inputs.iter().all(|input| input.summary.objects)
    {
        return Err(cluster::no_log(&first.path.display().to_string()));
    }
    let mut reports = Vec::new();
    for input in inputs {
        let is_whole = input.error.is_none();
        let why = unjudged(
            &input.path,
            &input.summary,
            input.none_judged(),
            is_whole,
            &input.unjudged,
        );
        exit = exit.and(Exit::of(why));
        reports.push(input.report());
    }
    learned(shared, session.analysis());
    let report: ManuallyDrop<Report> = ManuallyDrop::new(session.end(reports)?);
    account(shared, session.analysis(), &report.tally);
    Ok(exit.and(verdict(shared, &report)))
}

/// Passes on the inputs until they end.
///
/// # Errors
/// If nothing at all could be read, or if stdout cannot be written to.
fn read(
    paths: &[PathBuf],
    options: &Options,
    feed: &mut Feed,
    session: &mut Session<'_>,
    form: &Renderer,
) -> Result<(Vec<Input>, Exit), Error> {
    let mut inputs: Vec<Input> = paths.iter().map(|path| Input::new(path)).collect();
    // Of an input that has ended, there is none.
    let new = || Some(Reader::new(options.prefixes.clone(), options.reading));
    let mut readers: Vec<Option<Reader>> = paths.iter().map(|_| new()).collect();
    let mut exit = Exit::Clean;
    let mut held = None::<Error>;
    session.act(Instant::now(), &inputs)?;
    while readers.iter().any(Option::is_some) {
        let mut now = Instant::now();
        let wait = session.due().map_or(MAX_WAIT, |due| due - now);
        let (number, wake) = match feed.next(wait.min(MAX_WAIT)) {
            Ok(told) => told,
            Err(RecvTimeoutError::Timeout) => {
                now = Instant::now();
                session.act(now, &inputs)?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let place = number as usize;
        let (input, reader) = (&mut inputs[place], &mut readers[place]);
        session.select(number);
        let (mut errors, mut is_heard) = (Vec::new(), false);
        match wake {
            Wake::Block(block, filled, left) => {
                input.left = left;
                if let Some(reader) = reader {
                    input.hint.push(&block.bytes()[..filled]);
                    session.account(input, |session| {
                        reader.push(&block.bytes()[..filled], &mut |event| session.take(event));
                        session.add_years(reader.settle_years(terminal::now()));
                    });
                    input.summary = Summary::of(reader);
                }
                feed.give_back(block);
                input.hear();
                is_heard = true;
            }
            Wake::Whole(file) => {
                let name = input.path.display().to_string();
                (input.summary, errors) = session.account(input, |session| {
                    read_stream(&name, file, options, &mut |event| session.take(event))
                });
                if input.summary.known {
                    for aside in errors.extract_if(.., |error| error.is_aside()) {
                        session.clear();
                        complain(&fault(&aside));
                    }
                }
                errors.extend(session.unreadable(&name));
                input.unjudged = session.take_unjudged();
                input.hear();
                input.is_up = false;
                *reader = None;
            }
            // The first block of plain lines came as any other.
            Wake::Plain(_) => continue,
            Wake::Interrupted => {
                session.clear();
                input.left = input.left.max(feed.left());
                for (input, reader) in inputs.iter_mut().zip(&mut readers) {
                    input.leave_torn(reader.as_mut());
                    input.tell_left();
                }
                break;
            }
            Wake::Up(is_up) => {
                input.is_up = is_up;
                session.note_change();
            }
            Wake::End | Wake::Failed(_) => {
                if let Wake::Failed(why) = wake {
                    let name = input.path.display().to_string();
                    errors.push(Error::Input { name, why });
                }
                errors.extend(finish(input, reader, session));
                input.is_up = false;
                session.note_change();
            }
        }
        session.set_lines(inputs.iter().map(|input| input.summary.lines).sum());
        for error in errors {
            exit = Exit::Trouble;
            hold(error, &mut inputs[place], &mut held, session);
        }
        if is_heard {
            session.hear()?;
        }
        // The gate opens only for an input that was still open at that time: one that has ended may look as if it went
        // on.
        if readers.iter().any(Option::is_some) {
            session.act(now, &inputs)?;
        }
    }
    for (number, (input, reader)) in (0..).zip(inputs.iter_mut().zip(&mut readers)) {
        session.select(number);
        if let Some(error) = finish(input, reader, session) {
            exit = Exit::Trouble;
            hold(error, input, &mut held, session);
        }
    }
    // Where nothing at all could be read, only a form for programs has a report.
    if let Some(error) = held {
        session.clear();
        if inputs.iter().all(|input| input.summary.lines == 0) && !form.always {
            return Err(error);
        }
        complain(&fault(&error));
    }
    Ok((inputs, exit))
}

/// Keeps the last error, which may be all that is said, and says the one before.
fn hold(error: Error, input: &mut Input, held: &mut Option<Error>, session: &mut Session<'_>) {
    input.error.get_or_insert_with(|| error.to_string());
    if let Some(earlier) = held.replace(error) {
        session.clear();
        complain(&fault(&earlier));
    }
}

/// Takes what is left of an input that has ended. Returns what it lacks, by its own words.
fn finish(
    input: &mut Input,
    reader: &mut Option<Reader>,
    session: &mut Session<'_>,
) -> Option<Error> {
    let mut reader = reader.take()?;
    session.account(input, |session| {
        reader.finish(&mut |event| session.take(event));
    });
    input.summary = Summary::of(&reader);
    let why = std::mem::take(&mut input.hint).told()?;
    let name = input.path.display().to_string();
    Some(Error::Input { name, why })
}
