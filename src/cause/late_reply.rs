//! UDP answers that come when conntrack no longer waits for them.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};

pub(super) static LATE_REPLY: Cause = Cause {
    code: "late-reply",
    verdict: Verdict::FalsePositive,
    summary: "a UDP answer that came when conntrack no longer waited for it",
    brief: "a UDP answer that came too late",
    what: "Conntrack waits 30 s for the answer to a UDP request (120 s once answers flow). An answer that comes later, or after \
           the table was lost, matches nothing and is dropped. The client asks again.",
    told: "SPT is the port of a UDP service, DPT a client's port above 1023; of NTP both may be 123.",
    todo: "Nothing: no rule is missing. If such lines keep coming, the service answers slowly: look at the DNS or NTP server.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.1 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40000 LEN=100",
            rules: None,
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.5 DST=192.168.122.61 LEN=76 TOS=0x00 PREC=0x00 TTL=55 ID=1 PROTO=UDP SPT=123 DPT=123 LEN=56",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=110 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=33521 DPT=8472 LEN=90",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if !facts::is_reply(group, evidence) {
        return false;
    }
    if group.is_tcp() || !group.is_plain() {
        return evidence.test("is-udp", false, || "not UDP".to_owned());
    }
    facts::service_on_peer(group, evidence);
    facts::to_client_ports(group, evidence);
    facts::stopped(group, scene, evidence);
    true
}
