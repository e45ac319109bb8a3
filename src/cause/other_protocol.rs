//! Protocols that the documented chain does not mention.

use super::{Cause, Evidence, Example, Verdict};
use super::{group::Group, scene::Scene};
use crate::packet::proto_name;

pub(super) static OTHER_PROTOCOL: Cause = Cause {
    code: "other-protocol",
    verdict: Verdict::Review,
    summary: "a protocol other than TCP, UDP and ICMP, sent to this node",
    brief: "a protocol other than TCP, UDP and ICMP",
    what: "GRE, ESP, SCTP, VRRP and the like. A VRRP line means that something on the node (such as keepalived) listens for \
           the group.",
    told: "The protocol is none of TCP, UDP and ICMP.",
    todo: "If a tunnel or a virtual router of yours ends on this node, open the protocol for its peers. The cluster itself needs \
           none.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.1 DST=192.168.122.61 LEN=100 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=47",
            rules: None,
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=01:00:5e:00:00:12:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.50 DST=224.0.0.18 LEN=40 TOS=0x00 PREC=0xC0 TTL=255 ID=1 PROTO=112",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=01:00:5e:00:00:01:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.1 DST=224.0.0.1 LEN=32 TOS=0x00 PREC=0xC0 TTL=1 ID=0 DF PROTO=2",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let other = group.is_plain() && !group.is_tcp() && !group.is_udp() && !group.is_icmp();
    evidence.test("other-protocol", other, || match group.key.proto {
        Some(number) => format!("the protocol is {}", proto_name(number)),
        None => "the line has no protocol".to_owned(),
    })
}
