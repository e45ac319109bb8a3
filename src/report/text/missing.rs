//! Missing rules: those to add, and those that need the user's decision.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use indexmap::IndexMap;

use super::answer::LOST;
use super::evidence::evidence;
use super::label::{Sections, rules};
use super::page::{Page, color, glued};
use super::review::most_drops;
use super::words::{
    drops, few, many, node_or_number, peers, peers_by_name, service, short_state, what,
};
use crate::cause::Verdict;
use crate::chain::of_node;
use crate::error::{printable, printable_name};
use crate::finding::{Finding, State};
use crate::node_names::natural;
use crate::packet::proto;
use crate::report::table::Column;
use crate::report::{NodeReport, Report, Warning};
use crate::rule::Doubt;
use crate::saturation::hide;

/// Number of nodes above which one problem is written as one row.
const MAX_NODES: usize = 3;
/// Upper bound on the rows of decisions.
const MAX_DECISIONS: usize = 30;
/// Width, in columns, from which the peers have a column.
const WIDE: usize = 100;

/// Writes the rules that are missing, node by node.
pub(super) fn missing(
    page: &mut Page<'_>,
    report: &Report,
    sections: &Sections<'_>,
) -> io::Result<()> {
    let found = &sections.missing;
    if found.is_empty() {
        return Ok(());
    }
    let title = format!("MISSING ({})", rules(found, report));
    page.heading(color(Verdict::MissingRule), &title, missing_tail(found))?;
    rows(page, report, found)?;
    for note in missing_notes(report, found) {
        page.paragraph("  ", "  ", &note)?;
    }
    evidence(page, found)
}

/// Says of missing rules in a clause when they are missing.
pub(in crate::report) fn missing_tail(found: &[&Finding]) -> &'static str {
    if is_ongoing(found) {
        "documented for the role, and still dropped when the log ends"
    } else {
        "documented for the role, and dropped"
    }
}

/// Returns the nodes whose chain has a rule in vain, and those that lack none.
pub(in crate::report) fn missing_notes(report: &Report, found: &[&Finding]) -> Vec<String> {
    let mut notes = Vec::new();
    let kept: Vec<&str> = found
        .iter()
        .filter(|finding| finding.rules.is_empty())
        .map(|finding| finding.node.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if !kept.is_empty() {
        let text = format!(
            "On {} a rule for it is there and the packets do not reach it: `dropsift -v` says which and why.",
            few(kept)
        );
        notes.push(text);
    }
    notes.extend(compare(report, found));
    notes
}

/// Returns the nodes of the same role that show no such drops.
fn compare(report: &Report, found: &[&Finding]) -> Vec<String> {
    let mut notes = Vec::new();
    // What the filters left out is no drop that a node does not have, nor is what could not be read.
    if report.is_filtered() || report.tally.unreadable > 0 {
        return notes;
    }
    let mut lacking: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for finding in found {
        let nodes = lacking.entry(finding.role.code()).or_default();
        nodes.insert(&finding.node);
    }
    let is_accepted = |f: &&Finding| f.accepted.is_some() && f.verdict() == Verdict::MissingRule;
    let accepted: HashSet<&str> = (report.findings.iter().filter(is_accepted))
        .map(|finding| &*finding.node)
        .collect();
    for (role, lacking) in lacking {
        // A guess of the role is no reason to compare, nor is a node whose drops were accepted one without any.
        let is_known = |node: &&NodeReport| {
            node.role_known && node.role.code() == role && !accepted.contains(&*node.node)
        };
        // Where the LOG limit hid drops at their times, or lines were lost, that none is there proves nothing.
        let own = found.iter().filter(|finding| finding.role.code() == role);
        let times = || {
            own.clone()
                .flat_map(|finding| finding.times.iter().copied())
        };
        let is_whole = |node: &&NodeReport| {
            let stretches = node.saturated.as_deref().unwrap_or_default();
            let is_told = |code: &str| code == "log-saturated" && !stretches.is_empty();
            let is_lost = |warning: &&Warning| {
                LOST.contains(&warning.code)
                    && !is_told(warning.code)
                    && warning.node.as_ref().is_none_or(|of| *of == node.node)
            };
            lacking.contains(&*node.node)
                || !hide(stretches, times()) && !report.warnings.iter().any(|one| is_lost(&one))
        };
        let known = report.nodes.iter().filter(is_known).filter(is_whole);
        let mut known: Vec<&str> = known.map(|node| node.node.as_str()).collect();
        known.sort_by(|a, b| natural(a, b));
        let (lacking, others): (Vec<&str>, Vec<&str>) =
            known.into_iter().partition(|node| lacking.contains(node));
        let (Some(first), Some(_)) = (lacking.first(), others.first()) else {
            continue;
        };
        let first = printable_name(first);
        let text = match others.len() {
            1 => format!(
                "{} has {first}'s role and no such drops: compare their chains.",
                few(others)
            ),
            _ => format!(
                "{} have {first}'s role and no such drops: compare their chains.",
                few(others)
            ),
        };
        notes.push(text);
    }
    notes
}

fn is_ongoing(found: &[&Finding]) -> bool {
    found.iter().all(|finding| finding.state == State::Ongoing)
}

/// Writes a row for each finding; one for all nodes where many have the same.
fn rows(page: &mut Page<'_>, report: &Report, found: &[&Finding]) -> io::Result<()> {
    let ongoing = is_ongoing(found);
    let mut alike: IndexMap<_, Vec<(usize, &Finding)>> = IndexMap::new();
    for (place, &finding) in found.iter().enumerate() {
        let key = (
            what(finding),
            service(finding),
            finding.role,
            finding.key.zone,
        );
        alike.entry(key).or_default().push((place, finding));
    }
    let is_one = |findings: &[(usize, &Finding)]| {
        let nodes: BTreeSet<&str> = findings.iter().map(|(_, f)| f.node.as_str()).collect();
        nodes.len() > MAX_NODES
    };
    let (joined, single): (Vec<_>, Vec<_>) = (alike.into_values()).partition(|same| is_one(same));
    let of = |(_, finding): (usize, _)| finding;
    let joined: Vec<Vec<&Finding>> = (joined.into_iter())
        .map(|same| same.into_iter().map(of).collect())
        .collect();
    let mut columns = vec![
        ("PORT", Column::Whole),
        ("SERVICE", Column::Words),
        ("ROLE", Column::Whole),
        ("NODE", Column::Whole),
        ("DROPS", Column::Number),
        ("TRIES", Column::Number),
    ];
    if !ongoing {
        columns.push(("STATE", Column::Words));
    }
    let wide = page.style.width >= WIDE;
    if wide {
        columns.push(("FROM", Column::Words));
    }
    let row = |page: &Page<'_>, findings: &[&Finding]| {
        let first = findings.first()?;
        let tries: u64 = findings.iter().map(|finding| finding.attempts).sum();
        let is_tcp = first.key.proto == Some(proto::TCP);
        let mut cells = vec![
            glued(&what(first)),
            printable(service(first)),
            first.role.code().to_owned(),
            match findings.len() {
                all if all > MAX_NODES && all == report.nodes.len() => format!("all {all} nodes"),
                _ => node_or_number(findings),
            },
            drops(findings).to_string(),
            if is_tcp && tries > 0 {
                tries.to_string()
            } else {
                "-".to_owned()
            },
        ];
        if !ongoing {
            cells.push(match findings {
                [only] => short_state(page, only),
                several if is_ongoing(several) => "still dropped".to_owned(),
                _ => "-".to_owned(),
            });
        }
        if wide {
            cells.push(match findings {
                [only] => peers(only),
                _ => "-".to_owned(),
            });
        }
        Some(cells)
    };
    let mut single: Vec<(usize, &Finding)> = single.into_iter().flatten().collect();
    single.sort_unstable_by_key(|(place, _)| *place);
    let mut cells: Vec<Vec<String>> = joined.iter().filter_map(|same| row(page, same)).collect();
    cells.extend(
        single
            .iter()
            .filter_map(|(_, finding)| row(page, &[finding])),
    );
    page.table(&columns, &cells, 2)?;
    let is_short = |finding: &&Finding| finding.state == State::Unproven && finding.last.is_known();
    if found.iter().any(is_short) {
        page.line("  ? the log is too short to be sure")?;
    }
    for same in joined.iter().filter(|same| same.len() < report.nodes.len()) {
        let names: Vec<String> = same.iter().map(|f| printable_name(&f.node)).collect();
        let text = format!("{}: {}", what(same[0]), names.join(", "));
        page.paragraph("  ", "    ", &text)?;
    }
    Ok(())
}

/// Writes the rules that need the user's decision: first those that depend on an assumed role.
pub(super) fn decide(
    page: &mut Page<'_>,
    report: &Report,
    sections: &Sections<'_>,
) -> io::Result<()> {
    let found = &sections.decide;
    if found.is_empty() {
        return Ok(());
    }
    let (guesses, others) = by_guess(report, found);
    let tail = decide_tail(report, found);
    let title = format!("DECIDE ({})", rules(found, report));
    page.heading(color(Verdict::MissingRule), &title, tail)?;
    if !guesses.is_empty() {
        for text in guess(report, &guesses) {
            page.paragraph("  ", "    ", &text)?;
        }
        rows(page, report, &guesses)?;
    }
    for (reason, same) in &by_doubt(report, &others) {
        decisions(page, report, reason, same)?;
    }
    evidence(page, found)
}

/// Returns why somebody has to decide on a finding's rule. One without a rule, since its peers were folded, is to be
/// decided for what the chain has.
fn doubt(finding: &Finding, report: &Report) -> Option<Doubt> {
    let doubts = report.rules_of(finding).map(|rule| rule.doubt.clone());
    let narrower = || finding.narrower.clone().map(Doubt::Narrowed);
    let is_without = finding.rules.is_empty();
    (doubts.flatten().next()).or_else(|| narrower().filter(|_| is_without))
}

/// Parts findings that only depend on an assumed role from others.
pub(in crate::report) fn by_guess<'r>(
    report: &Report,
    found: &[&'r Finding],
) -> (Vec<&'r Finding>, Vec<&'r Finding>) {
    let guessed =
        |finding: &&Finding| matches!(doubt(finding, report), Some(Doubt::RoleAssumed { .. }));
    found.iter().copied().partition(guessed)
}

/// Says of decisions in a clause why they are left to the reader.
pub(in crate::report) fn decide_tail(report: &Report, found: &[&Finding]) -> &'static str {
    let (guesses, others) = by_guess(report, found);
    let unlisted = |f: &&Finding| matches!(doubt(f, report), Some(Doubt::NotDocumented) | None);
    match (guesses.is_empty(), others.iter().all(unlisted)) {
        (true, true) => "no current list opens it, but somebody inside keeps asking",
        (false, _) if others.is_empty() => "missing, if the guessed role is right",
        _ => "whether a rule is wanted, the log alone does not show",
    }
}

/// Returns findings by the reason for which somebody has to decide; it is empty where no list has the port.
pub(in crate::report) fn by_doubt<'r>(
    report: &Report,
    found: &[&'r Finding],
) -> Vec<(String, Vec<&'r Finding>)> {
    let mut reasons: IndexMap<String, Vec<&Finding>> = IndexMap::new();
    for &finding in found {
        let reason = match doubt(finding, report) {
            Some(Doubt::NotDocumented) | None => String::new(),
            Some(doubt) => doubt.text(),
        };
        reasons.entry(reason).or_default().push(finding);
    }
    reasons.into_iter().collect()
}

/// Returns the nodes whose role is assumed, and the option that sets it.
pub(in crate::report) fn guess(report: &Report, guesses: &[&Finding]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut roles: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    for finding in guesses {
        let role = finding.role.code();
        match roles.iter_mut().find(|(known, _)| *known == role) {
            Some((_, nodes)) => _ = nodes.insert(&finding.node),
            None => roles.push((role, BTreeSet::from([finding.node.as_str()]))),
        }
    }
    for (role, nodes) in roles {
        let mut nodes: Vec<&str> = nodes.into_iter().collect();
        nodes.sort_by(|a, b| natural(a, b));
        let is_all = nodes.len() > MAX_NODES && nodes.len() == report.nodes.len();
        let (who, options) = if is_all {
            (
                format!("all {} nodes are", nodes.len()),
                vec![format!("--role {role}")],
            )
        } else {
            let option = |node: &&str| format!("--role {}", of_node(node, role));
            let verb = if nodes.len() == 1 { "is" } else { "are" };
            (
                format!("{} {verb}", few(nodes.iter().copied())),
                nodes.iter().map(option).collect(),
            )
        };
        let options: Vec<String> = options.iter().map(|option| glued(option)).collect();
        texts.push(format!("if {who} {role}: {}", options.join(" ")));
    }
    texts
}

/// Writes the decisions for one reason, with the peers that sent the requests.
fn decisions(
    page: &mut Page<'_>,
    report: &Report,
    reason: &str,
    found: &[&Finding],
) -> io::Result<()> {
    if !reason.is_empty() {
        page.paragraph("  ", "    ", &printable(reason))?;
    }
    let (shown, rest) = most_drops(found, MAX_DECISIONS);
    rows(page, report, &shown)?;
    if !rest.is_empty() {
        let text = format!(
            "{} more, {}: `-o json` has them",
            rest.len(),
            many(drops(&rest), "drop")
        );
        page.paragraph("  ", "    ", &text)?;
    }
    let is_alone = shown.len() == 1;
    for finding in shown.iter().take(MAX_NODES * 2) {
        let node = printable_name(&finding.node);
        let look = listener(finding);
        let which = if is_alone {
            String::new()
        } else {
            format!("{}: ", what(finding))
        };
        let text = format!(
            "{which}asked by {}; on {node}: {}",
            peers_by_name(finding, report),
            glued(&look)
        );
        page.paragraph("  ", "    ", &text)?;
    }
    Ok(())
}

/// Returns the command that shows on the node who listens on a finding's port.
pub(in crate::report) fn listener(finding: &Finding) -> String {
    match (finding.port, finding.key.proto) {
        (Some(port), Some(proto::TCP)) => format!("ss -ltnp 'sport = {port}'"),
        (Some(port), Some(proto::UDP)) => format!("ss -lunp 'sport = {port}'"),
        _ => "ss -ltunp".to_owned(),
    }
}
