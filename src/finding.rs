//! Findings of a report: [`Finding`], the diagnosed flows with one node and one service.

mod accepted;
mod id;
mod reported;
mod running_chain;
mod state;
mod times;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::{FixedState, RandomState};

use crate::beside::{WORTH_A_THREAD, beside};
use crate::catalog::{self, DocumentedRule, Role, Service, common_name};
use crate::cause::group::{Group, GroupKey};
use crate::cause::scene::Scene;
use crate::cause::{
    Cause, Test, Verdict, diagnose, diagnose_log, evidence, in_force, is_established_suspect,
};
use crate::error::printable_name;
use crate::flow::{ChainOutcomes, Direction, FlowKey};
use crate::net::IpNet;
use crate::node_names::natural;
use crate::packet::{Packet, PktType, TcpFlags, proto_name};
use crate::saturation::hide;
use crate::site::Zone;
use crate::time::Time;
use id::id;
use running_chain::{is_stale, narrower};
use state::state;

pub use accepted::Accepted;
pub use reported::{Offered, Reported};
pub use state::State;
pub use times::{MAX_TIMES, times};

/// A finding.
#[derive(Clone)]
pub struct Finding {
    /// Stable id: it stays when verdict or cause change; no two findings of a report have the same.
    pub id: String,
    pub key: GroupKey,
    pub node: String,
    pub role: Role,
    /// Whether the role is assumed, because the user gave none.
    pub role_assumed: bool,
    pub cause: &'static Cause,
    /// Cause by the log alone, without the running chain.
    pub log_cause: &'static Cause,
    pub state: State,
    /// The interface of most of its lines.
    pub interface: String,
    /// Interfaces on which its lines arrived, in order.
    pub interfaces: Vec<String>,
    /// The IP protocol number of all its lines; a scan may have tried several.
    pub proto: Option<u8>,
    pub port: Option<u16>,
    pub ports: Vec<u16>,
    pub service: Option<&'static str>,
    pub peers: Vec<IpAddr>,
    /// Networks of peers that were merged, to bound the memory.
    pub networks: Vec<IpNet>,
    /// Drop lines: a lower bound, since the LOG rule is limited.
    pub logged: u64,
    pub attempts: u64,
    pub flags: Vec<(TcpFlags, u64)>,
    pub first: Time,
    pub last: Time,
    /// Times of its lines, in order; of many, some.
    pub times: Vec<Time>,
    /// Hashes of the keys of its flows, which are stable while a log is read: they show to which findings flows move.
    pub flows: Vec<u64>,
    pub evidence: Vec<Test>,
    pub sample: String,
    /// The documented rule that a false positive shows to be absent.
    pub absent_rule: Option<&'static DocumentedRule>,
    /// Number of lines that the rule would have accepted: a lower bound.
    pub absent_lines: u64,
    /// Whether peers or ports were folded into it.
    pub folded: bool,
    /// The networks around the node's own addresses.
    pub node_nets: Arc<[IpNet]>,
    /// The peers, in order, that came back: three attempts or more over more than a minute. Of outsiders only.
    pub returning: Vec<IpAddr>,
    /// Whether its earliest line went to the limited broadcast address, which no router forwards, and nothing else shows
    /// that the sender is inside: the sender is on the link.
    pub on_link: bool,
    /// Whether its lines may be those of several nodes, which the log does not name.
    pub is_several: bool,
    /// Whether all peers are neighbours whose frames came from the router that outsiders come through.
    pub forged: bool,
    /// Whether the running chain of its node is known.
    pub chain_known: bool,
    /// Whether the dump of the running chain accepts a line of it that came later: the chain on the node is another.
    pub stale: bool,
    /// Rule of the running chain that has the finding's port for some sources only, in words.
    pub narrower: Option<String>,
    /// Whether only their source keeps some of its lines out of the running chain.
    pub narrowed: bool,
    /// The documented rules, of this node's role, that a scan asked for too.
    pub scanned: Vec<&'static DocumentedRule>,
    /// Whether the chain may lack its ESTABLISHED rule.
    pub established_suspect: bool,
    /// Reason and end of the acceptance, if the finding is accepted.
    pub accepted: Option<Accepted>,
    /// Data about the finding from its report, if it was read from one.
    pub reported: Option<Reported>,
    /// The ids of the rules that would accept it.
    pub rules: Vec<String>,
    /// Outcomes of its lines in the running chain, where that chain is known.
    pub outcomes: Option<Arc<ChainOutcomes>>,
}

impl Finding {
    /// Returns the verdict of its cause.
    pub const fn verdict(&self) -> Verdict {
        self.cause.verdict
    }

    /// Returns the direction of its flows.
    pub const fn direction(&self) -> Direction {
        self.key.direction
    }
}

/// Cost of judging a group, in flows.
const A_GROUP: usize = 8;

/// Returns the findings of `scene`: by verdict, node, protocol and ports.
pub fn findings(scene: &Scene<'_>) -> Vec<Finding> {
    let groups = scene.groups();
    // Each half has its place in one vector: findings are large, and to join two vectors of them takes room for as many.
    let mut found: Vec<Option<Finding>> = Vec::new();
    found.resize_with(groups.len(), || None);
    let judge = |groups: &[(GroupKey, Vec<u32>)], found: &mut [Option<Finding>]| {
        for (group, found) in groups.iter().zip(found) {
            *found = scene.group(group).map(|group| finding(&group, scene));
        }
    };
    let costs = || groups.iter().map(|(_, places)| places.len() + A_GROUP);
    let all: usize = costs().sum();
    let mut sum = 0;
    let half = costs().take_while(|cost| {
        sum += cost;
        sum <= all / 2
    });
    let half = half.count();
    let (one, other) = groups.split_at(half);
    let (found_one, found_other) = found.split_at_mut(half);
    beside(
        all >= WORTH_A_THREAD,
        || judge(one, found_one),
        || judge(other, found_other),
    );
    // In place, as is sorting: no two have one id, and a merge would need room for as many.
    let mut found: Vec<Finding> = found.into_iter().flatten().collect();
    found.sort_unstable_by(order);
    compare_nodes(&mut found, scene);
    found
}

/// Adds to each missing rule the other nodes of the role that miss it too, and those that show no such drop.
fn compare_nodes(found: &mut [Finding], scene: &Scene<'_>) {
    let missing: HashSet<(u16, GroupService), RandomState> = found
        .iter()
        .filter(|f| f.verdict() == Verdict::MissingRule && f.port.is_some())
        .map(|f| (f.key.node, group_service(f)))
        .collect();
    let mut by_role: HashMap<Role, Vec<(u16, &str)>> = HashMap::new();
    for (number, node) in &scene.nodes {
        let own = by_role.entry(node.role).or_default();
        own.push((*number, node.name));
    }
    for finding in found
        .iter_mut()
        .filter(|f| f.verdict() == Verdict::MissingRule && f.port.is_some())
    {
        let (mut too, mut not) = (Vec::new(), Vec::new());
        let others = by_role.get(&finding.role).into_iter().flatten();
        let others = others.filter(|(number, _)| *number != finding.key.node);
        for (number, name) in others.take(MAX_COMPARED) {
            let lacks = missing.contains(&(*number, group_service(finding)));
            // Where the LOG limit hid drops, that none is there proves nothing.
            let stretches = scene.nodes[number].saturated.as_deref().unwrap_or_default();
            if lacks || !hide(stretches, finding.times.iter().copied()) {
                if lacks { &mut too } else { &mut not }.push(printable_name(name));
            }
        }
        too.sort_by(|a, b| natural(a, b));
        not.sort_by(|a, b| natural(a, b));
        if !too.is_empty() {
            finding.evidence.push(Test {
                name: "missing-elsewhere",
                met: true,
                text: format!("missing on {} as well", too.join(", ")),
            });
        }
        if !not.is_empty() {
            finding.evidence.push(Test {
                name: "only-here",
                met: too.is_empty(),
                text: format!(
                    "{}, also {}, logged no such drop",
                    not.join(", "),
                    finding.role
                ),
            });
        }
    }
}

/// Upper bound on the other nodes that are compared.
const MAX_COMPARED: usize = 16;

/// Key by which findings of two nodes are the same problem.
type GroupService = (bool, Option<u8>, Option<u16>);

const fn group_service(finding: &Finding) -> GroupService {
    (finding.key.v6, finding.key.proto, finding.port)
}

/// Sorts findings as reports have them: by verdict, node, protocol and ports.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(order);
}

fn order(one: &Finding, other: &Finding) -> Ordering {
    let proto = |f: &Finding| f.proto.map(proto_name);
    (one.verdict().cmp(&other.verdict()))
        .then_with(|| one.node.cmp(&other.node))
        .then_with(|| proto(one).cmp(&proto(other)))
        .then_with(|| one.ports.cmp(&other.ports))
        .then_with(|| one.id.cmp(&other.id))
}

fn finding(group: &Group<'_>, scene: &Scene<'_>) -> Finding {
    let cause = diagnose(group, scene);
    let mut tests = evidence(cause, group, scene);
    if cause.verdict == Verdict::MissingRule && group.key.v6 {
        tests.push(Test {
            name: "documented-chain",
            met: false,
            text: "the documented chain is one of IPv4: find out who set up ip6tables here"
                .to_owned(),
        });
    }
    let accepted = group
        .outcomes
        .as_ref()
        .is_some_and(|f| f.accepts_all(group.logged));
    let log_cause = if accepted {
        diagnose_log(group, scene)
    } else {
        tests.extend(in_force(group, scene));
        cause
    };
    // Where the running chain accepts a part of the lines, it has the rule.
    let known = group
        .outcomes
        .as_ref()
        .is_some_and(|outcomes| outcomes.accepted > 0);
    let absent_rule = (cause.verdict == Verdict::FalsePositive && !known)
        .then(|| absent_rule(group))
        .flatten();
    if let Some((rule, _)) = absent_rule {
        tests.push(Test {
            name: "documented-rule-absent",
            met: true,
            text: format!(
                "the documented rule \"{}\" would have accepted it: it is not in the chain",
                rule.comment
            ),
        });
    }
    tests.shrink_to_fit();
    Finding {
        id: id(&group.key, group.node),
        key: group.key,
        node: group.node.to_owned(),
        role: group.role,
        role_assumed: !scene.site.is_role_known(group.node),
        cause,
        log_cause,
        state: state(group, scene),
        interface: interface(group, scene),
        interfaces: interfaces(group, scene),
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
        times: times(|| group.marks().map(|mark| mark.time)),
        flows: (group.members.iter())
            .map(|seen| flow_id(&seen.key))
            .collect(),
        evidence: tests,
        sample: group.sample().to_owned(),
        absent_rule: absent_rule.map(|(rule, _)| rule),
        absent_lines: absent_rule.map_or(0, |(_, lines)| lines),
        folded: group.is_folded(),
        node_nets: scene
            .nodes
            .get(&group.key.node)
            .map_or_else(Arc::default, |node| Arc::clone(&node.nets)),
        returning: if cause.verdict == Verdict::MissingRule && group.key.zone == Zone::Outside {
            group.returning(|_| true)
        } else {
            Vec::new()
        },
        on_link: cause.verdict == Verdict::MissingRule && is_on_link(group, scene),
        is_several: (scene.nodes.get(&group.key.node)).is_some_and(|node| node.is_several),
        forged: cause.verdict == Verdict::MissingRule && scene.is_forged(group),
        stale: is_stale(group, scene),
        chain_known: (scene.site.in_force)
            .of(group.node, group.role, group.family())
            .is_some_and(|chains| chains.is_running() && chains.is_shown()),
        narrower: if cause.verdict == Verdict::MissingRule {
            narrower(group, scene)
        } else {
            None
        },
        narrowed: group
            .outcomes
            .as_ref()
            .is_some_and(|outcomes| outcomes.kept_out > 0),
        proto: group.only_proto(),
        scanned: scanned(group),
        established_suspect: is_established_suspect(group),
        accepted: None,
        reported: None,
        rules: Vec::new(),
        outcomes: group.outcomes.clone(),
    }
}

/// Returns the name of the service: the catalogue's, the documented rule's, or the common one.
fn service(group: &Group<'_>) -> Option<&'static str> {
    let documented = || group.documented().map(|rule| rule.comment);
    let common = || common_name(group.proto(), group.port()?);
    group
        .service
        .map(|service: &Service| service.name)
        .or_else(documented)
        .or_else(common)
}

/// Returns the documented rule that would have accepted lines of this false positive, and so cannot be in the chain; and
/// a lower bound on their number.
fn absent_rule(group: &Group<'_>) -> Option<(&'static DocumentedRule, u64)> {
    // The documented chain is one of IPv4: what IPv6 lacks shows nothing of it.
    if group.key.v6 && group.outcomes.is_none() {
        return None;
    }
    if group.key.zone == Zone::Pod {
        return Some((catalog::pod_rule()?, group.logged));
    }
    let rule = |dpt: u16| catalog::documented(group.role, group.proto(), dpt);
    let accepted = group.marks().filter(|mark| rule(mark.port).is_some());
    let lowest = accepted.map(|mark| mark.port).min()?;
    let first = rule(lowest)?;
    let lines = group
        .marks()
        .filter(|mark| rule(mark.port) == Some(first))
        .count();
    Some((first, lines as u64))
}

/// Returns the number by which findings name a flow: the same in each reading of the same inputs.
pub fn flow_id(key: &FlowKey) -> u64 {
    FixedState::default().hash_one(key)
}

fn is_on_link(group: &Group<'_>, scene: &Scene<'_>) -> bool {
    !scene.knows_inside(group.key.node)
        && Packet::parse(group.sample())
            .is_ok_and(|packet| packet.summary().cast == PktType::Broadcast)
}

/// Returns the documented rules of the node's role that a scan asked for as well, each once.
fn scanned(group: &Group<'_>) -> Vec<&'static DocumentedRule> {
    if group.key.scanner.is_none() {
        return Vec::new();
    }
    let own = group.ports().into_iter();
    let mut rules: Vec<&'static DocumentedRule> = own
        .filter_map(|port| catalog::documented(group.role, group.proto(), port))
        .collect();
    rules.dedup_by_key(|rule| rule.dport);
    rules
}

/// Returns the interface on which most lines arrived; of equals, the first by name.
fn interface(group: &Group<'_>, scene: &Scene<'_>) -> String {
    let mut lines: Vec<(u16, u64)> = Vec::new();
    for seen in &group.members {
        let number = seen.key.interface;
        match lines.iter_mut().find(|(known, _)| *known == number) {
            Some((_, sum)) => *sum += seen.flow.logged,
            None => lines.push((number, seen.flow.logged)),
        }
    }
    let named = lines
        .iter()
        .map(|(number, lines)| (scene.interface(*number), lines));
    let most = named.max_by_key(|(name, lines)| (**lines, std::cmp::Reverse(*name)));
    most.map_or_else(String::new, |(name, _)| name.to_owned())
}

/// Returns the interfaces on which lines arrived, in order.
fn interfaces(group: &Group<'_>, scene: &Scene<'_>) -> Vec<String> {
    let mut numbers: Vec<u16> = group
        .members
        .iter()
        .map(|seen| seen.key.interface)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let names = numbers.into_iter().map(|number| scene.interface(number));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names
}
