//! Packets that the chain in force would accept: the log is older than the rule.

use super::{Cause, Evidence, Example, Test, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::chain::{Fate, Place, Policy};
use crate::error::printable_name;
use crate::flow::Fates;

/// So many rules and notes are named of one kind.
const MOST: usize = 3;

pub(super) static ALREADY_ALLOWED: Cause = Cause {
    code: "already-allowed",
    verdict: Verdict::Review,
    summary: "the chain in force accepts it now: the log is older than the rule",
    what: "The chain that --rules tells, or the CloudInit file of the bundle, accepts every packet of this finding before its \
           LOG rule. They were dropped, so the rule came later, or the chain on the node is another.",
    told: "Each line was run through the chain. ESTABLISHED and RELATED do not match, since the packet was dropped; a match \
           that a log line cannot answer does not match either.",
    todo: "Look whether new lines still come: `journalctl -k --since '5 minutes ago' | grep HARVESTER_DROP`. If they do, the \
           running chain is not the one that was told: print it with `iptables-save`. A CloudInit counts from the next boot on.",
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
    let Some(fates) = &group.fates else {
        return evidence.test("accepted-now", false, || {
            "the chain in force is not known: --rules".to_owned()
        });
    };
    let all = fates.accepts_all(group.logged);
    let met = evidence.test("accepted-now", all, || accepted(group, scene, fates));
    if met && let Some(tests) = &mut evidence.tests {
        tests.extend(notes(fates));
    }
    met
}

/// What the chain in force says of a finding that it does not accept, as tests: what it accepts of it, the rules that do
/// nothing, and what could not be evaluated.
pub fn in_force(group: &Group<'_>, scene: &Scene<'_>) -> Vec<Test> {
    let Some(fates) = &group.fates else {
        return Vec::new();
    };
    let mut tests = vec![Test {
        name: "accepted-now",
        met: false,
        text: accepted(group, scene, fates),
    }];
    tests.extend(fates.dead.iter().take(MOST).map(|dead| Test {
        name: "dead-rule",
        met: true,
        text: format!("{} would accept it, but {}", rule(&dead.place), dead.why),
    }));
    tests.extend(notes(fates));
    tests
}

fn notes(fates: &Fates) -> impl Iterator<Item = Test> {
    let note = |text: &String| Test {
        name: "not-evaluated",
        met: false,
        text: text.clone(),
    };
    fates.notes.iter().take(MOST).map(note)
}

/// How many lines the chain accepts, and what decides of them.
fn accepted(group: &Group<'_>, scene: &Scene<'_>, fates: &Fates) -> String {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family());
    let name = chains.map_or("the chain in force", |chains| chains.name);
    let shown = |wanted: fn(&Fate) -> bool| {
        let rules: Vec<String> = (fates.by.iter())
            .filter(|(fate, _)| wanted(fate))
            .take(MOST)
            .map(|(fate, _)| deciding(fate))
            .collect();
        rules.join(", ")
    };
    let lines = facts::count(group.logged, "line");
    if fates.accepted == 0 {
        let by = shown(|fate| !matches!(fate, Fate::Accepted(_)));
        return format!("{name} does not accept it: {by}");
    }
    let by = shown(|fate| matches!(fate, Fate::Accepted(_)));
    let of = if fates.accepts_all(group.logged) {
        lines
    } else {
        format!("{} of {lines}", fates.accepted)
    };
    format!("{name} accepts {of}: {by}")
}

fn deciding(fate: &Fate) -> String {
    match fate {
        Fate::Accepted(place) => rule(place),
        Fate::AcceptedLogged(place) => format!("{} accepts it, but behind LOG", rule(place)),
        Fate::Dropped(place) => format!("{} drops", rule(place)),
        Fate::Rejected(place) => format!("{} rejects", rule(place)),
        Fate::Unknown(place) => format!("{} hands it to a program", rule(place)),
        Fate::Policy(Policy::Accept) => {
            "no rule takes it, and the policy of INPUT lets it in".to_owned()
        }
        Fate::Policy(Policy::Drop) => "no rule takes it, and the policy of INPUT drops".to_owned(),
        Fate::NoMatch => "no rule takes it".to_owned(),
    }
}

/// `rule 31 of HARVESTER_INPUT (line 40)`.
fn rule(place: &Place) -> String {
    format!(
        "rule {} of {} (line {})",
        place.number,
        printable_name(&place.chain),
        place.line
    )
}
