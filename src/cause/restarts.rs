//! Services that were restarted, as their clients' nodes saw it: replies that end connections, by the service that sent
//! them.
//!
//! One restart shows on every node that had a connection to the service; waves of restarts of several services on
//! several nodes are what an upgrade looks like.

use std::collections::BTreeSet;
use std::net::IpAddr;

use smallvec::{SmallVec, smallvec};

use crate::flow::{Direction, Kind, Mark, Ports, Seen};
use crate::time::{MINUTE, Time};

/// Ends of connections that follow each other within so many microseconds belong to one restart.
const ONE_RESTART: i64 = 2 * MINUTE;
/// Restarts that follow each other within so many microseconds belong to one wave: between two nodes an upgrade drains
/// and boots.
const ONE_WAVE: i64 = 15 * MINUTE;
/// A wave has restarts of so many services, of so many nodes or seen by so many.
const SERVICES: usize = 2;
const NODES: usize = 2;

/// A service whose connections were torn down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Where the service runs.
    pub peer: IpAddr,
    pub port: u16,
    pub from: Time,
    pub to: Time,
    /// The nodes that saw it, in order.
    pub nodes: SmallVec<[u16; 4]>,
}

/// Restarts that look like an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    pub from: Time,
    pub to: Time,
    pub ports: BTreeSet<u16>,
    /// Where the services run.
    pub peers: BTreeSet<IpAddr>,
    /// The nodes that saw it.
    pub nodes: BTreeSet<u16>,
}

/// What one flow tells of ends of connections: who sent them, from which port, which node saw them, and its lines.
struct Ends<'a> {
    peer: IpAddr,
    port: u16,
    node: u16,
    marks: &'a [Mark],
}

impl Ends<'_> {
    fn service(&self) -> (IpAddr, u16) {
        (self.peer, self.port)
    }
}

/// The restarts that `flows` show, by their directions and ports.
pub(super) fn restarts(flows: &[Seen<'_>], directions: &[(Direction, Ports)]) -> Vec<Restart> {
    let replies = flows.iter().zip(directions).filter_map(|(seen, settled)| {
        let (Direction::Reply, Ports::Service { port, .. }) = *settled else {
            return None;
        };
        (seen.key.kind == Kind::Plain).then_some(Ends {
            peer: seen.key.peer,
            port,
            node: seen.key.node,
            marks: seen.marks,
        })
    });
    of_ends(replies.collect())
}

fn of_ends(mut ends: Vec<Ends<'_>>) -> Vec<Restart> {
    ends.sort_unstable_by_key(Ends::service);
    let mut found: Vec<Restart> = Vec::new();
    let mut seen: Vec<(Time, u16)> = Vec::new();
    for own in ends.chunk_by(|one, other| one.service() == other.service()) {
        let (peer, port) = own[0].service();
        seen.clear();
        for ends in own {
            let marks = ends.marks.iter();
            let marks = marks.filter(|mark| mark.teardown && mark.time.is_dated());
            seen.extend(marks.map(|mark| (mark.time, ends.node)));
        }
        // A flow's lines mostly come in order already.
        seen.sort();
        for &(time, node) in &seen {
            match found.last_mut() {
                Some(last)
                    if last.port == port
                        && last.peer == peer
                        && time.since(last.to) <= ONE_RESTART =>
                {
                    last.to = time;
                    if let Err(at) = last.nodes.binary_search(&node) {
                        last.nodes.insert(at, node);
                    }
                }
                _ => found.push(Restart {
                    peer,
                    port,
                    from: time,
                    to: time,
                    nodes: smallvec![node],
                }),
            }
        }
    }
    found.sort_unstable_by_key(|restart| (restart.from, restart.peer, restart.port));
    found
}

/// The waves among `restarts`, which are in the order of time.
pub(super) fn waves(restarts: &[Restart]) -> Vec<Wave> {
    let mut waves = Vec::new();
    let mut begin = 0;
    let mut to = restarts.first().map_or(Time::UNKNOWN, |first| first.to);
    for (at, restart) in restarts.iter().enumerate() {
        if restart.from.since(to) > ONE_WAVE {
            waves.extend(wave(&restarts[begin..at], to));
            begin = at;
        }
        to = to.max(restart.to);
    }
    waves.extend(wave(&restarts[begin..], to));
    waves
}

/// Restarts that follow each other until `to`, where they are of so many services and nodes.
fn wave(restarts: &[Restart], to: Time) -> Option<Wave> {
    let from = restarts.first()?.from;
    let ports: BTreeSet<u16> = restarts.iter().map(|restart| restart.port).collect();
    if ports.len() < SERVICES {
        return None;
    }
    let peers: BTreeSet<IpAddr> = restarts.iter().map(|restart| restart.peer).collect();
    let nodes: BTreeSet<u16> = (restarts.iter())
        .flat_map(|restart| restart.nodes.iter().copied())
        .collect();
    (peers.len().max(nodes.len()) >= NODES).then_some(Wave {
        from,
        to,
        ports,
        peers,
        nodes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    /// From a peer and its port, at a second, on a node.
    type End = (u8, u16, i64, u16);

    fn restarts<const N: usize>(ends: [End; N]) -> Vec<Restart> {
        let marks = ends.map(|(.., second, _)| Mark {
            port: 40_000,
            time: Time(second * SECOND),
            opens: false,
            teardown: true,
        });
        let ends = ends.iter().zip(&marks);
        let ends = ends.map(|(&(peer, port, _, node), mark)| Ends {
            peer: IpAddr::from([192, 168, 122, peer]),
            port,
            node,
            marks: std::slice::from_ref(mark),
        });
        of_ends(ends.collect())
    }

    #[test]
    fn services_of_two_nodes_make_a_wave() {
        let ends = [(61, 10250, 100, 2), (61, 10250, 101, 3), (62, 6443, 400, 1)];
        let restarts = restarts(ends);
        assert_eq!(restarts.len(), 2);
        assert_eq!(restarts[0].nodes[..], [2, 3]);
        let waves = waves(&restarts);
        assert_eq!(waves.len(), 1);
        assert_eq!(
            (waves[0].from, waves[0].to),
            (Time(100 * SECOND), Time(400 * SECOND))
        );
    }

    #[test]
    fn one_service_or_one_node_makes_none() {
        let one_service = [(61, 6443, 100, 2), (62, 6443, 130, 1)];
        let one_node = [(61, 6443, 100, 2), (61, 10250, 130, 2)];
        assert!(waves(&restarts(one_service)).is_empty());
        assert!(waves(&restarts(one_node)).is_empty());
    }
}
