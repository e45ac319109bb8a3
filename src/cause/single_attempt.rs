//! One attempt from inside at a port that no list mentions.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};

pub(super) static SINGLE_ATTEMPT: Cause = Cause {
    code: "single-attempt",
    verdict: Verdict::Review,
    summary: "one attempt at a port that no list mentions",
    brief: "one attempt",
    what: "One connection attempt may be a typing error, a probe or a client that gave up. Retransmits of the same SYN are the \
           same attempt.",
    told: "One 5-tuple within 132 s, from inside, to a port that no list mentions.",
    todo: "Wait: if somebody needs the port, a second attempt will come. The LOG rule is limited, so more may have come than were \
           logged.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:02 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=2 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:09 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=2 DF PROTO=TCP SPT=40002 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let Some(port) = facts::requested(group, evidence) else {
        return false;
    };
    if group.attempts != 1 {
        return evidence.test("one-attempt", false, || {
            facts::count(group.attempts, "attempt")
        });
    }
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
    }
    facts::unlisted(group, port, evidence);
    facts::from_inside(group, evidence);
    facts::attempts(group, 2, evidence);
    true
}
