//! Wires the stages: items of a log in, a report or live events out. The only place that knows their order.

mod explain;
mod live;
mod simulate;
mod warnings;

use std::collections::BTreeMap;

use crate::cause::Verdict;
use crate::cause::scene::Scene;
use crate::chain::Family;
use crate::finding::{Finding, findings};
use crate::flow::Flows;
use crate::input::fact::Fact;
use crate::input::repeats::Repeats;
use crate::input::scan::{Drops, Item};
use crate::input::{Entry, NoticeKind};
use crate::packet::Brief;
use crate::report::{NodeReport, Report, Tally, WindowReport};
use crate::rule::{Scope, Split, suggest};
use crate::site::{Site, Window, WindowOrigin};
use crate::time::{Moment, Time};

pub use explain::explain;
pub use live::Live;
pub use simulate::with_suggested;

/// So many refused lines are kept to be shown.
const MOST_REFUSED: usize = 100;

/// So many hosts and kinds of notices are kept apart.
const MOST_NOTICES: usize = 1_000;

/// What lines of one kind and host tell of lost evidence.
#[derive(Debug, Clone, Copy)]
struct Notice {
    lines: u64,
    /// The sum of what they say was lost.
    count: u64,
    first: Time,
}

/// Notices by host and kind.
type Notices = BTreeMap<(Option<String>, NoticeKind), Notice>;

/// A line that looked like a drop line and was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it was one, but could not be read; else it is not the kernel's.
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
    tally: Tally,
    refused: Vec<Refused>,
    /// Where there are several inputs: the records of the earlier ones.
    repeats: Option<Repeats>,
    /// Drop lines that `--since` and `--until` could not tell of, since they have no date.
    undated: u64,
    learned: Vec<Fact>,
    /// What the logs tell of lost evidence, by host and kind.
    notices: Notices,
}

impl Analysis {
    /// An analysis that has seen nothing yet.
    pub fn new(site: Site, scope: Scope) -> Self {
        Self {
            site,
            scope,
            flows: Flows::default(),
            current: Flows::default(),
            tally: Tally::default(),
            refused: Vec::new(),
            repeats: None,
            undated: 0,
            learned: Vec::new(),
            notices: Notices::new(),
        }
    }

    /// The site, with what the inputs told of it.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// Takes what the scanner found.
    pub fn push(&mut self, item: Item<'_>) {
        match item {
            Item::Drops(drops) => self.drops(&drops),
            Item::Unreadable { record, why } => self.refuse(true, why.to_owned(), record),
            Item::Untrusted { record, why } => self.refuse(false, why.to_owned(), record),
            Item::Notice {
                kind,
                host,
                count,
                time,
            } => self.notice(kind, host, count, time),
            Item::Learned(fact) => self.learn(fact),
            Item::Alive {
                time,
                monotonic,
                host,
            } if self.site.wants(time) => self.current.alive(host, time, monotonic),
            Item::Alive { .. } => {}
            Item::EndOfLog { correction } => {
                let mut ended = std::mem::take(&mut self.current);
                ended.add_years(correction);
                self.flows.absorb(&self.site, ended);
            }
        }
    }

    fn drops(&mut self, drops: &Drops<'_>) {
        let bounded = self.site.since.is_some() || self.site.until.is_some();
        // A chain is asked about each line for itself.
        let asks = !self.site.in_force.is_empty();
        if !bounded && !asks && self.repeats.is_none() && drops.are_read() {
            let before = self.current.logged();
            self.current.add_all(&self.site, drops);
            self.tally.drops += self.current.logged() - before;
            return;
        }
        for entry in drops.iter() {
            if !self.site.wants(entry.time) {
                continue;
            }
            if let Some(packet) = entry.packet {
                let interface = entry.interface;
                self.add(
                    &entry,
                    &Brief {
                        interface,
                        ..*packet
                    },
                );
                continue;
            }
            let message = String::from_utf8_lossy(entry.message);
            match Brief::read(&message) {
                Ok(packet) => self.add(&entry, &packet),
                Err(why) => self.refuse(true, why.to_string(), entry.message),
            }
        }
    }

    fn add(&mut self, entry: &Entry<'_>, packet: &Brief<'_>) {
        let mut lines = entry.repeats;
        if let Some(repeats) = &mut self.repeats {
            let identity = repeats.identity(entry);
            lines = repeats.fresh(identity, lines);
            if lines == 0 {
                return;
            }
        }
        self.tally.drops += u64::from(lines);
        let bounded = self.site.since.is_some() || self.site.until.is_some();
        if bounded && !entry.time.is_dated() {
            self.undated += u64::from(lines);
        }
        self.current.add(&self.site, entry, packet, lines);
    }

    /// Takes a line that tells how far the log can be believed.
    fn notice(&mut self, kind: NoticeKind, host: Option<&str>, count: u64, time: Time) {
        if kind == NoticeKind::Boot {
            self.current.boot(host, time);
        }
        let known = self.notices.len() < MOST_NOTICES;
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
    }

    /// Says that another input begins; what earlier ones had already then counts once.
    pub fn begin_input(&mut self) {
        self.repeats.get_or_insert_default().begin_input();
    }

    /// How many records were in an earlier input already.
    pub fn repeated(&self) -> u64 {
        self.repeats.as_ref().map_or(0, Repeats::repeated)
    }

    /// The hosts whose log goes back in time, with the first such line.
    pub fn went_back(&self) -> impl Iterator<Item = (Option<&str>, Time)> {
        self.notices
            .iter()
            .filter(|((_, kind), _)| *kind == NoticeKind::TimeBack)
            .map(|((host, _), notice)| (host.as_deref(), notice.first))
    }

    /// Takes what an input tells of the cluster. What the user told stands.
    fn learn(&mut self, fact: Fact) {
        match &fact {
            Fact::Role { node, role, .. } => {
                self.site.roles.entry(node.clone()).or_insert(*role);
            }
            Fact::Address { node, address } => {
                self.site
                    .addresses
                    .entry(*address)
                    .or_insert_with(|| node.clone());
            }
            Fact::PodCidr(net) => {
                if !self.site.told_pod_cidrs && !self.site.pod_cidrs.contains(net) {
                    self.site.pod_cidrs.push(*net);
                }
            }
            Fact::Upgrade { from, to } => self.site.upgrades.push(Window {
                origin: WindowOrigin::Cluster,
                from: Moment::At(*from),
                // An upgrade that has not ended goes on.
                to: Moment::At(to.unwrap_or(Time(i64::MAX))),
            }),
            Fact::Rules { node, name, text } => {
                self.site.in_force.learn(node, name, text);
            }
            Fact::Collected(_) | Fact::Remark(_) => {}
        }
        self.learned.push(fact);
    }

    /// What the inputs told of the cluster, in their order.
    pub fn learned(&self) -> &[Fact] {
        &self.learned
    }

    fn refuse(&mut self, unreadable: bool, why: String, line: &[u8]) {
        if unreadable {
            self.tally.unreadable += 1;
        } else {
            self.tally.untrusted += 1;
        }
        if self.refused.len() < MOST_REFUSED {
            let line = String::from_utf8_lossy(&line[..line.len().min(2_000)]).into_owned();
            self.refused.push(Refused {
                unreadable,
                why,
                line,
            });
        }
    }

    /// Notes how many lines have been read in all.
    pub const fn set_lines(&mut self, lines: u64) {
        self.tally.lines = lines;
    }

    /// The account so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// The first lines that were refused.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// The last time that the log shows.
    pub fn last(&self) -> Option<Time> {
        self.seen().span().map(|(_, last)| last)
    }

    /// What a report costs, in flows that are judged.
    pub fn cost(&self) -> usize {
        self.seen().cost()
    }

    /// The flows to judge: of the logs that have ended or, live, of the one that has not.
    const fn seen(&self) -> &Flows {
        if self.current.logged() > 0 || self.flows.logged() == 0 {
            &self.current
        } else {
            &self.flows
        }
    }

    /// The report on what was read so far. `now` is the log's time of now, where the log is live.
    pub fn report(&self, now: Option<Time>) -> Report {
        let flows = if self.flows.span().is_some() {
            &self.flows
        } else {
            self.seen()
        };
        let scene = Scene::new(flows, &self.site, now);
        let mut findings = findings(&scene);
        let rules = suggest(&mut findings, &self.site, self.scope);
        let mut nodes: Vec<NodeReport> = scene
            .nodes
            .values()
            .map(|node| NodeReport {
                node: node.name.to_owned(),
                role: node.role,
                role_known: self.site.is_role_told(node.name),
                addresses: node.addresses.clone(),
                logged: node.logged,
                saturated: node.saturated.clone(),
                unlogged: (self.site.in_force).unlogged(
                    node.name,
                    node.role,
                    scene.nodes.len() == 1,
                ),
            })
            .collect();
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        let splits = self.splits(&nodes, &findings);
        let mut warnings =
            warnings::warnings(&scene, &nodes, &findings, &self.notices, flows.folded());
        if !findings.is_empty() {
            warnings.extend(warnings::unused_rules(&self.site, &nodes));
            warnings.extend(warnings::unused_roles(&self.site, &nodes));
            warnings.extend(warnings::undated(self.undated));
            warnings.sort();
        }
        Report {
            span: scene.span,
            tally: self.tally,
            nodes,
            findings,
            rules,
            warnings,
            splits,
            windows: self.windows(&scene),
            limit: self.site.limit,
            inputs: Vec::new(),
            options: Vec::new(),
            filtered: false,
        }
    }

    /// The upgrade windows, told and found, in the order of time.
    fn windows(&self, scene: &Scene<'_>) -> Vec<WindowReport> {
        let beside = scene.span.map_or(Time(0), |(first, _)| first);
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

    /// The LOG rules to split: of the nodes whose limit hid lines.
    fn splits(&self, nodes: &[NodeReport], findings: &[Finding]) -> Vec<Split> {
        let hid = |node: &&NodeReport| node.saturated.as_ref().is_some_and(|s| !s.is_empty());
        let split = |node: &NodeReport| {
            let own: Vec<&Finding> = findings.iter().filter(|f| f.node == node.node).collect();
            let v6 = !own.is_empty() && own.iter().all(|finding| finding.key.v6);
            Split {
                node: node.node.clone(),
                family: if v6 { Family::V6 } else { Family::V4 },
                interface: own
                    .first()
                    .map_or_else(String::new, |f| f.interface.clone()),
            }
        };
        nodes.iter().filter(hid).map(split).collect()
    }
}

/// The verdicts that `--fail-on` may name, from the strictest: what exits with 1.
pub fn fails(report: &Report, verdicts: &[Verdict]) -> bool {
    report
        .findings
        .iter()
        .any(|f| verdicts.contains(&f.verdict()))
}
