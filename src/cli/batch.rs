//! Reads inputs to their ends, then reports.

use std::io;
use std::path::{Path, PathBuf};

use super::args::Shared;
use super::{Exit, account, complain};
use crate::analyze::Analysis;
use crate::error::{Error, printable};
use crate::input::open::{Options, Summary, read_file, read_stream};
use crate::report::Report;

/// The report on `inputs`, and what reading them says of the exit code.
pub(super) fn run(
    shared: &Shared,
    inputs: &[PathBuf],
    options: &Options,
    mut analysis: Analysis,
) -> Result<(Report, Exit), Error> {
    let stdin = [PathBuf::from("-")];
    let inputs = if inputs.is_empty() { &stdin } else { inputs };
    let mut exit = Exit::Clean;
    let (mut lines, mut unknown) = (0, 0);
    for path in inputs {
        let refused = analysis.tally().unreadable;
        let drops = analysis.tally().drops;
        let (summary, error) = read(path, options, &mut analysis);
        lines += summary.lines;
        unknown += usize::from(!summary.known && !summary.blank);
        if let Some(error) = error {
            complain(&error.to_string());
            exit = exit.and(Exit::Trouble);
        } else {
            let none_read =
                analysis.tally().unreadable > refused && analysis.tally().drops == drops;
            exit = exit.and(judged(path, &summary, none_read));
        }
    }
    analysis.set_lines(lines);
    let mut report = super::values::filtered(shared, analysis.report(None))?;
    report.unknown_inputs = unknown;
    account(shared, &analysis);
    Ok((report, exit))
}

fn read(path: &Path, options: &Options, analysis: &mut Analysis) -> (Summary, Option<Error>) {
    let mut sink = |item: crate::input::scan::Item<'_>| analysis.push(item);
    if path.as_os_str() == "-" {
        let (summary, why) =
            read_stream(&mut io::stdin().lock(), options, options.reading, &mut sink);
        let named = |why| Error::Input {
            name: "stdin".to_owned(),
            why,
        };
        return (summary, why.map(named));
    }
    read_file(path, options, &mut sink)
}

/// Whether an input that was read could be judged, and what to say where not.
pub(super) fn judged(path: &Path, summary: &Summary, none_read: bool) -> Exit {
    let name = printable(&path.display().to_string());
    if none_read {
        complain(&format!(
            "no drop line of `{name}` could be read; -v shows them, with the reason"
        ));
        Exit::NotJudged
    } else if !summary.known && !summary.blank {
        complain(&format!(
            "no line of `{name}` is of a known log format; looked for what journalctl (short, short-iso, json), dmesg \
             and syslog write: save the log with `journalctl -k -o short-precise`"
        ));
        Exit::NotJudged
    } else {
        Exit::Clean
    }
}
