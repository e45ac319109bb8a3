//! Parser of `iptables -L`: the tables of chains, with or without `-v`, `-n`, `-x` and `--line-numbers`.
//!
//! The columns are named by each chain's own header line. The text behind the destination is parsed by `table_text`.
//! Rows that a terminal wrapped are joined; a row that cannot be parsed keeps its number.

use crate::chain::matching::{ALL, JUMP};
use crate::chain::rule::{Counters, Match, Rule, Side, Target, Test};
use crate::chain::syntax::arguments::host_name;
use crate::chain::syntax::blocks::Blocks;
use crate::chain::syntax::form::is_prompt;
use crate::chain::syntax::save::policy;
use crate::chain::syntax::{bare_line, table_text, values};
use crate::chain::{Family, Fault, Form, RuleSet};

/// Columns before `prot` in the header line of a chain.
#[derive(Clone, Copy, Default)]
struct Columns {
    number: bool,
    counters: bool,
    interfaces: bool,
}

/// The rows of one chain.
struct Table {
    chain: String,
    built_in: bool,
    columns: Option<Columns>,
    /// Rows, each with its line number, and with its continuation lines.
    rows: Vec<(usize, Vec<String>)>,
}

/// Reads all chains of a listing.
pub(in crate::chain) fn read(text: &str) -> RuleSet {
    let mut blocks = Blocks::new(Form::Listing);
    let mut table: Option<Table> = None;
    let mut unprinted = None;
    for (place, line) in text.lines().enumerate() {
        let number = place + 1;
        let line = bare_line(line);
        if let Some(head) = line.strip_prefix("Chain ") {
            finish(table.take(), &mut blocks);
            let name = head.split_whitespace().next().unwrap_or_default();
            if blocks.set().chain(Family::V4, name).is_some() {
                // A listing of another table or family.
                blocks.next(None, number);
            }
            table = Some(chain(name, head, number, blocks.set()));
        } else if line.starts_with('#') || is_prompt(line) {
            blocks.set().note_beside(line, number);
        } else if is_head(line) {
            let columns = Columns {
                number: line.starts_with("num"),
                counters: line.contains("pkts"),
                interfaces: line.contains(" in ") && line.contains(" out "),
            };
            if !columns.interfaces && unprinted.is_none() {
                unprinted = Some(number);
            }
            if let Some(table) = &mut table {
                table.columns = Some(columns);
            }
        } else if let Some(table) = &mut table
            && let Some(columns) = table.columns
            && !line.is_empty()
        {
            match table.rows.last_mut() {
                Some((_, lines)) if !begins_row(line, columns) => lines.push(line.to_owned()),
                _ => table.rows.push((number, vec![line.to_owned()])),
            }
        }
    }
    finish(table, &mut blocks);
    let mut set = blocks.finish();
    if let Some(line) = unprinted {
        let text = "the listing has no interfaces: a rule that asks for one looks as if it took all; print it with `iptables -L -v -n`";
        set.beside.push(Fault::unfollowed(line, text));
    }
    set
}

/// `pkts bytes target     prot opt in     out     source               destination`.
fn is_head(line: &str) -> bool {
    let has = |word: &str| line.split_whitespace().any(|known| known == word);
    has("target") && has("prot") && has("source")
}

/// Creates the chain of a `Chain` line, and returns its open table.
fn chain(name: &str, head: &str, line: usize, set: &mut RuleSet) -> Table {
    let stated = head
        .split_once("(policy ")
        .and_then(|(_, rest)| policy(rest.split([' ', ')']).next().unwrap_or_default()));
    let counted = (head.split_once('('))
        .and_then(|(_, rest)| rest.split_once(" references)")?.0.parse().ok());
    let made = set.chain_or_new(Family::V4, name, line);
    (made.policy, made.references) = (stated, counted);
    Table {
        chain: name.to_owned(),
        built_in: stated.is_some(),
        columns: None,
        rows: Vec::new(),
    }
}

/// Reads the rows of a table into its chain.
fn finish(table: Option<Table>, blocks: &mut Blocks) {
    let Some((table, columns)) = table.and_then(|table| {
        let columns = table.columns?;
        Some((table, columns))
    }) else {
        return;
    };
    let has = |address: &str| {
        let mut lines = table.rows.iter().flat_map(|(_, lines)| lines);
        lines.any(|line| line.split_whitespace().any(|word| word == address))
    };
    if has("::/0") {
        blocks.is_of(Family::V6);
    } else if has("0.0.0.0/0") && blocks.family() == Family::V4 {
        // Also where a rule asks for the protocol of ICMPv6, which `iptables` takes as any other number.
        blocks.is_of(Family::V4);
    }
    let set = blocks.set();
    for (line, parts) in table.rows {
        let read = |glue: &str| rule(&parts.join(glue), columns, table.built_in, line);
        let understood = |rule: &Rule| !rule.has(is_rest);
        // A terminal that wraps cuts words too.
        let read = match read(" ") {
            Some(found) if parts.len() == 1 || understood(&found) => Some(found),
            other => read("").filter(understood).or(other),
        };
        let rule = match read {
            Some(rule) => rule,
            None => Rule::unread(&parts.join(" "), line),
        };
        for m in &rule.matches {
            if let Some(what) = not_understood(&m.test) {
                set.faults.push(Fault::unfollowed(line, what));
            }
        }
        set.chain_or_new(Family::V4, &table.chain, line)
            .rules
            .push(rule);
    }
}

/// Whether a test holds text that no module here can parse.
fn is_rest(test: &Test) -> bool {
    matches!(test, Test::Unknown(module, _) if !matches!(module.as_str(), "set" | "host name" | "interface"))
}

/// Describes the part of a test that was not understood, where a name is missing here or the row is no rule.
fn not_understood(test: &Test) -> Option<String> {
    let Test::Unknown(module, text) = test else {
        return None;
    };
    Some(match module.as_str() {
        "row" => "not a rule of `iptables -L`: it keeps its number and matches nothing".to_owned(),
        "port" => {
            format!(
                "the name of a port in `{text}` is not known: the rule matches nothing; print it with -n"
            )
        }
        "protocol" => format!(
            "the protocol `{text}` is not known: the rule matches nothing; print it with -n"
        ),
        _ => return None,
    })
}

/// Whether the line begins a row, and does not continue the one before.
fn begins_row(line: &str, columns: Columns) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(6).collect();
    let mut words = words.as_slice();
    let is_number = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
    if columns.number {
        match words {
            [first, rest @ ..] if is_number(first) => words = rest,
            _ => return false,
        }
    }
    if columns.counters {
        return matches!(words, [packets, bytes, ..] if values::counter(packets).is_some() && values::counter(bytes).is_some())
            && words.len() > 2;
    }
    let is_opt = |word: &str| matches!(word, "--" | "-f" | "!f");
    match words {
        [_, protocol, opt, ..] if is_opt(opt) => {
            values::protocol(protocol.trim_start_matches('!')).is_some()
        }
        [protocol, opt, ..] if is_opt(opt) => {
            values::protocol(protocol.trim_start_matches('!')).is_some()
        }
        // An old ip6tables prints no `opt`.
        [_, protocol, source, destination, ..] => {
            values::protocol(protocol).is_some()
                && [source, destination]
                    .iter()
                    .all(|net| values::net(net.trim_start_matches('!')).is_some())
        }
        _ => columns.number,
    }
}

/// One row.
fn rule(line: &str, columns: Columns, built_in: bool, number: usize) -> Option<Rule> {
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
            // An unset interface is printed as `*`, and without `-n` as `any`.
            if interface != "*" && interface != "any" {
                push(
                    &mut rule,
                    Test::Interface(side, interface.to_owned()),
                    negated,
                );
            }
        }
    }
    for side in [Side::Source, Side::Destination] {
        let (address, negated) = negation(cut(&mut rest)?);
        match values::net(address) {
            // `::/0` shows the family, and is no match.
            Some(net) if net.prefix_len() > 0 || !net.addr().is_ipv4() => {
                push(&mut rule, Test::Net(side, net), negated);
            }
            Some(_) => {}
            None => {
                let test = match values::odd_mask(address) {
                    Some((address, mask)) => Test::Masked(side, address, mask),
                    None => host_name(side, address),
                };
                push(&mut rule, test, negated);
            }
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
    if !columns.interfaces && may_ask_interface(&rule, built_in) {
        let text = if rule.target.chain().is_some() {
            JUMP
        } else {
            ALL
        };
        let test = Test::Unknown("interface".to_owned(), text.to_owned());
        push(&mut rule, test, false);
    }
    Some(rule)
}

/// Whether a rule without a printed interface is likely to match one: a jump from a built-in chain, or an unconditional
/// ACCEPT.
fn may_ask_interface(rule: &Rule, built_in: bool) -> bool {
    match rule.target {
        Target::Jump(_) | Target::Goto(_) => built_in,
        Target::Accept | Target::Return => rule.matches.is_empty(),
        _ => false,
    }
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
