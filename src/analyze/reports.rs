//! Reports among the inputs, and acceptances: both concern findings that are known already.

use std::collections::BTreeSet;

use super::{Analysis, warnings};
use crate::accept::{Acceptances, Note, UNUSED};
use crate::date::Date;
use crate::error::printable_name;
use crate::report::read::{Part, merge};
use crate::report::{Tally, Unjudged, Warning};
use crate::site::{Provenance, Site, Window, WindowOrigin};

impl Analysis {
    /// Takes the acceptances of the user, and the day of the clock.
    pub fn accept(&mut self, acceptances: Acceptances, today: Date) {
        self.acceptances = acceptances;
        self.today = Some(today);
    }

    /// Marks the findings that are accepted today. Returns the warnings on acceptances.
    pub(super) fn take_accepted(&self, whole: &mut Part) -> Vec<Warning> {
        let notes = (self.today).map(|today| self.acceptances.apply(&mut whole.findings, today));
        // What an acceptance meets may be what the filters of a report left out.
        let is_told = |note: &Note| whole.filters.is_empty() || note.code != UNUSED;
        let told = notes.into_iter().flatten().filter(is_told);
        told.map(|note| Warning::new(note.code, note.node, note.text))
            .collect()
    }

    /// Notes which day it is: an acceptance may end while a log goes on.
    pub const fn set_today(&mut self, today: Date) {
        self.today = Some(today);
    }

    /// Returns the tally so far, of logs and reports.
    pub fn tally(&self) -> Tally {
        if self.reports.is_empty() {
            return self.tally;
        }
        let reports = self.reports.tally();
        Tally {
            lines: self.tally.lines + reports.lines,
            drops: self.tally.drops + reports.drops,
            unreadable: self.tally.unreadable + reports.unreadable,
            untrusted: self.tally.untrusted + reports.untrusted,
            outside: self.tally.outside + reports.outside,
            filtered: self.tally.filtered + reports.filtered,
        }
    }

    /// Returns the number of drop lines in the input, whether they were counted or not.
    pub fn met(&self) -> u64 {
        self.met + self.reports.tally().drops
    }

    /// Returns the faults of reports since the last call, each with its remedy.
    pub fn take_faults(&mut self) -> Vec<String> {
        self.reports.take_faults()
    }

    /// Returns the inputs of reports of which nothing was judged, since the last call.
    pub fn take_unjudged(&mut self) -> Vec<(String, Unjudged)> {
        self.reports.take_unjudged()
    }

    /// Returns the number of reports among the inputs so far.
    pub const fn reports(&self) -> usize {
        self.reports.parts().len()
    }

    /// Whether reports are among the inputs.
    pub const fn has_reports(&self) -> bool {
        !self.reports.is_empty()
    }

    /// Merges the results of the logs with the reports among the inputs.
    pub(super) fn with_reports(&self, logs: Part) -> Part {
        let mut parts = self.reports.parts().to_vec();
        let mut roles = Vec::new();
        for part in &mut parts {
            settle_roles(part, &self.site, &mut roles);
        }
        let known: BTreeSet<String> = logs.nodes.iter().map(|node| node.node.clone()).collect();
        if logs.tally != Tally::default() || !logs.findings.is_empty() {
            parts.push(logs);
        }
        let mut whole = merge(parts);
        let told = whole
            .nodes
            .iter()
            .filter(|node| !known.contains(&node.node));
        whole.warnings.extend(told.filter_map(warnings::saturated));
        let guesses = whole
            .findings
            .iter()
            .filter(|finding| finding.reported.is_some() && finding.role_assumed);
        let guesses: BTreeSet<(&str, &str)> =
            guesses.map(|f| (f.node.as_str(), f.role.code())).collect();
        whole.warnings.extend(warnings::reported_roles(&guesses));
        whole.warnings.extend(roles);
        whole.warnings.extend(not_applied(&self.site));
        whole.warnings.sort();
        whole.warnings.dedup();
        whole
    }
}

/// Warns of options that concern lines, of which a report has none.
fn not_applied(site: &Site) -> Option<Warning> {
    let is_told = |window: &Window| window.origin == WindowOrigin::Told;
    let given: Vec<&str> = [
        ("--since", site.since.is_some()),
        ("--until", site.until.is_some()),
        ("--upgrade", site.upgrades.iter().any(is_told)),
        (
            "--node-net",
            site.known
                .node_nets()
                .iter()
                .any(|net| net.origin == Provenance::Told),
        ),
        (
            "--pod-cidr",
            site.known
                .pod_cidrs()
                .iter()
                .any(|net| net.origin == Provenance::Told),
        ),
        (
            "--node",
            (site.known.addresses().values()).any(|node| node.origin == Provenance::Told),
        ),
    ]
    .into_iter()
    .filter_map(|(option, is_given)| is_given.then_some(option))
    .collect();
    let text = format!(
        "{} chooses or judges lines, and a report has its findings only: they stand as they were; give the log itself",
        given.join(", ")
    );
    (!given.is_empty()).then(|| Warning::new("option-not-applied", None, text))
}

/// Applies the roles given by the user to findings that were judged already: a role may confirm an assumption, and
/// change nothing else.
fn settle_roles(part: &mut Part, site: &Site, warnings: &mut Vec<Warning>) {
    for node in &mut part.nodes {
        if !site.is_role_known(&node.node) {
            continue;
        }
        if site.role(&node.node) == node.role {
            node.role_known = true;
            continue;
        }
        let text = format!(
            "the report was judged with {} as {}: that it is {} does not change what is told of it. Report its log again",
            printable_name(&node.node),
            node.role,
            site.role(&node.node)
        );
        warnings.push(Warning::new(
            "role-not-applied",
            Some(node.node.clone()),
            text,
        ));
    }
    for finding in &mut part.findings {
        if site.is_role_known(&finding.node) && site.role(&finding.node) == finding.role {
            finding.role_assumed = false;
        }
    }
}
