//! The YAML of a support bundle: Kubernetes objects as `kubectl get -o yaml` prints them, and RKE2's configuration.
//!
//! Only the few fields that matter are read, and what is not of its usual form is left out and said.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::catalog::Role;
use crate::input::event::ClusterFact;
use crate::net::{IpNet, parse_net};
use crate::time::{Time, parse_rfc3339};

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "bundleCreatedAt")]
    created: Option<String>,
}

/// A list of objects, or one object.
#[derive(Deserialize)]
struct Objects {
    items: Option<Items>,
    metadata: Option<ObjectMeta>,
    status: Option<Status>,
}

/// How many objects of a list are kept: Kubernetes is made for clusters of up to 5,000 nodes
/// (<https://kubernetes.io/docs/setup/best-practices/cluster-large/>).
const OBJECTS: usize = 5_000;

/// The first [`OBJECTS`] of a list, and whether there are more.
#[derive(Default)]
struct Items {
    kept: Vec<Object>,
    more: bool,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bounded;
        impl<'de> Visitor<'de> for Bounded {
            type Value = Items;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
                let mut items = Items::default();
                while items.kept.len() < OBJECTS {
                    match list.next_element()? {
                        Some(object) => items.kept.push(object),
                        None => return Ok(items),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    items.more = true;
                }
                Ok(items)
            }
        }
        from.deserialize_seq(Bounded)
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: Option<ObjectMeta>,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct ObjectMeta {
    name: Option<String>,
    labels: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "creationTimestamp")]
    created: Option<String>,
}

#[derive(Deserialize)]
struct Status {
    addresses: Option<Vec<Address>>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "type")]
    kind: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "lastUpdateTime")]
    updated: Option<String>,
}

#[derive(Deserialize)]
struct Rke2 {
    #[serde(rename = "cluster-cidr")]
    cluster_cidr: Option<OneOrMore>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Reads YAML whose size has been bounded already: the crate's own bounds are for what comes over a network. Those on
/// aliases stay.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 50_000_000,
            max_nodes: 20_000_000,
            // What kubectl prints has no anchor.
            max_recorded_anchor_events: 10_000,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|why| {
        let text = why.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })
}

/// When a bundle was made, from its `metadata.yaml`.
pub(super) fn created(text: &str) -> Option<Time> {
    let metadata: Metadata = read(text).ok()?;
    parse_rfc3339(&metadata.created?)
}

fn objects(text: &str) -> Result<Items, String> {
    let objects: Objects = read(text)?;
    let one = Object {
        metadata: objects.metadata,
        status: objects.status,
    };
    Ok(objects.items.unwrap_or_else(|| Items {
        kept: vec![one],
        more: false,
    }))
}

/// Roles and addresses, from `nodes.yaml`.
pub(super) fn nodes(text: &str) -> Vec<ClusterFact> {
    let objects = match objects(text) {
        Ok(objects) => objects,
        Err(why) => {
            return vec![ClusterFact::Remark(format!(
                "nodes.yaml cannot be read ({why}): roles and addresses of the nodes are not known; --role and \
                 --node tell them"
            ))];
        }
    };
    let mut facts = Vec::new();
    if objects.more {
        facts.push(ClusterFact::Remark(format!(
            "nodes.yaml has more than {OBJECTS} nodes: roles and addresses of the further ones are not known; --role \
             and --node set them"
        )));
    }
    for object in objects.kept {
        let Some((node, labels)) = object
            .metadata
            .and_then(|meta| Some((meta.name?, meta.labels)))
        else {
            continue;
        };
        let (role, why, remark) = role(&node, &labels.unwrap_or_default());
        facts.push(ClusterFact::Role {
            node: node.clone(),
            role,
            why,
        });
        facts.extend(remark.map(ClusterFact::Remark));
        let mut known = false;
        let addresses = object
            .status
            .and_then(|status| status.addresses)
            .unwrap_or_default();
        for address in addresses {
            if address.kind.as_deref() != Some("InternalIP") {
                continue;
            }
            let text = address.address.unwrap_or_default();
            match text.parse() {
                Ok(address) => {
                    known = true;
                    facts.push(ClusterFact::Address {
                        node: node.clone(),
                        address,
                    });
                }
                Err(_) => facts.push(ClusterFact::Remark(format!(
                    "node `{node}` has an InternalIP that is no address: `{text}`"
                ))),
            }
        }
        if !known {
            facts.push(ClusterFact::Remark(format!(
                "node `{node}` has no InternalIP in nodes.yaml; --node tells its address"
            )));
        }
    }
    facts
}

/// The labels that make a role, the narrowest first: those by which the documented CloudInit resources select nodes.
const LABELS: &[(&str, Role)] = &[
    ("node-role.harvesterhci.io/witness", Role::Witness),
    ("node-role.kubernetes.io/control-plane", Role::ControlPlane),
    ("node-role.harvesterhci.io/worker", Role::Worker),
];

/// The role of a node by its labels, which of them says so, and what is odd about them.
fn role(node: &str, labels: &BTreeMap<String, Option<String>>) -> (Role, String, Option<String>) {
    let is_set = |label: &str| {
        labels
            .get(label)
            .is_some_and(|value| value.as_deref() == Some("true"))
    };
    let mut set = LABELS.iter().filter(|(label, _)| is_set(label));
    let Some((label, role)) = set.next() else {
        let remark = format!(
            "node `{node}` has none of the labels that the documented CloudInit resources select by: as long as it is \
             not promoted, none of them makes a chain on it"
        );
        return (
            Role::default(),
            "no label tells its role".to_owned(),
            Some(remark),
        );
    };
    let remark = set.next().map(|(other, _)| {
        format!("node `{node}` has the labels {label} and {other}: the CloudInit resources of both select it")
    });
    (*role, format!("label {label}"), remark)
}

/// The windows of all upgrades, from `upgrades.yaml`.
pub(super) fn upgrades(text: &str) -> Vec<ClusterFact> {
    let objects = match objects(text) {
        Ok(objects) => objects,
        Err(why) => {
            return vec![ClusterFact::Remark(format!(
                "upgrades.yaml cannot be read ({why}); --upgrade tells when the cluster was upgraded"
            ))];
        }
    };
    let mut windows: Vec<(Time, Option<Time>)> = objects
        .kept
        .into_iter()
        .filter_map(|object| {
            let from = parse_rfc3339(&object.metadata?.created?)?;
            let conditions = object.status.and_then(|status| status.conditions);
            let completed = conditions
                .unwrap_or_default()
                .into_iter()
                .find(|condition| condition.kind.as_deref() == Some("Completed"));
            let to = completed.and_then(|condition| parse_rfc3339(&condition.updated?));
            Some((from, to.filter(|&to| to >= from)))
        })
        .collect();
    windows.sort_unstable();
    windows
        .into_iter()
        .map(|(from, to)| ClusterFact::Upgrade { from, to })
        .collect()
}

/// The pod networks that a file of RKE2's configuration sets.
pub(super) fn pod_networks(text: &str) -> Option<Vec<IpNet>> {
    let list = match read::<Rke2>(text).ok()?.cluster_cidr? {
        OneOrMore::One(list) => list.split(',').map(str::to_owned).collect(),
        OneOrMore::More(list) => list,
    };
    let nets = list.iter().map(|net| parse_net(net.trim()).ok());
    nets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(facts: &[ClusterFact]) -> Vec<String> {
        facts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn roles_and_addresses_of_nodes() {
        let yaml = "apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    creationTimestamp: \"2026-04-01T08:00:00Z\"
    labels:
      kubernetes.io/hostname: harvester1
      node-role.kubernetes.io/control-plane: \"true\"
      node-role.kubernetes.io/etcd: \"true\"
    name: harvester1
  spec:
    podCIDR: 10.52.0.0/24
  status:
    addresses:
    - address: 192.168.122.61
      type: InternalIP
    - address: harvester1
      type: Hostname
    images:
    - names: [a, b]
      sizeBytes: 12345
- metadata:
    labels: {node-role.harvesterhci.io/witness: true}
    name: harvester2
- metadata: {name: harvester3}
  status: {addresses: [{type: InternalIP, address: 192.168.122}]}
kind: List
metadata:
  resourceVersion: \"\"
";
        assert_eq!(
            said(&nodes(yaml)),
            [
                "node harvester1: control-plane (label node-role.kubernetes.io/control-plane)",
                "node harvester1: 192.168.122.61",
                "node harvester2: witness (label node-role.harvesterhci.io/witness)",
                "node `harvester2` has no InternalIP in nodes.yaml; --node tells its address",
                "node harvester3: control-plane (no label tells its role)",
                "node `harvester3` has none of the labels that the documented CloudInit resources select by: as long \
                 as it is not promoted, none of them makes a chain on it",
                "node `harvester3` has an InternalIP that is no address: `192.168.122`",
                "node `harvester3` has no InternalIP in nodes.yaml; --node tells its address",
            ]
        );
    }

    #[test]
    fn a_list_without_end_is_kept_as_far_as_a_cluster_goes() {
        let list: String = (0..=OBJECTS)
            .map(|n| format!("- {{metadata: {{name: n{n}}}}}\n"))
            .collect();
        let facts = nodes(&format!("items:\n{list}"));
        let roles = facts
            .iter()
            .filter(|fact| matches!(fact, ClusterFact::Role { .. }));
        assert_eq!(roles.count(), OBJECTS);
        assert!(
            facts[0].to_string().contains("more than 5000 nodes"),
            "{}",
            facts[0]
        );
    }

    #[test]
    fn aliases_of_aliases_are_refused() {
        let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let list = vec![format!("*a{}", n - 1); 9].join(", ");
            yaml += &format!("a{n}: &a{n} [{list}]\n");
        }
        let facts = said(&nodes(&(yaml + "items: *a8\n")));
        assert_eq!(facts.len(), 1);
        assert!(facts[0].contains("cannot be read"), "{facts:?}");
    }

    #[test]
    fn upgrade_windows() {
        let yaml = "items:
- metadata: {name: b, creationTimestamp: \"2026-05-05T04:00:00Z\"}
  status:
    conditions:
    - {type: ImageReady, status: \"True\"}
    - {type: Completed, status: \"True\", lastUpdateTime: \"2026-05-05T05:30:00Z\"}
- metadata: {name: a, creationTimestamp: 2026-05-04T04:00:00Z}
";
        assert_eq!(
            said(&upgrades(yaml)),
            [
                "upgrade from 2026-05-04T04:00:00Z, not completed when this was collected",
                "upgrade from 2026-05-05T04:00:00Z to 2026-05-05T05:30:00Z",
            ]
        );
        assert!(upgrades("items: []").is_empty());
        assert!(upgrades("items: [").len() == 1);
    }

    #[test]
    fn pod_networks_of_rke2() {
        let of = |text| {
            pod_networks(text).map(|nets| nets.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(
            of("cni: multus,canal\ncluster-cidr: 10.52.0.0/16\n").unwrap(),
            ["10.52.0.0/16"]
        );
        assert_eq!(
            of("cluster-cidr: 10.52.0.0/16,fd00:52::/56").unwrap().len(),
            2
        );
        assert_eq!(of("cni: canal"), None);
        assert_eq!(of("cluster-cidr: [x]"), None);
    }

    #[test]
    fn the_time_of_a_bundle() {
        let text = "projectName: harvester\nbundleCreatedAt: \"2026-05-06T10:00:00Z\"\nissueDescription: |\n  a: b\n";
        assert_eq!(created(text).unwrap().to_string(), "2026-05-06T10:00:00Z");
        assert!(created("x").is_none());
    }
}
