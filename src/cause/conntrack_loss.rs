//! Return traffic of connections whose conntrack entry was lost: the documented false positive.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::chain::Chains;
use crate::flow::{ChainOutcomes, Kind};

pub(super) static CONNTRACK_LOSS: Cause = Cause {
    code: "conntrack-loss",
    verdict: Verdict::FalsePositive,
    summary: "return traffic of connections that lost their conntrack state",
    brief: "a reply of a connection that lost its conntrack state",
    what: "The connection is older than the rules, or its entry in the conntrack table was lost: by a restart, a reboot, an \
           upgrade. Its return traffic no longer matches ESTABLISHED and is dropped. It heals as soon as this node sends on \
           the connection, since OUTPUT is not filtered, or when the connection is opened anew.",
    told: "No line is a SYN that opens a connection; SPT is the port of a service on the peer, DPT a client's port above 1023. A \
           DPT outside the kernel's port range is no objection: kube-proxy and flannel choose source ports at random.",
    todo: "Nothing: no rule is missing, and an ACCEPT for an ephemeral port would only open the node. If the lines do not stop \
           within 20 minutes, dropsift says stuck-reply.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester3 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=... SRC=192.168.122.61 DST=192.168.122.63 LEN=52 PROTO=TCP SPT=9345 DPT=46002 WINDOW=521 RES=0x00 ACK FIN URGP=0",
            rules: None,
        },
        Example {
            takes: true,
            log: "May 05 04:40:28 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br ... SRC=192.168.122.62 DST=192.168.122.61 ... PROTO=TCP SPT=10250 DPT=56266 ... ACK RST URGP=0",
            rules: None,
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=10250 DPT=46002 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: None,
        },
    ],
};

/// Whether the running chain has the rule, and takes only packets that open a connection.
fn is_invalid_alone(group: &Group<'_>, scene: &Scene<'_>) -> bool {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family());
    let known = group.outcomes.as_deref().zip(chains);
    // What opens a connection is accepted now, and the rest would have belonged to that.
    let all = |(outcomes, chains): (&ChainOutcomes, Chains<'_>)| {
        outcomes.invalid > 0
            && outcomes.invalid + outcomes.accepted == group.logged
            && !outcomes.is_stale(chains.origin)
    };
    group.requested().is_some() && known.is_some_and(all)
}

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if is_invalid_alone(group, scene) {
        return evidence.test("invalid-alone", true, || {
            "the running chain accepts this port for connections that are NEW, and these packets belong to none: conntrack calls \
             them INVALID"
                .to_owned()
        });
    }
    if !facts::is_reply(group, evidence) {
        return false;
    }
    if !group.is_tcp() || !matches!(group.key.kind, Kind::Plain | Kind::SynAck) {
        return evidence.test("is-tcp", false, || "not TCP".to_owned());
    }
    facts::opens_connection(group, evidence);
    facts::service_on_peer(group, evidence);
    facts::to_client_ports(group, evidence);
    facts::stopped(group, scene, evidence);
    facts::service_restarted(group, scene, evidence);
    true
}
