//! `dropsift rules`: only the rules, in one of their forms.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use super::args::Shared;
use super::{Exit, batch, hint, say, values, verdict};
use crate::analyze::Analysis;
use crate::error::{Error, printable, printable_name};
use crate::rule::{CloudInitFile, Offer, RULE_IN_FORCE};

/// Prints the rules that the inputs ask for.
pub(super) fn run(shared: &Shared, inputs: &[PathBuf], diff: bool) -> Result<Exit, Error> {
    let emitter = shared.emitter();
    if diff && !emitter.patches {
        return Err(Error::Usage(
            "--diff shows a patch; use it with --format cloudinit-patch FILE".to_owned(),
        ));
    }
    let (file, inputs) = match inputs {
        [first, rest @ ..] if emitter.patches => (Some(first), rest),
        inputs => (None, inputs),
    };
    if emitter.patches && file.is_none() {
        return Err(Error::Usage(
            "--format cloudinit-patch changes a file; name it as the first input, before the logs"
                .to_owned(),
        ));
    }
    if inputs.is_empty() && !shared.journal && io::stdin().is_terminal() {
        hint();
        return Ok(Exit::Trouble);
    }
    let options = values::read_options(shared)?;
    let mut site = values::site(shared, &options)?;
    let read = file.map(|path| {
        let name = path.display().to_string();
        values::text_file(&name).map(|text| (name, text))
    });
    let read = read.transpose()?;
    let mut file = read.as_ref().map(|(name, text)| CloudInitFile {
        name,
        text,
        role: site.default_role,
    });
    if let Some(file) = &mut file
        && !shared.role.iter().any(|role| !role.contains('='))
        && let Some(role) = file.only_role()
    {
        site.default_role = role;
        file.role = role;
    }
    if let Some(file) = &file {
        // A file that cannot be patched is told before a long log is read.
        file.patched(&[])?;
    }
    let prefixes = site.log_prefixes();
    let analysis = Analysis::new(site, shared.scope());
    let (report, exit) = batch::run(shared, inputs, &options, analysis)?;
    let offer = Offer {
        rules: &report.rules,
        splits: &report.splits,
        prefixes: &prefixes,
        file,
        diff,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let notes = (emitter.emit)(&offer, &mut out)?;
    out.flush().map_err(Error::Output)?;
    if !shared.quiet {
        for finding in &report.findings {
            let live = finding
                .evidence
                .iter()
                .filter(|test| test.name == RULE_IN_FORCE);
            for test in live {
                say(&format!(
                    "{}: {}",
                    printable_name(&finding.node),
                    printable(&test.text)
                ));
            }
        }
        for note in notes {
            say(&note);
        }
    }
    Ok(exit.and(verdict(shared, &report)))
}
