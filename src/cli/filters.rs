//! Filters of findings: values of one filter are alternatives, each filter must accept a finding, and so must each
//! negated filter.

use std::collections::HashSet;

use super::options::Filters;
use super::query::PortQuery;
use super::values::nets;
use crate::analyze;
use crate::chain::quoted;
use crate::error::{Error, printable};
use crate::finding::Finding;
use crate::net::IpNet;
use crate::node_names::NodeNames;
use crate::report::{NodeReport, Report, Warning};
use crate::rule::AcceptRule;

/// The filters of a run.
pub(super) struct Filter {
    wanted: Values,
    unwanted: Values,
    /// The options, equal ones in the same order, so that two runs can be compared.
    options: Vec<String>,
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
            options: written(options),
        })
    }

    /// Returns the filters as options.
    pub(super) fn options(&self) -> &[String] {
        &self.options
    }

    /// Returns `report` with only the findings that all filters accept, and their rules.
    pub(super) fn apply(&self, mut report: Report) -> Report {
        if self.options.is_empty() {
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
        let own: HashSet<&str> = (findings.iter().flat_map(|f| &f.rules))
            .map(String::as_str)
            .collect();
        let mut rules: Vec<AcceptRule> = std::mem::take(&mut report.rules).into();
        rules.retain(|rule| own.contains(&*rule.id));
        report.rules = rules.into();
        // A report that was read may have been filtered before.
        report.tally.filtered += all - logged(&report);
        report.filters.extend_from_slice(&self.options);
        report.filters.sort_unstable();
        report.filters.dedup();
        report.warnings.extend(self.unmet(&report.nodes));
        report.warnings.sort();
        report
    }
}

impl Filter {
    /// Warns of each node that a filter names and that the log does not have: its name may be misspelt.
    fn unmet(&self, nodes: &[NodeReport]) -> impl Iterator<Item = Warning> {
        let known = || nodes.iter().map(|node| node.node.as_str());
        let only = |name| ("--only", name);
        let not_only = |name| ("--not --only", name);
        let named = self.wanted.nodes.iter().map(only);
        let named = named.chain(self.unwanted.nodes.iter().map(not_only));
        let is_of = |name: &str, node| {
            self.wanted.names.is_of(name, node) || self.unwanted.names.is_of(name, node)
        };
        let absent = named
            .filter(move |(_, name)| !nodes.is_empty() && !known().any(|node| is_of(name, node)));
        let names = absent.map(|(option, name)| (format!("{option} asks for"), name));
        names.map(|(said, name)| analyze::absent("only-unused", &said, name, nodes))
    }
}

/// Returns the filters as options, in order.
fn written(options: &Filters) -> Vec<String> {
    let mut all: Vec<String> = [
        ("--only", &options.only),
        ("--port", &options.port),
        ("--peer", &options.peer),
        ("--verdict", &options.verdict),
        ("--not --only", &options.not_only),
        ("--not --port", &options.not_port),
        ("--not --peer", &options.not_peer),
        ("--not --verdict", &options.not_verdict),
    ]
    .into_iter()
    .flat_map(|(name, values)| {
        let values = values.iter();
        values.map(move |value| format!("{name} {}", printable(&quoted(value))))
    })
    .collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl Values {
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
