//! Bounds on the number of flows: the flows that are kept apart, and the flows into which further ones are folded.
//!
//! In order: a peer that tries port after port keeps its address and loses its ports, since that is a scan whatever the
//! ports are; then peers are folded into their networks; then flows into their protocol. A flow that may show a missing
//! rule for a documented port keeps its port to the last.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::collect::Flows;
use super::evidence::NodeEvidence;
use super::quota::Admitted;
use super::{FlowKey, Folded, Kind};
use crate::catalog::{Role, Strength, listed};
use crate::net::{IpNet, neighbourhood};

/// Number of flows that are kept apart.
const MAX_FLOWS: usize = 8_192;
/// Number of flows reserved for documented ports, so that other traffic cannot displace a missing rule.
const MAX_DOCUMENTED: usize = 4_096;
/// Upper bound on all flows, including those into which others were folded.
const MAX_FOLDED: usize = MAX_FLOWS + 4_096;
/// Numbers of flows up to which the last resort keeps node, interface and neighbourhood, and then the node.
const MAX_OF_INTERFACES: usize = MAX_FOLDED + 4_096;
const MAX_OF_NODES: usize = MAX_OF_INTERFACES + 4_096;
/// Upper bound on the unlisted ports of one peer on one node: the 1,000 of a usual scan.
const MAX_PORTS: u16 = 1_024;
/// Upper bound on the unlisted ports of a network into which peers were folded.
const MAX_PORTS_OF_NETWORK: u16 = 64;

/// How a flow is folded by its peer.
#[derive(Clone, Copy)]
pub(super) struct Fold {
    pub(super) wider: FlowKey,
    /// Hash of the wider key.
    pub(super) hash: u64,
    /// Whether the peer is in a neighbourhood of the node.
    is_near: bool,
    /// Index of the flow with the wider key, if it was found.
    pub(super) place: Option<usize>,
    /// Number of the node's neighbourhoods: while there are no more, the others hold.
    neighbourhoods: usize,
}

impl Flows {
    /// Returns the number of flows outside the reserve for documented ports.
    fn others(&self) -> usize {
        self.flows.len() - self.quota.documented
    }

    /// Whether further flows are folded.
    pub(super) fn is_full(&self) -> bool {
        self.others() >= MAX_FLOWS
    }

    /// Returns the key or the place under which a line of a new flow is kept, and the kind of folding.
    /// `foreseen` is how it would be folded, as it was known earlier.
    pub(super) fn admit(
        &mut self,
        key: FlowKey,
        role: Role,
        foreseen: Option<Fold>,
    ) -> (Admitted, Folded) {
        let listed = key
            .request()
            .map(|dpt| listed(role, key.proto.unwrap_or_default(), dpt));
        let documented = listed.is_some_and(|port| port.documented == Strength::Own);
        let unlisted = key.kind == Kind::Plain && listed.is_some_and(|port| port.unlisted);
        let (full, closed) = (self.is_full(), self.others() >= MAX_FOLDED);
        if unlisted {
            let too_many = if full {
                self.quota.many.contains(&key.of_peer())
            } else {
                self.quota.tried(key.of_peer()) >= MAX_PORTS
            };
            if too_many {
                let portless = key.without_ports();
                match self.place(portless) {
                    Some(place) => return (Admitted::Place(place), Folded::Ports),
                    None if !closed => return (Admitted::Key(portless), Folded::Ports),
                    None => {}
                }
            }
        }
        if !full {
            if unlisted {
                self.quota.try_port(key.of_peer());
            }
            return (Admitted::Key(key), Folded::No);
        }
        if documented && self.quota.documented < MAX_DOCUMENTED {
            self.quota.documented += 1;
            return (Admitted::Key(key), Folded::No);
        }
        let near = self.neighbourhoods(key.node).map_or(0, HashSet::len);
        let foreseen = foreseen.filter(|fold| fold.neighbourhoods == near);
        let Fold {
            mut wider,
            hash,
            is_near,
            place,
            ..
        } = foreseen.unwrap_or_else(|| self.fold_by_peer(key));
        // Sources with many addresses come here with each line. An earlier line of the batch may have begun the flow.
        if let Some(place) = place.or_else(|| self.find(hash, &wider)) {
            return (Admitted::Place(place), Folded::Peers);
        }
        if unlisted {
            if self.quota.tried(wider.of_peer()) >= MAX_PORTS_OF_NETWORK {
                wider = wider.without_ports();
                if let Some(place) = self.place(wider) {
                    return (Admitted::Place(place), Folded::Peers);
                }
            } else if !closed {
                self.quota.try_port(wider.of_peer());
            }
        }
        if !closed {
            return (Admitted::Key(wider), Folded::Peers);
        }
        // The last resort keeps lines that may show a missing rule for a documented port, from any peer.
        let last = if documented { key } else { key.without_ports() };
        let last = self.last_resort(last, is_near.then(|| key.neighbourhood_length()));
        (last, Folded::Peers)
    }

    fn neighbourhoods(&self, node: u16) -> Option<&HashSet<IpNet, RandomState>> {
        Some(&self.evidence.get(usize::from(node))?.near)
    }

    /// Returns how a flow is folded, where further ones are.
    pub(super) fn fold(&self, key: FlowKey) -> Option<Fold> {
        self.is_full().then(|| self.fold_by_peer(key))
    }

    /// Returns how a flow is folded by its peer.
    fn fold_by_peer(&self, key: FlowKey) -> Fold {
        let near = self.neighbourhoods(key.node);
        // A neighbour stays a neighbour: whether a peer is near decides whether a rule is missing.
        let is_near = near.is_some_and(|near| near.contains(&neighbourhood(key.peer)));
        let apart = key.without_pair();
        let wider = if is_near {
            apart.in_network(key.neighbourhood_length())
        } else {
            apart.in_far_network()
        };
        Fold {
            wider,
            hash: self.flows.hasher().hash_one(wider),
            is_near,
            place: None,
            neighbourhoods: near.map_or(0, HashSet::len),
        }
    }

    /// Drops interface and neighbourhood, then the node, while there are too many of them: ports and protocols are few.
    fn last_resort(&mut self, key: FlowKey, near: Option<u8>) -> Admitted {
        let kept = key.in_network(near.unwrap_or(0));
        let known = self.place(kept).map(Admitted::Place);
        if known.is_some() || self.others() < MAX_OF_INTERFACES {
            return known.unwrap_or(Admitted::Key(kept));
        }
        let interface = self.interfaces.others();
        let kept = key.in_network(0).at(key.node, interface);
        let known = self.place(kept).map(Admitted::Place);
        if known.is_some() || self.others() < MAX_OF_NODES {
            return known.unwrap_or(Admitted::Key(kept));
        }
        let node = self.nodes.others();
        if usize::from(node) == self.evidence.len() {
            let role = self.evidence[usize::from(key.node)].role;
            self.evidence.push(NodeEvidence::new(role));
        }
        Admitted::Key(kept.at(node, interface))
    }
}

/// Returns the network that stands for the peer of a folded flow.
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
