//! `dropsift simulate`: the drops of a log through the chain of `--rules`.

use std::fs::File;
use std::io::{self, IsTerminal, Seek};
use std::path::PathBuf;

use super::args::SimulateArgs;
use super::options::Shared;
use super::{Exit, batch, cluster, hint, say_unjudged, terminal, values, written};
use crate::analyze::{Analysis, with_suggested};
use crate::error::Error;
use crate::flow::ChainOutcomes;
use crate::input::source::Spool;
use crate::report::{Renderer, Report, Simulated, With};
use crate::rule::Scope;
use crate::site::Site;

/// Runs the drops of the inputs through the chains.
pub(super) fn run(args: &SimulateArgs) -> Result<Exit, Error> {
    let write = args.written.form(|form| form.simulate)?;
    let args = &mut args.clone();
    cluster::sort_inputs(&mut args.shared, &mut args.read, 0)?;
    let args = &*args;
    let (shared, suggest) = (&args.shared, args.with_suggested);
    let inputs = &args.read.inputs[..];
    values::stdin_once(shared, inputs)?;
    let stdin = inputs.is_empty() && !shared.journal;
    if stdin && io::stdin().is_terminal() {
        hint();
        return Ok(Exit::Trouble);
    }
    // The inputs are read twice, and a pipe can be read once.
    let stdin = (suggest && (stdin || inputs.iter().any(|path| path.as_os_str() == "-")))
        .then(Kept::new)
        .transpose()
        .map_err(|why| Error::Input {
            name: "standard input".to_owned(),
            why,
        })?;
    let site = values::site(shared, &values::log_options(shared)?)?;
    let scope = args.scoped.scope();
    let form = args.written.renderer();
    let (report, analysis, exit) = read(shared, scope, inputs, site, form)?;
    let site = analysis.site();
    say_unjudged(shared, &report);
    if report
        .findings
        .iter()
        .all(|finding| finding.outcomes.is_none())
        && site.in_force.is_empty()
    {
        return Err(Error::Usage(
            "no chain is known; give it with --rules [NODE=]FILE, the output of `iptables-save`"
                .to_owned(),
        ));
    }
    let any_read = report.inputs.iter().any(|input| input.error.is_none());
    let second = if suggest && any_read {
        let mut quiet = shared.clone();
        quiet.judging.quiet = true;
        let site = with_suggested(site, &report.nodes, &report.rules);
        if let Some(stdin) = &stdin {
            stdin.rewind()?;
        }
        Some(read(&quiet, scope, inputs, site, form)?.1.outcomes())
    } else {
        None
    };
    let simulated = Simulated {
        report: &report,
        origins: site.in_force.origins().collect(),
        texts: site.in_force.texts().collect(),
        with: second.as_ref().map(|second| With {
            rules: &report.rules,
            outcomes: (report.findings.iter())
                .filter_map(|finding| {
                    let flows = finding.flows.iter().filter_map(|flow| second.get(flow));
                    let sum = flows.fold(None::<ChainOutcomes>, |sum, flow| {
                        let mut sum = sum.unwrap_or_default();
                        sum.absorb(flow);
                        Some(sum)
                    });
                    Some((finding.id.as_str(), sum?))
                })
                .collect(),
        }),
    };
    let style = terminal::style(args.look.color);
    written(|out| write(&simulated, style, out))?;
    let fails = simulated.still_falls(shared.fail_on()) || !simulated.intruders().is_empty();
    Ok(exit.and(if fails { Exit::Missing } else { Exit::Clean }))
}

/// Returns the report on the inputs, and the analysis of them with the facts that they contain.
fn read(
    shared: &Shared,
    scope: Scope,
    inputs: &[PathBuf],
    site: Site,
    form: &Renderer,
) -> Result<(Report, Analysis, Exit), Error> {
    let options = values::log_options(shared)?;
    let mut analysis = values::analysis(site, &shared.judging, &options, scope);
    let (report, exit) = batch::read(shared, inputs, &options, &mut analysis, form)?;
    if analysis.has_reports() {
        return Err(Error::Usage(
            "simulate runs the lines of a log through a chain, and a report has none; give the log itself"
                .to_owned(),
        ));
    }
    Ok((report, analysis, exit))
}

/// Unnamed temporary file with the bytes of standard input, which replaces it.
struct Kept(File);

impl Kept {
    fn new() -> io::Result<Self> {
        let mut file = Spool::new()?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        let file = file.rewound()?;
        #[cfg(unix)]
        rustix::stdio::dup2_stdin(&file)?;
        Ok(Self(file))
    }

    /// Seeks to the start, for the second reading.
    fn rewind(&self) -> Result<(), Error> {
        (&self.0).rewind().map_err(|why| Error::Input {
            name: "standard input".to_owned(),
            why,
        })
    }
}
