//! Peers that try port after port: [`Scan`].

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::directions::Settled;
use crate::catalog::{Role, Strength, is_dhcp_client, is_dhcp_reply, listed};
use crate::flow::{Direction, Folded, Kind, NEIGHBOUR_DISCOVERY, Ports, Seen, begins};
use crate::packet::proto;
use crate::time::{MINUTE, Time};

/// Number of distinct ports, or of protocols without ports, that make a scan.
pub const SCAN_PORTS: usize = 5;
/// Window, in microseconds, in which they are tried.
pub const SCAN_WINDOW: i64 = 5 * MINUTE;
/// Number of NodePorts, each tried once, that make a scan: a load balancer connects to fewer, and repeatedly.
const SCAN_NODE_PORTS: usize = 10;
/// Number of attempts, over more than a minute, that show real use of a port.
pub const ASKED: usize = 3;

/// A port that a peer tried, or a protocol without ports.
type Target = (Option<u8>, Option<u16>);

/// A peer that scans.
#[derive(Debug)]
pub struct Scan {
    /// The distinct targets that it tried and that count.
    pub ports: usize,
    /// Whether the peer tried more targets than are listed.
    pub more: bool,
    /// Number of nodes that the peer tried.
    pub nodes: usize,
    /// Largest number of targets tried within [`SCAN_WINDOW`].
    pub at_once: usize,
    /// Time from the first to the last try of each scan.
    stretches: Vec<Stretch>,
    /// Targets, by node, to which the peer came back: those that it really uses.
    asked: BTreeSet<(u16, Target)>,
}

impl Scan {
    /// Whether a flow of the peer belongs to the scan: it lies within its time, and the peer did not come back to its
    /// target.
    pub(super) fn takes(&self, seen: &Seen<'_>, settled: &Settled) -> bool {
        if seen.flow.folded == Folded::Ports {
            return true;
        }
        let lies = |time: Time| {
            let mut stretches = self.stretches.iter();
            stretches.any(|stretch| stretch.from <= time && time <= stretch.to)
        };
        // A flow of bogus flags counts as a try, but keeps its own cause.
        can_join(settled)
            && settled.kind == Kind::Plain
            && !is_no_scan(seen)
            && !self.asked.contains(&(seen.key.node, target(seen, settled)))
            && lies(seen.flow.first)
            && begun(seen).into_iter().all(lies)
    }
}

/// The peers that scan.
pub type Scans = HashMap<IpAddr, Scan, RandomState>;

/// The attempts of a peer at a target of one node.
struct Tried {
    peer: IpAddr,
    node: u16,
    target: Target,
    begins: Vec<Time>,
    counts: Counts,
}

/// Weight of the tries of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counts {
    /// No weight: a documented port, an addon's port, or an established connection.
    Not,
    /// A NodePort of a node whose role has the range.
    NodePort,
    Yes,
}

/// Finds the peers that scan. `role` returns the role of a node; `never` exempts a peer, whatever it tries.
pub(super) fn scanners(
    flows: &[Seen<'_>],
    settled: &[Settled],
    role: impl Fn(u16) -> Role,
    never: impl Fn(IpAddr) -> bool,
) -> Scans {
    let mut tried: Vec<Tried> = Vec::new();
    for (seen, settled) in flows.iter().zip(settled) {
        if !can_join(settled) || seen.flow.folded == Folded::Peers || never(seen.key.peer) {
            continue;
        }
        let target = target(seen, settled);
        tried.push(Tried {
            peer: seen.key.peer,
            node: seen.key.node,
            target,
            begins: Vec::new(),
            counts: counts(seen, settled, target, role(seen.key.node)),
        });
        if let Some(last) = tried.last_mut() {
            last.begins = begun(seen);
        }
    }
    tried.sort_by_key(|tried| (tried.peer, tried.node, tried.target));
    let mut scans: Scans = tried
        .chunk_by(|one, other| one.peer == other.peer)
        .filter_map(|tried| Some((tried[0].peer, scan(tried)?)))
        .collect();
    for seen in flows.iter().filter(|s| s.flow.folded == Folded::Ports) {
        if let Some(scan) = scans.get_mut(&seen.key.peer) {
            scan.more = true;
        }
    }
    scans
}

/// Whether a flow is of those that are judged by what they are, whoever sends them: an answer of a DHCP server, neighbour
/// discovery, and VRRP to its group.
fn is_no_scan(seen: &Seen<'_>) -> bool {
    let detail = &seen.flow.detail;
    match (seen.key.proto, seen.key.ports) {
        (Some(number), Ports::Service { port, reply: false }) => {
            (seen.marks.iter()).any(|mark| is_dhcp_reply(number, mark.port, port))
        }
        (Some(proto::ICMPV6), _) => {
            (detail.icmp_types.iter()).any(|(kind, _)| NEIGHBOUR_DISCOVERY.contains(kind))
        }
        (Some(proto::VRRP), _) => !detail.destinations.is_empty(),
        _ => false,
    }
}

/// Whether a flow can belong to a scan.
fn can_join(settled: &Settled) -> bool {
    matches!(settled.kind, Kind::Plain | Kind::BogusFlags) && settled.direction != Direction::Reply
}

/// Returns the times at which the attempts of a flow began.
fn begun(seen: &Seen<'_>) -> Vec<Time> {
    begins(seen.marks.iter().map(|mark| (mark.port, mark.time)))
}

/// Returns the target of a flow towards this node.
fn target(seen: &Seen<'_>, settled: &Settled) -> Target {
    let port = match (seen.key.ports, settled.ports) {
        (Ports::Pair { dpt, .. }, _) => Some(dpt),
        (_, Ports::Service { port, reply: false }) => Some(port),
        _ => None,
    };
    (seen.key.proto, port)
}

fn counts(seen: &Seen<'_>, settled: &Settled, (number, port): Target, role: Role) -> Counts {
    let has_data =
        || settled.direction == Direction::Unknown && seen.marks.iter().any(|mark| mark.data);
    let number = number.unwrap_or_default();
    let Some(port) = port else {
        // The documented chain accepts ICMP; TCP or UDP without ports is a cut line and no portless protocol.
        let with_ports = [proto::TCP, proto::UDP, proto::ICMP, proto::ICMPV6];
        return if with_ports.contains(&number) {
            Counts::Not
        } else {
            Counts::Yes
        };
    };
    let known = listed(role, number, port);
    if !known.unlisted || is_dhcp_client(number, port) || has_data() {
        Counts::Not
    } else if known.documented == Strength::NodePort {
        Counts::NodePort
    } else {
        Counts::Yes
    }
}

/// Returns the scan of one peer's tries, sorted by node and target; `None` where they are no scan.
fn scan(tried: &[Tried]) -> Option<Scan> {
    let mut asked = BTreeSet::new();
    let mut events: Vec<Try> = Vec::new();
    let mut nodes: Vec<u16> = Vec::new();
    for own in tried.chunk_by(|one, other| (one.node, one.target) == (other.node, other.target)) {
        let (node, target) = (own[0].node, own[0].target);
        let mut begins: Vec<Time> = own.iter().flat_map(|tried| tried.begins.clone()).collect();
        begins.sort_unstable();
        if comes_back(&begins) {
            asked.insert((node, target));
            continue;
        }
        for tried in own.iter().filter(|tried| tried.counts != Counts::Not) {
            nodes.push(node);
            let of = (tried.counts == Counts::NodePort).then_some(node);
            events.extend(tried.begins.iter().map(|time| (*time, of, target)));
        }
    }
    // Most peers try one port or two.
    if events.len() < SCAN_PORTS {
        return None;
    }
    events.sort_unstable();
    nodes.dedup();
    let (at_once, stretches) = windows(&events);
    let mut targets: Vec<Target> = events.iter().map(|(.., target)| *target).collect();
    targets.sort_unstable();
    targets.dedup();
    (!stretches.is_empty()).then_some(Scan {
        ports: targets.len(),
        more: false,
        nodes: nodes.len(),
        at_once,
        stretches,
        asked,
    })
}

/// Whether attempts that began at these times, in order, show that the peer uses a port and does not only try it.
pub(super) fn comes_back(begins: &[Time]) -> bool {
    match begins {
        [first, .., last] => begins.len() >= ASKED && last.since(*first) > MINUTE,
        _ => false,
    }
}

/// A scan from its first to its last try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    from: Time,
    to: Time,
}

/// One try: its start, the node where it counts as a NodePort, and its target.
type Try = (Time, Option<u16>, Target);

/// The tries within a window.
#[derive(Default)]
struct Window {
    tries: HashMap<(Option<u16>, Target), usize, RandomState>,
    /// Number of distinct targets tried.
    distinct: usize,
    /// Number of NodePorts tried once, by node.
    node_ports: HashMap<u16, usize, RandomState>,
}

impl Window {
    fn enter(&mut self, node: Option<u16>, target: Target) {
        let tries = self.tries.entry((node, target)).or_default();
        *tries += 1;
        match (node, *tries) {
            (Some(node), 1) => *self.node_ports.entry(node).or_default() += 1,
            (Some(node), 2) => *self.node_ports.entry(node).or_default() -= 1,
            (None, 1) => self.distinct += 1,
            _ => {}
        }
    }

    fn leave(&mut self, node: Option<u16>, target: Target) {
        let tries = self.tries.entry((node, target)).or_default();
        *tries -= 1;
        match (node, *tries) {
            (Some(node), 0) => *self.node_ports.entry(node).or_default() -= 1,
            (Some(node), 1) => *self.node_ports.entry(node).or_default() += 1,
            (None, 0) => self.distinct -= 1,
            _ => {}
        }
    }

    /// Returns the number of targets that count.
    fn counted(&self) -> usize {
        let node_ports = self.node_ports.values().copied().max().unwrap_or_default();
        let node_ports = Some(node_ports).filter(|ports| *ports >= SCAN_NODE_PORTS);
        self.distinct + node_ports.unwrap_or_default()
    }
}

/// Returns the largest number of targets tried within [`SCAN_WINDOW`], and the stretches of time in which there were
/// [`SCAN_PORTS`] or more. `events` are in the order of time.
fn windows(events: &[Try]) -> (usize, Vec<Stretch>) {
    let mut window = Window::default();
    let (mut from, mut most) = (0, 0);
    let mut stretches: Vec<Stretch> = Vec::new();
    for &(time, node, target) in events {
        window.enter(node, target);
        while time.since(events[from].0) > SCAN_WINDOW {
            let (_, node, target) = events[from];
            window.leave(node, target);
            from += 1;
        }
        let counted = window.counted();
        if counted < SCAN_PORTS {
            continue;
        }
        most = most.max(counted);
        let begin = events[from].0;
        match stretches.last_mut() {
            Some(last) if begin <= last.to => last.to = time,
            _ => stretches.push(Stretch {
                from: begin,
                to: time,
            }),
        }
    }
    (most, stretches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn stretch(from: i64, to: i64) -> Stretch {
        Stretch {
            from: Time(from * SECOND),
            to: Time(to * SECOND),
        }
    }

    fn tries(tried: &[(i64, u16)], node: Option<u16>) -> Vec<Try> {
        let tries = tried.iter();
        tries
            .map(|(second, port)| (Time(second * SECOND), node, (Some(proto::TCP), Some(*port))))
            .collect()
    }

    #[test]
    fn five_ports_within_five_minutes_are_a_scan() {
        let near = tries(&[(0, 1), (75, 2), (150, 3), (225, 4), (300, 5)], None);
        assert_eq!(windows(&near), (5, vec![stretch(0, 300)]));
        let far = tries(&[(0, 1), (75, 2), (150, 3), (225, 4), (301, 5)], None);
        assert_eq!(windows(&far), (0, vec![]));
        let same = tries(&[(0, 1), (1, 1), (2, 2), (3, 3), (4, 4)], None);
        assert_eq!(windows(&same), (0, vec![]));
    }

    #[test]
    fn ten_node_ports_tried_once_each_are_a_scan() {
        let of = |ports: i64| -> Vec<(i64, u16)> {
            (0..ports).map(|at| (at, 30_000 + at as u16)).collect()
        };
        assert_eq!(windows(&tries(&of(9), Some(0))).0, 0);
        assert_eq!(windows(&tries(&of(10), Some(0))).0, 10);
        let mut twice = of(10);
        twice.push((11, 30_000));
        let (most, stretches) = windows(&tries(&twice, Some(0)));
        assert_eq!((most, stretches), (10, vec![stretch(0, 9)]));
    }

    #[test]
    fn a_scan_that_pauses_is_two() {
        let mut twice = vec![(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)];
        twice.extend([(1000, 6), (1001, 7), (1002, 8), (1003, 9), (1004, 10)]);
        assert_eq!(windows(&tries(&twice, None)).1.len(), 2);
    }

    #[test]
    fn who_comes_back_three_times_over_a_minute_asks() {
        let at =
            |seconds: &[i64]| -> Vec<Time> { seconds.iter().map(|s| Time(s * SECOND)).collect() };
        assert!(comes_back(&at(&[0, 30, 61])));
        assert!(!comes_back(&at(&[0, 30, 60])));
        assert!(!comes_back(&at(&[0, 90])));
    }
}
