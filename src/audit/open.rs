//! Default-accept of INPUT: packets of strangers that no rule stops.

use crate::audit::ask::{Ask, Intrusion};
use crate::audit::order::end_line;
use crate::audit::{Check, Hit, Severity};
use crate::chain::{ChainOutcome, Rule, Side, Target, Test};
use crate::packet::proto;

pub(super) static NO_DROP: Check = Check {
    code: "no-drop",
    severity: Severity::Error,
    title: "what no rule accepts is let in",
    explain: "What no rule stops goes back to INPUT, whose policy lets it in: the chain does not end in DROP, a RETURN comes \
              before, or the jump is for one protocol, source or state only.",
    check: |scene| {
        scene.of_asked(|ask| {
            if !is_attached(ask) {
                return Vec::new();
            }
            let mut out: Vec<Hit> = Vec::new();
            for intrusion in ask.intrusions() {
                let end = &intrusion.outcome.end;
                if end.position().is_some() || !is_filtered(ask, &intrusion.interface) {
                    continue;
                }
                let (line, why) = passes_by(ask, &intrusion);
                let name = if intrusion.protocol == proto::TCP {
                    "tcp"
                } else {
                    "udp"
                };
                let hit = ask.subject.hit(
                    line,
                    format!(
                        "a stranger ({}) gets in to {name}/{} by {}: {why}",
                        intrusion.src, intrusion.port, intrusion.interface
                    ),
                    "let the jump take every packet of the interface, and end the chain in -j DROP",
                );
                if !out.iter().any(|known| known.line == hit.line) {
                    out.push(hit);
                }
            }
            out
        })
    },
};

/// Whether a packet can reach the chain that filters, from INPUT where the text contains it.
fn is_attached(ask: &Ask<'_>) -> bool {
    let chain = ask.subject.chain();
    chain.is_none_or(|chain| ask.chains.iter().any(|reached| reached.name == chain.name))
}

/// Whether a rule that leads to the chain, or stops packets in INPUT, matches packets of the interface.
fn is_filtered(ask: &Ask<'_>, interface: &str) -> bool {
    let covers = |rule: &Rule| {
        rule.matches.iter().all(|m| match &m.test {
            Test::Interface(Side::Source, name) => {
                let is = name
                    .strip_suffix('+')
                    .map_or(name == interface, |start| interface.starts_with(start));
                is != m.negated
            }
            _ => true,
        })
    };
    let Some(chain) = ask.subject.chain().filter(|chain| chain.policy.is_none()) else {
        return true;
    };
    let mut jumps = ask
        .rules()
        .filter(|(_, _, rule)| rule.target.chain() == Some(&chain.name))
        .peekable();
    jumps.peek().is_none() || jumps.any(|(_, _, rule)| covers(rule))
}

/// Describes why a packet reaches the end of INPUT, with the line of the rule to blame.
fn passes_by(ask: &Ask<'_>, intrusion: &Intrusion) -> (usize, String) {
    let policy = match &intrusion.outcome.end {
        ChainOutcome::Policy(policy) => format!(", and the policy of INPUT is {policy}"),
        _ => ", and it goes back to INPUT".to_owned(),
    };
    if let Some(position) = &intrusion.outcome.returned
        && let Some(rule) = ask.rule(position)
    {
        return (
            rule.line,
            format!(
                "rule {} of {}, `{rule}`, sends it back{policy}",
                position.number, position.chain
            ),
        );
    }
    let chain = ask.subject.chain();
    let jump = ask.rules().find(|(_, _, rule)| {
        chain.is_some_and(|chain| rule.target.chain() == Some(&chain.name))
            && rule
                .matches
                .iter()
                .any(|m| !matches!(m.test, Test::Interface(..)))
    });
    if let Some((known, at, rule)) = jump {
        return (
            rule.line,
            format!(
                "rule {} of {}, `{rule}`, does not take it{policy}",
                at + 1,
                known.name
            ),
        );
    }
    let stops = |rule: &Rule| matches!(rule.target, Target::Drop | Target::Reject(_));
    let partly = ask.rules().filter(|(_, _, rule)| stops(rule)).last();
    match partly {
        Some((known, at, rule)) => (
            rule.line,
            format!(
                "rule {} of {}, `{rule}`, does not drop it{policy}",
                at + 1,
                known.name
            ),
        ),
        None => (
            chain.map_or(0, end_line),
            format!("no rule drops the rest{policy}"),
        ),
    }
}
