//! A CloudInit with rules put in before its LOG command: the user's own text in, the same text with a few lines more out.
//!
//! Only lines are added; every other byte stays. What was written is read again, and must mean the old chain with the new
//! rules before LOG: else the text is refused and nothing is written.

use super::list_style::ListStyle;
use super::{AcceptRule, Disposition};
use crate::catalog::Role;
use crate::chain::{Chain, Family, Fault, LONGEST, Rule};
use crate::cloudinit::boot;
use crate::cloudinit::{self, Resource};
use crate::error::{Error, is_hostile, printable};

/// The user's file, and the role of a stages file, which has no selector.
#[derive(Debug, Clone, Copy)]
pub struct CloudInitFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
    pub role: Role,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    pub text: String,
    /// How many lines were added.
    pub added: usize,
    /// What the reader must know.
    pub notes: Vec<String>,
}

/// Lines to put in before the line of that number, from 0.
struct Addition {
    at: usize,
    lines: Vec<String>,
}

impl CloudInitFile<'_> {
    /// The one role that the selectors of the file pick, where it is one.
    pub fn only_role(&self) -> Option<Role> {
        if self.text.len() > LONGEST {
            return None;
        }
        let resources = cloudinit::read(self.text).ok()?;
        let mut roles: Vec<Role> = (resources.iter())
            .filter(|resource| resource.selector.is_some() && has_firewall(resource))
            .flat_map(|resource| Role::ALL.into_iter().filter(|role| resource.picks(*role)))
            .collect();
        roles.dedup();
        match roles[..] {
            [role] => Some(role),
            _ => None,
        }
    }

    /// The file with `rules` in it.
    ///
    /// # Errors
    /// Where it cannot be read, has no chain, or is written in a way that lines cannot be put in.
    pub fn patched(&self, rules: &[AcceptRule]) -> Result<Patched, Error> {
        if self.text.len() > LONGEST {
            let why = "it is longer than 16 MiB, as no CloudInit is; name the file of the firewall";
            return Err(self.refuse(&Fault::new(1, why)));
        }
        self.check_characters()?;
        let resources = cloudinit::read(self.text).map_err(|fault| self.refuse(&fault))?;
        if !resources.iter().any(has_firewall) {
            return Err(self.refuse(&Fault::new(
                1,
                "no CloudInit in it makes the chain HARVESTER_INPUT; name the file of the firewall",
            )));
        }
        let lines: Vec<&str> = self.text.split_inclusive('\n').collect();
        let mut notes = Vec::new();
        let mut additions = Vec::new();
        let mut placed = vec![false; rules.len()];
        for resource in resources.iter().filter(|resource| has_firewall(resource)) {
            let roles = self.roles(resource);
            for family in [Family::V4, Family::V6] {
                let wanted = |(_, rule): &(usize, &AcceptRule)| {
                    rule.family == family
                        && roles.contains(&rule.role)
                        && !resource.is_of_another(&rule.node)
                };
                let own: Vec<(usize, &AcceptRule)> =
                    rules.iter().enumerate().filter(wanted).collect();
                if own.is_empty() {
                    continue;
                }
                for (at, _) in &own {
                    placed[*at] = true;
                }
                let own: Vec<&AcceptRule> = own.into_iter().map(|(_, rule)| rule).collect();
                additions.extend(self.addition(resource, &own, &lines, &mut notes)?);
            }
        }
        for (rule, _) in rules.iter().zip(&placed).filter(|(_, placed)| !**placed) {
            notes.push(format!(
                "no CloudInit in {} picks {} nodes: `{}` was not placed",
                self.shown(),
                rule.role,
                rule.append()
            ));
        }
        notes.dedup();
        let patched = Patched {
            text: put_in(&lines, &additions),
            added: additions.iter().map(|addition| addition.lines.len()).sum(),
            notes,
        };
        self.verify(&resources, &patched.text, rules)?;
        Ok(patched)
    }

    /// Every byte of the file is kept, so one with characters that steer a terminal or hide text would be written with
    /// them. YAML forbids most of them anyway.
    fn check_characters(&self) -> Result<(), Error> {
        let bad = |c: &char| is_hostile(*c) && !matches!(c, '\n' | '\r' | '\t');
        for (at, line) in self.text.split('\n').enumerate() {
            if let Some(c) = line.chars().find(bad) {
                let why = format!(
                    "it holds the character {}, which steers terminals or hides text; take it out",
                    c.escape_unicode()
                );
                return Err(self.refuse(&Fault::new(at + 1, why)));
            }
        }
        Ok(())
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

    fn by_hand(&self, line: usize, why: &str) -> Error {
        self.refuse(&Fault::new(
            line,
            format!("{why}; put the lines in by hand: `--format cloudinit` prints them"),
        ))
    }

    /// The roles whose rules belong into a resource: those that its selector picks, of a stages file the told one.
    fn roles(&self, resource: &Resource) -> Vec<Role> {
        if resource.selector.is_none() {
            return vec![self.role];
        }
        (Role::ALL.into_iter())
            .filter(|role| resource.picks(*role))
            .collect()
    }

    /// The lines that one resource lacks.
    fn addition(
        &self,
        resource: &Resource,
        rules: &[&AcceptRule],
        lines: &[&str],
        notes: &mut Vec<String>,
    ) -> Result<Option<Addition>, Error> {
        let Some(first) = rules.first() else {
            return Ok(None);
        };
        let set = boot(std::slice::from_ref(resource), |_| true);
        let stop = (set.firewall(first.family))
            .and_then(|chain| Some((chain, chain.rules.get(chain.insert_number()? - 1)?)));
        let Some((chain, stop)) = stop else {
            notes.push(format!(
                "{} has no LOG and no DROP of {}: {} rules were not placed",
                self.shown(),
                first.program(),
                rules.len()
            ));
            return Ok(None);
        };
        let manner =
            ListStyle::of(resource, stop, lines).map_err(|(line, why)| self.by_hand(line, why))?;
        let mut added: Vec<String> = Vec::new();
        for rule in rules {
            let Some(line) = self.line(chain, rule, &manner, lines, notes) else {
                continue;
            };
            if !added.contains(&line) {
                added.push(line);
            }
        }
        Ok((!added.is_empty()).then_some(Addition {
            at: manner.at,
            lines: added,
        }))
    }

    /// One line, without its end; `None` where the file has it.
    fn line(
        &self,
        chain: &Chain,
        rule: &AcceptRule,
        manner: &ListStyle,
        lines: &[&str],
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let meaning = &rule.rule;
        if let Some(live) = chain.live_cover(meaning) {
            notes.push(format!(
                "{} has it in line {}: `{}`",
                self.shown(),
                live.line,
                rule.append()
            ));
            return None;
        }
        for dead in chain.dead_copies(meaning) {
            notes.push(format!(
                "line {} of {} is a copy behind LOG or DROP and does nothing; delete it",
                dead.line,
                self.shown()
            ));
        }
        let line = manner.write(&rule.append());
        if rule.disposition == Disposition::Documented {
            return Some(line);
        }
        let spaces = manner.lead.len() - manner.lead.trim_start().len();
        let comment = format!(
            "{}# decide first: {}",
            &manner.lead[..spaces],
            line.trim_start()
        );
        let known = lines.iter().any(|known| known.trim() == comment.trim());
        (!known).then_some(comment)
    }

    /// Whether the new text means what it should: each chain as it was, and each rule before LOG.
    fn verify(&self, before: &[Resource], text: &str, rules: &[AcceptRule]) -> Result<(), Error> {
        let broken = || {
            self.by_hand(
                1,
                "the file is written in a way that lines cannot be put in",
            )
        };
        let after = cloudinit::read(text).map_err(|_| broken())?;
        if after.len() != before.len() {
            return Err(broken());
        }
        for (old, new) in before.iter().zip(&after) {
            let sets = [old, new].map(|one| boot(std::slice::from_ref(one), |_| true));
            let roles = self.roles(old);
            for chain in sets[0].chains() {
                let Some(now) = sets[1].chain(chain.family, &chain.name) else {
                    return Err(broken());
                };
                let added: Vec<&Rule> = (rules.iter())
                    .filter(|rule| rule.disposition == Disposition::Documented)
                    .filter(|rule| rule.family == chain.family && roles.contains(&rule.role))
                    .filter(|rule| !old.is_of_another(&rule.node))
                    .map(|rule| &rule.rule)
                    .collect();
                let mut old_rules = chain.rules.iter().peekable();
                for rule in &now.rules {
                    if old_rules.peek().is_some_and(|old| old.means(rule)) {
                        old_rules.next();
                    } else if !added.iter().any(|new| new.means(rule)) {
                        return Err(broken());
                    }
                }
                let firewall = sets[0].firewall(chain.family).map(|known| &known.name);
                let all = firewall != Some(&chain.name)
                    || chain.insert_number().is_none()
                    || added.iter().all(|rule| now.live_cover(rule).is_some());
                if old_rules.next().is_some() || !all {
                    return Err(broken());
                }
            }
        }
        Ok(())
    }
}

/// Whether a resource makes the firewall chain.
fn has_firewall(resource: &Resource) -> bool {
    let set = boot(std::slice::from_ref(resource), |_| true);
    [Family::V4, Family::V6]
        .iter()
        .any(|family| set.firewall(*family).is_some())
}

fn put_in(lines: &[&str], additions: &[Addition]) -> String {
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let end = if line.ends_with("\r\n") || lines[0].ends_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        for new in additions.iter().filter(|addition| addition.at == at) {
            for line in &new.lines {
                out.push_str(line);
                out.push_str(end);
            }
        }
        out.push_str(line);
    }
    out
}
