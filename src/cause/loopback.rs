//! The node's own traffic, which the documented chain never sees.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::Kind;

pub(super) static LOOPBACK: Cause = Cause {
    code: "loopback",
    verdict: Verdict::MissingRule,
    summary: "what the node sends to itself over lo falls",
    brief: "the node's own traffic over lo falls",
    what: "What comes in by lo is this node's own: the kubelet, its probes and the controllers ask services on the same machine. \
           The documented chain never sees it, since INPUT leads there from the management interface alone. Where it falls, INPUT \
           leads there without `-i`, or a policy drops it, and whatever the node asks itself for stays without an answer.",
    told: "IN=lo. Nothing of another machine comes in by it.",
    todo: "Have INPUT lead to the chain from the management interface alone, as documented: the audit of what `iptables-save` prints \
           on the node has the commands. Or accept lo with the rule.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=127.0.0.1 DST=127.0.0.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10256 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=192.168.122.61 DST=192.168.122.61 LEN=52 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=64240 RES=0x00 ACK FIN URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10256 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let own = group.key.kind == Kind::Loopback;
    evidence.test("came-by-lo", own, || {
        if own {
            let lines = facts::count(group.logged, "line");
            format!("{lines} came in by lo: the sender is this node itself")
        } else {
            "it did not come in by lo".to_owned()
        }
    })
}
