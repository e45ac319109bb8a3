//! Collects drop lines into flows, inside fixed bounds.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::map::IndexMap;
use smallvec::SmallVec;

use super::evidence::NodeEvidence;
use super::lifeline::Lifeline;
use super::marks::{MAX_OF_A_FLOW, Marks, MarksByFlow};
use super::names::Names;
use super::outcomes::Texts;
use super::quota::Quota;
use super::sum::count;
use super::{Flow, FlowKey, Mark, Ports, Seen, classify};
use crate::catalog::Role;
use crate::chain::{Family, Question};
use crate::input::event::DropLine;
use crate::packet::{Hook, PacketSummary, PktType, TcpFlags, proto};
use crate::site::Site;
use crate::time::Time;

/// Upper bound on the lines kept for the timelines of all nodes.
pub(super) const MAX_TICKS_IN_ALL: usize = 1 << 19;
/// Upper bound on the hosts without a drop line that are kept.
pub(super) const MAX_OTHERS: usize = 1_024;
/// Name of the node for lines that name none.
pub const UNKNOWN: &str = "unknown";

/// Flows in the order in which they began: contiguous in memory, each with an index. The hash is seeded at random in
/// each run, so that no sender can choose addresses that collide.
pub(super) type Table = IndexMap<FlowKey, Flow, foldhash::fast::RandomState>;

/// A drop line that counts.
#[derive(Clone, Copy)]
pub struct CountedDrop<'a> {
    pub drop: &'a DropLine<'a>,
    pub packet: &'a PacketSummary<'a>,
    /// Number of lines that it stands for.
    pub lines: u32,
}

/// Number of drop lines that are counted together.
pub(super) const BATCH: usize = 64;

/// Contribution of a drop line to its flow.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) key: FlowKey,
    /// Hash of the key.
    pub(super) hash: u64,
    pub(super) role: Role,
    /// The port that is not in the key.
    other_port: u16,
    cast: PktType,
    /// Whether its destination is one station, as far as the frame shows.
    is_station: bool,
}

/// Flows of a log.
#[derive(Debug, Clone, Default)]
pub struct Flows {
    pub(super) nodes: Names,
    pub(super) interfaces: Names,
    pub(super) flows: Table,
    /// Evidence by the numbers of the nodes.
    pub(super) evidence: Vec<NodeEvidence>,
    pub(super) marks: Marks,
    pub(super) ticks: usize,
    pub(super) quota: Quota,
    /// The first and the last time that any line of the log had.
    pub(super) span: Option<(Time, Time)>,
    /// The span of the lines of the log being read that name no host.
    pub(super) hostless: Option<(Time, Time)>,
    /// Times covered by the logs of hosts without a drop line.
    pub(super) others: BTreeMap<String, Lifeline>,
    /// What chains say of many flows.
    pub(super) texts: Texts,
    /// Drop lines.
    pub(super) logged: u64,
    /// Number of drop lines whose peer or port was folded.
    pub(super) folded: u64,
}

impl Flows {
    /// Adds a drop line that stands for `lines` lines.
    pub fn add(
        &mut self,
        site: &Site,
        drop: &DropLine<'_>,
        packet: &PacketSummary<'_>,
        lines: u32,
    ) {
        self.add_all(
            site,
            &[CountedDrop {
                drop,
                packet,
                lines,
            }],
        );
    }

    /// Adds drop lines.
    pub fn add_all(&mut self, site: &Site, drops: &[CountedDrop<'_>]) {
        for drops in drops.chunks(BATCH) {
            let lines: SmallVec<[Line; BATCH]> =
                drops.iter().map(|drop| self.notice(site, drop)).collect();
            let places = self.places(drops, &lines);
            for ((drop, line), place) in drops.iter().zip(&lines).zip(places) {
                self.count(drop, line, place);
                if !site.in_force.is_empty() {
                    self.judge(site, drop, line, place);
                }
            }
        }
    }

    /// Adds what the chains in force do with a drop line to its flow.
    fn judge(&mut self, site: &Site, drop: &CountedDrop<'_>, line: &Line, place: usize) {
        let name = self.nodes.name(line.key.node);
        let Some(chains) = (site.in_force).of(name, line.role, Family::of(drop.packet)) else {
            return;
        };
        let outcomes = &mut self.flows[place].detail.outcomes;
        let outcomes = Arc::make_mut(outcomes.get_or_insert_default());
        let message = String::from_utf8_lossy(drop.drop.message);
        let judged = chains.judge(Question::dropped(*drop.packet), &message);
        let lines = u64::from(drop.lines);
        outcomes.add(judged, drop.drop.time, lines, &mut self.texts);
    }

    /// Adds a drop line to the evidence of its node, and returns its contribution to a flow.
    #[inline(always)]
    fn notice(&mut self, site: &Site, counted: &CountedDrop<'_>) -> Line {
        let CountedDrop {
            drop,
            packet,
            lines,
        } = *counted;
        let node = self.nodes.number(host(site, drop, packet));
        if usize::from(node) == self.evidence.len() {
            let name = self.nodes.name(node);
            let mut new = NodeEvidence::new(site.role(name));
            // The lines of the node before its first drop line.
            if let Some(life) = self.others.remove(name) {
                new.life = life;
            }
            self.evidence.push(new);
        }
        let seen = &mut self.evidence[usize::from(node)];
        self.logged += u64::from(lines);
        seen.logged += u64::from(lines);
        // The LOG rule of another hook has its own token bucket.
        if packet.hook == Hook::Input && self.ticks < MAX_TICKS_IN_ALL {
            self.ticks += usize::from(seen.tick(drop, packet));
        }
        let role = seen.role;
        if drop.time.is_known() {
            seen.life.note(drop.time, drop.monotonic);
            self.reaches(drop.time);
        }
        let changed = sent(site, packet);
        let packet = changed.as_ref().unwrap_or(packet);
        let (kind, ports) = classify(packet, role);
        let key = FlowKey {
            node,
            interface: self.interfaces.number(packet.interface),
            proto: packet.proto,
            kind,
            ports,
            peer: packet.src,
        };
        Line {
            key,
            hash: self.flows.hasher().hash_one(key),
            role,
            other_port: other_port(packet, ports),
            cast: packet.cast,
            is_station: packet.frame == PktType::Unicast || packet.proto == Some(proto::TCP),
        }
    }

    /// Learns an address of a node from a line. The neighbourhood of a node decides how lines are folded, so this is done line
    /// by line.
    #[inline]
    pub(super) fn meet(&mut self, packet: &PacketSummary<'_>, line: &Line) {
        // A loopback address is every machine's, and tells no node apart.
        let is_own = line.is_station && !packet.dst.is_loopback();
        if packet.hook == Hook::Input && line.cast == PktType::Unicast && is_own {
            self.evidence[usize::from(line.key.node)].meet(packet.dst);
        }
    }

    /// Adds what a drop line shows, but for the number of lines, to its flow, which is at `place`.
    #[inline]
    fn count(&mut self, counted: &CountedDrop<'_>, line: &Line, place: usize) {
        let CountedDrop {
            drop,
            packet,
            lines,
        } = *counted;
        let flow = &mut self.flows[place];
        if let Some(flags) = packet.flags {
            flow.count_flags(flags, u64::from(lines));
        }
        if let Some(icmp_type) = packet.icmp_type {
            count(&mut flow.detail.icmp_types, icmp_type, u64::from(lines));
        }
        let to_group = line.cast == PktType::Multicast && packet.proto == Some(proto::VRRP);
        if line.cast == PktType::Unicast && !line.is_station || to_group {
            flow.note_destination(packet.dst);
        }
        flow.date(drop.time, || drop.message);
        if flow.marks < MAX_OF_A_FLOW && self.marks.room() > 0 {
            flow.marks += 1;
            let flags = packet.flags.unwrap_or(TcpFlags::NONE);
            let mark = Mark {
                time: drop.time,
                port: line.other_port,
                opens: flags.is_syn(),
                teardown: flags.contains(TcpFlags::RST) || flags.contains(TcpFlags::FIN),
                data: packet.data || flags.contains(TcpFlags::PSH) || flags.contains(TcpFlags::FIN),
            };
            self.marks.push(place, mark);
        }
    }

    /// Records that the log of a host had a line at `time`, with its monotonic time if the form has one. A line without
    /// a host counts for the log's one node.
    pub fn alive(&mut self, host: Option<&str>, time: Time, monotonic: Option<i64>) {
        self.reaches(time);
        let Some(host) = host else {
            let (first, last) = self.hostless.unwrap_or((time, time));
            self.hostless = Some((first.min(time), last.max(time)));
            return;
        };
        let known = self.nodes.find(host).map(usize::from);
        if let Some(seen) = known.and_then(|number| self.evidence.get_mut(number)) {
            seen.life.note(time, monotonic);
        } else if self.others.contains_key(host) || self.others.len() < MAX_OTHERS {
            let life = self.others.entry(host.to_owned()).or_default();
            life.note(time, monotonic);
        }
    }

    /// Extends the span of the log to `time`.
    pub(super) fn reaches(&mut self, time: Time) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// Returns the span of the lines without a host if the log has one node; with several nodes they show nothing.
    fn hostless(&self) -> Option<(Time, Time)> {
        self.hostless.filter(|_| self.evidence.len() == 1)
    }

    /// Ends the current log: lines without a host count for its one node.
    pub(super) fn end_log(&mut self) {
        let whole = self.hostless();
        self.hostless = None;
        for seen in &mut self.evidence {
            seen.life.end(whole);
        }
        for life in self.others.values_mut() {
            life.end(None);
        }
    }

    /// Records that the machine `host` booted at `time`, which may be unknown. Without a host it is the log's one node.
    pub fn boot(&mut self, host: Option<&str>, time: Time) {
        let Some(host) = host else {
            if let [seen] = &mut self.evidence[..] {
                seen.life.end(self.hostless.take());
                seen.life.start(time);
            }
            return;
        };
        let known = self.nodes.find(host).map(usize::from);
        if let Some(seen) = known.and_then(|number| self.evidence.get_mut(number)) {
            seen.life.start(time);
        } else if self.others.contains_key(host) || self.others.len() < MAX_OTHERS {
            self.others.entry(host.to_owned()).or_default().start(time);
        }
    }

    /// Returns the microseconds for which the log of a node went on after its lines at `times`, of which `last` is the latest,
    /// and those after them that lie between two logs.
    pub fn quiet(&self, node: &str, last: Time, times: impl Iterator<Item = Time>) -> (i64, i64) {
        let number = self.nodes.find(node).map(usize::from);
        let seen = number.and_then(|number| self.evidence.get(number));
        let mut life = seen.map(|seen| seen.life.clone()).unwrap_or_default();
        life.end(self.hostless());
        if let Some(other) = self.others.get(node) {
            let mut other = other.clone();
            other.end(None);
            life.absorb(other);
        }
        (life.quiet(last, times), life.unlogged(last))
    }

    /// Returns the times at which a node started, in order, as many as are kept.
    pub fn starts(&self, node: &str) -> Vec<Time> {
        let number = self.nodes.find(node).map(usize::from);
        let seen = number.and_then(|number| self.evidence.get(number));
        let lives = seen.map(|seen| &seen.life).into_iter();
        let lives = lives.chain(self.others.get(node));
        let mut starts: Vec<Time> = lives.flat_map(Lifeline::starts).copied().collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// Returns the number of drop lines.
    pub const fn logged(&self) -> u64 {
        self.logged
    }

    /// Returns the number of drop lines that were folded into a network or a protocol because of the bounds.
    pub const fn folded(&self) -> u64 {
        self.folded
    }

    /// Returns the first and the last time of the log, of whatever line.
    pub const fn span(&self) -> Option<(Time, Time)> {
        self.span
    }

    /// Returns the lines one by one, for [`Self::iter`].
    pub fn marks(&self) -> MarksByFlow {
        self.marks.by_flow(self.flows.len())
    }

    /// Returns the flows, in the order in which they began, with their `marks`.
    pub fn iter<'a>(&'a self, marks: &'a MarksByFlow) -> impl Iterator<Item = Seen<'a>> {
        let flows = self.flows.iter().enumerate();
        flows.map(|(place, (key, flow))| Seen {
            key: *key,
            flow,
            marks: marks.of(place),
        })
    }

    /// Returns the flow at a place in that order.
    pub fn seen<'a>(&'a self, place: usize, marks: &'a MarksByFlow) -> Option<Seen<'a>> {
        let (key, flow) = self.flows.get_index(place)?;
        Some(Seen {
            key: *key,
            flow,
            marks: marks.of(place),
        })
    }

    /// Returns the number of flows.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Returns the cost of judging the flows, in flows: sorting a line takes about a sixteenth of judging a flow.
    pub fn cost(&self) -> usize {
        self.flows.len() + (self.marks.len() + self.ticks) / 16
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Returns the nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = (u16, &NodeEvidence)> {
        (0..).zip(&self.evidence)
    }

    /// Returns the name of a node.
    pub fn node_name(&self, number: u16) -> &str {
        self.nodes.name(number)
    }

    /// Returns the name of an interface.
    pub fn interface_name(&self, number: u16) -> &str {
        self.interfaces.name(number)
    }
}

/// Returns the name of the node of a drop line.
#[inline]
fn host<'a>(site: &'a Site, drop: &DropLine<'a>, packet: &PacketSummary<'_>) -> &'a str {
    drop.host.unwrap_or_else(|| {
        let own = match packet.hook {
            Hook::Input => site.node_of(packet.dst),
            Hook::Output => site.node_of(packet.src),
            Hook::Forward => None,
        };
        own.unwrap_or(UNKNOWN)
    })
}

/// Returns the packet with what is known of the networks around, where that changes it: the last address of a told node
/// network is that of everybody in it. Where none is told, the node's /24 has one that may be a station's in a wider network:
/// the frame counts as everybody's, so that other lines, or who told the address, settle it.
#[inline]
fn sent<'a>(site: &Site, packet: &PacketSummary<'a>) -> Option<PacketSummary<'a>> {
    let IpAddr::V4(dst) = packet.dst else {
        return None;
    };
    let nets = site.known.node_nets();
    let may_be = !nets.is_empty() || dst.octets()[3] == 255 && !packet.has_mac;
    if packet.cast != PktType::Unicast
        || !may_be
        || site.known.addresses().contains_key(&packet.dst)
    {
        return None;
    }
    let mut sent = *packet;
    let around = nets.iter().filter(|net| net.value.contains(&packet.dst));
    let mut around = around.map(|net| net.value).peekable();
    if around.peek().is_some() {
        // A network of one or two addresses has none for everybody (RFC 3021).
        if around.any(|net| net.prefix_len() < 31 && net.broadcast() == packet.dst) {
            sent.cast = PktType::Broadcast;
        }
    } else if nets.is_empty() {
        sent.frame = PktType::Broadcast;
    }
    Some(sent)
}

/// Returns the port of the packet that is not in its flow's key.
fn other_port(packet: &PacketSummary<'_>, ports: Ports) -> u16 {
    match ports {
        Ports::Service { reply: true, .. } => packet.dpt,
        Ports::Service { reply: false, .. } | Ports::Pair { .. } => packet.spt,
        Ports::None => None,
    }
    .unwrap_or_default()
}
