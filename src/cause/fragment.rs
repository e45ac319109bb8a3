//! A later fragment of an IP packet: it has no ports.

use super::{Cause, Evidence, Example, Verdict};
use super::{group::Group, scene::Scene};
use crate::flow::Kind;

pub(super) static FRAGMENT: Cause = Cause {
    code: "fragment",
    verdict: Verdict::Review,
    summary: "a later fragment of a packet, which has no ports",
    brief: "a later fragment, which has no ports",
    what: "Only the first fragment of a packet has the ports. IPv4 is put together before INPUT, and IPv6 too where conntrack \
           is loaded; so a line like this shows an IPv6 path without conntrack.",
    told: "FRAG with an offset above 0.",
    todo: "Judge the first fragment, which is a line of its own. Check that conntrack runs for IPv6 on the node.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=fd00:0000:0000:0000:0000:0000:0000:0063 DST=fd00:0000:0000:0000:0000:0000:0000:0061 LEN=64 TC=0 HOPLIMIT=64 FLOWLBL=0 FRAG:800 ID:deadbeef PROTO=UDP",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=110 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=33521 DPT=8472 LEN=90",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let later = group.key.kind == Kind::Fragment;
    evidence.test("later-fragment", later, || match group.logged {
        _ if !later => "not a later fragment".to_owned(),
        1 => "1 line is a later fragment without ports".to_owned(),
        lines => format!("{lines} lines are later fragments without ports"),
    })
}
