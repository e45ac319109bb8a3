//! Simulation of a chain on the drops of a log as JSON: `dropsift/simulate/v1`, with types of its own.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::json::{AcceptedV1, accepted_v1};
use super::json_write::{ToolV1, write_line};
use super::{Simulated, Style, json_words};
use crate::flow::ChainOutcomes;
use crate::packet::proto_name;

#[derive(Serialize, JsonSchema)]
pub(super) struct SimulationV1<'a> {
    #[schemars(schema_with = "json_words::simulate_name")]
    schema: &'static str,
    tool: ToolV1<'static>,
    chains: Vec<ChainV1<'a>>,
    /// The filters that may have left findings out, as options; empty where none was on.
    filters: &'a [String],
    /// Drop lines whose findings the filters left out.
    filtered: u64,
    findings: Vec<FindingV1<'a>>,
    suggested: Option<Vec<RuleV1<'a>>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedChainV1")]
struct ChainV1<'a> {
    node: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedFindingV1")]
struct FindingV1<'a> {
    id: &'a str,
    node: &'a str,
    #[schemars(schema_with = "json_words::verdict")]
    verdict: &'static str,
    cause: &'static str,
    proto: Option<String>,
    port: Option<u16>,
    ports: &'a [u16],
    peers: Vec<String>,
    logged: u64,
    /// Why and until when it was accepted as it is.
    accepted: Option<AcceptedV1<'a>>,
    now: Option<OutcomesV1<'a>>,
    with_suggested: Option<OutcomesV1<'a>>,
    gets_in: bool,
}

#[derive(Serialize, JsonSchema)]
struct OutcomesV1<'a> {
    accepted: u64,
    by: Vec<OutcomeV1<'a>>,
    dead: Vec<DeadV1<'a>>,
    notes: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct OutcomeV1<'a> {
    outcome: &'static str,
    chain: Option<&'a str>,
    number: Option<usize>,
    line: Option<usize>,
    lines: u64,
}

#[derive(Serialize, JsonSchema)]
struct DeadV1<'a> {
    chain: &'a str,
    number: usize,
    line: usize,
    why: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SimulatedRuleV1")]
struct RuleV1<'a> {
    id: &'a str,
    node: &'a str,
    #[schemars(schema_with = "json_words::disposition")]
    disposition: &'static str,
    place: String,
    insert: String,
}

fn outcomes_v1(outcomes: &ChainOutcomes) -> OutcomesV1<'_> {
    let by = outcomes.by.iter().map(|(outcome, lines)| OutcomeV1 {
        outcome: outcome.code(),
        chain: outcome.position().map(|position| position.chain.as_str()),
        number: outcome.position().map(|position| position.number),
        // An inserted rule has no line in a file.
        line: outcome
            .position()
            .map(|position| position.line)
            .filter(|l| *l > 0),
        lines: *lines,
    });
    let dead = outcomes.dead.iter().map(|dead| DeadV1 {
        chain: &dead.position.chain,
        number: dead.position.number,
        line: dead.position.line,
        why: dead.why.to_string(),
    });
    OutcomesV1 {
        accepted: outcomes.accepted,
        by: by.collect(),
        dead: dead.collect(),
        notes: outcomes.notes.iter().map(|note| &**note).collect(),
    }
}

/// Writes it as one document.
pub(super) fn json(simulated: &Simulated<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let with = simulated.with.as_ref();
    let findings = simulated.report.findings.iter().map(|f| FindingV1 {
        id: &f.id,
        node: &f.node,
        verdict: f.log_cause.verdict.code(),
        cause: f.log_cause.code,
        proto: f.proto.map(|number| proto_name(number).into_owned()),
        port: f.port,
        ports: &f.ports,
        peers: f.peers.iter().map(ToString::to_string).collect(),
        logged: f.logged,
        accepted: accepted_v1(f),
        now: f.outcomes.as_deref().map(outcomes_v1),
        with_suggested: with
            .and_then(|with| with.outcomes.get(f.id.as_str()))
            .map(|outcomes| outcomes_v1(outcomes)),
        gets_in: simulated.gets_in(f),
    });
    let suggested = with.map(|with| {
        let rules = with.rules.iter().map(|rule| RuleV1 {
            id: &rule.id,
            node: &rule.node,
            disposition: rule.disposition.code(),
            place: rule.place_command(),
            insert: rule.insert(),
        });
        rules.collect()
    });
    let document = SimulationV1 {
        schema: "dropsift/simulate/v1",
        tool: ToolV1::THIS,
        chains: (simulated.texts.iter())
            .map(|(node, name)| ChainV1 { node: *node, name })
            .collect(),
        filters: &simulated.report.filters,
        filtered: simulated.report.tally.filtered,
        findings: findings.collect(),
        suggested,
    };
    write_line(&document, out)
}
