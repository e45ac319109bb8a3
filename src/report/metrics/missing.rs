//! Gauges of missing rules, one series a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::{Family, Labels, family, label};
use crate::cause::Verdict;
use crate::finding::{Finding, State};
use crate::packet::proto_name;
use crate::report::Report;
use crate::rule::Disposition;

/// Upper bound on the unlisted ports of a node with a series each; further ones are summed up under [`OTHER_PORTS`].
const MAX_UNLISTED: usize = 20;
/// Port label of the series for ports beyond [`MAX_UNLISTED`].
const OTHER_PORTS: &str = "other";

/// Returns one series for each missing rule that is still needed.
pub(super) fn missing_rule(report: &Report) -> Family {
    let mut series: BTreeSet<Labels> = BTreeSet::new();
    let mut unlisted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    // What was accepted raises no alert.
    let is_open = |f: &&Finding| {
        f.verdict() == Verdict::MissingRule && f.state != State::Settled && f.accepted.is_none()
    };
    let mut open: Vec<&Finding> = report.findings.iter().filter(is_open).collect();
    // A port that is asked for later takes no series, and so no alert, from an earlier one.
    open.sort_by_key(|finding| finding.first);
    for finding in open {
        let mut port = port(finding, report);
        if finding.service.is_none() && !port.is_empty() {
            let known = unlisted.entry(&finding.node).or_default();
            if known.len() < MAX_UNLISTED || known.contains(&port) {
                known.insert(port.clone());
            } else {
                port = OTHER_PORTS.to_owned();
            }
        }
        series.insert(vec![
            ("node", label(&finding.node)),
            ("role", finding.role.code().to_owned()),
            ("family", family(finding.key.v6).to_owned()),
            (
                "proto",
                proto_name(finding.proto.unwrap_or_default()).into_owned(),
            ),
            ("port", port),
            ("service", finding.service.unwrap_or_default().to_owned()),
            ("cause", finding.cause.code.to_owned()),
            (
                "disposition",
                disposition(finding, report).code().to_owned(),
            ),
        ]);
    }
    Family {
        name: "dropsift_missing_rule",
        help: "1 while a rule is missing and its drops go on",
        is_counter: false,
        series: series.into_iter().map(|labels| (labels, 1.0)).collect(),
    }
}

/// Returns the ports of the rule if it has a range, so that one rule is one series; else the port of the finding.
fn port(finding: &Finding, report: &Report) -> String {
    let rule = report.rules_of(finding).next();
    let range = rule
        .and_then(|rule| rule.dport())
        .map(|ports| ports.to_string());
    range
        .or_else(|| finding.port.map(|port| port.to_string()))
        .unwrap_or_default()
}

/// Returns the strictest disposition of its rules; a finding without a rule needs a decision.
fn disposition(finding: &Finding, report: &Report) -> Disposition {
    (report.rules_of(finding))
        .map(|rule| rule.disposition)
        .max()
        .unwrap_or(Disposition::Review)
}
