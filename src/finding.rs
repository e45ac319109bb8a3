//! What a report tells of flows: [`Finding`], the diagnosed flows with one node and one service.

use std::net::IpAddr;

use crate::catalog::{self, DocumentedRule, Role, Service, common_name};
use crate::cause::group::{Group, GroupKey};
use crate::cause::scene::Scene;
use crate::cause::{Cause, Test, Verdict, diagnose, evidence};
use crate::flow::{Direction, Ports};
use crate::net::IpNet;
use crate::packet::TcpFlags;
use crate::saturation::Stretch;
use crate::site::Zone;
use crate::time::{MINUTE, Time};

/// How a flow stands at the end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Still coming, at its own pace.
    Ongoing,
    /// Quiet for the settling time, while the log went on.
    Settled,
    /// Between the two.
    Unproven,
}

impl State {
    /// As reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ongoing => "ongoing",
            Self::Settled => "settled",
            Self::Unproven => "unproven",
        }
    }
}

/// A finding.
#[derive(Clone)]
pub struct Finding {
    /// Stays when verdict or cause change; no two of a report are equal.
    pub id: String,
    pub key: GroupKey,
    pub node: String,
    pub role: Role,
    pub cause: &'static Cause,
    pub state: State,
    /// The interface of most of its lines.
    pub interface: String,
    pub port: Option<u16>,
    pub ports: Vec<u16>,
    pub service: Option<&'static str>,
    pub peers: Vec<IpAddr>,
    /// The networks of peers that are not told apart, to stay inside the bounds.
    pub networks: Vec<IpNet>,
    /// Drop lines: a floor, since the LOG rule is limited.
    pub logged: u64,
    pub attempts: u64,
    pub flags: Vec<(TcpFlags, u64)>,
    pub first: Time,
    pub last: Time,
    pub evidence: Vec<Test>,
    pub sample: String,
    /// The documented rule that a false positive shows to be absent.
    pub absent_rule: Option<&'static DocumentedRule>,
    /// Whether peers or ports were folded into it.
    pub folded: bool,
    /// The id of the rule that would accept it.
    pub rule: Option<String>,
}

impl Finding {
    /// What it means for the reader.
    pub const fn verdict(&self) -> Verdict {
        self.cause.verdict
    }

    /// Which way its flows go.
    pub const fn direction(&self) -> Direction {
        self.key.direction
    }
}

/// The findings of `scene`: by verdict, node, protocol and ports.
pub fn findings(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = scene
        .groups()
        .iter()
        .map(|group| finding(group, scene))
        .collect();
    found.sort_by(|a, b| order(a).cmp(&order(b)));
    found
}

fn order(f: &Finding) -> impl Ord {
    (
        f.verdict(),
        f.node.clone(),
        f.key.proto,
        f.ports.clone(),
        f.id.clone(),
    )
}

fn finding(group: &Group<'_>, scene: &Scene<'_>) -> Finding {
    let cause = diagnose(group, scene);
    let mut tests = evidence(cause, group, scene);
    let absent_rule = (cause.verdict == Verdict::FalsePositive)
        .then(|| absent_rule(group))
        .flatten();
    if let Some(rule) = absent_rule {
        tests.push(Test {
            name: "documented-rule-absent",
            met: true,
            text: format!(
                "the documented rule \"{}\" would have accepted it: it is not in the chain",
                rule.comment
            ),
        });
    }
    Finding {
        id: id(&group.key, group.node),
        key: group.key,
        node: group.node.to_owned(),
        role: group.role,
        cause,
        state: state(group, scene),
        interface: interface(group, scene),
        port: group.port(),
        ports: group.ports(),
        service: service(group),
        peers: group.peers.clone(),
        networks: group.networks.clone(),
        logged: group.logged,
        attempts: group.attempts,
        flags: group.flags.clone(),
        first: group.first,
        last: group.last,
        evidence: tests,
        sample: group.sample().to_owned(),
        absent_rule,
        folded: group.members.iter().any(|(_, flow)| flow.folded),
        rule: None,
    }
}

/// The name of the service: the catalogue's, the documented rule's, or the one that everybody knows.
fn service(group: &Group<'_>) -> Option<&'static str> {
    let documented = || group.documented().map(|rule| rule.comment);
    let common = || common_name(group.proto(), group.port()?);
    group
        .service
        .map(|service: &Service| service.name)
        .or_else(documented)
        .or_else(common)
}

/// The documented rule that would have accepted a packet of this false positive, and so cannot be in the chain.
fn absent_rule(group: &Group<'_>) -> Option<&'static DocumentedRule> {
    if group.key.zone == Zone::Pod {
        return catalog::pod_rule();
    }
    let mut ports: Vec<u16> = group.marks().map(|mark| mark.port).collect();
    ports.sort_unstable();
    ports
        .into_iter()
        .find_map(|dpt| catalog::documented(group.role, group.proto(), dpt))
}

/// The interface that most lines came in by; of equals, the first by name.
fn interface(group: &Group<'_>, scene: &Scene<'_>) -> String {
    let mut lines = std::collections::BTreeMap::<&str, u64>::new();
    for (key, flow) in &group.members {
        *lines.entry(scene.interface(key)).or_default() += flow.logged;
    }
    let most = lines
        .iter()
        .max_by_key(|(name, lines)| (**lines, std::cmp::Reverse(**name)));
    most.map_or_else(String::new, |(name, _)| (*name).to_owned())
}

/// The least silence that a flow's pace allows, in microseconds.
const PACE: i64 = MINUTE;

fn state(group: &Group<'_>, scene: &Scene<'_>) -> State {
    let Some((_, end)) = scene.span else {
        return State::Unproven;
    };
    if !group.last.is_known() || group.last.is_dated() != end.is_dated() {
        return State::Unproven;
    }
    let silent = end.since(group.last).max(0);
    if silent <= longest_gap(group).max(PACE) {
        return State::Ongoing;
    }
    let node = scene.nodes.get(&group.key.node);
    let lost: i64 = node
        .and_then(|node| node.saturated.as_ref())
        .into_iter()
        .flatten()
        .map(|stretch: &Stretch| stretch.overlap(group.last, end))
        .sum();
    if silent - lost >= scene.site.settle {
        State::Settled
    } else {
        State::Unproven
    }
}

/// The longest silence between two lines of the group, in microseconds.
fn longest_gap(group: &Group<'_>) -> i64 {
    let mut times: Vec<Time> = group.marks().map(|mark| mark.time).collect();
    times.sort_unstable();
    times
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .max()
        .unwrap_or(0)
}

/// What stays the same about a finding, as 16 hexadecimal digits: FNV-1a of its key in words.
fn id(key: &GroupKey, node: &str) -> String {
    let ports = match key.ports {
        Ports::None => String::new(),
        Ports::Service { port, .. } => port.to_string(),
        Ports::Pair { spt, dpt } => format!("{spt}/{dpt}"),
    };
    let scanner = key
        .scanner
        .map_or_else(String::new, |peer| peer.to_string());
    let words = format!(
        "{node}\n{}\n{:?}\n{ports}\n{}\n{}\n{}\n{scanner}",
        if key.v6 { 6 } else { 4 },
        key.proto,
        key.direction.code(),
        key.zone.code(),
        key.kind.code(),
    );
    let hash = words.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
