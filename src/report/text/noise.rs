//! False positives of a live run: those to write, those that wait for others of their kind, and the end of a wave.

use std::collections::{BTreeSet, HashSet};

use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::packet::{proto, proto_name};
use crate::report::Report;
use crate::time::{SECOND, Time};

/// Longest time, in microseconds, for which false positives wait for others of their kind.
pub const HELD: i64 = 10 * SECOND;

/// A node, and the protocol and port of the service whose replies it dropped.
type Service = (u16, Option<u8>, Option<u16>);

/// False positives that came within [`HELD`].
pub(super) struct Wave {
    pub(super) time: Time,
    services: BTreeSet<Service>,
    pub(super) nodes: BTreeSet<String>,
    /// Ports of the services, in the order of arrival; TCP ports without the protocol.
    pub(super) ports: Vec<String>,
}

/// A time without false positives.
pub(super) struct Quiet {
    pub(super) time: Time,
    pub(super) nodes: BTreeSet<String>,
    /// Time without false positives, in microseconds.
    pub(super) silence: i64,
    /// Number of drops since the last quiet moment.
    pub(super) drops: u64,
}

/// The false positives of a live run.
pub(super) struct Noise {
    /// Silence, in microseconds, after which the log counts as quiet.
    settle: i64,
    /// Services that were written, or wait in the wave.
    known: HashSet<Service>,
    wave: Option<Wave>,
    /// Whether any false positive came since the last quiet moment.
    is_on: bool,
    /// Log time of the last quiet moment, and the number of drops until then.
    quiet: Option<(Time, u64)>,
}

fn service(finding: &Finding) -> Service {
    (finding.key.node, finding.key.proto, finding.port)
}

fn of(report: &Report) -> impl Iterator<Item = &Finding> + Clone {
    let findings = report.findings.iter();
    let is_noise = |finding: &&Finding| {
        finding.verdict() == Verdict::FalsePositive && finding.accepted.is_none()
    };
    findings.filter(is_noise)
}

impl Noise {
    pub(super) fn new(settle: i64) -> Self {
        Self {
            settle,
            known: HashSet::new(),
            wave: None,
            is_on: false,
            quiet: None,
        }
    }

    /// Whether time alone may produce a row.
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether a wave is waiting.
    pub(super) const fn is_holding(&self) -> bool {
        self.wave.is_some()
    }

    /// Whether a wave has waited long enough by the log's time, which runs ahead of the clock in a replay.
    pub(super) fn is_late(&self, time: Time) -> bool {
        let wave = self.wave.as_ref();
        wave.is_some_and(|wave| time.since(wave.time) >= HELD)
    }

    /// Records a finding that was written in a row of its own.
    pub(super) fn know(&mut self, finding: &Finding) {
        self.is_on = true;
        self.known.insert(service(finding));
    }

    /// Adds the new false positives of `report` to the wave: after a quiet time all, otherwise those of unseen services.
    pub(super) fn see(&mut self, report: &Report) {
        let since = self.quiet.map(|(time, _)| time);
        let fresh = of(report).filter(|finding| since.is_none_or(|since| finding.last > since));
        for finding in fresh {
            let service = service(finding);
            let is_first = !self.is_on;
            if !self.known.insert(service) && !is_first {
                continue;
            }
            self.is_on = true;
            let wave = self.wave.get_or_insert_with(|| Wave {
                time: finding.last,
                services: BTreeSet::new(),
                nodes: BTreeSet::new(),
                ports: Vec::new(),
            });
            wave.time = wave.time.min(finding.last);
            if wave.services.insert(service) {
                wave.nodes.insert(printable_name(&finding.node));
                let port = port(finding);
                if !wave.ports.contains(&port) {
                    wave.ports.push(port);
                }
            }
        }
    }

    /// Removes and returns the waiting wave.
    pub(super) const fn take(&mut self) -> Option<Wave> {
        self.wave.take()
    }

    /// Returns the end of the false positives, if they have stopped for the settling time.
    pub(super) fn quiet(&mut self, report: &Report) -> Option<Quiet> {
        let end = report.end().filter(|_| self.is_on)?;
        let silence = end.since(of(report).map(|finding| finding.last).max()?);
        if silence < self.settle {
            return None;
        }
        let (since, before) = self
            .quiet
            .map_or((None, 0), |(time, drops)| (Some(time), drops));
        let all: u64 = of(report).map(|finding| finding.logged).sum();
        let here = of(report).filter(|finding| since.is_none_or(|since| finding.last > since));
        let nodes = here.map(|finding| printable_name(&finding.node)).collect();
        self.is_on = false;
        self.quiet = Some((end, all));
        Some(Quiet {
            time: end,
            nodes,
            silence,
            drops: all.saturating_sub(before),
        })
    }
}

fn port(finding: &Finding) -> String {
    match (finding.key.proto, finding.port) {
        (Some(proto::TCP), Some(port)) => port.to_string(),
        (Some(number), Some(port)) => format!("{}/{port}", proto_name(number)),
        _ => super::words::what(finding),
    }
}
