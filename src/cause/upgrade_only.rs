//! Requests to an unlisted port that came only while the cluster was upgraded.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};

pub(super) static UPGRADE_ONLY: Cause = Cause {
    code: "upgrade-only",
    verdict: Verdict::Review,
    summary: "an unlisted port that was tried only while the cluster was upgraded",
    brief: "tried only while the cluster was upgraded",
    what: "During an upgrade components come and go, and what they ask for may be gone with them.",
    told: "No list names the port, and every line lies in an upgrade window.",
    todo: "Look again when the upgrade is over: if the requests come back, the port is judged without the window.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "May 05 04:40:28 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8181 WINDOW=64240 RES=0x00 SYN URGP=0",
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
    if group.documented().is_some() {
        return evidence.test("unlisted", false, || format!("port {port} is documented"));
    }
    facts::unlisted(group, port, evidence);
    let inside = scene.site.in_upgrade(group.first)
        && scene.site.in_upgrade(group.last)
        && group.marks().all(|mark| scene.site.in_upgrade(mark.time));
    evidence.test("inside-upgrade", inside, || {
        if inside {
            "every line lies in an upgrade window".to_owned()
        } else {
            "not every line lies in an upgrade window".to_owned()
        }
    })
}
