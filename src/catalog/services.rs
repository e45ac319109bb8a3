//! The services behind ports, a row each.
//!
//! Sources: the port tables of Harvester's requirements page in their three generations, RKE2's and Kube-OVN's
//! requirements, Longhorn's networking reference, and the code where the tables contradict each other.

use super::{C, CT, CW, CWT, Reach, Service, Standing, WT};
use crate::net::PortRange;
use crate::packet::proto;

/// Ports of the DHCP server and client (RFC 2131, 4.1).
pub(super) const DHCP_SERVER: u16 = 67;
pub(super) const DHCP_CLIENT: u16 = 68;
/// NTP, whose clients may send from the server's port (RFC 5905, 7.2).
pub(super) const NTP: u16 = 123;
/// UDP services whose replies are known everywhere: DNS, DHCP, NTP, syslog.
pub(super) const WELL_KNOWN_UDP: [u16; 4] = [53, DHCP_SERVER, NTP, 514];
/// Services that every node of some role has, and nothing but a node.
pub(super) const NODE_SERVICES: [(u8, u16); 5] = [
    (proto::TCP, 2379),
    (proto::TCP, 2380),
    (proto::TCP, 6443),
    (proto::TCP, 9345),
    (proto::TCP, 10250),
];
/// Tunnels from node to node: VXLAN of Canal and of Kube-OVN.
pub(super) const NODE_TUNNELS: [(u8, u16); 2] = [(proto::UDP, 8472), (proto::UDP, 4789)];
/// Names of services that are no part of Harvester (IANA, "Service Name and Transport Protocol Port Number Registry").
pub(super) const COMMON_NAMES: [(u8, u16, &str); 14] = [
    (proto::UDP, 53, "DNS"),
    (proto::TCP, 53, "DNS"),
    (proto::UDP, DHCP_SERVER, "DHCP server"),
    (proto::UDP, DHCP_CLIENT, "DHCP client"),
    (proto::UDP, NTP, "NTP"),
    (proto::UDP, 137, "NetBIOS name service"),
    (proto::UDP, 138, "NetBIOS datagram service"),
    (proto::UDP, 161, "SNMP"),
    (proto::UDP, 514, "syslog"),
    (proto::UDP, 546, "DHCPv6 client"),
    (proto::UDP, 1900, "SSDP"),
    (proto::UDP, 5353, "mDNS"),
    (proto::UDP, 5355, "LLMNR"),
    (proto::UDP, 10001, "Ubiquiti discovery"),
];

/// Rows of all known services.
#[rustfmt::skip]
pub const SERVICES: &[Service] = &[
    Service { proto: proto::TCP, ports: PortRange::new(22, 22), name: "SSH", component: "sshd", roles: CWT, reach: Reach::Any, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(80, 80), name: "Harvester UI HTTP", component: "rke2-ingress-nginx, rke2-traefik from v1.9", roles: CW, reach: Reach::Any, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "The ingress answers in a pod: the kernel rewrites the destination before INPUT, so a rule here usually has no effect." },
    Service { proto: proto::TCP, ports: PortRange::new(443, 443), name: "Harvester UI HTTPS", component: "rke2-ingress-nginx, rke2-traefik from v1.9", roles: CW, reach: Reach::Any, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), not in the table up to v1.8", note: "The ingress answers in a pod: the kernel rewrites the destination before INPUT, so a rule here usually has no effect." },
    Service { proto: proto::TCP, ports: PortRange::new(2112, 2112), name: "kube-vip Prometheus metrics", component: "kube-vip", roles: C, reach: Reach::Any, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(2379, 2379), name: "etcd client", component: "etcd", roles: CT, reach: Reach::Nodes, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); RKE2 requirements", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(2380, 2380), name: "etcd peer", component: "etcd", roles: CT, reach: Reach::Nodes, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); RKE2 requirements", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(2381, 2381), name: "etcd metrics", component: "etcd", roles: CT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "It listens on other addresses only with `etcd-expose-metrics: true`." },
    Service { proto: proto::TCP, ports: PortRange::new(2382, 2382), name: "etcd client HTTP", component: "etcd", roles: CT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(6443, 6443), name: "Kubernetes API server", component: "kube-apiserver", roles: C, reach: Reach::Any, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "On a worker or a witness only an agent's proxy on the loopback has this port: a SYN from outside is a client with an old address." },
    Service { proto: proto::TCP, ports: PortRange::new(6444, 6444), name: "RKE2 agent API proxy", component: "rke2-agent", roles: WT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(8181, 8181), name: "nginx ingress", component: "rke2-ingress-nginx", roles: CW, reach: Reach::Any, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table up to v1.8", note: "Only the table up to v1.8 lists it." },
    Service { proto: proto::TCP, ports: PortRange::new(8444, 8444), name: "nginx ingress webhook", component: "rke2-ingress-nginx", roles: CW, reach: Reach::Any, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table up to v1.8", note: "Only the table up to v1.8 lists it." },
    Service { proto: proto::TCP, ports: PortRange::new(9091, 9091), name: "calico-node metrics", component: "rke2-canal", roles: CWT, reach: Reach::Any, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(9099, 9099), name: "Canal health check", component: "rke2-canal", roles: CWT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "The table up to v1.8 and RKE2's own list it from node to node." },
    Service { proto: proto::TCP, ports: PortRange::new(9345, 9345), name: "RKE2 supervisor API", component: "rke2-server", roles: CT, reach: Reach::Nodes, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(9796, 9796), name: "Prometheus node-exporter", component: "rancher-monitoring", roles: CWT, reach: Reach::Any, addon: Some("rancher-monitoring"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "Prometheus comes with the address of its node, not with that of its pod." },
    Service { proto: proto::TCP, ports: PortRange::new(10010, 10010), name: "containerd streaming", component: "containerd", roles: CWT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10245, 10245), name: "nginx ingress status", component: "rke2-ingress-nginx", roles: CW, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "requirements table up to v1.8", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10246, 10249), name: "kubelet healthz, kube-proxy metrics, nginx worker", component: "kubelet, kube-proxy, rke2-ingress-nginx", roles: CWT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "The two tables name different owners." },
    Service { proto: proto::TCP, ports: PortRange::new(10250, 10250), name: "kubelet API", component: "kubelet", roles: CWT, reach: Reach::Nodes, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); RKE2 requirements", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10251, 10251), name: "kube-scheduler health", component: "kube-scheduler", roles: C, reach: Reach::Any, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table up to v1.8", note: "Only the table up to v1.8 lists it; nothing listens there any more." },
    Service { proto: proto::TCP, ports: PortRange::new(10252, 10252), name: "kube-controller-manager health", component: "kube-controller-manager", roles: C, reach: Reach::Any, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table up to v1.8", note: "Only the table up to v1.8 lists it; nothing listens there any more." },
    Service { proto: proto::TCP, ports: PortRange::new(10256, 10256), name: "kube-proxy health", component: "kube-proxy", roles: CWT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); requirements table up to v1.8", note: "An external load balancer may check it where kube-proxy listens on all addresses." },
    Service { proto: proto::TCP, ports: PortRange::new(10257, 10257), name: "kube-controller-manager", component: "kube-controller-manager", roles: C, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10258, 10258), name: "cloud-controller-manager", component: "cloud-controller-manager", roles: CT, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10259, 10259), name: "kube-scheduler", component: "kube-scheduler", roles: C, reach: Reach::Localhost, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10260, 10260), name: "cloud-controller-manager webhook", component: "cloud-controller-manager", roles: C, reach: Reach::Any, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table up to v1.8", note: "Only the table up to v1.8 lists it." },
    Service { proto: proto::TCP, ports: PortRange::new(3260, 3260), name: "iSCSI", component: "Longhorn instance-manager", roles: CW, reach: Reach::Nodes, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table up to v1.8; Longhorn networking reference", note: "Longhorn's target listens in a pod; something expects an iSCSI target on the node itself." },
    Service { proto: proto::TCP, ports: PortRange::new(30000, 32767), name: "NodePort TCP range", component: "kube-proxy", roles: CW, reach: Reach::Any, addon: None, standing: Standing::NodePorts,
        source: "docs/install/requirements.md @13e9c08 (v1.9); RKE2 requirements", note: "NodePort traffic is rewritten before INPUT: a SYN that arrives here usually means that no Service answers on that port of this node." },
    Service { proto: proto::UDP, ports: PortRange::new(30000, 32767), name: "NodePort UDP range", component: "kube-proxy", roles: CW, reach: Reach::Any, addon: None, standing: Standing::NodePorts,
        source: "docs/install/requirements.md @13e9c08 (v1.9)", note: "NodePort traffic is rewritten before INPUT: a packet that arrives here usually means that no Service answers on that port of this node." },
    Service { proto: proto::UDP, ports: PortRange::new(8472, 8472), name: "VXLAN (Flannel/Canal)", component: "rke2-canal", roles: CWT, reach: Reach::Nodes, addon: None, standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9); RKE2 requirements", note: "" },
    Service { proto: proto::UDP, ports: PortRange::new(51820, 51821), name: "Canal WireGuard", component: "rke2-canal", roles: CWT, reach: Reach::Nodes, addon: None, standing: Standing::Current,
        source: "RKE2 requirements", note: "Only with the WireGuard backend, which Harvester does not use unless told." },
    Service { proto: proto::TCP, ports: PortRange::new(6641, 6641), name: "OVN Northbound DB", component: "ovn-central", roles: C, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(6642, 6642), name: "OVN Southbound DB", component: "ovn-central", roles: C, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(6643, 6643), name: "OVN Northd", component: "ovn-central", roles: C, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(6644, 6644), name: "OVN Raft", component: "ovn-central", roles: C, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(8080, 8080), name: "kube-ovn-webhook HTTP", component: "kube-ovn-webhook", roles: CW, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "The webhook of current versions listens in a pod only." },
    Service { proto: proto::TCP, ports: PortRange::new(8443, 8443), name: "kube-ovn-webhook HTTPS", component: "kube-ovn-webhook", roles: CW, reach: Reach::Any, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "The webhook of current versions listens in a pod only." },
    Service { proto: proto::TCP, ports: PortRange::new(10660, 10660), name: "kube-ovn-controller metrics", component: "kube-ovn-controller", roles: CW, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "The page opens it on workers only; its pod runs on control-plane nodes as well." },
    Service { proto: proto::TCP, ports: PortRange::new(10661, 10661), name: "kube-ovn-monitor metrics", component: "kube-ovn-monitor", roles: C, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10665, 10665), name: "kube-ovn-daemon", component: "kube-ovn-cni", roles: CWT, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::UDP, ports: PortRange::new(4789, 4789), name: "VXLAN (Kube-OVN)", component: "ovs-ovn", roles: CWT, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "docs/install/requirements.md @13e9c08 (v1.9), addons; Kube-OVN docs", note: "" },
    Service { proto: proto::UDP, ports: PortRange::new(6081, 6081), name: "Geneve (Kube-OVN)", component: "ovs-ovn", roles: CWT, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "Kube-OVN docs", note: "Only with `tunnelType: geneve`; Harvester's chart sets vxlan, port 4789." },
    Service { proto: proto::TCP, ports: PortRange::new(7471, 7471), name: "STT (Kube-OVN)", component: "ovs-ovn", roles: CWT, reach: Reach::Nodes, addon: Some("kubeovn-operator"), standing: Standing::Current,
        source: "Kube-OVN docs", note: "Only with `tunnelType: stt`; Harvester's chart sets vxlan, UDP port 4789." },
    Service { proto: proto::TCP, ports: PortRange::new(9500, 9503), name: "Longhorn manager", component: "longhorn-manager", roles: CW, reach: Reach::Pods, addon: None, standing: Standing::Current,
        source: "Longhorn networking reference", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(8500, 8501), name: "Longhorn instance-manager", component: "longhorn instance-manager", roles: CW, reach: Reach::Pods, addon: None, standing: Standing::Current,
        source: "Longhorn networking reference", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(2049, 2049), name: "NFS of a Longhorn share-manager", component: "longhorn share-manager", roles: CW, reach: Reach::Pods, addon: None, standing: Standing::Current,
        source: "Longhorn networking reference", note: "" },
    Service { proto: proto::TCP, ports: PortRange::new(10000, 30000), name: "Longhorn instance-manager", component: "longhorn instance-manager", roles: CW, reach: Reach::Pods, addon: None, standing: Standing::Note,
        source: "Longhorn networking reference", note: "Longhorn's instance-managers use ports from 10000 to 30000, in pods or on the storage network." },
    Service { proto: proto::TCP, ports: PortRange::new(49152, 49215), name: "KubeVirt live migration", component: "virt-handler", roles: CW, reach: Reach::Pods, addon: None, standing: Standing::Note,
        source: "KubeVirt", note: "KubeVirt migrates over 49152 to 49215, in pods or on the migration network." },
    Service { proto: proto::TCP, ports: PortRange::new(6060, 6060), name: "node-disk-manager pprof", component: "harvester-node-disk-manager", roles: CW, reach: Reach::Any, addon: None, standing: Standing::UpToV1_8,
        source: "requirements table of v1.1 and v1.2", note: "Only the tables of v1.1 and v1.2 list it." },
];
