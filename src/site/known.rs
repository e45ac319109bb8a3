//! Facts about the cluster with their provenance, and the choice between contradicting sources.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::catalog::Role;
use crate::error::printable_name;
use crate::net::IpNet;
use crate::node_names::NodeNames;
use crate::provenance::Provenance;

/// Upper bound on the contradictions kept.
const MAX_CONTRADICTIONS: usize = 100;

/// A value and its provenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    pub value: T,
    pub origin: Provenance,
}

impl<T> Known<T> {
    /// Creates a default value.
    pub const fn assumed(value: T) -> Self {
        Self {
            value,
            origin: Provenance::Assumed,
        }
    }

    /// Whether the value comes from a source.
    pub const fn is_known(&self) -> bool {
        !matches!(self.origin, Provenance::Assumed)
    }
}

/// A contradiction between two sources: the value that is used, and the one that is set aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contradiction {
    /// Node of the contradiction; `None` for one about no node.
    pub node: Option<String>,
    /// Subject of the contradiction: "the role of harvester1".
    pub about: String,
    pub kept: String,
    pub kept_by: Provenance,
    pub other: String,
    pub other_by: Provenance,
}

/// One sentence, fit for a terminal.
impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            about, kept, other, ..
        } = self;
        if self.kept_by == self.other_by {
            let by = self.kept_by.name();
            return write!(
                f,
                "{by} give both {kept} and {other} as {about}: {kept} is taken; an option settles it"
            );
        }
        let (kept_by, other_by) = (self.kept_by.name(), self.other_by.name());
        let cure = match self.kept_by {
            Provenance::Told => "leave the option out if that is wrong",
            Provenance::Config => "mend the file if that is wrong",
            _ => "an option settles it",
        };
        write!(
            f,
            "{about}: {kept} by {kept_by}, {other} by {other_by}; {kept} is taken, {cure}"
        )
    }
}

/// Facts about the cluster, each with its provenance. The order of the sources does not matter: the weightier source
/// wins; of equal weight the first, except for options, of which the last wins, as everywhere on a command line.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    roles: BTreeMap<String, Known<Role>>,
    default_role: Option<Known<Role>>,
    addresses: BTreeMap<IpAddr, Known<String>>,
    node_nets: Vec<Known<IpNet>>,
    pod_cidrs: Vec<Known<IpNet>>,
    addons: BTreeMap<String, Known<bool>>,
    contradictions: Vec<Contradiction>,
    names: NodeNames,
}

impl Facts {
    /// Sets the role of one node, or of all nodes whose role no weightier source gives.
    pub fn set_role(&mut self, node: Option<&str>, role: Role, origin: Provenance) {
        let new = Known {
            value: role,
            origin,
        };
        let Some(node) = node else {
            let known = self.default_role.get_or_insert(new);
            if origin == Provenance::Told || origin < known.origin {
                *known = new;
            }
            return;
        };
        self.names.add(node);
        let about = || format!("the role of {}", printable_name(node));
        let clash = settle(&mut self.roles, node.to_owned(), new, |role| {
            role.code().to_owned()
        });
        self.clash(clash, Some(node), about);
    }

    /// Sets the node of an address.
    pub fn set_address(&mut self, address: IpAddr, node: &str, origin: Provenance) {
        let new = Known {
            value: node.to_owned(),
            origin,
        };
        // A collector may call a node by its address.
        self.names.add_other(node, &address.to_string());
        let clash = settle(&mut self.addresses, address, new, |node| {
            printable_name(node)
        });
        self.clash(clash, Some(node), || format!("the node of {address}"));
    }

    /// Sets whether an addon is in use.
    pub fn set_addon(&mut self, name: &str, is_used: bool, origin: Provenance) {
        let new = Known {
            value: is_used,
            origin,
        };
        let clash = settle(&mut self.addons, name.to_owned(), new, |is_used| {
            if *is_used { "enabled" } else { "not enabled" }.to_owned()
        });
        self.clash(clash, None, || format!("the addon {name}"));
    }

    /// Adds a network of the nodes.
    pub fn add_node_net(&mut self, net: IpNet, origin: Provenance) {
        add(&mut self.node_nets, net, origin);
    }

    /// Adds a network of the pods.
    pub fn add_pod_cidr(&mut self, net: IpNet, origin: Provenance) {
        add(&mut self.pod_cidrs, net, origin);
    }

    /// Returns the role of `node`, with its provenance. A flag for all nodes overrides the role found for one.
    pub fn role(&self, node: &str) -> Known<Role> {
        let own = self.roles.get(node).into_iter();
        // Facts of the cluster use the names there, and the log may have another for the same node.
        let own = own.chain(self.roles.get(self.names.resolve(node)));
        let own = own.min_by_key(|known| known.origin).copied();
        match (own, self.default_role) {
            (Some(own), Some(all)) if all.origin < own.origin => all,
            (Some(own), _) => own,
            (None, Some(all)) => all,
            (None, None) => Known::assumed(Role::default()),
        }
    }

    /// Returns the names of the nodes.
    pub const fn names(&self) -> &NodeNames {
        &self.names
    }

    /// Returns the names of the nodes, to be added to.
    pub const fn names_mut(&mut self) -> &mut NodeNames {
        &mut self.names
    }

    /// Returns the role of the nodes that [`Facts::roles`] does not name.
    pub fn default_role(&self) -> Known<Role> {
        self.default_role
            .unwrap_or_else(|| Known::assumed(Role::default()))
    }

    /// Returns the roles of the nodes that are known by name.
    pub const fn roles(&self) -> &BTreeMap<String, Known<Role>> {
        &self.roles
    }

    /// Returns the nodes of the known addresses.
    pub const fn addresses(&self) -> &BTreeMap<IpAddr, Known<String>> {
        &self.addresses
    }

    /// Returns the networks of the nodes; empty where none is known.
    pub fn node_nets(&self) -> &[Known<IpNet>] {
        &self.node_nets
    }

    /// Returns the networks of the pods; empty where none is known.
    pub fn pod_cidrs(&self) -> &[Known<IpNet>] {
        &self.pod_cidrs
    }

    /// Addons that are known to be in use, or not to be.
    pub const fn addons(&self) -> &BTreeMap<String, Known<bool>> {
        &self.addons
    }

    /// Returns the contradictions in a fixed order, independent of the order of the sources.
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut all = self.contradictions.clone();
        if let Some(told) = self.default_role {
            let other = |(node, own): (&String, &Known<Role>)| {
                (told.origin < own.origin && told.value != own.value).then(|| Contradiction {
                    node: Some(node.clone()),
                    about: format!("the role of {}", printable_name(node)),
                    kept: told.value.code().to_owned(),
                    kept_by: told.origin,
                    other: own.value.code().to_owned(),
                    other_by: own.origin,
                })
            };
            all.extend(self.roles.iter().filter_map(other).take(MAX_CONTRADICTIONS));
        }
        all.sort();
        all.dedup();
        all
    }

    fn clash(
        &mut self,
        clash: Option<(Known<String>, Known<String>)>,
        node: Option<&str>,
        about: impl Fn() -> String,
    ) {
        let Some((kept, other)) = clash else { return };
        // Two contradicting options are the user's own: the last one wins, as everywhere on a command line.
        if other.origin == Provenance::Told || self.contradictions.len() >= MAX_CONTRADICTIONS {
            return;
        }
        self.contradictions.push(Contradiction {
            node: node.map(str::to_owned),
            about: about(),
            kept: kept.value,
            kept_by: kept.origin,
            other: other.value,
            other_by: other.origin,
        });
    }
}

/// Stores `new` if it overrides the known value. Returns the value kept and the one set aside, where they differ.
fn settle<K: Ord, T: Clone + PartialEq>(
    known: &mut BTreeMap<K, Known<T>>,
    key: K,
    new: Known<T>,
    text: impl Fn(&T) -> String,
) -> Option<(Known<String>, Known<String>)> {
    let said = |known: &Known<T>| Known {
        value: text(&known.value),
        origin: known.origin,
    };
    let Some(old) = known.get_mut(&key) else {
        known.insert(key, new);
        return None;
    };
    let differs = old.value != new.value;
    let stands =
        new.origin < old.origin || (new.origin == Provenance::Told && old.origin == new.origin);
    let other = if stands {
        std::mem::replace(old, new)
    } else {
        new
    };
    differs.then(|| (said(old), said(&other)))
}

/// Adds a network to a list of one source: the networks of the weightiest source replace the others.
fn add(list: &mut Vec<Known<IpNet>>, net: IpNet, origin: Provenance) {
    match list.first().map(|known| known.origin) {
        Some(weightier) if weightier < origin => return,
        Some(lighter) if origin < lighter => list.clear(),
        _ => {}
    }
    let new = Known { value: net, origin };
    if !list.contains(&new) {
        list.push(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightier_source_stands_whatever_comes_first() {
        let all = [
            (Provenance::Bundle, Role::Witness),
            (Provenance::Told, Role::Worker),
            (Provenance::Cluster, Role::ControlPlane),
        ];
        for turn in 0..3 {
            let mut facts = Facts::default();
            for n in 0..3 {
                let (origin, role) = all[(turn + n) % 3];
                facts.set_role(Some("n1"), role, origin);
            }
            assert_eq!(facts.role("n1").value, Role::Worker, "{turn}");
            assert_eq!(facts.role("n1").origin, Provenance::Told, "{turn}");
            assert!(!facts.contradictions().is_empty(), "{turn}");
        }
    }

    #[test]
    fn a_flag_for_all_nodes_stands_against_what_was_learned_of_one() {
        let mut facts = Facts::default();
        facts.set_role(Some("n1"), Role::ControlPlane, Provenance::Cluster);
        facts.set_role(Some("n2"), Role::Worker, Provenance::Cluster);
        assert!(!facts.role("n3").is_known());
        facts.set_role(None, Role::Worker, Provenance::Told);
        assert_eq!(facts.role("n1").value, Role::Worker);
        let said: Vec<String> = facts
            .contradictions()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "the role of n1: worker by the options, control-plane by the cluster's objects; worker is taken, leave the option out if that is wrong"
            ]
        );
        // Of equal weight, the fact about one node wins.
        facts.set_role(Some("n1"), Role::Witness, Provenance::Told);
        assert_eq!(facts.role("n1").value, Role::Witness);
    }

    #[test]
    fn networks_are_those_of_the_weightiest_source() {
        let net = |text: &str| text.parse().unwrap();
        let mut facts = Facts::default();
        facts.add_pod_cidr(net("10.52.0.0/16"), Provenance::Bundle);
        facts.add_pod_cidr(net("10.42.0.0/16"), Provenance::Cluster);
        facts.add_pod_cidr(net("fd00::/56"), Provenance::Cluster);
        facts.add_pod_cidr(net("10.60.0.0/16"), Provenance::Bundle);
        let nets: Vec<String> = facts
            .pod_cidrs()
            .iter()
            .map(|n| n.value.to_string())
            .collect();
        assert_eq!(nets, ["10.42.0.0/16", "fd00::/56"]);
    }
}
