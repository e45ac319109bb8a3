//! A peer that tries many ports.

use super::scanners::{SCAN_PORTS, SCAN_WINDOW};
use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};

pub(super) static SCAN: Cause = Cause {
    code: "scan",
    verdict: Verdict::LeaveDropped,
    summary: "one peer tries many ports that no list mentions",
    brief: "one peer tries many ports",
    what: "A machine that is no cluster node tries one port after the other. It may be a security scanner of your own, or \
           somebody who looks for a way in. All that it sent is one finding, also what it sent to documented ports.",
    told: "5 or more distinct ports within 5 minutes, none of them documented for any role or an addon's, on one node or summed \
           over several.",
    todo: "Leave it dropped. No rule is ever suggested for a scanner; another peer's traffic to the same port is judged for \
           itself.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=21 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=25 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=110 WINDOW=64240 RES=0x00 SYN URGP=0
Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=3306 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.200 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=21 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let Some(scan) = group.key.scanner.and_then(|peer| scene.scans.get(&peer)) else {
        return evidence.test("many-ports", false, || {
            let (ports, window) = (SCAN_PORTS, facts::lasting(SCAN_WINDOW));
            format!("no peer that tried {ports} ports within {window}")
        });
    };
    evidence.test("no-cluster-node", true, || {
        format!("{} is no cluster node", facts::peers(group, 1))
    });
    evidence.test("many-ports", scan.at_once >= SCAN_PORTS, || {
        let nodes = if scan.nodes > 1 {
            format!(" on {} nodes", scan.nodes)
        } else {
            String::new()
        };
        let more = if scan.more { "more than " } else { "" };
        format!(
            "tried {more}{} distinct ports that no list mentions{nodes}, {} of them within {}",
            scan.ports,
            scan.at_once,
            facts::lasting(SCAN_WINDOW)
        )
    })
}
