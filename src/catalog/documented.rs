//! The ACCEPT rules of the page "Host Network Security", role by role, in the page's order, with the page's comments.
//!
//! Source: harvester/docs, docs/networking/host-network-security.md, revision 8efde8e: the three CloudInit examples.

use super::{C, CT, CW, CWT, DocumentedRule, Roles, W};
use crate::net::PortRange;
use crate::packet::proto;

/// The `--log-prefix` of the documented LOG rule.
pub const LOG_PREFIX: &str = "HARVESTER_DROP_";

const MONITORING: Option<&str> = Some("rancher-monitoring");
const KUBEOVN: Option<&str> = Some("kubeovn-operator");

#[rustfmt::skip]
/// The documented rules between ESTABLISHED and LOG.
pub const RULES: &[DocumentedRule] = &[
    DocumentedRule { proto: Some(proto::ICMP), ..row(CWT, "ICMP (ping, MTU discovery, etc.)") },
    DocumentedRule { pod_network: true, ..row(CWT, "Allow pod network return traffic") },
    DocumentedRule { sport: Some(67), ..udp(68, 68, CWT, "DHCP server reply") },
    DocumentedRule { sport: Some(68), ..udp(67, 67, CWT, "DHCP client request") },
    tcp(22, 22, CWT, "SSH"),
    tcp(80, 80, CW, "Harvester UI HTTP"),
    tcp(443, 443, CW, "Harvester UI HTTPS"),
    tcp(2112, 2112, C, "kube-vip Prometheus metrics"),
    tcp(2379, 2380, CT, "etcd client/peer"),
    tcp(6443, 6443, C, "Kubernetes API server"),
    tcp(9091, 9091, CWT, "calico-node metrics (Prometheus)"),
    tcp(9345, 9345, CT, "RKE2 supervisor API"),
    DocumentedRule { addon: MONITORING, ..tcp(9796, 9796, CWT, "Prometheus node-exporter metrics (rancher-monitoring)") },
    tcp(10250, 10250, CWT, "kubelet API"),
    tcp(30000, 32767, CW, "NodePort TCP range"),
    udp(30000, 32767, CW, "NodePort UDP range"),
    udp(8472, 8472, CWT, "VXLAN (Flannel/Canal)"),
    DocumentedRule { addon: KUBEOVN, ..tcp(8080, 8080, CW, "kube-ovn-webhook HTTP (kubeovn-operator)") },
    DocumentedRule { addon: KUBEOVN, ..tcp(8443, 8443, CW, "kube-ovn-webhook HTTPS (kubeovn-operator)") },
    DocumentedRule { addon: KUBEOVN, ..tcp(6641, 6644, C, "OVN NB/SB DB, Northd, and Raft (kubeovn-operator)") },
    DocumentedRule { addon: KUBEOVN, ..tcp(10660, 10660, W, "kube-ovn-controller (kubeovn-operator)") },
    DocumentedRule { addon: KUBEOVN, ..tcp(10661, 10661, C, "kube-ovn-monitor metrics (kubeovn-operator)") },
    DocumentedRule { addon: KUBEOVN, ..tcp(10665, 10665, CWT, "kube-ovn-daemon (kubeovn-operator)") },
    DocumentedRule { addon: KUBEOVN, ..udp(4789, 4789, CWT, "VXLAN (Kube-OVN, kubeovn-operator)") },
];

const fn row(roles: Roles, comment: &'static str) -> DocumentedRule {
    DocumentedRule {
        proto: None,
        sport: None,
        dport: None,
        roles,
        comment,
        addon: None,
        pod_network: false,
    }
}

const fn tcp(first: u16, last: u16, roles: Roles, comment: &'static str) -> DocumentedRule {
    DocumentedRule {
        proto: Some(proto::TCP),
        dport: Some(PortRange::new(first, last)),
        ..row(roles, comment)
    }
}

const fn udp(first: u16, last: u16, roles: Roles, comment: &'static str) -> DocumentedRule {
    DocumentedRule {
        proto: Some(proto::UDP),
        ..tcp(first, last, roles, comment)
    }
}
