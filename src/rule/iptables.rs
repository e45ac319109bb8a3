//! A rule as iptables commands, quoted for a shell and for a plain YAML scalar alike.

use super::AcceptRule;
use crate::chain::HARVESTER;
use crate::net::IpNet;
use crate::packet::proto;

/// The documented chain.
pub(super) const CHAIN: &str = HARVESTER;

/// What follows the chain: matches in the documentation's order, its comment, and the target.
pub(super) fn body(rule: &AcceptRule) -> String {
    let mut words = Vec::new();
    if let Some(net) = rule.source {
        words.push(format!("-s {}", source(net)));
    }
    match rule.proto {
        None => {}
        Some(proto::ICMP) if rule.v6 => words.push("-p icmpv6".to_owned()),
        Some(_) => words.push(format!("-p {}", rule.proto_name())),
    }
    if let Some(port) = rule.sport {
        words.push(format!("--sport {port}"));
    }
    if let Some(ports) = rule.dport {
        words.push(format!("--dport {ports}"));
    }
    words.push(format!(
        "-m comment --comment \"{}\" -j ACCEPT",
        quotable(&rule.comment)
    ));
    words.join(" ")
}

/// A source as iptables prints it: a single address without its length.
pub(super) fn source(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// `text` with nothing in it that a double-quoted shell word or a plain YAML scalar reads as more than text. Comments
/// come from the catalogue, so this is a second lock on a closed door.
fn quotable(text: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || " ()/,.-_+".contains(*c);
    text.chars().filter(kept).collect()
}
