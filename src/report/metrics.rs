//! Metrics of a report: gauges for values that may change, counters for values that one packet settles.
//!
//! No label contains the address of a peer or an ephemeral port, so the number of series is bounded by nodes and
//! services.

mod inputs;
mod missing;
mod saturation;
mod traffic;

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Report;
use crate::catalog::HARVESTER_RELEASE;
use crate::error::printable;
use crate::site::WindowOrigin;
use crate::time::{SECOND, Time};

pub use inputs::InputState;
pub use saturation::SaturatedSeconds;
pub use traffic::{PacketKind, Traffic};

/// Media type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Code of the warning that an acceptance has ended, see [`crate::accept::Note`].
const EXPIRED: &str = "acceptance-expired";

/// Metrics of the page.
#[derive(Debug)]
struct Page {
    families: Vec<Family>,
}

/// One metric with its series.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    is_counter: bool,
    series: Vec<(Labels, f64)>,
}

type Labels = Vec<(&'static str, String)>;

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.families {
            let kind = if family.is_counter {
                MetricType::Counter
            } else {
                MetricType::Gauge
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            for (labels, value) in &family.series {
                let series = metric.encode_family(labels)?;
                if family.is_counter {
                    ConstCounter::new(*value).encode(series)?;
                } else {
                    ConstGauge::new(*value).encode(series)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes the page of `report`, in the text format of OpenMetrics. `saturated` is increased by the stretches in the report.
pub fn metrics(
    report: &Report,
    traffic: &[Traffic],
    inputs: &[InputState],
    saturated: &mut SaturatedSeconds,
) -> String {
    let [up, last_read, lost] = inputs::families(inputs);
    let families = vec![
        build_info(),
        up,
        last_read,
        lost,
        lines(report),
        traffic::drop_lines(traffic),
        last_drop(report),
        findings(report),
        accepted_findings(report),
        acceptance_expired(report),
        missing::missing_rule(report),
        saturation::log_saturated(report),
        saturation::saturated_seconds(report, saturated),
        upgrade_window(report),
    ];
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page { families }));
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut page, &registry);
    page
}

/// Returns a label value from the log, with unprintable characters escaped.
fn label(text: &str) -> String {
    printable(text)
}

fn build_info() -> Family {
    let labels = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("revision", env!("DROPSIFT_COMMIT").to_owned()),
        ("catalogue", HARVESTER_RELEASE.to_owned()),
    ];
    Family {
        name: "dropsift_build_info",
        help: "The version, its commit, and the Harvester release of the port catalogue",
        is_counter: false,
        series: vec![(labels, 1.0)],
    }
}

/// Returns the lines by outcome. Only drop lines certainly have a node; in a log with one node all lines belong to it.
fn lines(report: &Report) -> Family {
    let alone = match &report.nodes[..] {
        [only] => label(&only.node),
        _ => String::new(),
    };
    let mut series: Vec<(Labels, f64)> = Vec::new();
    for node in &report.nodes {
        let labels = vec![("node", label(&node.node)), ("outcome", "drop".to_owned())];
        series.push((labels, node.logged as f64));
    }
    let tally = report.tally;
    for (outcome, lines) in [
        ("other", tally.other()),
        ("unreadable", tally.unreadable),
        ("untrusted", tally.untrusted),
        ("outside", tally.outside),
    ] {
        let labels = vec![("node", alone.clone()), ("outcome", outcome.to_owned())];
        series.push((labels, lines as f64));
    }
    Family {
        name: "dropsift_lines",
        help: "Lines read, by what they are",
        is_counter: true,
        series,
    }
}

const fn family(is_v6: bool) -> &'static str {
    if is_v6 { "ipv6" } else { "ipv4" }
}

fn last_drop(report: &Report) -> Family {
    let mut last: BTreeMap<&str, Time> = BTreeMap::new();
    for finding in &report.findings {
        let known = last.entry(&finding.node).or_insert(finding.last);
        *known = (*known).max(finding.last);
    }
    let dated = last.into_iter().filter(|(_, time)| time.is_dated());
    let series = dated.map(|(node, time)| (vec![("node", label(node))], seconds(time.0)));
    Family {
        name: "dropsift_last_drop_timestamp_seconds",
        help: "When the last drop line of a node was written",
        is_counter: false,
        series: series.collect(),
    }
}

/// Returns the findings that are not accepted: what was accepted raises no alert.
fn findings(report: &Report) -> Family {
    let mut counts: BTreeMap<(&str, &str, &str, &str), u64> = BTreeMap::new();
    for f in report.findings.iter().filter(|f| f.accepted.is_none()) {
        let key = (
            f.node.as_str(),
            f.verdict().code(),
            f.cause.code,
            f.state.code(),
        );
        *counts.entry(key).or_default() += 1;
    }
    let series = counts
        .into_iter()
        .map(|((node, verdict, cause, state), count)| {
            let labels = vec![
                ("node", label(node)),
                ("verdict", verdict.to_owned()),
                ("cause", cause.to_owned()),
                ("state", state.to_owned()),
            ];
            (labels, count as f64)
        });
    Family {
        name: "dropsift_findings",
        help: "Findings that are not accepted, by verdict, cause and state",
        is_counter: false,
        series: series.collect(),
    }
}

fn accepted_findings(report: &Report) -> Family {
    let accepted = report.findings.iter().filter(|f| f.accepted.is_some());
    by_node(
        "dropsift_accepted_findings",
        "Findings that are accepted, and raise no alert",
        report,
        accepted.map(|finding| finding.node.as_str()),
    )
}

fn acceptance_expired(report: &Report) -> Family {
    let expired = (report.warnings.iter()).filter(|warning| warning.code == EXPIRED);
    by_node(
        "dropsift_acceptance_expired",
        "Acceptances that have ended while their finding is still there",
        report,
        expired.filter_map(|warning| warning.node.as_deref()),
    )
}

/// Returns for each node how many of `nodes` are it, 0 included: a series that is absent says nothing.
fn by_node<'r>(
    name: &'static str,
    help: &'static str,
    report: &'r Report,
    nodes: impl Iterator<Item = &'r str>,
) -> Family {
    let mut counts: BTreeMap<&str, u64> = (report.nodes.iter())
        .map(|node| (node.node.as_str(), 0))
        .collect();
    for node in nodes {
        *counts.entry(node).or_default() += 1;
    }
    let series = counts
        .into_iter()
        .map(|(node, count)| (vec![("node", label(node))], count as f64));
    Family {
        name,
        help,
        is_counter: false,
        series: series.collect(),
    }
}

/// Returns for each node whether an upgrade is in progress, so that its alerts can be inhibited.
fn upgrade_window(report: &Report) -> Family {
    let now = report.end();
    let is_open = |origin: WindowOrigin| {
        let Some(now) = now else { return false };
        report.windows.iter().any(|window| {
            window.origin == origin
                && window.from.is_none_or(|from| from <= now)
                && window.to.is_none_or(|to| now <= to)
        })
    };
    let mut series = Vec::new();
    for node in &report.nodes {
        for origin in WindowOrigin::ALL {
            let labels = vec![
                ("node", label(&node.node)),
                ("origin", origin.code().to_owned()),
            ];
            series.push((labels, f64::from(u8::from(is_open(origin)))));
        }
    }
    Family {
        name: "dropsift_upgrade_window",
        help: "Whether an upgrade goes on, by who says so",
        is_counter: false,
        series,
    }
}

fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / SECOND as f64
}
