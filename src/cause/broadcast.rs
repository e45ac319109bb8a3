//! Packets to all stations on the network.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::catalog::common_name;
use crate::flow::Kind;

pub(super) static BROADCAST: Cause = Cause {
    code: "broadcast",
    verdict: Verdict::LeaveDropped,
    summary: "sent to everybody on the network, not to this node",
    brief: "sent to everybody on the network",
    what: "DHCP requests, NetBIOS and discovery protocols are sent to all. The node does not need them; to open the firewall \
           for them would serve nobody.",
    told: "The destination MAC is ff:ff:ff:ff:ff:ff, or the destination is 255.255.255.255, or it is a DHCP client's request \
           (68 to 67): no node is a DHCP server.",
    todo: "Nothing: leave them dropped.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=ff:ff:ff:ff:ff:ff:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.50 DST=192.168.122.255 LEN=78 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=137 DPT=137 LEN=58",
            rules: None,
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=ff:ff:ff:ff:ff:ff:52:54:00:ab:cd:ea:08:00 SRC=0.0.0.0 DST=255.255.255.255 LEN=328 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=68 DPT=67 LEN=308",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.1 DST=255.255.255.255 LEN=328 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=67 DPT=68 LEN=308",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let everybody = group.key.kind == Kind::Broadcast;
    evidence.test("to-everybody", everybody, || {
        if !everybody {
            return "not sent to everybody".to_owned();
        }
        let name = group
            .port()
            .and_then(|port| common_name(group.proto(), port));
        let name = name.map_or_else(String::new, |name| format!(" ({name})"));
        format!("{} broadcast{name}", facts::lines_are(group.logged))
    })
}
