//! Configuration of a node: RKE2's, and the installer's (`/oem/harvester.config`).
//!
//! Only the few fields that matter are read; values of another form are ignored.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::tree::yaml_options;
use crate::net::{IpNet, parse_net};
use crate::time::{Time, parse_rfc3339};

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "bundleCreatedAt")]
    created: Option<String>,
}

/// Returns the creation time of a bundle, from its `metadata.yaml`.
pub(in crate::input) fn created(text: &str) -> Option<Time> {
    let metadata: Metadata = read(text)?;
    parse_rfc3339(&metadata.created?)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Rke2 {
    cluster_cidr: OneOrMore,
    node_ip: OneOrMore,
    node_name: OneOrMore,
    node_label: OneOrMore,
    node_taint: OneOrMore,
    kubelet_arg: OneOrMore,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
    #[default]
    None,
}

impl OneOrMore {
    /// Returns the values; a text is split at its commas.
    fn parts(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
            Self::None => &[],
        };
        all.iter().flat_map(|text| text.split(',')).map(str::trim)
    }
}

/// Settings in one file of RKE2's configuration.
#[derive(Debug, Default)]
pub(in crate::input) struct Configuration {
    /// The pod networks, where the file sets them.
    pub(in crate::input) pods: Option<Vec<IpNet>>,
    pub(in crate::input) addresses: Vec<IpAddr>,
    /// The name by which the cluster knows the node, where it is not the machine's.
    pub(in crate::input) node_name: Option<String>,
    /// `key=value`.
    pub(in crate::input) labels: Vec<String>,
    pub(in crate::input) taints: Vec<String>,
}

impl Configuration {
    /// Reads a file of `/etc/rancher/rke2/config.yaml.d`.
    pub(in crate::input) fn read(text: &str) -> Self {
        let Some(file) = read::<Rke2>(text) else {
            return Self::default();
        };
        let nets: Option<Vec<IpNet>> = file
            .cluster_cidr
            .parts()
            .map(|net| parse_net(net).ok())
            .collect();
        let of_kubelet = |option: &str| {
            let all = file.kubelet_arg.parts();
            // `parts` also splits the list of labels at its commas: a part without an option of its own continues the
            // list.
            let mut list = Vec::new();
            let mut is_in = false;
            for part in all {
                let rest = part.trim_start_matches("--").strip_prefix(option);
                let first = rest.and_then(|rest| rest.strip_prefix('='));
                is_in = first.is_some()
                    || (is_in && part.matches('=').count() == 1 && part.contains('/'));
                if is_in {
                    list.push(first.unwrap_or(part).to_owned());
                }
            }
            list
        };
        let texts = |list: &OneOrMore| list.parts().map(str::to_owned).collect::<Vec<_>>();
        Self {
            pods: nets.filter(|nets| !nets.is_empty()),
            addresses: file
                .node_ip
                .parts()
                .filter_map(|ip| ip.parse().ok())
                .collect(),
            node_name: file
                .node_name
                .parts()
                .find(|name| !name.is_empty())
                .map(str::to_owned),
            labels: [texts(&file.node_label), of_kubelet("node-labels")].concat(),
            taints: [texts(&file.node_taint), of_kubelet("register-with-taints")].concat(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Harvester {
    install: Option<Install>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Install {
    role: Option<String>,
}

/// Returns the role given to the installer: `management`, `worker`, `witness` or `default` (pkg/installer/config).
pub(in crate::input) fn installed_role(text: &str) -> Option<String> {
    let file: Harvester = read(text)?;
    file.install?.role.filter(|role| !role.is_empty())
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_saphyr::from_str_with_options(text, yaml_options()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pod_networks_of_rke2() {
        let of = |text| {
            let pods = Configuration::read(text).pods;
            pods.map(|nets| nets.iter().map(ToString::to_string).collect::<Vec<_>>())
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
    fn labels_and_addresses_of_rke2() {
        let file = Configuration::read(
            "kubelet-arg:\n- \"max-pods=200\"\n- \"node-labels=a/b=true,node-role.harvesterhci.io/worker=true\"\n\
             - \"system-reserved=cpu=100m\"\nnode-ip: 192.168.122.61,fd00::61\nnode-label: [c=d]\n\
             node-taint:\n- node-role.kubernetes.io/etcd=true:NoExecute\n",
        );
        assert_eq!(
            file.labels,
            ["c=d", "a/b=true", "node-role.harvesterhci.io/worker=true"]
        );
        assert_eq!(file.addresses.len(), 2);
        assert_eq!(file.taints, ["node-role.kubernetes.io/etcd=true:NoExecute"]);
    }

    #[test]
    fn the_role_that_the_installer_was_told() {
        let role = |text| installed_role(text);
        assert_eq!(
            role("install:\n  mode: join\n  role: witness\ntoken: x\n").unwrap(),
            "witness"
        );
        assert_eq!(role("install: {mode: create}"), None);
        assert_eq!(role("install: ["), None);
    }

    #[test]
    fn the_time_of_a_bundle() {
        let text = "projectName: harvester\nbundleCreatedAt: \"2026-05-06T10:00:00Z\"\nissueDescription: |\n  a: b\n";
        assert_eq!(created(text).unwrap().to_string(), "2026-05-06T10:00:00Z");
        assert!(created("x").is_none());
    }
}
