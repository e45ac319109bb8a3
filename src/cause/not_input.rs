//! Lines that a LOG rule wrote outside of INPUT.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::Kind;

pub(super) static NOT_INPUT: Cause = Cause {
    code: "not-input",
    verdict: Verdict::Review,
    summary: "logged in FORWARD or OUTPUT, where no rule of the host firewall applies",
    brief: "logged in FORWARD or OUTPUT, not in INPUT",
    what: "The documented chain hangs in INPUT alone. A line with OUT set was written by a LOG rule in FORWARD (IN and OUT are \
           set) or in OUTPUT (only OUT is): the packet was on its way through this node, or came from it. An ACCEPT in the \
           INPUT chain would change nothing for it.",
    told: "OUT is set, or IN is empty. Its destination is no address of this node.",
    todo: "Find the LOG rule that wrote it: `iptables-save | grep -- -j.LOG`. Give it a prefix of its own, and judge that chain by \
           what it is for.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT=flannel.1 MAC= SRC=192.168.122.63 DST=10.52.1.7 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN= OUT=mgmt-br SRC=192.168.122.61 DST=192.168.122.63 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10250 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10250 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let lines = || facts::count(group.logged, "line");
    evidence.test("not-input", group.key.kind.is_elsewhere(), || {
        match group.key.kind {
            Kind::Forward => format!("FORWARD logged {}: IN and OUT are set", lines()),
            Kind::Output => format!("OUTPUT logged {}: IN is empty", lines()),
            _ => "INPUT logged it: OUT is empty".to_owned(),
        }
    })
}
