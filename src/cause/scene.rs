//! Context of a flow: all flows of the log put in order, so that one function can judge each.
//!
//! Input: [`Flows`] and the [`Site`]. Output: [`Group`]s, the flows that share a finding, with direction and zone
//! settled by the whole log, and the peers that scan.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use super::directions::{Nodes, Settled, directions};
use super::group::{Group, GroupKey};
use super::restarts::{Restart, restarts};
use super::scanners::{Scans, scanners};
use super::upgrades::{Upgrade, upgrades};
use super::{cluster, sweeps};
use crate::beside::{WORTH_A_THREAD, beside};
use crate::catalog::Role;
use crate::chain::Family;
use crate::flow::{
    Direction, FlowKey, Flows, Folded, Kind, MarksByFlow, NodeEvidence, PeerClass, Ports, Seen,
    UNKNOWN, folded_network,
};
use crate::net::{IpNet, are_neighbours, neighbourhood};
use crate::packet::link::{Link, Mac};
use crate::packet::proto;
use crate::saturation::{self, Stretch};
use crate::site::{Site, Zone, Zones};
use crate::time::Time;

/// A node, with the facts that the log and the user give.
#[derive(Debug)]
pub struct Node<'a> {
    pub name: &'a str,
    pub role: Role,
    pub addresses: Vec<IpAddr>,
    /// Networks around the addresses, distinct, in order; shared by its findings.
    pub nets: Arc<[IpNet]>,
    pub logged: u64,
    /// Whether it has no name, and its lines are those of several nodes.
    pub is_several: bool,
    /// Times when the token bucket of the LOG rule was empty; `None` where the log does not show it.
    pub saturated: Option<Vec<Stretch>>,
    /// Saturated times of the LOG rules of IPv4 and of IPv6, each with its own bucket; empty where the log does not show
    /// them.
    pub saturated_by_family: [Vec<Stretch>; 2],
}

/// Flows of a log with the context in which their findings are judged.
pub struct Scene<'a> {
    pub site: &'a Site,
    pub zones: Zones,
    pub nodes: BTreeMap<u16, Node<'a>>,
    pub scans: Scans,
    /// Services whose connections with several nodes were torn down, by service and time.
    pub restarts: Vec<Restart>,
    /// The upgrade windows that the log shows.
    upgrades: Vec<Upgrade>,
    /// The first and the last time of the log; live, the last is now.
    pub span: Option<(Time, Time)>,
    /// The end of a live log.
    now: Option<Time>,
    flows: &'a Flows,
    marks: MarksByFlow,
    /// Key of each group and the indices of its flows, in the order of the keys.
    groups: Vec<(GroupKey, Vec<u32>)>,
    /// Routers by node, see [`Self::routers`]. Computed on demand: it reads the earliest line of each flow, and few
    /// reports need it.
    routers: OnceLock<BTreeMap<u16, BTreeSet<Mac>>>,
}

impl<'a> Scene<'a> {
    /// Creates the scene of `flows`. `now` is the end of a live log.
    pub fn new(flows: &'a Flows, site: &'a Site, now: Option<Time>) -> Self {
        let marks = flows.marks();
        let mut nodes: BTreeMap<u16, Node<'a>> = flows
            .nodes()
            .map(|(number, seen)| (number, node(flows.node_name(number), seen, site)))
            .collect();
        for (number, node) in nodes.iter_mut().filter(|(_, node)| node.name == UNKNOWN) {
            let is_peer = |seen: &Seen<'_>| {
                seen.key.node == *number && node.addresses.binary_search(&seen.key.peer).is_ok()
            };
            node.is_several =
                are_of_several(&node.addresses) || flows.iter(&marks).any(|seen| is_peer(&seen));
        }
        let mut told: Vec<IpAddr> = (nodes.values())
            .flat_map(|n| n.addresses.iter().copied())
            .chain(site.known.addresses().keys().copied())
            .collect();
        told.sort_unstable();
        let all: Vec<Seen<'_>> = flows.iter(&marks).collect();
        let mut zones = Zones::new(site, told.clone());
        let answering = cluster::answering(&all, |seen| {
            let own = nodes.get(&seen.key.node).map_or(&[][..], |n| &n.addresses);
            zones.pod_cidr(seen.key.peer).is_none()
                && own.iter().any(|own| are_neighbours(*own, seen.key.peer))
        });
        zones = Zones::new(site, [&told[..], &answering].concat());
        let is_told = |peer: IpAddr| told.binary_search(&peer).is_ok();
        let (mut settled, mut scans) = settle(&all, &nodes, &zones, is_told);
        // A peer that scans is no node, even where its packets look like a node's answers.
        let nodes_after_all: Vec<IpAddr> = (answering.iter().copied())
            .filter(|peer| !scans.contains_key(peer))
            .collect();
        if nodes_after_all.len() < answering.len() {
            zones = Zones::new(site, [&told[..], &nodes_after_all].concat());
            (settled, scans) = settle(&all, &nodes, &zones, |peer| zones.is_cluster_node(peer));
        }
        let group = || {
            let key = |(seen, settled): (&Seen<'_>, &Settled)| {
                let class = peer_class(seen, &nodes, site, &zones);
                let allowed = class == PeerClass::Accepted && is_allowed(seen, &nodes, site);
                let scans = Some(&scans).filter(|_| !allowed);
                let zone = zone(&zones, &nodes, &seen.key);
                group_key(seen, *settled, (zone, class), scans)
            };
            groups(all.iter().zip(&settled).map(key))
        };
        let saturate = || -> Vec<Saturation> {
            let ticks = flows.nodes().map(|(_, seen)| &seen.ticks);
            ticks
                .map(|ticks| saturated_stretches(ticks, site))
                .collect()
        };
        let (groups, (restarts, upgrades, saturated)) =
            beside(all.len() >= WORTH_A_THREAD, group, || {
                let upgrades = if site.finds_upgrades {
                    upgrades(&all, &settled)
                } else {
                    Vec::new()
                };
                (restarts(&all, &settled), upgrades, saturate())
            });
        for (node, saturated) in nodes.values_mut().zip(saturated) {
            (node.saturated, node.saturated_by_family) = saturated;
        }
        Self {
            site,
            zones,
            nodes,
            scans,
            restarts,
            upgrades,
            span: flows.span(),
            now,
            flows,
            marks,
            groups,
            routers: OnceLock::new(),
        }
    }

    /// Returns the current time of a live log, and of a saved one the time of its last line.
    pub fn end(&self) -> Option<Time> {
        let (_, last) = self.span?;
        Some(self.now.map_or(last, |now| now.max(last)))
    }

    /// Returns the groups, in the order of their keys, as [`Self::group`] takes them.
    pub fn groups(&self) -> &[(GroupKey, Vec<u32>)] {
        &self.groups
    }

    /// Sums up the flows of a group.
    pub fn group(&self, (key, places): &(GroupKey, Vec<u32>)) -> Option<Group<'_>> {
        let node = self.nodes.get(&key.node)?;
        let members = places.iter();
        let members = members.filter_map(|place| self.flows.seen(*place as usize, &self.marks));
        Some(Group::new(*key, node.name, node.role, members.collect()))
    }

    /// How long the log of its node was quiet after a group, in microseconds: the time before a start, and between logs, shows
    /// nothing, nor does a step of the clock. Then how much time lies between logs.
    pub fn quiet(&self, group: &Group<'_>) -> (i64, i64) {
        let times = group.marks().map(|mark| mark.time);
        let (quiet, unlogged) = self.flows.quiet(group.node, group.last, times);
        // Live, the time since the last line counts as well: the log is open.
        let last_line = (self.flows.span()).map_or(group.last, |(_, last)| last.max(group.last));
        let open = self.now.map_or(0, |now| now.since(last_line).max(0));
        (quiet + open, unlogged)
    }

    /// Returns the name of the interface with a number.
    pub fn interface(&self, number: u16) -> &'a str {
        self.flows.interface_name(number)
    }

    /// Returns the upgrade windows that the log shows and that the user did not give.
    pub fn found_upgrades(&self) -> impl Iterator<Item = &Upgrade> {
        let told =
            |found: &&Upgrade| self.site.in_upgrade(found.from) && self.site.in_upgrade(found.to);
        self.upgrades.iter().filter(move |found| !told(found))
    }

    /// Whether a time lies in an upgrade window, given by the user or found in the log.
    pub fn in_upgrade(&self, time: Time) -> bool {
        self.site.in_upgrade(time) || self.upgrades.iter().any(|found| found.contains(time))
    }

    /// Whether an upgrade window lies between two times of one log.
    pub fn upgraded_between(&self, earlier: Time, later: Time) -> bool {
        let told = &self.site.upgrades;
        told.iter().any(|window| window.is_between(earlier, later))
            || (self.upgrades.iter()).any(|found| earlier < found.from && found.to < later)
    }

    /// Whether the user or the log says which addresses are inside for a node.
    pub fn knows_inside(&self, node: u16) -> bool {
        let addressed = |node: &Node<'_>| !node.addresses.is_empty();
        !self.site.known.node_nets().is_empty() || self.nodes.get(&node).is_some_and(addressed)
    }

    /// Whether all peers of `group` are neighbours of its node whose frames came from a router that outsiders come
    /// through as well: so do packets with a forged address of the node's own subnet.
    pub fn is_forged(&self, group: &Group<'_>) -> bool {
        let own = self.nodes.get(&group.key.node);
        let own = own.map_or(&[][..], |node| &node.addresses);
        let routers = || self.routers().get(&group.key.node);
        group.key.zone == Zone::Inside
            && group.members.iter().all(|seen| {
                let neighbour = own.iter().any(|own| are_neighbours(*own, seen.key.peer));
                neighbour
                    && source_mac(seen)
                        .is_some_and(|mac| routers().is_some_and(|routers| routers.contains(&mac)))
            })
    }

    /// Returns the hardware addresses that frames of outsiders came from, by node.
    fn routers(&self) -> &BTreeMap<u16, BTreeSet<Mac>> {
        self.routers.get_or_init(|| {
            let outside = self.flows.iter(&self.marks).filter(|seen| {
                seen.key.kind == Kind::Plain
                    && zone(&self.zones, &self.nodes, &seen.key) == Zone::Outside
            });
            let mut routers: BTreeMap<u16, BTreeSet<Mac>> = BTreeMap::new();
            for seen in outside {
                if let Some(mac) = source_mac(&seen) {
                    routers.entry(seen.key.node).or_default().insert(mac);
                }
            }
            routers
        })
    }

    /// Returns the name of the cluster node that has `address`.
    pub fn node_of(&self, address: IpAddr) -> Option<&str> {
        let told = self.site.node_of(address);
        told.or_else(|| {
            let mut nodes = self.nodes.values();
            nodes
                .find(|node| node.addresses.contains(&address))
                .map(|node| node.name)
        })
    }
}

/// Returns the hardware address that the frame of a flow's earliest line came from.
fn source_mac(seen: &Seen<'_>) -> Option<Mac> {
    Link::parse(&seen.flow.detail.sample).ok()?.source()
}

/// Settles the directions of all flows, and finds the peers that scan. A peer that is `told` to be a node never scans.
fn settle(
    all: &[Seen<'_>],
    nodes: &BTreeMap<u16, Node<'_>>,
    zones: &Zones,
    told: impl Fn(IpAddr) -> bool,
) -> (Vec<Settled>, Scans) {
    let known = Known { nodes, zones };
    let mut settled = directions(all, &known);
    sweeps::mark(all, &mut settled, |seen| !known.is_inside(&seen.key));
    let scans = scanners(all, &settled, |node| known.role(node), told);
    (settled, scans)
}

/// Facts about the nodes that are known before any direction is settled.
struct Known<'a> {
    nodes: &'a BTreeMap<u16, Node<'a>>,
    zones: &'a Zones,
}

impl Nodes for Known<'_> {
    fn role(&self, node: u16) -> Role {
        self.nodes.get(&node).map_or_else(Role::default, |n| n.role)
    }

    fn is_own(&self, node: u16, address: IpAddr) -> bool {
        (self.nodes.get(&node)).is_some_and(|node| node.addresses.contains(&address))
    }

    fn is_inside(&self, key: &FlowKey) -> bool {
        zone(self.zones, self.nodes, key) != Zone::Outside
    }
}

/// Whether the running chain accepts all of a flow, and the log is older than that: then nobody was kept out.
fn is_allowed(seen: &Seen<'_>, nodes: &BTreeMap<u16, Node<'_>>, site: &Site) -> bool {
    let known = (seen.flow.detail.outcomes.as_ref()).zip(nodes.get(&seen.key.node));
    known.is_some_and(|(outcomes, node)| {
        let family = if seen.key.peer.is_ipv6() {
            Family::V6
        } else {
            Family::V4
        };
        let chains = site.in_force.of(node.name, node.role, family);
        chains.is_some_and(|chains| outcomes.already_allows(seen.flow.logged, chains.origin))
    })
}

/// Classifies the peer of a flow by the running chain of its node; only a peer outside the cluster is kept out on
/// purpose, and of peers that were folded only those of a network without any node.
fn peer_class(
    seen: &Seen<'_>,
    nodes: &BTreeMap<u16, Node<'_>>,
    site: &Site,
    zones: &Zones,
) -> PeerClass {
    let known = seen
        .flow
        .detail
        .outcomes
        .as_ref()
        .zip(nodes.get(&seen.key.node));
    let class = known.and_then(|(outcomes, node)| {
        let family = if seen.key.peer.is_ipv6() {
            Family::V6
        } else {
            Family::V4
        };
        let chains = site.in_force.of(node.name, node.role, family)?;
        Some(outcomes.peer_class(seen.flow.logged, chains.origin))
    });
    let may_be_node = || {
        if seen.flow.folded != Folded::Peers {
            return zones.is_cluster_node(seen.key.peer);
        }
        let own = nodes.get(&seen.key.node).map_or(&[][..], |n| &n.addresses);
        zones.may_have_node(folded_network(seen.key.peer), own)
    };
    match class.unwrap_or_default() {
        PeerClass::Narrowed if may_be_node() => PeerClass::Else,
        class => class,
    }
}

/// Returns the key of the finding that a flow belongs to.
fn group_key(
    seen: &Seen<'_>,
    settled: Settled,
    (zone, class): (Zone, PeerClass),
    scans: Option<&Scans>,
) -> GroupKey {
    let key = seen.key;
    let group = GroupKey {
        node: key.node,
        v6: key.peer.is_ipv6(),
        proto: key.proto,
        kind: settled.kind,
        direction: settled.direction,
        ports: settled.ports,
        zone,
        scanner: None,
        class,
    };
    if scans
        .and_then(|scans| scans.get(&key.peer))
        .is_some_and(|scan| scan.takes(seen, &settled))
    {
        let has_ports = matches!(key.proto, Some(proto::TCP | proto::UDP));
        return GroupKey {
            // A scan of protocols without ports is one finding.
            proto: key.proto.filter(|_| has_ports),
            kind: Kind::Plain,
            direction: Direction::Original,
            ports: Ports::None,
            scanner: Some(key.peer),
            class: PeerClass::Else,
            ..group
        };
    }
    if settled.swept {
        return GroupKey {
            kind: Kind::Plain,
            ports: Ports::None,
            ..group
        };
    }
    group
}

/// Returns the distinct `keys` of all flows, in order, each with the indices of its flows.
fn groups(keys: impl Iterator<Item = GroupKey>) -> Vec<(GroupKey, Vec<u32>)> {
    let mut groups: HashMap<GroupKey, Vec<u32>, RandomState> = HashMap::default();
    for (place, key) in (0..).zip(keys) {
        groups.entry(key).or_default().push(place);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_unstable_by_key(|(key, _)| *key);
    groups
}

/// Returns the zone of a flow's peer.
fn zone(zones: &Zones, nodes: &BTreeMap<u16, Node<'_>>, key: &FlowKey) -> Zone {
    let own = nodes.get(&key.node).map_or(&[][..], |n| &n.addresses);
    zones.of(key.peer, own)
}

/// Creates a node; the times of saturation are filled in later.
fn node<'a>(name: &'a str, seen: &NodeEvidence, site: &Site) -> Node<'a> {
    let own = site.known.names().resolve(name);
    let is_own = |node: &str| node == name || node == own;
    let told = (site.known.addresses().iter()).filter(|(_, node)| is_own(&node.value));
    let mut addresses: Vec<IpAddr> = told.map(|(address, _)| *address).collect();
    addresses.extend(&seen.addresses);
    addresses.sort_unstable();
    addresses.dedup();
    let nets: BTreeSet<IpNet> = addresses.iter().map(|own| neighbourhood(*own)).collect();
    Node {
        name,
        role: site.role(name),
        addresses,
        nets: nets.into_iter().collect(),
        logged: seen.logged,
        is_several: false,
        saturated: None,
        saturated_by_family: Default::default(),
    }
}

/// Whether addresses to which lines without a node's name went are those of several nodes: one has its own and the virtual
/// one of the cluster in a network.
fn are_of_several(addresses: &[IpAddr]) -> bool {
    (addresses.windows(3)).any(|three| are_neighbours(three[0], three[2]))
}

/// Saturated stretches of a node, and those of IPv4 and of IPv6.
type Saturation = (Option<Vec<Stretch>>, [Vec<Stretch>; 2]);

/// Returns the saturated stretches of both families together, and of each; `None` where there are none, and the lines of a
/// family cannot be judged.
fn saturated_stretches(ticks: &[Vec<saturation::Tick>; 2], site: &Site) -> Saturation {
    let judge = |ticks: &Vec<saturation::Tick>| {
        if ticks.is_sorted() {
            return saturation::judge(ticks, site.limit);
        }
        // Most logs are in order, or nearly so: a stable sort merges sorted stretches in one pass.
        let mut sorted = ticks.clone();
        sorted.sort();
        saturation::judge(&sorted, site.limit)
    };
    let judged = [0, 1].map(|family| Some(&ticks[family]).filter(|t| !t.is_empty()).map(judge));
    let with_lines = || judged.iter().flatten();
    let is_unknown = with_lines().any(Option::is_none);
    let by_family = judged.map(|judged| judged.flatten().unwrap_or_default());
    let all = saturation::union(by_family.concat());
    (
        Some(all).filter(|all| !is_unknown || !all.is_empty()),
        by_family,
    )
}
