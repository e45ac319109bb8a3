//! Packets that the running chain accepts now: the log is older than the rule.

use std::sync::Arc;

use super::{Cause, Evidence, Example, Test, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::chain::{ChainOutcome, Family, Origin, Policy, Position};
use crate::error::printable_name;
use crate::flow::ChainOutcomes;

/// Upper bound of the rules, and of the notes, that a finding names of one kind.
const MAX: usize = 3;

/// The cause of packets that the running chain accepts now.
pub static ALREADY_ALLOWED: Cause = Cause {
    code: "already-allowed",
    verdict: Verdict::Review,
    summary: "the running chain accepts it now: the log is older than the rule",
    brief: "the running chain accepts it now",
    what: "The running chain that --rules gives accepts every packet of this finding before its LOG rule. They were dropped \
           before the chain was printed, so the rule came later.",
    told: "Each line was run through the chain. ESTABLISHED and RELATED do not match, since the packet was dropped, and NEW \
           does not match RST, FIN and SYN-ACK; a match that a log line cannot answer does not match either. No line is newer \
           than the chain: by the stamp of iptables-save, else by the time of the file.",
    todo: "Look whether new lines still come: `journalctl -k --since '5 minutes ago' | grep HARVESTER_DROP`. If they do, the \
           running chain is not the one that was given: print it with `iptables-save`.",
    check,
    examples: &[
        Example {
            takes: true,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: Some(
                "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -p tcp -m tcp --dport 2112 -j ACCEPT\n-A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\n",
            ),
        },
        Example {
            takes: false,
            log: "Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0",
            rules: Some(
                "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\n-A HARVESTER_INPUT -p tcp -m tcp --dport 2112 -j ACCEPT\n",
            ),
        },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family());
    let Some((outcomes, chains)) = group.outcomes.as_deref().zip(chains) else {
        return evidence.test("accepted-now", false, || {
            match group.family() {
                Family::V4 => "the running chain is not known: --rules".to_owned(),
                Family::V6 => "the running chain of IPv6 is not known: --rules with the output of `ip6tables-save`".to_owned(),
            }
        });
    };
    let all = outcomes.already_allows(group.logged, chains.origin);
    let met = evidence.test("accepted-now", all, || accepted(group, scene, outcomes));
    if met && let Some(tests) = &mut evidence.tests {
        tests.extend(notes(outcomes));
    }
    met
}

/// Evaluates the running chains for a finding that they do not settle, as tests: the lines that they accept, the rules
/// that accept such packets from other sources, the rules without effect, and the matches that could not be evaluated.
pub fn in_force(group: &Group<'_>, scene: &Scene<'_>) -> Vec<Test> {
    let Some(outcomes) = &group.outcomes else {
        return Vec::new();
    };
    let mut tests = vec![Test {
        name: "accepted-now",
        met: false,
        text: accepted(group, scene, outcomes),
    }];
    tests.extend(outcomes.narrowed.iter().take(MAX).map(|narrowed| Test {
        name: "narrowed",
        met: true,
        text: format!(
            "{} {}: {}",
            rule(&narrowed.position),
            if narrowed.accepts {
                "accepts it from elsewhere only"
            } else {
                "drops it by its source"
            },
            narrowed.source
        ),
    }));
    tests.extend(outcomes.dead.iter().take(MAX).map(|dead| Test {
        name: "dead-rule",
        met: true,
        text: format!("{} would accept it, but {}", rule(&dead.position), dead.why),
    }));
    tests.extend(notes(outcomes));
    tests
}

fn notes(outcomes: &ChainOutcomes) -> impl Iterator<Item = Test> {
    let note = |text: &Arc<str>| Test {
        name: "not-evaluated",
        met: false,
        text: text.to_string(),
    };
    outcomes.notes.iter().take(MAX).map(note)
}

/// Describes the lines that the chains accept, the rules that decide them, and since when the chains are loaded.
fn accepted(group: &Group<'_>, scene: &Scene<'_>, outcomes: &ChainOutcomes) -> String {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family());
    let name = chains.map_or("the running chain", |chains| chains.name);
    let shown = |wanted: fn(&ChainOutcome) -> bool| {
        let rules: Vec<String> = (outcomes.by.iter())
            .filter(|(outcome, _)| wanted(outcome))
            .take(MAX)
            .map(|(outcome, _)| deciding(outcome))
            .collect();
        rules.join(", ")
    };
    let lines = facts::count(group.logged, "line");
    if outcomes.accepted == 0 {
        let by = shown(|_| true);
        let all = |is: fn(&ChainOutcome) -> bool| outcomes.by.iter().all(|(end, _)| is(end));
        return if all(|end| matches!(end, ChainOutcome::MayStop(_))) {
            format!("whether {name} accepts it is not known: {by}")
        } else if all(|end| matches!(end, ChainOutcome::Untold(_))) {
            let tool = group.family().tool();
            format!(
                "{name} does not show what becomes of it: {by}; `{tool}-save` prints all chains"
            )
        } else if all(ChainOutcome::lets_in) {
            format!("{name} does not drop it, and logs it: {by}")
        } else {
            format!("{name} does not accept it: {by}")
        };
    }
    let by = shown(ChainOutcome::lets_in);
    let of = if outcomes.accepts_all(group.logged) {
        lines
    } else {
        format!("{} of {lines}", outcomes.accepted)
    };
    let since = match chains.map(|chains| chains.origin) {
        Some(Origin::NextBoot) => {
            "; it is the chain of the next boot, and the running one dropped it"
        }
        Some(origin) if outcomes.is_stale(origin) => {
            "; but a line is newer than the chain was printed: the one on the node is another"
        }
        _ => "",
    };
    format!("{name} accepts {of}: {by}{since}")
}

fn deciding(outcome: &ChainOutcome) -> String {
    match outcome {
        ChainOutcome::Accepted(position) => rule(position),
        ChainOutcome::AcceptedLogged(position) => {
            format!("{} accepts it, but behind LOG", rule(position))
        }
        ChainOutcome::Dropped(position) => format!("{} drops", rule(position)),
        ChainOutcome::Rejected(position) => format!("{} rejects", rule(position)),
        ChainOutcome::Unknown(position) => format!("{} hands it to a program", rule(position)),
        ChainOutcome::Untold(position) => {
            format!("{} leads to a chain that is not in it", rule(position))
        }
        ChainOutcome::MayStop(position) => {
            format!(
                "{} may stop it, by a match that cannot be told",
                rule(position)
            )
        }
        ChainOutcome::Policy(Policy::Accept) => {
            "no rule takes it, and the policy of INPUT lets it in".to_owned()
        }
        ChainOutcome::Policy(Policy::Drop) => {
            "no rule takes it, and the policy of INPUT drops".to_owned()
        }
        ChainOutcome::NoMatch => "no rule takes it".to_owned(),
        ChainOutcome::NotAsked => "it was not asked about all lines".to_owned(),
    }
}

/// `rule 31 of HARVESTER_INPUT (line 40)`.
fn rule(position: &Position) -> String {
    format!(
        "rule {} of {} (line {})",
        position.number,
        printable_name(&position.chain),
        position.line
    )
}
