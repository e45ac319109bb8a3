//! Active chains of the nodes: texts of nodes in, outcomes of packets out.
//!
//! A dump of iptables is a running chain, as old as its stamp or its file. A CloudInit is the chain of the next boot,
//! and one with a selector applies only to nodes of the roles that it selects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::catalog::Role;
use crate::chain::chain_text::{BootFiles, ChainText, Origin, Others, parts, place_of};
use crate::chain::outcome::{ChainOutcome, Narrowed, Outcome, Position};
use crate::chain::question::Question;
use crate::chain::rule::States;
use crate::chain::shadowed::{Shadowed, Why};
use crate::chain::{Chain, Counted, Family, Fault, Form, PortRule, Rule, RuleSet, detect};
use crate::cloudinit;
use crate::error::{Error, printable};
use crate::node_names::NodeNames;
use crate::time::Time;

/// Upper bound on the rules evaluated in one run: some ten seconds. Further lines are not evaluated, and their outcome
/// is
/// [`ChainOutcome::NotAsked`].
const MAX_STEPS: u64 = 1 << 31;

/// The chains of the nodes, as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct ActiveChains {
    /// Texts that the user gave for all nodes.
    all: Vec<ChainText>,
    /// Texts that the user gave for one node.
    told: BTreeMap<String, Vec<ChainText>>,
    /// The nodes that the user named.
    named: BTreeSet<String>,
    /// Boot files of a node, and their chains, as an input contains them.
    learned: BTreeMap<String, Arc<BootFiles>>,
    /// The names by which logs call the nodes of [`Self::learned`].
    names: NodeNames,
    /// Number of rules evaluated so far, summed over all clones.
    asked: Arc<AtomicU64>,
}

/// The chains of one node, for one family.
#[derive(Debug, Clone, Copy)]
pub struct Chains<'a> {
    /// The name of their text.
    pub name: &'a str,
    pub origin: Origin,
    /// Chains, where unknown conditions do not hold.
    pub set: &'a RuleSet,
    others: &'a Others,
    pub(in crate::chain) family: Family,
    role: Role,
    source: &'a ChainText,
    asked: &'a AtomicU64,
}

/// Result of evaluating the chains of a node for a dropped packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub outcome: ChainOutcome,
    /// Whether it gets in without a line in the drop log.
    pub accepted: bool,
    /// Whether a running chain accepts such a packet in state NEW, while conntrack classifies this one as INVALID.
    pub invalid_alone: bool,
    /// Rules of a running chain that accept such packets from other sources, where only the source keeps this one out.
    pub narrowed: Vec<Narrowed>,
    /// Rules that would accept it, but are not reached or do not apply.
    pub dead: Vec<Shadowed>,
    /// Matches that could not be evaluated.
    pub notes: Vec<String>,
}

impl ActiveChains {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.told.is_empty() && self.learned.is_empty()
    }

    /// Adds a text that the user gave, for one node or for all. `modified` is the time of the file, for a dump without a
    /// stamp.
    ///
    /// # Errors
    /// If the text contains no chain of INPUT, or cannot be parsed.
    pub fn tell(
        &mut self,
        node: Option<&str>,
        name: &str,
        text: &str,
        modified: Option<Time>,
    ) -> Result<(), Error> {
        let unreadable = |why: String| {
            let advice = if why.contains("iptables-save") {
                ""
            } else {
                "; give the output of `iptables-save`, or the CloudInit as YAML"
            };
            Error::Unreadable {
                name: name.to_owned(),
                why: format!("{}{advice}", printable(&why)),
            }
        };
        let parts =
            parts(node, name, text, modified).map_err(|fault| unreadable(fault.to_string()))?;
        let has = |source: &ChainText| [Family::V4, Family::V6].iter().any(|f| source.has(*f));
        if !parts.iter().any(|(_, source)| has(source)) {
            return Err(unreadable("it has no chain that filters what comes in: neither INPUT nor HARVESTER_INPUT is in it with rules".to_owned()));
        }
        self.named.extend(node.map(str::to_owned));
        node.iter().for_each(|node| self.names.add(node));
        for (node, source) in parts.into_iter().filter(|(_, source)| has(source)) {
            match node {
                Some(node) => self.told.entry(node).or_default().push(source),
                None => self.all.push(source),
            }
        }
        Ok(())
    }

    /// Adds a boot file of nodes; such files run in the order of their names. A file on the disk overrides one that an
    /// object declares. Returns `false` where it cannot be parsed.
    pub fn learn(&mut self, nodes: &[String], name: &str, text: &str, is_on_disk: bool) -> bool {
        if !matches!(detect(text), Ok(Form::CloudInit)) {
            return false;
        }
        let Ok(more) = cloudinit::read(text) else {
            return false;
        };
        // Nodes with the same files share the resulting chains.
        let mut made: Vec<(Option<Arc<BootFiles>>, Arc<BootFiles>)> = Vec::new();
        for node in nodes {
            let known = self.learned.get(node);
            if known.is_some_and(|known| known.is_on_disk && !is_on_disk) {
                continue;
            }
            let known = known.filter(|known| known.is_on_disk == is_on_disk);
            let alike = made.iter().find(|(before, _)| match (before, known) {
                (Some(before), Some(known)) => Arc::ptr_eq(before, known),
                (before, known) => before.is_none() && known.is_none(),
            });
            let files = match alike {
                Some((_, files)) => Arc::clone(files),
                None => {
                    let files = Arc::new(BootFiles::with(known, &more, name, is_on_disk));
                    made.push((known.cloned(), Arc::clone(&files)));
                    files
                }
            };
            self.learned.insert(node.clone(), files);
        }
        true
    }

    /// Returns the names of the nodes whose files are known.
    pub const fn names_mut(&mut self) -> &mut NodeNames {
        &mut self.names
    }

    /// Returns the texts that the user gave for a node alone.
    fn told_of(&self, node: &str) -> Option<&Vec<ChainText>> {
        let told = self.told.get(node);
        told.or_else(|| self.told.get(self.names.resolve(node)))
    }

    /// Returns the names of the nodes whose chains are known.
    pub const fn names(&self) -> &NodeNames {
        &self.names
    }

    /// Returns the texts of a node: those that the user gave for it, else those for all nodes, else those of an input.
    fn sources(&self, node: &str) -> &[ChainText] {
        let learned = self.learned.get(self.names.resolve(node));
        match (self.told_of(node), learned) {
            (Some(told), _) => told,
            (None, _) if !self.all.is_empty() => &self.all,
            (None, Some(files)) => std::slice::from_ref(&files.source),
            (None, None) => &[],
        }
    }

    /// Returns the text of a node that has the chains of a family: one of [`Self::sources`], else one for all nodes, else
    /// that of an input. A text of one family leaves the other's to them.
    fn source(&self, node: &str, family: Family) -> Option<&ChainText> {
        let learned = self.learned.get(self.names.resolve(node));
        let learned = learned.map_or(&[][..], |files| std::slice::from_ref(&files.source));
        let all = [self.sources(node), &self.all, learned];
        let of_family = |texts: &'_ [ChainText]| texts.iter().rposition(|text| text.has(family));
        all.into_iter()
            .find_map(|texts| of_family(texts).map(|at| &texts[at]))
    }

    /// Whether what counts for a node is a text that the user gave for all nodes.
    pub fn is_for_all(&self, node: &str) -> bool {
        self.told_of(node).is_none() && !self.all.is_empty()
    }

    /// Returns the active chains of a node; `None` where they are not known. Of several texts the last with a firewall
    /// of the family counts.
    pub fn of(&self, node: &str, role: Role, family: Family) -> Option<Chains<'_>> {
        let source = self.source(node, family)?;
        Some(Chains {
            name: &source.name,
            origin: source.origin,
            set: source.set(role),
            others: &source.others[place_of(role)],
            family,
            role,
            source,
            asked: &self.asked,
        })
    }

    /// Returns the drops of a node that left no line; `None` where its text has no counters. A text for all nodes counts
    /// only where `alone`.
    pub fn unlogged(&self, node: &str, role: Role, alone: bool) -> Option<Counted> {
        if !alone && self.told_of(node).is_none() {
            return None;
        }
        let mut sum: Option<Counted> = None;
        for family in [Family::V4, Family::V6] {
            let counted = (self.sources(node).iter().rev())
                .find_map(|source| source.set(role).firewall(family)?.unlogged());
            if let Some(counted) = counted {
                let sum = sum.get_or_insert(Counted {
                    packets: 0,
                    exact: true,
                });
                sum.packets = sum.packets.saturating_add(counted.packets);
                sum.exact &= counted.exact;
            }
        }
        sum
    }

    /// Returns the nodes for which the user gave texts by name.
    pub fn told_nodes(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(String::as_str)
    }

    /// Returns the texts of the user that contain lines which were not understood: name, number of such lines, and the
    /// first.
    pub fn faults(&self) -> impl Iterator<Item = (&str, usize, &Fault)> {
        let sources = self.all.iter().chain(self.told.values().flatten());
        sources.filter_map(|source| {
            let worst = source.sets.iter().max_by_key(|set| set.faults.len())?;
            let first = worst.faults.first()?;
            Some((source.name.as_str(), worst.faults.len(), first))
        })
    }

    /// Returns every text with its node; `None` for a text for all nodes.
    pub fn texts(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let all = self.all.iter().map(|source| (None, source));
        let told = (self.told.iter())
            .flat_map(|(node, sources)| sources.iter().map(|s| (Some(node.as_str()), s)));
        let learned = (self.learned.iter())
            .filter(|(node, _)| self.all.is_empty() && !self.told.contains_key(*node))
            .map(|(node, files)| (Some(node.as_str()), &files.source));
        all.chain(told)
            .chain(learned)
            .map(|(node, source)| (node, source.name.as_str()))
    }

    /// Returns the origin of each text.
    pub fn origins(&self) -> impl Iterator<Item = Origin> {
        let told = self.told.values().flatten();
        let learned = self.learned.values().map(|files| &files.source);
        (self.all.iter().chain(told).chain(learned)).map(|source| source.origin)
    }

    /// Changes the chains of a text on a node of `role`; the result takes precedence over all texts of the user.
    pub fn replace(&mut self, node: &str, role: Role, name: &str, change: impl Fn(&mut RuleSet)) {
        let known = (self.sources(node).iter().rev()).find(|known| known.name == name);
        let Some(known) = known else { return };
        let mut source = known.clone();
        let at = place_of(role);
        change(Arc::make_mut(&mut source.sets[at]));
        let mut others = Others {
            sets: source.others[at].sets.clone(),
            question: source.others[at].question.clone(),
        };
        others.sets.iter_mut().for_each(change);
        source.others[at] = Arc::new(others);
        let sources = self.told.entry(node.to_owned()).or_default();
        sources.push(source);
    }
}

impl<'a> Chains<'a> {
    /// Returns the chains for all outcomes of unknown conditions; the first is `set`.
    pub fn ways(&self) -> impl Iterator<Item = &'a RuleSet> {
        [self.set].into_iter().chain(&self.others.sets)
    }

    /// Describes the unknown conditions: `` whether `[ -f /oem/x ]` (line 12) holds ``.
    pub fn question(&self) -> &'a str {
        &self.others.question
    }

    /// Whether the chains are loaded now; otherwise from the next boot on.
    pub const fn is_running(&self) -> bool {
        matches!(self.origin, Origin::Running(_))
    }

    /// Whether the chain that filters the node is in the text, where there is one.
    pub fn is_shown(&self) -> bool {
        self.set.shows_filter(self.family)
    }

    /// Returns the chain that filters the node: the one that new rules go into.
    pub fn firewall(&self) -> Option<&'a Chain> {
        self.set.firewall(self.family)
    }

    /// Returns the rules that match the packet's port with further conditions, or stop it.
    pub fn port_rules(&self, question: &Question<'_>) -> Vec<PortRule> {
        self.set.port_rules(question, self.set.entry(self.family))
    }

    /// Returns the rules that accept all ports, or most, from other sources than the packet's.
    pub fn wide_rules(&self, question: &Question<'_>) -> Vec<Narrowed> {
        self.set.narrow(question, self.set.entry(self.family)).wide
    }

    /// Evaluates the chains for a packet with `rule` before a rule of theirs, for each outcome of unknown conditions.
    /// Returns the first outcome in which it stays out, whichever way open matches go.
    pub fn stops(
        &self,
        question: &Question<'_>,
        inserted: Option<(&str, usize, &Rule)>,
    ) -> Option<ChainOutcome> {
        let of = |set: &RuleSet| set.evaluate_with(question, set.entry(self.family), inserted);
        let stays_out = |outcome: &Outcome| {
            let all = || outcome.maybe.iter().chain([&outcome.end]);
            !is_accepted(outcome) && !all().any(|end| matches!(end, ChainOutcome::Accepted(_)))
        };
        self.ways()
            .map(of)
            .find(stays_out)
            .map(|outcome| outcome.end)
    }

    /// Evaluates the chains for a dropped packet. Its line, `message`, is parsed in full only where a rule needs that.
    pub fn judge(&self, question: Question<'_>, message: &str) -> Judged {
        if !self.set.decides(self.family) {
            return Judged {
                outcome: ChainOutcome::NoMatch,
                accepted: false,
                invalid_alone: false,
                narrowed: Vec::new(),
                dead: self.elsewhere(&question),
                notes: vec![format!(
                    "{} has no rules for {} nodes",
                    self.name, self.role
                )],
            };
        }
        if self.asked.load(Ordering::Relaxed) > MAX_STEPS {
            return Judged {
                outcome: ChainOutcome::NotAsked,
                accepted: false,
                invalid_alone: false,
                narrowed: Vec::new(),
                dead: Vec::new(),
                notes: vec![format!(
                    "{} has so many rules that it was not asked about all lines of so long a log",
                    self.name
                )],
            };
        }
        let question = if self.set.asks_detail {
            question.with_line(message)
        } else {
            question
        };
        let when = self.set.entry(self.family);
        let mut outcome = self.set.evaluate(&question, when).only_as_shown();
        let mut steps = outcome.steps;
        for other in &self.others.sets {
            let another = other
                .evaluate(&question, other.entry(self.family))
                .only_as_shown();
            steps += another.steps;
            if (another.end.lets_in(), another.end.stops())
                == (outcome.end.lets_in(), outcome.end.stops())
            {
                continue;
            }
            outcome.notes.push(format!(
                "{} cannot be known from {}: one way it is {}, the other {}",
                self.others.question,
                self.name,
                outcome.end.told(),
                another.end.told()
            ));
            // A packet that only some outcomes accept does not count as accepted.
            if outcome.end.lets_in() {
                let notes = std::mem::take(&mut outcome.notes);
                outcome = Outcome { notes, ..another };
            }
        }
        if is_accepted(&outcome)
            && let Some(position) = self.may_stop(&question, &outcome)
        {
            outcome.end = ChainOutcome::MayStop(position);
        }
        let accepted = is_accepted(&outcome);
        let (mut narrowed, mut dead) = (Vec::new(), Vec::new());
        let mut invalid_alone = false;
        if !accepted {
            if self.is_running() {
                let narrow = self.set.narrow(&question, when);
                steps += narrow.steps;
                narrowed = narrow.kept_out;
                if question.state == Some(States::INVALID) {
                    let new = Question {
                        state: Some(States::NEW),
                        ..question.clone()
                    };
                    let outcome = self.set.evaluate(&new, when);
                    steps += outcome.steps;
                    invalid_alone = is_accepted(&outcome);
                }
            }
            if !matches!(outcome.end, ChainOutcome::MayStop(_)) {
                dead = self.set.dead_accepts(&question);
            }
            dead.extend(self.elsewhere(&question));
            steps += outcome.steps;
        }
        self.asked.fetch_add(steps, Ordering::Relaxed);
        Judged {
            outcome: outcome.end,
            accepted,
            invalid_alone,
            narrowed,
            dead,
            notes: outcome.notes,
        }
    }

    /// Returns the rule about the packet's port that may stop it before it is accepted, by a match that stays open. Of rules
    /// for all ports, such as a list of banned addresses, that is not assumed.
    fn may_stop(&self, question: &Question<'_>, outcome: &Outcome) -> Option<Position> {
        let stops = || outcome.maybe.iter().filter(|end| end.stops());
        stops().next()?;
        let rules = self.port_rules(question).into_iter();
        let mut stopping = rules.filter(|rule| !rule.accepts).map(|rule| rule.position);
        stopping.find(|position| stops().any(|end| end.position() == Some(position)))
    }

    /// Returns the rules of other roles that would accept the packet.
    fn elsewhere(&self, question: &Question<'_>) -> Vec<Shadowed> {
        let mut out: Vec<Shadowed> = Vec::new();
        for role in Role::ALL {
            let set = self.source.set(role);
            if std::ptr::eq(set, self.set) || role == self.role || !set.filters(self.family) {
                continue;
            }
            let ChainOutcome::Accepted(position) =
                set.evaluate(question, set.entry(self.family)).end
            else {
                continue;
            };
            // A CloudInit that serves several roles is no rule of another role.
            let own = self.set.chains().iter().flat_map(|chain| &chain.rules);
            if !own.into_iter().any(|rule| rule.line == position.line) {
                out.push(Shadowed {
                    position,
                    why: Why::Role(role),
                });
            }
        }
        out
    }
}

/// Whether a packet is accepted without a line in the drop log. The policy of INPUT counts only where no program may
/// decide before.
fn is_accepted(outcome: &Outcome) -> bool {
    match outcome.end {
        ChainOutcome::Accepted(_) => true,
        ChainOutcome::Policy(_) => {
            let open = |other: &ChainOutcome| matches!(other, ChainOutcome::Unknown(_));
            outcome.end.lets_in() && outcome.logged.is_empty() && !outcome.maybe.iter().any(open)
        }
        _ => false,
    }
}
