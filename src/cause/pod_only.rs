//! Traffic to a service that listens in pods only.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::catalog::{Reach, Standing};

pub(super) static POD_ONLY: Cause = Cause {
    code: "pod-only",
    verdict: Verdict::LeaveDropped,
    summary: "traffic to a service that listens in pods, never on the node",
    brief: "this service listens in pods, never on the node",
    what: "The service has a network namespace of its own: its traffic is tunnelled or forwarded and never passes this chain. \
           What arrives here asks the wrong address.",
    told: "The catalogue knows the port as one of a pod.",
    todo: "Leave it dropped; an ACCEPT would reach nothing. Find out why somebody asks the node's address.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=9500 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=15000 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if facts::requested(group, evidence).is_none() {
        return false;
    }
    let Some(service) = group.service else {
        return evidence.test("listed", false, || "no list mentions the port".to_owned());
    };
    let pod = service.reach == Reach::Pods && service.standing == Standing::Current;
    evidence.test("listens-in-pods", pod, || {
        let name = service.name;
        if pod {
            format!("{name} listens in {}", service.reach.text())
        } else {
            format!("{name} is not one of a pod")
        }
    })
}
