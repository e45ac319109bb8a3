//! The order in the chain: ESTABLISHED first, LOG and DROP last, nothing behind them, nothing twice.

use std::collections::BTreeMap;

use crate::audit::commands::when;
use crate::audit::scene::Scene;
use crate::audit::{Check, Hit, Severity};
use crate::catalog::LOG_PREFIX;
use crate::chain::{Chain, Log, Rule, States, Target, Test, quoted};

/// The prefix of an older write-up of the feature.
const OLD_PREFIX: &str = "HARVESTER_DROP: ";
/// The kernel keeps so many bytes of a prefix (`nf_log` of xt_LOG.h, 30 with its end).
const LONGEST_PREFIX: usize = 29;

/// The place of the rule that accepts return traffic, of every protocol.
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

fn logs(chain: &Chain) -> impl Iterator<Item = (&Rule, &Log)> {
    chain.rules.iter().filter_map(|rule| match &rule.target {
        Target::Log(log) => Some((rule, log)),
        _ => None,
    })
}

fn end_line(chain: &Chain) -> usize {
    chain.rules.last().map_or(chain.line, |rule| rule.line)
}

/// The ACCEPT rules with a number in the range.
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

fn log_hits(
    scene: &Scene<'_>,
    wrong: impl Fn(&Rule, &Log) -> bool,
    text: fn(&Log) -> String,
    mend: &str,
) -> Vec<Hit> {
    scene.of_chains(|subject, chain| {
        let bad = logs(chain).filter(|(rule, log)| wrong(rule, log));
        bad.map(|(rule, log)| subject.hit(rule.line, text(log), mend))
            .collect()
    })
}

pub(super) static NO_ESTABLISHED: Check = Check {
    code: "no-established",
    severity: Severity::Error,
    title: "no rule accepts return traffic",
    explain: "Without ESTABLISHED every answer to the node's own connections is dropped.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            when(established(chain).is_none(), || {
                subject.hit(
                    chain.line,
                    "no rule accepts ESTABLISHED for every protocol: the answers to the node's own connections are dropped",
                    format!("iptables -I {} 1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", quoted(&chain.name)),
                )
            })
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
            let place = established(chain).filter(|at| *at > 0);
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
    title: "nothing is logged before DROP",
    explain: "Without the LOG rule a missing ACCEPT leaves no trace.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            when(logs(chain).next().is_none(), || {
                subject.hit(
                    end_line(chain),
                    "no LOG rule: what is dropped leaves no trace",
                    format!("iptables -A {} -m limit --limit 10/min -j LOG --log-prefix {LOG_PREFIX} --log-level 4, before the DROP line", quoted(&chain.name)),
                )
            })
        })
    },
};

pub(super) static LOG_AFTER_DROP: Check = Check {
    code: "log-after-drop",
    severity: Severity::Error,
    title: "LOG stands behind DROP",
    explain: "DROP ends the way of a packet: what stands behind it is never reached.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let stop = chain.stop_number().unwrap_or(usize::MAX);
            let before = chain
                .rules
                .iter()
                .take(stop)
                .any(|rule| matches!(rule.target, Target::Log(_)));
            let first = logs(chain).next().filter(|_| !before);
            let hit = |(rule, _): (&Rule, &Log)| {
                subject.hit(
                    rule.line,
                    "the LOG rule stands behind DROP and never logs",
                    "move it before DROP",
                )
            };
            first.map(hit).into_iter().collect()
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
            |_, log| log.prefix.len() <= LONGEST_PREFIX && !known(&log.prefix),
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
            |_, log| log.prefix.len() > LONGEST_PREFIX,
            |log| {
                format!(
                    "the prefix has {} bytes; the kernel keeps {LONGEST_PREFIX}",
                    log.prefix.len()
                )
            },
            "write --log-prefix HARVESTER_DROP_",
        )
    },
};

pub(super) static NO_DROP: Check = Check {
    code: "no-drop",
    severity: Severity::Error,
    title: "the chain does not end in DROP",
    explain: "What no rule accepts goes back to INPUT, whose policy lets it in.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            when(chain.stop_number().is_none(), || {
                subject.hit(
                    end_line(chain),
                    "no rule drops the rest: everything is let in",
                    format!(
                        "iptables -A {} -j DROP, as the last rule",
                        quoted(&chain.name)
                    ),
                )
            })
        })
    },
};

pub(super) static ACCEPT_AFTER_LOG: Check = Check {
    code: "accept-after-log",
    severity: Severity::Error,
    title: "an ACCEPT stands behind LOG",
    explain: "What it accepts is logged as dropped before.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let Some(log) = chain.log_rule_number() else {
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
            let mend = format!(
                "move it before the LOG line; on a node: iptables -I {} {} …",
                quoted(&chain.name),
                chain.insert_number().unwrap_or(stop)
            );
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
