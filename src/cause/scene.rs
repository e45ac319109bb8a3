//! What surrounds a flow: all flows of the log put in order, so that one function can judge each.
//!
//! Comes in: [`Flows`] and the [`Site`]. Goes out: [`Group`]s, the flows that share a finding, with direction and zone
//! settled by the whole log, and the peers that scan.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::directions::directions;
use super::group::{Group, GroupKey};
use super::restarts::{Restart, Wave, restarts};
use super::scanners::{Scans, can_scan, scanners};
use crate::beside::{WORTH_A_THREAD, beside};
use crate::catalog::Role;
use crate::flow::{
    Direction, FlowKey, Flows, Folded, Kind, MarksByFlow, NodeEvidence, Ports, Seen,
};
use crate::saturation::{self, Stretch};
use crate::site::{Site, Zone, Zones};
use crate::time::Time;

/// A node, as the log and the user tell of it.
#[derive(Debug)]
pub struct Node<'a> {
    pub name: &'a str,
    pub role: Role,
    pub addresses: Vec<IpAddr>,
    pub logged: u64,
    /// When the LOG rule's bucket stood empty; `None` where that cannot be told.
    pub saturated: Option<Vec<Stretch>>,
}

/// The scene.
pub struct Scene<'a> {
    pub site: &'a Site,
    pub zones: Zones,
    pub nodes: BTreeMap<u16, Node<'a>>,
    pub scans: Scans,
    /// Services whose connections with several nodes were torn down, by service and time.
    pub restarts: Vec<Restart>,
    waves: Vec<Wave>,
    /// The first and the last time of the log; live, the last is now.
    pub span: Option<(Time, Time)>,
    flows: &'a Flows,
    marks: MarksByFlow,
    /// What flows have in common, and the places of those flows, in the order of the keys.
    groups: Vec<(GroupKey, Vec<u32>)>,
}

impl<'a> Scene<'a> {
    /// The scene of `flows`. `now` is the end of a live log.
    pub fn new(flows: &'a Flows, site: &'a Site, now: Option<Time>) -> Self {
        let mut nodes: BTreeMap<u16, Node<'a>> = flows
            .nodes()
            .map(|(number, seen)| (number, node(flows.node_name(number), seen, site)))
            .collect();
        let cluster = nodes.values().flat_map(|n| n.addresses.iter().copied());
        let zones = Zones::new(site, cluster.collect());
        let marks = flows.marks();
        let all: Vec<Seen<'_>> = flows.iter(&marks).collect();
        let directions = directions(&all, |key| zone(&zones, &nodes, key) != Zone::Outside);
        let group = || {
            let scans = scanners(&all, &directions, |peer| zones.is_cluster_node(peer));
            let key = |seen: &Seen<'_>, settled: &(Direction, Ports)| {
                group_key(seen, *settled, zone(&zones, &nodes, &seen.key), &scans)
            };
            let groups = groups(
                all.iter()
                    .zip(&directions)
                    .map(|(seen, settled)| key(seen, settled)),
            );
            (scans, groups)
        };
        let saturate = || -> Vec<Option<Vec<Stretch>>> {
            let ticks = flows.nodes().map(|(_, seen)| &seen.ticks);
            ticks
                .map(|ticks| saturated_stretches(ticks, site))
                .collect()
        };
        let ((scans, groups), ((restarts, waves), saturated)) =
            beside(all.len() >= WORTH_A_THREAD, group, || {
                (restarts(&all, &directions), saturate())
            });
        for (node, saturated) in nodes.values_mut().zip(saturated) {
            node.saturated = saturated;
        }
        Self {
            site,
            zones,
            nodes,
            scans,
            restarts,
            waves,
            span: flows
                .span()
                .map(|(first, last)| (first, now.map_or(last, |now| now.max(last)))),
            flows,
            marks,
            groups,
        }
    }

    /// The groups, in the order of their keys, as [`Self::group`] takes them.
    pub fn groups(&self) -> &[(GroupKey, Vec<u32>)] {
        &self.groups
    }

    /// What the flows of a group add up to.
    pub fn group(&self, (key, places): &(GroupKey, Vec<u32>)) -> Option<Group<'_>> {
        let node = self.nodes.get(&key.node)?;
        let members = places.iter();
        let members = members.filter_map(|place| self.flows.seen(*place as usize, &self.marks));
        Some(Group::new(*key, node.name, node.role, members.collect()))
    }

    /// How long the log was quiet after `last` on a node, in microseconds: the time before its last start, and between
    /// logs, shows nothing.
    pub fn quiet(&self, node: &str, last: Time) -> i64 {
        let Some((_, end)) = self.span else {
            return 0;
        };
        let from = self
            .flows
            .last_boot(node)
            .map_or(last, |boot| boot.max(last));
        let told = self.flows.span().map_or(end, |(_, told)| told);
        // Live, the time since the last line counts as well: the log is open.
        self.flows.covered(from, told) + end.since(told.max(from)).max(0)
    }

    /// The name of the interface with a number.
    pub fn interface(&self, number: u16) -> &'a str {
        self.flows.interface_name(number)
    }

    /// Waves of restarts that no upgrade window holds yet.
    pub fn suggested_upgrades(&self) -> impl Iterator<Item = &Wave> {
        let held = |wave: &&Wave| self.site.in_upgrade(wave.from) && self.site.in_upgrade(wave.to);
        self.waves.iter().filter(move |wave| !held(wave))
    }

    /// The name of the cluster node that has `address`.
    pub fn node_of(&self, address: IpAddr) -> Option<&str> {
        let told = self.site.addresses.get(&address).map(String::as_str);
        told.or_else(|| {
            let mut nodes = self.nodes.values();
            nodes
                .find(|node| node.addresses.contains(&address))
                .map(|node| node.name)
        })
    }
}

/// What a flow has in common with others of its finding.
fn group_key(
    seen: &Seen<'_>,
    (direction, ports): (Direction, Ports),
    zone: Zone,
    scans: &Scans,
) -> GroupKey {
    let key = seen.key;
    let mut group = GroupKey {
        node: key.node,
        v6: key.peer.is_ipv6(),
        proto: key.proto,
        kind: key.kind,
        direction: if matches!(key.kind, Kind::Truncated | Kind::Fragment) {
            Direction::Unknown
        } else {
            direction
        },
        ports,
        zone,
        scanner: None,
    };
    if (can_scan(&key, direction) || seen.flow.folded == Folded::Ports)
        && scans.contains_key(&key.peer)
    {
        group.kind = Kind::Plain;
        group.direction = Direction::Original;
        group.ports = Ports::None;
        group.scanner = Some(key.peer);
    }
    group
}

/// The distinct ones of the `keys` of all flows, in order, each with the places of its flows.
fn groups(keys: impl Iterator<Item = GroupKey>) -> Vec<(GroupKey, Vec<u32>)> {
    let mut groups: HashMap<GroupKey, Vec<u32>, RandomState> = HashMap::default();
    for (place, key) in (0..).zip(keys) {
        groups.entry(key).or_default().push(place);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_unstable_by_key(|(key, _)| *key);
    groups
}

/// The zone of a flow's peer.
fn zone(zones: &Zones, nodes: &BTreeMap<u16, Node<'_>>, key: &FlowKey) -> Zone {
    let own = nodes.get(&key.node).map_or(&[][..], |n| &n.addresses);
    zones.of(key.peer, own)
}

/// A node, but for when its LOG rule was saturated.
fn node<'a>(name: &'a str, seen: &NodeEvidence, site: &Site) -> Node<'a> {
    let told = site
        .addresses
        .iter()
        .filter(|(_, node)| node.as_str() == name);
    let mut addresses: Vec<IpAddr> = told.map(|(address, _)| *address).collect();
    addresses.extend(&seen.addresses);
    addresses.sort_unstable();
    addresses.dedup();
    Node {
        name,
        role: site.role(name),
        addresses,
        logged: seen.logged,
        saturated: None,
    }
}

/// The stretches of all families that can be judged; `None` where none of those with lines can.
fn saturated_stretches(ticks: &[Vec<saturation::Tick>; 2], site: &Site) -> Option<Vec<Stretch>> {
    let judged: Vec<Option<Vec<Stretch>>> = ticks
        .iter()
        .filter(|ticks| !ticks.is_empty())
        .map(|ticks| {
            if ticks.is_sorted() {
                return saturation::judge(ticks, site.limit);
            }
            // Most logs are in order, or nearly so: what is merges in one pass.
            let mut sorted = ticks.clone();
            sorted.sort();
            saturation::judge(&sorted, site.limit)
        })
        .collect();
    if !judged.is_empty() && judged.iter().all(Option::is_none) {
        return None;
    }
    Some(saturation::union(
        judged.into_iter().flatten().flatten().collect(),
    ))
}
