//! What surrounds a flow: all flows of the log put in order, so that one function can judge each.
//!
//! Comes in: [`Flows`] and the [`Site`]. Goes out: [`Group`]s, the flows that share a finding, with direction and zone
//! settled by the whole log, and the peers that scan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::group::{Group, GroupKey};
use super::restarts::{Restart, Wave, restarts, waves};
use crate::catalog::{Role, Strength, listed};
use crate::flow::{Direction, EPHEMERAL, FlowKey, Flows, Folded, Kind, MarksByFlow, Ports, Seen};
use crate::packet::proto;
use crate::saturation::{self, Stretch};
use crate::site::{Site, Zone, Zones};
use crate::time::{MINUTE, Time};

/// So many distinct ports make a scan.
pub const SCAN_PORTS: usize = 5;
/// Within so many microseconds.
pub const SCAN_WINDOW: i64 = 5 * MINUTE;
/// So many flows that share one port and differ in the other tell which is the service's.
const SHARING_FLOWS: usize = 3;
/// Ports below this one are those of services: only root may listen there.
const PRIVILEGED: u16 = 1024;

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

/// A peer that scans.
#[derive(Debug)]
pub struct Scan {
    /// The distinct (protocol, port) that it tried and that no list names.
    pub ports: usize,
    /// Whether it tried more, which are not told apart.
    pub more: bool,
    /// On how many nodes.
    pub nodes: usize,
    /// The most of them within [`SCAN_WINDOW`].
    pub at_once: usize,
}

/// The scene.
pub struct Scene<'a> {
    pub site: &'a Site,
    pub zones: Zones,
    pub nodes: BTreeMap<u16, Node<'a>>,
    pub scans: BTreeMap<IpAddr, Scan>,
    /// Services whose connections were torn down, in the order of time.
    pub restarts: Vec<Restart>,
    /// The first and the last time of the log; live, the last is now.
    pub span: Option<(Time, Time)>,
    flows: &'a Flows,
    marks: MarksByFlow,
    directions: Directions,
}

impl<'a> Scene<'a> {
    /// The scene of `flows`. `now` is the end of a live log.
    pub fn new(flows: &'a Flows, site: &'a Site, now: Option<Time>) -> Self {
        let nodes: BTreeMap<u16, Node<'a>> = flows
            .nodes()
            .map(|(number, _)| (number, node(flows, site, number)))
            .collect();
        let cluster = nodes.values().flat_map(|n| n.addresses.iter().copied());
        let zones = Zones::new(site, cluster.collect());
        let marks = flows.marks();
        let directions = Directions::of(flows.iter(&marks));
        let mut scene = Self {
            site,
            zones,
            nodes,
            scans: BTreeMap::new(),
            restarts: Vec::new(),
            span: flows
                .span()
                .map(|(first, last)| (first, now.map_or(last, |now| now.max(last)))),
            flows,
            marks,
            directions,
        };
        scene.scans = scene.find_scans();
        scene.restarts = scene.find_restarts();
        scene
    }

    /// The groups, in the order of their keys.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: HashMap<GroupKey, Vec<Seen<'_>>> = HashMap::new();
        for seen in self.flows() {
            groups.entry(self.group_key(&seen)).or_default().push(seen);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        groups
            .into_iter()
            .filter_map(|(key, mut members)| {
                members.sort_unstable_by_key(|seen| seen.key);
                let node = self.nodes.get(&key.node)?;
                Some(Group::new(key, node.name, node.role, members))
            })
            .collect()
    }

    /// All flows.
    fn flows(&self) -> impl Iterator<Item = Seen<'_>> {
        self.flows.iter(&self.marks)
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

    /// The name of the interface that a flow came in by.
    pub fn interface(&self, key: &FlowKey) -> &'a str {
        self.flows.interface_name(key.interface)
    }

    /// The zone of a flow's peer.
    fn zone(&self, key: &FlowKey) -> Zone {
        let own = self.nodes.get(&key.node).map_or(&[][..], |n| &n.addresses);
        self.zones.of(key.peer, own)
    }

    /// Direction and ports of a flow, settled by the whole log.
    fn direct(&self, key: &FlowKey) -> (Direction, Ports) {
        match key.ports {
            Ports::None => (Direction::Original, Ports::None),
            Ports::Service { reply: false, .. } => (Direction::Original, key.ports),
            Ports::Service { reply: true, .. } => (Direction::Reply, key.ports),
            Ports::Pair { spt, dpt } => {
                let inside = || self.zone(key) != Zone::Outside;
                match self.directions.settle(key, spt, dpt, inside) {
                    Direction::Original => (
                        Direction::Original,
                        Ports::Service {
                            port: dpt,
                            reply: false,
                        },
                    ),
                    Direction::Reply => (
                        Direction::Reply,
                        Ports::Service {
                            port: spt,
                            reply: true,
                        },
                    ),
                    Direction::Unknown => (
                        Direction::Unknown,
                        Ports::Pair {
                            spt: spt.min(dpt),
                            dpt: spt.max(dpt),
                        },
                    ),
                }
            }
        }
    }

    fn group_key(&self, seen: &Seen<'_>) -> GroupKey {
        let key = &seen.key;
        let (direction, ports) = self.direct(key);
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
            zone: self.zone(key),
            scanner: None,
        };
        if self.scans.contains_key(&key.peer)
            && (can_scan(key, direction) || seen.flow.folded == Folded::Ports)
        {
            group.kind = Kind::Plain;
            group.direction = Direction::Original;
            group.ports = Ports::None;
            group.scanner = Some(key.peer);
        }
        group
    }

    fn find_restarts(&self) -> Vec<Restart> {
        let replies = self.flows().filter_map(|seen| {
            let ended = seen.key.kind == Kind::Plain && seen.marks.iter().any(|mark| mark.teardown);
            match self.direct(&seen.key) {
                (Direction::Reply, Ports::Service { port, .. }) if ended => Some((seen, port)),
                _ => None,
            }
        });
        restarts(replies.flat_map(|(seen, port)| {
            let ends = seen.marks.iter();
            let ends = ends.filter(|mark| mark.teardown && mark.time.is_dated());
            ends.map(move |mark| (seen.key.peer, port, mark.time, seen.key.node))
        }))
    }

    /// Waves of restarts that no upgrade window holds yet.
    pub fn suggested_upgrades(&self) -> Vec<Wave> {
        let mut waves = waves(&self.restarts);
        waves.retain(|wave| !self.site.in_upgrade(wave.from) || !self.site.in_upgrade(wave.to));
        waves
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

    fn find_scans(&self) -> BTreeMap<IpAddr, Scan> {
        let mut tried: BTreeMap<IpAddr, Vec<(Seen<'_>, u16)>> = BTreeMap::new();
        let mut more = BTreeSet::new();
        for seen in self.flows() {
            let (key, flow) = (&seen.key, seen.flow);
            if flow.folded == Folded::Ports {
                more.insert(key.peer);
            }
            let Some(dpt) = destination(key) else {
                continue;
            };
            let number = key.proto.unwrap_or_default();
            if flow.folded == Folded::Peers || !listed(Role::default(), number, dpt).unlisted {
                continue;
            }
            if can_scan(key, self.direct(key).0) && !self.zones.is_cluster_node(key.peer) {
                tried.entry(key.peer).or_default().push((seen, dpt));
            }
        }
        tried
            .into_iter()
            .filter_map(|(peer, tried)| {
                let ports: BTreeSet<_> = tried
                    .iter()
                    .map(|(seen, dpt)| (seen.key.proto, *dpt))
                    .collect();
                if ports.len() < SCAN_PORTS {
                    return None;
                }
                let at_once = most_at_once(&tried);
                let nodes: BTreeSet<_> = tried.iter().map(|(seen, _)| seen.key.node).collect();
                (at_once >= SCAN_PORTS).then_some((
                    peer,
                    Scan {
                        ports: ports.len(),
                        more: more.contains(&peer),
                        nodes: nodes.len(),
                        at_once,
                    },
                ))
            })
            .collect()
    }
}

fn node<'a>(flows: &'a Flows, site: &Site, number: u16) -> Node<'a> {
    let name = flows.node_name(number);
    let told = site
        .addresses
        .iter()
        .filter(|(_, node)| node.as_str() == name);
    let mut addresses: Vec<IpAddr> = told.map(|(address, _)| *address).collect();
    let mut logged = 0;
    let mut saturated = Some(Vec::new());
    for (_, seen) in flows.nodes().filter(|(n, _)| *n == number) {
        logged = seen.logged;
        addresses.extend(&seen.addresses);
        saturated = saturated_stretches(&seen.ticks, site);
    }
    addresses.sort_unstable();
    addresses.dedup();
    Node {
        name,
        role: site.role(name),
        addresses,
        logged,
        saturated,
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

/// Whether a flow of this direction can belong to a scan.
fn can_scan(key: &FlowKey, direction: Direction) -> bool {
    matches!(key.kind, Kind::Plain | Kind::BogusFlags)
        && direction != Direction::Reply
        && key.ports != Ports::None
}

/// The port on this node that a flow goes to, if it does.
fn destination(key: &FlowKey) -> Option<u16> {
    match key.ports {
        Ports::Service { port, reply: false } => Some(port),
        Ports::Pair { dpt, .. } => Some(dpt),
        _ => None,
    }
}

/// The most distinct ports that were tried within [`SCAN_WINDOW`].
fn most_at_once(tried: &[(Seen<'_>, u16)]) -> usize {
    let mut events: Vec<(Time, Option<u8>, u16)> = tried
        .iter()
        .flat_map(|(seen, dpt)| seen.marks.iter().map(|m| (m.time, seen.key.proto, *dpt)))
        .collect();
    events.sort_unstable();
    let mut inside: HashMap<(Option<u8>, u16), usize> = HashMap::new();
    let (mut from, mut most) = (0, 0);
    for &(time, number, dpt) in &events {
        *inside.entry((number, dpt)).or_default() += 1;
        while time.since(events[from].0) > SCAN_WINDOW {
            let (_, number, dpt) = events[from];
            if let Some(lines) = inside.get_mut(&(number, dpt)) {
                *lines -= 1;
                if *lines == 0 {
                    inside.remove(&(number, dpt));
                }
            }
            from += 1;
        }
        most = most.max(inside.len());
    }
    most
}

/// A port of a node: node, protocol and DPT.
type NodePort = (u16, Option<u8>, u16);
/// A port of a peer, as a node sees it: node, protocol, peer and SPT.
type PeerPort = (u16, Option<u8>, IpAddr, u16);

/// What the whole log tells of the direction of single flows.
struct Directions {
    /// Ports that a SYN was seen to.
    opened: HashSet<NodePort>,
    /// The SPTs seen to a port, with their peers.
    to: HashMap<NodePort, HashSet<(IpAddr, u16)>>,
    /// The DPTs above [`EPHEMERAL`] seen from a peer's port.
    from: HashMap<PeerPort, HashSet<u16>>,
}

impl Directions {
    fn of<'a>(flows: impl Iterator<Item = Seen<'a>>) -> Self {
        let mut found = Self {
            opened: HashSet::new(),
            to: HashMap::new(),
            from: HashMap::new(),
        };
        for seen in flows.filter(|seen| seen.key.kind == Kind::Plain) {
            let key = &seen.key;
            match key.ports {
                Ports::Service { port, reply: false } => {
                    if seen.flow.lines_with(|flags| flags.is_syn()) > 0 {
                        found.opened.insert((key.node, key.proto, port));
                    }
                    let to = found.to.entry((key.node, key.proto, port)).or_default();
                    // Three tell all that is asked of them.
                    to.extend(
                        seen.marks
                            .iter()
                            .map(|m| (key.peer, m.port))
                            .take(SHARING_FLOWS),
                    );
                }
                Ports::Pair { spt, dpt } => {
                    let to = found.to.entry((key.node, key.proto, dpt)).or_default();
                    to.insert((key.peer, spt));
                    if dpt > EPHEMERAL {
                        let from = found.from.entry((key.node, key.proto, key.peer, spt));
                        from.or_default().insert(dpt);
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The direction of a packet whose two ports do not tell it.
    fn settle(&self, key: &FlowKey, spt: u16, dpt: u16, inside: impl Fn() -> bool) -> Direction {
        let number = key.proto.unwrap_or_default();
        let to = self.to.get(&(key.node, key.proto, dpt));
        let opened = self.opened.contains(&(key.node, key.proto, dpt));
        // What weighs here is the same for all roles.
        let role = Role::default();
        let (weight_spt, weight_dpt) =
            (listed(role, number, spt).spt, listed(role, number, dpt).dpt);
        if number == proto::TCP && weight_spt != Strength::No && weight_spt == weight_dpt {
            let second_spt = to.is_some_and(|to| to.iter().any(|(_, other)| *other != spt));
            return if opened || second_spt {
                Direction::Original
            } else {
                Direction::Unknown
            };
        }
        if opened {
            return Direction::Original;
        }
        let sharing_dpt = to.map_or(0, HashSet::len);
        let sharing_spt = if inside() {
            let from = self.from.get(&(key.node, key.proto, key.peer, spt));
            from.filter(|_| dpt > EPHEMERAL).map_or(0, HashSet::len)
        } else {
            0
        };
        if sharing_dpt.max(sharing_spt) >= SHARING_FLOWS && sharing_dpt != sharing_spt {
            return if sharing_dpt > sharing_spt {
                Direction::Original
            } else {
                Direction::Reply
            };
        }
        match (spt < PRIVILEGED, dpt < PRIVILEGED) {
            (true, false) => return Direction::Reply,
            (false, true) => return Direction::Original,
            _ => {}
        }
        if weight_spt == Strength::NodePort && weight_dpt == Strength::No {
            return Direction::Reply;
        }
        Direction::Unknown
    }
}
