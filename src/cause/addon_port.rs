//! Traffic to an addon's port that the documentation does not open for the node's role.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};

pub(super) static ADDON_PORT: Cause = Cause {
    code: "addon-port",
    verdict: Verdict::MissingRule,
    summary: "traffic to a port of an addon that can run on this node",
    brief: "an addon whose pod can run on this node listens there",
    what: "The addon's pod can run on nodes of this role, with the node's own network, but the documentation opens its port on \
           other roles only, or not at all. Known: tcp/10660 of kube-ovn-controller on control-plane nodes.",
    told: "DPT is a port of an addon whose pod can run on this role, and the documentation does not open it here.",
    todo: "If the addon is in use, add the rule, best for the nodes only. If it is not, find out who asks.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10660 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=10661 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if facts::requested(group, evidence).is_none() {
        return false;
    }
    let addon = group.service.and_then(|s| Some((s, s.addon?)));
    let Some((service, addon)) = addon else {
        return evidence.test("addon", false, || "no addon's port".to_owned());
    };
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
        facts::attempts(group, 1, evidence);
    }
    evidence.test(
        "addon-in-use",
        scene.site.uses(addon) == Some(true),
        || match scene.site.uses(addon) {
            Some(true) => format!("the addon {addon} is in use"),
            Some(false) => format!("the addon {addon} is said not to be in use"),
            None => format!("it is not known whether the addon {addon} is in use: --addon {addon}"),
        },
    );
    if !service.note.is_empty() {
        evidence.test("note", true, || service.note.to_owned());
    }
    !scene.site.lacks(service.addon)
        && evidence.test("runs-on-role", service.roles.contains(&group.role), || {
            format!(
                "{} runs on {}",
                service.component,
                facts::roles(service.roles)
            )
        })
        && facts::may_ask(group, evidence)
}
