//! Changes between two reports of a live log, as events.

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
/// Time after which saturation of a node is reported again.
const SATURATED_AGAIN: i64 = 60 * MINUTE;
/// Upper bound on the ids that one event replaces, so that its line stays short; further ids make further events.
const MAX_REPLACES: usize = 256;

/// State of a finding as its last event reported it.
struct Told {
    cause: &'static Cause,
    disposition: Option<Disposition>,
    accepted: bool,
    settled: bool,
    logged: u64,
    /// Log time of that event.
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

    /// Whether `finding` may contain flows of the earlier one under keys that folding changed.
    fn was_folded_into(&self, finding: &Finding) -> bool {
        let holds = |peer: &IpAddr| {
            finding.peers.contains(peer) || finding.networks.iter().any(|net| net.contains(peer))
        };
        finding.folded && self.node == finding.node && self.peers.iter().any(holds)
    }
}

/// Returns the strictest disposition of a finding's rules: a rule that needs a decision must not be shown as one to add.
fn disposition(finding: &Finding, report: &Report) -> Option<Disposition> {
    let rules = report.rules_of(finding);
    rules.map(|rule| rule.disposition).max()
}

/// Possibility of further lines, which may contradict a saturated stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlook {
    /// Further lines may come.
    Open,
    /// The log has ended.
    Over,
}

/// Events reported so far, from which the next ones are derived.
#[derive(Default)]
pub struct Live {
    /// Whether growing numbers make an event.
    updates: bool,
    told: BTreeMap<String, Told>,
    /// Last saturated stretch that was reported for each node.
    saturated: BTreeMap<String, Stretch>,
    /// Stretches that a further line, or time, must confirm: the node's number of lines when they were first seen.
    suspected: BTreeMap<String, u64>,
}

impl Live {
    /// Creates the state of a log without events so far. With `updates`, growing numbers make an event, once a minute
    /// for one finding.
    pub fn new(updates: bool) -> Self {
        Self {
            updates,
            ..Self::default()
        }
    }

    /// Whether time alone may bring an event: a reported finding has not settled, or a saturated stretch must be
    /// confirmed.
    pub fn is_waiting(&self) -> bool {
        !self.suspected.is_empty() || self.told.values().any(|told| !told.settled)
    }

    /// Returns the events between the last report and this one: those of findings first, in the order of their lines.
    pub fn changes<'a>(&mut self, report: &'a Report) -> Vec<Event<'a>> {
        self.between(report, Outlook::Open)
    }

    /// Returns the events up to the last report, in which no further line can contradict a suspected stretch.
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
        let end = report.end().unwrap_or(Time::UNKNOWN);
        let left = gone.0.into_iter().enumerate();
        for (_, (id, told)) in left.filter(|(n, _)| !taken.contains(n)) {
            events.push(Event {
                was: Some(told.cause),
                replaces: vec![id],
                ..Event::of(EventKind::Changed, end)
            });
        }
        // Before what its line brings about for others.
        let is_own = |event: &Event<'_>| event.finding.is_some_and(|one| one.last == event.time);
        events.sort_by_key(|event| (event.time, !is_own(event)));
        events.extend(self.of_saturation(report, outlook));
        for event in &mut events {
            event.filters = &report.filters;
        }
        events
    }

    /// Removes and returns the findings that the report no longer contains.
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
                    // Numbers alone make no event, but the flows that the finding holds now may move to another finding
                    // later.
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
        let end = report.end().unwrap_or(finding.last);
        // What time or the line of another finding brings about is of now.
        let is_own = told.is_none_or(|told| told.logged != finding.logged);
        let time = match kind {
            EventKind::Settled => end,
            EventKind::Changed if !is_own => end.max(finding.last),
            _ => finding.last,
        };
        let event = Event {
            finding: Some(finding),
            was: before
                .filter(|_| kind == EventKind::Changed)
                .map(|told| told.cause),
            replaces: replaced.iter().map(|(id, _)| id.clone()).collect(),
            rules: report.rules_of(finding).collect(),
            ..Event::of(kind, time)
        };
        self.told
            .insert(finding.id.clone(), Told::of(finding, report));
        Some(event)
    }

    fn of_saturation<'a>(&mut self, report: &'a Report, outlook: Outlook) -> Vec<Event<'a>> {
        let mut events = Vec::new();
        for node in &report.nodes {
            // With filters, a node without a finding is not what the reader asked for.
            if report.is_filtered() && !report.findings.iter().any(|f| f.node == node.node) {
                continue;
            }
            let Some(stretch) = node.saturated.as_ref().and_then(|s| s.last()) else {
                // A line showed that the node has another limit.
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

/// Reported findings that no longer exist: when the whole log settles a direction, or shows a scan, flows move to other
/// findings.
struct Gone(Vec<(String, Told)>);

impl Gone {
    /// Returns, for each finding, the indices of the gone findings whose flows it took.
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
        let mut is_taken = vec![false; self.0.len()];
        taken
            .iter()
            .flatten()
            .for_each(|place| is_taken[*place] = true);
        let mut folded: HashMap<&str, Vec<usize>, RandomState> = HashMap::default();
        for (into, finding) in findings.iter().enumerate().filter(|(_, f)| f.folded) {
            folded.entry(&finding.node).or_default().push(into);
        }
        let left = self
            .0
            .iter()
            .enumerate()
            .filter(|(place, _)| !is_taken[*place]);
        for (place, (_, told)) in left {
            let mut own = folded.get(&*told.node).into_iter().flatten();
            if let Some(into) = own.find(|into| told.was_folded_into(&findings[**into])) {
                taken[*into].push(place);
            }
        }
        taken
    }
}

/// Whether the time that has passed confirms a stretch after which its node had no further line.
fn is_confirmed(stretch: &Stretch, report: &Report, outlook: Outlook) -> bool {
    let is_past = |end: Time| end.since(stretch.to) >= CONFIRMED;
    outlook == Outlook::Over || report.end().is_some_and(is_past)
}
