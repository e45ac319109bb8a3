//! Events without a final report: the last state of each finding.

use std::collections::{BTreeMap, BTreeSet};

use super::finding;
use super::part::{Part, capped_filters, warning};
use crate::report::json::{FindingV1, RuleV1, WarningV1};
use crate::report::json_event::EventV1;
use crate::report::text::few_filters;
use crate::report::{Networks, NodeReport, Tally, Warning};
use crate::time::Time;

/// The most findings that are kept apart.
const MAX_FINDINGS: usize = 200_000;

/// State of a run from its events so far.
#[derive(Default)]
pub(super) struct Fold {
    events: u64,
    findings: BTreeMap<String, (FindingV1<'static>, Vec<RuleV1<'static>>)>,
    warnings: Vec<WarningV1<'static>>,
    capped: u64,
    filters: BTreeSet<String>,
    last: Option<String>,
}

impl Fold {
    /// Takes an event.
    ///
    /// # Errors
    /// If there are more findings than a run tells of.
    pub(super) fn push(&mut self, event: EventV1<'static>) -> Result<(), String> {
        self.events += 1;
        for id in event.replaces.iter() {
            self.findings.remove(id);
        }
        self.filters.extend(capped_filters(&event.filters));
        self.capped += u64::from(!event.capped.is_empty());
        self.last = event.time.or(self.last.take());
        if let Some(found) = event.finding {
            self.findings
                .insert(found.id.to_string(), (found, event.rules));
        }
        if self.findings.len() > MAX_FINDINGS {
            return Err(format!(
                "its events are of more than {MAX_FINDINGS} findings: no run tells of so many; take the report at its end"
            ));
        }
        if self.warnings.len() < 1_000 {
            self.warnings.extend(event.warning);
        }
        Ok(())
    }

    /// Returns the state as a part of a report; `None` where there was no event.
    ///
    /// # Errors
    /// If an event is one that this program would not write.
    pub(super) fn part(self, input: &str) -> Result<Option<Part>, String> {
        if self.events == 0 {
            return Ok(None);
        }
        let mut nodes: BTreeMap<String, NodeReport> = BTreeMap::new();
        let mut findings = Vec::new();
        for (v1, rules) in self.findings.values() {
            let rules = rules.iter().map(|rule| (&*rule.id, rule)).collect();
            let found = finding::finding(v1, &rules, None)?;
            let node = nodes
                .entry(found.node.clone())
                .or_insert_with(|| NodeReport {
                    node: found.node.clone(),
                    role: found.role,
                    role_known: !found.role_assumed,
                    addresses: Vec::new(),
                    logged: 0,
                    saturated: None,
                    saturated_by_family: Default::default(),
                    boots: Vec::new(),
                    unlogged: None,
                });
            node.logged = node.logged.saturating_add(found.logged);
            findings.push(found);
        }
        let logged = findings
            .iter()
            .map(|found| found.logged)
            .fold(0, u64::saturating_add);
        let known = |time: &Time| time.is_known();
        let first = findings.iter().map(|found| found.first).filter(known).min();
        let told = finding::time(self.last.as_deref());
        let last = findings
            .iter()
            .map(|found| found.last)
            .chain([told])
            .filter(known)
            .max();
        let mut text = format!(
            "{} are events without the report at their end: counts are those of the last event of each finding",
            input.rsplit('/').next().unwrap_or(input)
        );
        if self.capped > 0 {
            text.push_str(", and peers of some were cut");
        }
        let filters: Vec<String> = self.filters.into_iter().collect();
        if !filters.is_empty() {
            let names = few_filters(&filters);
            text.push_str(&format!(", and what {names} left out made none"));
        }
        let mut warnings = vec![Warning::new("events-without-report", None, text)];
        // Here nothing else tells of the limit.
        let saturated = self
            .warnings
            .iter()
            .filter(|one| one.code == "log-saturated");
        warnings.extend(saturated.filter_map(|one| {
            let node = one.node.as_ref()?.to_string();
            let text = format!(
                "the LOG rule's limit hid drops on {}, as its events say: that a line is absent proves nothing",
                crate::error::printable_name(&node)
            );
            Some(Warning::new("log-saturated", Some(node), text))
        }));
        warnings.extend(self.warnings.iter().filter_map(|one| warning(input, one)));
        Ok(Some(Part {
            span: first.zip(last),
            tally: Tally {
                lines: logged,
                drops: logged,
                ..Tally::default()
            },
            nodes: nodes.into_values().collect(),
            findings,
            warnings,
            windows: Vec::new(),
            networks: Networks::default(),
            filters,
        }))
    }
}
