//! Input of an audit: each chain or CloudInit as a [`Subject`], with the nodes and the options.

use std::cell::{Cell, OnceCell};

use crate::audit::{Hit, Options, Way};
use crate::catalog::Role;
use crate::chain::{
    self, Assume, Chain, Condition, Family, Fault, Form, INPUT, Rule, RuleSet, Runner, Script,
};
use crate::cloudinit::selector::role_of;
use crate::cloudinit::yaml::{self, Node};
use crate::cloudinit::{self, Resource};

/// All texts that are audited together.
pub struct Scene<'a> {
    pub role: Role,
    pub options: &'a Options,
    pub subjects: Vec<Subject<'a>>,
    pub nodes: Vec<NodeLabels>,
    /// Files that could not be read.
    pub unread: Vec<(&'a str, Fault)>,
    /// Conditions that cannot be known, and on which rules depend.
    pub conditions: Vec<(&'a str, Fault)>,
}

/// One chain or CloudInit.
pub struct Subject<'a> {
    pub file: &'a str,
    /// Role against which it is audited.
    pub role: Role,
    pub set: RuleSet,
    pub family: Family,
    pub resource: Option<Resource>,
    /// The chains after a second run of the same commands; `None` for a dump.
    pub again: Option<RuleSet>,
    /// Whether it concerns the firewall at all.
    pub firewall: bool,
    /// Outcome of the unknown conditions that leads to the chains; `None` where they do not depend on them.
    pub way: Option<Way>,
    /// Whether it is compared with the documented ports: those are of IPv4, unless there is only IPv6.
    pub is_measured: bool,
    /// Number of rules evaluated so far.
    pub(super) steps: Cell<u64>,
    /// Line before which rules are inserted; computed on first use.
    pub(super) place: OnceCell<usize>,
}

/// The labels of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLabels {
    pub name: String,
    pub labels: Vec<(String, String)>,
}

impl<'a> Scene<'a> {
    /// Reads the texts.
    pub fn new(role: Role, files: &[(&'a str, &'a str)], options: &'a Options) -> Self {
        let mut scene = Self {
            role,
            options,
            subjects: Vec::new(),
            nodes: Vec::new(),
            unread: Vec::new(),
            conditions: Vec::new(),
        };
        for (file, text) in files {
            if let Err(fault) = scene.file(file, text) {
                scene.unread.push((file, fault));
            }
        }
        scene
    }

    fn file(&mut self, file: &'a str, text: &str) -> Result<(), Fault> {
        if text.len() > chain::MAX_TEXT {
            return Err(Fault::new(1, "it is longer than 16 MiB"));
        }
        let role = self.role;
        let push = |set: RuleSet, role, resource, again| {
            let family = family(&set);
            Subject {
                file,
                role,
                set,
                family,
                resource,
                again,
                firewall: true,
                way: None,
                is_measured: true,
                steps: Cell::new(0),
                place: OnceCell::new(),
            }
        };
        let form = chain::detect(text)?;
        chain::check_size(form, text)?;
        match form {
            Form::CloudInit => {
                let before = self.nodes.len();
                for document in yaml::read(text)? {
                    nodes(&document, &mut self.nodes);
                }
                let resources = cloudinit::read(text)?;
                if resources.is_empty() && self.nodes.len() == before {
                    return Err(Fault::new(1, "no CloudInit and no Node in it"));
                }
                for resource in resources {
                    let role = resource
                        .selector
                        .as_deref()
                        .map_or(role, |selector| role_of(selector, role));
                    let says = |text: &str| text.contains("iptables") || text.contains("ip6tables");
                    let firewall = resource.commands.iter().any(|command| says(&command.text))
                        || resource
                            .files
                            .iter()
                            .any(|file| says(&file.text) || file.text.contains("*filter"))
                        || !resource.not_text.is_empty()
                        || resource.name.as_deref().is_some_and(says);
                    self.ways(&mut |assume| {
                        let twice = twice(Form::CloudInit, assume, &mut |runner| {
                            cloudinit::run(runner, &[&resource]);
                        });
                        let subject =
                            push(twice.set, role, Some(resource.clone()), Some(twice.again));
                        let subject = Subject {
                            firewall,
                            ..subject
                        };
                        (subject, twice.conditions)
                    });
                }
            }
            Form::Script => {
                let script = Script::read(text, 1);
                self.ways(&mut |assume| {
                    let twice = twice(Form::Script, assume, &mut |runner| runner.run(&script));
                    let subject = push(twice.set, role, None, Some(twice.again));
                    (subject, twice.conditions)
                });
            }
            Form::Save | Form::Specification | Form::Listing => {
                let subject = push(chain::read(text)?, role, None, None);
                if subject.family == Family::V4 && subject.set.filters(Family::V6) {
                    self.subjects.push(Subject {
                        family: Family::V6,
                        is_measured: false,
                        ..push(subject.set.of_family(Family::V6), role, None, None)
                    });
                }
                self.subjects.push(subject);
            }
        }
        Ok(())
    }

    /// Adds the chains that commands leave, for each outcome of unknown conditions that makes a difference.
    fn ways(&mut self, make: &mut dyn FnMut(Assume) -> (Subject<'a>, Vec<Condition>)) {
        let (mut without, mut conditions) = make(Assume::None);
        if conditions.is_empty() {
            self.subjects.push(without);
            return;
        }
        let (mut holding, more) = make(Assume::All);
        // One condition may hide another.
        let new = |condition: &Condition| !conditions.contains(condition);
        let new: Vec<Condition> = more.into_iter().filter(new).collect();
        conditions.extend(new);
        let mut mixed: Vec<Subject<'a>> = Vec::new();
        for assume in Assume::mixed(&conditions, &without.set) {
            let (mut subject, _) = make(assume);
            let is_known = |known: &Subject<'a>| known.set.chains() == subject.set.chains();
            if ![&without, &holding].into_iter().any(is_known) && !mixed.iter().any(is_known) {
                subject.way = Some(Way::Mixed);
                mixed.push(subject);
            }
        }
        let file = without.file;
        let same = holding.set.chains() == without.set.chains();
        if !same || !mixed.is_empty() {
            let named = conditions.iter().map(|condition| (file, condition.fault()));
            self.conditions.extend(named);
        }
        if !same {
            without.way = Some(Way::Fails);
            holding.way = Some(Way::Holds);
            mixed.push(holding);
        }
        self.subjects.push(without);
        self.subjects.append(&mut mixed);
    }

    /// Hits of every subject that has a firewall chain.
    pub(super) fn of_chains(&self, check: impl Fn(&Subject<'a>, &Chain) -> Vec<Hit>) -> Vec<Hit> {
        let with = |subject: &Subject<'a>| subject.chain().map(|chain| check(subject, chain));
        self.subjects.iter().filter_map(with).flatten().collect()
    }

    /// Hits of every CloudInit.
    pub(super) fn of_resources(
        &self,
        check: impl Fn(&Subject<'a>, &Resource) -> Vec<Hit>,
    ) -> Vec<Hit> {
        let with = |subject: &Subject<'a>| {
            subject
                .resource
                .as_ref()
                .map(|resource| check(subject, resource))
        };
        self.subjects.iter().filter_map(with).flatten().collect()
    }
}

impl Subject<'_> {
    /// Returns the chain that filters the node.
    pub fn chain(&self) -> Option<&Chain> {
        self.set.firewall(self.family)
    }

    /// Returns the rules of INPUT that lead to `chain`; `None` where the text does not have INPUT, or `chain` is INPUT.
    pub(super) fn jumps(&self, chain: &Chain) -> Option<Vec<&Rule>> {
        let input = self
            .set
            .chain(self.family, INPUT)
            .filter(|input| input.name != chain.name)?;
        let leads = |rule: &&Rule| rule.target.chain() == Some(&chain.name);
        Some(input.rules.iter().filter(leads).collect())
    }

    pub(super) fn hit(&self, line: usize, text: impl Into<String>, mend: impl Into<String>) -> Hit {
        Hit {
            file: self.file.to_owned(),
            line,
            text: text.into(),
            mend: mend.into(),
            commands: Vec::new(),
            way: self.way,
        }
    }
}

/// Chains after one run, and after a second run, of the same commands.
struct Twice {
    set: RuleSet,
    again: RuleSet,
    conditions: Vec<Condition>,
}

/// Runs commands once, and a second time on the resulting chains.
fn twice(form: Form, assume: Assume, run: &mut dyn FnMut(&mut Runner)) -> Twice {
    let mut runner = Runner::new(form).assuming(assume);
    run(&mut runner);
    let set = runner.set().clone().finished();
    let conditions = runner.conditions().to_vec();
    runner.forget_faults();
    run(&mut runner);
    Twice {
        set,
        again: runner.finish(),
        conditions,
    }
}

/// Returns the family of a set: IPv6 where only `ip6tables` has rules.
fn family(set: &RuleSet) -> Family {
    let has = |family| {
        set.chains()
            .iter()
            .any(|chain| chain.family == family && !chain.rules.is_empty())
    };
    if has(Family::V6) && !has(Family::V4) {
        Family::V6
    } else {
        Family::V4
    }
}

fn nodes(node: &Node, out: &mut Vec<NodeLabels>) {
    for item in node.get("items").map(Node::items).unwrap_or_default() {
        nodes(item, out);
    }
    if node.get("kind").and_then(Node::text) != Some("Node") {
        return;
    }
    let Some(metadata) = node.get("metadata") else {
        return;
    };
    let text = |node: &Node| node.text().unwrap_or_default().to_owned();
    out.push(NodeLabels {
        name: metadata.get("name").map(text).unwrap_or_default(),
        labels: metadata
            .get("labels")
            .map(|labels| {
                labels
                    .entries()
                    .iter()
                    .map(|(key, value)| (text(key), text(value)))
                    .collect()
            })
            .unwrap_or_default(),
    });
}
