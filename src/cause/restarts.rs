//! Services that were restarted, as their clients' nodes saw it: replies that end connections, by the service that sent
//! them.
//!
//! One restart shows on every node that had a connection to the service; waves of restarts of several services on
//! several nodes are what an upgrade looks like.

use std::collections::BTreeSet;
use std::net::IpAddr;

use smallvec::SmallVec;

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

/// A service whose connections with several nodes were torn down.
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
    /// On how many machines the services run.
    pub peers: usize,
}

/// Where a service runs, and its port.
type Service = (IpAddr, u16);

/// The lines of one flow that came from a service.
struct Replies<'a> {
    service: Service,
    node: u16,
    marks: &'a [Mark],
}

/// The restarts that several nodes saw, by service and time, and the waves, as `flows` show them by their directions and
/// ports.
pub(super) fn restarts(
    flows: &[Seen<'_>],
    directions: &[(Direction, Ports)],
) -> (Vec<Restart>, Vec<Wave>) {
    let replies = flows.iter().zip(directions).filter_map(|(seen, settled)| {
        let (Direction::Reply, Ports::Service { port, .. }) = *settled else {
            return None;
        };
        (seen.key.kind == Kind::Plain).then_some(Replies {
            service: (seen.key.peer, port),
            node: seen.key.node,
            marks: seen.marks,
        })
    });
    among(replies.collect())
}

/// Ends of connections of one flow that follow each other within [`ONE_RESTART`].
struct Run {
    from: Time,
    /// Its last, or of a run of the same service that began earlier, whichever is later.
    to: Time,
    node: u16,
}

fn among(mut replies: Vec<Replies<'_>>) -> (Vec<Restart>, Vec<Wave>) {
    replies.sort_unstable_by_key(|replies| replies.service);
    let (mut found, mut stretches) = (Vec::new(), Vec::new());
    // What lies within a run breaks none of the service's, so that a run of a flow stands for its lines.
    let mut own_runs = Vec::new();
    let mut ends = Vec::new();
    for own in replies.chunk_by(|one, other| one.service == other.service) {
        own_runs.clear();
        for Replies { node, marks, .. } in own {
            ends.clear();
            let marks = marks.iter();
            let marks = marks.filter(|mark| mark.teardown && mark.time.is_dated());
            ends.extend(marks.map(|mark| mark.time));
            if !ends.is_sorted() {
                ends.sort_unstable();
            }
            let runs = ends.chunk_by(|one, other| other.since(*one) <= ONE_RESTART);
            own_runs.extend(runs.map(|run| Run {
                from: run[0],
                to: run[run.len() - 1],
                node: *node,
            }));
        }
        own_runs.sort_unstable_by_key(|run| run.from);
        let mut latest = Time::UNKNOWN;
        for run in &mut own_runs {
            latest = latest.max(run.to);
            run.to = latest;
        }
        let service = own[0].service;
        let several = |own: &&[Run]| own.iter().any(|run| run.node != own[0].node);
        let restarts = joined(&own_runs, ONE_RESTART).filter(several);
        found.extend(restarts.map(|own| restart(service, own)));
        // Restarts of one service that follow each other are of one wave, and there are far fewer stretches of them.
        stretches.extend(joined(&own_runs, ONE_WAVE).map(|own| restart(service, own)));
    }
    (found, waves(stretches))
}

/// Those of `runs`, which are in the order of time, without a longer pause between them than `pause`.
fn joined(runs: &[Run], pause: i64) -> impl Iterator<Item = &[Run]> {
    runs.chunk_by(move |one, other| other.from.since(one.to) <= pause)
}

/// What runs, of which there is one at least, say of a service.
fn restart((peer, port): Service, runs: &[Run]) -> Restart {
    let mut nodes = SmallVec::new();
    for Run { node, .. } in runs {
        if let Err(at) = nodes.binary_search(node) {
            nodes.insert(at, *node);
        }
    }
    Restart {
        peer,
        port,
        from: runs[0].from,
        to: runs[runs.len() - 1].to,
        nodes,
    }
}

/// The waves among `restarts`.
fn waves(mut restarts: Vec<Restart>) -> Vec<Wave> {
    restarts.sort_unstable_by_key(|restart| restart.from);
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
    let peers: BTreeSet<IpAddr> = restarts.iter().map(|restart| restart.peer).collect();
    let nodes: BTreeSet<u16> = (restarts.iter())
        .flat_map(|restart| restart.nodes.iter().copied())
        .collect();
    let wave = ports.len() >= SERVICES && peers.len().max(nodes.len()) >= NODES;
    wave.then_some(Wave {
        from,
        to,
        ports,
        peers: peers.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    /// What ends of connections show: of a peer and its port, at a second, on a node.
    fn shown<const N: usize>(ends: [(u8, u16, i64, u16); N]) -> (Vec<Restart>, Vec<Wave>) {
        let marks = ends.map(|(.., second, _)| Mark {
            port: 40_000,
            time: Time(second * SECOND),
            opens: false,
            teardown: true,
        });
        let ends = ends.iter().zip(&marks);
        let ends = ends.map(|(&(peer, port, _, node), mark)| Replies {
            service: (IpAddr::from([192, 168, 122, peer]), port),
            node,
            marks: std::slice::from_ref(mark),
        });
        among(ends.collect())
    }

    #[test]
    fn services_of_two_nodes_make_a_wave() {
        let (restarts, waves) =
            shown([(61, 10250, 100, 2), (61, 10250, 101, 3), (62, 6443, 400, 1)]);
        assert_eq!(restarts.len(), 1);
        assert_eq!(restarts[0].nodes[..], [2, 3]);
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
        assert!(shown(one_service).1.is_empty());
        assert!(shown(one_node).1.is_empty());
    }

    #[test]
    fn a_restart_ends_after_a_pause_and_a_wave_after_a_longer_one() {
        let (restarts, waves) = shown([
            (61, 6443, 0, 1),
            (61, 6443, 90, 2),
            (62, 10250, 130, 1),
            (61, 6443, 400, 1),
            (61, 6443, 430, 3),
            (62, 10250, 1400, 2),
        ]);
        let span = |from: Time, to: Time| (from.0 / SECOND, to.0 / SECOND);
        let restarts: Vec<_> = restarts.iter().map(|r| span(r.from, r.to)).collect();
        assert_eq!(restarts, [(0, 90), (400, 430)]);
        let waves: Vec<_> = waves.iter().map(|w| span(w.from, w.to)).collect();
        assert_eq!(waves, [(0, 430)]);
    }
}
