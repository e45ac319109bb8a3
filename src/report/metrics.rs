//! Metrics of a report: gauges for values that may change, counters for values that one packet settles.
//!
//! No label contains the address of a peer or an ephemeral port, so the number of series is bounded by nodes and
//! services.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Report;
use crate::catalog::HARVESTER_RELEASE;
use crate::cause::Verdict;
use crate::error::printable;
use crate::finding::{Finding, State};
use crate::packet::proto_name;
use crate::rule::Disposition;
use crate::site::WindowOrigin;
use crate::time::{SECOND, Time};

/// Media type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bound on the unlisted ports of a node with a series each; further ones are summed up under [`OTHER_PORTS`].
const MAX_UNLISTED: usize = 20;
/// Port label of the series for ports beyond [`MAX_UNLISTED`].
const OTHER_PORTS: &str = "other";
/// Time after its last line, in microseconds, for which a saturated stretch counts as going on: two refills of the
/// documented limit.
const GOES_ON: i64 = 12 * SECOND;

/// Kind of a packet, by the packet alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketKind {
    Syn,
    SynAck,
    MidStream,
    Rst,
    Udp,
    Icmp,
    Other,
}

impl PacketKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn-ack",
            Self::MidStream => "mid-stream",
            Self::Rst => "rst",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Other => "other",
        }
    }
}

/// Drop lines of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    pub node: String,
    pub is_v6: bool,
    pub proto: String,
    pub kind: PacketKind,
    pub lines: u64,
}

/// State of the report's input.
#[derive(Debug, Clone, PartialEq)]
pub struct InputState {
    /// Name of the input, as the user wrote it.
    pub source: String,
    /// Whether it can still be read.
    pub is_up: bool,
    /// Time of the last bytes, in seconds since 1970; 0 before the first.
    pub last_read: f64,
    /// Number of kernel messages that were lost, by the log's notices.
    pub lost: u64,
}

/// Seconds for which the LOG limit of a node was exhausted, by node and address family. A stretch may shrink when it is
/// judged again; a counter may not, or `rate()` would invent drops.
pub type SaturatedSeconds = BTreeMap<(String, &'static str), f64>;

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

/// Writes the page of `report`, in the text format of OpenMetrics. `now` is the current time of the log; `saturated` is
/// increased by the stretches in the report.
pub fn metrics(
    report: &Report,
    traffic: &[Traffic],
    input: &InputState,
    now: Option<Time>,
    saturated: &mut SaturatedSeconds,
) -> String {
    let families = vec![
        build_info(),
        input_family(
            "dropsift_input_up",
            "Whether the input can be read",
            false,
            input,
            f64::from(u8::from(input.is_up)),
        ),
        input_family(
            "dropsift_input_last_read_timestamp_seconds",
            "When the input gave bytes last",
            false,
            input,
            input.last_read,
        ),
        input_family(
            "dropsift_input_lost",
            "Kernel messages that the log says were lost",
            true,
            input,
            input.lost as f64,
        ),
        lines(report),
        drop_lines(traffic),
        last_drop(report),
        findings(report),
        missing_rule(report),
        log_saturated(report, now),
        saturated_seconds(report, saturated),
        upgrade_window(report, now),
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

fn input_family(
    name: &'static str,
    help: &'static str,
    is_counter: bool,
    input: &InputState,
    value: f64,
) -> Family {
    Family {
        name,
        help,
        is_counter,
        series: vec![(vec![("source", label(&input.source))], value)],
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

fn drop_lines(traffic: &[Traffic]) -> Family {
    let series = traffic.iter().map(|own| {
        let labels = vec![
            ("node", label(&own.node)),
            ("family", family(own.is_v6).to_owned()),
            ("proto", own.proto.clone()),
            ("kind", own.kind.code().to_owned()),
        ];
        (labels, own.lines as f64)
    });
    Family {
        name: "dropsift_drop_lines",
        help: "Drop lines logged, by what one packet settles: a floor, since the LOG rule is limited",
        is_counter: true,
        series: series.collect(),
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

fn findings(report: &Report) -> Family {
    let mut counts: BTreeMap<(&str, &str, &str, &str), u64> = BTreeMap::new();
    for f in &report.findings {
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
        help: "Findings, by verdict, cause and state",
        is_counter: false,
        series: series.collect(),
    }
}

/// Returns one series for each missing rule that is still needed.
fn missing_rule(report: &Report) -> Family {
    let mut series: BTreeSet<Labels> = BTreeSet::new();
    let mut unlisted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    // What was accepted raises no alert.
    let open = report.findings.iter().filter(|f| {
        f.verdict() == Verdict::MissingRule && f.state != State::Settled && f.accepted.is_none()
    });
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
    let rule = finding.rules.first().and_then(|id| report.rule(id));
    let range = rule
        .and_then(|rule| rule.dport())
        .map(|ports| ports.to_string());
    range
        .or_else(|| finding.port.map(|port| port.to_string()))
        .unwrap_or_default()
}

/// Returns the strictest disposition of its rules; a finding without a rule needs a decision.
fn disposition(finding: &Finding, report: &Report) -> Disposition {
    let rules = finding.rules.iter().filter_map(|id| report.rule(id));
    rules
        .map(|rule| rule.disposition)
        .max()
        .unwrap_or(Disposition::Review)
}

fn log_saturated(report: &Report, now: Option<Time>) -> Family {
    let now = now.max(report.span.map(|(_, last)| last));
    let series = stretches(report).map(|(node, family, stretches)| {
        let last = stretches.last().map(|stretch| stretch.to);
        let goes_on = last
            .zip(now)
            .is_some_and(|(last, now)| now.since(last) <= GOES_ON);
        (node_and_family(node, family), f64::from(u8::from(goes_on)))
    });
    Family {
        name: "dropsift_log_saturated",
        help: "Whether the LOG limit is used up: what is not logged then may be missing too",
        is_counter: false,
        series: series.collect(),
    }
}

fn saturated_seconds(report: &Report, known: &mut SaturatedSeconds) -> Family {
    for (node, family, stretches) in stretches(report) {
        let total: i64 = stretches.iter().map(|s| s.to.since(s.from).max(0)).sum();
        let counted = known.entry((node.to_owned(), family)).or_default();
        *counted = counted.max(seconds(total));
    }
    let series = known
        .iter()
        .map(|((node, family), total)| (node_and_family(node, family), *total));
    Family {
        name: "dropsift_log_saturated_seconds",
        help: "For how long the LOG limit was used up",
        is_counter: true,
        series: series.collect(),
    }
}

fn stretches(
    report: &Report,
) -> impl Iterator<Item = (&str, &'static str, &[crate::saturation::Stretch])> {
    report.nodes.iter().flat_map(|node| {
        let families = [false, true].into_iter().zip(&node.saturated_by_family);
        families.map(|(is_v6, stretches)| (node.node.as_str(), family(is_v6), &stretches[..]))
    })
}

fn node_and_family(node: &str, family: &str) -> Labels {
    vec![("node", label(node)), ("family", family.to_owned())]
}

/// Returns for each node whether an upgrade is in progress, so that its alerts can be inhibited.
fn upgrade_window(report: &Report, now: Option<Time>) -> Family {
    let now = now.max(report.span.map(|(_, last)| last));
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
