//! Traffic to a port that is documented for another role.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::catalog::{Role, documented_anywhere};

pub(super) static OTHER_ROLE: Cause = Cause {
    code: "other-role",
    verdict: Verdict::LeaveDropped,
    summary: "traffic to a port that is open on another role, not on this one",
    brief: "open on another role, not on this one",
    what: "The service runs on nodes of another role. A client that asks here has an old address, or a load balancer has this \
           node as a backend.",
    told: "DPT is documented for other roles, not for this node's.",
    todo: "Leave it dropped, and mend the client or the load balancer. If the node has that role, say so: --role NODE=ROLE.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=UDP SPT=40000 DPT=8472 LEN=90
Apr 22 10:00:01 harvester3-worker kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=6443 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
        Example { takes: false, log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=6443 WINDOW=64240 RES=0x00 SYN URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let Some(port) = facts::requested(group, evidence) else {
        return false;
    };
    // Rows of an addon that the user declared unused do not count.
    let rules = documented_anywhere(group.proto(), port).filter(|r| !scene.site.lacks(r.addon));
    let mut others: Vec<Role> = rules.flat_map(|rule| rule.roles.iter().copied()).collect();
    let addon = group
        .service
        .filter(|s| s.addon.is_some() && !scene.site.lacks(s.addon));
    others.extend(addon.map_or(&[][..], |s| s.roles));
    others.sort_unstable();
    others.dedup();
    let elsewhere = !others.is_empty() && !others.contains(&group.role);
    evidence.test("documented-elsewhere", elsewhere, || {
        if others.is_empty() {
            return "not documented for any role".to_owned();
        }
        let name = group.service.map_or("it", |service| service.name);
        if !elsewhere {
            return format!("{name} can run on {}", group.role);
        }
        format!(
            "{name} is documented for {}, not for {}",
            facts::roles(&others),
            group.role
        )
    })
}
