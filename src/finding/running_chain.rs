//! Evidence of the running chain's dump for a finding.

use crate::cause::group::Group;
use crate::cause::scene::Scene;
use crate::chain::Question;
use crate::error::printable_name;
use crate::packet::Packet;

/// Returns the rule of the running chain that has the port for some sources only, or stops it, in words.
pub(super) fn narrower(group: &Group<'_>, scene: &Scene<'_>) -> Option<String> {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family())?;
    if !chains.is_running() {
        return None;
    }
    let packet = Packet::parse(group.sample()).ok()?;
    let question = Question::dropped(packet.summary()).with_line(group.sample());
    let rule = chains.port_rules(&question).into_iter().next()?;
    let does = if rule.accepts { "accepts" } else { "stops" };
    let by = (rule.narrowed_by).map_or_else(String::new, |by| format!(" with `{by}`"));
    Some(format!(
        "rule {} of {} {does} this port{by}",
        rule.position.number,
        printable_name(&rule.position.chain)
    ))
}

/// Whether the dump of the running chain accepts a line that came after it was taken.
pub(super) fn is_stale(group: &Group<'_>, scene: &Scene<'_>) -> bool {
    let chains = (scene.site.in_force).of(group.node, group.role, group.family());
    let known = group.outcomes.as_deref().zip(chains);
    known.is_some_and(|(outcomes, chains)| outcomes.is_stale(chains.origin))
}
