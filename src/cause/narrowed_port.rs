//! Requests that the running chain drops because of their source alone.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::error::printable_name;
use crate::flow::PeerClass;

/// Upper bound of the rules that the evidence shows.
const MAX_RULES: usize = 3;

pub(super) static NARROWED_PORT: Cause = Cause {
    code: "narrowed-port",
    verdict: Verdict::LeaveDropped,
    summary: "the running chain accepts this port from elsewhere only",
    brief: "your chain accepts this port from elsewhere only",
    what: "Somebody narrowed this port: a rule of the running chain accepts it, but not from this peer, which is no cluster node. \
           A wider rule would undo that.",
    told: "The chain that --rules gives has a rule for this port, and only the peer's address (or its MAC) fails. Where the peer is \
           a cluster node, or one of a network that may have one, or where a match that the log cannot answer (a set, a list, a \
           limit) may be for this peer, the finding stays a missing rule, and its rule waits for your word.",
    todo: "Nothing, if the narrowing is meant. If this peer may ask too, add its address to that rule.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.9 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: Some(
                "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\n-A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\n",
            ),
        },
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.77 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: Some(
                "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -s 203.0.113.0/24 -p tcp -m tcp --dport 22 -j DROP\n-A HARVESTER_INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\n",
            ),
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.9 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: Some(
                "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\n",
            ),
        },
    ],
};

fn check(group: &Group<'_>, _: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if facts::requested(group, evidence).is_none() {
        return false;
    }
    if group.is_tcp() {
        facts::opens_connection(group, evidence);
    }
    let narrowed = group.key.class == PeerClass::Narrowed;
    evidence.test("narrowed", narrowed, || {
        let rules = group
            .outcomes
            .iter()
            .flat_map(|outcomes| &outcomes.narrowed);
        let rules: Vec<String> = rules
            .take(MAX_RULES)
            .map(|narrowed| {
                let does = if narrowed.accepts {
                    "accepts it"
                } else {
                    "drops it"
                };
                format!(
                    "rule {} of {} {does} with `{}`",
                    narrowed.position.number,
                    printable_name(&narrowed.position.chain),
                    narrowed.source
                )
            })
            .collect();
        let drops = (group.outcomes.iter())
            .flat_map(|outcomes| &outcomes.narrowed)
            .any(|narrowed| !narrowed.accepts);
        match (narrowed, rules.is_empty()) {
            (true, _) if drops => format!(
                "{}; here it came from {}",
                rules.join(", "),
                facts::peers(group, 3)
            ),
            (true, _) => format!(
                "{}, and {} is no such peer",
                rules.join(", "),
                facts::peers(group, 3)
            ),
            (false, false) => format!(
                "{}, but {} is or may have a cluster node",
                rules.join(", "),
                facts::peers(group, 3)
            ),
            (false, true) => "no rule of a running chain accepts it from elsewhere".to_owned(),
        }
    })
}
