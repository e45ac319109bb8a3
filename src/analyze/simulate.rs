//! Chains as they would be with the suggested rules.

use crate::chain::Family;
use crate::report::NodeReport;
use crate::rule::AcceptRule;
use crate::site::Site;

/// Returns `site` with `rules` inserted in the chains of `nodes`, as far as those chains are known. An inserted rule has
/// line 0.
pub fn with_suggested(site: &Site, nodes: &[NodeReport], rules: &[AcceptRule]) -> Site {
    let mut new = site.clone();
    let prefixes = site.log_prefixes();
    for node in nodes {
        // One text may contain the chains of both families.
        let mut texts: Vec<&str> = Vec::new();
        for family in [Family::V4, Family::V6] {
            let chains = site.in_force.of(&node.node, node.role, family);
            texts.extend(chains.map(|chains| chains.name));
        }
        texts.dedup();
        let own = rules.iter().filter(|rule| rule.node == node.node);
        let own: Vec<&AcceptRule> = own.collect();
        for name in texts {
            new.in_force.replace(&node.node, node.role, name, |set| {
                for rule in &own {
                    rule.put_into(set, &prefixes);
                }
            });
        }
    }
    new
}
