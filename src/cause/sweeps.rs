//! Packets of outsiders to port after port, one to each, that could as well be answers: an ACK scan, or the answers of a
//! machine to packets with this node's forged source address (backscatter). The log cannot tell them apart.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::directions::{SWEPT_PORTS, Settled};
use crate::flow::{Direction, Kind, Mark, Ports, Seen};
use crate::packet::{TcpFlags, proto};
use crate::time::MINUTE;

/// A peer of a node, by protocol.
type Peer = (u16, Option<u8>, IpAddr);

/// Marks the flows of outsiders that sweep over this node's ports. `outside` says whether the peer of a flow is one.
pub(super) fn mark(
    flows: &[Seen<'_>],
    settled: &mut [Settled],
    outside: impl Fn(&Seen<'_>) -> bool,
) {
    let mut ports: HashMap<Peer, Vec<u16>, RandomState> = HashMap::default();
    let peer = |seen: &Seen<'_>| (seen.key.node, seen.key.proto, seen.key.peer);
    let bare: Vec<usize> = (0..flows.len())
        .filter(|&at| is_bare(&flows[at], &settled[at]) && outside(&flows[at]))
        .collect();
    for &at in &bare {
        let met = ports.entry(peer(&flows[at])).or_default();
        met.extend(
            flows[at]
                .marks
                .iter()
                .map(|mark| local_port(&flows[at], mark)),
        );
    }
    for met in ports.values_mut() {
        met.sort_unstable();
        let once = met.chunk_by(|one, other| one == other);
        let once = once.filter(|lines| lines.len() == 1).count();
        if once < SWEPT_PORTS {
            met.clear();
        }
    }
    for at in bare {
        if ports
            .get(&peer(&flows[at]))
            .is_some_and(|met| !met.is_empty())
        {
            settled[at].swept = true;
            settled[at].direction = Direction::Unknown;
        }
    }
}

/// Returns the port of this node that a line of a flow of answers, or of an unknown direction, went to.
const fn local_port(seen: &Seen<'_>, mark: &Mark) -> u16 {
    match seen.key.ports {
        Ports::Pair { dpt, .. } => dpt,
        _ => mark.port,
    }
}

/// Whether no line of a flow shows a connection: bare ACK, SYN-ACK, RST or an empty datagram, one to each port.
fn is_bare(seen: &Seen<'_>, settled: &Settled) -> bool {
    if settled.direction == Direction::Original || seen.marks.len() as u64 != seen.flow.logged {
        return false;
    }
    let plain = match settled.kind {
        Kind::Plain => true,
        // Over more than a minute they are judged as dropped answers to this node's SYNs.
        Kind::SynAck => seen.flow.last.since(seen.flow.first) <= MINUTE,
        _ => false,
    };
    let has_ports = !matches!(settled.ports, Ports::None);
    let quiet = |flags: TcpFlags| !flags.contains(TcpFlags::FIN) && !flags.contains(TcpFlags::PSH);
    let with_ports = matches!(seen.key.proto, Some(proto::TCP | proto::UDP));
    plain
        && has_ports
        && with_ports
        && seen.marks.iter().all(|mark| !mark.data)
        && seen.flow.flags().all(|(flags, _)| quiet(flags))
}
