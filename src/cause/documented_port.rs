//! Traffic to a port that the documentation opens for the node's role.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::catalog::{Standing, listed};

pub(super) static DOCUMENTED_PORT: Cause = Cause {
    code: "documented-port",
    verdict: Verdict::MissingRule,
    summary: "traffic to a port that the documentation opens for this role",
    brief: "the documentation opens it for this role",
    what: "The page \"Host Network Security\" accepts this port on nodes of this role, and the chain on this node does not. The \
           documented rules ask for no connection state: so also a packet in the middle of a connection would have passed.",
    told: "DPT is in the role's list, and the packet is a valid one towards this node.",
    todo: "Add the documented rule before the LOG rule, and to the CloudInit resource of the role: the first acts at once and is \
           gone after a reboot, the second acts from the next boot on.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: true,
            log: "Mar 30 04:59:41 harvester1 kernel: HARVESTER_DROP: IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.62 DST=192.168.122.61 LEN=110 TOS=0x00 PREC=0x00 TTL=64 ID=9470 PROTO=UDP SPT=33521 DPT=8472 LEN=90",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let Some(port) = facts::requested(group, evidence) else {
        return false;
    };
    let rule = group
        .documented()
        .filter(|rule| !scene.site.lacks(rule.addon));
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
        facts::attempts(group, 1, evidence);
    }
    if listed(group.role, group.proto(), port).node_ports
        && let Some(service) = group.service.filter(|s| s.standing == Standing::NodePorts)
    {
        evidence.test("node-port", true, || service.note.to_owned());
    }
    facts::documented_for_role(group, rule, evidence) && facts::may_ask(group, evidence)
}
