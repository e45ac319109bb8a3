//! Reports of several nodes, or of several times, as one. The order in which they come makes no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::finding::{MADE_ANEW_TEST, rank};
use super::part::{Part, sum};
use super::verdict::Facts;
use crate::cause::{Cause, Test};
use crate::error::printable_name;
use crate::finding::{Finding, Offered, Reported, sort, times};
use crate::flow::Direction;
use crate::net::IpNet;
use crate::packet::TcpFlags;
use crate::report::{Networks, NodeReport, Warning};
use crate::saturation::Stretch;
use crate::time::{MINUTE, Time};

/// The most findings that an overlap names.
const MAX_NAMES: usize = 8;

/// How many ports that no list has, tried by one peer within five minutes, are those of a scan.
const MIN_PORTS: usize = 5;

/// Returns the parts as one.
pub fn merge(parts: Vec<Part>) -> Part {
    let tally = sum(parts.iter().map(|part| part.tally));
    let spans = || parts.iter().filter_map(|part| part.span);
    let span = spans()
        .map(|(first, _)| first)
        .min()
        .zip(spans().map(|(_, last)| last).max());
    let mut windows: Vec<_> = parts
        .iter()
        .flat_map(|part| part.windows.iter().copied())
        .collect();
    windows.sort_by_key(|window| (window.from, window.to, window.origin));
    windows.dedup();
    let mut warnings: Vec<Warning> = parts
        .iter()
        .flat_map(|part| part.warnings.iter().cloned())
        .collect();
    warnings.extend(judged_apart(&parts));
    let several = parts.len() > 1;
    let networks = (parts.iter()).fold(Networks::default(), |all, part| all.and(&part.networks));
    let mut filters: Vec<String> = (parts.iter())
        .flat_map(|part| part.filters.iter().cloned())
        .collect();
    filters.sort_unstable();
    filters.dedup();
    let nodes = nodes(parts.iter().flat_map(|part| &part.nodes), &mut warnings);
    let mut by_id: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in parts.into_iter().flat_map(|part| part.findings) {
        by_id.entry(finding.id.clone()).or_default().push(finding);
    }
    let mut overlaps = Vec::new();
    let mut findings: Vec<Finding> = by_id
        .into_values()
        .filter_map(|same| joined(same, &mut overlaps))
        .collect();
    if several {
        settle_scans(&mut findings, &nodes);
    }
    for finding in &mut findings {
        let place = nodes
            .binary_search_by(|node| node.node.cmp(&finding.node))
            .unwrap_or_default();
        finding.key.node = u16::try_from(place).unwrap_or(u16::MAX);
    }
    sort(&mut findings);
    if !overlaps.is_empty() {
        overlaps.sort();
        overlaps.dedup();
        let names: Vec<&str> = overlaps.iter().map(String::as_str).collect();
        let text = format!(
            "reports of {} overlap in time, and lines that both have cannot be told: of each finding the larger count stands. \
             Report the logs together for exact counts",
            few(&names)
        );
        warnings.push(Warning::new("reports-overlap", None, text));
    }
    warnings.sort();
    warnings.dedup();
    let logged = findings
        .iter()
        .map(|finding| finding.logged)
        .fold(0, u64::saturating_add);
    Part {
        span,
        tally: crate::report::Tally {
            drops: logged.saturating_add(tally.filtered),
            // Lines that two reports have count once, as their drops do.
            lines: (tally.lines).saturating_sub(
                (tally.drops).saturating_sub(logged.saturating_add(tally.filtered)),
            ),
            ..tally
        },
        nodes,
        findings,
        warnings,
        windows,
        networks,
        filters,
    }
}

/// Each node once.
fn nodes<'n>(
    all: impl Iterator<Item = &'n NodeReport>,
    warnings: &mut Vec<Warning>,
) -> Vec<NodeReport> {
    let mut by_name: BTreeMap<&str, Vec<&NodeReport>> = BTreeMap::new();
    for node in all {
        by_name.entry(&node.node).or_default().push(node);
    }
    let joined = by_name.into_iter().filter_map(|(name, mut same)| {
        // A known role precedes an assumed one.
        same.sort_by_key(|node| (!node.role_known, node.role));
        let first = *same.first()?;
        if same.iter().any(|node| node.role_known == first.role_known && node.role != first.role) {
            let text = format!(
                "reports differ in what {} is: each finding was judged by the role that its report has; report the logs together, \
                 with --role",
                printable_name(name)
            );
            warnings.push(Warning::new("roles-differ", Some(name.to_owned()), text));
        }
        let mut addresses: Vec<IpAddr> = same.iter().flat_map(|node| node.addresses.iter().copied()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let mut stretches: Vec<Stretch> = same.iter().filter_map(|node| node.saturated.as_ref()).flatten().copied().collect();
        stretches.sort_by_key(|stretch| (stretch.from, stretch.to));
        let mut apart: Vec<Stretch> = Vec::new();
        for stretch in stretches {
            match apart.last_mut() {
                Some(last) if stretch.from <= last.to => last.to = last.to.max(stretch.to),
                _ => apart.push(stretch),
            }
        }
        let mut boots: Vec<Time> = same.iter().flat_map(|node| node.boots.iter().copied()).collect();
        boots.sort_unstable();
        boots.dedup();
        let is_judged = same.iter().all(|node| node.saturated.is_some());
        let unlogged = same.iter().filter_map(|node| node.unlogged).max_by_key(|counted| counted.packets);
        Some(NodeReport {
            node: name.to_owned(),
            role: first.role,
            role_known: first.role_known,
            addresses,
            logged: same.iter().map(|node| node.logged).fold(0, u64::saturating_add),
            saturated_by_family: by_family(&same),
            boots,
            saturated: (is_judged || !apart.is_empty()).then_some(apart),
            unlogged,
        })
    });
    joined.collect()
}

/// Returns the stretches of each family that logs of this run show; reports have those of both together.
fn by_family(same: &[&NodeReport]) -> [Vec<Stretch>; 2] {
    let all = |family: usize| {
        let stretches = same
            .iter()
            .flat_map(|node| &node.saturated_by_family[family]);
        stretches.copied().collect()
    };
    [all(0), all(1)]
}

/// Merges findings with the same id: the gravest verdict, all peers, and the sum of lines that cannot be the same.
fn joined(mut same: Vec<Finding>, overlaps: &mut Vec<String>) -> Option<Finding> {
    same.sort_by(|a, b| {
        let key = |f: &Finding| {
            (
                rank(f),
                std::cmp::Reverse((f.last, f.first, f.logged, f.attempts)),
            )
        };
        key(a)
            .cmp(&key(b))
            .then_with(|| a.cause.code.cmp(b.cause.code))
            .then_with(|| a.peers.cmp(&b.peers))
            .then_with(|| a.sample.cmp(&b.sample))
    });
    let mut base = same.first()?.clone();
    if same.len() == 1 {
        return Some(base);
    }
    let mut peers: Vec<IpAddr> = same.iter().flat_map(|f| f.peers.iter().copied()).collect();
    let mut networks: Vec<IpNet> = same
        .iter()
        .flat_map(|f| f.networks.iter().copied())
        .collect();
    let mut ports: Vec<u16> = same.iter().flat_map(|f| f.ports.iter().copied()).collect();
    let mut interfaces: Vec<String> = same
        .iter()
        .flat_map(|f| f.interfaces.iter().cloned())
        .collect();
    peers.sort_unstable();
    peers.dedup();
    networks.sort_unstable();
    networks.dedup();
    ports.sort_unstable();
    ports.dedup();
    interfaces.sort_unstable();
    interfaces.dedup();
    for other in same
        .iter()
        .filter(|other| other.cause.code != base.cause.code)
    {
        let shown: Vec<String> = other
            .peers
            .iter()
            .take(4)
            .map(ToString::to_string)
            .collect();
        let text = format!(
            "another report has it as {} ({}), from {}",
            other.verdict().code(),
            other.cause.code,
            shown.join(", ")
        );
        let test = Test {
            name: "reports-differ",
            met: false,
            text,
        };
        if !base.evidence.contains(&test) {
            base.evidence.push(test);
        }
    }
    let mut by_time: Vec<&Finding> = same.iter().collect();
    by_time.sort_by_key(|f| (f.first, f.last, f.logged));
    let (mut logged, mut attempts, mut flags) =
        (0_u64, 0_u64, BTreeMap::<String, (TcpFlags, u64)>::new());
    // Those that overlap in time may have the same lines: of each run of them the largest counts.
    let mut run: Vec<&Finding> = Vec::new();
    let mut runs: Vec<Vec<&Finding>> = Vec::new();
    for finding in by_time {
        let overlaps = run
            .iter()
            .any(|before| finding.first <= before.last || !finding.first.is_known());
        if !run.is_empty() && !overlaps {
            runs.push(std::mem::take(&mut run));
        }
        run.push(finding);
    }
    runs.push(run);
    for run in &runs {
        if run.len() > 1 {
            overlaps.push(base.node.clone());
        }
        let largest = run.iter().max_by_key(|f| (f.logged, f.attempts));
        let Some(largest) = largest else { continue };
        logged = logged.saturating_add(largest.logged);
        attempts = attempts.saturating_add(largest.attempts);
        for (names, lines) in &largest.flags {
            let sum = flags.entry(names.to_string()).or_insert((*names, 0));
            sum.1 = sum.1.saturating_add(*lines);
        }
    }
    let latest = same.iter().max_by_key(|f| (f.last, f.first, f.logged))?;
    base.state = latest.state;
    base.last = latest.last;
    base.first = same.iter().map(|f| f.first).min()?;
    let has_role = |f: &&Finding| f.role == base.role;
    base.role_assumed = same.iter().filter(has_role).all(|f| f.role_assumed);
    let is_another = same.iter().any(|f| !f.role_assumed && f.role != base.role);
    // An acceptance is of the peers that it was given for.
    if same.iter().any(|f| f.accepted.is_none()) {
        base.accepted = None;
    }
    let all = || same.iter().filter_map(|f| f.reported.as_ref());
    let mut offers: Vec<Offered> = all().flat_map(|r| r.offers.iter().cloned()).collect();
    // What a log shows is judged by itself; what a report doubts is doubted beside it.
    if base.reported.is_some() || !offers.is_empty() {
        offers.sort();
        base.reported = Some(Reported {
            offers,
            pod_cidrs: all().flat_map(|r| r.pod_cidrs.iter().copied()).collect(),
            was_accepted: all().any(|r| r.was_accepted),
            is_doubtful: is_another || all().any(|r| r.is_doubtful),
        });
    }
    base.folded = same.iter().any(|f| f.folded);
    base.established_suspect = same.iter().any(|f| f.established_suspect);
    (base.peers, base.networks, base.ports, base.interfaces) = (peers, networks, ports, interfaces);
    (base.logged, base.attempts) = (logged, attempts);
    base.times = times(|| same.iter().flat_map(|f| f.times.iter().copied()));
    base.flags = flags.into_values().collect();
    settle_anew(&mut base);
    Some(base)
}

/// Judges scans by the nodes and peers of all reports: a node is no scanner, and who tried many ports in several reports may
/// be one.
fn settle_scans(findings: &mut [Finding], nodes: &[NodeReport]) {
    let own: BTreeSet<IpAddr> = nodes
        .iter()
        .flat_map(|node| &node.addresses)
        .copied()
        .collect();
    let mut tries: BTreeMap<IpAddr, BTreeMap<(Option<u8>, u16), Time>> = BTreeMap::new();
    // What is a scan in one report already has been judged with what belongs to it.
    let is_try = |f: &&Finding| {
        f.direction() == Direction::Original
            && f.cause.code != "scan"
            && !facts(f).is_listed()
            && !facts(f).came_back()
    };
    for finding in findings.iter().filter(is_try) {
        for peer in finding.peers.iter().filter(|peer| !own.contains(peer)) {
            let of_peer = tries.entry(*peer).or_default();
            for port in &finding.ports {
                of_peer
                    .entry((finding.proto, *port))
                    .or_insert(finding.first);
            }
        }
    }
    // From the first try to the last.
    let stretch = |ports: &BTreeMap<_, Time>| {
        let mut times: Vec<Time> = ports.values().copied().collect();
        times.sort_unstable();
        let ends = times
            .windows(MIN_PORTS)
            .map(|all| (all[0], all[MIN_PORTS - 1]));
        let within = ends.filter(|(first, last)| last.since(*first) <= 5 * MINUTE);
        within.reduce(|(first, _), (_, last)| (first, last))
    };
    let scans: BTreeMap<IpAddr, (Time, Time)> = (tries.iter())
        .filter_map(|(peer, ports)| Some((*peer, stretch(ports)?)))
        .collect();
    for finding in findings {
        if finding.cause.code == "scan" && finding.peers.iter().any(|peer| own.contains(peer)) {
            let cause = facts(finding).shown();
            judge_anew(finding, cause, "its peer is a node of another report");
        }
        if let Some(reported) = &mut finding.reported
            && (finding.peers.iter().filter_map(|peer| scans.get(peer)))
                .any(|(from, to)| finding.first <= *to && *from <= finding.last)
        {
            reported.is_doubtful = true;
        }
    }
}

/// Returns what decides on the cause of a finding.
fn facts(finding: &Finding) -> Facts<'_> {
    Facts {
        role: finding.role,
        number: finding.proto,
        port: finding.port,
        direction: finding.direction(),
        zone: finding.key.zone,
        peers: &finding.peers,
        flags: &finding.flags,
        attempts: finding.attempts,
        lasting: finding.last.since(finding.first),
    }
}

/// Judges a finding by the facts of all reports that have it: a single attempt in each of two is none.
fn settle_anew(finding: &mut Finding) {
    let cause = facts(finding).settle(finding.cause);
    if cause.code != finding.cause.code {
        judge_anew(finding, cause, "so say all reports together");
    }
}

fn judge_anew(finding: &mut Finding, cause: &'static Cause, why: &str) {
    finding.evidence.push(Test {
        name: MADE_ANEW_TEST,
        met: false,
        text: format!("a report alone says {}: {why}", finding.cause.code),
    });
    finding.cause = cause;
    if let Some(reported) = &mut finding.reported {
        reported.is_doubtful = true;
    }
}

/// Warns of the nodes that stand in several reports: what only all lines together show is not seen.
fn judged_apart(parts: &[Part]) -> Option<Warning> {
    let mut reports: BTreeMap<&str, usize> = BTreeMap::new();
    for node in parts.iter().flat_map(|part| &part.nodes) {
        *reports.entry(&node.node).or_default() += 1;
    }
    let nodes: Vec<&str> = (reports.into_iter())
        .filter_map(|(node, reports)| (reports > 1).then_some(node))
        .collect();
    let text = format!(
        "of {} there are several reports, and each judged its own lines alone: a scan, a rule that is missing or a connection \
         that does not heal may show in all lines together only. Report the logs together",
        few(&nodes)
    );
    (!nodes.is_empty()).then(|| Warning::new("reports-apart", None, text))
}

/// Returns the names of nodes, the first of them.
fn few(nodes: &[&str]) -> String {
    let mut names: Vec<String> = (nodes.iter().take(MAX_NAMES))
        .map(|node| printable_name(node))
        .collect();
    if nodes.len() > MAX_NAMES {
        names.push(format!("{} more", nodes.len() - MAX_NAMES));
    }
    names.join(", ")
}
