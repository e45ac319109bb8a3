//! Packets of a finding: by them the place of a rule is found, and it is tried whether it lets them in.

use std::net::IpAddr;

use super::accept_rule::AcceptRule;
use crate::chain::{Question, RuleSet};
use crate::finding::Finding;
use crate::packet::Packet;

/// Upper bound on the packets that are tried for one rule, and on the product of packets and rules of the chains.
const MAX_PACKETS: usize = 64;
const MAX_WORK: usize = 100_000;

/// Returns packets like the finding's sample that `rule` is to accept: of each peer, on each interface, those of most
/// lines first. Empty where the sample cannot be parsed.
pub(super) fn packets<'f>(
    finding: &'f Finding,
    rule: &AcceptRule,
    set: &RuleSet,
) -> Vec<Question<'f>> {
    let rules: usize = set.chains().iter().map(|chain| chain.rules.len()).sum();
    let most = (MAX_WORK / rules.max(1)).clamp(1, MAX_PACKETS);
    let Ok(packet) = Packet::parse(&finding.sample) else {
        return Vec::new();
    };
    let sample = Question::dropped(packet.summary()).with_line(&finding.sample);
    let own = sample.packet.src;
    let mut peers: Vec<IpAddr> = finding.peers.clone();
    peers.sort_by_key(|peer| *peer != own);
    peers.retain(|peer| rule.source().is_none_or(|net| net.contains(peer)));
    let mut interfaces: Vec<&str> = finding.interfaces.iter().map(String::as_str).collect();
    interfaces.sort_by_key(|name| *name != finding.interface);
    let all = interfaces.iter().flat_map(|interface| {
        let of = |peer: &IpAddr| {
            let mut packet = sample.clone();
            (packet.packet.src, packet.packet.interface) = (*peer, *interface);
            // The hardware address is that of the sample's sender.
            packet.detail.src_mac = packet.detail.src_mac.filter(|_| *peer == own);
            packet
        };
        peers.iter().map(of)
    });
    all.take(most).collect()
}

/// Returns those of [`packets`] that end in `set` as lines of the log did: not every peer came by every interface.
pub(super) fn seen<'f>(
    finding: &'f Finding,
    rule: &AcceptRule,
    set: &RuleSet,
) -> Vec<Question<'f>> {
    let mut all = packets(finding, rule, set);
    let Some(outcomes) = finding.outcomes.as_deref() else {
        return all;
    };
    let is_seen = |packet: &Question<'_>| {
        let end = set.evaluate(packet, set.entry(rule.family)).end;
        outcomes.by.iter().any(|(known, _)| *known == end)
    };
    let is_any = all.iter().any(is_seen);
    all.retain(|packet| !is_any || is_seen(packet));
    all
}
