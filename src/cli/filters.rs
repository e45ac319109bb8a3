//! Filters of findings: values of one filter are alternatives, each filter must accept a finding, and so must each
//! negated filter.

use std::collections::HashSet;

use super::options::Filters;
use super::query::PortQuery;
use super::values::nets;
use crate::error::{Error, printable_name};
use crate::finding::Finding;
use crate::nearest::hint;
use crate::net::IpNet;
use crate::node_names::NodeNames;
use crate::report::{NodeReport, Report, Warning};
use crate::rule::AcceptRule;

/// Upper bound on the nodes that are mentioned by name.
const MAX_NAMES: usize = 8;

/// The filters of a run.
pub(super) struct Filter {
    wanted: Values,
    unwanted: Values,
}

/// The values of each filter.
struct Values {
    nodes: Vec<String>,
    names: NodeNames,
    ports: Vec<PortQuery>,
    peers: Vec<IpNet>,
    verdicts: Vec<String>,
}

impl Filter {
    /// Creates the filters from the options.
    ///
    /// # Errors
    /// If a value is malformed, or no filter follows `--not`.
    pub(super) fn new(options: &Filters) -> Result<Self, Error> {
        if options.not {
            return Err(Error::Usage(
                "--not turns the next filter around, and none stands behind it; write --not --port 22, or --only, --peer or \
                 --verdict"
                    .to_owned(),
            ));
        }
        let ports = |texts: &[String]| {
            let ports = texts.iter().map(|text| PortQuery::required(text));
            ports.collect::<Result<Vec<_>, Error>>()
        };
        Ok(Self {
            wanted: Values {
                nodes: options.only.clone(),
                names: NodeNames::of(&options.only),
                ports: ports(&options.port)?,
                peers: nets(&options.peer)?,
                verdicts: options.verdict.clone(),
            },
            unwanted: Values {
                nodes: options.not_only.clone(),
                names: NodeNames::of(&options.not_only),
                ports: ports(&options.not_port)?,
                peers: nets(&options.not_peer)?,
                verdicts: options.not_verdict.clone(),
            },
        })
    }

    /// Returns `report` with only the findings that all filters accept, and their rules.
    pub(super) fn apply(&self, mut report: Report) -> Report {
        if self.wanted.are_none() && self.unwanted.are_none() {
            return report;
        }
        let logged = |report: &Report| report.findings.iter().map(|f| f.logged).sum::<u64>();
        let all = logged(&report);
        report.findings.retain(|finding| {
            let wanted = self.wanted.meet(finding);
            let unwanted = self.unwanted.meet(finding);
            wanted.iter().all(|met| met.unwrap_or(true)) && !unwanted.contains(&Some(true))
        });
        let findings = &report.findings;
        let shown: u64 = findings.iter().map(|finding| finding.logged).sum();
        report.tally.filtered = report.tally.drops.saturating_sub(shown);
        let own: HashSet<&str> = (findings.iter().flat_map(|f| &f.rules))
            .map(String::as_str)
            .collect();
        let mut rules: Vec<AcceptRule> = std::mem::take(&mut report.rules).into();
        rules.retain(|rule| own.contains(&*rule.id));
        report.rules = rules.into();
        report.filtered = true;
        report.tally.filtered = all - logged(&report);
        report.warnings.extend(self.unmet(&report.nodes));
        report.warnings.sort();
        report
    }
}

impl Filter {
    /// Warns of each node that a filter names and that the log does not have: its name may be misspelt.
    fn unmet(&self, nodes: &[NodeReport]) -> impl Iterator<Item = Warning> {
        let known = || nodes.iter().map(|node| node.node.as_str());
        let named = (self.wanted.nodes.iter()).chain(&self.unwanted.nodes);
        let is_of = |name: &str, node| {
            self.wanted.names.is_of(name, node) || self.unwanted.names.is_of(name, node)
        };
        let absent = named.filter(move |name| !known().any(|node| is_of(name, node)));
        absent.map(move |name| {
            let near = hint(name, known());
            let names: Vec<String> = known().take(MAX_NAMES).map(printable_name).collect();
            let text = format!(
                "--only asks for {}, of which the log has no drop line;{near} its nodes are {}",
                printable_name(name),
                names.join(", ")
            );
            Warning::new("only-unused", Some(name.clone()), text)
        })
    }
}

impl Values {
    fn are_none(&self) -> bool {
        self.nodes.is_empty()
            && self.ports.is_empty()
            && self.peers.is_empty()
            && self.verdicts.is_empty()
    }

    /// Returns for each filter whether one of its values matches; `None` where the filter has none.
    fn meet(&self, finding: &Finding) -> [Option<bool>; 4] {
        fn any<T>(values: &[T], is_met: impl Fn(&T) -> bool) -> Option<bool> {
            (!values.is_empty()).then(|| values.iter().any(is_met))
        }
        [
            any(&self.nodes, |node| self.names.is_of(node, &finding.node)),
            any(&self.ports, |port| {
                port.matches(finding.proto, &finding.ports)
            }),
            any(&self.peers, |net| {
                finding.peers.iter().any(|peer| net.contains(peer))
                    // One of the peers that were folded into a network may be the one.
                    || finding.networks.iter().any(|some| net.contains(some) || some.contains(net))
            }),
            any(&self.verdicts, |verdict| {
                verdict == finding.verdict().code()
            }),
        ]
    }
}
