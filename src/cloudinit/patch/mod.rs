//! Inserts rules into a CloudInit before its LOG command, and leaves the rest of the user's text as it is.
//!
//! Lines are only added; every other byte stays. Where `contents` is no literal block (quoted, on one line, JSON), the
//! whole object is rewritten. The output is parsed again, and must yield the old chains with the new rules before LOG
//! under every assumption about the unknown conditions; otherwise it is refused.

mod list_style;
mod object;
mod verify;

use crate::chain::{Arrival, Chain, Family, Fault, MAX_TEXT, Rule, RuleSet, Sought};
use crate::cloudinit::{self, Resource, boot_both_ways};
use crate::error::{is_hostile, printable, printable_name};
use list_style::ListStyle;

/// Upper bound on the rounds of insertion: one for each combination of conditions whose chains lack rules.
const MAX_ROUNDS: usize = 8;

/// A rule that a CloudInit is to have.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Identifier in messages.
    pub id: String,
    pub family: Family,
    pub rule: Rule,
    /// Input interface of its packets; empty where it is not known.
    pub interface: String,
    /// Chain that drops its packets, where it is one of several.
    pub within: Option<String>,
    /// Whether it is inserted as a rule; otherwise as a comment, for a decision by the administrator.
    pub is_active: bool,
}

/// A file with rules in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    pub text: String,
    /// Number of lines added.
    pub added: usize,
    /// Whether the object was written anew, instead of inserting lines.
    pub anew: bool,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Lines to put in before the line of that number, from 0.
struct Addition {
    at: usize,
    lines: Vec<String>,
}

/// Text, number of lines added, and notes for the user.
type Written = (String, usize, Vec<String>);

/// Returns the CloudInits of a file that is to be patched.
///
/// # Errors
/// Where it cannot be read, has characters that hide text, or makes no firewall.
pub fn resources(text: &str) -> Result<Vec<Resource>, Fault> {
    if text.len() > MAX_TEXT {
        let why = "it is longer than 16 MiB, as no CloudInit is; name the file of the firewall";
        return Err(Fault::new(1, why));
    }
    check_characters(text)?;
    let resources = cloudinit::read(text)?;
    if !resources.iter().any(Resource::has_firewall) {
        let why =
            "no CloudInit in it makes the chain HARVESTER_INPUT; name the file of the firewall";
        return Err(Fault::new(1, why));
    }
    Ok(resources)
}

/// Every byte of the file is kept, so one with characters that steer a terminal or hide text would be written with them.
/// YAML forbids most of them anyway.
fn check_characters(text: &str) -> Result<(), Fault> {
    let bad = |c: &char| is_hostile(*c) && !matches!(c, '\n' | '\r' | '\t');
    for (at, line) in text.split('\n').enumerate() {
        if let Some(c) = line.chars().find(bad) {
            let why = format!(
                "it holds the character {}, which steers terminals or hides text; take it out",
                c.escape_unicode()
            );
            return Err(Fault::new(at + 1, why));
        }
    }
    Ok(())
}

impl Resource {
    /// Whether it makes a chain that filters the node, under at least one assumption about the conditions.
    pub fn has_firewall(&self) -> bool {
        let ways = boot_both_ways([self]);
        let families = [Family::V4, Family::V6];
        (ways.sets()).any(|set| {
            families
                .iter()
                .any(|family| set.firewall(*family).is_some())
        })
    }
}

/// Returns the text of the file `name` with the wanted rules in each of its `resources`.
///
/// # Errors
/// Where its syntax does not permit the insertion of lines.
pub fn patch(
    name: &str,
    text: &str,
    resources: &[Resource],
    wanted: &[Vec<Wanted>],
) -> Result<Patched, Fault> {
    let is_sound = |written: Written| {
        // An escape in the contents of an object may have stood for one.
        check_characters(&written.0)?;
        verify::verify(resources, &written.0, wanted).map(|()| written)
    };
    let lines = by_lines(name, text, wanted).and_then(is_sound);
    let anew = lines.is_err();
    let (text, added, mut notes) = match lines {
        Err(why) if resources.iter().all(|resource| resource.name.is_some()) => {
            is_sound(object::patched(name, text, resources, wanted).ok_or(why)?)?
        }
        lines => lines?,
    };
    let is_paused = |(resource, own): (&Resource, &Vec<_>)| resource.paused && !own.is_empty();
    if resources.iter().zip(wanted).any(is_paused) {
        notes.push(format!(
            "{} is paused: its commands do not run until `paused` is false",
            printable(name)
        ));
    }
    Ok(Patched {
        text,
        added,
        anew,
        notes,
    })
}

/// Inserts lines into the text until the chains have every rule under each assumption about the conditions.
fn by_lines(name: &str, text: &str, wanted: &[Vec<Wanted>]) -> Result<Written, Fault> {
    let (mut text, mut added, mut notes) = (text.to_owned(), 0, Vec::new());
    for round in 0..MAX_ROUNDS {
        let resources = cloudinit::read(&text)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut additions = Vec::new();
        let mut more = Vec::new();
        for (resource, wanted) in resources.iter().zip(wanted) {
            for family in [Family::V4, Family::V6] {
                let own: Vec<&Wanted> = wanted
                    .iter()
                    .filter(|wanted| wanted.family == family)
                    .collect();
                additions.extend(addition(name, resource, &own, &lines, &mut more)?);
            }
        }
        // Notes of the first round refer to the lines of the user's own file.
        if round == 0 {
            notes = more;
        }
        if additions.is_empty() {
            break;
        }
        added += additions
            .iter()
            .map(|addition| addition.lines.len())
            .sum::<usize>();
        text = put_in(&lines, &additions);
    }
    Ok((text, added, notes))
}

/// Returns the lines that one resource lacks, at the first insertion point where one combination of its conditions lacks
/// any.
fn addition(
    name: &str,
    resource: &Resource,
    wanted: &[&Wanted],
    lines: &[&str],
    notes: &mut Vec<String>,
) -> Result<Option<Addition>, Fault> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let ways = boot_both_ways([resource]);
    let shown = printable(name);
    let mut lacking: Vec<(Way<'_>, Vec<&Wanted>)> = Vec::new();
    let mut left: Vec<String> = Vec::new();
    for wanted in wanted {
        let found: Vec<Sought<'_>> = ways.sets().map(|set| wanted.seek(set)).collect();
        let live = found.iter().find_map(|found| match found {
            Sought::Live(place) => Some(place),
            _ => None,
        });
        let places = found.iter().filter_map(Way::of);
        let places: Vec<Way<'_>> = places.collect();
        if let Some(live) = live {
            let rule = wanted.rule.append_command(wanted.family, &live.chain.name);
            let line = live.rule().map_or(0, |rule| rule.line);
            notes.push(if places.is_empty() {
                format!("{shown} has it in line {line}: `{rule}`")
            } else {
                format!(
                    "line {line} of {shown} has it one way only, since {} cannot be known here: `{rule}`",
                    ways.question()
                )
            });
        } else if places.is_empty() {
            // An IPv6 rule needs a decision anyway, and most files have no IPv6 chain.
            if wanted.is_active {
                return Err(Fault::new(resource.line, nowhere(wanted.family)));
            }
            left.push(printable_name(&wanted.id));
        }
        for way in places {
            match lacking
                .iter_mut()
                .find(|(known, _)| known.stop.line == way.stop.line)
            {
                Some((_, all)) if all.iter().any(|known| known.id == wanted.id) => {}
                Some((_, all)) => all.push(wanted),
                None => lacking.push((way, vec![wanted])),
            }
        }
    }
    if let Some(first) = wanted.first().filter(|_| !left.is_empty()) {
        let why = nowhere(first.family);
        notes.push(format!("left out, since {why}: {}", left.join(", ")));
    }
    lacking.sort_by_key(|(way, _)| way.stop.line);
    for (way, wanted) in lacking {
        let style = ListStyle::of(resource, way.stop, lines)
            .map_err(|(line, why)| Fault::new(line, why))?;
        let mut added: Vec<String> = Vec::new();
        for wanted in wanted {
            let rule = way.fitted(&wanted.rule);
            let behind = way
                .chain
                .rules
                .iter()
                .skip_while(|known| known.line != way.stop.line);
            for dead in behind.filter(|known| known.means(&rule)) {
                notes.push(format!(
                    "line {} of {shown} is a copy behind LOG or DROP and does nothing; delete it",
                    dead.line
                ));
            }
            let command = rule.append_command(wanted.family, &way.chain.name);
            let line = line(&command, wanted.is_active, &style, lines);
            added.extend(line.filter(|line| !added.contains(line)));
        }
        if !added.is_empty() {
            return Ok(Some(Addition {
                at: style.at,
                lines: added,
            }));
        }
    }
    Ok(None)
}

/// Message for a family without an insertion point.
fn nowhere(family: Family) -> String {
    format!("it has no LOG and no DROP of {}", family.tool())
}

impl Wanted {
    /// Searches for the insertion point in the chains of one combination of conditions.
    fn seek<'a>(&self, set: &'a RuleSet) -> Sought<'a> {
        let is_log = |rule: &Rule| set.is_drop_log(rule);
        let arrival = Arrival {
            interface: &self.interface,
            packet: None,
            within: self.within.as_deref(),
        };
        set.seek_in_part(self.family, &self.rule, arrival, &is_log)
    }
}

/// Insertion point of a rule in the chains of one combination of conditions that lacks it. Chains without LOG and DROP
/// filter nothing, and have none.
struct Way<'a> {
    chain: &'a Chain,
    stop: &'a Rule,
}

impl<'a> Way<'a> {
    fn of(found: &Sought<'a>) -> Option<Self> {
        let Sought::At(place) = found else {
            return None;
        };
        let (chain, stop) = (place.chain, place.rule()?);
        Some(Self { chain, stop })
    }

    /// Restricts the rule to the packets that reach the insertion point.
    fn fitted(&self, rule: &Rule) -> Rule {
        rule.for_interface(self.stop.interface())
    }
}

/// Returns the line for a command, without its line end; `None` where the file has it as a comment.
fn line(command: &str, is_active: bool, style: &ListStyle, lines: &[&str]) -> Option<String> {
    let line = style.write(command);
    if is_active {
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
