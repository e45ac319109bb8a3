//! TCP flags that no stack sends together.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::Kind;

pub(super) static BOGUS_FLAGS: Cause = Cause {
    code: "bogus-flags",
    verdict: Verdict::LeaveDropped,
    summary: "TCP flags that no stack sends together: a probe, or damage",
    brief: "TCP flags that no stack sends together",
    what: "Scanners send flags that make no sense (none, FIN alone, SYN with FIN) to learn from the answer what a machine is. \
           Conntrack calls them invalid as well.",
    told: "The flags are not among the valid ones of the kernel's table (tcp_valid_flags in nf_conntrack_proto_tcp.c), AE, \
           ECE, CWR and PSH left aside.",
    todo: "Nothing: leave them dropped. If the peer is yours, find out what sends them.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=40000 DPT=2112 WINDOW=1024 RES=0x00 URG PSH FIN URGP=0",
            rules: None,
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=40000 DPT=2112 WINDOW=1024 RES=0x00 URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 CWR ECE SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    // A scanner's bogus packets belong to its scan.
    let scanner = group
        .key
        .scanner
        .is_some_and(|peer| scene.scans.contains_key(&peer));
    !scanner
        && evidence.test("invalid-flags", group.key.kind == Kind::BogusFlags, || {
            if !group.is_tcp() {
                return "not TCP".to_owned();
            }
            if group.key.kind != Kind::BogusFlags {
                return "the flags are valid".to_owned();
            }
            let odd = group.flags.first().map(|(flags, _)| flags.to_string());
            let shown = odd.filter(|names| !names.is_empty());
            let shown = shown.unwrap_or_else(|| "no flag at all".to_owned());
            format!(
                "{} not valid TCP, such as {shown}",
                facts::lines_are(group.logged)
            )
        })
}
