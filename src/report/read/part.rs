//! One report, or the report on the logs of this run, as a part of the whole.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::finding::{self, MADE_ANEW_TEST, MAX_COUNT, ReportZones, Rules, time};
use super::words::{coded, word};
use crate::catalog::Role;
use crate::chain::Counted;
use crate::error::printable;
use crate::finding::Finding;
use crate::net::{IpNet, is_private_net};
use crate::report::json::{NodeV1, ReportV1, WarningV1};
use crate::report::text::{few_filters, many, what};
use crate::report::{Networks, NodeReport, Tally, Warning, WindowReport};
use crate::saturation::Stretch;
use crate::site::WindowOrigin;
use crate::time::Time;

/// Codes of warnings that are generated anew from the content of a report, or that concern options of its run.
const MADE_ANEW: [&str; 7] = [
    "log-saturated",
    "role-assumed",
    "acceptance-expired",
    "acceptance-partial",
    "acceptance-unused",
    "only-unused",
    "report-filtered",
];

/// The most filters of a report that are kept.
const MAX_FILTERS: usize = 256;
/// What stands for filters that a report does not name.
const UNNAMED: &str = "unnamed";

/// A part of a report.
#[derive(Clone)]
pub struct Part {
    pub span: Option<(Time, Time)>,
    pub tally: Tally,
    pub nodes: Vec<NodeReport>,
    pub findings: Vec<Finding>,
    pub warnings: Vec<Warning>,
    pub windows: Vec<WindowReport>,
    pub networks: Networks,
    /// The filters with which it was written, as options.
    pub filters: Vec<String>,
}

impl Part {
    /// Creates the report `v1` of the input `input`; `known` is what this run knows.
    ///
    /// # Errors
    /// If it is none that this program would write.
    pub(super) fn of(input: &str, v1: ReportV1<'_>, known: &Networks) -> Result<Self, String> {
        let nodes = v1.nodes.iter().map(node).collect::<Result<Vec<_>, _>>()?;
        let rules: Rules<'_> = v1.rules.iter().map(|rule| (&*rule.id, rule)).collect();
        let own: BTreeSet<IpAddr> = (nodes.iter())
            .flat_map(|node| &node.addresses)
            .copied()
            .collect();
        let mut networks = Networks {
            nodes: nets(&v1.networks.nodes)?,
            pods: nets(&v1.networks.pods)?,
        };
        // A rule for pods accepts all protocols: the word of a report alone opens no public network, and none with a node.
        (networks.pods).retain(|net| {
            known.pods.contains(net)
                || is_private_net(*net) && !own.iter().any(|node| net.contains(node))
        });
        let zones = ReportZones {
            networks: networks.and(known),
            addresses: own,
        };
        let findings = v1.findings.read().iter().map(|v1| {
            let own = addresses(&nodes, &v1.node);
            finding::finding(v1, &rules, Some((&zones, own)))
        });
        let findings = findings.collect::<Result<Vec<_>, _>>()?;
        let contradicted = contradictions(input, &findings);
        let filters = filters_of(&v1);
        let left_out = left_out(input, &filters, v1.tally.filtered);
        let windows = v1.windows.iter().map(|window| {
            let origin = coded(
                &WindowOrigin::ALL,
                WindowOrigin::code,
                &window.origin,
                "origin of a window",
            )?;
            let end = |text: &Option<String>| {
                text.as_deref()
                    .map(|text| time(Some(text)))
                    .filter(|time| time.is_known())
            };
            Ok(WindowReport {
                from: end(&window.from),
                to: end(&window.to),
                origin,
            })
        });
        let span = v1
            .span
            .as_ref()
            .map(|span| (time(span.first.as_deref()), time(span.last.as_deref())));
        let logged: u64 = findings
            .iter()
            .map(|finding| finding.logged)
            .fold(0, u64::saturating_add);
        Ok(Self {
            span: span.filter(|(first, last)| first.is_known() && last.is_known()),
            tally: Tally {
                lines: v1.tally.lines.min(MAX_COUNT),
                drops: logged.saturating_add(v1.tally.filtered.min(MAX_COUNT)),
                unreadable: v1.tally.unreadable.min(MAX_COUNT),
                untrusted: v1.tally.untrusted.min(MAX_COUNT),
                outside: v1.tally.outside.min(MAX_COUNT),
                filtered: v1.tally.filtered.min(MAX_COUNT),
            },
            nodes,
            findings,
            warnings: (v1.warnings.iter())
                .filter_map(|one| warning(input, one))
                .chain(contradicted)
                .chain(left_out)
                .collect(),
            networks,
            filters,
            windows: windows.collect::<Result<Vec<_>, String>>()?,
        })
    }
}

/// Returns the filters with which a report was written: one of an older version does not name them.
fn filters_of(v1: &ReportV1<'_>) -> Vec<String> {
    let named = capped_filters(&v1.filters);
    if named.is_empty() && v1.tally.filtered > 0 {
        return vec![UNNAMED.to_owned()];
    }
    named
}

/// Returns filters as they are kept: as many as a user gives.
pub(super) fn capped_filters(filters: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = (filters.iter().take(MAX_FILTERS))
        .map(|filter| printable(&finding::capped(filter)))
        .collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Warns of a report from which filters left drops out.
fn left_out(input: &str, filters: &[String], drops: u64) -> Option<Warning> {
    let name = input.rsplit('/').next().unwrap_or(input);
    let text = format!(
        "the report {name} was written with filters ({}), which left out {}: that a finding is absent from it proves nothing. \
         Report its log without them",
        few_filters(filters),
        many(drops.min(MAX_COUNT), "drop")
    );
    (!filters.is_empty() && drops > 0)
        .then(|| Warning::new("report-filtered", None, printable(&text)))
}

/// Returns the networks of a report.
fn nets(texts: &[String]) -> Result<Vec<IpNet>, String> {
    let nets = texts.iter().map(|text| text.parse());
    nets.collect::<Result<_, _>>().map_err(|_| {
        "one of the networks that it knows is none; write the report anew with -o json".to_owned()
    })
}

/// Warns of findings whose cause their own facts contradict.
fn contradictions(input: &str, findings: &[Finding]) -> Vec<Warning> {
    let name = input.rsplit('/').next().unwrap_or(input);
    let anew = findings.iter().filter_map(|finding| {
        let test = (finding.evidence.iter()).find(|test| test.name == MADE_ANEW_TEST)?;
        let text = format!(
            "{name}: {}: {}; report the log itself",
            what(finding),
            test.text
        );
        Some(Warning::new(
            "report-contradicted",
            Some(finding.node.clone()),
            printable(&text),
        ))
    });
    anew.collect()
}

/// Returns the addresses of a node.
pub(super) fn addresses<'n>(nodes: &'n [NodeReport], name: &str) -> &'n [IpAddr] {
    nodes
        .iter()
        .find(|node| node.node == name)
        .map_or(&[], |node| &node.addresses)
}

fn node(v1: &NodeV1<'_>) -> Result<NodeReport, String> {
    let addresses = v1
        .addresses
        .iter()
        .map(|text| text.parse())
        .collect::<Result<Vec<IpAddr>, _>>();
    let stretches = |all: &Vec<crate::report::json::StretchV1>| -> Vec<Stretch> {
        let stretch = |one: &crate::report::json::StretchV1| Stretch {
            from: time(one.from.as_deref()),
            to: time(one.to.as_deref()),
        };
        all.iter()
            .map(stretch)
            .filter(|one| one.from.is_known() && one.from <= one.to)
            .collect()
    };
    Ok(NodeReport {
        node: v1.node.to_string(),
        role: coded(&Role::ALL, Role::code, &v1.role, "role")?,
        role_known: v1.role_known,
        addresses: addresses.map_err(|_| {
            "an address of a node is none; write the report anew with -o json".to_owned()
        })?,
        logged: v1.logged.min(MAX_COUNT),
        saturated: v1.saturated.as_ref().map(stretches),
        saturated_by_family: Default::default(),
        boots: (v1.boots.iter())
            .map(|text| time(Some(text)))
            .filter(|time| time.is_known())
            .collect(),
        unlogged: v1.unlogged.map(|packets| Counted {
            packets: packets.min(MAX_COUNT),
            exact: true,
        }),
    })
}

/// Converts a warning of a report, quoted as a statement of that report.
pub(super) fn warning(input: &str, v1: &WarningV1<'_>) -> Option<Warning> {
    let code = word(&v1.code).filter(|code| !MADE_ANEW.contains(code))?;
    let name = input.rsplit('/').next().unwrap_or(input);
    let text = finding::capped(&v1.text);
    Some(Warning {
        code,
        node: v1.node.as_ref().map(|node| finding::capped(node)),
        text: printable(&format!("{name} says: {text}")),
    })
}

/// Returns the sum of accounts.
pub(super) fn sum(all: impl Iterator<Item = Tally>) -> Tally {
    all.fold(Tally::default(), |sum, one| Tally {
        lines: sum.lines.saturating_add(one.lines),
        drops: sum.drops.saturating_add(one.drops),
        unreadable: sum.unreadable.saturating_add(one.unreadable),
        untrusted: sum.untrusted.saturating_add(one.untrusted),
        outside: sum.outside.saturating_add(one.outside),
        filtered: sum.filtered.saturating_add(one.filtered),
    })
}
