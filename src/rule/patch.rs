//! Selects the suggested rules for a user's CloudInit: those of nodes whose known role is that of the file.
//! `cloudinit/patch` inserts them.

use super::AcceptRule;
use crate::catalog::Role;
use crate::chain::{Fault, MAX_TEXT, of_node};
use crate::cloudinit::patch::{self, Patched, Wanted};
use crate::cloudinit::{self, Resource, boot_both_ways};
use crate::error::{Error, printable, printable_name};

/// The user's file.
#[derive(Debug, Clone, Copy)]
pub struct CloudInitFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
    /// Role for a stages file, which has no selector, as the user gave it.
    pub role: Option<Role>,
}

impl CloudInitFile<'_> {
    /// Returns the role that the selectors of the file select, if it is exactly one.
    pub fn only_role(&self) -> Option<Role> {
        if self.text.len() > MAX_TEXT {
            return None;
        }
        let resources = cloudinit::read(self.text).ok()?;
        let mut roles: Vec<Role> = (resources.iter())
            .filter(|resource| resource.selector.is_some() && resource.has_firewall())
            .flat_map(|resource| Role::ALL.into_iter().filter(|role| resource.picks(*role)))
            .collect();
        roles.dedup();
        match roles[..] {
            [role] => Some(role),
            _ => None,
        }
    }

    /// Parses the resources of the file.
    ///
    /// # Errors
    /// If it cannot be parsed, or has no chain.
    pub fn resources(&self) -> Result<Vec<Resource>, Error> {
        patch::resources(self.text).map_err(|fault| self.refuse(&fault))
    }

    /// Returns the file with `rules` inserted: those of nodes whose role is known to be the file's.
    ///
    /// # Errors
    /// If it cannot be parsed, has no chain, or is written so that lines cannot be inserted; if a rule's node may or may
    /// not be one of the file's.
    pub fn patched(&self, rules: &[AcceptRule]) -> Result<Patched, Error> {
        let resources = self.resources()?;
        let (chosen, mut notes) = self.choose(&resources, rules)?;
        let mut wanted: Vec<Vec<Wanted>> = (chosen.iter())
            .map(|own| own.iter().map(|rule| wanted(rule, rules)).collect())
            .collect();
        for (resource, own) in resources.iter().zip(&mut wanted) {
            notes.extend(self.doubt(resource, own));
        }
        let mut done = patch::patch(self.name, self.text, &resources, &wanted)
            .map_err(|fault| self.by_hand(&fault))?;
        let left_out = notes.len()
            + done
                .notes
                .iter()
                .filter(|note| note.starts_with(LEFT_OUT))
                .count();
        notes.append(&mut done.notes);
        notes.push(match done.added {
            0 if left_out > 0 => format!("{}: no line was added", self.shown()),
            0 => format!("{}: nothing to add", self.shown()),
            1 => format!("{}: 1 line added before LOG", self.shown()),
            n => format!("{}: {n} lines added before LOG", self.shown()),
        });
        notes.dedup();
        Ok(Patched { notes, ..done })
    }

    /// Makes comments of those rules that would open what the file narrows or closes. Returns notes on them.
    fn doubt(&self, resource: &Resource, wanted: &mut [Wanted]) -> Vec<String> {
        let ways = boot_both_ways([resource]);
        let mut notes = Vec::new();
        for wanted in wanted.iter_mut().filter(|wanted| wanted.is_active) {
            let narrowing = ways
                .sets()
                .find_map(|set| set.narrowing(wanted.family, &wanted.rule, &wanted.interface));
            let Some(narrowing) = narrowing else { continue };
            wanted.is_active = false;
            notes.push(format!(
                "{} is for you to decide first: line {} of {} {}: if it is to be wider, change that line and add none beside it",
                printable_name(&wanted.id),
                narrowing.position.line,
                self.shown(),
                narrowing.does()
            ));
        }
        notes
    }

    /// Assigns the rules to the resources. Returns notes on the rules that are left out.
    fn choose<'r>(
        &self,
        resources: &[Resource],
        rules: &'r [AcceptRule],
    ) -> Result<(Vec<Vec<&'r AcceptRule>>, Vec<String>), Error> {
        let mut chosen = vec![Vec::new(); resources.len()];
        let (mut guessed, mut left): (Vec<&AcceptRule>, Vec<&AcceptRule>) = Default::default();
        for rule in rules {
            let mut is_placed = false;
            let mut is_open = false;
            for (resource, own) in resources.iter().zip(&mut chosen) {
                if !resource.has_firewall() || resource.is_of_another(&rule.node) {
                    continue;
                }
                let roles = self.roles(resource)?;
                let is_settled = resource.hostname().is_some() || roles.len() == Role::ALL.len();
                if is_settled || (rule.role_known && roles.contains(&rule.role)) {
                    own.push(rule);
                    is_placed = true;
                } else {
                    is_open |= !rule.role_known;
                }
            }
            match (is_placed, is_open) {
                (_, true) => guessed.push(rule),
                (false, false) => left.push(rule),
                (true, false) => {}
            }
        }
        if !guessed.is_empty() {
            return Err(self.ask(&guessed, resources));
        }
        let mut notes: Vec<String> = Vec::new();
        for role in Role::ALL {
            let own = left.iter().filter(|rule| rule.role == role);
            let ids: Vec<String> = own.map(|rule| printable_name(&rule.id)).collect();
            if !ids.is_empty() {
                notes.push(format!(
                    "left out, since {} is not for {role} nodes: {}",
                    self.shown(),
                    ids.join(", ")
                ));
            }
        }
        Ok((chosen, notes))
    }

    /// Returns the error that asks the user for the roles of nodes.
    fn ask(&self, rules: &[&AcceptRule], resources: &[Resource]) -> Error {
        let mut nodes: Vec<&str> = rules.iter().map(|rule| rule.node.as_str()).collect();
        nodes.dedup();
        let mut roles: Vec<Role> = resources
            .iter()
            .filter(|resource| resource.has_firewall())
            .flat_map(|resource| self.roles(resource).unwrap_or_default())
            .collect();
        roles.sort_unstable();
        roles.dedup();
        let names = |text: &dyn Fn(&&str) -> String| -> String {
            nodes.iter().map(text).collect::<Vec<_>>().join(" ")
        };
        let known = roles
            .iter()
            .map(|role| role.code())
            .collect::<Vec<_>>()
            .join(" and ");
        Error::Usage(format!(
            "{} is for {known} nodes, and the role of {} is not known: say it with {}, where ROLE is control-plane, worker or \
             witness; nothing was written",
            self.shown(),
            nodes
                .iter()
                .map(|node| printable_name(node))
                .collect::<Vec<_>>()
                .join(", "),
            names(&|node| format!("--role {}", of_node(node, "ROLE"))),
        ))
    }

    fn shown(&self) -> String {
        printable(self.name)
    }

    fn refuse(&self, fault: &Fault) -> Error {
        Error::Unreadable {
            name: self.name.to_owned(),
            why: printable(&fault.to_string()),
        }
    }

    fn by_hand(&self, fault: &Fault) -> Error {
        let why = format!(
            "{}; put the lines in by hand: `--format cloudinit` prints them",
            fault.text
        );
        self.refuse(&Fault::new(fault.line, why))
    }

    /// Returns the roles of the nodes that run a resource: those that its selector selects; for a stages file the given
    /// one.
    fn roles(&self, resource: &Resource) -> Result<Vec<Role>, Error> {
        match (&resource.selector, self.role) {
            (Some(_), _) => Ok((Role::ALL.into_iter())
                .filter(|role| resource.picks(*role))
                .collect()),
            (None, Some(role)) => Ok(vec![role]),
            (None, None) => Err(Error::Usage(format!(
                "{} has no matchSelector, so it does not say whose it is: say it with --role ROLE; nothing was written",
                self.shown()
            ))),
        }
    }
}

/// First words of notes on rules without an insertion point.
const LEFT_OUT: &str = "left out";

/// Returns a rule as it goes into a file.
fn wanted(rule: &AcceptRule, all: &[AcceptRule]) -> Wanted {
    Wanted {
        id: rule.id.clone(),
        family: rule.family,
        rule: rule.rule.clone(),
        interface: rule.interface.clone(),
        within: rule.within.clone(),
        is_active: rule.is_for_role(all),
    }
}
