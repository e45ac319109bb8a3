//! `dropsift accept`: the stanza that accepts a finding as it is. It is printed, and nothing is written.

use std::io::{self, IsTerminal};

use super::args::AcceptArgs;
use super::{Exit, batch, cluster, hint, say, values, written};
use crate::accept::{MAX_DAYS, is_quotable, stanza};
use crate::date::Date;
use crate::error::{Error, printable};
use crate::finding::Finding;
use crate::report::{Report, TEXT, finding_line};
use crate::rule::Scope;

/// The most findings that an ambiguous id names.
const MAX_NAMED: usize = 8;
/// The longest reason, in characters, as configurations have it.
const MAX_REASON: usize = 200;

/// Prints the stanza.
pub(super) fn run(args: &AcceptArgs) -> Result<Exit, Error> {
    let args = &mut args.clone();
    cluster::sort_inputs(&mut args.shared, &mut args.read, 0)?;
    let shared = &args.shared;
    let inputs = &args.read.inputs[..];
    values::stdin_once(shared, inputs)?;
    let options = values::log_options(shared)?;
    let until = end(&args.end, Date::of(options.reading.reference))?;
    let reason = args.reason.trim();
    if !is_quotable(reason) || reason.chars().count() > MAX_REASON {
        return Err(Error::Usage(format!(
            "--reason is one line of at most {MAX_REASON} characters that says why the finding may stay; write it anew"
        )));
    }
    let id = args.id.to_lowercase();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::Usage(format!(
            "`{}` is no id of a finding, nor the begin of one: an id has 16 hexadecimal digits; -v and -o json show it",
            args.id
        )));
    }
    if inputs.is_empty() && !shared.journal && io::stdin().is_terminal() {
        hint();
        return Ok(Exit::Trouble);
    }
    let site = values::site(shared, &options)?;
    let analysis = values::analysis(site, &shared.judging, &options, Scope::default());
    let (report, exit) = batch::run(shared, inputs, &options, analysis, &TEXT)?;
    let finding = finding(&report, &id)?;
    if !shared.is_quiet() {
        say(&format!("accepts: {}", finding_line(finding)));
        if let Some(accepted) = &finding.accepted {
            say(&printable(&format!("it is {} already", accepted.words())));
        }
    }
    written(|out| out.write_all(stanza(finding, reason, until).as_bytes()))?;
    Ok(exit)
}

/// Returns the last day of an acceptance.
fn end(text: &str, today: Date) -> Result<Date, Error> {
    let Some(until) = Date::parse(text) else {
        return Err(Error::Usage(format!(
            "`{text}` is no date for --end; write the last day in UTC, as 2027-03-31"
        )));
    };
    let days = until.days_since(today);
    if !(0..=MAX_DAYS).contains(&days) {
        let what = if days < 0 {
            "is over"
        } else {
            "is too far ahead"
        };
        return Err(Error::Usage(format!(
            "--end {until} {what}: an acceptance ends within {MAX_DAYS} days, so that somebody looks at it again; write a day from \
             {today} to {}",
            today.plus(MAX_DAYS)
        )));
    }
    Ok(until)
}

/// Returns the single finding whose id starts with `id`.
fn finding<'r>(report: &'r Report, id: &str) -> Result<&'r Finding, Error> {
    let found: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.id.starts_with(id))
        .collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(Error::Usage(format!(
            "no finding of the input has an id that begins with `{id}`; -v and -o json show the ids, with the same options"
        ))),
        _ => {
            let mut named: Vec<String> = found
                .iter()
                .take(MAX_NAMED)
                .map(|finding| format!("{} ({})", finding.id, finding_line(finding)))
                .collect();
            if found.len() > MAX_NAMED {
                named.push(format!("{} more", found.len() - MAX_NAMED));
            }
            Err(Error::Usage(format!(
                "`{id}` begins the ids of {} findings: {}; write more of the one that is meant",
                found.len(),
                named.join("; ")
            )))
        }
    }
}
