//! The names by which logs call the nodes of the cluster.

use std::collections::{BTreeMap, BTreeSet};

/// Names of nodes. Kubernetes knows a node by a name in small letters, which need not be the one in its log: that may have
/// capitals, a domain or none, or be the node's address where another machine collects the logs.
#[derive(Debug, Clone, Default)]
pub struct NodeNames {
    nodes: BTreeSet<String>,
    /// Further names, each with its node; `None` where several have it.
    others: BTreeMap<String, Option<String>>,
}

impl NodeNames {
    /// Adds a node.
    pub fn add(&mut self, node: &str) {
        if !self.nodes.contains(node) {
            self.nodes.insert(node.to_owned());
        }
    }

    /// Adds a further name of a node: a hostname, or an address as text.
    pub fn add_other(&mut self, node: &str, other: &str) {
        self.add(node);
        let known = self.others.entry(other.to_lowercase());
        let known = known.or_insert_with(|| Some(node.to_owned()));
        if known.as_deref() != Some(node) {
            *known = None;
        }
    }

    /// Returns the node that a log calls `host`; `host` itself where none is known by it.
    pub fn resolve<'a>(&'a self, host: &'a str) -> &'a str {
        if self.nodes.is_empty() || self.nodes.contains(host) {
            return host;
        }
        let lower = host.to_lowercase();
        if let Some(node) = self.nodes.get(&lower) {
            return node;
        }
        if let Some(node) = self.others.get(&lower) {
            return node.as_deref().unwrap_or(host);
        }
        let short = lower.split('.').next().unwrap_or_default();
        if lower.parse::<std::net::IpAddr>().is_ok() || short.is_empty() {
            return host;
        }
        // With a domain in the log alone, or in the cluster alone; of two domains neither is the other.
        if short.len() < lower.len() {
            return self.nodes.get(short).map_or(host, String::as_str);
        }
        let domain = format!("{short}.");
        let mut full = self
            .nodes
            .range(domain.clone()..)
            .take_while(|node| node.starts_with(&domain));
        match (full.next(), full.next()) {
            (Some(node), None) => node,
            _ => host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NodeNames;

    #[test]
    fn a_log_may_call_a_node_otherwise() {
        let mut names = NodeNames::default();
        for node in ["harvester1", "n2.lab", "n3.lab", "n3.other", "192.168.0.9"] {
            names.add(node);
        }
        names.add_other("harvester1", "Host-One");
        names.add_other("harvester1", "192.168.122.61");
        names.add_other("harvester1", "shared");
        names.add_other("n2.lab", "shared");
        for (host, node) in [
            ("harvester1", "harvester1"),
            ("HARVESTER1", "harvester1"),
            ("harvester1.lab.example", "harvester1"),
            ("host-one", "harvester1"),
            ("192.168.122.61", "harvester1"),
            ("n2", "n2.lab"),
            // One of two, or of none.
            ("n3", "n3"),
            ("shared", "shared"),
            ("192.168.0.10", "192.168.0.10"),
            ("harvester11", "harvester11"),
            ("n2.other", "n2.other"),
            ("", ""),
        ] {
            assert_eq!(names.resolve(host), node, "{host}");
        }
    }
}
