//! Upgrade windows that the log itself shows: waves of services that end their connections, as on a node that is drained
//! and rebooted.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::directions::Settled;
use crate::flow::{ATTEMPT, Direction, Kind, Ports, Seen};
use crate::time::{MINUTE, SECOND, Time};

/// Longest gap, in microseconds, between ends of connections of one wave.
const WAVE: i64 = 2 * MINUTE;
/// Number of services, and of their peers, that end connections in a wave.
const SERVICES: usize = 2;
const PEERS: usize = 2;
/// Longest gap, in microseconds, between waves of one upgrade: between two nodes it drains and boots.
const BETWEEN_WAVES: i64 = 30 * MINUTE;
/// Time after the last wave, in microseconds, in which connections still end.
const AFTERMATH: i64 = 10 * MINUTE;
/// The longest window, in microseconds.
const MAX_WINDOW: i64 = 240 * MINUTE;
/// SYN-ACKs of one service dropped for longer than this, in microseconds, show that the ESTABLISHED rule is missing, or
/// a path that conntrack does not see: no upgrade explains that.
const SYN_ACKS: i64 = 5 * SECOND;

/// Address and port of a service.
type Service = (IpAddr, u16);

/// A window that the log shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    pub from: Time,
    pub to: Time,
    /// The ports of the services that ended connections.
    pub ports: BTreeSet<u16>,
    /// Number of machines on which these services run.
    pub peers: usize,
}

impl Upgrade {
    /// Whether a time lies in it, both ends included.
    pub fn contains(&self, time: Time) -> bool {
        self.from <= time && time <= self.to
    }
}

/// An end of a connection.
type End = (Time, Service);

/// Returns the windows that replies with FIN or RST show, in the order of time.
pub(super) fn upgrades(flows: &[Seen<'_>], settled: &[Settled]) -> Vec<Upgrade> {
    let mut ends: Vec<End> = Vec::new();
    let mut syn_acks: HashMap<Service, Vec<Time>, RandomState> = HashMap::default();
    for (seen, settled) in flows.iter().zip(settled) {
        let (Direction::Reply, Ports::Service { port, .. }) = (settled.direction, settled.ports)
        else {
            continue;
        };
        let service = (seen.key.peer, port);
        let dated = seen.marks.iter().filter(|mark| mark.time.is_dated());
        match settled.kind {
            Kind::Plain => {
                let last = dated.filter(|mark| mark.teardown);
                ends.extend(last.map(|mark| (mark.time, service)));
            }
            Kind::SynAck => {
                let times = syn_acks.entry(service).or_default();
                times.extend(dated.map(|mark| mark.time));
            }
            _ => {}
        }
    }
    ends.sort_unstable();
    for times in syn_acks.values_mut() {
        times.sort_unstable();
    }
    let mut found = windows(&ends);
    found.retain(|(upgrade, services)| {
        let own = services.iter().filter_map(|service| syn_acks.get(service));
        let mut own = own.flat_map(|times| {
            let inside = times.iter().filter(|time| upgrade.contains(**time));
            longest(inside.copied())
        });
        !own.any(|lasts| lasts > SYN_ACKS)
    });
    found.into_iter().map(|(upgrade, _)| upgrade).collect()
}

/// Returns the length of the longest run of SYN-ACKs, in microseconds; a client repeats its SYN within [`ATTEMPT`].
fn longest(times: impl Iterator<Item = Time>) -> Option<i64> {
    let (mut begin, mut last, mut longest) = (None, None, None);
    for time in times {
        if last.is_none_or(|last| time.since(last) > ATTEMPT) {
            begin = Some(time);
        }
        last = Some(time);
        longest = longest.max(begin.map(|begin| time.since(begin)));
    }
    longest
}

/// Returns the windows of `ends`, which are in order, each with its services.
fn windows(ends: &[End]) -> Vec<(Upgrade, BTreeSet<Service>)> {
    let mut found: Vec<(Upgrade, BTreeSet<Service>)> = Vec::new();
    for wave in waves(ends) {
        let (from, to) = (wave[0].0, wave[wave.len() - 1].0);
        let services = wave.iter().map(|(_, service)| *service);
        match found.last_mut() {
            Some((upgrade, known)) if from.since(upgrade.to) < BETWEEN_WAVES => {
                upgrade.to = to;
                known.extend(services);
            }
            _ => {
                let upgrade = Upgrade {
                    from,
                    to,
                    ports: BTreeSet::new(),
                    peers: 0,
                };
                found.push((upgrade, services.collect()));
            }
        }
    }
    for (upgrade, services) in &mut found {
        let end = Time(upgrade.to.0.saturating_add(AFTERMATH));
        upgrade.to = end.min(Time(upgrade.from.0.saturating_add(MAX_WINDOW)));
        upgrade.ports = services.iter().map(|(_, port)| *port).collect();
        let peers: BTreeSet<IpAddr> = services.iter().map(|(peer, _)| *peer).collect();
        upgrade.peers = peers.len();
    }
    found
}

/// Returns the waves among `ends`: joined where they overlap.
fn waves(ends: &[End]) -> Vec<&[End]> {
    let mut ports: HashMap<u16, usize, RandomState> = HashMap::default();
    let mut peers: HashMap<IpAddr, usize, RandomState> = HashMap::default();
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    for (at, (time, (peer, port))) in ends.iter().enumerate() {
        *ports.entry(*port).or_default() += 1;
        *peers.entry(*peer).or_default() += 1;
        while time.since(ends[from].0) > WAVE {
            let (_, (peer, port)) = ends[from];
            leave(&mut ports, port);
            leave(&mut peers, peer);
            from += 1;
        }
        if ports.len() < SERVICES || peers.len() < PEERS {
            continue;
        }
        match found.last_mut() {
            Some((_, end)) if from <= *end => *end = at,
            _ => found.push((from, at)),
        }
    }
    found
        .into_iter()
        .map(|(from, to)| &ends[from..=to])
        .collect()
}

/// Decrements the count of a key, and removes it at zero.
fn leave<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize, RandomState>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the windows, in seconds, for ends of connections: the peer's last byte, its port, the second.
    fn shown(ends: &[(u8, u16, i64)]) -> Vec<(i64, i64)> {
        let mut ends: Vec<End> = ends
            .iter()
            .map(|(peer, port, second)| {
                let peer = IpAddr::from([192, 168, 122, *peer]);
                (Time(second * SECOND), (peer, *port))
            })
            .collect();
        ends.sort_unstable();
        let windows = windows(&ends).into_iter();
        windows
            .map(|(upgrade, _)| (upgrade.from.0 / SECOND, upgrade.to.0 / SECOND))
            .collect()
    }

    #[test]
    fn two_services_of_two_peers_within_two_minutes_are_a_wave() {
        assert_eq!(shown(&[(62, 6443, 0), (63, 10250, 120)]), [(0, 720)]);
        assert_eq!(shown(&[(62, 6443, 0), (63, 10250, 121)]), []);
        assert_eq!(shown(&[(62, 6443, 0), (62, 10250, 1)]), []);
        assert_eq!(shown(&[(62, 6443, 0), (63, 6443, 1)]), []);
    }

    #[test]
    fn waves_join_within_half_an_hour() {
        let wave = |at: i64| [(62, 6443, at), (63, 10250, at + 10)];
        let near = [wave(0), wave(1800)].concat();
        assert_eq!(shown(&near), [(0, 2410)]);
        let far = [wave(0), wave(1810)].concat();
        assert_eq!(shown(&far), [(0, 610), (1810, 2420)]);
    }

    #[test]
    fn no_window_is_longer_than_four_hours() {
        let waves: Vec<_> = (0..12)
            .flat_map(|at| [(62, 6443, at * 1500), (63, 10250, at * 1500)])
            .collect();
        assert_eq!(shown(&waves), [(0, 14_400)]);
    }
}
