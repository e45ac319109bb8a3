//! Collects drop lines into flows, inside fixed bounds.

use std::collections::BTreeSet;
use std::hash::BuildHasher;

use indexmap::IndexMap;
use indexmap::map::raw_entry_v1::RawEntryApiV1;

use super::bounds::{Admitted, Room};
use super::evidence::NodeEvidence;
use super::key::Packed;
use super::marks::{MOST_OF_A_FLOW, Marks, MarksByFlow};
use super::names::Names;
use super::sum::count;
use super::{Flow, Folded, Mark, Ports, Seen, lane};
use crate::catalog::Role;
use crate::chain::Family;
use crate::hints::Lately;
use crate::input::Entry;
use crate::packet::{Brief, Cast, TcpFlags};
use crate::saturation::Stretch;
use crate::site::Site;
use crate::time::Time;

/// So many of all nodes.
pub(super) const MOST_TICKS_IN_ALL: usize = 1 << 19;
/// So many starts of machines are kept.
const MOST_BOOTS: usize = 1_024;
/// So many lines have their flows looked up at once.
const AT_ONCE: usize = 32;
/// The node of a line that tells none.
const UNKNOWN: &str = "unknown";

/// Flows in the order in which they began: they lie close together, and each has a place. The seed of the hash is another in
/// each run, so that nobody can choose addresses that share one.
pub(super) type Table = IndexMap<Packed, Flow, foldhash::fast::RandomState>;

/// What a drop line is to its flow.
#[derive(Clone, Copy)]
struct Line {
    key: Packed,
    node: u16,
    /// The port that is not in the key.
    other_port: u16,
    role: Role,
    lines: u64,
}

impl Line {
    const NONE: Self = Self {
        key: Packed::NONE,
        node: 0,
        other_port: 0,
        role: Role::ControlPlane,
        lines: 0,
    };
}

/// All flows of a log.
#[derive(Debug, Clone, Default)]
pub struct Flows {
    pub(super) nodes: Names,
    pub(super) interfaces: Names,
    pub(super) flows: Table,
    /// By the numbers of the nodes.
    pub(super) evidence: Vec<NodeEvidence>,
    pub(super) marks: Marks,
    pub(super) ticks: usize,
    pub(super) room: Room,
    /// The first and the last time that any line of the log had.
    pub(super) span: Option<(Time, Time)>,
    /// The spans of the logs that were added up, joined where they touch.
    pub(super) covered: Vec<Stretch>,
    /// When machines started: host and time.
    pub(super) boots: BTreeSet<(String, Time)>,
    /// Drop lines.
    pub(super) logged: u64,
    /// Drop lines whose peer or port was folded.
    pub(super) folded: u64,
}

impl Flows {
    /// Adds a drop line, which stands for so many `lines`.
    pub fn add(&mut self, site: &Site, entry: &Entry<'_>, packet: &Brief<'_>, lines: u32) {
        if entry.time.is_known() {
            self.alive(entry.time);
        }
        let node = self.nodes.number(host(site, entry, packet));
        let interface = self.interfaces.number(packet.interface);
        let line = self.notice(site, entry, packet, (node, interface), lines);
        let place = self.flows.get_index_of(&line.key);
        self.count(site, entry, packet, &line, place);
    }

    /// Adds drop lines whose packets were read.
    pub fn add_all(&mut self, site: &Site, entries: &[Entry<'_>]) {
        let known = || entries.iter().map(|e| e.time).filter(|t| t.is_known());
        if let (Some(first), Some(last)) = (known().min(), known().max()) {
            self.alive(first);
            self.alive(last);
        }
        let (mut nodes, mut interfaces) = (Lately::default(), Lately::default());
        for entries in entries.chunks(AT_ONCE) {
            let mut lines = [const { (Line::NONE, None) }; AT_ONCE];
            for (entry, (line, _)) in entries.iter().zip(&mut lines) {
                if let Some(packet) = &entry.packet {
                    let name = host(site, entry, packet);
                    let node = nodes.number(name, |name| self.nodes.number(name));
                    let find = |name: &str| self.interfaces.number(name);
                    let interface = interfaces.number(packet.interface, find);
                    *line = self.notice(site, entry, packet, (node, interface), entry.repeats);
                }
            }
            let lines = &mut lines[..entries.len()];
            self.look_up(lines);
            let known = self.flows.len();
            for (entry, (line, place)) in entries.iter().zip(lines) {
                let mut place = *place;
                if place.is_none() && self.flows.len() > known {
                    place = self.flows.get_index_of(&line.key);
                }
                if let Some(packet) = &entry.packet {
                    self.count(site, entry, packet, line, place);
                }
            }
        }
    }

    /// Finds the places of the flows that are known. Flows lie far from each other: where one step of a short loop does not
    /// wait for the one before, the processor fetches many at once.
    fn look_up(&self, lines: &mut [(Line, Option<usize>)]) {
        let table = &self.flows;
        for (line, place) in &mut *lines {
            let hash = table.hasher().hash_one(line.key);
            // The first whose hash is like it, unseen.
            *place = table.raw_entry_v1().index_from_hash(hash, |_| true);
        }
        for (line, place) in lines {
            if let Some((key, flow)) = place.and_then(|place| table.get_index(place)) {
                // What is counted in it lies beside the key.
                std::hint::black_box(flow.logged);
                if *key != line.key {
                    *place = table.get_index_of(&line.key);
                }
            }
        }
    }

    /// Notes what a drop line tells of its node, and what flow it is of.
    #[inline(always)]
    fn notice(
        &mut self,
        site: &Site,
        entry: &Entry<'_>,
        packet: &Brief<'_>,
        (node, interface): (u16, u16),
        lines: u32,
    ) -> Line {
        if usize::from(node) == self.evidence.len() {
            self.evidence
                .push(NodeEvidence::new(site.role(self.nodes.name(node))));
        }
        let seen = &mut self.evidence[usize::from(node)];
        let lines = u64::from(lines);
        self.logged += lines;
        seen.logged += lines;
        if self.ticks < MOST_TICKS_IN_ALL {
            self.ticks += usize::from(seen.tick(entry, packet));
        }
        let role = seen.role;
        let lane = lane(packet, role);
        Line {
            key: Packed::of(node, interface, packet.proto, lane, &packet.src),
            node,
            other_port: other_port(packet, lane.1),
            role,
            lines,
        }
    }

    /// Counts a drop line in its flow, which has a `place` if it is known.
    #[inline]
    fn count(
        &mut self,
        site: &Site,
        entry: &Entry<'_>,
        packet: &Brief<'_>,
        line: &Line,
        place: Option<usize>,
    ) {
        let seen = &mut self.evidence[usize::from(line.node)];
        // What is near a node decides how lines are folded, so that it is learned line by line.
        if packet.cast == Cast::Unicast {
            seen.meet(packet.dst);
        }
        let place = match place {
            Some(place) => place,
            None => self.begin(line, entry),
        };
        let flow = &mut self.flows[place];
        flow.logged += line.lines;
        if let Some(flags) = packet.flags {
            flow.count_flags(flags, line.lines);
        }
        if let Some(icmp_type) = packet.icmp_type {
            count(&mut flow.detail.icmp_types, icmp_type, line.lines);
        }
        flow.date(entry.time, entry.message);
        if !site.in_force.is_empty() {
            let name = self.nodes.name(line.node);
            if let Some(chains) = (site.in_force).of(name, line.role, Family::of(packet)) {
                let fates = flow.detail.fates.get_or_insert_default();
                fates.add(chains.judge(packet), line.lines);
            }
        }
        if flow.marks < MOST_OF_A_FLOW && self.marks.room() > 0 {
            flow.marks += 1;
            let flags = packet.flags.unwrap_or(TcpFlags::NONE);
            let mark = Mark {
                time: entry.time,
                port: line.other_port,
                opens: flags.is_syn(),
                teardown: flags.contains(TcpFlags::RST) || flags.contains(TcpFlags::FIN),
            };
            self.marks.push(place, mark);
        }
    }

    /// The place of the flow that the first line of a flow goes to: of its own, or what it was folded into.
    #[inline(never)]
    fn begin(&mut self, line: &Line, entry: &Entry<'_>) -> usize {
        let (admitted, folded) = self.admit(line.key, line.role);
        self.folded += u64::from(folded != Folded::No) * line.lines;
        let place = self.open(admitted, || Flow::begin(entry));
        let flow = &mut self.flows[place];
        flow.folded = flow.folded.max(folded);
        place
    }

    /// The place of what was admitted, which begins there if it is new.
    pub(super) fn open(&mut self, admitted: Admitted, new: impl FnOnce() -> Flow) -> usize {
        match admitted {
            Admitted::Place(place) => place,
            Admitted::Key(key) => {
                let flow = self.flows.entry(key);
                let place = flow.index();
                flow.or_insert_with(new);
                place
            }
        }
    }

    /// The place of the flow of this key, if there is one.
    pub(super) fn place(&self, key: Packed) -> Option<usize> {
        self.flows.get_index_of(&key)
    }

    /// Notes that the log had a line at `time`.
    pub fn alive(&mut self, time: Time) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// Notes that the machine `host` started at `time`.
    pub fn boot(&mut self, host: Option<&str>, time: Time) {
        if time.is_known() && self.boots.len() < MOST_BOOTS {
            self.boots
                .insert((host.unwrap_or(UNKNOWN).to_owned(), time));
        }
    }

    /// The last start of `node`, if the log tells one.
    pub fn last_boot(&self, node: &str) -> Option<Time> {
        self.boots
            .iter()
            .filter(|(host, _)| host == node)
            .map(|(_, time)| *time)
            .max()
    }

    /// Microseconds between `from` and `to` in which some log went on.
    pub fn covered(&self, from: Time, to: Time) -> i64 {
        let current = self.span.filter(|_| self.covered.is_empty());
        let current = current.map(|(from, to)| Stretch { from, to });
        self.covered
            .iter()
            .chain(&current)
            .map(|stretch| stretch.overlap(from, to))
            .sum()
    }

    /// How many drop lines came in.
    pub const fn logged(&self) -> u64 {
        self.logged
    }

    /// How many of them were folded into a network or a protocol, to stay inside the bounds.
    pub const fn folded(&self) -> u64 {
        self.folded
    }

    /// The first and the last time of the log, of whatever line.
    pub const fn span(&self) -> Option<(Time, Time)> {
        self.span
    }

    /// The lines one by one, for [`Self::iter`].
    pub fn marks(&self) -> MarksByFlow {
        self.marks.by_flow(self.flows.len())
    }

    /// The flows, in the order in which they began, with their `marks`.
    pub fn iter<'a>(&'a self, marks: &'a MarksByFlow) -> impl Iterator<Item = Seen<'a>> {
        let flows = self.flows.iter().enumerate();
        flows.map(|(place, (key, flow))| Seen {
            key: (*key).into(),
            flow,
            marks: marks.of(place),
        })
    }

    /// The flow at a place in that order.
    pub fn seen<'a>(&'a self, place: usize, marks: &'a MarksByFlow) -> Option<Seen<'a>> {
        let (key, flow) = self.flows.get_index(place)?;
        Some(Seen {
            key: (*key).into(),
            flow,
            marks: marks.of(place),
        })
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// What judging them costs, in flows: sorting a line takes about a sixteenth of judging a flow.
    pub fn cost(&self) -> usize {
        self.flows.len() + (self.marks.len() + self.ticks) / 16
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// The nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = (u16, &NodeEvidence)> {
        (0..).zip(&self.evidence)
    }

    /// The name of a node.
    pub fn node_name(&self, number: u16) -> &str {
        self.nodes.name(number)
    }

    /// The name of an interface.
    pub fn interface_name(&self, number: u16) -> &str {
        self.interfaces.name(number)
    }
}

/// The name of the node of a drop line.
#[inline]
fn host<'a>(site: &'a Site, entry: &Entry<'a>, packet: &Brief<'_>) -> &'a str {
    entry.host.unwrap_or_else(|| {
        let known = site.addresses.get(&packet.dst);
        known.map_or(UNKNOWN, String::as_str)
    })
}

/// The port of the packet that is not in its flow's key.
fn other_port(packet: &Brief<'_>, ports: Ports) -> u16 {
    match ports {
        Ports::Service { reply: true, .. } => packet.dpt,
        Ports::Service { reply: false, .. } | Ports::Pair { .. } => packet.spt,
        Ports::None => None,
    }
    .unwrap_or_default()
}
