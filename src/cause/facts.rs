//! Tests that several causes share, each with its fact in words.

use std::fmt::{self, Write};

use super::Evidence;
use super::group::Group;
use super::restarts::Restart;
use super::scene::Scene;
use crate::catalog::{self, DocumentedRule, Reach, Role};
use crate::error::printable_name;
use crate::flow::{Direction, EPHEMERAL, Kind};
use crate::net::is_private;
use crate::site::Zone;
use crate::time::MINUTE;

/// `1 attempt`, `2 attempts`.
pub(super) fn count(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

/// Returns a length of time in words, to the second or the minute.
pub(super) fn lasting(micros: i64) -> String {
    let seconds = micros / crate::time::SECOND;
    if micros < 2 * MINUTE {
        format!("{seconds} s")
    } else {
        format!("{} min", seconds / 60)
    }
}

/// Returns the port of a request to this node; otherwise records the direction of the lines as evidence.
pub(super) fn requested(group: &Group<'_>, evidence: &mut Evidence) -> Option<u16> {
    let port = group.requested();
    if port.is_none() {
        evidence.test("is-request", false, || direction(group));
    }
    port
}

/// Whether the lines are return traffic; otherwise records their direction as evidence.
pub(super) fn is_reply(group: &Group<'_>, evidence: &mut Evidence) -> bool {
    group.is_reply() || evidence.test("is-reply", false, || direction(group))
}

/// Describes the direction of the lines, and the sign that settled it.
fn direction(group: &Group<'_>) -> String {
    match (group.key.kind, group.key.direction, group.port()) {
        (Kind::SynAck, ..) => "an answer to a SYN of this node".to_owned(),
        (Kind::Plain, Direction::Original, Some(port)) => {
            format!("a request to port {port} of this node")
        }
        (Kind::Plain, Direction::Reply, Some(port)) => {
            format!("return traffic of port {port} of the peer")
        }
        (Kind::Plain, Direction::Unknown, _) => {
            "nothing shows whether it is a request or return traffic".to_owned()
        }
        _ => "not a request to one port of this node".to_owned(),
    }
}

/// Whether the lines open connections; records their flags as evidence.
pub(super) fn opens_connection(group: &Group<'_>, evidence: &mut Evidence) -> bool {
    let (all, syns) = (group.logged, group.lines_with(|f| f.is_syn()));
    evidence.test("opens-connection", syns > 0, || {
        if syns > 0 {
            format!("{syns} of {} SYN without ACK", lines_are(all))
        } else {
            format!("none of {} a SYN: {}", lines_are(all), flags(group))
        }
    })
}

/// `19 lines are`, `1 line is`.
pub(super) fn lines_are(lines: u64) -> String {
    if lines == 1 {
        "1 line is".to_owned()
    } else {
        format!("{lines} lines are")
    }
}

/// Returns the lines by their flags, the most frequent first.
fn flags(group: &Group<'_>) -> String {
    let mut table = group.flags.clone();
    table.sort_by_key(|(flags, lines)| (std::cmp::Reverse(*lines), *flags));
    let shown: Vec<String> = table
        .iter()
        .take(4)
        .map(|(flags, lines)| match flags.to_string().as_str() {
            "" => format!("{lines} without flags"),
            names => format!("{lines} {names}"),
        })
        .collect();
    shown.join(", ")
}

/// Whether the service runs on the peer, as the catalogue knows it.
pub(super) fn service_on_peer(group: &Group<'_>, evidence: &mut Evidence) -> bool {
    let port = group.port().unwrap_or_default();
    evidence.test("service-on-peer", group.service.is_some(), || {
        match group.service {
            Some(service) => format!("SPT {port} is {}", service.name),
            None => match catalog::common_name(group.proto(), port) {
                Some(name) => format!("SPT {port} is {name}"),
                None => format!(
                    "no list mentions SPT {port}; the other flows show that the service is there"
                ),
            },
        }
    })
}

/// Records whether the lines go to ports that clients use.
pub(super) fn to_client_ports(group: &Group<'_>, evidence: &mut Evidence) {
    if evidence.is_silent() {
        return;
    }
    let (lowest, highest) = group.other_ports().unwrap_or_default();
    evidence.test("ephemeral-dpt", lowest > EPHEMERAL, || {
        if lowest == highest {
            format!("DPT {lowest} is a client's port, above {EPHEMERAL}")
        } else {
            format!("DPT {lowest} to {highest} are clients' ports, above {EPHEMERAL}")
        }
    });
}

/// Whether the lines have stopped while the log went on.
pub(super) fn stopped(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let (quiet, unlogged) = scene.quiet(group);
    let settle = scene.site.settle;
    evidence.test("stopped", quiet >= settle, || {
        if !group.last.is_known() {
            "the log has no times that would show it".to_owned()
        } else if quiet >= settle {
            format!("quiet for the last {}", lasting(quiet))
        } else if unlogged > 0 {
            format!(
                "the logs show {} after the last line, and {} between two of them are missing",
                lasting(quiet),
                lasting(unlogged)
            )
        } else {
            format!("the log ends {} after the last line", lasting(quiet))
        }
    })
}

/// Whether a rule is documented for the role of the node.
pub(super) fn documented_for_role(
    group: &Group<'_>,
    rule: Option<&DocumentedRule>,
    evidence: &mut Evidence,
) -> bool {
    evidence.test("documented", rule.is_some(), || match rule {
        Some(rule) => format!("documented for {}: {}", group.role, rule.comment),
        None => format!("not documented for {}", group.role),
    })
}

/// Whether the role is among `roles`, said as where a service is documented or runs.
pub(super) fn roles(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.code()).collect();
    names.join(", ")
}

/// Whether at least `least` connections were attempted; records their number and time span.
pub(super) fn attempts(group: &Group<'_>, least: u64, evidence: &mut Evidence) -> bool {
    evidence.test("attempts", group.attempts >= least, || {
        let span = group.last.since(group.first);
        if group.attempts > 1 && span > 0 {
            format!("{} in {}", count(group.attempts, "attempt"), lasting(span))
        } else {
            count(group.attempts, "attempt")
        }
    })
}

/// Whether the peers are inside.
pub(super) fn from_inside(group: &Group<'_>, evidence: &mut Evidence) -> bool {
    evidence.test("from-inside", group.key.zone != Zone::Outside, || {
        let many = if group.peers.len() == 1 { "is" } else { "are" };
        let peers = peers(group, 3);
        match group.key.zone {
            Zone::Pod => format!("{peers} {many} in the pod network"),
            Zone::Inside => format!("{peers} {many} inside"),
            Zone::Outside => {
                format!("{peers} {many} no cluster node and outside the nodes' network")
            }
        }
    })
}

/// Whether the peers may use a port that the lists know: any source where the sources are `any`. Where only nodes use
/// it, an outsider may not, but a private address that comes back may be a node of another subnet.
pub(super) fn may_ask(group: &Group<'_>, evidence: &mut Evidence) -> bool {
    let nodes_alone =
        (group.port()).is_some_and(|port| catalog::reach(group.proto(), port) == Reach::Nodes);
    if group.key.zone != Zone::Outside || !nodes_alone {
        return true;
    }
    let returning = group.returning(is_private);
    evidence.test("may-ask", !returning.is_empty(), || {
        let peers = peers(group, 3);
        if returning.is_empty() {
            return format!("only the cluster's nodes use this port, and {peers} is outside");
        }
        let few = returning.iter().take(3).map(|peer| {
            let network = group.network_of(*peer);
            network.map_or_else(|| peer.to_string(), |net| net.to_string())
        });
        let few: Vec<String> = few.collect();
        format!(
            "only the cluster's nodes use this port, but {} is private and came back: if a node is there, say so with --node-net \
             or --cluster",
            few.join(", ")
        )
    })
}

/// Returns the first `most` peers.
pub(super) fn peers(group: &Group<'_>, most: usize) -> String {
    let peers = group.peers.iter().map(|peer| peer as &dyn fmt::Display);
    let networks = group.networks.iter().map(|net| net as &dyn fmt::Display);
    let mut shown = String::new();
    for peer in peers.chain(networks).take(most) {
        let comma = if shown.is_empty() { "" } else { ", " };
        let _ = write!(shown, "{comma}{peer}");
    }
    let all = group.peers.len() + group.networks.len();
    if all > most {
        let _ = write!(shown, ", {} more", all - most);
    }
    shown
}

/// Records whether no list mentions the port, and the row of an old list or a wide range that does.
pub(super) fn unlisted(group: &Group<'_>, port: u16, evidence: &mut Evidence) {
    use crate::catalog::{Standing, rows};
    if evidence.is_silent() {
        return;
    }
    let row = rows(group.proto(), port).next();
    evidence.test(
        "unlisted",
        row.is_none_or(|r| r.standing != Standing::Current),
        || match row {
            None => format!("no list mentions port {port}"),
            Some(row) if row.note.is_empty() => format!("{} ({})", row.name, row.source),
            Some(row) => format!("{}: {}", row.name, row.note),
        },
    );
}

/// Whether the service was restarted: other nodes lost connections at the same time, or the log of its own node shows a
/// boot.
pub(super) fn service_restarted(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) {
    let Some(port) = group.port().filter(|_| !evidence.is_silent()) else {
        return;
    };
    let seen_elsewhere = scene.restarts.iter().filter(|restart| {
        restart.port == port
            && restart.nodes.contains(&group.key.node)
            && group.peers.binary_search(&restart.peer).is_ok()
    });
    let elsewhere: Vec<_> = seen_elsewhere.collect();
    let by_time = |restart: &&&Restart| (restart.from, restart.peer);
    let first = elsewhere.iter().min_by_key(by_time);
    let last = elsewhere.iter().max_by_key(by_time);
    if let (Some(first), Some(last)) = (first, last) {
        evidence.test("service-restarted", true, || {
            let name = scene
                .node_of(first.peer)
                .map_or_else(|| first.peer.to_string(), printable_name);
            let nodes = elsewhere
                .iter()
                .flat_map(|r| &r.nodes)
                .collect::<std::collections::BTreeSet<_>>();
            format!(
                "{name} tore down connections of port {port} with {} nodes between {} and {}",
                nodes.len(),
                first.from.clock(),
                last.to.clock()
            )
        });
    }
}
