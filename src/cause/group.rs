//! Flows that share a finding, and their sums.

use std::net::IpAddr;
use std::sync::Arc;

use super::scanners::comes_back;
use crate::catalog::{self, DocumentedRule, Role, Service};
use crate::chain::Family;
use crate::flow::{
    ChainOutcomes, Direction, Folded, Kind, Mark, PeerClass, Ports, Seen, attempts, begins,
    folded_network,
};
use crate::net::IpNet;
use crate::packet::TcpFlags;
use crate::packet::proto;
use crate::site::Zone;
use crate::time::Time;

/// Key of the flows of one finding. Verdict and cause are not part of it: they may change, the finding stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    pub node: u16,
    pub v6: bool,
    pub proto: Option<u8>,
    pub kind: Kind,
    pub direction: Direction,
    /// Service port or port pair; for an unknown direction, the lower port first.
    pub ports: Ports,
    pub zone: Zone,
    /// The peer, where it scans.
    pub scanner: Option<IpAddr>,
    /// Class of the peer by the running chain.
    pub class: PeerClass,
}

/// The flows of one finding.
#[derive(Debug)]
pub struct Group<'a> {
    pub key: GroupKey,
    pub node: &'a str,
    pub role: Role,
    /// Flows in the order in which they began; no result may depend on that order.
    pub members: Vec<Seen<'a>>,
    /// Drop lines: a floor.
    pub logged: u64,
    /// Connection attempts: a floor.
    pub attempts: u64,
    pub first: Time,
    pub last: Time,
    pub flags: Vec<(TcpFlags, u64)>,
    pub icmp_types: Vec<(u8, u64)>,
    /// Distinct, in order.
    pub peers: Vec<IpAddr>,
    /// The networks of peers that were folded, distinct, in order.
    pub networks: Vec<IpNet>,
    /// Service that the catalogue lists for the service port.
    pub service: Option<&'static Service>,
    /// Outcomes of the lines in the running chain, where that chain is known.
    pub outcomes: Option<Arc<ChainOutcomes>>,
}

impl<'a> Group<'a> {
    pub(super) fn new(key: GroupKey, node: &'a str, role: Role, members: Vec<Seen<'a>>) -> Self {
        let is_folded = |seen: &&Seen<'_>| seen.flow.folded == Folded::Peers;
        let single = members.iter().filter(|seen| !is_folded(seen));
        let mut peers: Vec<IpAddr> = single.map(|seen| seen.key.peer).collect();
        // All peers are of one family: comparing the bits is faster than comparing the addresses.
        peers.sort_unstable_by_key(|peer| match peer {
            IpAddr::V4(peer) => u128::from(peer.to_bits()),
            IpAddr::V6(peer) => peer.to_bits(),
        });
        peers.dedup();
        let folded = members.iter().filter(is_folded);
        let mut networks: Vec<IpNet> = folded.map(|seen| folded_network(seen.key.peer)).collect();
        networks.sort_unstable();
        networks.dedup();
        let number = key.proto.unwrap_or_default();
        let service = match key.ports {
            Ports::Service { port, .. } => catalog::service(number, port),
            _ => None,
        };
        let first = members.iter().map(|seen| seen.flow.first).min();
        let last = members.iter().map(|seen| seen.flow.last).max();
        Self {
            key,
            node,
            role,
            logged: members.iter().map(|seen| seen.flow.logged).sum(),
            attempts: if key.direction == Direction::Original {
                attempts_of(&key, &members)
            } else {
                0
            },
            first: first.unwrap_or(Time::UNKNOWN),
            last: last.unwrap_or(Time::UNKNOWN),
            flags: sum(members.iter().flat_map(|seen| seen.flow.flags())),
            icmp_types: sum(members
                .iter()
                .flat_map(|seen| seen.flow.detail.icmp_types.iter().copied())),
            peers,
            networks,
            service,
            outcomes: outcomes(&members),
            members,
        }
    }

    /// Returns the IP protocol number; 0 where the lines say none.
    pub fn proto(&self) -> u8 {
        self.key.proto.unwrap_or_default()
    }

    /// The IP protocol number of all its lines, where they have one: a scan of protocols without ports may have several.
    pub fn only_proto(&self) -> Option<u8> {
        let mut protos = self.members.iter().map(|seen| seen.key.proto);
        let first = protos.next()?;
        first.filter(|_| protos.all(|proto| proto == first))
    }

    /// Returns the address family, and so the tool that writes its rules.
    pub const fn family(&self) -> Family {
        if self.key.v6 { Family::V6 } else { Family::V4 }
    }

    /// Whether it is TCP.
    pub fn is_tcp(&self) -> bool {
        self.key.proto == Some(proto::TCP)
    }

    /// Whether it is UDP.
    pub fn is_udp(&self) -> bool {
        self.key.proto == Some(proto::UDP)
    }

    /// Whether it is ICMP, of either family.
    pub fn is_icmp(&self) -> bool {
        matches!(self.key.proto, Some(proto::ICMP | proto::ICMPV6))
    }

    /// Whether its packets are of no special kind, so that the flows decide.
    pub fn is_plain(&self) -> bool {
        self.key.kind == Kind::Plain
    }

    /// Returns the service port: DPT of an original flow, SPT of a reply.
    pub fn port(&self) -> Option<u16> {
        match self.key.ports {
            Ports::Service { port, .. } if self.key.direction != Direction::Unknown => Some(port),
            _ => None,
        }
    }

    /// Returns the port of a plain flow towards a service on this node.
    pub fn requested(&self) -> Option<u16> {
        (self.is_plain() && self.key.direction == Direction::Original && self.key.scanner.is_none())
            .then(|| self.port())
            .flatten()
    }

    /// Whether it is the return traffic of a service on the peer.
    pub fn is_reply(&self) -> bool {
        self.key.direction == Direction::Reply
    }

    /// Whether its lines go to port after port of this node, one line to each, and could as well be answers.
    pub fn is_sweep(&self) -> bool {
        self.is_plain() && self.key.direction == Direction::Unknown && self.key.ports == Ports::None
    }

    /// Returns all ports that reports show, in ascending order.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = match self.key.ports {
            Ports::Service { port, .. } => vec![port],
            Ports::Pair { spt, dpt } => vec![spt, dpt],
            Ports::None if self.key.scanner.is_some() || self.is_sweep() => {
                (self.members.iter()).flat_map(Seen::local_ports).collect()
            }
            Ports::None => Vec::new(),
        };
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Returns the documented rule of the node's role that would accept it.
    pub fn documented(&self) -> Option<&'static DocumentedRule> {
        let dpt = self.requested()?;
        let dhcp = || {
            let answers = self
                .marks()
                .any(|mark| catalog::is_dhcp_reply(self.proto(), mark.port, dpt));
            catalog::dhcp_reply_rule().filter(|_| answers)
        };
        catalog::documented(self.role, self.proto(), dpt).or_else(dhcp)
    }

    /// Counts the lines whose flags satisfy `test`.
    pub fn lines_with(&self, test: impl Fn(TcpFlags) -> bool) -> u64 {
        self.flags
            .iter()
            .filter(|(flags, _)| test(*flags))
            .map(|(_, lines)| lines)
            .sum()
    }

    /// Returns the lines one by one, as many as were kept, each with the port that is not the service's.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + use<'_, 'a> {
        self.members.iter().flat_map(|seen| self.marks_of(seen))
    }

    /// Returns the lines of a member, as [`Self::marks`] has them.
    fn marks_of(&self, seen: &Seen<'a>) -> impl Iterator<Item = Mark> + use<'a> {
        let dpt = match seen.key.ports {
            Ports::Pair { dpt, .. } if self.is_reply() => Some(dpt),
            _ => None,
        };
        seen.marks.iter().map(move |mark| Mark {
            port: dpt.unwrap_or(mark.port),
            ..*mark
        })
    }

    /// Returns the lines by peer, as [`Self::marks`] returns them: one service on each peer, over all ports and
    /// interfaces.
    pub fn marks_by_peer(&self) -> Vec<(IpAddr, Vec<Mark>)> {
        let mut members: Vec<&Seen<'a>> = self.members.iter().collect();
        members.sort_by_key(|seen| seen.key.peer);
        let by_peer = members.chunk_by(|one, other| one.key.peer == other.key.peer);
        let marks = |own: &[&Seen<'a>]| own.iter().flat_map(|seen| self.marks_of(seen)).collect();
        by_peer.map(|own| (own[0].key.peer, marks(own))).collect()
    }

    /// Whether peers or ports were folded into it.
    pub fn is_folded(&self) -> bool {
        (self.members.iter()).any(|seen| seen.flow.folded != Folded::No)
    }

    /// Returns the network that `peer` stands for, if peers were folded into it.
    pub fn network_of(&self, peer: IpAddr) -> Option<IpNet> {
        let is_apart = self.peers.contains(&peer);
        let mut networks = self.networks.iter().copied();
        networks.find(|net| net.network() == peer && !is_apart)
    }

    /// Returns the peers among those that `may`, in order, that come back: three attempts or more over more than a
    /// minute. A network that peers were folded into counts as one: it may have one in it that does.
    pub fn returning(&self, may: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
        let peers = self.marks_by_peer().into_iter();
        let back = peers.filter(|(peer, marks)| {
            let attempts = begins(marks.iter().map(|mark| (mark.port, mark.time)));
            may(*peer) && comes_back(&attempts)
        });
        back.map(|(peer, _)| peer).collect()
    }

    /// Returns the ports on the other side, from the lowest to the highest.
    pub fn other_ports(&self) -> Option<(u16, u16)> {
        let mut ports = self.marks().map(|m| m.port);
        let first = ports.next()?;
        Some(ports.fold((first, first), |(lowest, highest), port| {
            (lowest.min(port), highest.max(port))
        }))
    }

    /// Returns the earliest line.
    pub fn sample(&self) -> &'a str {
        self.members
            .iter()
            .map(|seen| seen.flow)
            .min_by_key(|flow| (flow.first, &flow.detail.sample))
            .map_or("", |flow| &flow.detail.sample)
    }
}

/// Counts the connection attempts of flows towards this node: for TCP the 5-tuples without their retransmits, otherwise
/// the distinct 5-tuples. A packet of a connection that is older than the rules counts as well: the port is in use.
fn attempts_of(key: &GroupKey, members: &[Seen<'_>]) -> u64 {
    let count = |marks: &[Mark]| {
        if key.proto == Some(proto::TCP) {
            return attempts(marks);
        }
        let mut ports: Vec<u16> = marks.iter().map(|mark| mark.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.len() as u64
    };
    // The SYN and the data of one 5-tuple may be two flows.
    let service = |seen: &Seen<'_>| match seen.key.ports {
        Ports::Pair { dpt, .. } => Some(dpt),
        Ports::Service { port, .. } => Some(port),
        Ports::None => None,
    };
    let mut members: Vec<(IpAddr, Option<u16>, &[Mark])> = members
        .iter()
        .map(|seen| (seen.key.peer, service(seen), seen.marks))
        .collect();
    members.sort_by_key(|(peer, port, _)| (*peer, *port));
    let alike = members.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1));
    alike
        .map(|own| match own {
            [(_, _, marks)] => count(marks),
            own => {
                let all: Vec<Mark> = own.iter().flat_map(|(.., marks)| *marks).copied().collect();
                count(&all)
            }
        })
        .sum()
}

/// What the members' outcomes add up to; of most groups it is that of one flow, and shared with it.
fn outcomes(members: &[Seen<'_>]) -> Option<Arc<ChainOutcomes>> {
    let mut known = members
        .iter()
        .filter_map(|seen| seen.flow.detail.outcomes.as_ref());
    let mut sum = known.next()?.clone();
    known.for_each(|more| Arc::make_mut(&mut sum).absorb(more));
    Some(sum)
}

fn sum<T: Copy + Ord>(entries: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut table: Vec<(T, u64)> = Vec::new();
    for (key, lines) in entries {
        match table.binary_search_by_key(&key, |(known, _)| *known) {
            Ok(at) => table[at].1 += lines,
            Err(at) => table.insert(at, (key, lines)),
        }
    }
    table
}
