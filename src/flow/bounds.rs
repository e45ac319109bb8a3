//! Which flows are kept apart, and under what further ones stand.
//!
//! In order: a peer that tries port after port keeps its address and loses its ports, since that is a scan whatever the
//! ports are; then peers stand under their networks; then flows under their protocol. What may be a missing rule for a
//! documented port keeps its port to the last.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::collect::Flows;
use super::{FlowKey, Folded, Kind, Ports};
use crate::catalog::{Role, Strength, listed};
use crate::net::IpNet;

/// So many flows are kept apart.
const MOST_FLOWS: usize = 8_192;
/// Room that only flows to documented ports may have: nobody who sends much else hides a missing rule.
const MOST_DOCUMENTED: usize = 4_096;
/// So many are kept at all, those that others were folded into too.
const MOST_FOLDED: usize = MOST_FLOWS + 4_096;
/// So many ports that no list names are kept of one peer on one node: the 1,000 of a usual scan.
const MOST_PORTS: u16 = 1_024;
/// The same once there is no room for more flows.
const MOST_PORTS_IN_NEED: u16 = 8;
/// The same of a network that peers were folded into.
const MOST_PORTS_OF_NETWORK: u16 = 64;

/// How the room for flows is taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Room {
    /// How many of the flows have the room of documented ports.
    documented: usize,
    /// How many ports that no list names are kept of a peer, or a network, on a node.
    tried: HashMap<(u16, IpAddr), u16, foldhash::fast::RandomState>,
    /// Those with [`MOST_PORTS_IN_NEED`] or more: few, and asked for with each line that has no flow.
    many: HashSet<(u16, IpAddr), foldhash::fast::RandomState>,
}

impl Room {
    /// Notes another port of a peer, or a network, on a node.
    fn try_port(&mut self, of: (u16, IpAddr)) {
        let tried = self.tried.entry(of).or_default();
        *tried = tried.saturating_add(1);
        if *tried == MOST_PORTS_IN_NEED {
            self.many.insert(of);
        }
    }

    fn tried(&self, of: (u16, IpAddr)) -> u16 {
        self.tried.get(&of).copied().unwrap_or_default()
    }
}

/// Under what a line is kept.
pub(super) enum Admitted {
    /// The place of a flow that is there.
    Place(usize),
    /// The key of a flow that may be there.
    Key(FlowKey),
}

impl Flows {
    /// Under what a line of a flow that is not known is kept, and what was folded.
    pub(super) fn admit(&mut self, key: FlowKey, role: Role) -> (Admitted, Folded) {
        let number = key.proto.unwrap_or_default();
        let request = match key.ports {
            Ports::Service { port, reply: false } => Some(port),
            _ => None,
        };
        let listed = request.map(|dpt| listed(role, number, dpt));
        let documented = listed.is_some_and(|port| port.documented == Strength::Own);
        let unlisted = key.kind == Kind::Plain && listed.is_some_and(|port| port.unlisted);
        let others = self.flows.len() - self.room.documented;
        let (full, closed) = (others >= MOST_FLOWS, others >= MOST_FOLDED);
        if unlisted {
            let of = (key.node, key.peer);
            let too_many = if full {
                self.room.many.contains(&of)
            } else {
                self.room.tried(of) >= MOST_PORTS
            };
            let portless = FlowKey {
                ports: Ports::None,
                ..key
            };
            if too_many && (!closed || self.is_kept(portless)) {
                return (Admitted::Key(portless), Folded::Ports);
            }
        }
        if !full {
            if unlisted {
                self.room.try_port((key.node, key.peer));
            }
            return (Admitted::Key(key), Folded::No);
        }
        if documented && self.room.documented < MOST_DOCUMENTED {
            self.room.documented += 1;
            return (Admitted::Key(key), Folded::No);
        }
        let seen = self.evidence.get(usize::from(key.node));
        let near = seen.map_or(&[][..], |node| &node.near);
        let near = near.iter().find(|net| net.contains(&key.peer));
        // A neighbour stays one: what is near decides what a missing rule is.
        let length = match (near, key.peer) {
            (Some(net), _) => net.prefix_len(),
            (None, IpAddr::V4(_)) => 16,
            (None, IpAddr::V6(_)) => 32,
        };
        let is_near = near.is_some();
        let mut wider = fold(key, length);
        // Whoever comes from many addresses comes here with each line.
        if let Some(place) = self.place(wider) {
            return (Admitted::Place(place), Folded::Peers);
        }
        if unlisted {
            let of = (key.node, wider.peer);
            if self.room.tried(of) >= MOST_PORTS_OF_NETWORK {
                wider.ports = Ports::None;
            } else if !closed {
                self.room.try_port(of);
            }
        }
        if !closed || self.is_kept(wider) {
            return (Admitted::Key(wider), Folded::Peers);
        }
        // The last resort keeps what could be a missing rule for a documented port, of whatever peer.
        let ports = if documented { key.ports } else { Ports::None };
        let peer = if is_near {
            wider.peer
        } else {
            network(key.peer, 0)
        };
        let last = FlowKey { ports, peer, ..key };
        (Admitted::Key(last), Folded::Peers)
    }
}

/// `key` with the peer's network of a `length` for the peer.
fn fold(key: FlowKey, length: u8) -> FlowKey {
    let ports = match key.ports {
        Ports::Pair { .. } => Ports::None,
        ports => ports,
    };
    FlowKey {
        ports,
        peer: network(key.peer, length),
        ..key
    }
}

/// The network that the peer of a folded flow stands for.
pub fn folded_network(peer: IpAddr) -> IpNet {
    let length = match peer {
        _ if peer.is_unspecified() => 0,
        IpAddr::V4(peer) if peer.octets()[2] == 0 => 16,
        IpAddr::V4(_) => 24,
        IpAddr::V6(peer) if peer.segments()[2..4] == [0, 0] => 32,
        IpAddr::V6(_) => 64,
    };
    IpNet::new(peer, length).unwrap_or_else(|_| peer.into())
}

fn network(address: IpAddr, length: u8) -> IpAddr {
    IpNet::new(address, length).map_or(address, |net| net.network())
}
