//! Answers to this node's own connection attempts that are always dropped.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::{Kind, Mark, bursts};
use crate::time::{MINUTE, SECOND};

/// Upper bound on the lines of one 5-tuple's lost SYN-ACK: lost twice is 3 lines in 2.6 s, then the next SYN heals it
/// (seen on 6.18).
const LOST_LINES: usize = 3;
/// Time span of these lines, in microseconds.
const LOST_SPAN: i64 = 5 * SECOND;
/// Number of connections to one service with dropped SYN-ACKs from which they are no accident.
const MANY: usize = 5;
/// Time span, in microseconds, that these connections must exceed.
const MANY_SPAN: i64 = MINUTE;

pub(super) static SYN_ACK: Cause = Cause {
    code: "syn-ack",
    verdict: Verdict::Review,
    summary: "answers to this node's own SYNs are dropped again and again",
    brief: "answers to this node's own SYNs",
    what: "This node opened a connection and the peer accepted, but the answer was dropped. Conntrack should know the \
           connection, so the ESTABLISHED rule should let the answer in.",
    told: "SYN with ACK. Up to 3 lines of one connection within 5 s are conntrack loss, which the next SYN heals; more, or for \
           longer, is this; so are those of five connections or more to one service over more than a minute.",
    todo: "Check that the ESTABLISHED,RELATED rule is the first of the chain. Then check the path: if the SYN leaves by \
           another interface, or another node forwards it, conntrack here never saw it.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:02 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:04 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:08 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0", rules: None },
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:21 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40001 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:41 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40002 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:01:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40003 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:01:21 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40004 WINDOW=65160 RES=0x00 ACK SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if group.key.kind != Kind::SynAck {
        return evidence.test("is-syn-ack", false, || "not SYN with ACK".to_owned());
    }
    let peers = group.marks_by_peer();
    let (mut worst, mut lasting) = ((0, 0), false);
    for (lines, span) in peers.iter().flat_map(|(_, marks)| bursts(marks)) {
        worst = worst.max((lines, span));
        lasting |= lines > LOST_LINES || span > LOST_SPAN;
    }
    facts::service_on_peer(group, evidence);
    let keep_coming = evidence.test("answers-keep-coming", lasting, || {
        let (lines, span) = worst;
        format!(
            "up to {} of one connection in {}",
            facts::count(lines as u64, "SYN-ACK"),
            facts::lasting(span)
        )
    });
    // The LOG limit shows few lines of each connection: so the connections are counted as well.
    let most = peers.iter().map(|(_, marks)| connections(marks)).max();
    let (tuples, span) = most.unwrap_or_default();
    let many = is_many((tuples, span));
    let many = evidence.test("many-connections", many, || {
        format!(
            "{} to one service in {}",
            facts::count(tuples as u64, "connection"),
            facts::lasting(span)
        )
    });
    keep_coming || many
}

/// Whether the answers of one service to many connections of this node were dropped: the chain may lack its ESTABLISHED
/// rule.
pub fn is_established_suspect(group: &Group<'_>) -> bool {
    group.key.kind == Kind::SynAck
        && (group.marks_by_peer().iter()).any(|(_, marks)| is_many(connections(marks)))
}

/// Returns the number of connections that SYN-ACKs of one service answer, and the microseconds from the first line to
/// the last.
fn connections(marks: &[Mark]) -> (usize, i64) {
    let mut ports: Vec<u16> = marks.iter().map(|mark| mark.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let times = || marks.iter().map(|mark| mark.time);
    let span = times().max().zip(times().min());
    (
        ports.len(),
        span.map_or(0, |(last, first)| last.since(first)),
    )
}

const fn is_many((tuples, span): (usize, i64)) -> bool {
    tuples >= MANY && span > MANY_SPAN
}
