//! The names by which logs call the nodes of the cluster.

use std::cmp::Ordering;
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
    /// Creates the names of `nodes`.
    pub fn of<'n>(nodes: impl IntoIterator<Item = &'n String>) -> Self {
        let mut names = Self::default();
        nodes.into_iter().for_each(|node| names.add(node));
        names
    }

    /// Whether a log calls `node` so.
    pub fn is_of(&self, node: &str, host: &str) -> bool {
        node == host || self.resolve(host) == node
    }

    /// Adds a node.
    pub fn add(&mut self, node: &str) {
        if !self.nodes.contains(node) {
            self.nodes.insert(node.to_owned());
            if node.bytes().any(|byte| byte.is_ascii_uppercase()) {
                self.add_other(node, node);
            }
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
            let other = self.others.get(short).and_then(Option::as_deref);
            return (self.nodes.get(short).map(String::as_str))
                .or(other)
                .unwrap_or(host);
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

/// Compares names as people count: `node2` comes before `node10`.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    loop {
        let order = match (left.first(), right.first()) {
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (one, rest) = number(left);
                let (other, more) = number(right);
                (left, right) = (rest, more);
                (one.len().cmp(&other.len())).then_with(|| one.cmp(other))
            }
            (Some(x), Some(y)) => {
                (left, right) = (&left[1..], &right[1..]);
                x.cmp(y)
            }
            _ => return left.len().cmp(&right.len()).then_with(|| a.cmp(b)),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Splits off the digits at the start, without leading zeros.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let (digits, rest) = text.split_at(text.iter().take_while(is_digit).count());
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::{NodeNames, natural};

    #[test]
    fn names_are_counted() {
        let sorted = [
            "",
            "10.0.0.2",
            "10.0.0.10",
            "Node1",
            "node",
            "node01",
            "node1",
            "node1-a",
            "node2",
            "node2b",
            "node10",
            "node010x",
            "node99999999999999999999998",
            "node99999999999999999999999",
            "nodes",
            "ü",
        ];
        let mut names = sorted.to_vec();
        for _ in 0..sorted.len() {
            names.rotate_left(5);
            let mut again = names.clone();
            again.sort_by(|a, b| natural(a, b));
            let place = |name: &&str| sorted.iter().position(|one| one == name);
            assert!(again.iter().map(place).is_sorted(), "{again:?}");
        }
    }

    #[test]
    fn a_log_may_call_a_node_otherwise() {
        let mut names = NodeNames::default();
        for node in [
            "harvester1",
            "n2.lab",
            "n3.lab",
            "n3.other",
            "192.168.0.9",
            "Big4",
        ] {
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
            ("BIG4", "Big4"),
            ("big4.lab", "Big4"),
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
