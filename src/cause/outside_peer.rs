//! Requests from outside to a port that no list mentions.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::site::Zone;

pub(super) static OUTSIDE_PEER: Cause = Cause {
    code: "outside-peer",
    verdict: Verdict::Review,
    summary: "somebody outside asks for a port that is not for outsiders",
    brief: "asked from outside",
    what: "The peer is no cluster node and not in the nodes' network. Either no list mentions the port, or only the cluster's \
           nodes use it (etcd, the kubelet, VXLAN). The peer may be a monitoring or backup system of yours, or a stranger; the \
           log alone does not show which.",
    told: "The peer is outside, the packet is a request, and its port is unlisted, or documented for the nodes alone. A private \
           address that comes back to a documented port, three attempts or more over more than a minute, may be a node of \
           another subnet: that is documented-port, and its rule waits for your word.",
    todo: "If you know the peer, open the port for its address only. If it is a node, say so: --cluster, or --node-net with its \
           network.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.9 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=40000 DPT=161 LEN=40
Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.9 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let Some(port) = facts::requested(group, evidence) else {
        return false;
    };
    if group.key.zone != Zone::Outside {
        return evidence.test("from-outside", false, || {
            format!("{} is not outside", facts::peers(group, 3))
        });
    }
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
    }
    facts::attempts(group, 1, evidence);
    if group.documented().is_some() {
        facts::may_ask(group, evidence);
    } else {
        facts::unlisted(group, port, evidence);
    }
    facts::from_inside(group, evidence);
    true
}
