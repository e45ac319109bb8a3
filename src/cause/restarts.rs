//! Services that were restarted, as their clients' nodes saw it: replies that end connections, by the service that sent
//! them.
//!
//! One restart shows on every node that had a connection to the service; waves of restarts of several services on
//! several nodes are what an upgrade looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

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
    /// The nodes that saw it.
    pub nodes: BTreeSet<u16>,
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

/// One end of a connection: who sent it, from which port, when, and which node saw it.
pub(super) type End = (IpAddr, u16, Time, u16);

/// The restarts that `ends` show.
pub(super) fn restarts(ends: impl Iterator<Item = End>) -> Vec<Restart> {
    let mut by_service: BTreeMap<(IpAddr, u16), Vec<(Time, u16)>> = BTreeMap::new();
    let mut ends = ends.peekable();
    while let Some((peer, port, time, node)) = ends.next() {
        let seen = by_service.entry((peer, port)).or_default();
        seen.push((time, node));
        // They come flow by flow: one look at the table is for many.
        while let Some((.., time, node)) = ends.next_if(|end| (end.0, end.1) == (peer, port)) {
            seen.push((time, node));
        }
    }
    let mut found: Vec<Restart> = Vec::new();
    for ((peer, port), mut seen) in by_service {
        seen.sort_unstable();
        for (time, node) in seen {
            match found.last_mut() {
                Some(last)
                    if (last.peer, last.port) == (peer, port)
                        && time.since(last.to) <= ONE_RESTART =>
                {
                    last.to = time;
                    last.nodes.insert(node);
                }
                _ => found.push(Restart {
                    peer,
                    port,
                    from: time,
                    to: time,
                    nodes: BTreeSet::from([node]),
                }),
            }
        }
    }
    found.sort_by_key(|restart| (restart.from, restart.peer, restart.port));
    found
}

/// The waves among `restarts`, which are in the order of time.
pub(super) fn waves(restarts: &[Restart]) -> Vec<Wave> {
    let mut waves: Vec<Wave> = Vec::new();
    for restart in restarts {
        match waves.last_mut() {
            Some(wave) if restart.from.since(wave.to) <= ONE_WAVE => {
                wave.to = wave.to.max(restart.to);
                wave.ports.insert(restart.port);
                wave.peers.insert(restart.peer);
                wave.nodes.extend(&restart.nodes);
            }
            _ => waves.push(Wave {
                from: restart.from,
                to: restart.to,
                ports: BTreeSet::from([restart.port]),
                peers: BTreeSet::from([restart.peer]),
                nodes: restart.nodes.clone(),
            }),
        }
    }
    waves.retain(|wave| {
        wave.ports.len() >= SERVICES && wave.peers.len().max(wave.nodes.len()) >= NODES
    });
    waves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn end(peer: u8, port: u16, second: i64, node: u16) -> End {
        (
            IpAddr::from([192, 168, 122, peer]),
            port,
            Time(second * SECOND),
            node,
        )
    }

    #[test]
    fn services_of_two_nodes_make_a_wave() {
        let ends = [
            end(61, 10250, 100, 2),
            end(61, 10250, 101, 3),
            end(62, 6443, 400, 1),
        ];
        let restarts = restarts(ends.into_iter());
        assert_eq!(restarts.len(), 2);
        assert_eq!(restarts[0].nodes, BTreeSet::from([2, 3]));
        let waves = waves(&restarts);
        assert_eq!(waves.len(), 1);
        assert_eq!(
            (waves[0].from, waves[0].to),
            (Time(100 * SECOND), Time(400 * SECOND))
        );
    }

    #[test]
    fn one_service_or_one_node_makes_none() {
        let one_service = [end(61, 6443, 100, 2), end(62, 6443, 130, 1)];
        let one_node = [end(61, 6443, 100, 2), end(61, 10250, 130, 2)];
        assert!(waves(&restarts(one_service.into_iter())).is_empty());
        assert!(waves(&restarts(one_node.into_iter())).is_empty());
    }
}
