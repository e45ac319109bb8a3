//! Which way each flow goes, and by which port it is known, settled by the whole log.
//!
//! Most flows tell it themselves. Only of those whose two ports do not, the ports are looked up among all flows.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::catalog::{Role, Strength, listed};
use crate::flow::{Direction, EPHEMERAL, FlowKey, Kind, Ports, Seen};
use crate::packet::proto;

/// So many flows that share one port and differ in the other tell which is the service's.
const SHARING_FLOWS: usize = 3;
/// Ports below this one are those of services: only root may listen there.
const PRIVILEGED: u16 = 1024;

/// A port of a node: node, protocol and DPT.
type NodePort = (u16, Option<u8>, u16);
/// A port of a peer, as a node sees it: node, protocol, peer and SPT.
type PeerPort = (u16, Option<u8>, IpAddr, u16);

/// Direction and ports of each of `flows`. `inside` says whether the peer of a flow is one of the cluster's.
pub(super) fn directions(
    flows: &[Seen<'_>],
    inside: impl Fn(&FlowKey) -> bool,
) -> Vec<(Direction, Ports)> {
    let others = Others::of(flows);
    let settle = |key: &FlowKey| match key.ports {
        Ports::None => (Direction::Original, Ports::None),
        Ports::Service { reply: false, .. } => (Direction::Original, key.ports),
        Ports::Service { reply: true, .. } => (Direction::Reply, key.ports),
        Ports::Pair { spt, dpt } => {
            let service = |port, reply| Ports::Service { port, reply };
            let direction = others.settle(key, spt, dpt, || inside(key));
            let ports = match direction {
                Direction::Original => service(dpt, false),
                Direction::Reply => service(spt, true),
                Direction::Unknown => Ports::Pair {
                    spt: spt.min(dpt),
                    dpt: spt.max(dpt),
                },
            };
            (direction, ports)
        }
    };
    flows.iter().map(|seen| settle(&seen.key)).collect()
}

/// What all flows tell of the ports of those that do not tell their own direction.
#[derive(Default)]
struct Others {
    /// The peers and SPTs seen to a port.
    to: Distinct<NodePort, (IpAddr, u16)>,
    /// Whether a SYN was seen to it, by its number.
    opened: Vec<bool>,
    /// The DPTs above [`EPHEMERAL`] seen from a peer's port.
    from: Distinct<PeerPort, u16>,
}

impl Others {
    fn of(flows: &[Seen<'_>]) -> Self {
        let mut found = Self::default();
        for Seen { key, .. } in flows {
            let Ports::Pair { spt, dpt } = key.ports else {
                continue;
            };
            let number = found.to.number((key.node, key.proto, dpt));
            if key.kind != Kind::Plain {
                continue;
            }
            found.to.add(number, (key.peer, spt));
            if dpt > EPHEMERAL {
                let number = found.from.number((key.node, key.proto, key.peer, spt));
                found.from.add(number, dpt);
            }
        }
        found.opened = vec![false; found.to.len()];
        if found.to.len() > 0 {
            found.add_services(flows);
        }
        found.to.sort();
        found.from.sort();
        found
    }

    /// Adds the flows that tell their port, where it is one that is asked for.
    fn add_services(&mut self, flows: &[Seen<'_>]) {
        for seen in flows.iter().filter(|seen| seen.key.kind == Kind::Plain) {
            let key = seen.key;
            let Ports::Service { port, reply: false } = key.ports else {
                continue;
            };
            let Some(number) = self.to.find(&(key.node, key.proto, port)) else {
                continue;
            };
            if seen.flow.lines_with(|flags| flags.is_syn()) > 0 {
                self.opened[number] = true;
            }
            // Three tell all that is asked of them.
            for mark in seen.marks.iter().take(SHARING_FLOWS) {
                self.to.add(number, (key.peer, mark.port));
            }
        }
    }

    /// The direction of a packet whose two ports do not tell it.
    fn settle(&self, key: &FlowKey, spt: u16, dpt: u16, inside: impl Fn() -> bool) -> Direction {
        let number = key.proto.unwrap_or_default();
        let asked = self.to.find(&(key.node, key.proto, dpt));
        let to = asked.map_or(&[][..], |asked| self.to.of(asked));
        let opened = asked.is_some_and(|asked| self.opened[asked]);
        // What weighs here is the same for all roles.
        let role = Role::default();
        let (weight_spt, weight_dpt) =
            (listed(role, number, spt).spt, listed(role, number, dpt).dpt);
        if number == proto::TCP && weight_spt != Strength::No && weight_spt == weight_dpt {
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
        let sharing_dpt = to.len();
        let sharing_spt = if dpt > EPHEMERAL && inside() {
            let from = self.from.find(&(key.node, key.proto, key.peer, spt));
            from.map_or(0, |from| self.from.of(from).len())
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
        if weight_spt == Strength::NodePort && weight_dpt == Strength::No {
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

    /// Puts the values in order, each once, for [`Self::of`].
    fn sort(&mut self) {
        self.values.sort_unstable();
        self.values.dedup();
    }

    /// The values of the key with a number.
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
