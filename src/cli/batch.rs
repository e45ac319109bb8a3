//! Reads inputs to their ends, then reports.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use super::filters::Filter;
use super::options::Shared;
use super::progress::Bar;
use super::refusal::fault;
use super::{Exit, account, cluster, complain, learned, replay};
use crate::analyze::Analysis;
use crate::error::{Error, printable};
use crate::input::source::{LOCAL_JOURNAL, Options, Summary, read_file, read_local_journal};
use crate::report::{InputReport, Renderer, Report, Tally, Unjudged};

/// Creates the report on `inputs`, for the output in a form. Where no input can be read, only a form for programs has a
/// report. Returns the exit code that follows from reading them as well.
pub(super) fn run(
    shared: &Shared,
    inputs: &[PathBuf],
    options: &Options,
    analysis: Analysis,
    form: &Renderer,
) -> Result<(Report, Exit), Error> {
    // The process exit frees thousands of flows at once, and faster.
    let mut analysis = ManuallyDrop::new(analysis);
    read(shared, inputs, options, &mut analysis, form)
}

/// Reads the inputs into an analysis that the caller still uses.
pub(super) fn read(
    shared: &Shared,
    inputs: &[PathBuf],
    options: &Options,
    analysis: &mut Analysis,
    form: &Renderer,
) -> Result<(Report, Exit), Error> {
    let filter = Filter::new(&shared.filters)?;
    let stdin = [PathBuf::from("-")];
    let inputs = match inputs {
        [] if shared.journal => &[],
        [] => &stdin[..],
        some => some,
    };
    // Standard input may hold objects of the cluster, which are needed before a log is read.
    let (first, rest): (Vec<_>, Vec<_>) = inputs.iter().partition(|path| path.as_os_str() == "-");
    let sources = (first.into_iter().chain(rest))
        .map(Some)
        .chain(shared.journal.then_some(None));
    let several = inputs.len() + usize::from(shared.journal) > 1;
    let bar = Bar::start(&options.progress, shared.is_quiet());
    let mut exit = Exit::Clean;
    let (mut lines, mut reports) = (0, Vec::new());
    let mut paths = Vec::new();
    let (mut held, mut any_read) = (None::<Error>, false);
    for source in sources {
        // A file has the same records under any name; a pipe has new ones each time.
        let path = source.and_then(|path| std::fs::canonicalize(path).ok());
        let path = path.filter(|path| path.is_file() || path.is_dir());
        if let (Some(name), Some(path)) = (source, path) {
            if paths.contains(&path) {
                let name = printable(&name.display().to_string());
                complain(&format!("`{name}` is given twice; it is read once"));
                continue;
            }
            paths.push(path);
        }
        if several {
            analysis.begin_input();
        }
        let (before, met, known) = (analysis.tally(), analysis.met(), analysis.reports());
        let mut sink = |event: crate::input::event::LogEvent<'_>| analysis.push(event);
        let (summary, errors) = match source {
            Some(path) => read_file(path, options, &mut sink),
            None => read_local_journal(options, &mut sink),
        };
        let name = source.map_or_else(String::new, |path| path.display().to_string());
        let mut errors = errors;
        errors.extend(unreadable(analysis, &name));
        lines += summary.lines;
        bar.clear();
        if summary.known {
            for aside in errors.extract_if(.., |error| error.is_aside()) {
                complain(&fault(&aside));
            }
        }
        let is_whole = errors.is_empty();
        let first = errors.first().map(ToString::to_string);
        any_read |= is_whole;
        for error in errors {
            exit = exit.and(Exit::Trouble);
            // If no input at all can be read, the last fault is the error of the run.
            if let Some(earlier) = held.replace(error) {
                complain(&fault(&earlier));
            }
        }
        if (lines > 0 || analysis.has_reports())
            && let Some(error) = held.take()
        {
            complain(&fault(&error));
        }
        let after = analysis.tally();
        // A report says so itself.
        let refused = after.refused() > before.refused() && analysis.reports() == known;
        let none_judged = refused && analysis.met() == met;
        let journal = Path::new(LOCAL_JOURNAL);
        let unjudged = unjudged(
            source.map_or(journal, PathBuf::as_path),
            &summary,
            none_judged,
            is_whole,
            &analysis.take_unjudged(),
        );
        exit = exit.and(Exit::of(unjudged));
        // Until all is read, the lines of an account are those of reports.
        let own = after.lines - before.lines;
        let tally = since(&before, &after, summary.lines + own);
        reports.push(InputReport {
            name,
            tally,
            unjudged,
            has_objects: summary.objects,
            error: first,
        });
    }
    bar.finish();
    let is_objects = |input: &InputReport| input.has_objects && input.error.is_none();
    if let Some(first) = reports.first().filter(|_| reports.iter().all(is_objects)) {
        return Err(cluster::no_log(&first.name));
    }
    // As they were named.
    let place = |input: &InputReport| {
        let is_own = |path: &PathBuf| path.display().to_string() == input.name;
        inputs.iter().position(is_own).unwrap_or(usize::MAX)
    };
    reports.sort_by_key(place);
    match held {
        Some(error @ (Error::Input { .. } | Error::Aside { .. })) if !any_read && !form.always => {
            return Err(error);
        }
        Some(error) => complain(&fault(&error)),
        None => {}
    }
    analysis.set_lines(lines);
    analysis.end_inputs();
    learned(shared, analysis);
    let mut report = filter.apply(analysis.report(None));
    report.inputs = reports;
    report.inputs.extend(cluster::reports(shared));
    report.options = replay::options(std::env::args_os(), &options.reading);
    account(shared, analysis, &report.tally);
    Ok((report, exit))
}

/// Returns the faults of the reports in the input `name` as errors.
pub(super) fn unreadable(analysis: &mut Analysis, name: &str) -> Vec<Error> {
    let faults = analysis.take_faults().into_iter();
    let name = || name.to_owned();
    faults
        .map(|why| Error::Unreadable { name: name(), why })
        .collect()
}

/// Returns the tally of one input: `after` less `before`, with its own number of lines.
const fn since(before: &Tally, after: &Tally, lines: u64) -> Tally {
    Tally {
        lines,
        drops: after.drops - before.drops,
        unreadable: after.unreadable - before.unreadable,
        untrusted: after.untrusted - before.untrusted,
        outside: after.outside - before.outside,
        filtered: 0,
    }
}

/// Returns why nothing of an input was judged, and prints the remedy; `None` where something was. `told` are the inputs
/// of a report of which nothing was judged when it was made.
pub(super) fn unjudged(
    path: &Path,
    summary: &Summary,
    none_judged: bool,
    whole: bool,
    told: &[(String, Unjudged)],
) -> Option<Unjudged> {
    let name = printable(&path.display().to_string());
    for (input, why) in told {
        let what = match why {
            Unjudged::UnknownFormat => "no line of it is of a known log format",
            Unjudged::NoDropLine => "no drop line of it could be judged",
        };
        complain(&format!(
            "`{name}` is a report in which nothing of `{}` was judged: {what}; save that log with `journalctl -k -o \
             short-precise`, and report it again",
            printable(input)
        ));
    }
    if let Some(why) = told.iter().map(|(_, why)| *why).min() {
        Some(why)
    } else if none_judged {
        complain(&format!(
            "no drop line of `{name}` could be judged; -v shows them, with the reason"
        ));
        Some(Unjudged::NoDropLine)
    } else if whole && !summary.known && !summary.blank {
        complain(&format!(
            "no line of `{name}` is of a known log format; looked for what journalctl, dmesg, syslog daemons and log \
             collectors write: save the log with `journalctl -k -o short-precise`"
        ));
        Some(Unjudged::UnknownFormat)
    } else {
        None
    }
}
