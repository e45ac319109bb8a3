//! `iptables -L`: the tables of chains, with or without `-v`, `-n`, `-x` and `--line-numbers`.
//!
//! The columns are told by each chain's own head line. What stands behind the destination is read by `table_text`.

use crate::chain::Fault;
use crate::chain::rule::{Counters, Match, Rule, Side, Target, Test};
use crate::chain::syntax::arguments::host_name;
use crate::chain::syntax::form::Form;
use crate::chain::syntax::save::policy;
use crate::chain::syntax::{table_text, values};
use crate::chain::{Chain, Family, RuleSet};

/// Which columns a chain's head line names before `prot`.
#[derive(Clone, Copy, Default)]
struct Columns {
    number: bool,
    counters: bool,
    interfaces: bool,
}

/// Reads all chains of a listing.
pub(in crate::chain) fn read(text: &str) -> RuleSet {
    let mut set = RuleSet::new(Form::Listing);
    let mut columns = None;
    for (place, line) in text.lines().enumerate() {
        let number = place + 1;
        if let Some(head) = line.strip_prefix("Chain ") {
            set.chains.push(chain(head, number));
            columns = None;
        } else if line.contains("target") && line.contains("prot") && line.contains("destination") {
            columns = Some(Columns {
                number: line.trim_start().starts_with("num"),
                counters: line.contains("pkts"),
                interfaces: line.contains(" in ") && line.contains(" out "),
            });
        } else if let (Some(columns), Some(chain)) = (columns, set.chains.last_mut())
            && !line.trim().is_empty()
        {
            match rule(line, columns, chain.policy.is_some(), number) {
                Some((rule, family)) => {
                    chain.rules.push(rule);
                    if family == Some(Family::V6) {
                        chain.family = Family::V6;
                    }
                }
                None if is_prompt(line) => {}
                None => set
                    .faults
                    .push(Fault::new(number, "not a rule of `iptables -L`")),
            }
        }
    }
    // One listing is of one family, and an empty chain does not show which.
    if set.chains.iter().any(|chain| chain.family == Family::V6) {
        set.is_of(Family::V6);
    }
    set.finished()
}

fn is_prompt(line: &str) -> bool {
    line.contains("# ") || line.contains("$ ") || line.starts_with('#')
}

fn chain(head: &str, line: usize) -> Chain {
    let name = head.split_whitespace().next().unwrap_or_default();
    let stated = head
        .split_once("(policy ")
        .and_then(|(_, rest)| policy(rest.split([' ', ')']).next().unwrap_or_default()));
    Chain {
        family: Family::V4,
        name: name.to_owned(),
        policy: stated,
        rules: Vec::new(),
        line,
    }
}

/// One row; the family where an address tells it.
fn rule(
    line: &str,
    columns: Columns,
    built_in: bool,
    number: usize,
) -> Option<(Rule, Option<Family>)> {
    let mut rest = line.trim();
    let mut rule = Rule {
        line: number,
        ..Rule::default()
    };
    if columns.number {
        cut(&mut rest)?.parse::<usize>().ok()?;
    }
    if columns.counters {
        let (packets, packets_exact) = values::counter(cut(&mut rest)?)?;
        let (bytes, bytes_exact) = values::counter(cut(&mut rest)?)?;
        rule.counters = Some(Counters {
            packets,
            bytes,
            exact: packets_exact && bytes_exact,
        });
    }
    // The target may be empty, and so may `opt` with an old ip6tables.
    let words: Vec<&str> = rest.split_whitespace().take(3).collect();
    let is_opt = |word: Option<&&str>| matches!(word, Some(&("--" | "-f" | "!f")));
    let is_protocol = |word: Option<&&str>| {
        word.is_some_and(|w| values::protocol(w.trim_start_matches('!')).is_some())
    };
    let no_target = is_opt(words.get(1)) && is_protocol(words.first());
    let name = if no_target { "" } else { cut(&mut rest)? };
    let protocol = cut(&mut rest)?;
    if is_opt(rest.split_whitespace().next().as_ref()) {
        match cut(&mut rest)? {
            "-f" => push(&mut rule, Test::LaterFragment, false),
            "!f" => push(&mut rule, Test::LaterFragment, true),
            _ => {}
        }
    }
    let (protocol, negated) = negation(protocol);
    match values::protocol(protocol) {
        Some(known) => push(&mut rule, Test::Protocol(known), negated),
        None => push(
            &mut rule,
            Test::Unknown("protocol".to_owned(), protocol.to_owned()),
            negated,
        ),
    }
    if columns.interfaces {
        for side in [Side::Source, Side::Destination] {
            let (interface, negated) = negation(cut(&mut rest)?);
            if interface != "*" {
                push(
                    &mut rule,
                    Test::Interface(side, interface.to_owned()),
                    negated,
                );
            }
        }
    } else if built_in {
        let text = "the listing has no interfaces; print it with -v".to_owned();
        push(
            &mut rule,
            Test::Unknown("interface".to_owned(), text),
            false,
        );
    }
    let mut family = None;
    for side in [Side::Source, Side::Destination] {
        let (address, negated) = negation(cut(&mut rest)?);
        match values::net(address) {
            Some(net) => {
                if address != "anywhere" {
                    family = Some(if net.addr().is_ipv4() {
                        Family::V4
                    } else {
                        Family::V6
                    });
                }
                push(&mut rule, Test::Net(side, net), negated);
            }
            None => push(&mut rule, host_name(side, address), negated),
        }
    }
    let mut rest = rest.trim();
    let goto = rest.strip_prefix("[goto]");
    if let Some(after) = goto {
        rest = after.trim_start();
    }
    rule.target = if name.is_empty() {
        Target::None
    } else {
        Target::named(name, goto.is_some())
    };
    table_text::read(rest, &mut rule);
    rule.normalize();
    Some((rule, family))
}

fn push(rule: &mut Rule, test: Test, negated: bool) {
    rule.matches.push(Match { test, negated });
}

fn negation(text: &str) -> (&str, bool) {
    text.strip_prefix('!')
        .map_or((text, false), |rest| (rest, true))
}

/// Takes the next word off `rest`.
fn cut<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    *rest = after;
    (!word.is_empty()).then_some(word)
}
