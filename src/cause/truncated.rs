//! A line that was cut before the last field that judging needs.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::Kind;

pub(super) static TRUNCATED: Cause = Cause {
    code: "truncated",
    verdict: Verdict::Review,
    summary: "the line was cut before the fields that show what it is",
    brief: "the line was cut too early",
    what: "The kernel cuts a line that outgrows its buffer, syslog cuts at its own limit, and a packet may be too short for \
           its header (INCOMPLETE). Ports and flags are then not to be trusted.",
    told: "A TCP line that ends before URGP, a UDP line that ends at DPT, or INCOMPLETE [n bytes].",
    todo: "Look for the same connection in another copy of the log: `journalctl -k -o json` on the node shows a line as long as the \
           kernel wrote it.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=21",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let cut = group.key.kind == Kind::Truncated;
    evidence.test("cut", cut, || {
        let not = if cut { "" } else { "not " };
        format!("{} {not}cut", facts::lines_are(group.logged))
    })
}
