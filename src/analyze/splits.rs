//! LOG rules that are to be split, so that SYNs have a limit of their own.

use std::collections::HashMap;

use crate::chain::Family;
use crate::finding::Finding;
use crate::report::NodeReport;
use crate::rule::Split;

/// Returns the LOG rules to split: those of nodes whose limit hid lines.
pub(super) fn splits(nodes: &[NodeReport], findings: &[Finding]) -> Vec<Split> {
    let hid = |node: &&NodeReport| node.saturated.as_ref().is_some_and(|s| !s.is_empty());
    let mut by_node: HashMap<&str, Vec<&Finding>> = HashMap::new();
    for finding in findings {
        by_node.entry(&finding.node).or_default().push(finding);
    }
    let split = |node: &NodeReport| {
        let own = by_node.get(&*node.node).map_or(&[][..], |own| own);
        let v6 = !own.is_empty() && own.iter().all(|finding| finding.key.v6);
        Split {
            node: node.node.clone(),
            family: if v6 { Family::V6 } else { Family::V4 },
            interface: own
                .first()
                .map_or_else(String::new, |f| f.interface.clone()),
        }
    };
    nodes.iter().filter(hid).map(split).collect()
}
