//! Peers that try port after port: [`Scan`].

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::catalog::{Role, listed};
use crate::flow::{Direction, FlowKey, Folded, Kind, Ports, Seen};
use crate::time::{MINUTE, Time};

/// So many distinct ports make a scan.
pub const SCAN_PORTS: usize = 5;
/// Within so many microseconds.
pub const SCAN_WINDOW: i64 = 5 * MINUTE;

/// A peer that scans.
#[derive(Debug)]
pub struct Scan {
    /// The distinct (protocol, port) that it tried and that no list names.
    pub ports: usize,
    /// Whether it tried more, which are not told apart.
    pub more: bool,
    /// On how many nodes.
    pub nodes: usize,
    /// The most of them within [`SCAN_WINDOW`].
    pub at_once: usize,
}

/// The peers that scan.
pub type Scans = HashMap<IpAddr, Scan, RandomState>;

/// A port that a peer tried: its protocol, and itself.
type Port = (Option<u8>, u16);

/// A flow to a port that no list names, and that port.
struct Tried<'a> {
    peer: IpAddr,
    seen: &'a Seen<'a>,
    port: Port,
}

/// The peers that scan, by `flows` and their directions. Cluster nodes, as `is_cluster_node` knows them, never do.
pub(super) fn scanners(
    flows: &[Seen<'_>],
    directions: &[(Direction, Ports)],
    is_cluster_node: impl Fn(IpAddr) -> bool,
) -> Scans {
    let mut tried = Vec::new();
    for (seen, (direction, _)) in flows.iter().zip(directions) {
        let (key, flow) = (seen.key, seen.flow);
        let Some(dpt) = destination(&key) else {
            continue;
        };
        let number = key.proto.unwrap_or_default();
        if flow.folded == Folded::Peers || !listed(Role::default(), number, dpt).unlisted {
            continue;
        }
        if can_scan(&key, *direction) && !is_cluster_node(key.peer) {
            let port = (key.proto, dpt);
            let peer = key.peer;
            tried.push(Tried { peer, seen, port });
        }
    }
    tried.sort_unstable_by_key(|tried| tried.peer);
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

/// What one peer `tried`, where that is a scan.
fn scan(tried: &[Tried<'_>]) -> Option<Scan> {
    // Most peers try one port or two.
    if tried.len() < SCAN_PORTS {
        return None;
    }
    let mut ports: Vec<Port> = tried.iter().map(|tried| tried.port).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.len() < SCAN_PORTS {
        return None;
    }
    let at_once = most_at_once(tried, &ports);
    let mut nodes: Vec<u16> = tried.iter().map(|tried| tried.seen.key.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    (at_once >= SCAN_PORTS).then_some(Scan {
        ports: ports.len(),
        more: false,
        nodes: nodes.len(),
        at_once,
    })
}

/// Whether a flow of this direction can belong to a scan.
pub(super) fn can_scan(key: &FlowKey, direction: Direction) -> bool {
    matches!(key.kind, Kind::Plain | Kind::BogusFlags)
        && direction != Direction::Reply
        && key.ports != Ports::None
}

/// The port on this node that a flow goes to, if it does.
fn destination(key: &FlowKey) -> Option<u16> {
    match key.ports {
        Ports::Service { port, reply: false } => Some(port),
        Ports::Pair { dpt, .. } => Some(dpt),
        _ => None,
    }
}

/// The most distinct ones of `ports`, which are in order, that were tried within [`SCAN_WINDOW`].
fn most_at_once(tried: &[Tried<'_>], ports: &[Port]) -> usize {
    let mut events: Vec<(Time, usize)> = Vec::new();
    for Tried { seen, port, .. } in tried {
        let at = ports.partition_point(|other| other < port);
        events.extend(seen.marks.iter().map(|mark| (mark.time, at)));
    }
    events.sort_unstable();
    // How many lines of each port lie within the window, and of how many ports there are any.
    let mut lines = vec![0_usize; ports.len()];
    let (mut from, mut inside, mut most) = (0, 0, 0);
    for &(time, at) in &events {
        inside += usize::from(lines[at] == 0);
        lines[at] += 1;
        while time.since(events[from].0) > SCAN_WINDOW {
            let (_, left) = events[from];
            lines[left] -= 1;
            inside -= usize::from(lines[left] == 0);
            from += 1;
        }
        most = most.max(inside);
    }
    most
}
