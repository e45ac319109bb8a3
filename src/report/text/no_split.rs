//! Whether the limit of the LOG rule hid nothing, so that it need not be split.

use super::answer::{LOST, nothing_passes};
use super::words::{few, many};
use crate::finding::Finding;
use crate::report::{NodeReport, Report};

/// Says that no LOG rule is to be split, or why that cannot be told.
pub(crate) fn no_split(report: &Report) -> String {
    if let Some(text) = nothing_passes(report) {
        return text;
    }
    let nodes: Vec<&NodeReport> = (report.nodes.iter())
        .filter(|node| !report.is_filtered() || has(report, node, |_| true))
        .collect();
    let few_of = |is: &dyn Fn(&NodeReport) -> bool| {
        let own = nodes.iter().filter(|node| is(node));
        let names: Vec<&str> = own.map(|node| node.node.as_str()).collect();
        (!names.is_empty()).then(|| few(names))
    };
    let mut whys = Vec::new();
    if report.tally.drops == 0 {
        whys.push("no drop line was judged".to_owned());
    }
    if report.tally.unreadable > 0 {
        let lines = many(report.tally.unreadable, "drop line");
        whys.push(format!("{lines} could not be read (-v shows them)"));
    }
    let has_events = (report.warnings.iter()).any(|one| one.code == "events-without-report");
    let (more, why) = match has_events {
        true => ("events of", "do not tell it; give the log itself"),
        false => (
            "more lines of",
            "came than the limit lets through; say the LOG rule's own with --limit",
        ),
    };
    let no_time = "have no time; save the log with `journalctl -k -o short-precise`";
    for (what, is_known, why) in [("lines of", false, no_time), (more, true, why)] {
        let is_such = |finding: &Finding| finding.first.is_known() == is_known;
        let names = few_of(&|node| node.saturated.is_none() && has(report, node, is_such));
        whys.extend(names.map(|names| format!("{what} {names} {why}")));
    }
    if (report.warnings.iter()).any(|warning| LOST.contains(&warning.code)) {
        whys.push("drops were not logged, or lines were lost: the report says which".to_owned());
    }
    if !whys.is_empty() {
        let whys = whys.join("; ");
        return format!("Whether the LOG rule's limit hid drops cannot be told: {whys}.");
    }
    let on = match few_of(&|_| true).filter(|_| report.is_filtered()) {
        Some(names) => format!("on {names}"),
        None => "in this log".to_owned(),
    };
    format!("The LOG rule's limit hid nothing {on}: it need not be split.")
}

/// Whether a node has such a finding.
fn has(report: &Report, node: &NodeReport, is_such: impl Fn(&Finding) -> bool) -> bool {
    let mut own = report.findings.iter().filter(|f| f.node == node.node);
    own.any(is_such)
}
