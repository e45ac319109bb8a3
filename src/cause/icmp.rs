//! ICMP, which the documented chain accepts as a whole.

use super::{Cause, Evidence, Example, Verdict};
use super::{group::Group, scene::Scene};
use crate::packet::{proto, proto_name};

pub(super) static ICMP: Cause = Cause {
    code: "icmp",
    verdict: Verdict::MissingRule,
    summary: "ICMP: the documented chain accepts it, this one does not",
    brief: "the documentation accepts ICMP",
    what: "Without ICMP, path MTU discovery fails and large transfers hang. For IPv6, neighbour discovery is ICMPv6: without \
           it the node cannot be reached at all.",
    told: "The protocol is ICMP or ICMPv6, sent to this node; neighbour discovery also where it is sent to a group.",
    todo: "Add the documented rule. Lines of ICMPv6 come from a chain in ip6tables, which the documentation does not set: \
           check who made it.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1",
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
    let icmp = group.is_plain() && group.is_icmp();
    evidence.test("is-icmp", icmp, || {
        if !icmp {
            return match group.key.proto {
                Some(number) => format!("the protocol is {}", proto_name(number)),
                None => "the line has no protocol".to_owned(),
            };
        }
        let name = if group.proto() == proto::ICMP {
            "ICMP"
        } else {
            "ICMPv6"
        };
        let types: Vec<String> = group
            .icmp_types
            .iter()
            .take(4)
            .map(|(t, _)| t.to_string())
            .collect();
        format!("{name} of type {}", types.join(", "))
    })
}
