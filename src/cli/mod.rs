//! Command line: arguments in, an exit status out. The only module that knows clap, the clock, the environment and the
//! terminal.

mod accept;
mod args;
mod audit;
mod batch;
mod chain;
mod cluster;
mod config;
mod configuration;
mod configured;
#[cfg(unix)]
mod cursor;
mod dates;
mod diff;
mod explain;
mod feed;
mod filters;
mod follow;
#[cfg(unix)]
mod follow_journal;
mod gate;
mod help;
mod idle;
mod input;
mod manual;
mod metrics;
mod options;
mod pace;
mod pager;
mod ports;
mod progress;
mod query;
mod readers;
mod refusal;
mod replay;
mod rules;
mod session;
mod signals;
mod simulate;
mod status;
mod stdio;
mod tail;
mod terminal;
mod usage;
mod values;
mod wake;
mod watch;
mod words;
mod writer;

use std::io::{self, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use clap::FromArgMatches;

use crate::analyze::{Analysis, Live, fails};
use crate::error::{Error, printable, printable_name};
use crate::report::{Events, Report, Style, Tally, Unjudged, nothing_passes};
use args::{Args, Command, ReportArgs};
use options::Shared;

/// Exit status of a run; of several the greatest rank counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// No action needed.
    Clean,
    /// A rule is missing.
    Missing,
    /// Input was read but could not be judged.
    NotJudged,
    /// Usage, or an input that cannot be read.
    Trouble,
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Missing => 1,
            Self::NotJudged => 3,
            Self::Trouble => 2,
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Missing => 1,
            Self::NotJudged => 2,
            Self::Trouble => 3,
        }
    }

    /// Returns what follows from the reason why nothing of an input was judged.
    const fn of(unjudged: Option<Unjudged>) -> Self {
        match unjudged {
            Some(_) => Self::NotJudged,
            None => Self::Clean,
        }
    }

    /// Returns the graver of the two.
    const fn and(self, other: Self) -> Self {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }
}

/// Upper bound on the lines of one kind on stderr without `-v`.
const TOLD: usize = 50;

/// Runs the program.
pub fn main() -> ExitCode {
    signals::refuse_xfsz();
    signals::take_open_files();
    if let Err(why) = stdio::check_stdout() {
        complain(&refusal::fault(&why));
        return Exit::Trouble.code().into();
    }
    let typed = words::arranged(std::env::args_os());
    let is_short = typed.iter().any(|word| word == "-h");
    let parsed = usage::command(is_short).try_get_matches_from(&typed);
    let parsed = parsed.and_then(|matches| Ok((Args::from_arg_matches(&matches)?, matches)));
    let told = match parsed {
        Ok((args, matches)) => refusal::check_first_word(&typed)
            .and_then(|()| idle::check(&matches))
            .and_then(|()| run(args)),
        // The help and the version, which are asked for.
        Err(why) if !why.use_stderr() => why.print().map(|()| Exit::Clean).map_err(Error::Output),
        Err(why) => Err(refusal::check_first_word(&typed)
            .err()
            .unwrap_or_else(|| refusal::refusal(&why, &typed))),
    };
    match told {
        Ok(exit) => exit.code().into(),
        // The reader closed the pipe, and wants no more output.
        Err(Error::Output(why)) if why.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(why) => {
            complain(&refusal::fault(&why));
            Exit::Trouble.code().into()
        }
    }
}

fn run(mut args: Args) -> Result<Exit, Error> {
    match &mut args.command {
        None => configured::load_shared(&mut args.report.shared)?,
        Some(Command::Rules(args)) => configured::load_shared(&mut args.shared)?,
        Some(Command::Simulate(args)) => configured::load_shared(&mut args.shared)?,
        Some(Command::Diff(args)) => configured::load_shared(&mut args.shared)?,
        Some(Command::Accept(args)) => configured::load_shared(&mut args.shared)?,
        Some(Command::Explain(args)) => configured::load(&mut args.judging)?,
        Some(Command::Config(args)) => {
            configured::load(&mut args.judging)?;
            configured::fill(&mut args.thresholds, &args.judging);
        }
        Some(_) => {}
    }
    match &args.command {
        None => report(&args.report),
        Some(Command::Diff(args)) => diff::run(args),
        Some(Command::Accept(args)) => accept::run(args),
        Some(Command::Config(args)) => config::run(args),
        Some(Command::Rules(args)) if args.check => rules::check(args),
        Some(Command::Rules(args)) => rules::run(args),
        Some(Command::Chain(args)) => chain::run(args),
        Some(Command::Simulate(args)) => simulate::run(args),
        Some(Command::Audit(args)) => audit::run(args),
        Some(Command::Explain(args)) => explain::run(args),
        Some(Command::Ports(args)) => ports::run(args),
        Some(Command::Schema { document }) => manual::schema(document),
        Some(Command::Completions { shell }) => manual::completions(*shell),
        Some(Command::Man { subcommand }) => manual::man(subcommand.as_deref()),
    }
}

/// Creates the report.
fn report(args: &ReportArgs) -> Result<Exit, Error> {
    let args = &mut args.clone();
    cluster::sort_inputs(&mut args.shared, &mut args.read, 0)?;
    let args = &*args;
    let (shared, inputs) = (&args.shared, &args.read.inputs[..]);
    values::stdin_once(shared, inputs)?;
    let style = Style {
        evidence: shared.verbose,
        ..terminal::style(args.look.color)
    };
    if inputs.is_empty() && !shared.journal && io::stdin().is_terminal() {
        hint();
        return Ok(Exit::Trouble);
    }
    args.check_live()?;
    let options = values::log_options(shared)?;
    let site = values::site(shared, &options)?;
    let analysis = values::analysis(site, &shared.judging, &options, args.scoped.scope());
    #[cfg(unix)]
    if args.follows_journal() {
        return follow_journal::run(args, &options, analysis, style);
    }
    if args.follows() {
        return follow::run(args, &options, analysis, style);
    }
    let (report, exit) = batch::run(shared, inputs, &options, analysis, args.renderer())?;
    // Nor is the report freed before the program ends.
    let report = ManuallyDrop::new(report);
    let renderer = args.renderer();
    match renderer.events {
        // Without a report, the events are the output for a log that has ended.
        Some(Events::Each(write)) if args.no_report => {
            let events = Live::default().last_changes(&report);
            written(|out| events.iter().try_for_each(|event| write(event, out)))?;
            say_unreported(shared, &report);
        }
        _ => {
            pager::rendered(args.is_paged(), |out| {
                (renderer.report)(&report, style, out)
            })
            .map_err(Error::Output)?;
        }
    }
    Ok(exit.and(verdict(shared, &report)))
}

/// Returns the exit status that follows from the findings.
fn verdict(shared: &Shared, report: &Report) -> Exit {
    if fails(report, shared.fail_on()) {
        Exit::Missing
    } else {
        Exit::Clean
    }
}

/// Writes to stdout, and flushes it.
fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(Error::Output)
}

/// Writes to stderr; errors are ignored, because it may be closed.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes an error message.
fn complain(text: &str) {
    say(&format!("dropsift: {text}"));
}

/// Prints the tally of the report, and with `-v` the lines that were refused.
fn account(shared: &Shared, analysis: &Analysis, tally: &Tally) {
    if shared.is_quiet() {
        return;
    }
    let (mut told, mut untold) = (0, 0_u64);
    for (host, time) in analysis.went_back() {
        told += 1;
        if told > TOLD && !shared.verbose {
            untold += 1;
            continue;
        }
        let host = host.map_or_else(
            || "the log".to_owned(),
            |host| format!("the log of {}", printable_name(host)),
        );
        say(&format!(
            "{host} goes back in time at {time}: a clock was set back, or its parts are out of order; what is said of spans \
             of time may be wrong"
        ));
    }
    if untold > 0 {
        say(&format!(
            "{untold} more logs go back in time (-v lists them)"
        ));
    }
    let mut text = format!(
        "{} lines: {} drop lines, {} other",
        tally.lines,
        tally.drops,
        tally.other()
    );
    if tally.unreadable > 0 {
        text.push_str(&format!(", {} unreadable", tally.unreadable));
    }
    if tally.untrusted > 0 {
        text.push_str(&format!(", {} untrusted", tally.untrusted));
    }
    if tally.outside > 0 {
        text.push_str(&format!(", {} outside --since and --until", tally.outside));
    }
    if analysis.repeated() > 0 {
        text.push_str(&format!(
            ", {} in an earlier input already",
            analysis.repeated()
        ));
    }
    let refused = tally.unreadable + tally.untrusted > 0;
    if refused && !shared.verbose {
        text.push_str(" (-v shows them)");
    }
    say(&text);
    if shared.verbose {
        for line in analysis.refused() {
            let kind = if line.unreadable {
                "unreadable"
            } else {
                "untrusted"
            };
            say(&format!("{kind}: {}: {}", line.why, printable(&line.line)));
        }
    }
}

/// Prints the facts about the cluster that the inputs contain, one a line.
fn learned(shared: &Shared, analysis: &Analysis) {
    if shared.is_quiet() {
        return;
    }
    let facts = analysis.learned();
    let told = if shared.verbose {
        facts.len()
    } else {
        facts.len().min(TOLD)
    };
    let mut err = io::BufWriter::new(io::stderr().lock());
    for fact in &facts[..told] {
        // The reader of stderr may have closed it.
        let _ = writeln!(err, "learned: {fact}");
    }
    if told < facts.len() {
        let _ = writeln!(
            err,
            "learned: {} facts more (-v lists them)",
            facts.len() - told
        );
    }
}

/// Says on stderr which lines with a LOG prefix were not judged, which names no node has, and what the filters of a report
/// left out, for commands whose output has no place for that.
fn say_unjudged(shared: &Shared, report: &Report) {
    let codes = [
        "other-prefix",
        "journals-before-since",
        "prefix-elsewhere",
        "only-unused",
        "role-unused",
        "rules-unused",
        "node-unused",
        "report-filtered",
    ];
    let found = report
        .warnings
        .iter()
        .filter(|warning| codes.contains(&warning.code));
    for warning in found.filter(|_| !shared.is_quiet()) {
        say(&printable(&warning.text));
    }
}

/// Says what the report would have said of the filters, where there is none.
fn say_unreported(shared: &Shared, report: &Report) {
    say_unjudged(shared, report);
    if let Some(text) = nothing_passes(report).filter(|_| !shared.is_quiet()) {
        say(&text);
    }
}

fn hint() {
    say("\
dropsift tells false positives from missing rules in the drop log of the Harvester host firewall.
It reads a log; give it one:

  journalctl -k -f | dropsift                    live, on a node
  dropsift kernel.log supportbundle.zip          saved logs, journals, support bundles, packed or not
  dropsift --role worker kernel.log              the log of a worker; the default is control-plane

`dropsift --help` lists the rest.");
}
