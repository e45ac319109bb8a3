//! Columns of `iptables -L` behind the destination: matches, then the options of the target.
//!
//! Each module prints in its own way (`print` and `save` of libxt_*.c); here are those that node firewalls use.

use crate::chain::rule::{Compared, Match, Ports, Rule, Side, Target, Test};
use crate::chain::syntax::extensions::dscp;
use crate::chain::syntax::values;

/// Adds the matches and the target's options of `text` to `rule`.
pub(in crate::chain) fn read(text: &str, rule: &mut Rule) {
    let (text, after) = without_comment(text, rule);
    for part in [text, after] {
        words(part, rule);
    }
}

/// Removes `/* … */`. The text of a comment is untrusted, so it is closed by the last `*/`.
fn without_comment<'a>(text: &'a str, rule: &mut Rule) -> (&'a str, &'a str) {
    let Some((before, rest)) = text.split_once("/* ") else {
        return (text, "");
    };
    let Some((comment, after)) = rest.rsplit_once(" */") else {
        return (text, "");
    };
    if comment.contains("/* ") || comment.contains(" */") {
        // Two comments, or one that contains the marks: a match in between cannot be told from comment text.
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

/// Parses the match that `words` begins with. Returns the number of words consumed; `None` at the end.
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
        ["icmp", name, ..] if !name.starts_with('!') => icmp(name, None, false, rule).then_some(2),
        ["ADDRTYPE", "match", ref types @ ..] => address_types(types, rule).map(|taken| taken + 2),
        ["limit-in" | "limit-out", ..] => {
            add(Some(unknown("addrtype", words[0])), false, rule).then_some(1)
        }
        ["match-set", name, sides, ..] => set(name, sides, false, rule).then_some(3),
        ["!", "match-set", name, sides, ..] => set(name, sides, true, rule).then_some(4),
        ["mark", "match", "!", value, ..] => mark(value, true, rule).then_some(4),
        ["mark", "match", value, ..] => mark(value, false, rule).then_some(3),
        ["LOG", "flags", flags, "level", level, ..] => log(flags, level, rule).then_some(5),
        ["LOG", "level", level, ref options @ ..] => log_named(level, options, rule),
        ["reject-with", with, ..] if matches!(rule.target, Target::Reject(_)) => {
            rule.target = Target::Reject(with.to_owned());
            Some(2)
        }
        // Further ports of one protocol: `udp spt:67 dpt:68`.
        ["source" | "destination", "IP", "range", ..] => range(words, rule),
        ["MAC", "!", mac, ..] => {
            add(values::mac(mac).map(Test::MacSource), true, rule).then_some(3)
        }
        ["MAC", mac, ..] => add(values::mac(mac).map(Test::MacSource), false, rule).then_some(2),
        [
            "TTL" | "HL",
            "match",
            which @ ("TTL" | "HL"),
            how,
            number,
            ..,
        ] => ttl(which, how, number, rule).then_some(5),
        ["length", value, ..] => {
            let (value, negated) = not(value);
            let test = values::lengths(value).map(|(first, last)| Test::Length(first, last));
            add(test, negated, rule).then_some(2)
        }
        ["tos", "match!", value, ..] => tos(value, true, rule).then_some(3),
        ["tos", "match", value, ..] => tos(value, false, rule).then_some(3),
        ["tos", value, ..] if value.starts_with("match") => {
            let (value, negated) = not(&value["match".len()..]);
            tos(value, negated, rule).then_some(2)
        }
        ["DSCP", "match", value, ..] => {
            let (value, negated) = not(value);
            add(dscp(values::number(value)), negated, rule).then_some(3)
        }
        ["PKTTYPE", how @ ("=" | "!="), kind, ..] => {
            let test = values::packet_type(kind).map(Test::PktType);
            add(test, how == "!=", rule).then_some(3)
        }
        ["icmp" | "ipv6-icmp", name, ..] if name.starts_with('!') => {
            icmp(&name[1..], None, true, rule).then_some(2)
        }
        ["ipv6-icmp", name, ..] => icmp(name, None, false, rule).then_some(2),
        [value, ..] => port(value, rule).then_some(1),
    };
    taken.or_else(|| {
        rest(words, rule);
        Some(words.len())
    })
}

/// Keeps the remaining words: as options of another target, else as an unknown match.
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

/// Adds the test, if any. Returns whether there was one.
fn add(test: Option<Test>, negated: bool, rule: &mut Rule) -> bool {
    test.is_some_and(|test| {
        push(rule, test, negated);
        true
    })
}

fn states(list: &str, negated: bool, rule: &mut Rule) -> bool {
    add(values::states(list).map(Test::State), negated, rule)
}

fn not(text: &str) -> (&str, bool) {
    text.strip_prefix('!')
        .map_or((text, false), |text| (text.trim_start(), true))
}

/// Parses `source IP range ! 10.0.0.1-10.0.0.9`. Returns the number of words consumed.
fn range(words: &[&str], rule: &mut Rule) -> Option<usize> {
    let side = match words.first() {
        Some(&"source") => Side::Source,
        _ => Side::Destination,
    };
    let (negated, text, taken) = match *words.get(3..)? {
        ["!", text, ..] => (true, text, 5),
        [text, ..] => (false, text, 4),
        [] => return None,
    };
    let test = values::range(text).map(|(first, last)| Test::IpRange(side, first, last));
    add(test, negated, rule).then_some(taken)
}

fn ttl(which: &str, how: &str, number: &str, rule: &mut Rule) -> bool {
    let (compared, negated) = match how {
        "==" => (Compared::Equal, false),
        "!=" => (Compared::Equal, true),
        "<" => (Compared::Less, false),
        ">" => (Compared::Greater, false),
        _ => return false,
    };
    let test = number.parse().ok().map(|number| match which {
        "TTL" => Test::Ttl(compared, number),
        _ => Test::HopLimit(compared, number),
    });
    add(test, negated, rule)
}

fn tos(value: &str, negated: bool, rule: &mut Rule) -> bool {
    let test = values::tos(value).map(|(value, mask)| Test::Tos { value, mask });
    add(test, negated, rule)
}

fn set(name: &str, sides: &str, negated: bool, rule: &mut Rule) -> bool {
    add(
        Some(unknown("set", &format!("{name} {sides}"))),
        negated,
        rule,
    )
}

fn mark(value: &str, negated: bool, rule: &mut Rule) -> bool {
    let test = values::masked(value).map(|(value, mask)| Test::Mark { value, mask });
    add(test, negated, rule)
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
    let test = match values::port_list(list) {
        Some(ranges) => Test::Ports(side, ranges),
        None => {
            let key = if side == Ports::Source { "spt" } else { "dpt" };
            unknown("port", &format!("{key}:{list}"))
        }
    };
    add(Some(test), negated, rule)
}

/// `spt:67`, `dpts:!22:80`, `flags:0x17/0x02`.
fn port(value: &str, rule: &mut Rule) -> bool {
    let Some((key, value)) = value.split_once(':') else {
        return false;
    };
    let (value, negated) = value
        .strip_prefix('!')
        .map_or((value, false), |value| (value, true));
    let ports = |side| match values::ports(value) {
        Some(range) => Some(Test::Ports(side, vec![range])),
        // A name that no list here has.
        None => Some(unknown("port", &format!("{key}:{value}"))),
    };
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

/// Parses `LOG level info tcp-options uid`, as `-L` without `-n` prints it. Returns the number of words consumed.
fn log_named(level: &str, options: &[&str], rule: &mut Rule) -> Option<usize> {
    let bit = |word: &&&str| match **word {
        "tcp-sequence" => Some(1),
        "tcp-options" => Some(2),
        "ip-options" => Some(4),
        "uid" => Some(8),
        "macdecode" => Some(32),
        _ => None,
    };
    let bits: Vec<u8> = options.iter().map_while(|word| bit(&word)).collect();
    let flags: u8 = bits.iter().sum();
    log(&flags.to_string(), level, rule).then_some(3 + bits.len())
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
