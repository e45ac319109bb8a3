//! Requests from pods to ports that the documentation does not open.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::Direction;
use crate::site::Zone;

pub(super) static POD_NETWORK: Cause = Cause {
    code: "pod-network",
    verdict: Verdict::MissingRule,
    summary: "a request from the pod network, which the documented pod rule accepts",
    brief: "a pod asks, and the documented pod rule accepts that",
    what: "A pod on this node asks the node itself. The documented chain accepts the whole pod network; the page calls that rule \
           optional. Pods on other nodes come with the address of their node, so this rule does not serve them.",
    told: "The source is in the pod network (10.52.0.0/16 unless told), the packet is a request, and its port is not documented.",
    todo: "Add the documented pod rule, or name the port. The page says that the rule is safe to omit.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=10.52.1.7 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8999 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=10.52.1.7 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10250 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let pod = group.key.zone == Zone::Pod
        && group.is_plain()
        && group.key.direction == Direction::Original;
    if !pod {
        return evidence.test("from-pods", false, || {
            "not a request from the pod network".to_owned()
        });
    }
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
    }
    let net = group
        .peers
        .first()
        .and_then(|&peer| scene.zones.pod_cidr(peer));
    evidence.test("from-pods", true, || match net {
        Some(net) => format!("{} is in the pod network {net}", facts::peers(group, 3)),
        None => "the peer is in the pod network".to_owned(),
    });
    evidence.test("optional", true, || {
        "the page calls the rule for the pod network optional".to_owned()
    })
}
