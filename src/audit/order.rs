//! The order in the chain: ESTABLISHED first, LOG and DROP last, nothing behind them, nothing twice.

use std::collections::BTreeMap;

use crate::audit::ask::Ask;
use crate::audit::scene::Scene;
use crate::audit::{Check, Hit, Severity};
use crate::catalog::LOG_PREFIX;
use crate::chain::{
    Chain, ChainOutcome, INPUT, Log, Outcome, Rule, Side, States, Target, Test, quoted,
};
use crate::packet::proto;

/// The prefix of an older write-up of the feature.
const OLD_PREFIX: &str = "HARVESTER_DROP: ";
/// Bytes of a prefix that the kernel keeps (`nf_log` of xt_LOG.h, 30 with the terminating NUL).
const MAX_PREFIX: usize = 29;

/// Returns the place of the rule that accepts return traffic, of every protocol.
fn established(chain: &Chain) -> Option<usize> {
    let only = |rule: &Rule| {
        rule.target == Target::Accept
            && rule.asks_state(States::ESTABLISHED)
            && rule
                .matches
                .iter()
                .all(|m| matches!(m.test, Test::State(_)))
    };
    chain.rules.iter().position(only)
}

pub(super) fn end_line(chain: &Chain) -> usize {
    chain.rules.last().map_or(chain.line, |rule| rule.line)
}

/// Returns the ACCEPT rules with a number in the range.
fn accepts(chain: &Chain, from: usize, to: usize) -> impl Iterator<Item = &Rule> {
    let numbered = chain
        .rules
        .iter()
        .enumerate()
        .map(|(at, rule)| (at + 1, rule));
    numbered
        .filter(move |(number, rule)| {
            *number > from && *number < to && rule.target == Target::Accept
        })
        .map(|(_, rule)| rule)
}

/// Collects the LOG rules for dropped packets that are `wrong`, in the chains that INPUT reaches.
fn log_hits(
    scene: &Scene<'_>,
    wrong: impl Fn(&Rule, &Log) -> bool,
    text: fn(&Log) -> String,
    mend: &str,
) -> Vec<Hit> {
    scene.of_asked(|ask| {
        let mut out = Vec::new();
        for (_, _, rule) in ask.rules() {
            if let Target::Log(log) = &rule.target
                && (ask.subject.set.is_drop_log(rule) || log.prefix.len() > MAX_PREFIX)
                && wrong(rule, log)
            {
                out.push(ask.subject.hit(rule.line, text(log), mend));
            }
        }
        out
    })
}

/// Describes the rule or the policy that decides a packet, with its line.
pub(super) fn decides(ask: &Ask<'_>, outcome: &Outcome) -> (usize, String) {
    let Some(position) = outcome.end.position() else {
        return match &outcome.end {
            ChainOutcome::Policy(policy) => (
                0,
                format!("no rule takes it, and the policy of INPUT is {policy}"),
            ),
            _ => (0, "no rule takes it".to_owned()),
        };
    };
    let rule = ask
        .rule(position)
        .map(ToString::to_string)
        .unwrap_or_default();
    let text = format!("rule {} of {}, `{rule}`", position.number, position.chain);
    (position.line, text)
}

pub(super) static NO_ESTABLISHED: Check = Check {
    code: "no-established",
    severity: Severity::Error,
    title: "return traffic does not get in",
    explain: "Without a rule for ESTABLISHED, before LOG and DROP and for every protocol, the answers to the node's own \
              connections are dropped.",
    check: |scene| {
        scene.of_asked(|ask| {
            let Some((protocol, outcome)) = ask.answers() else {
                return Vec::new();
            };
            let (line, by) = decides(ask, &outcome);
            let name = ask.subject.chain().map_or(INPUT, |chain| &chain.name);
            let does = match outcome.end {
                ChainOutcome::AcceptedLogged(_) => "is logged as dropped before it is accepted by",
                _ => "is stopped:",
            };
            let line = if line > 0 {
                line
            } else {
                ask.subject.chain().map_or(0, |chain| chain.line)
            };
            vec![
                ask.subject
                    .hit(
                        line,
                        format!("return traffic ({protocol}, ESTABLISHED) {does} {by}"),
                        "accept it first of all:",
                    )
                    .by([format!(
                        "{} -I {} 1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                        ask.subject.family.tool(),
                        quoted(name)
                    )]),
            ]
        })
    },
};

pub(super) static ESTABLISHED_NOT_FIRST: Check = Check {
    code: "established-not-first",
    severity: Severity::Warning,
    title: "the ESTABLISHED rule is not the first",
    explain: "Nearly all packets match it; behind others it costs time, and a DROP or LOG before it hits living connections.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            // ACCEPT rules for loopback or pods may come first, and so may DROP rules for packets that belong to no
            // connection.
            let other = |rule: &Rule| {
                rule.has(|test| match test {
                    Test::Interface(Side::Source, _) | Test::TcpFlags { .. } => true,
                    Test::State(states) => *states == States::INVALID,
                    _ => false,
                })
            };
            let place = established(chain).filter(|at| !chain.rules[..*at].iter().all(other));
            let hit = |at: usize| {
                subject.hit(
                    chain.rules[at].line,
                    format!("the ESTABLISHED rule is number {}", at + 1),
                    "make it the first of the chain",
                )
            };
            place.map(hit).into_iter().collect()
        })
    },
};

pub(super) static NO_RELATED: Check = Check {
    code: "no-related",
    severity: Severity::Warning,
    title: "the ESTABLISHED rule leaves RELATED out",
    explain: "ICMP errors about living connections, such as fragmentation needed, are RELATED.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let rule = established(chain)
                .map(|at| &chain.rules[at])
                .filter(|rule| !rule.asks_state(States::RELATED));
            let hit = |rule: &Rule| {
                subject.hit(
                    rule.line,
                    "the rule for return traffic leaves RELATED out",
                    "write --ctstate ESTABLISHED,RELATED",
                )
            };
            rule.map(hit).into_iter().collect()
        })
    },
};

pub(super) static NO_LOG: Check = Check {
    code: "no-log",
    severity: Severity::Error,
    title: "what is dropped is not logged",
    explain: "Without the LOG rule, for every protocol, a missing ACCEPT leaves no trace.",
    check: |scene| {
        scene.of_asked(|ask| {
            let silent = [(proto::TCP, "TCP"), (proto::UDP, "UDP")]
                .into_iter()
                .filter_map(|(number, name)| {
                    let outcome = ask.stranger(number)?;
                    (outcome.end.stops() && outcome.logged.is_empty()).then_some((name, outcome))
                });
            let silent: Vec<_> = silent.collect();
            let Some((_, outcome)) = silent.first() else {
                return Vec::new();
            };
            let any = ask
                .rules()
                .any(|(_, _, rule)| matches!(rule.target, Target::Log(_)));
            if any && late_log(ask, outcome) {
                return Vec::new();
            }
            let names: Vec<&str> = silent.iter().map(|(name, _)| *name).collect();
            let (line, by) = decides(ask, outcome);
            let name = outcome
                .end
                .position()
                .map_or(INPUT, |position| &position.chain);
            vec![
                ask.subject
                    .hit(
                        line,
                        format!(
                            "{} that is dropped leaves no trace: no LOG rule before {by}",
                            names.join(" and ")
                        ),
                        format!("put before the rule that drops in {}:", quoted(name)),
                    )
                    .by([format!(
                        "-m limit --limit 10/min -j LOG --log-prefix {LOG_PREFIX} --log-level 4"
                    )]),
            ]
        })
    },
};

/// Whether the LOG rule for dropped packets stands behind the rule that drops, in one chain: that is another finding.
fn late_log(ask: &Ask<'_>, outcome: &Outcome) -> bool {
    let Some(position) = outcome.end.position() else {
        return false;
    };
    ask.rules().any(|(chain, at, rule)| {
        chain.name == position.chain
            && at + 1 > position.number
            && matches!(rule.target, Target::Log(_))
            && chain.stop_number() == Some(position.number)
    })
}

pub(super) static LOG_AFTER_DROP: Check = Check {
    code: "log-after-drop",
    severity: Severity::Error,
    title: "LOG stands behind DROP",
    explain: "DROP ends the way of a packet: what stands behind it is never reached.",
    check: |scene| {
        scene.of_asked(|ask| {
            let Some(outcome) = ask
                .stranger(proto::TCP)
                .filter(|outcome| late_log(ask, outcome))
            else {
                return Vec::new();
            };
            let chain = outcome.end.position().map(|position| &position.chain);
            let late = ask.rules().find(|(known, _, rule)| {
                Some(&known.name) == chain && matches!(rule.target, Target::Log(_))
            });
            if !outcome.logged.is_empty() {
                return Vec::new();
            }
            late.map(|(_, _, rule)| {
                ask.subject.hit(
                    rule.line,
                    "the LOG rule stands behind DROP and never logs",
                    "move it before DROP",
                )
            })
            .into_iter()
            .collect()
        })
    },
};

pub(super) static LOG_UNLIMITED: Check = Check {
    code: "log-unlimited",
    severity: Severity::Warning,
    title: "LOG has no limit",
    explain: "Anybody who can send packets can fill the log.",
    check: |scene| {
        let wrong = |rule: &Rule, _: &Log| !rule.has(|test| matches!(test, Test::Limit { .. }));
        log_hits(
            scene,
            wrong,
            |_| "the LOG rule has no limit: a flood of packets floods the log".to_owned(),
            "add -m limit --limit 10/min",
        )
    },
};

pub(super) static LOG_PREFIX_UNKNOWN: Check = Check {
    code: "log-prefix-unknown",
    severity: Severity::Error,
    title: "the log prefix is not the documented one",
    explain: "Who looks for HARVESTER_DROP finds nothing. A space at the end is lost where it is not quoted.",
    check: |scene| {
        let told = scene.options.prefix.as_deref();
        let known =
            |prefix: &str| prefix == LOG_PREFIX || prefix == OLD_PREFIX || Some(prefix) == told;
        log_hits(
            scene,
            |_, log| log.prefix.len() <= MAX_PREFIX && !known(&log.prefix),
            |log| {
                format!(
                    "lines with the prefix {:?} are not found as drop lines",
                    log.prefix
                )
            },
            "write --log-prefix HARVESTER_DROP_, or analyse with --prefix",
        )
    },
};

pub(super) static LOG_PREFIX_TOO_LONG: Check = Check {
    code: "log-prefix-too-long",
    severity: Severity::Error,
    title: "the log prefix is longer than 29 bytes",
    explain: "iptables cuts it at 29 bytes without a word: the lines have another prefix than the command.",
    check: |scene| {
        log_hits(
            scene,
            |_, log| log.prefix.len() > MAX_PREFIX,
            |log| {
                format!(
                    "the prefix has {} bytes; the kernel keeps {MAX_PREFIX}",
                    log.prefix.len()
                )
            },
            "write --log-prefix HARVESTER_DROP_",
        )
    },
};

pub(super) static ACCEPT_AFTER_LOG: Check = Check {
    code: "accept-after-log",
    severity: Severity::Error,
    title: "an ACCEPT stands behind LOG",
    explain: "What it accepts is logged as dropped before.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let log = chain
                .rules
                .iter()
                .position(|rule| subject.set.is_drop_log(rule));
            let Some(log) = log.map(|at| at + 1) else {
                return Vec::new();
            };
            accepts(chain, log, chain.stop_number().unwrap_or(usize::MAX))
                .map(|rule| {
                    subject.hit(
                        rule.line,
                        format!("`{rule}` stands behind LOG: what it accepts is logged as dropped"),
                        "move it before the LOG line",
                    )
                })
                .collect()
        })
    },
};

pub(super) static ACCEPT_AFTER_DROP: Check = Check {
    code: "accept-after-drop",
    severity: Severity::Error,
    title: "an ACCEPT stands behind DROP",
    explain: "It is never reached: `iptables -A` on a running chain puts it there.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let Some(stop) = chain.stop_number() else {
                return Vec::new();
            };
            let mend = "move it before the LOG rule; on a node, `dropsift rules` prints a script that does".to_owned();
            accepts(chain, stop, usize::MAX)
                .map(|rule| {
                    subject.hit(
                        rule.line,
                        format!("`{rule}` stands behind DROP and is never reached"),
                        mend.clone(),
                    )
                })
                .collect()
        })
    },
};

pub(super) static DUPLICATE_RULE: Check = Check {
    code: "duplicate-rule",
    severity: Severity::Warning,
    title: "a rule stands twice",
    explain: "The commands ran twice without clean-up, or two CloudInits filled the chain.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let mut seen = BTreeMap::new();
            let mut out = Vec::new();
            let live = chain
                .rules
                .iter()
                .take(chain.stop_number().unwrap_or(usize::MAX));
            for (at, rule) in live.enumerate() {
                let first = *seen.entry((&rule.matches, &rule.target)).or_insert(at);
                if first != at {
                    out.push(subject.hit(
                        rule.line,
                        format!("`{rule}` does what rule {} does", first + 1),
                        "delete one of them",
                    ));
                }
            }
            out
        })
    },
};
