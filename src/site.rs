//! Facts about the site: roles, nodes, networks, addons and upgrade windows with their provenance, and thresholds.

mod known;

use std::net::IpAddr;

use crate::catalog::Role;
use crate::chain::ActiveChains;
use crate::input::event::ClusterFact;
use crate::net::{IpNet, are_neighbours, is_link_local_v6, neighbourhood};
use crate::time::{DAY, MINUTE, Moment, Time};

pub use crate::provenance::Provenance;
pub use known::{Contradiction, Facts, Known};

/// Silence, in microseconds, after which a flow counts as settled: "stop within a few minutes" (Host Network Security,
/// False Positives).
pub const SETTLE: i64 = 5 * MINUTE;

/// Zone of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    Pod,
    Inside,
    Outside,
}

impl Zone {
    pub const ALL: [Self; 3] = [Self::Pod, Self::Inside, Self::Outside];

    /// Returns the zone in one word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Inside => "inside",
            Self::Outside => "outside",
        }
    }
}

/// A token bucket with the parameters of `-m limit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Microseconds until one token is refilled.
    pub refill: i64,
    /// Capacity of the bucket, in tokens.
    pub burst: u32,
}

impl Limit {
    /// The documented LOG rule: `--limit 10/min` with the default burst of 5 (iptables-extensions(8), limit).
    pub const DOCUMENTED: Self = Self {
        refill: 6_000_000,
        burst: 5,
    };
}

/// Source of an upgrade window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowOrigin {
    /// The user.
    Told,
    /// The cluster's objects, which a support bundle has.
    Cluster,
    /// The pattern of the log.
    Found,
}

impl WindowOrigin {
    pub const ALL: [Self; 3] = [Self::Told, Self::Cluster, Self::Found];

    /// Returns the source as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Cluster => "cluster",
            Self::Found => "found",
        }
    }
}

/// Window of an upgrade of the cluster, including both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub origin: WindowOrigin,
    pub from: Moment,
    pub to: Moment,
}

impl Window {
    /// Whether `time` lies in it.
    pub fn contains(&self, time: Time) -> bool {
        time.is_dated() && self.from.near(time) <= time && time <= self.to.near(time)
    }

    /// Returns the window with its times of day on the day of `day`, that of its start first; one that ends before it
    /// begins ends on the next day.
    pub fn on_day_of(self, day: Moment) -> Self {
        let from = self.from.on_day_of(day);
        let to = match self.from {
            Moment::At(Time(0)) => self.to.on_day_of(day),
            _ => self.to.on_day_of(from),
        };
        let is_night = matches!(self.to, Moment::Daytime { .. }) && to.is_before(from);
        Self {
            from,
            to: if is_night { to.next_day() } else { to },
            ..self
        }
    }

    /// Whether it lies between `earlier` and `later`, which are of one log.
    pub fn is_between(&self, earlier: Time, later: Time) -> bool {
        earlier.is_dated() && earlier < self.from.near(earlier) && self.to.near(later) < later
    }

    /// Whether it begins before it ends.
    pub fn is_forward(&self) -> bool {
        !self.to.is_before(self.from)
    }
}

/// Facts about the site and the options by which its log is judged.
#[derive(Debug, Clone)]
pub struct Site {
    /// Facts about the cluster, with their provenance.
    pub known: Facts,
    pub upgrades: Vec<Window>,
    /// Whether upgrade windows that the log shows count as well.
    pub finds_upgrades: bool,
    /// The chains in force, as far as they are known.
    pub in_force: ActiveChains,
    /// Silence that settles a flow, in microseconds.
    pub settle: i64,
    pub limit: Limit,
    /// The prefix of the LOG rule, where it is not the documented one.
    pub log_prefix: Option<String>,
    /// Lines before this time are not judged.
    pub since: Option<Moment>,
    /// Lines after this time are not judged.
    pub until: Option<Moment>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            known: Facts::default(),
            upgrades: Vec::new(),
            finds_upgrades: true,
            in_force: ActiveChains::default(),
            settle: SETTLE,
            limit: Limit::DOCUMENTED,
            log_prefix: None,
            since: None,
            until: None,
        }
    }
}

/// Default pod network of Harvester (rke2-90-harvester-server.yaml).
const POD_CIDR: &str = "10.52.0.0/16";

impl Site {
    /// Returns the role of `node`.
    pub fn role(&self, node: &str) -> Role {
        self.known.role(node).value
    }

    /// Records a fact about the cluster.
    pub fn learn(&mut self, fact: &ClusterFact, by: Provenance) {
        match fact {
            ClusterFact::Role { node, role, .. } => {
                self.known.set_role(Some(node), *role, by);
                self.name(node, None);
            }
            ClusterFact::Address { node, address } => {
                self.known.set_address(*address, node, by);
                self.name(node, Some(&address.to_string()));
            }
            ClusterFact::Name { node, other } => self.name(node, Some(other)),
            ClusterFact::PodCidr(net) => self.known.add_pod_cidr(*net, by),
            ClusterFact::Addon { name, is_used } => self.known.set_addon(name, *is_used, by),
            ClusterFact::Upgrade { from, to } => self.learn_upgrade(*from, *to),
            ClusterFact::Rules {
                nodes,
                name,
                text,
                is_on_disk,
            } => {
                self.in_force.learn(nodes, name, text, *is_on_disk);
                nodes.iter().for_each(|node| self.name(node, None));
            }
            ClusterFact::Collected(_) | ClusterFact::NoLog { .. } | ClusterFact::Remark(_) => {}
        }
    }

    fn name(&mut self, node: &str, other: Option<&str>) {
        for names in [self.known.names_mut(), self.in_force.names_mut()] {
            match other {
                Some(other) => names.add_other(node, other),
                None => names.add(node),
            }
        }
    }

    /// Adds the window of an upgrade; without an end it stays open. Of two windows with the same start, the one with an
    /// end replaces the open one.
    fn learn_upgrade(&mut self, from: Time, to: Option<Time>) {
        const OPEN: Moment = Moment::At(Time(i64::MAX));
        let window = Window {
            origin: WindowOrigin::Cluster,
            from: Moment::At(from),
            to: to.map_or(OPEN, Moment::At),
        };
        let known = (self.upgrades.iter_mut())
            .find(|known| known.origin == window.origin && known.from == window.from);
        match known {
            Some(known) if known.to == OPEN => *known = window,
            Some(known) if window.to == OPEN || known.to == window.to => {}
            _ => self.upgrades.push(window),
        }
    }

    /// Whether the role of `node` is known from any source.
    pub fn is_role_known(&self, node: &str) -> bool {
        self.known.role(node).is_known()
    }

    /// Returns the starts of the LOG rule's prefix: the user's, else the documented one and that of an older write-up.
    pub fn log_prefixes(&self) -> Vec<String> {
        match &self.log_prefix {
            Some(prefix) => vec![prefix.trim_end().to_owned()],
            None => ["HARVESTER_DROP_", "HARVESTER_DROP:"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    /// Returns the networks of pods.
    pub fn pod_cidrs(&self) -> Vec<IpNet> {
        match self.known.pod_cidrs() {
            [] => POD_CIDR.parse().into_iter().collect(),
            known => known.iter().map(|net| net.value).collect(),
        }
    }

    /// Returns the networks of the nodes; empty where none is known.
    pub fn node_nets(&self) -> Vec<IpNet> {
        self.known.node_nets().iter().map(|net| net.value).collect()
    }

    /// Returns the node that is known to have the address.
    pub fn node_of(&self, address: IpAddr) -> Option<&str> {
        let node = self.known.addresses().get(&address);
        node.map(|node| node.value.as_str())
    }

    /// Whether `addon` is in use, where that is known.
    pub fn uses(&self, addon: &str) -> Option<bool> {
        self.known.addons().get(addon).map(|used| used.value)
    }

    /// Whether it is known that `addon` is not in use.
    pub fn lacks(&self, addon: Option<&str>) -> bool {
        addon.is_some_and(|name| self.uses(name) == Some(false))
    }

    /// Whether the user gave a time of day without a date.
    pub fn has_daytimes(&self) -> bool {
        let windows = self
            .upgrades
            .iter()
            .flat_map(|window| [window.from, window.to]);
        let told = self.since.into_iter().chain(self.until).chain(windows);
        told.into_iter()
            .any(|told| matches!(told, Moment::Daytime { .. }))
    }

    /// Moves the times without a date to the day of `first`, the first line. The year of that day may still be
    /// corrected.
    pub fn set_day(&mut self, first: Time) {
        let (_, month, day) = first.date();
        let day_micros = first.0.rem_euclid(DAY);
        let day = Moment::Yearless {
            month,
            day,
            day_micros,
        };
        let told = Window {
            origin: WindowOrigin::Told,
            from: self.since.unwrap_or(Moment::At(Time(0))),
            to: self.until.unwrap_or(Moment::At(Time(i64::MAX))),
        };
        let told = told.on_day_of(day);
        self.since = self.since.and(Some(told.from));
        self.until = self.until.and(Some(told.to));
        for window in &mut self.upgrades {
            *window = window.on_day_of(day);
        }
    }

    /// Whether a line of this time is judged; a line without a date is.
    pub fn wants(&self, time: Time) -> bool {
        !time.is_dated()
            || self.since.is_none_or(|since| since.near(time) <= time)
                && self.until.is_none_or(|until| time <= until.near(time))
    }

    /// Whether `time` lies in an upgrade.
    pub fn in_upgrade(&self, time: Time) -> bool {
        self.upgrades.iter().any(|window| window.contains(time))
    }
}

/// Zones of peers, by the networks that the user gave and by the addresses of the nodes in the log.
#[derive(Debug)]
pub struct Zones {
    pod_cidrs: Vec<IpNet>,
    node_nets: Vec<IpNet>,
    cluster: Vec<IpAddr>,
}

impl Zones {
    /// Creates the zones of a site whose cluster nodes have the addresses `cluster`.
    pub fn new(site: &Site, mut cluster: Vec<IpAddr>) -> Self {
        cluster.sort_unstable();
        cluster.dedup();
        Self {
            pod_cidrs: site.pod_cidrs(),
            node_nets: site.node_nets(),
            cluster,
        }
    }

    /// Whether `address` is one of a cluster node.
    pub fn is_cluster_node(&self, address: IpAddr) -> bool {
        self.cluster.binary_search(&address).is_ok()
    }

    /// Whether a network may have an address of a cluster node, seen from the node that has the addresses `own`.
    pub fn may_have_node(&self, net: IpNet, own: &[IpAddr]) -> bool {
        let meets = |other: IpNet| net.contains(&other) || other.contains(&net);
        let is_near = || own.iter().any(|&node| meets(neighbourhood(node)));
        self.cluster.iter().any(|node| net.contains(node))
            || self.node_nets.iter().any(|&nodes| meets(nodes))
            || (self.node_nets.is_empty() && is_near())
    }

    /// Returns the zone of `peer`, seen from the node that has the addresses `own`.
    pub fn of(&self, peer: IpAddr, own: &[IpAddr]) -> Zone {
        if self.pod_cidrs.iter().any(|net| net.contains(&peer)) {
            return Zone::Pod;
        }
        let near = || own.iter().any(|&node| are_neighbours(node, peer));
        if self.is_cluster_node(peer)
            || self.node_nets.iter().any(|net| net.contains(&peer))
            || is_link_local_v6(peer)
            || (self.node_nets.is_empty() && near())
        {
            Zone::Inside
        } else {
            Zone::Outside
        }
    }

    /// Returns the pod network that `peer` lies in.
    pub fn pod_cidr(&self, peer: IpAddr) -> Option<IpNet> {
        self.pod_cidrs
            .iter()
            .copied()
            .find(|net| net.contains(&peer))
    }
}
