//! What `iptables -L` prints behind the destination: matches, then the target's options.
//!
//! Each module prints in its own way (`print` and `save` of libxt_*.c); here are those that firewalls of nodes use.

use crate::chain::rule::{Match, Ports, Rule, Side, Target, Test};
use crate::chain::syntax::values;
use crate::net::PortRange;

/// Adds the matches and the target's options of `text` to `rule`.
pub(in crate::chain) fn read(text: &str, rule: &mut Rule) {
    let (text, after) = without_comment(text, rule);
    for part in [text, after] {
        words(part, rule);
    }
}

/// Takes `/* … */` out. What stands in a comment is anybody's text, so the last `*/` closes it.
fn without_comment<'a>(text: &'a str, rule: &mut Rule) -> (&'a str, &'a str) {
    let Some((before, rest)) = text.split_once("/* ") else {
        return (text, "");
    };
    let Some((comment, after)) = rest.rsplit_once(" */") else {
        return (text, "");
    };
    if comment.contains("/* ") || comment.contains(" */") {
        // Two comments, or one that contains the marks: what is a match in between cannot be told.
        push(rule, unknown("comment", comment), false);
    }
    rule.comment = Some(comment.to_owned());
    (before, after)
}

fn words(text: &str, rule: &mut Rule) {
    let mut words: Vec<&str> = Vec::new();
    // The prefix of LOG is quoted, and may have spaces.
    let (text, prefix) = match (text.split_once("prefix \""), &rule.target) {
        (Some((before, rest)), Target::Log(_)) => (
            before,
            rest.strip_suffix('"').or(rest.trim_end().strip_suffix('"')),
        ),
        _ => (text, None),
    };
    if let (Target::Log(log), Some(prefix)) = (&mut rule.target, prefix) {
        prefix.clone_into(&mut log.prefix);
    }
    words.extend(text.split_whitespace());
    let mut rest = words.as_slice();
    while let Some(taken) = one(rest, rule) {
        rest = &rest[taken..];
    }
}

/// Reads what `words` begins with, and says how many words it took; `None` at the end.
fn one(words: &[&str], rule: &mut Rule) -> Option<usize> {
    let taken = match *words {
        [] => return None,
        ["ctstate" | "state", list, ..] => states(list, false, rule).then_some(2),
        ["!", "ctstate" | "state", list, ..] => states(list, true, rule).then_some(3),
        ["multiport", which, list, ..] => multiport(which, list, rule).then_some(3),
        ["limit:", "avg", rate, "burst", burst, ..] => limit(rate, burst, rule).then_some(5),
        ["tcp" | "udp" | "sctp" | "dccp" | "udplite", value, ..] => port(value, rule).then_some(2),
        ["icmptype" | "ipv6-icmptype", kind, "code", code, ..] => {
            icmp(kind, Some(code), false, rule).then_some(4)
        }
        ["icmptype" | "ipv6-icmptype", kind, ..] => icmp(kind, None, false, rule).then_some(2),
        ["icmp" | "ipv6-icmp", "!type", kind, "code", code, ..] => {
            icmp(kind, Some(code), true, rule).then_some(5)
        }
        ["icmp" | "ipv6-icmp", "!type", kind, ..] => icmp(kind, None, true, rule).then_some(3),
        ["icmp", name, ..] => icmp(name, None, false, rule).then_some(2),
        ["ADDRTYPE", "match", ref types @ ..] => address_types(types, rule).map(|taken| taken + 2),
        ["match-set", name, sides, ..] => set(name, sides, false, rule).then_some(3),
        ["!", "match-set", name, sides, ..] => set(name, sides, true, rule).then_some(4),
        ["mark", "match", "!", value, ..] => mark(value, true, rule).then_some(4),
        ["mark", "match", value, ..] => mark(value, false, rule).then_some(3),
        ["LOG", "flags", flags, "level", level, ..] => log(flags, level, rule).then_some(5),
        ["LOG", "level", level, ..] => log("0", level, rule).then_some(3),
        ["reject-with", with, ..] if matches!(rule.target, Target::Reject(_)) => {
            rule.target = Target::Reject(with.to_owned());
            Some(2)
        }
        // Further ports of one protocol: `udp spt:67 dpt:68`.
        [value, ..] => port(value, rule).then_some(1),
    };
    taken.or_else(|| {
        rest(words, rule);
        Some(words.len())
    })
}

/// What is left: the options of a target that goes on, else a match that is not known.
fn rest(words: &[&str], rule: &mut Rule) {
    let text = words.join(" ");
    match &mut rule.target {
        Target::Other(_, options) => *options = text,
        _ => {
            let (module, text) = text.split_once(' ').unwrap_or((&text, ""));
            let test = unknown(module, text);
            push(rule, test, false);
        }
    }
}

fn push(rule: &mut Rule, test: Test, negated: bool) {
    rule.matches.push(Match { test, negated });
}

fn unknown(module: &str, text: &str) -> Test {
    Test::Unknown(module.to_owned(), text.to_owned())
}

/// Adds the test where there is one, and says so.
fn add(test: Option<Test>, negated: bool, rule: &mut Rule) -> bool {
    test.is_some_and(|test| {
        push(rule, test, negated);
        true
    })
}

fn states(list: &str, negated: bool, rule: &mut Rule) -> bool {
    add(values::states(list).map(Test::State), negated, rule)
}

fn set(name: &str, sides: &str, negated: bool, rule: &mut Rule) -> bool {
    add(
        Some(unknown("set", &format!("{name} {sides}"))),
        negated,
        rule,
    )
}

fn mark(value: &str, negated: bool, rule: &mut Rule) -> bool {
    add(Some(unknown("mark", value)), negated, rule)
}

fn limit(rate: &str, burst: &str, rule: &mut Rule) -> bool {
    let test = values::rate(rate)
        .zip(burst.parse().ok())
        .map(|(interval, burst)| Test::Limit { interval, burst });
    add(test, false, rule)
}

fn multiport(which: &str, list: &str, rule: &mut Rule) -> bool {
    let side = match which {
        "dports" => Ports::Destination,
        "sports" => Ports::Source,
        "ports" => Ports::Either,
        _ => return false,
    };
    let (list, negated) = list
        .strip_prefix('!')
        .map_or((list, false), |list| (list, true));
    add(
        values::port_list(list).map(|ranges| Test::Ports(side, ranges)),
        negated,
        rule,
    )
}

/// `spt:67`, `dpts:!22:80`, `flags:0x17/0x02`.
fn port(value: &str, rule: &mut Rule) -> bool {
    let Some((key, value)) = value.split_once(':') else {
        return false;
    };
    let (value, negated) = value
        .strip_prefix('!')
        .map_or((value, false), |value| (value, true));
    let ports = |side| values::ports(value).map(|range: PortRange| Test::Ports(side, vec![range]));
    let test = match key {
        "spt" | "spts" => ports(Ports::Source),
        "dpt" | "dpts" => ports(Ports::Destination),
        "flags" => value.split_once('/').and_then(|(mask, set)| {
            Some(Test::TcpFlags {
                mask: values::flags(mask)?,
                set: values::flags(set)?,
            })
        }),
        _ => None,
    };
    add(test, negated, rule)
}

fn icmp(kind: &str, code: Option<&str>, negated: bool, rule: &mut Rule) -> bool {
    let v6 = rule.protocol() == Some(crate::packet::proto::ICMPV6);
    let Some(read) = values::icmp(kind, v6) else {
        return false;
    };
    let Some((icmp_type, named)) = read else {
        return true;
    };
    let code = match code.map(str::parse) {
        None => named,
        Some(Ok(code)) => Some(code),
        Some(Err(_)) => return false,
    };
    add(Some(Test::IcmpType { icmp_type, code }), negated, rule)
}

fn address_types(words: &[&str], rule: &mut Rule) -> Option<usize> {
    let mut taken = 0;
    while let Some(&[side, list]) = words.get(taken..taken + 2) {
        let side = match side {
            "dst-type" => Side::Destination,
            "src-type" => Side::Source,
            _ => break,
        };
        let (list, negated) = list
            .strip_prefix('!')
            .map_or((list, false), |list| (list, true));
        push(
            rule,
            Test::AddressType(side, values::address_types(list)?),
            negated,
        );
        taken += 2;
    }
    (taken > 0).then_some(taken)
}

fn log(flags: &str, level: &str, rule: &mut Rule) -> bool {
    let Target::Log(log) = &mut rule.target else {
        return false;
    };
    let (Ok(flags), Some(level)) = (flags.parse(), values::log_level(level)) else {
        return false;
    };
    log.flags = flags;
    log.level = level;
    true
}
