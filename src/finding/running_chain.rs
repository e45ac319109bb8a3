//! Evidence of the running chain's dump for a finding.

use crate::cause::group::Group;
use crate::cause::scene::Scene;
use crate::chain::{Chains, Narrowed, Question, address};
use crate::error::printable_name;
use crate::net::IpNet;
use crate::packet::Packet;
use crate::site::Zone;

/// Returns the rule of the running chain that has the port for some sources only, or stops it, in words.
pub(super) fn narrower(group: &Group<'_>, scene: &Scene<'_>) -> Option<String> {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family())?;
    if !chains.is_running() {
        return None;
    }
    let packet = Packet::parse(group.sample()).ok()?;
    let question = Question::dropped(packet.summary()).with_line(group.sample());
    let Some(rule) = chains.port_rules(&question).into_iter().next() else {
        return wide(group, scene, &chains, &question);
    };
    let does = if rule.accepts { "accepts" } else { "stops" };
    let by = (rule.narrowed_by).map_or_else(String::new, |by| format!(" with `{by}`"));
    Some(format!(
        "rule {} of {} {does} this port{by}",
        rule.position.number,
        printable_name(&rule.position.chain)
    ))
}

/// Returns the rule of the running chain that accepts all ports from some sources only, in words. It says that others were
/// to stay out: for a peer outside the cluster. The documented rule of the pods, which belong to it, says nothing, nor does one
/// of loopback.
fn wide(
    group: &Group<'_>,
    scene: &Scene<'_>,
    chains: &Chains<'_>,
    question: &Question<'_>,
) -> Option<String> {
    if group.key.zone != Zone::Outside {
        return None;
    }
    let pods = scene.site.pod_cidrs();
    let is_own = |narrowed: &Narrowed| {
        let is = |net: &IpNet| narrowed.source == format!("-s {}", address(*net));
        narrowed.source.starts_with("-s 127.") || pods.iter().any(is)
    };
    let all = chains.wide_rules(question);
    let rule = all.into_iter().find(|narrowed| !is_own(narrowed))?;
    Some(format!(
        "rule {} of {} {} this port among others with `{}`",
        rule.position.number,
        printable_name(&rule.position.chain),
        if rule.accepts { "accepts" } else { "stops" },
        rule.source
    ))
}

/// Whether the dump of the running chain accepts a line that came after it was taken.
pub(super) fn is_stale(group: &Group<'_>, scene: &Scene<'_>) -> bool {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family());
    let known = group.outcomes.as_deref().zip(chains);
    known.is_some_and(|(outcomes, chains)| outcomes.is_stale(chains.origin))
}
