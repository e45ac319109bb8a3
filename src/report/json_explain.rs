//! What `explain` and `ports` tell, as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::explain::{ALONE, Explained};
use super::json::{RuleV1, TestV1, rule_v1, tests_v1, time};
use super::json_packet::{self, Fields};
use super::json_write::write_line;
use super::ports::Row;
use crate::cause::Cause;

/// The answer to a line of a stream.
#[derive(Serialize)]
struct AnswerV1<'a> {
    packet: Option<Fields>,
    verdict: &'static str,
    cause: &'static str,
    evidence: Vec<TestV1<'a>>,
}

/// The answer to a line that is no drop line.
#[derive(Serialize)]
struct RefusalV1<'a> {
    packet: Option<Fields>,
    error: &'a str,
}

#[derive(Serialize)]
struct ExplainV1<'a> {
    schema: &'static str,
    time: Option<String>,
    node: &'a str,
    role: &'static str,
    #[serde(flatten)]
    answer: AnswerV1<'a>,
    summary: &'static str,
    todo: &'static str,
    service: Option<&'static str>,
    direction: &'static str,
    chain: Vec<StepV1<'a>>,
    rules: Vec<RuleV1<'a>>,
    note: &'static str,
}

#[derive(Serialize)]
struct StepV1<'a> {
    cause: &'static str,
    decides: bool,
    tests: Vec<TestV1<'a>>,
}

#[derive(Serialize)]
struct CauseV1 {
    code: &'static str,
    verdict: &'static str,
    summary: &'static str,
    what: &'static str,
    told: &'static str,
    todo: &'static str,
    examples: Vec<ExampleV1>,
}

#[derive(Serialize)]
struct ExampleV1 {
    takes: bool,
    log: &'static str,
}

#[derive(Serialize)]
struct CausesV1 {
    schema: &'static str,
    causes: Vec<CauseV1>,
}

#[derive(Serialize)]
struct PortsV1<'a> {
    schema: &'static str,
    ports: &'a [Row],
}

/// Writes the answer to one line of a stream.
pub fn answer(answer: Result<&Explained, &str>, out: &mut dyn Write) -> io::Result<()> {
    match answer {
        Ok(explained) => write_line(&answer_v1(explained), out),
        Err(error) => {
            let packet = None;
            write_line(&RefusalV1 { packet, error }, out)
        }
    }
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
pub fn line(explained: &Explained, out: &mut dyn Write) -> io::Result<()> {
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
pub fn causes(causes: &[&Cause], out: &mut dyn Write) -> io::Result<()> {
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
pub fn ports(ports: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let schema = "dropsift/ports/v1";
    write_line(&PortsV1 { schema, ports }, out)
}
