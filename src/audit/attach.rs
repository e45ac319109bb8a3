//! Jumps from INPUT to the chain: whether there is one, for which interfaces, and behind which rules.

use crate::audit::ask::BRIDGE;
use crate::audit::commands::when;
use crate::audit::order::decides;
use crate::audit::scene::{Scene, Subject};
use crate::audit::{Check, Hit, Severity};
use crate::chain::{Chain, HARVESTER, INPUT, Rule, Side, Test, quoted};

/// Returns the interface that a jump matches: its pattern, and whether it is negated.
fn interface(rule: &Rule) -> Option<(&str, bool)> {
    rule.matches.iter().find_map(|m| match &m.test {
        Test::Interface(Side::Source, name) => Some((name.as_str(), m.negated)),
        _ => None,
    })
}

/// Whether the listing did not print interfaces.
fn unprinted(rule: &Rule) -> bool {
    rule.matches
        .iter()
        .any(|m| matches!(&m.test, Test::Unknown(module, _) if module == "interface"))
}

fn covers(rule: &Rule, name: &str) -> bool {
    match interface(rule) {
        None => !unprinted(rule),
        Some((pattern, negated)) => {
            let matches = pattern
                .strip_suffix('+')
                .map_or(pattern == name, |start| name.starts_with(start));
            matches != negated
        }
    }
}

/// Returns the interface that has the management address.
fn management(scene: &Scene<'_>) -> String {
    scene
        .options
        .management_vlan
        .map_or_else(|| BRIDGE.to_owned(), |vid| format!("{BRIDGE}.{vid}"))
}

/// Runs `check` on the jumps of each chain that has some.
fn of_jumps(
    scene: &Scene<'_>,
    check: impl Fn(&Subject<'_>, &Chain, &[&Rule]) -> Vec<Hit>,
) -> Vec<Hit> {
    scene.of_chains(|subject, chain| match subject.jumps(chain) {
        Some(jumps) if !jumps.is_empty() && !jumps.iter().any(|rule| unprinted(rule)) => {
            check(subject, chain, &jumps)
        }
        _ => Vec::new(),
    })
}

/// Returns the commands that have INPUT lead to the chain, behind the rules that are there.
fn attach(subject: &Subject<'_>, chain: &Chain, interface: &str) -> Vec<String> {
    let tool = subject.family.tool();
    let jump = format!("-i {} -j {}", quoted(interface), quoted(&chain.name));
    if subject.again.is_some() {
        return vec![format!("{tool} -A {INPUT} {jump}")];
    }
    // `-S` prints the policy and then the rules, so that its lines are the number of the next rule.
    vec![
        format!("n=$({tool} -S {INPUT} | wc -l)"),
        format!("{tool} -I {INPUT} $n {jump}"),
    ]
}

/// Words before the commands that attach a chain to INPUT.
const ATTACH: &str = "have INPUT lead to it:";

pub(super) static NO_CHAIN: Check = Check {
    code: "no-chain",
    severity: Severity::Error,
    title: "there is no chain that filters the node",
    explain: "Neither HARVESTER_INPUT nor another chain behind INPUT that logs and drops: everything is let in.",
    check: |scene| {
        let without = |subject: &&Subject<'_>| {
            let explained = subject
                .resource
                .as_ref()
                .is_some_and(|r| !r.has_contents || !r.faults.is_empty());
            let foreign = subject
                .set
                .faults
                .iter()
                .any(|fault| fault.text.starts_with("no chain `HARVESTER"));
            subject.firewall && !subject.set.filters(subject.family) && !explained && !foreign
        };
        let hit = |subject: &Subject<'_>| {
            let line = subject
                .resource
                .as_ref()
                .map_or(0, |resource| resource.line);
            let named = |rule: &Rule| rule.target.chain() == Some(HARVESTER);
            let input = subject.set.chain(subject.family, INPUT);
            if input.is_some_and(|input| input.rules.iter().any(named)) {
                let text = "INPUT leads to HARVESTER_INPUT, which is not in the text";
                return subject.hit(line, text, "print all chains: `iptables-save`");
            }
            subject.hit(
                line,
                "no chain in it filters the node",
                "make HARVESTER_INPUT as the documentation does",
            )
        };
        let mut hits: Vec<Hit> = scene.subjects.iter().filter(without).map(hit).collect();
        // A CloudInit may be about anything else, but not all of them.
        let is_other = |subject: &Subject<'_>| {
            !subject.firewall
                && (subject.resource.as_ref())
                    .is_some_and(|r| r.has_contents && r.faults.is_empty())
        };
        if let Some(first) = scene.subjects.first()
            && scene.subjects.iter().all(is_other)
        {
            hits.push(hit(first));
        }
        hits
    },
};

pub(super) static NOT_ATTACHED: Check = Check {
    code: "not-attached",
    severity: Severity::Error,
    title: "INPUT does not lead to the chain",
    explain: "A chain that no rule jumps to filters nothing and logs nothing.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let reached = subject.set.reached_from(subject.family, INPUT);
            let alone = subject.jumps(chain).is_some()
                && !reached.iter().any(|known| known.name == chain.name);
            let unused = chain.references == Some(0);
            when(alone || unused, || {
                let name = &chain.name;
                let text = if alone {
                    format!("no rule of INPUT leads to {name}: it filters nothing")
                } else {
                    format!("{name} has 0 references, so no rule leads to it: it filters nothing")
                };
                subject
                    .hit(chain.line, text, ATTACH)
                    .by(attach(subject, chain, &management(scene)))
            })
        })
    },
};

pub(super) static INPUT_NOT_SHOWN: Check = Check {
    code: "input-not-shown",
    severity: Severity::Warning,
    title: "whether INPUT leads to the chain is not in the text",
    explain: "The chain alone was printed. A chain that no rule of INPUT leads to filters nothing and logs nothing, and only a \
              text with INPUT shows whether one does, for which interface, and what stands before it.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let has_input = subject.set.chain(subject.family, INPUT).is_some();
            when(!has_input && chain.references.is_none(), || {
                let tool = subject.family.tool();
                let text = format!(
                    "INPUT is not in the text: whether it leads to {} cannot be told",
                    chain.name
                );
                let mend = format!("audit what `{tool}-save` prints: it has all chains");
                subject.hit(chain.line, text, mend)
            })
        })
    },
};

pub(super) static ATTACHED_EVERYWHERE: Check = Check {
    code: "attached-everywhere",
    severity: Severity::Error,
    title: "loopback is filtered",
    explain: "A chain that is attached without `-i`, or a policy DROP without a rule for lo, also stops what the node sends to \
              itself: its services on localhost lose their clients.",
    check: |scene| {
        scene.of_asked(|ask| {
            if !ask.has_input() {
                return Vec::new();
            }
            let Some((protocol, outcome)) = ask.loopback() else {
                return Vec::new();
            };
            let (line, by) = decides(ask, &outcome);
            let jump = ask.subject.chain().and_then(|chain| {
                let jumps = ask.subject.jumps(chain)?;
                jumps.into_iter().find(|rule| covers(rule, "lo"))
            });
            let (mend, commands) = match (jump, ask.subject.chain()) {
                (Some(jump), Some(chain)) => {
                    let mut commands = attach(ask.subject, chain, &management(scene));
                    // A CloudInit has the one line that is to be changed.
                    if ask.subject.again.is_none() {
                        let tool = ask.subject.family.tool();
                        commands.push(format!("{tool} -D {INPUT} {jump}"));
                    }
                    (
                        "have INPUT lead to it from the management interface alone:",
                        commands,
                    )
                }
                _ => {
                    let tool = ask.subject.family.tool();
                    let command = format!("{tool} -I INPUT 1 -i lo -j ACCEPT");
                    ("accept it first of all:", vec![command])
                }
            };
            vec![
                ask.subject
                    .hit(
                        jump.map_or(line, |rule| rule.line),
                        format!(
                            "what the node sends to itself ({protocol} on lo) is stopped: {by}"
                        ),
                        mend,
                    )
                    .by(commands),
            ]
        })
    },
};

pub(super) static ATTACHED_WRONG_INTERFACE: Check = Check {
    code: "attached-wrong-interface",
    severity: Severity::Error,
    title: "the chain is attached to an interface without the node's address",
    explain: "Packets reach INPUT by the bridge that has the address, never by its ports or its bond. With a VLAN on the \
              management network the address is on mgmt-br.<vid>, and `-i mgmt-br` never matches: nothing is filtered or logged.",
    check: |scene| {
        of_jumps(scene, |subject, chain, jumps| {
            let wanted = management(scene);
            let own_vlan = |rule: &&Rule| {
                let id = interface(rule)
                    .and_then(|(name, _)| name.strip_prefix(BRIDGE)?.strip_prefix('.'));
                scene.options.management_vlan.is_none()
                    && id.is_some_and(|id| id.parse::<u16>().is_ok())
            };
            let right = jumps
                .iter()
                .any(|rule| covers(rule, &wanted) || own_vlan(rule));
            let named: Vec<&str> = jumps
                .iter()
                .filter_map(|rule| Some(interface(rule)?.0))
                .collect();
            when(!right, || {
                let line = jumps.first().map_or(0, |rule| rule.line);
                subject.hit(
                    line,
                    format!(
                        "the chain is attached to {}; the node's address is on {wanted}",
                        named.join(", ")
                    ),
                    if subject.again.is_some() {
                        "have INPUT lead to it from there, and take it off there in the -D line too:"
                    } else {
                        "have INPUT lead to it from there, and take the other jump out:"
                    },
                )
                .by(attach(subject, chain, &wanted))
            })
        })
    },
};

pub(super) static INTERFACE_NOT_COVERED: Check = Check {
    code: "interface-not-covered",
    severity: Severity::Error,
    title: "an interface of the node is not filtered",
    explain: "A NIC that HostNetwork configures needs a jump of its own.",
    check: |scene| {
        of_jumps(scene, |subject, chain, jumps| {
            let open = scene
                .options
                .interfaces
                .iter()
                .filter(|name| !jumps.iter().any(|rule| covers(rule, name)));
            let line = jumps.last().map_or(0, |rule| rule.line);
            open.map(|name| {
                subject
                    .hit(
                        line,
                        format!("what comes in by {name} is not filtered"),
                        ATTACH,
                    )
                    .by(attach(subject, chain, name))
            })
            .collect()
        })
    },
};

pub(super) static ATTACHED_BEFORE_OTHERS: Check = Check {
    code: "attached-before-others",
    severity: Severity::Warning,
    title: "the chain stands before the rules of others in INPUT",
    explain: "The documentation appends it: HARVESTER_INPUT is the last entry. Before the rules of Calico, kube-proxy and \
              Kube-OVN it drops what they would accept.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let Some(jumps) = subject.jumps(chain) else {
                return Vec::new();
            };
            let inserted = jumps.iter().find(|rule| rule.inserted);
            let rules = subject
                .set
                .chain(subject.family, INPUT)
                .map(|input| input.rules.as_slice())
                .unwrap_or_default();
            let leads = |rule: &&Rule| rule.target.chain() == Some(&chain.name);
            let last = rules.iter().rev().take_while(leads).count();
            let early = jumps
                .len()
                .checked_sub(last + 1)
                .and_then(|at| jumps.get(at));
            when(inserted.is_some() || early.is_some(), || {
                let line = inserted.or(early).map_or(0, |rule| rule.line);
                subject.hit(
                    line,
                    "the jump stands before the rules of others in INPUT",
                    "append it: `-A INPUT`, not `-I INPUT`",
                )
            })
        })
    },
};

pub(super) static ATTACHED_TWICE: Check = Check {
    code: "attached-twice",
    severity: Severity::Warning,
    title: "INPUT leads to the chain twice by the same rule",
    explain: "The commands ran twice without clean-up, or two CloudInits made the chain.",
    check: |scene| {
        of_jumps(scene, |subject, _, jumps| {
            let again = |at: usize| jumps[..at].iter().any(|before| before.means(jumps[at]));
            (1..jumps.len().min(1000))
                .filter(|at| again(*at))
                .map(|at| {
                    subject.hit(
                        jumps[at].line,
                        "the same jump stands twice in INPUT",
                        "delete one of them",
                    )
                })
                .collect()
        })
    },
};
