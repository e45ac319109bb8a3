//! Comparison of the ports that the chain accepts with those that the role needs.
//!
//! Whether a port is accepted is tested with a packet in the chain itself; rules restricted to sources count, since the
//! page opens ports to all sources only for brevity.

use crate::audit::ask::{Ask, is_cni, is_cni_chain};
use crate::audit::order::decides;
use crate::audit::reachable::Reached;
use crate::audit::scene::{Scene, Subject};
use crate::audit::{Check, Hit, Severity};
use crate::catalog::{DocumentedRule, RULES, Reach, SERVICES, Standing, documented_anywhere};
use crate::chain::{Chain, Family, INPUT, Outcome, Rule, Side, Sought, Target, Test, quoted};
use crate::net::{IpNet, PortRange};
use crate::packet::proto;

/// Returns the documented rule as arguments.
fn arguments(rule: &DocumentedRule) -> String {
    let mut out = match rule.proto {
        Some(proto::TCP) => "-p tcp".to_owned(),
        Some(proto::UDP) => "-p udp".to_owned(),
        _ => "-p icmp".to_owned(),
    };
    if let Some(sport) = rule.sport {
        out += &format!(" --sport {sport}");
    }
    if let Some(dport) = rule.dport {
        out += &format!(" --dport {dport}");
    }
    format!("{out} -m comment --comment \"{}\" -j ACCEPT", rule.comment)
}

/// How to add a rule before LOG, in words, and the line of a CloudInit or a script, or the rule for a running chain, where `-A`
/// would put it behind DROP.
fn add(subject: &Subject<'_>, chain: &Chain, rule: &str) -> (String, String) {
    let name = quoted(&chain.name);
    if subject.again.is_some() {
        let command = format!("iptables -A {name} {rule}");
        ("put before the LOG line:".to_owned(), command)
    } else {
        let words = format!("insert before the LOG rule of {name}:");
        (words, rule.to_owned())
    }
}

/// Returns the line before which a rule must be inserted.
fn before(subject: &Subject<'_>, chain: &Chain) -> usize {
    *subject.place.get_or_init(|| {
        let is_log = |rule: &Rule| subject.set.is_drop_log(rule);
        let found = subject
            .set
            .seek_in_part(subject.family, &Rule::default(), "", &is_log);
        let at = match found {
            Sought::At(place) => place.rule().map(|rule| rule.line),
            Sought::Live(_) | Sought::Stopped(_) | Sought::Nowhere => None,
        };
        at.filter(|line| *line > 0).unwrap_or(chain.line)
    })
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

/// Whether a documented rule is needed for all that is known: it is of no addon, or of one in use.
fn is_core(scene: &Scene<'_>, rule: &DocumentedRule) -> bool {
    rule.addon
        .is_none_or(|name| addon(scene, name) == Some(true))
}

/// Collects hits for the documented rules of the role that the chain does not satisfy and that `wanted` selects.
fn missing(scene: &Scene<'_>, wanted: impl Fn(&DocumentedRule) -> bool, why: &str) -> Vec<Hit> {
    scene.of_asked(|ask| {
        let subject = ask.subject;
        let input = || subject.set.chain(subject.family, INPUT);
        let Some(chain) = subject
            .chain()
            .or_else(input)
            .filter(|_| subject.is_measured)
        else {
            return Vec::new();
        };
        let needed = RULES
            .iter()
            .filter(|rule| rule.roles.contains(&subject.role) && wanted(rule));
        needed
            .filter_map(|rule| {
                let part = ask.part_of(rule, |reached| matches!(reached, Reached::Closed(_)))?;
                if is_dead(subject, rule) {
                    return None;
                }
                let Reached::Closed(stopped) = &part.reached else {
                    return None;
                };
                let own = stopped.as_ref().filter(|outcome| is_own_stop(ask, outcome));
                let (line, by) = match (own, of_no_node(ask, rule, part.port)) {
                    (Some(outcome), _) => {
                        let (line, by) = decides(ask, outcome);
                        (line, format!(": {by} stops it"))
                    }
                    (None, Some(narrowed)) => {
                        (narrowed.line, format!(": `{narrowed}` lets no node in"))
                    }
                    (None, None) => (before(subject, chain), String::new()),
                };
                let what = part.name;
                let (mend, command) = add(subject, chain, &arguments(rule));
                let text = format!(
                    "{what} ({}) is not accepted; a {} node {why}{by}",
                    rule.comment, subject.role
                );
                Some(subject.hit(line, text, mend).by([command]))
            })
            .collect()
    })
}

/// Returns the rule that accepts the port from a source where no node is.
fn of_no_node<'a>(ask: &Ask<'a>, rule: &DocumentedRule, port: Option<u16>) -> Option<&'a Rule> {
    let names = |own: &Rule| match (own.dports(), port) {
        (Some(ranges), Some(port)) => ranges.iter().any(|range| range.contains(port)),
        (ranges, port) => ranges.is_none() && port.is_none(),
    };
    let accepts = |own: &&Rule| {
        own.target == Target::Accept
            && own.protocol() == rule.proto
            && own.source().is_some()
            && names(own)
    };
    ask.rules().map(|(_, _, own)| own).find(accepts)
}

/// Whether a packet is stopped by a specific rule, and not by the one that stops all the rest.
fn is_own_stop(ask: &Ask<'_>, outcome: &Outcome) -> bool {
    let rule = outcome
        .end
        .position()
        .and_then(|position| ask.rule(position));
    rule.is_some_and(|rule| !rule.is_unconditional())
}

/// Whether a dead rule behind DROP names the port: that is another finding.
fn is_dead(subject: &Subject<'_>, rule: &DocumentedRule) -> bool {
    let Some((chain, range)) = subject.chain().zip(rule.dport) else {
        return false;
    };
    let stop = chain.stop_number().unwrap_or(usize::MAX);
    chain.rules.iter().skip(stop).any(|known| {
        known.target == Target::Accept
            && known.protocol() == rule.proto
            && known
                .dports()
                .is_some_and(|ports| ports.iter().any(|port| port.contains(range.first)))
    })
}

pub(super) static MISSING_PORT: Check = Check {
    code: "missing-port",
    severity: Severity::Error,
    title: "a documented port is not accepted",
    explain: "The documentation's rules for this role accept it: connections to it will be dropped.",
    check: |scene| missing(scene, |rule| is_core(scene, rule), "needs it"),
};

pub(super) static NODE_PORT_NARROWED: Check = Check {
    code: "node-port-narrowed",
    severity: Severity::Warning,
    title: "a port that all nodes need is accepted on a condition that nodes may fail",
    explain: "Each node of the cluster connects to it: from its own address, with its own MAC address, at any time. The \
              connections of the nodes that do not meet the condition will be dropped.",
    check: |scene| {
        scene.of_asked(|ask| {
            let subject = ask.subject;
            let needed = RULES.iter().filter(|rule| {
                rule.roles.contains(&subject.role) && is_core(scene, rule) && subject.is_measured
            });
            needed
                .filter_map(|rule| {
                    let part = ask.part_of(rule, |reached| matches!(reached, Reached::Only(..)))?;
                    let Reached::Only(what, position) = &part.reached else {
                        return None;
                    };
                    let text = format!(
                        "{} ({}) is accepted with `{what}` only; each node of the cluster needs it",
                        part.name, rule.comment
                    );
                    let mend =
                        "put the nodes' network in the place of that, such as -s 192.168.122.0/24";
                    Some(subject.hit(position.line, text, mend))
                })
                .collect()
        })
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
        scene.of_asked(|ask| {
            let subject = ask.subject;
            let Some(chain) = subject.chain() else {
                return Vec::new();
            };
            let is_shut_out = |net: &&IpNet| {
                net.addr().is_ipv4() == (subject.family == Family::V4) && !ask.pod_gets_in(**net)
            };
            let nets = scene.options.pod_cidrs.iter().filter(is_shut_out);
            let hit = |net: &IpNet| {
                let rule = format!(
                    "-s {net} -m comment --comment \"Allow pod network return traffic\" -j ACCEPT"
                );
                let (mend, command) = add(subject, chain, &rule);
                let text = format!("the pod network {net} is not accepted");
                subject
                    .hit(before(subject, chain), text, mend)
                    .by([command])
            };
            nets.map(hit).collect()
        })
    },
};

/// Returns the ACCEPT rules that are reached and whose matches are all known.
fn live_accepts<'a>(ask: &Ask<'a>) -> Vec<&'a Rule> {
    let known = |rule: &Rule| {
        rule.target == Target::Accept
            && !rule
                .matches
                .iter()
                .any(|m| matches!(m.test, Test::Unknown(..)))
    };
    let chains = ask.chains.iter().filter(|chain| !is_cni_chain(&chain.name));
    let live = |chain: &&'a Chain| {
        let stop = chain.stop_number().unwrap_or(usize::MAX);
        let name = &chain.name;
        (chain.rules.iter().take(stop))
            .filter(move |rule| known(rule) && !is_cni(name, rule))
            .collect::<Vec<_>>()
    };
    chains.flat_map(live).collect()
}

/// Collects the ACCEPT rules that let strangers in, of the CNI or not.
fn accepted_strangers(scene: &Scene<'_>, of_cni: bool) -> Vec<Hit> {
    scene.of_asked(|ask| {
        let mut out = Vec::new();
        for intrusion in ask.intrusions() {
            let Some(position) = intrusion.outcome.end.position() else {
                continue;
            };
            let Some(rule) = ask.rule(position) else {
                continue;
            };
            if is_cni(&position.chain, rule) != of_cni {
                continue;
            }
            let name = if intrusion.protocol == proto::TCP { "tcp" } else { "udp" };
            out.push(ask.subject.hit(
                rule.line,
                format!(
                    "a stranger ({}) gets in to {name}/{} by {}: rule {} of {}, `{rule}`, accepts it",
                    intrusion.src, intrusion.port, intrusion.interface, position.number, position.chain
                ),
                "name the ports that are needed, or a narrower source",
            ));
        }
        out
    })
}

pub(super) static ACCEPTS_EVERYTHING: Check = Check {
    code: "accepts-everything",
    severity: Severity::Error,
    title: "a rule lets strangers in to ports that nothing is documented for",
    explain: "INPUT was asked what becomes of a stranger's packet to an unlisted port: a rule accepts it, in the chain, before \
              it or around it. What stands behind that rule has no effect for such packets.",
    check: |scene| accepted_strangers(scene, false),
};

pub(super) static CNI_ACCEPTS: Check = Check {
    code: "cni-accepts",
    severity: Severity::Note,
    title: "a rule of the CNI or of kube-proxy lets strangers in",
    explain: "Such rules are made and kept by their controllers. What they accept never comes to the chain of the documentation.",
    check: |scene| accepted_strangers(scene, true),
};

pub(super) static ACCEPT_LIMITED: Check = Check {
    code: "accept-limited",
    severity: Severity::Error,
    title: "an ACCEPT has a limit",
    explain: "Beyond its limit it accepts nothing: connections of the cluster are dropped when there are many.",
    check: |scene| {
        scene.of_asked(|ask| {
            let limited = |rule: &Rule| {
                rule.has(|test| match test {
                    Test::Limit { .. } => true,
                    Test::Unknown(module, _) => matches!(module.as_str(), "hashlimit" | "limit:"),
                    _ => false,
                })
            };
            let harmful = |rule: &Rule| {
                let documented = RULES.iter().any(|known| {
                    known.proto == rule.protocol()
                        && known.roles.contains(&ask.subject.role)
                        && known.dport.is_some_and(|ports| {
                            rule.dports()
                                .is_some_and(|own| own.iter().any(|own| own.contains(ports.first)))
                        })
                });
                documented || rule.asks_state(crate::chain::States::ESTABLISHED)
            };
            ask.rules()
                .filter(|(_, _, rule)| {
                    rule.target == Target::Accept && limited(rule) && harmful(rule)
                })
                .map(|(chain, at, rule)| {
                    ask.subject.hit(
                        rule.line,
                        format!(
                            "rule {} of {}, `{rule}`, accepts up to its limit only",
                            at + 1,
                            chain.name
                        ),
                        "take the limit out; the limit belongs to the LOG rule",
                    )
                })
                .collect()
        })
    },
};

pub(super) static NOT_ASKED: Check = Check {
    code: "too-many-rules",
    severity: Severity::Warning,
    title: "the chains are so long that not every question was asked",
    explain: "Each question walks the chains. Past some millions of rules no more are asked, and what they would have shown is not \
              part of the answer.",
    check: |scene| {
        let spent = scene.subjects.iter().filter(|subject| subject.is_spent());
        spent
            .map(|subject| {
                subject.hit(
                    0,
                    "so many rules that not every question was asked",
                    "put addresses into an ipset, which is one rule",
                )
            })
            .collect()
    },
};

/// Collects the live rules that accept ports which neither the documentation nor the catalogue lists for the role.
fn extra(scene: &Scene<'_>, of_other_role: bool) -> Vec<Hit> {
    scene.of_asked(|ask| {
        let subject = ask.subject;
        let mut out = Vec::new();
        for rule in live_accepts(ask) {
            let group = rule.has(|test| {
                matches!(test, Test::Net(Side::Destination, net) if net.addr().is_multicast())
            });
            if rule.source().is_some() || group || !subject.is_measured {
                continue;
            }
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
                let Some(open) = range.uncovered(known.clone()) else {
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
        scene.of_asked(|ask| {
            let subject = ask.subject;
            let Some(chain) = subject.chain().filter(|_| subject.is_measured) else {
                return Vec::new();
            };
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
            let closed = |reached: &Reached| matches!(reached, Reached::Closed(_));
            gaps.filter(|s| ask.part(s.proto, 40_000, s.ports, closed).is_some())
                .map(|service| {
                    subject.hit(
                        before(subject, chain),
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
