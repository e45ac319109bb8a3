//! A CloudInit with rules put in before its LOG command: the user's own text in, the same text with a few lines more out.
//!
//! Only lines are added; every other byte stays. Where `contents` is no block of lines (quoted, on one line, JSON), the whole
//! object comes out anew. What was written is read again, and must mean the old chain with the new rules before LOG: else it
//! is refused.

use super::insertion_point::interface_of;
use super::list_style::ListStyle;
use super::object;
use super::{AcceptRule, Disposition, InsertionPoint};
use crate::catalog::Role;
use crate::chain::{Chain, Family, Fault, LONGEST, Rule, RuleSet, quoted};
use crate::cloudinit::{self, Resource, boot};
use crate::error::{Error, is_hostile, printable, printable_name};

/// The user's file.
#[derive(Debug, Clone, Copy)]
pub struct CloudInitFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
    /// Of a stages file, which has no selector: the role that the user told.
    pub role: Option<Role>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    pub text: String,
    /// How many lines were added.
    pub added: usize,
    /// Whether the object was written anew, and not only lines put in.
    pub anew: bool,
    /// What the reader must know.
    pub notes: Vec<String>,
}

/// Lines to put in before the line of that number, from 0.
struct Addition {
    at: usize,
    lines: Vec<String>,
}

/// The rules that go into each resource of a file.
pub(super) type Chosen<'r> = [Vec<&'r AcceptRule>];

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

    /// The resources of the file.
    ///
    /// # Errors
    /// Where it cannot be read, or has no chain.
    pub fn resources(&self) -> Result<Vec<Resource>, Error> {
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
        Ok(resources)
    }

    /// The file with `rules` in it: those of nodes whose role is known to be the file's.
    ///
    /// # Errors
    /// Where it cannot be read, has no chain, or is written in a way that lines cannot be put in; where a rule's node may or
    /// may not be one of the file's.
    pub fn patched(&self, rules: &[AcceptRule]) -> Result<Patched, Error> {
        let resources = self.resources()?;
        let (chosen, mut notes) = self.choose(&resources, rules)?;
        let is_sound = |text: &str| self.verify(&resources, text, &chosen);
        let by_lines =
            (self.by_lines(&resources, &chosen)).and_then(|done| is_sound(&done.0).map(|()| done));
        let anew = by_lines.is_err();
        let (text, added, more) = match by_lines {
            Err(why) if resources.iter().all(|resource| resource.name.is_some()) => {
                let done = object::patched(self, &resources, &chosen).ok_or(why)?;
                is_sound(&done.0).map(|()| done)?
            }
            by_lines => by_lines?,
        };
        let left_out = notes.len();
        notes.extend(more);
        notes.push(match added {
            0 if left_out > 0 => format!("{}: no line was added", self.shown()),
            0 => format!("{}: nothing to add", self.shown()),
            1 => format!("{}: 1 line added before LOG", self.shown()),
            n => format!("{}: {n} lines added before LOG", self.shown()),
        });
        let is_paused = |(resource, own): (&Resource, &Vec<_>)| resource.paused && !own.is_empty();
        if resources.iter().zip(&chosen).any(is_paused) {
            notes.push(format!(
                "{} is paused: its commands do not run until `paused` is false",
                self.shown()
            ));
        }
        notes.dedup();
        Ok(Patched {
            text,
            added,
            anew,
            notes,
        })
    }

    /// The rules for each resource, and what is left out.
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
                if !has_firewall(resource) || resource.is_of_another(&rule.node) {
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

    /// Asks for the roles of nodes.
    fn ask(&self, rules: &[&AcceptRule], resources: &[Resource]) -> Error {
        let mut nodes: Vec<&str> = rules.iter().map(|rule| rule.node.as_str()).collect();
        nodes.dedup();
        let mut roles: Vec<Role> = resources
            .iter()
            .filter(|resource| has_firewall(resource))
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
            names(&|node| format!("--role {}=ROLE", printable_name(&quoted(node)))),
        ))
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

    pub(super) fn refuse(&self, fault: &Fault) -> Error {
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

    /// The roles of the nodes that run a resource: those that its selector picks, of a stages file the told one.
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

    /// The file with lines put in, how many, and what the reader must know.
    pub(super) fn by_lines(
        &self,
        resources: &[Resource],
        chosen: &Chosen<'_>,
    ) -> Result<(String, usize, Vec<String>), Error> {
        let lines: Vec<&str> = self.text.split_inclusive('\n').collect();
        let mut notes = Vec::new();
        let mut additions = Vec::new();
        for (resource, rules) in resources.iter().zip(chosen) {
            for family in [Family::V4, Family::V6] {
                let own: Vec<&AcceptRule> = rules
                    .iter()
                    .copied()
                    .filter(|rule| rule.family == family)
                    .collect();
                additions.extend(self.addition(resource, &own, &lines, &mut notes)?);
            }
        }
        let added = additions.iter().map(|addition| addition.lines.len()).sum();
        Ok((put_in(&lines, &additions), added, notes))
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
        let Some((chain, stop)) = place_of(&set, first.family) else {
            let why = format!("it has no LOG and no DROP of {}", first.program());
            // An IPv6 rule is for review, and most files have no chain of IPv6.
            if rules
                .iter()
                .all(|rule| rule.disposition == Disposition::Review)
            {
                let ids: Vec<String> = rules.iter().map(|rule| printable_name(&rule.id)).collect();
                notes.push(format!("left out, since {why}: {}", ids.join(", ")));
                return Ok(None);
            }
            return Err(self.by_hand(resource.line, &why));
        };
        let rules: Vec<AcceptRule> = rules.iter().map(|rule| fitted(rule, stop)).collect();
        let mut lacking = Vec::new();
        for rule in &rules {
            match set.live_cover(rule.family, &rule.rule) {
                Some(live) => notes.push(format!(
                    "{} has it in line {}: `{}`",
                    self.shown(),
                    live.line,
                    rule.append_to(&chain.name)
                )),
                None => lacking.push(rule),
            }
        }
        if lacking.is_empty() {
            return Ok(None);
        }
        let style =
            ListStyle::of(resource, stop, lines).map_err(|(line, why)| self.by_hand(line, why))?;
        let mut added: Vec<String> = Vec::new();
        for rule in lacking {
            for dead in set.dead_copies(rule.family, &rule.rule) {
                notes.push(format!(
                    "line {} of {} is a copy behind LOG or DROP and does nothing; delete it",
                    dead.line,
                    self.shown()
                ));
            }
            added.extend(line(chain, rule, &style, lines).filter(|line| !added.contains(line)));
        }
        Ok((!added.is_empty()).then_some(Addition {
            at: style.at,
            lines: added,
        }))
    }

    /// Whether the new text means what it should: each chain as it was, and each rule before LOG.
    fn verify(&self, before: &[Resource], text: &str, chosen: &Chosen<'_>) -> Result<(), Error> {
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
        for ((old, new), rules) in before.iter().zip(&after).zip(chosen) {
            let sets = [old, new].map(|one| boot(std::slice::from_ref(one), |_| true));
            for chain in sets[0].chains() {
                let Some(now) = sets[1].chain(chain.family, &chain.name) else {
                    return Err(broken());
                };
                let place = place_of(&sets[0], chain.family);
                let added: Vec<Rule> = (rules.iter())
                    .filter(|rule| rule.disposition == Disposition::Documented)
                    .filter(|rule| rule.family == chain.family)
                    .filter_map(|rule| Some(fitted(rule, place?.1).rule))
                    .collect();
                let mut old_rules = chain.rules.iter().peekable();
                for rule in &now.rules {
                    if old_rules.peek().is_some_and(|old| old.means(rule)) {
                        old_rules.next();
                    } else if !added.iter().any(|new| new.means(rule)) {
                        return Err(broken());
                    }
                }
                let is_filter = place.is_some_and(|(filter, _)| filter.name == chain.name);
                let is_live = |rule: &Rule| sets[1].live_cover(chain.family, rule).is_some();
                let all = !is_filter || added.iter().all(is_live);
                if old_rules.next().is_some() || !all {
                    return Err(broken());
                }
            }
        }
        Ok(())
    }
}

/// The rule for the packets that come as far as `stop`.
pub(super) fn fitted(rule: &AcceptRule, stop: &Rule) -> AcceptRule {
    let place = InsertionPoint {
        interface: interface_of(stop),
        ..InsertionPoint::default()
    };
    AcceptRule {
        rule: place.fitted(&rule.rule),
        ..rule.clone()
    }
}

/// The line for a rule, without its end; `None` where the file has it as a comment.
fn line(chain: &Chain, rule: &AcceptRule, style: &ListStyle, lines: &[&str]) -> Option<String> {
    let line = style.write(&rule.append_to(&chain.name));
    if rule.disposition == Disposition::Documented {
        return Some(line);
    }
    let spaces = style.lead.len() - style.lead.trim_start().len();
    let comment = format!(
        "{}# decide first: {}",
        &style.lead[..spaces],
        line.trim_start()
    );
    let known = lines.iter().any(|known| known.trim() == comment.trim());
    (!known).then_some(comment)
}

/// The chain that filters the node, and the rule in it before which others go.
pub(super) fn place_of(set: &RuleSet, family: Family) -> Option<(&Chain, &Rule)> {
    let place = set.insertion_point(family)?;
    let chain = set.chain(family, &place.chain)?;
    Some((chain, chain.rules.get(place.number - 1)?))
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
