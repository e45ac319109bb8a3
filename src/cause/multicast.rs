//! Packets to a multicast group.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::catalog::common_name;
use crate::flow::Kind;

pub(super) static MULTICAST: Cause = Cause {
    code: "multicast",
    verdict: Verdict::LeaveDropped,
    summary: "sent to a multicast group; INPUT logs one only where this node joined it",
    brief: "sent to a multicast group",
    what: "mDNS, SSDP, IGMP and the like are sent to a group. The kernel hands a group's packets to INPUT only where something \
           on the node joined that group (224.0.0.1, all hosts, aside), so a line also says that something here listens.",
    told: "The destination MAC or the destination address is a group's.",
    todo: "Nothing, in most cases: the cluster needs none of these. If a service of yours on the node joined the group, open \
           it on purpose.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=01:00:5e:00:00:fb:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.50 DST=224.0.0.251 LEN=78 TOS=0x00 PREC=0x00 TTL=255 ID=1 PROTO=UDP SPT=5353 DPT=5353 LEN=58",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=01:00:5e:00:00:12:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.50 DST=224.0.0.18 LEN=40 TOS=0x00 PREC=0xC0 TTL=255 ID=1 PROTO=112",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let to_group = group.key.kind == Kind::Multicast;
    evidence.test("to-a-group", to_group, || {
        if !to_group {
            return "not sent to a multicast group".to_owned();
        }
        let name = group.port().and_then(|port| common_name(group.proto(), port));
        let name = name.map_or_else(String::new, |name| format!(" ({name})"));
        format!(
            "{} to a multicast group{name}; something on this node joined it, unless it is 224.0.0.1",
            facts::lines_are(group.logged)
        )
    })
}
