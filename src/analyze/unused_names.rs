//! Names of nodes that the user gave and that no line of the log bears: they may be misspelt, and what was said of them is
//! said of nobody.

use crate::chain::ActiveChains;
use crate::error::printable_name;
use crate::nearest::hint;
use crate::report::{NodeReport, Warning, few};
use crate::site::{Provenance, Site};

/// Warns that `said`, the option and a verb, is of a node that the log does not have.
pub fn absent(code: &'static str, said: &str, name: &str, nodes: &[NodeReport]) -> Warning {
    let known = || nodes.iter().map(|node| node.node.as_str());
    let text = format!(
        "{said} {}, of which the log has no drop line;{} its nodes are {}",
        printable_name(name),
        hint(name, known()),
        few(known())
    );
    Warning::new(code, Some(name.to_owned()), text)
}

/// Warns of each name without a line that `--role`, `--rules` or `--node` gives.
pub(super) fn unused_names(site: &Site, nodes: &[NodeReport]) -> Vec<Warning> {
    let is_of = |node: &NodeReport, name: &str| site.known.names().is_of(name, &node.node);
    let is_absent = |name: &str| !nodes.iter().any(|node| is_of(node, name));
    let roles = (site.known.roles().iter())
        .filter(|(name, role)| role.origin == Provenance::Told && is_absent(name))
        .map(|(name, _)| absent("role-unused", "--role says the role of", name, nodes));
    // A node without a line may well be told: it is a peer, unless the log shows its address to be another's.
    let addresses = (site.known.addresses().iter()).filter_map(|(address, node)| {
        let name = &node.value;
        let is_told = node.origin == Provenance::Told && is_absent(name);
        let of = nodes.iter().find(|node| node.addresses.contains(address))?;
        let said = format!(
            "{address} is an address of {}, and --node says it of",
            printable_name(&of.node)
        );
        is_told.then(|| absent("node-unused", &said, name, nodes))
    });
    let mut all: Vec<Warning> = roles.chain(addresses).collect();
    all.extend(unused_rules(&site.in_force, nodes));
    all
}

/// Warns of each node that has a chain and no line.
pub fn unused_rules(chains: &ActiveChains, nodes: &[NodeReport]) -> impl Iterator<Item = Warning> {
    let is_of = |node: &NodeReport, name: &str| chains.names().is_of(name, &node.node);
    let is_absent =
        move |name: &&str| !nodes.is_empty() && !nodes.iter().any(|node| is_of(node, name));
    let names = chains.told_nodes().filter(is_absent);
    names.map(|name| absent("rules-unused", "--rules is of", name, nodes))
}
