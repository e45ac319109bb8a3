//! Traffic to a service that listens on the loopback only.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::catalog::{Reach, Standing};

pub(super) static LOCAL_ONLY: Cause = Cause {
    code: "local-only",
    verdict: Verdict::LeaveDropped,
    summary: "traffic to a service that only the node itself may reach",
    brief: "only the node itself may reach this service",
    what: "The service listens on 127.0.0.1. An ACCEPT would change nothing, except where somebody made it listen on all \
           addresses, and then it would open what is meant to be closed.",
    told: "The requirements page binds the port to localhost.",
    todo: "Leave it dropped, and find out who asks. If the service was made to listen on purpose (etcd-expose-metrics), open the \
           port for those who need it.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10257 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10250 WINDOW=64240 RES=0x00 SYN URGP=0",
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
    let local = service.reach == Reach::Localhost && service.standing == Standing::Current;
    if local && !service.note.is_empty() {
        evidence.test("note", true, || service.note.to_owned());
    }
    evidence.test("bound-to-localhost", local, || {
        let (name, reach) = (service.name, service.reach.text());
        if local {
            format!("{name} is for {reach}")
        } else {
            format!("{name} is not for the node alone, but for {reach}")
        }
    })
}
