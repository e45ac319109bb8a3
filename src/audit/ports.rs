//! The ports that the chain accepts against those that the role needs.
//!
//! Whether a port is accepted is asked of the chain itself by a packet; rules narrowed to sources count, since the page
//! lets everybody in only for brevity.

use crate::audit::probe::{Probe, pod_network};
use crate::audit::scene::Scene;
use crate::audit::{Check, Hit, Severity};
use crate::catalog::{DocumentedRule, RULES, Reach, SERVICES, Standing, documented_anywhere};
use crate::chain::{Chain, Family, Ports, Rule, Target, Test, quoted};
use crate::net::PortRange;
use crate::packet::proto;

/// The command that adds the documented rule.
fn command(chain: &Chain, rule: &DocumentedRule) -> String {
    let mut out = format!("iptables -A {}", quoted(&chain.name));
    match rule.proto {
        Some(proto::TCP) => out += " -p tcp",
        Some(proto::UDP) => out += " -p udp",
        _ => out += " -p icmp",
    }
    if let Some(sport) = rule.sport {
        out += &format!(" --sport {sport}");
    }
    if let Some(dport) = rule.dport {
        out += &format!(" --dport {dport}");
    }
    out + &format!(
        " -m comment --comment \"{}\" -j ACCEPT, before the LOG line",
        rule.comment
    )
}

/// The line before which a rule goes.
fn before(chain: &Chain) -> usize {
    let at = chain
        .insert_number()
        .and_then(|number| chain.rules.get(number - 1));
    at.map_or(chain.line, |rule| rule.line)
}

fn addon(scene: &Scene<'_>, name: &str) -> Option<bool> {
    let known = scene
        .options
        .addons
        .iter()
        .rev()
        .find(|(addon, _)| addon == name);
    known.map(|(_, used)| *used)
}

/// Hits for the documented rules of the role that are not met and that `wanted` takes.
fn missing(scene: &Scene<'_>, wanted: impl Fn(&DocumentedRule) -> bool, why: &str) -> Vec<Hit> {
    scene.of_chains(|subject, chain| {
        let probe = Probe::new(scene, subject, chain);
        let needed = RULES
            .iter()
            .filter(|rule| rule.roles.contains(&subject.role) && wanted(rule));
        needed
            .filter_map(|rule| {
                let what = probe.missing(rule)?;
                Some(subject.hit(
                    before(chain),
                    format!(
                        "{what} ({}) is not accepted; a {} node {why}",
                        rule.comment, subject.role
                    ),
                    command(chain, rule),
                ))
            })
            .collect()
    })
}

pub(super) static MISSING_PORT: Check = Check {
    code: "missing-port",
    severity: Severity::Error,
    title: "a documented port is not accepted",
    explain: "The documentation's rules for this role accept it: connections to it will be dropped.",
    check: |scene| {
        let core = |rule: &DocumentedRule| {
            rule.addon
                .is_none_or(|name| addon(scene, name) == Some(true))
        };
        missing(scene, core, "needs it")
    },
};

pub(super) static ADDON_PORT_MISSING: Check = Check {
    code: "addon-port-missing",
    severity: Severity::Note,
    title: "a port of an addon is not accepted",
    explain: "It is needed only where the addon is in use, which was not told.",
    check: |scene| {
        let open =
            |rule: &DocumentedRule| rule.addon.is_some_and(|name| addon(scene, name).is_none());
        missing(scene, open, "needs it where the addon is in use")
    },
};

pub(super) static NO_POD_NETWORK: Check = Check {
    code: "no-pod-network",
    severity: Severity::Note,
    title: "the pod network is not accepted",
    explain: "The page calls the rule safe to omit: without it the return traffic of pods leaves false positives.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let Some(net) = pod_network(scene).filter(|net| net.addr().is_ipv4() == (subject.family == Family::V4)) else {
                return Vec::new();
            };
            let probe = Probe::new(scene, subject, chain);
            let src = net.hosts().next().unwrap_or(net.addr());
            if probe.accepts(src, proto::TCP, 40_000, Some(1)) {
                return Vec::new();
            }
            let mend = format!("iptables -A {} -s {net} -m comment --comment \"Allow pod network return traffic\" -j ACCEPT, before the LOG line", quoted(&chain.name));
            vec![subject.hit(before(chain), format!("the pod network {net} is not accepted"), mend)]
        })
    },
};

/// ACCEPT rules that are reached and whose matches are all known.
fn live_accepts<'a>(chain: &'a Chain) -> impl Iterator<Item = &'a Rule> {
    let known = |rule: &&'a Rule| {
        rule.target == Target::Accept
            && !rule
                .matches
                .iter()
                .any(|m| matches!(m.test, Test::Unknown(..)))
    };
    chain
        .rules
        .iter()
        .take(chain.stop_number().unwrap_or(usize::MAX))
        .filter(known)
}

pub(super) static ACCEPTS_EVERYTHING: Check = Check {
    code: "accepts-everything",
    severity: Severity::Error,
    title: "a rule accepts every port from everybody",
    explain: "It names no port, no source and no state: what stands behind it has no effect.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let wide = |rule: &&Rule| {
                rule.matches.iter().all(|m| match &m.test {
                    Test::Protocol(number) => {
                        m.negated || matches!(*number, proto::TCP | proto::UDP)
                    }
                    Test::Interface(..) | Test::Limit { .. } | Test::Ports(Ports::Source, _) => {
                        true
                    }
                    Test::State(states) => !m.negated && states.contains(crate::chain::States::NEW),
                    _ => false,
                })
            };
            live_accepts(chain)
                .filter(wide)
                .map(|rule| {
                    subject.hit(
                        rule.line,
                        format!("`{rule}` accepts every port from everybody"),
                        "name the ports, or the source",
                    )
                })
                .collect()
        })
    },
};

/// What of `range` no range of `known` covers.
fn uncovered(range: PortRange, mut known: Vec<PortRange>) -> Option<PortRange> {
    known.sort_unstable();
    let mut first = range.first;
    for next in known {
        if next.contains(first) {
            match next.last.checked_add(1) {
                Some(after) if after <= range.last => first = after,
                _ => return None,
            }
        }
    }
    Some(PortRange::new(first, range.last))
}

/// The live rules that accept ports which neither the documentation nor the catalogue has for the role.
fn extra(scene: &Scene<'_>, of_other_role: bool) -> Vec<Hit> {
    scene.of_chains(|subject, chain| {
        let mut out = Vec::new();
        for rule in live_accepts(chain) {
            let (Some(protocol), Some(ranges)) = (rule.protocol(), rule.dports()) else {
                continue;
            };
            let documented = RULES.iter().filter(|known| {
                known.proto == Some(protocol) && known.roles.contains(&subject.role)
            });
            let listed = SERVICES.iter().filter(|service| {
                service.proto == protocol
                    && service.roles.contains(&subject.role)
                    && service.standing == Standing::Current
                    && matches!(service.reach, Reach::Any | Reach::Nodes)
            });
            let known: Vec<PortRange> = documented
                .filter_map(|known| known.dport)
                .chain(listed.map(|service| service.ports))
                .collect();
            for range in ranges {
                let Some(open) = uncovered(*range, known.clone()) else {
                    continue;
                };
                let elsewhere = documented_anywhere(protocol, open.first).next();
                if elsewhere.is_some() != of_other_role {
                    continue;
                }
                let why = elsewhere.map_or_else(
                    || {
                        format!(
                            "nothing documented listens on {} of a {} node",
                            open.first, subject.role
                        )
                    },
                    |other| {
                        format!(
                            "{} ({}) is documented for {} only",
                            open.first,
                            other.comment,
                            other
                                .roles
                                .iter()
                                .map(|r| r.code())
                                .collect::<Vec<_>>()
                                .join(" and ")
                        )
                    },
                );
                out.push(subject.hit(
                    rule.line,
                    format!("`{rule}`: {why}"),
                    "delete the rule, or narrow it to the peers that need it with -s",
                ));
            }
        }
        out
    })
}

pub(super) static OTHER_ROLE_PORT: Check = Check {
    code: "other-role-port",
    severity: Severity::Warning,
    title: "a port of another role is accepted",
    explain: "Nothing listens on it on a node of this role; the rules may be those of another role.",
    check: |scene| extra(scene, true),
};

pub(super) static EXTRA_PORT: Check = Check {
    code: "extra-port",
    severity: Severity::Warning,
    title: "a port is accepted that no documentation names for the role",
    explain: "Each open port is a way in. Ports of local services and pods need no rule.",
    check: |scene| extra(scene, false),
};

pub(super) static KNOWN_GAP: Check = Check {
    code: "known-gap",
    severity: Severity::Note,
    title: "a port that the documentation leaves out for this role",
    explain: "The page opens it for another role only, while its pod can run here as well. Not a fault of these rules.",
    check: |scene| {
        scene.of_chains(|subject, chain| {
            let probe = Probe::new(scene, subject, chain);
            let gaps = SERVICES.iter().filter(|service| {
                let documented: Vec<_> =
                    documented_anywhere(service.proto, service.ports.first).collect();
                service.roles.contains(&subject.role)
                    && service.standing == Standing::Current
                    && service
                        .addon
                        .is_some_and(|name| addon(scene, name) != Some(false))
                    && !documented.is_empty()
                    && !documented
                        .iter()
                        .any(|rule| rule.roles.contains(&subject.role))
            });
            gaps.filter(|service| probe.closed(service.proto, 40_000, service.ports).is_some())
                .map(|service| {
                    subject.hit(
                        before(chain),
                        format!(
                            "port {} ({}) is not accepted. {}",
                            service.ports, service.name, service.note
                        ),
                        "nothing, unless the addon is in use and drops of this port are logged",
                    )
                })
                .collect()
        })
    },
};
