//! Complete chain that the page "Host Network Security" recommends for a role, and the differences of another chain from
//! it.
//!
//! Source: harvester/docs, docs/networking/host-network-security.md, revision 8efde8e: the three CloudInit examples.

use std::io::{self, Write};

use super::accept_rule::accept;
use crate::catalog::{LOG_PREFIX, RULES, Role};
use crate::chain::{
    Chain, Family, HARVESTER, INPUT, Log, Match, Rule, RuleSet, Side, States, Target, Test,
    limit_interval,
};
use crate::net::IpNet;
use crate::site::Site;

/// Interface of the management network, whose packets the chain filters.
const INTERFACE: &str = "mgmt-br";
/// The burst of `-m limit` where none is given (iptables-extensions(8)).
const BURST: u32 = 5;

/// The recommended chain of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommended {
    pub role: Role,
    /// Rules from ESTABLISHED to DROP, in the order of the documentation.
    pub rules: Vec<Rule>,
}

/// A form in which the recommended chain is written.
pub struct ChainForm {
    /// Name of the form on the command line.
    pub code: &'static str,
    pub title: &'static str,
    pub write: fn(&Recommended, &mut dyn Write) -> io::Result<()>,
}

/// All forms, the default first.
pub const CHAIN_FORMS: &[&ChainForm] = &[&SCRIPT, &CLOUDINIT, &SAVE];

static SCRIPT: ChainForm = ChainForm {
    code: "script",
    title: "a shell script that puts the whole chain in force at once",
    write: script,
};

static CLOUDINIT: ChainForm = ChainForm {
    code: "cloudinit",
    title: "the CloudInit of the role, for kubectl apply",
    write: cloudinit,
};

static SAVE: ChainForm = ChainForm {
    code: "iptables-save",
    title: "as iptables-save prints it, for iptables-restore",
    write: save,
};

/// Differences of a chain from the recommended one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Recommended rules that the chain lacks.
    pub missing: Vec<Rule>,
    /// Rules that the recommendation does not have, with their numbers.
    pub extra: Vec<(usize, Rule)>,
    /// Rules that accept more than a recommended one, each with that one.
    pub wider: Vec<(usize, Rule, Rule)>,
    /// Recommended rules at a position without effect, with the target before them.
    pub order: Vec<(usize, Rule, &'static str)>,
}

impl Recommended {
    /// Creates the chain of `role`, with the pod network of the site and without the addons that it lacks.
    pub fn new(role: Role, site: &Site) -> Self {
        let mut rules = vec![Rule::new(
            [Test::State(States::RETURN_TRAFFIC)],
            Target::Accept,
            "Accept return traffic from established connections",
        )];
        let own = RULES
            .iter()
            .filter(|rule| rule.roles.contains(&role) && !site.lacks(rule.addon));
        for rule in own {
            let nets: Vec<Option<IpNet>> = if rule.pod_network {
                let v4 = site.pod_cidrs().into_iter();
                v4.filter(|net| matches!(net, IpNet::V4(_)))
                    .map(Some)
                    .collect()
            } else {
                vec![None]
            };
            for net in nets {
                rules.push(accept(
                    net,
                    rule.proto,
                    rule.sport,
                    rule.dport,
                    rule.comment,
                ));
            }
        }
        let limit = limit_interval(10, 60).map(|interval| Test::Limit {
            interval,
            burst: BURST,
        });
        let log = Log {
            prefix: (site.log_prefix.clone()).unwrap_or_else(|| LOG_PREFIX.to_owned()),
            ..Log::default()
        };
        rules.push(Rule::new(
            limit,
            Target::Log(log),
            "Rate-limit logging of dropped packets",
        ));
        rules.push(Rule::new([], Target::Drop, "Drop all other traffic"));
        Self { role, rules }
    }

    /// Compares the chain that filters the node; `None` where `set` has none.
    pub fn difference(&self, set: &RuleSet) -> Option<Difference> {
        let chain = set.firewall(Family::V4)?;
        let mut out = Difference::default();
        let mut used = vec![false; chain.rules.len()];
        for wanted in &self.rules {
            match place_of(chain, wanted) {
                Some((at, None)) => used[at] = true,
                Some((at, Some(behind))) => {
                    used[at] = true;
                    out.order.push((at + 1, chain.rules[at].clone(), behind));
                }
                None => match cover_of(chain, wanted) {
                    Some(at) => {
                        used[at] = true;
                        let rule = chain.rules[at].clone();
                        out.wider.push((at + 1, rule, wanted.clone()));
                    }
                    None => out.missing.push(wanted.clone()),
                },
            }
        }
        let rest = chain.rules.iter().enumerate().filter(|(at, _)| !used[*at]);
        out.extra = rest.map(|(at, rule)| (at + 1, rule.clone())).collect();
        let jumps = |rule: &Rule| {
            let is_for = |m: &Match| match &m.test {
                Test::Interface(Side::Source, name) => name == INTERFACE && !m.negated,
                _ => false,
            };
            rule.target.chain() == Some(&chain.name) && rule.matches.iter().all(is_for)
        };
        let input = set.chain(Family::V4, INPUT);
        if chain.name != INPUT && input.is_some_and(|input| !input.rules.iter().any(jumps)) {
            out.missing.insert(0, jump());
        }
        Some(out)
    }

    fn append(&self, rule: &Rule) -> String {
        format!("-A {HARVESTER} {rule}")
    }
}

impl Difference {
    /// Whether the chains do the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the jump from INPUT.
fn jump() -> Rule {
    let interface = Test::Interface(Side::Source, INTERFACE.to_owned());
    Rule::new([interface], Target::Jump(HARVESTER.to_owned()), "")
}

/// Returns the index of the rule in a chain, a live one first, and the target behind which it has no effect.
fn place_of(chain: &Chain, wanted: &Rule) -> Option<(usize, Option<&'static str>)> {
    let log = chain.log_rule_number().unwrap_or(usize::MAX);
    let stop = chain.stop_number().unwrap_or(usize::MAX);
    let mut found = (chain.rules.iter().enumerate())
        .filter(|(_, rule)| is_same(rule, wanted))
        .map(|(at, _)| at);
    let at = found.next()?;
    let behind = match &wanted.target {
        _ if at + 1 > stop => Some("DROP"),
        Target::Accept if at + 1 > log => Some("LOG"),
        _ => None,
    };
    Some((at, behind))
}

/// Whether a rule does the same as the recommended one; LOG rules are compared by their prefix.
fn is_same(rule: &Rule, wanted: &Rule) -> bool {
    match (&rule.target, &wanted.target) {
        (Target::Log(own), Target::Log(theirs)) => {
            own.prefix == theirs.prefix && rule.matches == wanted.matches
        }
        _ => rule.means(wanted),
    }
}

/// Returns a live rule that accepts all that the recommended one accepts.
fn cover_of(chain: &Chain, wanted: &Rule) -> Option<usize> {
    let end = chain.insert_number().unwrap_or(usize::MAX);
    let live = chain.rules.iter().take(end - 1);
    (wanted.target == Target::Accept)
        .then(|| live.enumerate().find(|(_, rule)| rule.covers(wanted)))?
        .map(|(at, _)| at)
}

fn save(chain: &Recommended, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "*filter\n:INPUT ACCEPT [0:0]\n:{HARVESTER} - [0:0]")?;
    writeln!(out, "-A INPUT -i {INTERFACE} -j {HARVESTER}")?;
    for rule in &chain.rules {
        writeln!(out, "{}", chain.append(rule))?;
    }
    writeln!(out, "COMMIT")
}

fn script(chain: &Recommended, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "#!/bin/sh\n\
         # The recommended chain of {} nodes, in force at once and lost at the next boot. Other chains stay; what stands in\n\
         # {HARVESTER} is replaced in one step. Needs root.\n\
         set -eu\n\
         iptables-restore -w --noflush <<'END'\n\
         *filter\n\
         :{HARVESTER} - [0:0]",
        chain.role
    )?;
    for rule in &chain.rules {
        writeln!(out, "{}", chain.append(rule))?;
    }
    writeln!(
        out,
        "COMMIT\n\
         END\n\
         # The jump goes last, behind the rules of the CNI and of kube-proxy.\n\
         iptables -w -C INPUT -i {INTERFACE} -j {HARVESTER} 2>/dev/null ||\n    \
         iptables -w -A INPUT -i {INTERFACE} -j {HARVESTER}"
    )
}

fn cloudinit(chain: &Recommended, out: &mut dyn Write) -> io::Result<()> {
    let role = chain.role;
    let labels: &[&str] = match role {
        Role::ControlPlane => &[
            "node-role.kubernetes.io/control-plane",
            "node-role.kubernetes.io/etcd",
        ],
        Role::Worker => &["node-role.harvesterhci.io/worker"],
        Role::Witness => &["node-role.harvesterhci.io/witness"],
    };
    writeln!(
        out,
        "apiVersion: node.harvesterhci.io/v1beta1\nkind: CloudInit\nmetadata:\n  name: iptables-{role}\nspec:\n  matchSelector:"
    )?;
    for label in labels {
        writeln!(out, "    {label}: \"true\"")?;
    }
    writeln!(
        out,
        "  filename: 91-iptables-{role}\n  contents: |\n    stages:\n      boot:\n        \
         - name: \"Apply iptables rules for {role} node\"\n          commands:"
    )?;
    let jump = format!("-i {INTERFACE} -j {HARVESTER}");
    let first = [
        format!("-D INPUT {jump} 2>/dev/null || true"),
        format!("-F {HARVESTER} 2>/dev/null || true"),
        format!("-X {HARVESTER} 2>/dev/null || true"),
        format!("-N {HARVESTER}"),
        format!("-A INPUT {jump}"),
    ];
    for command in first
        .into_iter()
        .chain(chain.rules.iter().map(|rule| chain.append(rule)))
    {
        writeln!(out, "            - iptables {command}")?;
    }
    writeln!(out, "  paused: false")
}
