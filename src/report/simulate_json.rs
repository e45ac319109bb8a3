//! What a chain would do with the drops of a log, as JSON: `dropsift/simulate/v1`, with types of its own.

use std::io::{self, Write};

use serde::Serialize;

use super::Simulated;
use super::json_write::{ToolV1, write_line};
use crate::flow::Fates;
use crate::packet::proto_name;

#[derive(Serialize)]
struct SimulationV1<'a> {
    schema: &'static str,
    tool: ToolV1,
    chains: Vec<ChainV1<'a>>,
    findings: Vec<FindingV1<'a>>,
    suggested: Option<Vec<RuleV1<'a>>>,
}

#[derive(Serialize)]
struct ChainV1<'a> {
    node: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct FindingV1<'a> {
    id: &'a str,
    node: &'a str,
    verdict: &'static str,
    cause: &'static str,
    proto: Option<String>,
    port: Option<u16>,
    ports: &'a [u16],
    peers: Vec<String>,
    logged: u64,
    now: Option<FatesV1<'a>>,
    with_suggested: Option<FatesV1<'a>>,
    gets_in: bool,
}

#[derive(Serialize)]
struct FatesV1<'a> {
    accepted: u64,
    by: Vec<FateV1<'a>>,
    dead: Vec<DeadV1<'a>>,
    notes: Vec<&'a str>,
}

#[derive(Serialize)]
struct FateV1<'a> {
    fate: &'static str,
    chain: Option<&'a str>,
    number: Option<usize>,
    line: Option<usize>,
    lines: u64,
}

#[derive(Serialize)]
struct DeadV1<'a> {
    chain: &'a str,
    number: usize,
    line: usize,
    why: String,
}

#[derive(Serialize)]
struct RuleV1<'a> {
    id: &'a str,
    node: &'a str,
    disposition: &'static str,
    iptables: String,
}

fn fates_v1(fates: &Fates) -> FatesV1<'_> {
    let by = fates.by.iter().map(|(fate, lines)| FateV1 {
        fate: fate.code(),
        chain: fate.place().map(|place| place.chain.as_str()),
        number: fate.place().map(|place| place.number),
        // A rule that was put in has no line.
        line: fate.place().map(|place| place.line).filter(|l| *l > 0),
        lines: *lines,
    });
    let dead = fates.dead.iter().map(|dead| DeadV1 {
        chain: &dead.place.chain,
        number: dead.place.number,
        line: dead.place.line,
        why: dead.why.to_string(),
    });
    FatesV1 {
        accepted: fates.accepted,
        by: by.collect(),
        dead: dead.collect(),
        notes: fates.notes.iter().map(String::as_str).collect(),
    }
}

/// Writes it as one document.
pub fn json(simulated: &Simulated<'_>, out: &mut dyn Write) -> io::Result<()> {
    let with = simulated.with.as_ref();
    let findings = simulated.report.findings.iter().map(|f| FindingV1 {
        id: &f.id,
        node: &f.node,
        verdict: f.log_cause.verdict.code(),
        cause: f.log_cause.code,
        proto: f.key.proto.map(|number| proto_name(number).into_owned()),
        port: f.port,
        ports: &f.ports,
        peers: f.peers.iter().map(ToString::to_string).collect(),
        logged: f.logged,
        now: f.fates.as_ref().map(fates_v1),
        with_suggested: with
            .and_then(|with| with.fates.get(f.id.as_str()))
            .map(|fates| fates_v1(fates)),
        gets_in: simulated.gets_in(f),
    });
    let suggested = with.map(|with| {
        let rules = with.rules.iter().map(|rule| RuleV1 {
            id: &rule.id,
            node: &rule.node,
            disposition: rule.disposition.code(),
            iptables: rule.insert(),
        });
        rules.collect()
    });
    let document = SimulationV1 {
        schema: "dropsift/simulate/v1",
        tool: ToolV1::THIS,
        chains: (simulated.texts.iter())
            .map(|(node, name)| ChainV1 { node: *node, name })
            .collect(),
        findings: findings.collect(),
        suggested,
    };
    write_line(&document, out)
}
