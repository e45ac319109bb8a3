//! The policy of the list of causes: no other cause explains the lines.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::Direction;

pub(super) static AMBIGUOUS: Cause = Cause {
    code: "ambiguous",
    verdict: Verdict::Review,
    summary: "the log does not show what it is",
    brief: "the log does not show what it is",
    what: "Packets from the middle of a connection whose two ports do not show which side is the service: either this node lacks \
           a rule, or the connection lost its conntrack state.",
    told: "No other cause explains it.",
    todo: "Wait for the next connection: of TCP, its SYN shows the direction. `ss -tuanp` on the node shows who has these ports \
           now.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=54 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=45610 DPT=50051 WINDOW=63 RES=0x00 ACK PSH URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=54 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=45610 DPT=10250 WINDOW=63 RES=0x00 ACK PSH URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
    }
    if group.is_sweep() {
        return sweep(group, evidence);
    }
    let known = group.key.direction != Direction::Unknown;
    evidence.test("direction-known", known, || {
        match (known, &group.ports()[..]) {
            (true, _) => "the direction is known, but nothing shows what it is for".to_owned(),
            (false, [low, high]) => {
                format!("nothing shows whether {low} or {high} is the service's port")
            }
            (false, _) if group.is_folded() => {
                "the ports were not kept, since the log has too many peers: run again on a part of it, with --since and --until"
                    .to_owned()
            }
            (false, _) => "nothing shows the direction".to_owned(),
        }
    });
    true
}

/// Explains why lines to port after port are no replies, and not certainly a scan.
fn sweep(group: &Group<'_>, evidence: &mut Evidence) -> bool {
    let ports = group.ports().len() as u64;
    evidence.test("one-line-each", true, || {
        format!(
            "{} of this node, one line to each: a service answers its clients more than once",
            facts::count(ports, "port")
        )
    });
    evidence.test("direction-known", false, || {
        "it may be an ACK scan, or answers to packets that somebody sent in this node's name"
            .to_owned()
    });
    true
}
