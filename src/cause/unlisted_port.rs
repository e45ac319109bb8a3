//! Repeated attempts from inside at a port that no list mentions.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};

pub(super) static UNLISTED_PORT: Cause = Cause {
    code: "unlisted-port",
    verdict: Verdict::MissingRule,
    summary: "repeated attempts from inside at a port that no list mentions",
    brief: "no list mentions the port, and somebody inside keeps asking",
    what: "Something in the cluster's network keeps asking for a port that neither the documentation nor the catalogue knows: a \
           service of your own on the node, or one that a new version brought.",
    told: "Two attempts or more, summed over the peers, from inside, to a port that no list mentions.",
    todo: "Find out what listens there (`ss -ltnup` on the node). If it is wanted, add the rule for the peers seen; it stands \
           commented out in the script, since only you can know.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:09 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=2 DF PROTO=TCP SPT=40002 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let Some(port) = facts::requested(group, evidence) else {
        return false;
    };
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
    }
    facts::unlisted(group, port, evidence);
    facts::from_inside(group, evidence) && facts::attempts(group, 2, evidence)
}
