//! Direction and service port of each flow, settled by the whole log.
//!
//! Most flows show their direction by themselves. For those whose two ports do not, the ports are looked up among all
//! flows.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::catalog::{Role, Strength, listed};
use crate::flow::{
    Direction, EPHEMERAL, FlowKey, Kind, MAX_DESTINATIONS, Ports, RESERVED_CLIENTS, Seen, datagram,
};
use crate::packet::proto;
use crate::time::MINUTE;

/// Number of ports, each met once, from which flows are a sweep and no replies of one service.
pub(super) const SWEPT_PORTS: usize = 10;
/// Source ports from this one on are ephemeral: the kernel's `ip_local_port_range` begins here, and scanners send from it.
const EPHEMERAL_SOURCE: u16 = 32_768;

/// Number of flows that share one port and differ in the other, from which the shared port is the service's.
const SHARING_FLOWS: usize = 3;
/// Ports below this one are those of services: only root may listen there.
const PRIVILEGED: u16 = 1024;
/// Number of datagrams of one 5-tuple, over more than a minute, from which they are no late replies: conntrack would
/// have seen the request that each answers.
const REPEATED: usize = 3;

/// A port of a node: node, protocol and DPT.
type NodePort = (u16, Option<u8>, u16);
/// A port of a peer, as a node sees it: node, protocol, peer and SPT.
type PeerPort = (u16, Option<u8>, IpAddr, u16);

/// Kind, direction and ports of a flow, as the whole log shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) kind: Kind,
    pub(super) direction: Direction,
    /// Service port or port pair; for an unknown direction, the lower port first.
    pub(super) ports: Ports,
    /// Whether the flow is one of many to port after port, which replies of a service are not.
    pub(super) swept: bool,
}

/// Facts about the nodes that are known before any direction is settled.
pub(super) trait Nodes {
    /// Returns the role of a node.
    fn role(&self, node: u16) -> Role;
    /// Whether an address is one of a node's own.
    fn is_own(&self, node: u16, address: IpAddr) -> bool;
    /// Whether the peer of a flow is no outsider.
    fn is_inside(&self, key: &FlowKey) -> bool;
}

/// Settles each of `flows`.
pub(super) fn directions(flows: &[Seen<'_>], nodes: &impl Nodes) -> Vec<Settled> {
    let classes: Vec<(Kind, Ports)> = flows.iter().map(|seen| class(seen, nodes)).collect();
    let others = Others::of(flows, &classes);
    let settle = |(seen, class): (&Seen<'_>, &(Kind, Ports))| settled(seen, *class, &others, nodes);
    flows.iter().zip(&classes).map(settle).collect()
}

/// Returns kind and ports of a flow. Where only the frames went to a group address, the IP address decides whether the
/// packet was for the node itself.
fn class(seen: &Seen<'_>, nodes: &impl Nodes) -> (Kind, Ports) {
    let key = seen.key;
    let group = match key.kind {
        Kind::BroadcastFrame => Kind::Broadcast,
        Kind::MulticastFrame => Kind::Multicast,
        kind => return (kind, key.ports),
    };
    let known = &seen.flow.detail.destinations;
    let own = !known.is_empty()
        && known.len() < MAX_DESTINATIONS
        && known.iter().all(|to| nodes.is_own(key.node, *to));
    match (own, key.ports) {
        (true, Ports::Pair { spt, dpt }) => {
            let number = key.proto.unwrap_or_default();
            let ports = datagram(number, spt, dpt, nodes.role(key.node));
            (Kind::Plain, ports)
        }
        (true, ports) => (Kind::Plain, ports),
        (false, Ports::Pair { dpt, .. }) => (group, request(dpt)),
        (false, ports) => (group, ports),
    }
}

const fn request(port: u16) -> Ports {
    Ports::Service { port, reply: false }
}

const fn reply(port: u16) -> Ports {
    Ports::Service { port, reply: true }
}

fn pair(one: u16, other: u16) -> Ports {
    Ports::Pair {
        spt: one.min(other),
        dpt: one.max(other),
    }
}

fn settled(
    seen: &Seen<'_>,
    (kind, ports): (Kind, Ports),
    others: &Others,
    nodes: &impl Nodes,
) -> Settled {
    let key = seen.key;
    let mut swept = false;
    let (direction, ports) = match (kind, ports) {
        (Kind::Truncated | Kind::Fragment, ports) => (Direction::Unknown, ports),
        (_, Ports::None) => (Direction::Original, Ports::None),
        (_, Ports::Service { reply: false, .. }) => (Direction::Original, ports),
        (_, Ports::Service { reply: true, port }) => {
            if repeats(seen) {
                (Direction::Unknown, repeated(seen, port))
            } else {
                (Direction::Reply, ports)
            }
        }
        // A packet that was logged outside INPUT says nothing of those that INPUT dropped.
        (kind, Ports::Pair { spt, dpt }) if kind.is_elsewhere() => {
            (Direction::Unknown, pair(spt, dpt))
        }
        (_, Ports::Pair { spt, dpt }) => {
            swept = others.is_sweep(&key, spt);
            let inside = || nodes.is_inside(&key);
            match others.settle(&key, spt, dpt, swept, inside) {
                Direction::Original => (Direction::Original, request(dpt)),
                Direction::Reply if !repeats(seen) => (Direction::Reply, reply(spt)),
                Direction::Reply | Direction::Unknown => (Direction::Unknown, pair(spt, dpt)),
            }
        }
    };
    Settled {
        kind,
        direction,
        ports,
        swept: swept && direction == Direction::Unknown,
    }
}

/// Whether one UDP 5-tuple recurs, as a client's does.
fn repeats(seen: &Seen<'_>) -> bool {
    if seen.key.proto == Some(proto::TCP) || seen.marks.len() < REPEATED {
        return false;
    }
    let mut marks: Vec<(u16, i64)> = seen.marks.iter().map(|m| (m.port, m.time.0)).collect();
    marks.sort_unstable();
    let tuples = marks.chunk_by(|one, other| one.0 == other.0);
    let lasts = |own: &[(u16, i64)]| own[own.len() - 1].1.saturating_sub(own[0].1) > MINUTE;
    tuples
        .into_iter()
        .any(|own| own.len() >= REPEATED && lasts(own))
}

/// Returns the ports of recurring datagrams from `spt`: both, where there is one other port.
fn repeated(seen: &Seen<'_>, spt: u16) -> Ports {
    match seen.marks {
        [first, more @ ..] if more.iter().all(|mark| mark.port == first.port) => {
            pair(spt, first.port)
        }
        _ => reply(spt),
    }
}

/// Ports of all flows, by which the direction of flows that do not show their own is settled.
#[derive(Default)]
struct Others {
    /// Peers and source ports seen for each port of a node.
    to: Distinct<NodePort, (IpAddr, u16)>,
    /// Whether a SYN to the port was seen, by the port's number in `to`.
    opened: Vec<bool>,
    /// Destination ports seen for each port of a peer.
    from: Distinct<PeerPort, u16>,
    /// Whether a 5-tuple from the port came twice, by the port's number in `from`.
    again: Vec<bool>,
}

impl Others {
    fn of(flows: &[Seen<'_>], classes: &[(Kind, Ports)]) -> Self {
        let mut found = Self::default();
        let mut again = Vec::new();
        for (Seen { key, flow, .. }, (kind, ports)) in flows.iter().zip(classes) {
            let Ports::Pair { spt, dpt } = *ports else {
                continue;
            };
            let asked = found.to.number((key.node, key.proto, dpt));
            if *kind != Kind::Plain {
                continue;
            }
            found.to.add(asked, (key.peer, spt));
            let answering = found.from.number((key.node, key.proto, key.peer, spt));
            found.from.add(answering, dpt);
            if flow.logged > 1 {
                again.push(answering);
            }
        }
        found.opened = vec![false; found.to.len()];
        found.again = vec![false; found.from.len()];
        for number in again {
            found.again[number] = true;
        }
        if found.to.len() > 0 {
            found.add_services(flows, classes);
        }
        found.to.sort();
        found.from.sort();
        found
    }

    /// Adds the flows whose direction is known, where their port is looked up for others.
    fn add_services(&mut self, flows: &[Seen<'_>], classes: &[(Kind, Ports)]) {
        for (seen, class) in flows.iter().zip(classes) {
            let (Kind::Plain, Ports::Service { port, reply: false }) = *class else {
                continue;
            };
            let key = seen.key;
            let Some(number) = self.to.find(&(key.node, key.proto, port)) else {
                continue;
            };
            if seen.flow.lines_with(|flags| flags.is_syn()) > 0 {
                self.opened[number] = true;
            }
            // Three flows are enough for the decision.
            for mark in seen.marks.iter().take(SHARING_FLOWS) {
                self.to.add(number, (key.peer, mark.port));
            }
        }
    }

    /// Returns the DPTs that a peer's port was seen to send to.
    fn answered(&self, key: &FlowKey, spt: u16) -> &[(usize, u16)] {
        let number = self.from.find(&(key.node, key.proto, key.peer, spt));
        number.map_or(&[][..], |number| self.from.of(number))
    }

    /// Whether an ephemeral port of a peer that no list mentions was seen towards many ports, and to each of them once:
    /// a scanner keeps its source port, while a service answers its clients more than once.
    fn is_sweep(&self, key: &FlowKey, spt: u16) -> bool {
        let listed = listed(Role::default(), key.proto.unwrap_or_default(), spt);
        let number = self.from.find(&(key.node, key.proto, key.peer, spt));
        spt >= EPHEMERAL_SOURCE
            && listed.spt == Strength::No
            && number.is_some_and(|number| !self.again[number])
            && self.answered(key, spt).len() >= SWEPT_PORTS
    }

    /// Whether an ephemeral port of a peer sent to a port that no client sends from: the peer is then a client there, or
    /// a scanner that keeps its source port, and its packets to other ports are no replies either.
    fn asks(&self, key: &FlowKey, spt: u16) -> bool {
        let is_clients = |port: u16| port > EPHEMERAL || RESERVED_CLIENTS.contains(port);
        spt >= EPHEMERAL_SOURCE && (self.answered(key, spt).iter()).any(|(_, to)| !is_clients(*to))
    }

    /// Determines the direction of a packet whose two ports do not show it.
    fn settle(
        &self,
        key: &FlowKey,
        spt: u16,
        dpt: u16,
        swept: bool,
        inside: impl Fn() -> bool,
    ) -> Direction {
        let number = key.proto.unwrap_or_default();
        let asked = self.to.find(&(key.node, key.proto, dpt));
        let to = asked.map_or(&[][..], |asked| self.to.of(asked));
        let opened = asked.is_some_and(|asked| self.opened[asked]);
        // `spt` and `dpt` are the same for all roles.
        let role = Role::default();
        let (from_weight, to_weight) =
            (listed(role, number, spt).spt, listed(role, number, dpt).dpt);
        let mut answered = self.answered(key, spt).iter();
        let sharing_spt = answered.by_ref().filter(|(_, to)| *to > EPHEMERAL).count();
        let node_port_alone = to_weight == Strength::NodePort && from_weight == Strength::No;
        // A port that sends to two other ports as well is a service's, even if the destination is a NodePort.
        if number != proto::TCP && node_port_alone && sharing_spt < SHARING_FLOWS {
            return Direction::Original;
        }
        if from_weight == Strength::Own
            && to_weight == Strength::No
            && RESERVED_CLIENTS.contains(dpt)
        {
            return if opened {
                Direction::Original
            } else {
                Direction::Reply
            };
        }
        if from_weight != Strength::No && from_weight == to_weight {
            let second_spt = to.iter().any(|(_, (_, other))| *other != spt);
            return if opened || second_spt {
                Direction::Original
            } else {
                Direction::Unknown
            };
        }
        if opened {
            return Direction::Original;
        }
        // Random source ports fall into the NodePort range: without a SYN a destination port in it shows no request.
        let sharing_dpt = if node_port_alone { 0 } else { to.len() };
        let sharing_spt = if dpt > EPHEMERAL && !swept && !self.asks(key, spt) && inside() {
            sharing_spt
        } else {
            0
        };
        if sharing_dpt.max(sharing_spt) >= SHARING_FLOWS && sharing_dpt != sharing_spt {
            return if sharing_dpt > sharing_spt {
                Direction::Original
            } else {
                Direction::Reply
            };
        }
        match (spt < PRIVILEGED, dpt < PRIVILEGED) {
            (true, false) => return Direction::Reply,
            (false, true) => return Direction::Original,
            _ => {}
        }
        if from_weight == Strength::NodePort && to_weight == Strength::No {
            return Direction::Reply;
        }
        Direction::Unknown
    }
}

/// Distinct values by key, in one table: most keys have one value, and a set for each would cost more than the sorting.
struct Distinct<K, V> {
    /// The keys, numbered in the order in which they came.
    numbers: HashMap<K, usize, RandomState>,
    values: Vec<(usize, V)>,
}

impl<K: Hash + Eq, V: Ord> Distinct<K, V> {
    fn number(&mut self, key: K) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(key).or_insert(next)
    }

    fn find(&self, key: &K) -> Option<usize> {
        self.numbers.get(key).copied()
    }

    fn len(&self) -> usize {
        self.numbers.len()
    }

    fn add(&mut self, number: usize, value: V) {
        self.values.push((number, value));
    }

    /// Sorts and deduplicates the values, as [`Self::of`] requires.
    fn sort(&mut self) {
        self.values.sort_unstable();
        self.values.dedup();
    }

    /// Returns the values of the key with a number.
    fn of(&self, number: usize) -> &[(usize, V)] {
        let begin = self.values.partition_point(|(own, _)| *own < number);
        let own = &self.values[begin..];
        &own[..own.partition_point(|(own, _)| *own == number)]
    }
}

impl<K, V> Default for Distinct<K, V> {
    fn default() -> Self {
        Self {
            numbers: HashMap::default(),
            values: Vec::new(),
        }
    }
}
