//! Answers to this node's own connection attempts that never get in.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::{Kind, bursts};
use crate::time::SECOND;

/// So many SYN-ACKs of one 5-tuple may be lost: lost twice is 3 lines in 2.6 s, then the next SYN heals it (seen on 6.18).
const LOST_LINES: usize = 3;
/// Within so many microseconds.
const LOST_SPAN: i64 = 5 * SECOND;

pub(super) static SYN_ACK: Cause = Cause {
    code: "syn-ack",
    verdict: Verdict::Review,
    summary: "answers to this node's own SYNs are dropped again and again",
    what: "This node opened a connection and the peer accepted, but the answer was dropped. Conntrack should know the \
           connection, so the ESTABLISHED rule should let the answer in.",
    told: "SYN with ACK. Up to 3 lines of one connection within 5 s are conntrack loss, which the next SYN heals; more, or for \
           longer, is this.",
    todo: "Check that the ESTABLISHED,RELATED rule is the first of the chain. Then check the path: if the SYN leaves by \
           another interface, or another node forwards it, conntrack here never saw it.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:02 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:04 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0
Apr 22 10:00:08 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=65160 RES=0x00 ACK SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if group.key.kind != Kind::SynAck {
        return evidence.test("is-syn-ack", false, || "not SYN with ACK".to_owned());
    }
    let (mut worst, mut lasting) = ((0, 0), false);
    for (lines, span) in group.members.iter().flat_map(|seen| bursts(seen.marks)) {
        worst = worst.max((lines, span));
        lasting |= lines > LOST_LINES || span > LOST_SPAN;
    }
    facts::service_on_peer(group, evidence);
    evidence.test("answers-keep-coming", lasting, || {
        let (lines, span) = worst;
        format!(
            "up to {} of one connection in {}",
            facts::count(lines as u64, "SYN-ACK"),
            facts::lasting(span)
        )
    })
}
