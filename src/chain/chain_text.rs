//! Texts that tell the chains of nodes: dumps, scripts and CloudInits, read for each role.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::Role;
use crate::chain::{Family, Fault, Form, RuleSet, Script, Ways, check_size, detect, read};
use crate::cloudinit::{self, Resource, boot_both_ways};
use crate::time::Time;

/// How many nodes of one text are told apart by their names.
const MAX_HOSTS: usize = 256;

/// When the chains of a text hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A dump of the running chains, taken then, where that is known.
    Running(Option<Time>),
    /// A CloudInit: the chains of the next boot.
    NextBoot,
}

/// One text, read for each role in the order of [`Role::ALL`].
#[derive(Debug, Clone)]
pub(super) struct ChainText {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) sets: [Arc<RuleSet>; 3],
    /// For each role, what commands leave where conditions cannot be known, other ways than in `sets`.
    pub(super) others: [Arc<Others>; 3],
}

/// The chains of the other ways that conditions may go.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) sets: Vec<RuleSet>,
    /// What is not known, for people.
    pub(super) question: String,
}

/// The files with which a node boots, and what they make.
#[derive(Debug)]
pub(super) struct BootFiles {
    /// Whether they are those of its disk; else objects say that they are to be there.
    pub(super) is_on_disk: bool,
    pub(super) resources: Vec<Resource>,
    pub(super) source: ChainText,
}

/// Returns the sources of a text, each with its node: CloudInits that pick nodes by their name are apart.
pub(super) fn parts(
    node: Option<&str>,
    name: &str,
    text: &str,
    modified: Option<Time>,
) -> Result<Vec<(Option<String>, ChainText)>, Fault> {
    if text.len() > crate::chain::MAX_TEXT || detect(text)? != Form::CloudInit {
        let source = if detect(text)? == Form::Script && text.len() <= crate::chain::MAX_TEXT {
            // A script runs when somebody runs it: as a CloudInit, it says what will be.
            check_size(Form::Script, text)?;
            let script = Script::read(text, 1);
            let ways = Ways::of(Form::Script, &mut |runner| runner.run(&script));
            ChainText::same(name, Origin::NextBoot, ways)
        } else {
            let set = read(text)?;
            let origin = Origin::Running(set.taken.or(modified));
            ChainText::same(name, origin, Ways::certain(set))
        };
        return Ok(vec![(node.map(str::to_owned), source)]);
    }
    let resources = cloudinit::read(text)?;
    let of = |node: Option<&str>| {
        let wanted = |resource: &&Resource| match node {
            Some(node) => !resource.is_of_another(node),
            None => resource.hostname().is_none(),
        };
        let own: Vec<Resource> = resources.iter().filter(wanted).cloned().collect();
        (node.map(str::to_owned), ChainText::boot(name, &own))
    };
    if node.is_some() {
        return Ok(vec![of(node)]);
    }
    let hosts: BTreeSet<&str> = resources.iter().filter_map(Resource::hostname).collect();
    let mut all = vec![of(None)];
    all.extend(hosts.into_iter().take(MAX_HOSTS).map(|host| of(Some(host))));
    Ok(all)
}

impl BootFiles {
    /// Creates the files of `known` with those of one more text.
    pub(super) fn with(
        known: Option<&Arc<Self>>,
        more: &[Resource],
        name: &str,
        is_on_disk: bool,
    ) -> Self {
        let (mut resources, name) = match known {
            Some(known) => (
                known.resources.clone(),
                format!("{}, {name}", known.source.name),
            ),
            None => (Vec::new(), name.to_owned()),
        };
        resources.extend_from_slice(more);
        Self {
            is_on_disk,
            source: ChainText::boot(&name, &resources),
            resources,
        }
    }
}

impl ChainText {
    pub(super) fn boot(name: &str, resources: &[Resource]) -> Self {
        let of = |role: Role| {
            let ways = boot_both_ways(resources.iter().filter(|resource| resource.picks(role)));
            split(ways)
        };
        let [(a, x), (b, y), (c, z)] = Role::ALL.map(of);
        Self {
            name: name.to_owned(),
            origin: Origin::NextBoot,
            sets: [a, b, c],
            others: [x, y, z],
        }
    }

    pub(super) fn same(name: &str, origin: Origin, ways: Ways) -> Self {
        let (set, others) = split(ways);
        Self {
            name: name.to_owned(),
            origin,
            sets: [(); 3].map(|()| Arc::clone(&set)),
            others: [(); 3].map(|()| Arc::clone(&others)),
        }
    }

    pub(super) fn set(&self, role: Role) -> &RuleSet {
        &self.sets[place_of(role)]
    }

    pub(super) fn has(&self, family: Family) -> bool {
        self.sets.iter().any(|set| set.decides(family))
    }
}

/// Returns the chains where no condition holds, and those of the other ways.
fn split(ways: Ways) -> (Arc<RuleSet>, Arc<Others>) {
    let others = Others {
        question: ways.question(),
        sets: ways.holding.into_iter().chain(ways.mixed).collect(),
    };
    (Arc::new(ways.set), Arc::new(others))
}

/// Returns the place of a role in [`Role::ALL`].
pub(super) fn place_of(role: Role) -> usize {
    let at = Role::ALL.iter().position(|known| *known == role);
    at.unwrap_or_default()
}
