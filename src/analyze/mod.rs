//! Pipeline of the stages: items of a log in, a report or live events out. The only module that knows their order.

mod diff;
mod elsewhere;
mod explain;
mod live;
mod logs;
mod reports;
mod simulate;
mod splits;
mod traffic;
mod unread;
mod unused_names;
mod warnings;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use smallvec::SmallVec;

use elsewhere::Elsewhere;

use crate::accept::Acceptances;
use crate::cause::Verdict;
use crate::cause::scene::Scene;
use crate::date::Date;
use crate::finding::{findings, flow_id};
use crate::flow::{ChainOutcomes, CountedDrop, Flows, Seen};
use crate::input::Dedup;
use crate::input::event::{ClusterFact, DropBatch, DropLine, LogEvent, NoticeKind};
use crate::packet::PacketSummary;
use crate::report::read::{Part, Reports};
use crate::report::{Networks, NodeReport, Report, Tally, WindowReport};
use crate::rule::{Scope, suggest};
use crate::site::{Provenance, Site, WindowOrigin};
use crate::time::Time;
use splits::splits;
use unused_names::unused_names;

pub use diff::diff;
pub use explain::explain;
pub use live::Live;
pub use simulate::with_suggested;
pub use unused_names::{absent, unused_rules};

/// Upper bound on the refused lines that are kept to be shown.
const MAX_REFUSED: usize = 100;

/// Upper bound on the prefixes of other LOG rules that are counted separately.
const MAX_PREFIXES: usize = 16;

/// Upper bound on the pairs of host and kind whose notices are counted separately.
const MAX_NOTICES: usize = 1_000;

/// Lost evidence that lines of one kind and host report.
#[derive(Debug, Clone, Copy)]
struct Notice {
    lines: u64,
    /// Sum of the losses that the lines state.
    count: u64,
    first: Time,
}

/// Notices by host and kind.
type Notices = BTreeMap<(Option<String>, NoticeKind), Notice>;

/// A line that looked like a drop line and was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it was a drop line that could not be parsed; otherwise it is not the kernel's.
    pub unreadable: bool,
    pub why: String,
    pub line: String,
}

/// The analysis of one or more logs.
pub struct Analysis {
    site: Site,
    scope: Scope,
    /// The logs that have ended.
    flows: Flows,
    /// The log that is being read: its years are known only at its end.
    current: Flows,
    /// The number of its input, and the logs of other inputs that are read in turns with it.
    input: u32,
    beside: BTreeMap<u32, Flows>,
    tally: Tally,
    refused: Vec<Refused>,
    /// Records of earlier inputs; `None` for a single input.
    dedup: Option<Dedup>,
    /// Drop lines without a date, which `--since` and `--until` cannot place.
    undated: u64,
    /// Whether the user gave times of day alone, whose day is that of the first line.
    has_daytimes: bool,
    /// First dated line of the log that is being read, judged or not, and of a log before it.
    day_of_log: Option<Time>,
    day: Option<Time>,
    learned: Vec<ClusterFact>,
    /// Lost evidence that the logs report, by host and kind.
    notices: Notices,
    elsewhere: Elsewhere,
    /// Number of lines that cannot be read, by the reason.
    unread: BTreeMap<String, u64>,
    /// How many lines are not the kernel's, by the reason.
    distrusted: BTreeMap<&'static str, u64>,
    /// Lines of other LOG rules, by their prefixes.
    other_prefixes: BTreeMap<String, u64>,
    /// Drop lines that came in, including those that an earlier input contained.
    met: u64,
    /// Reports among the inputs.
    reports: Reports,
    /// The input that had the last of them.
    own_input: String,
    acceptances: Acceptances,
    /// The day on which acceptances are looked at.
    today: Option<Date>,
}

impl Analysis {
    /// Creates an analysis without input.
    pub fn new(site: Site, scope: Scope) -> Self {
        Self {
            has_daytimes: site.has_daytimes(),
            site,
            scope,
            flows: Flows::default(),
            current: Flows::default(),
            input: 0,
            beside: BTreeMap::new(),
            tally: Tally::default(),
            refused: Vec::new(),
            dedup: None,
            undated: 0,
            day_of_log: None,
            day: None,
            learned: Vec::new(),
            notices: Notices::new(),
            elsewhere: Elsewhere::default(),
            unread: BTreeMap::new(),
            distrusted: BTreeMap::new(),
            other_prefixes: BTreeMap::new(),
            met: 0,
            reports: Reports::default(),
            own_input: String::new(),
            acceptances: Acceptances::default(),
            today: None,
        }
    }

    /// Returns the site, with the facts that the inputs contain about it.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// Adds an event of a reader.
    pub fn push(&mut self, event: LogEvent<'_>) {
        match event {
            LogEvent::Drops(drops) => self.push_drops(drops),
            LogEvent::Unreadable { record, why } => self.unreadable(why, record),
            LogEvent::Untrusted { record, why } => self.untrusted(why, record),
            LogEvent::Elsewhere {
                record,
                why,
                is_read,
            } => {
                self.elsewhere.add(|| text(record));
                self.refuse(!is_read, why.to_owned(), record);
            }
            LogEvent::Behind { record } => self.elsewhere.add(|| text(record)),
            LogEvent::OtherPrefix { prefix } => self.other_prefix(prefix),
            LogEvent::Notice {
                kind,
                host,
                count,
                time,
            } => self.notice(kind, host, count, time),
            LogEvent::Learned { fact, by } => self.learn(fact, by),
            LogEvent::Alive {
                time,
                monotonic,
                host,
            } => {
                if self.wants(time) {
                    self.current.alive(host, time, monotonic);
                }
            }
            LogEvent::Own { input, document } => {
                self.reports
                    .push(input, document, &Networks::of(&self.site));
                self.own_input = input.to_owned();
            }
            LogEvent::EndOfOwn => self.reports.end_input(&self.own_input),
            LogEvent::EndOfLog { correction } => {
                let mut ended = std::mem::take(&mut self.current);
                ended.add_years(correction);
                let day = self.day_of_log.take().map(|day| day.add_years(correction));
                self.day = self.day.or(day);
                self.flows.absorb(&self.site, ended);
            }
        }
    }

    /// Whether a line of this time is judged.
    fn wants(&mut self, time: Time) -> bool {
        if self.day_of_log.is_none() && time.is_dated() {
            self.day_of_log = Some(time);
            if std::mem::take(&mut self.has_daytimes) {
                self.site.set_day(time);
            }
        }
        self.site.wants(time)
    }

    /// Counts a line of another LOG rule.
    fn other_prefix(&mut self, prefix: &[u8]) {
        let prefix = text(prefix);
        let known = self.other_prefixes.len() < MAX_PREFIXES;
        if known || self.other_prefixes.contains_key(&prefix) {
            *self.other_prefixes.entry(prefix).or_default() += 1;
        }
    }

    /// Adds drop lines.
    pub fn push_drops(&mut self, drops: DropBatch<'_>) {
        let mut counted = SmallVec::<[CountedDrop<'_>; 64]>::new();
        for line in drops {
            self.met += u64::from(line.packet.is_ok());
            if !self.wants(line.time) {
                self.tally.outside += u64::from(line.repeats);
                continue;
            }
            match &line.packet {
                Ok(packet) => counted.extend(self.counted(line, packet)),
                Err(why) => self.mangled(*why, line.message),
            }
        }
        self.current.add_all(&self.site, &counted);
    }

    /// Counts a drop line, unless an earlier input had it.
    fn counted<'a>(
        &mut self,
        drop: &'a DropLine<'a>,
        packet: &'a PacketSummary<'a>,
    ) -> Option<CountedDrop<'a>> {
        let mut lines = drop.repeats;
        if let Some(dedup) = &mut self.dedup {
            let identity = dedup.identity(drop);
            lines = dedup.fresh(identity, lines);
            if lines == 0 {
                return None;
            }
        }
        self.tally.drops += u64::from(lines);
        let bounded = self.site.since.is_some() || self.site.until.is_some();
        if bounded && !drop.time.is_dated() {
            self.undated += u64::from(lines);
        }
        Some(CountedDrop {
            drop,
            packet,
            lines,
        })
    }

    /// Adds a line that reports lost evidence, or a boot, or a step back in time.
    fn notice(&mut self, kind: NoticeKind, host: Option<&str>, count: u64, time: Time) {
        if kind == NoticeKind::Boot {
            self.current.boot(host, time);
        }
        let known = self.notices.len() < MAX_NOTICES;
        let key = (host.map(str::to_owned), kind);
        if known || self.notices.contains_key(&key) {
            let notice = self.notices.entry(key).or_insert(Notice {
                lines: 0,
                count: 0,
                first: time,
            });
            notice.lines += 1;
            notice.count = notice.count.saturating_add(count);
            notice.first = notice.first.min(time);
        }
    }

    /// Moves the times of the log that is being read by whole years.
    pub fn add_years(&mut self, years: i32) {
        self.current.add_years(years);
        self.day_of_log = self.day_of_log.map(|day| day.add_years(years));
    }

    /// Returns the number of records that an earlier input contained.
    pub fn repeated(&self) -> u64 {
        self.dedup.as_ref().map_or(0, Dedup::repeated)
    }

    /// Returns the hosts whose log goes back in time, with the time of the first such line.
    pub fn went_back(&self) -> impl Iterator<Item = (Option<&str>, Time)> {
        self.notices
            .iter()
            .filter(|((_, kind), _)| *kind == NoticeKind::TimeBack)
            .map(|((host, _), notice)| (host.as_deref(), notice.first))
    }

    /// Takes a fact of the cluster that no input tells.
    pub fn tell(&mut self, fact: &ClusterFact, by: Provenance) {
        self.site.learn(fact, by);
    }

    /// Adds a fact that an input contains about the cluster.
    fn learn(&mut self, fact: ClusterFact, by: Provenance) {
        self.site.learn(&fact, by);
        self.learned.push(fact);
    }

    /// Returns the facts that the inputs contain about the cluster, in their order.
    pub fn learned(&self) -> &[ClusterFact] {
        &self.learned
    }

    fn refuse(&mut self, unreadable: bool, why: String, line: &[u8]) {
        if unreadable {
            self.tally.unreadable += 1;
        } else {
            self.tally.untrusted += 1;
        }
        if self.refused.len() < MAX_REFUSED {
            let line = text(line);
            self.refused.push(Refused {
                unreadable,
                why,
                line,
            });
        }
    }

    /// Frees what only further inputs would need: none comes.
    pub fn end_inputs(&mut self) {
        if let Some(dedup) = &mut self.dedup {
            dedup.end();
        }
    }

    /// Sets the number of lines read in all.
    pub const fn set_lines(&mut self, lines: u64) {
        self.tally.lines = lines;
    }

    /// Returns the first lines that were refused.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Creates the report on the lines read so far. For a live log, `now` is the current time of the log.
    pub fn report(&self, now: Option<Time>) -> Report {
        let mut whole = self.of_logs(now);
        if !self.reports.is_empty() {
            whole = self.with_reports(whole);
        }
        let accepted = self.take_accepted(&mut whole);
        let rules = suggest(&mut whole.findings, &self.site, self.scope);
        let splits = splits(&whole.nodes, &whole.findings);
        let mut warnings = whole.warnings;
        if !whole.findings.is_empty() {
            warnings.extend(unused_names(&self.site, &whole.nodes));
        }
        warnings.extend(accepted);
        warnings.sort();
        Report {
            span: whole.span,
            now,
            tally: whole.tally,
            nodes: whole.nodes,
            findings: whole.findings,
            rules,
            warnings,
            splits,
            windows: whole.windows,
            networks: whole.networks,
            limit: self.site.limit,
            inputs: Vec::new(),
            options: Vec::new(),
            filters: whole.filters,
        }
    }

    /// Returns the outcomes of each flow in the running chain, by the number that findings have of it.
    pub fn outcomes(&self) -> HashMap<u64, Arc<ChainOutcomes>> {
        let flows = self.judged();
        let marks = flows.marks();
        let known = |seen: Seen<'_>| {
            let outcomes = seen.flow.detail.outcomes.as_ref()?;
            Some((flow_id(&seen.key), Arc::clone(outcomes)))
        };
        flows.iter(&marks).filter_map(known).collect()
    }

    /// Returns the results of the logs alone, without those of reports.
    fn of_logs(&self, now: Option<Time>) -> Part {
        let flows = self.judged();
        let flows = flows.as_ref();
        let scene = Scene::new(flows, &self.site, now);
        let findings = findings(&scene);
        let mut nodes: Vec<NodeReport> = scene
            .nodes
            .values()
            .map(|node| NodeReport {
                node: node.name.to_owned(),
                role: node.role,
                role_known: self.site.is_role_known(node.name),
                addresses: node.addresses.clone(),
                logged: node.logged,
                saturated: node.saturated.clone(),
                saturated_by_family: node.saturated_by_family.clone(),
                boots: flows.starts(node.name),
                unlogged: (self.site.in_force).unlogged(
                    node.name,
                    node.role,
                    scene.nodes.len() == 1,
                ),
            })
            .collect();
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        let mut warnings =
            warnings::warnings(&scene, &nodes, &findings, &self.notices, flows.folded());
        warnings.extend(self.elsewhere.warning());
        warnings.extend(self.unread_warnings());
        warnings.extend(warnings::without_log(&self.learned));
        if self.tally.drops == 0 {
            warnings.extend(warnings::other_prefixes(&self.other_prefixes));
        }
        if !findings.is_empty() {
            warnings.extend(warnings::undated(self.undated));
            let untold = self.dedup.as_ref().map_or(0, Dedup::untold);
            warnings.extend(warnings::unchecked_repeats(untold));
        }
        warnings.extend(warnings::contradictions(&self.site));
        warnings.extend(warnings::outside(
            &self.site,
            self.tally,
            self.beside(scene.span),
        ));
        warnings.extend(warnings::unmet_upgrades(&self.site, scene.span));
        Part {
            span: scene.span,
            tally: self.tally,
            nodes,
            findings,
            warnings,
            windows: self.windows(&scene),
            networks: Networks::of(&self.site),
            filters: Vec::new(),
        }
    }

    /// Returns a time of the log, near which a time without a year is meant: of a judged line, else of any other.
    fn beside(&self, span: Option<(Time, Time)>) -> Time {
        let (judged, any) = (span.map(|(first, _)| first), self.day_of_log.or(self.day));
        judged.or(any).unwrap_or(Time(0))
    }

    /// Returns the upgrade windows, given and found, in the order of time.
    fn windows(&self, scene: &Scene<'_>) -> Vec<WindowReport> {
        let beside = self.beside(scene.span);
        let told = self.site.upgrades.iter().map(|window| WindowReport {
            from: Some(window.from.near(beside)).filter(|from| from.0 > 0),
            to: Some(window.to.near(beside)).filter(|to| to.0 < i64::MAX),
            origin: window.origin,
        });
        let found = scene.found_upgrades().map(|found| WindowReport {
            from: Some(found.from),
            to: Some(found.to),
            origin: WindowOrigin::Found,
        });
        let mut windows: Vec<WindowReport> = told.chain(found).collect();
        windows.sort_by_key(|window| (window.from, window.to, window.origin));
        windows.dedup();
        windows
    }
}

/// Returns the start of a record, at most 2000 bytes, to be shown.
fn text(record: &[u8]) -> String {
    String::from_utf8_lossy(&record[..record.len().min(2_000)]).into_owned()
}

/// Whether a finding with one of these verdicts fails the run: one without an acceptance.
pub fn fails(report: &Report, verdicts: &[Verdict]) -> bool {
    report
        .findings
        .iter()
        .any(|f| f.accepted.is_none() && verdicts.contains(&f.verdict()))
}
