//! The report as JSON, schema v1: types of their own, so that the inside may change and v1 only grows.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::json_words;
use super::json_write::{ToolV1, write_line};
use super::{InputReport, NodeReport, Renderer, Report, Style, Tally, WindowReport, text};
use crate::cause::{Test, Verdict};
use crate::finding::Finding;
use crate::packet::proto_name;
use crate::rule::AcceptRule;
use crate::saturation::Stretch;
use crate::time::Time;

pub static JSON: Renderer = Renderer {
    code: "json",
    title: "one document, dropsift/report/v1",
    render,
    events: None,
};

#[derive(Serialize, JsonSchema)]
pub(super) struct ReportV1<'a> {
    #[schemars(schema_with = "json_words::report_name")]
    schema: &'static str,
    tool: ToolV1,
    summary: SummaryV1,
    inputs: Vec<InputV1<'a>>,
    span: Option<SpanV1>,
    tally: TallyV1,
    windows: Vec<WindowV1>,
    nodes: Vec<NodeV1<'a>>,
    #[schemars(with = "Vec<FindingV1<'_>>")]
    findings: Findings<'a>,
    rules: Vec<RuleV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
}

/// The findings of a report, of which one at a time becomes a [`FindingV1`].
struct Findings<'a>(&'a [Finding]);

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(finding_v1))
    }
}

/// The answer, and how many findings there are of each verdict.
#[derive(Serialize, JsonSchema)]
struct SummaryV1 {
    /// One sentence or two, as the text report begins.
    text: String,
    /// Findings by verdict.
    #[schemars(schema_with = "json_words::verdict_counts")]
    verdicts: BTreeMap<&'static str, u64>,
    /// Missing rules on which somebody has to decide.
    decisions: u64,
    /// Findings that were accepted as they are.
    accepted: u64,
}

/// An input, and how much of it was read.
#[derive(Serialize, JsonSchema)]
struct InputV1<'a> {
    /// As the user wrote it; `-` is stdin, and empty the journal of this machine.
    name: &'a str,
    lines: u64,
    drops: u64,
    other: u64,
    unreadable: u64,
    untrusted: u64,
    error: Option<&'a str>,
}

/// An upgrade window; an end that is open is null.
#[derive(Serialize, JsonSchema)]
struct WindowV1 {
    from: Option<String>,
    to: Option<String>,
    #[schemars(schema_with = "json_words::window_origin")]
    origin: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct SpanV1 {
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct TallyV1 {
    lines: u64,
    drops: u64,
    other: u64,
    unreadable: u64,
    untrusted: u64,
    /// Drop lines outside `--since` and `--until`.
    outside: u64,
    /// Drop lines whose findings the filters left out.
    filtered: u64,
}

#[derive(Serialize, JsonSchema)]
struct NodeV1<'a> {
    node: &'a str,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    /// Whether somebody or something said the role; else it is assumed.
    role_known: bool,
    addresses: Vec<String>,
    logged: u64,
    saturated: Option<Vec<StretchV1>>,
    unlogged: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct StretchV1 {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct FindingV1<'a> {
    id: &'a str,
    node: &'a str,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    /// Whether somebody or something said the role; else it is assumed.
    role_known: bool,
    /// The finding in one line.
    text: String,
    #[schemars(schema_with = "json_words::verdict")]
    verdict: &'static str,
    cause: &'static str,
    #[schemars(schema_with = "json_words::state")]
    state: &'static str,
    /// The interface of most lines.
    interface: &'a str,
    /// All interfaces, in order.
    interfaces: &'a [String],
    proto: Option<String>,
    port: Option<u16>,
    ports: &'a [u16],
    service: Option<&'static str>,
    #[schemars(schema_with = "json_words::direction")]
    direction: &'static str,
    peers: Vec<String>,
    /// Networks of peers that are not kept apart, where there were too many.
    networks: Vec<String>,
    logged: u64,
    attempts: u64,
    flags: BTreeMap<String, u64>,
    first: Option<String>,
    last: Option<String>,
    evidence: Vec<TestV1<'a>>,
    sample: &'a str,
    /// The id of the first rule that would accept it.
    rule: Option<&'a str>,
    /// The ids of the rules that would accept it.
    rules: &'a [String],
    /// Ids that are no finding any more, since this one holds their flows; in events.
    replaces: &'a [String],
    /// Why and until when it was accepted as it is.
    accepted: Option<AcceptedV1<'a>>,
}

/// An acceptance of a finding.
#[derive(Serialize, JsonSchema)]
struct AcceptedV1<'a> {
    reason: &'a str,
    until: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TestV1<'a> {
    test: &'static str,
    met: bool,
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct RuleV1<'a> {
    id: &'a str,
    node: &'a str,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    proto: String,
    ports: Option<String>,
    source: Option<String>,
    comment: &'a str,
    #[schemars(schema_with = "json_words::disposition")]
    disposition: &'static str,
    chain: &'a str,
    place: String,
    insert: String,
    undo: String,
    cloudinit: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct WarningV1<'a> {
    code: &'static str,
    node: Option<&'a str>,
    text: &'a str,
}

fn render(report: &Report, _: Style, out: &mut dyn Write) -> io::Result<()> {
    write_line(&report_v1(report), out)
}

pub(super) fn time(time: Time) -> Option<String> {
    time.rfc3339()
}

pub(super) fn report_v1(report: &Report) -> ReportV1<'_> {
    ReportV1 {
        schema: "dropsift/report/v1",
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
        windows: report.windows.iter().map(window_v1).collect(),
        nodes: report.nodes.iter().map(node_v1).collect(),
        findings: Findings(&report.findings),
        rules: report.rules.iter().map(rule_v1).collect(),
        warnings: report.warnings.iter().map(warning_v1).collect(),
    }
}

fn summary_v1(report: &Report) -> SummaryV1 {
    let count = |verdict: Verdict| {
        let findings = report.findings.iter();
        let own = findings.filter(|finding| finding.verdict() == verdict);
        (verdict.code(), own.count() as u64)
    };
    SummaryV1 {
        text: text::sentence(report),
        verdicts: Verdict::ALL.into_iter().map(count).collect(),
        decisions: text::decisions(report),
        accepted: 0,
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
        name: &input.name,
        lines,
        drops,
        other: input.tally.other(),
        unreadable,
        untrusted,
        error: input.error.as_deref(),
    }
}

fn window_v1(window: &WindowReport) -> WindowV1 {
    WindowV1 {
        from: window.from.and_then(time),
        to: window.to.and_then(time),
        origin: window.origin.code(),
    }
}

pub(super) fn warning_v1(warning: &super::Warning) -> WarningV1<'_> {
    WarningV1 {
        code: warning.code,
        node: warning.node.as_deref(),
        text: &warning.text,
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
        node: &node.node,
        role: node.role.code(),
        role_known: node.role_known,
        addresses: node.addresses.iter().map(ToString::to_string).collect(),
        logged: node.logged,
        saturated: stretches,
        unlogged: node.unlogged.map(|counted| counted.packets),
    }
}

pub(super) fn finding_v1(f: &Finding) -> FindingV1<'_> {
    FindingV1 {
        id: &f.id,
        node: &f.node,
        role: f.role.code(),
        role_known: !f.role_assumed,
        text: text::line(f),
        verdict: f.verdict().code(),
        cause: f.cause.code,
        state: f.state.code(),
        interface: &f.interface,
        interfaces: &f.interfaces,
        proto: f.key.proto.map(|number| proto_name(number).into_owned()),
        port: f.port,
        ports: &f.ports,
        service: f.service,
        direction: f.direction().code(),
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
        evidence: tests_v1(&f.evidence),
        sample: &f.sample,
        rule: f.rules.first().map(String::as_str),
        rules: &f.rules,
        replaces: &[],
        accepted: None,
    }
}

impl<'a> FindingV1<'a> {
    /// Says which ids it stands for now.
    pub(super) const fn replacing(mut self, ids: &'a [String]) -> Self {
        self.replaces = ids;
        self
    }
}

impl FindingV1<'_> {
    /// Cuts each list to `most` entries and each text to `longest` bytes; returns the keys that it cut.
    pub(super) fn cap(&mut self, most: usize, longest: usize) -> Vec<&'static str> {
        let mut capped = Vec::new();
        let mut note = |cut: bool, key| {
            if cut {
                capped.push(key);
            }
        };
        note(self.ports.len() > most, "ports");
        self.ports = &self.ports[..self.ports.len().min(most)];
        note(cut(&mut self.peers, most), "peers");
        note(cut(&mut self.networks, most), "networks");
        note(self.flags.len() > most, "flags");
        let surplus = self.flags.len().saturating_sub(most);
        for _ in 0..surplus {
            self.flags.pop_last();
        }
        let mut is_cut = cut(&mut self.evidence, most);
        for test in &mut self.evidence {
            is_cut |= shorten(&mut test.text, longest);
        }
        note(is_cut, "evidence");
        note(shorten(&mut self.sample, longest), "sample");
        note(self.rules.len() > most, "rules");
        self.rules = &self.rules[..self.rules.len().min(most)];
        capped
    }
}

fn cut<T>(list: &mut Vec<T>, most: usize) -> bool {
    let longer = list.len() > most;
    list.truncate(most);
    longer
}

/// Cuts `text` to `longest` bytes, before the character that would be cut in two.
fn shorten(text: &mut &str, longest: usize) -> bool {
    let longer = text.len() > longest;
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    *text = &text[..end];
    longer
}

pub(super) fn tests_v1(tests: &[Test]) -> Vec<TestV1<'_>> {
    let v1 = tests.iter().map(|test| TestV1 {
        test: test.name,
        met: test.met,
        text: &test.text,
    });
    v1.collect()
}

pub(super) fn rule_v1(rule: &AcceptRule) -> RuleV1<'_> {
    RuleV1 {
        id: &rule.id,
        node: &rule.node,
        role: rule.role.code(),
        proto: rule.proto_name(),
        ports: rule.dport().map(|ports| ports.to_string()),
        source: rule.source_text(),
        comment: rule.comment(),
        disposition: rule.disposition.code(),
        chain: &rule.place.chain,
        place: rule.place_command(),
        insert: rule.insert(),
        undo: rule.undo(),
        cloudinit: rule.append(),
    }
}
