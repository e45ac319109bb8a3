//! The report as JSON, schema v1: types of their own, so that the inside may change and v1 only grows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json_words;
use super::json_write::{ToolV1, write_line};
use super::{InputReport, NodeReport, Report, Style, Tally, WindowReport, text};
use crate::cause::{Test, Verdict};
use crate::finding::Finding;
use crate::packet::proto_name;
use crate::rule::AcceptRule;
use crate::saturation::Stretch;
use crate::time::{SECOND, Time};

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct ReportV1<'a> {
    #[schemars(schema_with = "json_words::report_name")]
    pub(super) schema: Cow<'a, str>,
    pub(super) tool: ToolV1<'a>,
    pub(super) summary: SummaryV1<'a>,
    pub(super) inputs: Vec<InputV1<'a>>,
    pub(super) span: Option<SpanV1>,
    pub(super) tally: TallyV1,
    /// The filters that may have left findings out, as options; empty where it has all.
    #[serde(default)]
    #[schemars(!default)]
    pub(super) filters: Cow<'a, [String]>,
    pub(super) windows: Vec<WindowV1<'a>>,
    pub(super) networks: NetworksV1,
    pub(super) nodes: Vec<NodeV1<'a>>,
    #[schemars(with = "Vec<FindingV1<'_>>")]
    pub(super) findings: Findings<'a>,
    pub(super) rules: Vec<RuleV1<'a>>,
    pub(super) warnings: Vec<WarningV1<'a>>,
}

/// The findings of a report, of which one at a time becomes a [`FindingV1`].
pub(super) enum Findings<'a> {
    Of(&'a [Finding]),
    /// As a report has them that was read.
    Read(Vec<FindingV1<'a>>),
}

impl<'a> Findings<'a> {
    /// Those of a report that was read.
    pub(super) fn read(&self) -> &[FindingV1<'a>] {
        match self {
            Self::Of(_) => &[],
            Self::Read(all) => all,
        }
    }
}

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Of(all) => serializer.collect_seq(all.iter().map(finding_v1)),
            Self::Read(all) => all.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Findings<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::Read)
    }
}

/// The answer, and how many findings there are of each verdict.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SummaryV1<'a> {
    /// One sentence or two, as the text report begins.
    pub(super) text: String,
    /// Findings by verdict.
    #[schemars(schema_with = "json_words::verdict_counts")]
    pub(super) verdicts: BTreeMap<Cow<'a, str>, u64>,
    /// Missing rules on which somebody has to decide.
    pub(super) decisions: u64,
    /// Findings that were accepted as they are.
    pub(super) accepted: u64,
}

/// An input, and how much of it was read.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct InputV1<'a> {
    /// As the user wrote it; `-` is stdin, and empty the journal of this machine.
    pub(super) name: Cow<'a, str>,
    pub(super) lines: u64,
    pub(super) drops: u64,
    pub(super) other: u64,
    pub(super) unreadable: u64,
    pub(super) untrusted: u64,
    /// Why nothing of it was judged; null where something was, or there was nothing to judge.
    #[schemars(schema_with = "json_words::unjudged")]
    pub(super) unjudged: Option<Cow<'a, str>>,
    pub(super) error: Option<Cow<'a, str>>,
}

/// An upgrade window; an end that is open is null.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct WindowV1<'a> {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    #[schemars(schema_with = "json_words::window_origin")]
    pub(super) origin: Cow<'a, str>,
}

/// Networks of the cluster, as far as they were known apart from the log.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct NetworksV1 {
    /// Of nodes, and the addresses of nodes.
    pub(super) nodes: Vec<String>,
    pub(super) pods: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SpanV1 {
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TallyV1 {
    pub(super) lines: u64,
    pub(super) drops: u64,
    pub(super) other: u64,
    pub(super) unreadable: u64,
    pub(super) untrusted: u64,
    /// Drop lines outside `--since` and `--until`.
    pub(super) outside: u64,
    /// Drop lines whose findings the filters left out.
    pub(super) filtered: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct NodeV1<'a> {
    pub(super) node: Cow<'a, str>,
    #[schemars(schema_with = "json_words::role")]
    pub(super) role: Cow<'a, str>,
    /// Whether somebody or something said the role; else it is assumed.
    pub(super) role_known: bool,
    pub(super) addresses: Vec<String>,
    pub(super) logged: u64,
    pub(super) saturated: Option<Vec<StretchV1>>,
    /// When it started, as many times as are kept.
    pub(super) boots: Vec<String>,
    pub(super) unlogged: Option<u64>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct StretchV1 {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct FindingV1<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) node: Cow<'a, str>,
    #[schemars(schema_with = "json_words::role")]
    pub(super) role: Cow<'a, str>,
    /// Whether somebody or something said the role; else it is assumed.
    pub(super) role_known: bool,
    /// The finding in one line.
    pub(super) text: String,
    #[schemars(schema_with = "json_words::verdict")]
    pub(super) verdict: Cow<'a, str>,
    pub(super) cause: Cow<'a, str>,
    #[schemars(schema_with = "json_words::state")]
    pub(super) state: Cow<'a, str>,
    /// The interface of most lines.
    pub(super) interface: Cow<'a, str>,
    /// All interfaces, in order.
    pub(super) interfaces: Cow<'a, [String]>,
    pub(super) proto: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) ports: Cow<'a, [u16]>,
    pub(super) service: Option<Cow<'a, str>>,
    /// Whether the peers are pods, inside the cluster's networks, or outside.
    #[schemars(schema_with = "json_words::zone")]
    pub(super) zone: Cow<'a, str>,
    #[schemars(schema_with = "json_words::direction")]
    pub(super) direction: Cow<'a, str>,
    pub(super) peers: Vec<String>,
    /// Networks of peers that are not kept apart, where there were too many.
    pub(super) networks: Vec<String>,
    pub(super) logged: u64,
    pub(super) attempts: u64,
    pub(super) flags: BTreeMap<String, u64>,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    /// Seconds from `first` to each line; of many lines, to some.
    pub(super) times: Vec<f64>,
    pub(super) evidence: Vec<TestV1<'a>>,
    pub(super) sample: Cow<'a, str>,
    /// The id of the first rule that would accept it.
    pub(super) rule: Option<Cow<'a, str>>,
    /// The ids of the rules that would accept it.
    pub(super) rules: Cow<'a, [String]>,
    /// Ids that are no finding any more, since this one holds their flows; in events.
    pub(super) replaces: Cow<'a, [String]>,
    /// Why and until when it was accepted as it is.
    pub(super) accepted: Option<AcceptedV1<'a>>,
}

/// An acceptance of a finding.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct AcceptedV1<'a> {
    pub(super) reason: Cow<'a, str>,
    /// The last day on which it holds, in UTC.
    pub(super) until: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TestV1<'a> {
    pub(super) test: Cow<'a, str>,
    pub(super) met: bool,
    pub(super) text: Cow<'a, str>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct RuleV1<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) node: Cow<'a, str>,
    #[schemars(schema_with = "json_words::role")]
    pub(super) role: Cow<'a, str>,
    pub(super) proto: String,
    pub(super) ports: Option<String>,
    pub(super) source: Option<String>,
    pub(super) comment: Cow<'a, str>,
    #[schemars(schema_with = "json_words::disposition")]
    pub(super) disposition: Cow<'a, str>,
    /// Why somebody has to decide on it.
    pub(super) doubt: Option<DoubtV1<'a>>,
    pub(super) chain: Cow<'a, str>,
    pub(super) place: String,
    pub(super) insert: String,
    pub(super) undo: String,
    pub(super) cloudinit: String,
}

/// Why a rule is for somebody to decide on.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct DoubtV1<'a> {
    pub(super) code: Cow<'a, str>,
    pub(super) text: Cow<'a, str>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct WarningV1<'a> {
    pub(super) code: Cow<'a, str>,
    pub(super) node: Option<Cow<'a, str>>,
    pub(super) text: Cow<'a, str>,
}

/// Writes the report.
pub(super) fn report(report: &Report, _: Style, out: &mut dyn Write) -> io::Result<()> {
    write_line(&report_v1(report), out)
}

pub(super) fn time(time: Time) -> Option<String> {
    time.rfc3339()
}

pub(super) fn report_v1(report: &Report) -> ReportV1<'_> {
    ReportV1 {
        schema: "dropsift/report/v1".into(),
        tool: ToolV1::THIS,
        summary: summary_v1(report),
        inputs: report.inputs.iter().map(input_v1).collect(),
        span: report.span.map(|(first, last)| SpanV1 {
            first: time(first),
            last: time(last),
        }),
        tally: TallyV1 {
            lines: report.tally.lines,
            drops: report.tally.drops,
            other: report.tally.other(),
            unreadable: report.tally.unreadable,
            untrusted: report.tally.untrusted,
            outside: report.tally.outside,
            filtered: report.tally.filtered,
        },
        filters: (&report.filters[..]).into(),
        windows: report.windows.iter().map(window_v1).collect(),
        networks: NetworksV1 {
            nodes: report
                .networks
                .nodes
                .iter()
                .map(ToString::to_string)
                .collect(),
            pods: report
                .networks
                .pods
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
        nodes: report.nodes.iter().map(node_v1).collect(),
        findings: Findings::Of(&report.findings),
        rules: report.rules.iter().map(rule_v1).collect(),
        warnings: report.warnings.iter().map(warning_v1).collect(),
    }
}

fn summary_v1(report: &Report) -> SummaryV1<'_> {
    let count = |verdict: Verdict| {
        let findings = report.findings.iter();
        let own = findings.filter(|finding| finding.verdict() == verdict);
        (verdict.code().into(), own.count() as u64)
    };
    SummaryV1 {
        text: text::sentence(report),
        verdicts: Verdict::ALL.into_iter().map(count).collect(),
        decisions: text::decisions(report),
        accepted: report
            .findings
            .iter()
            .filter(|f| f.accepted.is_some())
            .count() as u64,
    }
}

fn input_v1(input: &InputReport) -> InputV1<'_> {
    let Tally {
        lines,
        drops,
        unreadable,
        untrusted,
        ..
    } = input.tally;
    InputV1 {
        name: input.label().into(),
        lines,
        drops,
        other: input.tally.other(),
        unreadable,
        untrusted,
        unjudged: input.unjudged.map(|why| why.code().into()),
        error: input.error.as_deref().map(Cow::from),
    }
}

fn window_v1(window: &WindowReport) -> WindowV1<'_> {
    WindowV1 {
        from: window.from.and_then(time),
        to: window.to.and_then(time),
        origin: window.origin.code().into(),
    }
}

pub(super) fn warning_v1(warning: &super::Warning) -> WarningV1<'_> {
    WarningV1 {
        code: warning.code.into(),
        node: warning.node.as_deref().map(Cow::from),
        text: warning.text.as_str().into(),
    }
}

fn node_v1(node: &NodeReport) -> NodeV1<'_> {
    let stretches = node.saturated.as_ref().map(|stretches| {
        let stretch = |s: &Stretch| StretchV1 {
            from: time(s.from),
            to: time(s.to),
        };
        stretches.iter().map(stretch).collect()
    });
    NodeV1 {
        node: node.node.as_str().into(),
        role: node.role.code().into(),
        role_known: node.role_known,
        addresses: node.addresses.iter().map(ToString::to_string).collect(),
        logged: node.logged,
        saturated: stretches,
        boots: node.boots.iter().copied().filter_map(time).collect(),
        unlogged: node.unlogged.map(|counted| counted.packets),
    }
}

pub(super) fn finding_v1(f: &Finding) -> FindingV1<'_> {
    FindingV1 {
        id: f.id.as_str().into(),
        node: f.node.as_str().into(),
        role: f.role.code().into(),
        role_known: !f.role_assumed,
        text: text::line(f),
        verdict: f.verdict().code().into(),
        cause: f.cause.code.into(),
        state: f.state.code().into(),
        interface: f.interface.as_str().into(),
        interfaces: (&f.interfaces[..]).into(),
        proto: f.proto.map(|number| proto_name(number).into_owned()),
        port: f.port,
        ports: (&f.ports[..]).into(),
        service: f.service.map(Cow::from),
        zone: f.key.zone.code().into(),
        direction: f.direction().code().into(),
        peers: f.peers.iter().map(ToString::to_string).collect(),
        networks: f.networks.iter().map(ToString::to_string).collect(),
        logged: f.logged,
        attempts: f.attempts,
        flags: f
            .flags
            .iter()
            .map(|(flags, lines)| match flags.to_string() {
                none if none.is_empty() => ("none".to_owned(), *lines),
                names => (names, *lines),
            })
            .collect(),
        first: time(f.first),
        last: time(f.last),
        times: seconds(f),
        evidence: tests_v1(&f.evidence),
        sample: f.sample.as_str().into(),
        rule: f.rules.first().map(|rule| rule.as_str().into()),
        rules: (&f.rules[..]).into(),
        replaces: Cow::Borrowed(&[]),
        accepted: accepted_v1(f),
    }
}

fn seconds(finding: &Finding) -> Vec<f64> {
    let since = |time: &Time| time.since(finding.first) as f64 / SECOND as f64;
    finding.times.iter().map(since).collect()
}

pub(super) fn accepted_v1(finding: &Finding) -> Option<AcceptedV1<'_>> {
    let accepted = finding.accepted.as_ref()?;
    Some(AcceptedV1 {
        reason: accepted.reason.as_str().into(),
        until: accepted.until.to_string(),
    })
}

impl<'a> FindingV1<'a> {
    /// Sets the ids of earlier findings that the event replaces.
    pub(super) fn replacing(mut self, ids: &'a [String]) -> Self {
        self.replaces = Cow::Borrowed(ids);
        self
    }
}

pub(super) fn tests_v1(tests: &[Test]) -> Vec<TestV1<'_>> {
    let v1 = tests.iter().map(|test| TestV1 {
        test: test.name.into(),
        met: test.met,
        text: test.text.as_str().into(),
    });
    v1.collect()
}

pub(super) fn rule_v1(rule: &AcceptRule) -> RuleV1<'_> {
    RuleV1 {
        id: rule.id.as_str().into(),
        node: rule.node.as_str().into(),
        role: rule.role.code().into(),
        proto: rule.proto_name(),
        ports: rule.dport().map(|ports| ports.to_string()),
        source: rule.source_text(),
        comment: rule.comment().into(),
        disposition: rule.disposition.code().into(),
        doubt: rule.doubt.as_ref().map(|doubt| DoubtV1 {
            code: doubt.code().into(),
            text: doubt.text().into(),
        }),
        chain: rule.place.chain.as_str().into(),
        place: rule.place_command(),
        insert: rule.insert(),
        undo: rule.undo(),
        cloudinit: rule.append(),
    }
}
