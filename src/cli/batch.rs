//! Reads inputs to their ends, then reports.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use super::filters::Filter;
use super::options::Shared;
use super::progress::Bar;
use super::refusal::fault;
use super::{Exit, account, complain, learned};
use crate::analyze::Analysis;
use crate::error::{Error, printable};
use crate::input::source::{Options, Summary, read_file, read_local_journal};
use crate::report::Report;

/// The report on `inputs`, and what reading them says of the exit code.
pub(super) fn run(
    shared: &Shared,
    inputs: &[PathBuf],
    options: &Options,
    analysis: Analysis,
) -> Result<(Report, Exit), Error> {
    // The end of the program frees thousands of flows at once, and faster.
    let mut analysis = ManuallyDrop::new(analysis);
    read(shared, inputs, options, &mut analysis)
}

/// The same, with an analysis that is still wanted.
pub(super) fn read(
    shared: &Shared,
    inputs: &[PathBuf],
    options: &Options,
    analysis: &mut Analysis,
) -> Result<(Report, Exit), Error> {
    let filter = Filter::new(&shared.filters)?;
    let stdin = [PathBuf::from("-")];
    let inputs = match inputs {
        [] if shared.journal => &[],
        [] => &stdin[..],
        some => some,
    };
    let sources = inputs
        .iter()
        .map(Some)
        .chain(shared.journal.then_some(None));
    let several = inputs.len() + usize::from(shared.journal) > 1;
    let bar = Bar::start(&options.progress, shared.is_quiet());
    let mut exit = Exit::Clean;
    let (mut lines, mut unknown) = (0, 0);
    let (mut held, mut any_read) = (None::<Error>, false);
    for source in sources {
        if several {
            analysis.begin_input();
        }
        let before = analysis.tally();
        let mut sink = |event: crate::input::event::LogEvent<'_>| analysis.push(event);
        let (summary, errors) = match source {
            Some(path) => read_file(path, options, &mut sink),
            None => read_local_journal(options, &mut sink),
        };
        lines += summary.lines;
        bar.clear();
        let is_whole = errors.is_empty();
        any_read |= is_whole;
        for error in errors {
            exit = exit.and(Exit::Trouble);
            // Where nothing at all can be read, the last fault is what there is to say, and there is no report.
            if let Some(earlier) = held.replace(error) {
                complain(&fault(&earlier));
            }
        }
        if lines > 0
            && let Some(error) = held.take()
        {
            complain(&fault(&error));
        }
        let after = analysis.tally();
        let none_read = after.unreadable > before.unreadable && after.drops == before.drops;
        let journal = Path::new("the local journal");
        let (judged, known) = judged(
            source.map_or(journal, PathBuf::as_path),
            &summary,
            none_read,
            is_whole,
        );
        exit = exit.and(judged);
        unknown += usize::from(!known || (!is_whole && summary.lines == 0));
    }
    bar.finish();
    match held {
        Some(error @ Error::Input { .. }) if !any_read => return Err(error),
        Some(error) => complain(&fault(&error)),
        None => {}
    }
    analysis.set_lines(lines);
    learned(shared, analysis);
    let mut report = filter.apply(analysis.report(None));
    report.unknown_inputs = unknown;
    account(shared, analysis);
    Ok((report, exit))
}

/// Whether an input that was read could be judged, and whether its format is known; says what to do where not.
pub(super) fn judged(path: &Path, summary: &Summary, none_read: bool, whole: bool) -> (Exit, bool) {
    let name = printable(&path.display().to_string());
    if none_read {
        complain(&format!(
            "no drop line of `{name}` could be read; -v shows them, with the reason"
        ));
        (Exit::NotJudged, true)
    } else if whole && !summary.known && !summary.blank {
        complain(&format!(
            "no line of `{name}` is of a known log format; looked for what journalctl, dmesg, syslog daemons and log \
             collectors write: save the log with `journalctl -k -o short-precise`"
        ));
        (Exit::NotJudged, false)
    } else {
        (Exit::Clean, true)
    }
}
