//! What changed between two reports of a live log, as events.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::cause::Cause;
use crate::finding::{Finding, State};
use crate::report::{Event, EventKind, Report};
use crate::rule::Disposition;
use crate::saturation::Stretch;
use crate::time::{MINUTE, SECOND, Time};

/// The least time between two `updated` events of one finding, in microseconds of log time.
const UPDATE: i64 = MINUTE;
/// The time without a contradicting line that confirms a stretch of saturation: two refills.
const CONFIRMED: i64 = 12 * SECOND;
/// The time after which saturation of a node is news again.
const SATURATED_AGAIN: i64 = 60 * MINUTE;
/// The most ids that one event replaces, so that its line stays short; more make further events.
const MAX_REPLACES: usize = 256;

/// What was said of a finding.
struct Told {
    cause: &'static Cause,
    disposition: Option<Disposition>,
    accepted: bool,
    settled: bool,
    logged: u64,
    /// When it was said last.
    at: Time,
    node: String,
    peers: Vec<IpAddr>,
    flows: Vec<u64>,
}

impl Told {
    fn of(finding: &Finding, report: &Report) -> Self {
        Self {
            cause: finding.cause,
            disposition: disposition(finding, report),
            accepted: finding.accepted.is_some(),
            settled: finding.state == State::Settled,
            logged: finding.logged,
            at: finding.last,
            node: finding.node.clone(),
            peers: finding.peers.clone(),
            flows: finding.flows.clone(),
        }
    }

    /// Whether `finding` may hold flows of the one that was said under keys that folding changed.
    fn was_folded_into(&self, finding: &Finding) -> bool {
        let holds = |peer: &IpAddr| {
            finding.peers.contains(peer) || finding.networks.iter().any(|net| net.contains(peer))
        };
        finding.folded && self.node == finding.node && self.peers.iter().any(holds)
    }
}

/// The strictest disposition of a finding's rules: a rule to decide about is no rule to add.
fn disposition(finding: &Finding, report: &Report) -> Option<Disposition> {
    let rules = finding.rules.iter().filter_map(|id| report.rule(id));
    rules.map(|rule| rule.disposition).max()
}

/// What may still bring the next line of a node to bear on its saturation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlook {
    /// Lines may come, and it is this time now, where the timer asks.
    Open(Option<Time>),
    /// No line comes any more.
    Over,
}

/// What was said so far.
#[derive(Default)]
pub struct Live {
    /// Whether growing numbers are news.
    updates: bool,
    told: BTreeMap<String, Told>,
    /// The last saturated stretch that was told of each node.
    saturated: BTreeMap<String, Stretch>,
    /// The stretches that a line more, or time, must confirm: by how many lines of the node they were first seen.
    suspected: BTreeMap<String, u64>,
}

impl Live {
    /// A log of which nothing was said yet. With `updates`, growing numbers are news, once a minute for one finding.
    pub fn new(updates: bool) -> Self {
        Self {
            updates,
            ..Self::default()
        }
    }

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
        let mut taken = HashSet::new();
        let mut events: Vec<Event<'a>> = Vec::new();
        for (finding, replaces) in report.findings.iter().zip(gone.taken_by(&report.findings)) {
            taken.extend(replaces.iter().copied());
            let replaced: Vec<&(String, Told)> = replaces.iter().map(|&n| &gone.0[n]).collect();
            let (first, more) = replaced.split_at(replaced.len().min(MAX_REPLACES));
            events.extend(self.of_finding(finding, first, report));
            for replaced in more.chunks(MAX_REPLACES) {
                events.extend(self.of_finding(finding, replaced, report));
            }
        }
        let end = report.span.map_or(Time::UNKNOWN, |(_, last)| last);
        let left = gone.0.into_iter().enumerate();
        for (_, (id, told)) in left.filter(|(n, _)| !taken.contains(n)) {
            events.push(Event {
                was: Some(told.cause),
                replaces: vec![id],
                ..Event::of(EventKind::Changed, end)
            });
        }
        events.sort_by_key(|event| event.time);
        events.extend(self.of_saturation(report, outlook));
        events
    }

    /// What was said of findings that the report no longer has.
    fn take_gone(&mut self, report: &Report) -> Gone {
        if self.told.is_empty() {
            return Gone(Vec::new());
        }
        let here: HashSet<&str, RandomState> =
            report.findings.iter().map(|f| f.id.as_str()).collect();
        let (kept, gone) = std::mem::take(&mut self.told)
            .into_iter()
            .partition(|(id, _)| here.contains(id.as_str()));
        self.told = kept;
        Gone(BTreeMap::into_iter(gone).collect())
    }

    fn of_finding<'a>(
        &mut self,
        finding: &'a Finding,
        replaced: &[&(String, Told)],
        report: &'a Report,
    ) -> Option<Event<'a>> {
        let settled = finding.state == State::Settled;
        let disposition = disposition(finding, report);
        let told = self.told.get(&finding.id);
        let before = told.or_else(|| replaced.first().map(|(_, told)| told));
        let is_other = |told: &Told| {
            !std::ptr::eq(told.cause, finding.cause)
                || told.disposition != disposition
                || told.accepted != finding.accepted.is_some()
        };
        let kind = match told {
            _ if !replaced.is_empty() => EventKind::Changed,
            None => EventKind::Opened,
            Some(told) if is_other(told) => EventKind::Changed,
            Some(told) if settled && !told.settled => EventKind::Settled,
            Some(told) if !settled && told.settled => EventKind::Reopened,
            Some(told)
                if self.updates
                    && finding.logged > told.logged
                    && finding.last.since(told.at) >= UPDATE =>
            {
                EventKind::Updated
            }
            Some(told) => {
                if told.logged != finding.logged {
                    // Numbers alone are no news, but what the finding holds now may move elsewhere later.
                    let (logged, at) = (told.logged, told.at);
                    let told = Told {
                        logged,
                        at,
                        ..Told::of(finding, report)
                    };
                    self.told.insert(finding.id.clone(), told);
                }
                return None;
            }
        };
        let end = report.span.map_or(finding.last, |(_, last)| last);
        let time = if kind == EventKind::Settled {
            end
        } else {
            finding.last
        };
        let event = Event {
            finding: Some(finding),
            was: before
                .filter(|_| kind == EventKind::Changed)
                .map(|told| told.cause),
            replaces: replaced.iter().map(|(id, _)| id.clone()).collect(),
            rules: (finding.rules.iter())
                .filter_map(|id| report.rule(id))
                .collect(),
            ..Event::of(kind, time)
        };
        self.told
            .insert(finding.id.clone(), Told::of(finding, report));
        Some(event)
    }

    fn of_saturation<'a>(&mut self, report: &'a Report, outlook: Outlook) -> Vec<Event<'a>> {
        let mut events = Vec::new();
        for node in &report.nodes {
            // Where filters are on, nodes without a finding are none of the reader's business.
            if report.filtered && !report.findings.iter().any(|f| f.node == node.node) {
                continue;
            }
            let Some(stretch) = node.saturated.as_ref().and_then(|s| s.last()) else {
                // A line showed that the limit is another.
                self.suspected.remove(&node.node);
                continue;
            };
            if let Some(told) = self.saturated.get_mut(&node.node)
                && stretch.from.since(told.to) < SATURATED_AGAIN
            {
                *told = *stretch;
                continue;
            }
            let seen = *(self.suspected.entry(node.node.clone())).or_insert(node.logged);
            if node.logged == seen && !is_confirmed(stretch, report, outlook) {
                continue;
            }
            self.suspected.remove(&node.node);
            self.saturated.insert(node.node.clone(), *stretch);
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

/// Findings that were told and are no more: when the whole log settles a direction, or shows a scan, flows move to other
/// findings.
struct Gone(Vec<(String, Told)>);

impl Gone {
    /// For each finding, the places of those that it took flows of.
    fn taken_by(&self, findings: &[Finding]) -> Vec<Vec<usize>> {
        if self.0.is_empty() {
            return vec![Vec::new(); findings.len()];
        }
        let mut places: HashMap<u64, usize, RandomState> = HashMap::default();
        for (place, (_, told)) in self.0.iter().enumerate() {
            places.extend(told.flows.iter().map(|flow| (*flow, place)));
        }
        let mut taken: Vec<Vec<usize>> = findings
            .iter()
            .map(|finding| {
                let flows = finding.flows.iter();
                let mut taken: Vec<usize> =
                    flows.filter_map(|flow| places.get(flow)).copied().collect();
                taken.sort_unstable();
                taken.dedup();
                taken
            })
            .collect();
        for (place, (_, told)) in self.0.iter().enumerate() {
            if taken.iter().any(|taken| taken.contains(&place)) {
                continue;
            }
            if let Some(into) = findings.iter().position(|f| told.was_folded_into(f)) {
                taken[into].push(place);
            }
        }
        taken
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
