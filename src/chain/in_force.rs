//! The chains in force: texts of nodes in, what they would do with a packet out.
//!
//! A CloudInit with a selector counts only for nodes of the roles that it picks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::Role;
use crate::chain::cloudinit::{self, Resource};
use crate::chain::dead::{Dead, Why};
use crate::chain::evaluate::{Evaluation, Outcome};
use crate::chain::fate::{Fate, Judged};
use crate::chain::{Chain, Counted, Family, Fault, Form, INPUT, RuleSet, boot, detect, read};
use crate::error::{Error, printable};
use crate::packet::PacketSummary;

/// So many nodes of one text are told apart by their names.
const MOST_HOSTS: usize = 256;

/// The chains in force, as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// What the user told of all nodes.
    all: Vec<Source>,
    /// What the user told of one.
    told: BTreeMap<String, Vec<Source>>,
    /// The nodes that the user named.
    named: BTreeSet<String>,
    /// The files with which a node boots, and their chains: what an input told.
    learned: BTreeMap<String, (Vec<Resource>, Source)>,
}

/// One text, read for each role in the order of [`Role::ALL`].
#[derive(Debug, Clone)]
struct Source {
    name: String,
    sets: [Arc<RuleSet>; 3],
}

/// The chains in force on one node, for one family.
#[derive(Debug, Clone, Copy)]
pub struct Chains<'a> {
    /// The name of their text.
    pub name: &'a str,
    pub set: &'a RuleSet,
    family: Family,
    role: Role,
    source: &'a Source,
}

impl InForce {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.told.is_empty() && self.learned.is_empty()
    }

    /// Takes what the user told, of one node or of all.
    ///
    /// # Errors
    /// Where no firewall chain is in the text, or it cannot be read.
    pub fn tell(&mut self, node: Option<&str>, name: &str, text: &str) -> Result<(), Error> {
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
        let parts = parts(node, name, text).map_err(|fault| unreadable(fault.to_string()))?;
        let has = |source: &Source| [Family::V4, Family::V6].iter().any(|f| source.has(*f));
        if !parts.iter().any(|(_, source)| has(source)) {
            return Err(unreadable("it has no chain that logs and drops".to_owned()));
        }
        self.named.extend(node.map(str::to_owned));
        for (node, source) in parts.into_iter().filter(|(_, source)| has(source)) {
            match node {
                Some(node) => self.told.entry(node).or_default().push(source),
                None => self.all.push(source),
            }
        }
        Ok(())
    }

    /// Takes a file with which a node boots; such files run in the order of their names. `false` where it cannot be read.
    pub fn learn(&mut self, node: &str, name: &str, text: &str) -> bool {
        if !matches!(detect(text), Ok(Form::CloudInit)) {
            return false;
        }
        let Ok(mut more) = cloudinit::read(text) else {
            return false;
        };
        let known = self.learned.remove(node);
        let (mut resources, name) = match known {
            Some((resources, source)) => (resources, format!("{}, {name}", source.name)),
            None => (Vec::new(), name.to_owned()),
        };
        resources.append(&mut more);
        let source = Source::boot(&name, &resources);
        self.learned.insert(node.to_owned(), (resources, source));
        true
    }

    /// The sources of a node: what the user told of it, else of all, else what an input told.
    fn sources(&self, node: &str) -> &[Source] {
        match (self.told.get(node), self.learned.get(node)) {
            (Some(told), _) => told,
            (None, _) if !self.all.is_empty() => &self.all,
            (None, Some((_, source))) => std::slice::from_ref(source),
            (None, None) => &[],
        }
    }

    /// The chains in force on a node, where they are known: of several texts the last with a firewall of the family.
    pub fn of(&self, node: &str, role: Role, family: Family) -> Option<Chains<'_>> {
        let sources = self.sources(node);
        let source = sources.iter().rfind(|source| source.has(family))?;
        Some(Chains {
            name: &source.name,
            set: source.set(role),
            family,
            role,
            source,
        })
    }

    /// Drops of a node that left no line, where its text has counters. A text for all nodes counts where `alone`.
    pub fn unlogged(&self, node: &str, role: Role, alone: bool) -> Option<Counted> {
        if !alone && !self.told.contains_key(node) {
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

    /// The nodes that the user told of by name.
    pub fn told_nodes(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(String::as_str)
    }

    /// The texts that the user told and that have lines which were not understood: how many, and the first.
    pub fn faults(&self) -> impl Iterator<Item = (&str, usize, &Fault)> {
        let sources = self.all.iter().chain(self.told.values().flatten());
        sources.filter_map(|source| {
            let worst = source.sets.iter().max_by_key(|set| set.faults.len())?;
            let first = worst.faults.first()?;
            Some((source.name.as_str(), worst.faults.len(), first))
        })
    }

    /// Every text that was read, with the node that it is of, or none where it is of all.
    pub fn texts(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let all = self.all.iter().map(|source| (None, source));
        let told = (self.told.iter())
            .flat_map(|(node, sources)| sources.iter().map(|s| (Some(node.as_str()), s)));
        let learned = (self.learned.iter())
            .filter(|(node, _)| self.all.is_empty() && !self.told.contains_key(*node))
            .map(|(node, (_, source))| (Some(node.as_str()), source));
        all.chain(told)
            .chain(learned)
            .map(|(node, source)| (node, source.name.as_str()))
    }

    /// As it would be with another chain on a node, which counts before all that were told.
    pub fn replace(&mut self, node: &str, name: &str, set: RuleSet) {
        let sources = self.told.entry(node.to_owned()).or_default();
        sources.push(Source::same(name, set));
    }
}

/// The sources of a text, each with its node: CloudInits that pick nodes by their name are apart.
fn parts(
    node: Option<&str>,
    name: &str,
    text: &str,
) -> Result<Vec<(Option<String>, Source)>, Fault> {
    if text.len() > super::LONGEST || detect(text)? != Form::CloudInit {
        return read(text).map(|set| vec![(node.map(str::to_owned), Source::same(name, set))]);
    }
    let resources = cloudinit::read(text)?;
    let of = |node: Option<&str>| {
        let wanted = |resource: &&Resource| match node {
            Some(node) => !resource.is_of_another(node),
            None => resource.hostname().is_none(),
        };
        let own: Vec<Resource> = resources.iter().filter(wanted).cloned().collect();
        (node.map(str::to_owned), Source::boot(name, &own))
    };
    if node.is_some() {
        return Ok(vec![of(node)]);
    }
    let hosts: BTreeSet<&str> = resources.iter().filter_map(Resource::hostname).collect();
    let mut all = vec![of(None)];
    all.extend(
        hosts
            .into_iter()
            .take(MOST_HOSTS)
            .map(|host| of(Some(host))),
    );
    Ok(all)
}

impl Source {
    fn boot(name: &str, resources: &[Resource]) -> Self {
        Self {
            name: name.to_owned(),
            sets: Role::ALL.map(|role| Arc::new(boot(resources, |resource| resource.picks(role)))),
        }
    }

    fn same(name: &str, set: RuleSet) -> Self {
        let set = Arc::new(set);
        Self {
            name: name.to_owned(),
            sets: [Arc::clone(&set), Arc::clone(&set), set],
        }
    }

    fn set(&self, role: Role) -> &RuleSet {
        let at = Role::ALL.iter().position(|known| *known == role);
        &self.sets[at.unwrap_or_default()]
    }

    fn has(&self, family: Family) -> bool {
        self.sets.iter().any(|set| set.firewall(family).is_some())
    }
}

impl<'a> Chains<'a> {
    /// The chain that filters the node.
    pub fn firewall(&self) -> Option<&'a Chain> {
        self.set.firewall(self.family)
    }

    /// What they do with a dropped packet.
    pub fn judge(&self, packet: &PacketSummary<'_>) -> Judged {
        let Some(chain) = self.firewall() else {
            return Judged {
                fate: Fate::NoMatch,
                dead: self.elsewhere(packet),
                notes: vec![format!(
                    "{} has no rules for {} nodes",
                    self.name, self.role
                )],
            };
        };
        let outcome = outcome(self.set, chain, packet);
        let fate = Fate::of(&outcome);
        let dead = if matches!(fate, Fate::Accepted(_)) {
            Vec::new()
        } else {
            let mut dead = self.set.dead_accepts(packet);
            dead.extend(self.elsewhere(packet));
            dead
        };
        Judged {
            fate,
            dead,
            notes: outcome.notes,
        }
    }

    /// The rules of other roles that would accept it.
    fn elsewhere(&self, packet: &PacketSummary<'_>) -> Vec<Dead> {
        let mut out: Vec<Dead> = Vec::new();
        for role in Role::ALL {
            let set = self.source.set(role);
            if std::ptr::eq(set, self.set) || role == self.role {
                continue;
            }
            let chain = set.firewall(self.family);
            let Some(Fate::Accepted(place)) = chain.map(|c| Fate::of(&outcome(set, c, packet)))
            else {
                continue;
            };
            // One CloudInit may serve several roles.
            let own = self.set.chains.iter().flat_map(|chain| &chain.rules);
            if !own.into_iter().any(|rule| rule.line == place.line) {
                out.push(Dead {
                    place,
                    why: Why::Role(role),
                });
            }
        }
        out
    }
}

/// By INPUT, as the kernel does, where the text has it; else by the chain itself.
fn outcome(set: &RuleSet, chain: &Chain, packet: &PacketSummary<'_>) -> Outcome {
    let family = Family::of(packet);
    let input = set
        .chain(family, INPUT)
        .filter(|c| c.line > 0 || !c.rules.is_empty());
    let entry = input.map_or(chain.name.as_str(), |_| INPUT);
    set.evaluate(packet, Evaluation { chain: entry })
}
