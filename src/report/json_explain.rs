//! Output of `explain` and `ports` as JSON.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::explain::{ALONE, Explained, Explanation};
use super::json::{RuleV1, TestV1, rule_v1, tests_v1, time};
use super::json_packet::{self, Fields};
use super::json_write::write_line;
use super::ports::{PortList, Row};
use super::{Style, json_words};
use crate::cause::Cause;

/// What is said of each line of a stream.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum LineV1<'a> {
    Answer(AnswerV1<'a>),
    Refusal(RefusalV1<'a>),
}

/// The answer to a line of a stream.
#[derive(Serialize, JsonSchema)]
pub(super) struct AnswerV1<'a> {
    #[schemars(schema_with = "json_words::packet")]
    packet: Option<Fields>,
    #[schemars(schema_with = "json_words::verdict")]
    verdict: &'static str,
    cause: &'static str,
    evidence: Vec<TestV1<'a>>,
}

/// The answer to a line that is no drop line.
#[derive(Serialize, JsonSchema)]
pub(super) struct RefusalV1<'a> {
    #[schemars(schema_with = "json_words::packet")]
    packet: Option<Fields>,
    error: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ExplainV1<'a> {
    #[schemars(schema_with = "json_words::explain_name")]
    schema: &'static str,
    time: Option<String>,
    node: &'a str,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    #[serde(flatten)]
    answer: AnswerV1<'a>,
    summary: &'static str,
    todo: &'static str,
    service: Option<&'static str>,
    #[schemars(schema_with = "json_words::direction")]
    direction: &'static str,
    chain: Vec<StepV1<'a>>,
    rules: Vec<RuleV1<'a>>,
    note: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct StepV1<'a> {
    cause: &'static str,
    decides: bool,
    tests: Vec<TestV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct CauseV1 {
    code: &'static str,
    #[schemars(schema_with = "json_words::verdict")]
    verdict: &'static str,
    summary: &'static str,
    what: &'static str,
    told: &'static str,
    todo: &'static str,
    examples: Vec<ExampleV1>,
}

#[derive(Serialize, JsonSchema)]
struct ExampleV1 {
    takes: bool,
    log: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct CausesV1 {
    #[schemars(schema_with = "json_words::causes_name")]
    schema: &'static str,
    causes: Vec<CauseV1>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct PortsV1<'a> {
    #[schemars(schema_with = "json_words::ports_name")]
    schema: &'static str,
    ports: Vec<PortV1<'a>>,
}

/// A row of the catalogue, or a documented rule that no row explains.
#[derive(Serialize, JsonSchema)]
struct PortV1<'a> {
    /// `all` for the pod network.
    proto: &'a str,
    /// `2112`, `2379:2380`; null where the rule is not about a port.
    ports: Option<&'a str>,
    service: &'static str,
    component: Option<&'static str>,
    /// Where it can run.
    roles: &'a [&'static str],
    /// Whose CloudInit example of the documentation opens it.
    documented: &'a [&'static str],
    /// Who connects to it.
    from: Option<&'static str>,
    addon: Option<&'static str>,
    /// How much the row decides.
    standing: &'static str,
    rules: Vec<PortRuleV1<'a>>,
    source: &'static str,
    note: &'static str,
}

/// A documented rule, and whose it is.
#[derive(Serialize, JsonSchema)]
struct PortRuleV1<'a> {
    roles: &'a [&'static str],
    /// The command that asks a running chain for the number of its LOG rule.
    place: &'a str,
    /// The command that puts the rule before it, in the same shell.
    insert: &'a str,
    /// The line of the CloudInit example.
    cloudinit: &'a str,
}

impl<'a> From<&'a Row> for PortV1<'a> {
    fn from(row: &'a Row) -> Self {
        let rules = row.rules.iter().map(|rule| PortRuleV1 {
            roles: &rule.roles,
            place: &rule.place,
            insert: &rule.insert,
            cloudinit: &rule.cloudinit,
        });
        Self {
            proto: &row.proto,
            ports: row.ports.as_deref(),
            service: row.service,
            component: row.component,
            roles: &row.roles,
            documented: &row.documented,
            from: row.from,
            addon: row.addon,
            standing: row.standing,
            rules: rules.collect(),
            source: row.source,
            note: row.note,
        }
    }
}

/// Writes an answer of `explain`.
pub(super) fn explanation(
    answer: &Explanation<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match answer {
        Explanation::Causes(list) => causes(list, out),
        Explanation::Cause(cause, _) => causes(&[cause], out),
        Explanation::Ports(list) => ports(list, style, out),
        Explanation::Line(Ok(explained)) => line(explained, out),
        Explanation::Line(Err(why)) => streamed(Err(why), out),
        Explanation::Streamed(answer, _) => streamed(*answer, out),
    }
}

/// Writes the answer to one line of a stream.
fn streamed(answer: Result<&Explained, &str>, out: &mut dyn Write) -> io::Result<()> {
    let line = match answer {
        Ok(explained) => LineV1::Answer(answer_v1(explained)),
        Err(error) => {
            let packet = None;
            LineV1::Refusal(RefusalV1 { packet, error })
        }
    };
    write_line(&line, out)
}

fn answer_v1(explained: &Explained) -> AnswerV1<'_> {
    let finding = &explained.finding;
    let packet = explained.packet();
    AnswerV1 {
        packet: packet.ok().map(|packet| json_packet::packet(&packet)),
        verdict: finding.verdict().code(),
        cause: finding.cause.code,
        evidence: tests_v1(&finding.evidence),
    }
}

/// Writes all that is known of one line.
fn line(explained: &Explained, out: &mut dyn Write) -> io::Result<()> {
    let finding = &explained.finding;
    let steps = explained.steps.iter().map(|step| StepV1 {
        cause: step.cause.code,
        decides: step.decides,
        tests: tests_v1(&step.tests),
    });
    let document = ExplainV1 {
        schema: "dropsift/explain/v1",
        time: time(explained.line.time),
        node: &finding.node,
        role: finding.role.code(),
        answer: answer_v1(explained),
        summary: finding.cause.summary,
        todo: finding.cause.todo,
        service: finding.service,
        direction: finding.direction().code(),
        chain: steps.collect(),
        rules: explained.rules.iter().map(rule_v1).collect(),
        note: ALONE,
    };
    write_line(&document, out)
}

/// Writes the pages of `causes`.
fn causes(causes: &[&Cause], out: &mut dyn Write) -> io::Result<()> {
    let causes = causes.iter().map(|cause| CauseV1 {
        code: cause.code,
        verdict: cause.verdict.code(),
        summary: cause.summary,
        what: cause.what,
        told: cause.told,
        todo: cause.todo,
        examples: cause
            .examples
            .iter()
            .map(|example| ExampleV1 {
                takes: example.takes,
                log: example.log,
            })
            .collect(),
    });
    let schema = "dropsift/causes/v1";
    let causes = causes.collect();
    write_line(&CausesV1 { schema, causes }, out)
}

/// Writes rows of the port catalogue.
pub(super) fn ports(list: &PortList<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let schema = "dropsift/ports/v1";
    let ports = list.rows.iter().map(PortV1::from).collect();
    write_line(&PortsV1 { schema, ports }, out)
}
