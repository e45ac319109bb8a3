//! False positives of a live run: which are news, which wait for others of their kind, and when it is quiet again.

use std::collections::{BTreeSet, HashSet};

use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::packet::{proto, proto_name};
use crate::report::Report;
use crate::time::{SECOND, Time};

/// How long false positives may wait for others of their kind, in microseconds.
pub const HELD: i64 = 10 * SECOND;

/// A node and the service whose replies it dropped.
type Service = (u16, Option<u8>, Option<u16>);

/// False positives that came within [`HELD`].
pub(super) struct Wave {
    pub(super) time: Time,
    services: BTreeSet<Service>,
    pub(super) nodes: BTreeSet<String>,
    /// Their ports, in the order in which they came; those of TCP without the protocol.
    pub(super) ports: Vec<String>,
}

/// A time without false positives.
pub(super) struct Quiet {
    pub(super) time: Time,
    pub(super) nodes: BTreeSet<String>,
    /// How long it has been, in microseconds.
    pub(super) silence: i64,
    /// The drops since it was quiet before.
    pub(super) drops: u64,
}

/// The false positives of a live run.
pub(super) struct Noise {
    /// The silence after which it is quiet, in microseconds.
    settle: i64,
    /// What was said of, or waits to be.
    known: HashSet<Service>,
    wave: Option<Wave>,
    /// Whether any came since it was quiet.
    is_on: bool,
    /// When it was quiet last, and the drops until then.
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

    /// Whether time alone may bring news.
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether a wave waits for more.
    pub(super) const fn is_holding(&self) -> bool {
        self.wave.is_some()
    }

    /// Whether a wave has waited long enough by the log, which runs ahead of the clock where it is poured in.
    pub(super) fn is_late(&self, time: Time) -> bool {
        let wave = self.wave.as_ref();
        wave.is_some_and(|wave| time.since(wave.time) >= HELD)
    }

    /// Notes a finding that is said for itself.
    pub(super) fn know(&mut self, finding: &Finding) {
        self.is_on = true;
        self.known.insert(service(finding));
    }

    /// Takes what is news in `report`: all that comes first after a quiet time, and services that never came before.
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

    /// What has waited.
    pub(super) const fn take(&mut self) -> Option<Wave> {
        self.wave.take()
    }

    /// Whether it has become quiet, and since when.
    pub(super) fn quiet(&mut self, report: &Report) -> Option<Quiet> {
        let (_, end) = report.span.filter(|_| self.is_on)?;
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
