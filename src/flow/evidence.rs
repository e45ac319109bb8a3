//! Evidence of the log about one node: its addresses, and its lines on the timeline.

use std::collections::HashSet;
use std::net::IpAddr;

use indexmap::IndexSet;

use super::lifeline::Lifeline;
use crate::catalog::Role;
use crate::input::event::DropLine;
use crate::net::{IpNet, neighbourhood};
use crate::packet::{PacketSummary, proto};
use crate::saturation::{Class, Tick};

/// Upper bound on the lines kept for the timeline of one node and address family.
const MAX_TICKS: usize = 1 << 18;
/// Upper bound on the addresses kept of one node.
const MAX_ADDRESSES: usize = 64;

/// Evidence of the log about one node.
#[derive(Debug, Clone, Default)]
pub struct NodeEvidence {
    pub(super) role: Role,
    pub logged: u64,
    /// Unicast destinations of its drop lines.
    pub addresses: IndexSet<IpAddr, foldhash::fast::RandomState>,
    /// Index of the last line's address in the list.
    last_met: usize,
    /// Neighbourhoods of the addresses.
    pub(super) near: HashSet<IpNet, foldhash::fast::RandomState>,
    /// Times covered by its log.
    pub(super) life: Lifeline,
    /// Drop lines on the timeline, for IPv4 and for IPv6: each family's LOG rule has a token bucket of its own.
    pub ticks: [Vec<Tick>; 2],
}

impl NodeEvidence {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            ..Self::default()
        }
    }

    /// Records `address`, a destination of each line, as the node's.
    #[inline]
    pub(super) fn meet(&mut self, address: IpAddr) {
        let has_room = self.addresses.len() < MAX_ADDRESSES;
        if has_room && self.addresses.get_index(self.last_met) != Some(&address) {
            self.learn(address);
        }
    }

    /// Adds a line to the timeline. Returns whether there was room for it.
    #[inline]
    pub(super) fn tick(&mut self, drop: &DropLine<'_>, packet: &PacketSummary<'_>) -> bool {
        let ticks = &mut self.ticks[usize::from(packet.src.is_ipv6())];
        let has_room = ticks.len() < MAX_TICKS;
        if has_room {
            // By an eighth, not to the double: of a thousand nodes each has a timeline.
            if ticks.len() == ticks.capacity() {
                ticks.reserve_exact((ticks.len() / 8).max(16));
            }
            ticks.push(Tick::new(drop.time, class(packet), drop.fine));
        }
        has_room
    }

    fn learn(&mut self, address: IpAddr) {
        if let Some(at) = self.addresses.get_index_of(&address) {
            self.last_met = at;
        } else if self.addresses.len() < MAX_ADDRESSES && !address.is_unspecified() {
            (self.last_met, _) = self.addresses.insert_full(address);
            self.near.insert(neighbourhood(address));
        }
    }

    /// Adds the evidence of another log, with at most `room` lines of its timeline. Returns their number.
    pub(super) fn absorb(&mut self, other: Self, mut room: usize) -> usize {
        let before = room;
        self.logged += other.logged;
        self.life.absorb(other.life);
        for address in other.addresses {
            self.learn(address);
        }
        for (ours, theirs) in self.ticks.iter_mut().zip(other.ticks) {
            let taken = room
                .min(MAX_TICKS.saturating_sub(ours.len()))
                .min(theirs.len());
            ours.extend(theirs.into_iter().take(taken));
            room -= taken;
        }
        before - room
    }
}

/// Returns the token bucket that the split LOG rules would use for the line.
fn class(packet: &PacketSummary<'_>) -> Class {
    match packet.flags {
        Some(flags) if flags.is_syn() => Class::Syn,
        _ if packet.proto == Some(proto::TCP) => Class::OtherTcp,
        _ => Class::NotTcp,
    }
}
