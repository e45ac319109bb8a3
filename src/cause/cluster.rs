//! Peers that are nodes of the cluster: those with a node's address, and neighbours that answer as only a node does.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::catalog::{is_node_service, is_node_tunnel};
use crate::flow::{Folded, Kind, Ports, Seen};

/// Number of lines that show that a peer answers as a node: a single line may be forged.
const SHOWN_LINES: u64 = 2;

/// Returns the peers that answer from a node's service, or send the tunnel packets of a node, in two lines or more.
/// `is_neighbour` tells whether the peer of a flow is in the subnet of that flow's node, and is no pod.
pub(super) fn answering(
    flows: &[Seen<'_>],
    is_neighbour: impl Fn(&Seen<'_>) -> bool,
) -> Vec<IpAddr> {
    let mut lines: HashMap<IpAddr, u64, RandomState> = HashMap::default();
    for seen in flows.iter().filter(|seen| shows_a_node(seen)) {
        if is_neighbour(seen) {
            *lines.entry(seen.key.peer).or_default() += seen.flow.logged;
        }
    }
    lines.retain(|_, lines| *lines >= SHOWN_LINES);
    let mut peers: Vec<IpAddr> = lines.into_keys().collect();
    peers.sort_unstable();
    peers
}

fn shows_a_node(seen: &Seen<'_>) -> bool {
    let number = seen.key.proto.unwrap_or_default();
    seen.flow.folded != Folded::Peers
        && match (seen.key.kind, seen.key.ports) {
            (Kind::Plain | Kind::SynAck, Ports::Service { port, reply: true }) => {
                is_node_service(number, port)
            }
            (Kind::Plain, Ports::Service { port, reply: false }) => is_node_tunnel(number, port),
            _ => false,
        }
}
