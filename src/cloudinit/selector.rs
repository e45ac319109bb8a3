//! Selector of a CloudInit: its labels compared with those that nodes of a role have.

use crate::catalog::Role;
use crate::cloudinit::{Label, Resource};

/// Whether a label determines a role.
pub fn is_role_key(key: &str) -> bool {
    key.starts_with("node-role.kubernetes.io/") || key.starts_with("node-role.harvesterhci.io/")
}

/// Whether a node of the role has the label (harvester/harvester-installer, pkg/installer/console/util.go; RKE2).
fn has_label(role: Role, key: &str, value: &str) -> bool {
    let keys: &[&str] = match role {
        Role::ControlPlane => &[
            "node-role.kubernetes.io/control-plane",
            "node-role.kubernetes.io/etcd",
            "node-role.kubernetes.io/master",
            "node-role.harvesterhci.io/management",
        ],
        Role::Worker => &["node-role.harvesterhci.io/worker"],
        Role::Witness => &[
            "node-role.kubernetes.io/etcd",
            "node-role.harvesterhci.io/witness",
        ],
    };
    value == "true" && keys.contains(&key)
}

/// Whether the selector can select a node of the role: labels that do not determine a role count as met.
pub fn picks(selector: &[Label], role: Role) -> bool {
    selector
        .iter()
        .filter(|label| is_role_key(&label.key))
        .all(|label| has_label(role, &label.key, &label.value))
}

/// Returns the role that the selector selects: `told` if possible, else the first possible one, else `told`.
pub fn role_of(selector: &[Label], told: Role) -> Role {
    std::iter::once(told)
        .chain(Role::ALL)
        .find(|role| picks(selector, *role))
        .unwrap_or(told)
}

/// The label that every node has with its own name.
const HOSTNAME: &str = "kubernetes.io/hostname";

impl Resource {
    /// Returns the node that the selector picks by its name.
    pub fn hostname(&self) -> Option<&str> {
        let mut labels = self.selector.iter().flatten();
        labels
            .find(|label| label.key == HOSTNAME)
            .map(|label| label.value.as_str())
    }

    /// Whether the selector selects another node than this one by its name.
    pub fn is_of_another(&self, node: &str) -> bool {
        self.hostname().is_some_and(|name| name != node)
    }

    /// Whether a node of the role runs its commands. A stages file has no selector: it belongs to one node.
    pub fn picks(&self, role: Role) -> bool {
        self.selector
            .as_deref()
            .is_none_or(|selector| picks(selector, role))
    }
}
