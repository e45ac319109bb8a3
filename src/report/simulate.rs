//! What a chain would do with the drops of a log, for people and as JSON (`dropsift/simulate/v1`).

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::AnsiColor;
use serde::Serialize;

use super::json::write_line;
use super::table::table;
use super::text::{Page, many, peers, what};
use super::{Report, Style, ToolV1};
use crate::cause::Verdict;
use crate::chain::{Fate, HARVESTER};
use crate::error::printable;
use crate::finding::Finding;
use crate::flow::Fates;
use crate::packet::proto_name;
use crate::rule::AcceptRule;

/// The drops of a log and the chains that they were run through.
pub struct Simulated<'a> {
    pub report: &'a Report,
    /// The texts of the chains, each with its node, or none where it is of all.
    pub texts: Vec<(Option<&'a str>, &'a str)>,
    pub with: Option<With<'a>>,
}

/// The same with the suggested rules in the chains.
pub struct With<'a> {
    pub rules: &'a [AcceptRule],
    /// By the id of the finding.
    pub fates: BTreeMap<&'a str, &'a Fates>,
}

impl Simulated<'_> {
    /// Whether the chain accepts all of a finding now.
    fn accepts(finding: &Finding) -> bool {
        let all = |fates: &Fates| fates.accepts_all(finding.logged);
        finding.fates.as_ref().is_some_and(all)
    }

    /// Whether the suggestions let in what should stay dropped.
    fn gets_in(&self, finding: &Finding) -> bool {
        let accepted = |fates: Option<&Fates>| fates.map_or(0, |fates| fates.accepted);
        let with = self.with.as_ref();
        let then = with.and_then(|with| with.fates.get(finding.id.as_str()).copied());
        finding.log_cause.verdict != Verdict::MissingRule
            && accepted(then) > accepted(finding.fates.as_ref())
    }

    /// The findings that the suggestions would let in and that should stay dropped.
    pub fn intruders(&self) -> Vec<&Finding> {
        let findings = self.report.findings.iter();
        findings.filter(|finding| self.gets_in(finding)).collect()
    }

    /// Whether something of these verdicts falls to DROP after all.
    pub fn still_falls(&self, verdicts: &[Verdict]) -> bool {
        self.report.findings.iter().any(|finding| {
            let then = (self.with.as_ref())
                .and_then(|with| with.fates.get(finding.id.as_str()))
                .is_some_and(|fates| fates.accepts_all(finding.logged));
            verdicts.contains(&finding.log_cause.verdict) && !Self::accepts(finding) && !then
        })
    }
}

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
    let rule =
        |rule: &AcceptRule| -> (String, &'static str) { (rule.insert(), rule.disposition.code()) };
    let suggested = with.map(|with| {
        let rules = with.rules.iter().map(|suggested| {
            let (iptables, disposition) = rule(suggested);
            RuleV1 {
                id: &suggested.id,
                node: &suggested.node,
                disposition,
                iptables,
            }
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

/// Writes it for people: what should stay out and would not, what is accepted now, what still falls.
pub fn text(simulated: &Simulated<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    let (accepted, rest): (Vec<&Finding>, Vec<&Finding>) =
        (simulated.report.findings.iter()).partition(|finding| Simulated::accepts(finding));
    let (helped, rest): (Vec<&Finding>, Vec<&Finding>) =
        (rest.into_iter()).partition(|finding| more(simulated, finding));
    let mut headline = format!(
        "{} in the log: the chain accepts {} now",
        many(simulated.report.findings.len() as u64, "finding"),
        accepted.len()
    );
    if simulated.with.is_some() {
        headline.push_str(&format!(", and the suggested rules {} more", helped.len()));
    }
    page.paragraph("", "", &format!("{headline}; {}.", falls(rest.len())))?;
    for finding in simulated.intruders() {
        let tag = page.paint(AnsiColor::Red.on_default().bold(), "WARNING");
        let text = format!(
            "{tag} the suggested rules would let in {} on {} from {}, which should stay dropped ({}).",
            what(finding),
            printable(&finding.node),
            peers(finding),
            finding.log_cause.code
        );
        page.line("")?;
        page.paragraph("", "        ", &text)?;
    }
    let now = |finding: &Finding| finding.fates.as_ref().map_or_else(unknown, by);
    let then = |finding: &Finding| {
        let with = simulated.with.as_ref();
        let fates = with.and_then(|with| with.fates.get(finding.id.as_str()));
        fates.map_or_else(unknown, |fates| by(fates))
    };
    let title = ("ACCEPTED NOW", "the log is older than the rule");
    section(&mut page, title, AnsiColor::Green, &accepted, now)?;
    let title = ("ACCEPTED WITH THE SUGGESTED RULES", "wholly or in part");
    section(&mut page, title, AnsiColor::Yellow, &helped, then)?;
    if let Some(with) = simulated.with.as_ref().filter(|_| !helped.is_empty()) {
        page.line("")?;
        for rule in with.rules {
            page.line(&format!("    {}: {}", printable(&rule.node), rule.insert()))?;
        }
    }
    let title = ("STILL DROPPED", "no rule takes all of it");
    section(&mut page, title, AnsiColor::Red, &rest, |finding| {
        if simulated.with.is_some() {
            then(finding)
        } else {
            now(finding)
        }
    })
}

/// `1 still falls`, `2 still fall`.
fn falls(number: usize) -> String {
    format!("{number} still fall{}", if number == 1 { "s" } else { "" })
}

/// Whether the suggestions accept more of a finding.
fn more(simulated: &Simulated<'_>, finding: &Finding) -> bool {
    let now = finding.fates.as_ref().map_or(0, |fates| fates.accepted);
    (simulated.with.as_ref())
        .and_then(|with| with.fates.get(finding.id.as_str()))
        .is_some_and(|then| then.accepted > now)
}

fn section(
    page: &mut Page<'_>,
    title: (&str, &str),
    color: AnsiColor,
    findings: &[&Finding],
    by: impl Fn(&Finding) -> String,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    page.heading(color.on_default().bold(), title.0, title.1)?;
    let rows = findings.iter().map(|finding| {
        vec![
            printable(&finding.node),
            what(finding),
            finding.logged.to_string(),
            peers(finding),
            finding.log_cause.code.to_owned(),
            by(finding),
        ]
    });
    let header = ["NODE", "TRAFFIC", "LINES", "FROM", "CAUSE", "THE CHAIN"];
    let text = table(&header, rows.collect(), page.style.width, 2);
    write!(page.out, "{text}")
}

fn unknown() -> String {
    "not known: --rules tells it".to_owned()
}

/// What decides, in words.
fn by(fates: &Fates) -> String {
    let one = |(fate, lines): (&Fate, &u64)| {
        let rule = match fate.place() {
            Some(place) if place.line == 0 => format!("rule {} (suggested)", place.number),
            Some(place) if place.chain == HARVESTER => format!("rule {}", place.number),
            Some(place) => format!("rule {} of {}", place.number, place.chain),
            None => "no rule".to_owned(),
        };
        let does = match fate {
            Fate::Accepted(_) => "accepts",
            Fate::AcceptedLogged(_) => "accepts behind LOG",
            Fate::Dropped(_) => "drops",
            Fate::Rejected(_) => "rejects",
            Fate::Unknown(_) => "hands it to a program",
            Fate::Policy(_) => "decides, but the policy of INPUT",
            Fate::NoMatch => "takes it",
        };
        let text = format!("{rule} {does}");
        if fates.by.len() > 1 {
            format!("{lines} {text}")
        } else {
            text
        }
    };
    let all: Vec<String> = fates.by.iter().take(4).map(one).collect();
    all.join("; ")
}
