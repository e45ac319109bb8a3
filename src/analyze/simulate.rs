//! Chains as they would be with the suggested rules.

use std::collections::BTreeMap;

use crate::chain::{Family, RuleSet};
use crate::report::NodeReport;
use crate::rule::AcceptRule;
use crate::site::Site;

/// Returns `site` with `rules` inserted in the chains of `nodes`, as far as those chains are known. An inserted rule has
/// line 0.
pub fn with_suggested(site: &Site, nodes: &[NodeReport], rules: &[AcceptRule]) -> Site {
    let mut new = site.clone();
    for node in nodes {
        // One text may contain the chains of both families.
        let mut sets: BTreeMap<String, RuleSet> = BTreeMap::new();
        for family in [Family::V4, Family::V6] {
            let Some(chains) = site.in_force.of(&node.node, node.role, family) else {
                continue;
            };
            let set = sets
                .entry(chains.name.to_owned())
                .or_insert_with(|| chains.set.clone());
            let own = |rule: &&AcceptRule| rule.node == node.node && rule.family == family;
            for rule in rules.iter().filter(own) {
                set.insert_rule(family, &rule.place.chain, rule.place.number, &rule.placed());
            }
        }
        for (name, set) in sets {
            new.in_force.replace(&node.node, &name, set);
        }
    }
    new
}
