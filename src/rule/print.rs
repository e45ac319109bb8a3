//! A rule as arguments of iptables, quoted for a shell and for a plain YAML scalar alike.

use crate::chain::{Ports, Rule, Target, Test, quoted};
use crate::net::IpNet;
use crate::packet::{proto, proto_name};

/// What follows the chain: matches in the documentation's order, the comment, and the target.
pub(super) fn arguments(rule: &Rule) -> String {
    let comment = quotable(rule.comment.as_deref().unwrap_or_default());
    let comment = format!(
        "-m comment --comment \"{comment}\" {}",
        target(&rule.target)
    );
    match matches(rule) {
        none if none.is_empty() => comment,
        matches => format!("{matches} {comment}"),
    }
}

/// The matches alone.
pub(super) fn matches(rule: &Rule) -> String {
    let word = |test: &Test| match test {
        Test::Net(_, net) => format!("-s {}", address(*net)),
        Test::Protocol(proto::ICMPV6) => "-p icmpv6".to_owned(),
        Test::Protocol(number) => format!("-p {}", proto_name(*number)),
        Test::Ports(Ports::Source, ports) => format!("--sport {}", list(ports)),
        Test::Ports(_, ports) => format!("--dport {}", list(ports)),
        Test::State(states) => format!("-m conntrack --ctstate {states}"),
        Test::Limit { interval, .. } => format!("-m limit --limit {}/min", 600_000 / interval),
        test => test.to_string(),
    };
    let words: Vec<String> = rule.matches.iter().map(|m| word(&m.test)).collect();
    words.join(" ")
}

fn target(target: &Target) -> String {
    match target {
        Target::Log(log) => format!(
            "-j LOG --log-prefix {} --log-level {}",
            quoted(&log.prefix),
            log.level
        ),
        target => format!("-j {target}"),
    }
}

fn list<T: ToString>(ports: &[T]) -> String {
    ports.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// A source as iptables prints it: a single address without its length.
pub(super) fn address(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// `text` with nothing in it that a double-quoted shell word or a plain YAML scalar reads as more than text. Comments
/// come from the catalogue, so this is a second lock on a closed door.
pub(super) fn quotable(text: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || " ()/,.-_+".contains(*c);
    text.chars().filter(kept).collect()
}
