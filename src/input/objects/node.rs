//! Nodes: roles by label, addresses, names and pod networks.

use std::net::IpAddr;

use super::tree::{NODE_ARGS, Tree};
use crate::catalog::Role;
use crate::error::printable_name;
use crate::input::event::{ClusterFact, listed};
use crate::net::{IpNet, parse_net};

/// The labels that make a role, the narrowest first: those by which the documented CloudInits select nodes, and the older
/// one that RKE2 sets beside `control-plane`.
const LABELS: [(&str, Role); 4] = [
    ("node-role.harvesterhci.io/witness", Role::Witness),
    ("node-role.kubernetes.io/control-plane", Role::ControlPlane),
    ("node-role.kubernetes.io/master", Role::ControlPlane),
    ("node-role.harvesterhci.io/worker", Role::Worker),
];
/// The label with which the installer marks a node that is to become control-plane before others.
const MANAGEMENT: &str = "node-role.harvesterhci.io/management";
/// The label of nodes that run etcd: those of the control plane, and the witness.
const ETCD: &str = "node-role.kubernetes.io/etcd";
/// The label with the name of the machine.
const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node of the cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    /// Other names of the node in logs.
    others: Vec<String>,
    /// Addresses; `Err` holds a text that is no address.
    addresses: Vec<Result<IpAddr, String>>,
    pod_cidrs: Vec<IpNet>,
    /// The networks of all pods, by the options with which RKE2 runs.
    cluster_cidrs: Vec<IpNet>,
}

impl Node {
    /// Reads a node; `None` where it has no name.
    pub(super) fn read(object: &Tree) -> Option<Self> {
        let name = object.text(["metadata", "name"])?.to_owned();
        let labels: Vec<(String, String)> = (object.at(["metadata", "labels"]))
            .map(|labels| {
                labels
                    .texts()
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        let mut node = Self {
            name,
            ..Self::default()
        };
        let hostname = labels.iter().find(|(key, _)| key == HOSTNAME);
        node.add_name(hostname.map(|(_, value)| value.as_str()));
        node.labels = labels;
        for one in object
            .at(["status", "addresses"])
            .map_or(&[][..], Tree::items)
        {
            let address = one.text(["address"]).unwrap_or_default();
            match one.text(["type"]) {
                Some("InternalIP") => {
                    let parsed = address.parse().map_err(|_| address.to_owned());
                    if !node.addresses.contains(&parsed) {
                        node.addresses.push(parsed);
                    }
                }
                Some("Hostname") => node.add_name(Some(address)),
                _ => {}
            }
        }
        let spec = object.get("spec");
        let list = spec
            .and_then(|spec| spec.get("podCIDRs"))
            .map_or(&[][..], Tree::items);
        let one = spec.and_then(|spec| spec.get("podCIDR"));
        for cidr in list.iter().chain(one) {
            if let Tree::Scalar(text) = cidr
                && let Ok(net) = parse_net(text)
                && !node.pod_cidrs.contains(&net)
            {
                node.pod_cidrs.push(net);
            }
        }
        let args = object.text(["metadata", "annotations", NODE_ARGS]);
        node.cluster_cidrs = args.map(cluster_cidrs).unwrap_or_default();
        Some(node)
    }

    fn add_name(&mut self, other: Option<&str>) {
        if let Some(other) = other.filter(|other| !other.is_empty())
            && other != self.name
            && !self.others.iter().any(|known| known == other)
        {
            self.others.push(other.to_owned());
        }
    }

    fn has(&self, label: &str) -> bool {
        self.labels
            .iter()
            .any(|(key, value)| key == label && value == "true")
    }
}

/// Returns the networks that `--cluster-cidr` names among the options of RKE2, a JSON list of words.
fn cluster_cidrs(args: &str) -> Vec<IpNet> {
    let Ok(args) = serde_json::from_str::<Vec<String>>(args) else {
        return Vec::new();
    };
    let mut nets = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        let value = match arg.split_once('=') {
            Some(("--cluster-cidr", value)) => Some(value),
            None if arg == "--cluster-cidr" => args.get(at + 1).map(String::as_str),
            _ => None,
        };
        let parts = value.into_iter().flat_map(|value| value.split(','));
        nets.extend(parts.filter_map(|net| parse_net(net.trim()).ok()));
    }
    nets
}

/// Returns the facts of nodes, and remarks on irregular ones; `from` is the name of their source in messages.
pub(super) fn facts(nodes: &[Node], from: &str) -> Vec<ClusterFact> {
    let mut facts = Vec::new();
    let mut odd = Odd::default();
    for node in nodes {
        let role = odd.role(node);
        if let Some((label, role)) = role {
            facts.push(ClusterFact::Role {
                node: node.name.clone(),
                role,
                why: format!("label {label}"),
            });
        }
        for other in &node.others {
            facts.push(ClusterFact::Name {
                node: node.name.clone(),
                other: other.clone(),
            });
        }
        let mut is_known = false;
        for address in &node.addresses {
            match address {
                Ok(address) => {
                    is_known = true;
                    facts.push(ClusterFact::Address {
                        node: node.name.clone(),
                        address: *address,
                    });
                }
                Err(text) => odd
                    .no_addresses
                    .push(format!("{} (`{text}`)", printable_name(&node.name))),
            }
        }
        if !is_known {
            odd.unaddressed.push(printable_name(&node.name));
        }
    }
    facts.extend(odd.remarks(from));
    facts
}

/// Names of irregular nodes, by irregularity.
#[derive(Default)]
struct Odd {
    /// Nodes with the labels of two roles.
    two_roles: Vec<String>,
    /// Nodes with a label of a role whose value is not `true`.
    not_true: Vec<String>,
    unlabelled: Vec<String>,
    waiting: Vec<String>,
    only_etcd: Vec<String>,
    no_addresses: Vec<String>,
    unaddressed: Vec<String>,
}

impl Odd {
    /// Returns the role of a node by its labels, and the label that gives it.
    fn role(&mut self, node: &Node) -> Option<(&'static str, Role)> {
        let known = LABELS.iter().map(|(label, _)| *label);
        for label in known.chain([MANAGEMENT, ETCD]) {
            let other = node
                .labels
                .iter()
                .find(|(key, value)| key == label && value != "true");
            if let Some((_, value)) = other {
                self.not_true
                    .push(format!("{} ({label}={value})", printable_name(&node.name)));
            }
        }
        let mut set = LABELS.iter().filter(|(label, _)| node.has(label));
        let Some((label, role)) = set.next() else {
            let odd = if node.has(ETCD) {
                &mut self.only_etcd
            } else if node.has(MANAGEMENT) {
                &mut self.waiting
            } else {
                &mut self.unlabelled
            };
            odd.push(printable_name(&node.name));
            return None;
        };
        if let Some((other, _)) = set.find(|(_, other)| other != role) {
            self.two_roles.push(format!(
                "{} ({label} and {other})",
                printable_name(&node.name)
            ));
        }
        Some((label, *role))
    }

    fn remarks(self, from: &str) -> Vec<ClusterFact> {
        let mut remarks = Vec::new();
        let mut say = |names: &[String], text: &str| {
            if !names.is_empty() {
                let text = text.replace('@', &listed(names)).replace('#', from);
                remarks.push(ClusterFact::Remark(text));
            }
        };
        say(
            &self.two_roles,
            "the labels of two roles are set, and the CloudInits of both select the node: @; the first is taken",
        );
        say(
            &self.not_true,
            "a label of a role is set, and not to `true`, so it counts for nothing: @",
        );
        say(
            &self.unlabelled,
            "no label tells the role: @; no documented CloudInit makes a chain there, and the role is a guess unless \
             --role sets it",
        );
        say(
            &self.waiting,
            "to become control-plane, and not promoted yet: @; no documented CloudInit makes a chain there until then, \
             and the role is a guess unless --role sets it",
        );
        say(
            &self.only_etcd,
            "runs etcd without the control plane, and has not the label of a witness: @; the role is a guess unless \
             --role sets it",
        );
        say(
            &self.no_addresses,
            "an InternalIP is no address: @; --node sets it",
        );
        say(
            &self.unaddressed,
            "no InternalIP in #: @; --node sets the address",
        );
        remarks
    }
}

/// Returns the networks of all pods. RKE2's own option names them; without it, they lie around the networks of the
/// nodes' pods: Kubernetes gives each node a /24 (IPv6: /64) of one network, which RKE2 and Harvester make a /16 (/56).
pub(super) fn pod_networks(nodes: &[Node]) -> Vec<IpNet> {
    let mut told: Vec<IpNet> = nodes
        .iter()
        .flat_map(|node| node.cluster_cidrs.iter().copied())
        .collect();
    if told.is_empty() {
        let around = nodes
            .iter()
            .flat_map(|node| &node.pod_cidrs)
            .filter_map(|net| {
                let length = if net.addr().is_ipv4() { 16 } else { 56 };
                IpNet::new(net.addr(), length.min(net.prefix_len())).ok()
            });
        told = around.map(|net| net.trunc()).collect();
    }
    told.sort_unstable();
    told.dedup();
    told
}
