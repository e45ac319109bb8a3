//! What changed between two reports of a live log, as events.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::cause::Cause;
use crate::finding::{Finding, State};
use crate::report::{Event, EventKind, Report};
use crate::saturation::Stretch;
use crate::time::{MINUTE, SECOND, Time};

/// A finding is told again at most this often, in microseconds of log time, while only its numbers grow.
const UPDATE: i64 = MINUTE;
/// A stretch of saturation is told once so much time has passed without a line that contradicts it: two refills.
const CONFIRMED: i64 = 12 * SECOND;

/// What was told of a finding.
struct Told {
    cause: &'static Cause,
    settled: bool,
    logged: u64,
    at: Time,
    node: String,
    ports: Vec<u16>,
    peers: Vec<IpAddr>,
}

impl Told {
    fn of(finding: &Finding) -> Self {
        Self {
            cause: finding.cause,
            settled: finding.state == State::Settled,
            logged: finding.logged,
            at: finding.last,
            node: finding.node.clone(),
            ports: finding.ports.clone(),
            peers: finding.peers.clone(),
        }
    }

    /// Whether `finding` has taken the flows of the one that was told: when the whole log settles a direction, or shows a
    /// scan, flows move to another finding.
    fn went_into(&self, finding: &Finding) -> bool {
        self.node == finding.node
            && self.ports.iter().any(|port| finding.ports.contains(port))
            && self.peers.iter().any(|peer| finding.peers.contains(peer))
    }
}

/// What may still bring the next line of a node to bear on its saturation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlook {
    /// Lines may come, and it is this time now, where the timer tells.
    Open(Option<Time>),
    /// No line comes any more.
    Over,
}

/// What was told so far.
#[derive(Default)]
pub struct Live {
    told: BTreeMap<String, Told>,
    /// The begin of the last saturated stretch that was told of each node.
    saturated: BTreeMap<String, Time>,
    /// The stretches that a line more, or time, must confirm: by how many lines of the node they were first seen.
    suspected: BTreeMap<String, u64>,
}

impl Live {
    /// Whether a finding was told that has not settled, or a stretch must be confirmed: then time alone may bring news.
    pub fn is_waiting(&self) -> bool {
        !self.suspected.is_empty() || self.told.values().any(|told| !told.settled)
    }

    /// The events that lie between the last report and this one: those of findings first, in the order of their lines.
    /// `now` is the log's time of now, where the timer asks.
    pub fn changes<'a>(&mut self, report: &'a Report, now: Option<Time>) -> Vec<Event<'a>> {
        self.between(report, Outlook::Open(now))
    }

    /// The events before the last report: what no line can contradict any more is told.
    pub fn last_changes<'a>(&mut self, report: &'a Report) -> Vec<Event<'a>> {
        self.between(report, Outlook::Over)
    }

    fn between<'a>(&mut self, report: &'a Report, outlook: Outlook) -> Vec<Event<'a>> {
        let gone = self.take_gone(report);
        let mut events: Vec<Event<'a>> = report
            .findings
            .iter()
            .filter_map(|finding| self.of_finding(finding, &gone, report, outlook))
            .collect();
        events.sort_by_key(|event| event.time);
        events.extend(self.of_saturation(report, outlook));
        events
    }

    /// What was told of findings that the report no longer has.
    fn take_gone(&mut self, report: &Report) -> Vec<(String, Told)> {
        if self.told.is_empty() {
            return Vec::new();
        }
        let here: HashSet<&str, RandomState> =
            report.findings.iter().map(|f| f.id.as_str()).collect();
        let (kept, gone) = std::mem::take(&mut self.told)
            .into_iter()
            .partition(|(id, _)| here.contains(id.as_str()));
        self.told = kept;
        BTreeMap::into_iter(gone).collect()
    }

    fn of_finding<'a>(
        &mut self,
        finding: &'a Finding,
        gone: &[(String, Told)],
        report: &'a Report,
        outlook: Outlook,
    ) -> Option<Event<'a>> {
        let end = report.span.map_or(finding.last, |(_, last)| last);
        let settled = finding.state == State::Settled;
        let told = self.told.get(&finding.id);
        let taken = || gone.iter().filter(|(_, told)| told.went_into(finding));
        let was = match told {
            Some(told) if !std::ptr::eq(told.cause, finding.cause) => Some(told.cause),
            _ => taken().map(|(_, told)| told.cause).next(),
        };
        let kind = match told {
            _ if was.is_some() => EventKind::Changed,
            None => EventKind::Opened,
            Some(told) if settled && !told.settled => EventKind::Settled,
            Some(told) if !settled && told.settled && finding.logged > told.logged => {
                EventKind::Reopened
            }
            Some(told) if finding.logged > told.logged && finding.last.since(told.at) >= UPDATE => {
                EventKind::Updated
            }
            Some(_) => return None,
        };
        let event = Event {
            finding: Some(finding),
            was: told
                .filter(|_| kind == EventKind::Changed)
                .map(|told| told.cause),
            rule: finding.rules.first().and_then(|id| report.rule(id)),
            ..Event::of(
                kind,
                if kind == EventKind::Settled {
                    end
                } else {
                    finding.last
                },
            )
        };
        // Nobody asks for it once the report is told.
        if outlook != Outlook::Over {
            self.told.insert(finding.id.clone(), Told::of(finding));
        }
        Some(event)
    }

    fn of_saturation<'a>(&mut self, report: &'a Report, outlook: Outlook) -> Vec<Event<'a>> {
        let mut events = Vec::new();
        for node in &report.nodes {
            let Some(stretch) = node.saturated.as_ref().and_then(|s| s.last()) else {
                // A line showed that the limit is another.
                self.suspected.remove(&node.node);
                continue;
            };
            // A stretch that grows backwards, as its begin becomes clear, is still the same.
            let known = self.saturated.get(&node.node);
            if known.is_some_and(|&told| stretch.from <= told && told <= stretch.to) {
                continue;
            }
            let seen = *(self.suspected.entry(node.node.clone())).or_insert(node.logged);
            if node.logged == seen && !is_confirmed(stretch, report, outlook) {
                continue;
            }
            self.suspected.remove(&node.node);
            self.saturated.insert(node.node.clone(), stretch.from);
            let warning = report
                .warnings
                .iter()
                .find(|w| w.code == "log-saturated" && w.node.as_deref() == Some(&node.node));
            events.push(Event {
                warning,
                ..Event::of(EventKind::Saturated, stretch.to)
            });
        }
        events
    }
}

/// Whether time confirms a stretch that no further line of its node has.
fn is_confirmed(stretch: &Stretch, report: &Report, outlook: Outlook) -> bool {
    let now = match outlook {
        Outlook::Over => return true,
        Outlook::Open(now) => now,
    };
    let last = report.span.map(|(_, last)| last);
    last.max(now)
        .is_some_and(|now| now.since(stretch.to) >= CONFIRMED)
}
