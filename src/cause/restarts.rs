//! Service restarts as the nodes of their clients saw them: replies that end connections, by the service that sent them.
//!
//! One restart shows on every node that had a connection to the service.

use std::net::IpAddr;

use smallvec::SmallVec;

use super::directions::Settled;
use crate::flow::{Direction, Kind, Mark, Ports, Seen};
use crate::time::{MINUTE, Time};

/// Longest gap, in microseconds, between ends of connections that belong to one restart.
const ONE_RESTART: i64 = 2 * MINUTE;

/// Restart of a service: its connections with several nodes were torn down together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Address on which the service runs.
    pub peer: IpAddr,
    pub port: u16,
    pub from: Time,
    pub to: Time,
    /// The nodes that saw it, in order.
    pub nodes: SmallVec<[u16; 4]>,
}

/// Address and port of a service.
type Service = (IpAddr, u16);

/// The lines of one flow that came from a service.
struct Replies<'a> {
    service: Service,
    node: u16,
    marks: &'a [Mark],
}

/// Returns the restarts that several nodes saw, by service and time.
pub(super) fn restarts(flows: &[Seen<'_>], settled: &[Settled]) -> Vec<Restart> {
    let replies = flows.iter().zip(settled).filter_map(|(seen, settled)| {
        let (Direction::Reply, Ports::Service { port, .. }) = (settled.direction, settled.ports)
        else {
            return None;
        };
        (settled.kind == Kind::Plain).then_some(Replies {
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
    /// Latest end of this run and of all earlier runs of the same service.
    to: Time,
    node: u16,
}

fn among(mut replies: Vec<Replies<'_>>) -> Vec<Restart> {
    replies.sort_unstable_by_key(|replies| replies.service);
    let mut found = Vec::new();
    // Lines within a run never split a restart, so the run of a flow stands for its lines.
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
        let restarts = own_runs.chunk_by(|one, other| other.from.since(one.to) <= ONE_RESTART);
        let restarts = restarts.filter(several);
        found.extend(restarts.map(|own| restart(service, own)));
    }
    found
}

/// Merges the runs of a service, of which there is at least one, into a restart.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    /// Returns the restarts for ends of connections: the peer's last byte, its port, the second, the node.
    fn shown<const N: usize>(ends: [(u8, u16, i64, u16); N]) -> Vec<Restart> {
        let marks = ends.map(|(.., second, _)| Mark {
            port: 40_000,
            time: Time(second * SECOND),
            opens: false,
            teardown: true,
            data: false,
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
    fn a_restart_is_seen_by_two_nodes() {
        let restarts = shown([(61, 10250, 100, 2), (61, 10250, 101, 3), (62, 6443, 400, 1)]);
        assert_eq!(restarts.len(), 1);
        assert_eq!(restarts[0].nodes[..], [2, 3]);
    }

    #[test]
    fn a_restart_ends_after_a_pause() {
        let restarts = shown([
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
    }
}
