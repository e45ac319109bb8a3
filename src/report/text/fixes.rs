//! The commands: rules in force at once, rules for good, and how to see why.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use indexmap::IndexMap;

use super::commands::{broken, words};
use super::label::Sections;
use super::page::{BOLD, Page};
use super::words::few;
use crate::chain::quoted;
use crate::error::{printable, printable_name};
use crate::node_names::natural;
use crate::report::Report;
use crate::rule::{AcceptRule, Disposition};

/// Indentation of the commands of a node, in columns.
const INDENT: usize = 4;
/// Name of the test whose fact is that a rule comes with the next boot.
const AT_NEXT_BOOT: &str = "rule-at-next-boot";

/// Writes the commands of a report.
pub(super) fn fixes(
    page: &mut Page<'_>,
    report: &Report,
    sections: &Sections<'_>,
) -> io::Result<()> {
    let rules = applicable(report);
    if !rules.is_empty() {
        now(page, &rules)?;
        for_good(page, report, &rules)?;
    }
    let mut labels = Vec::new();
    if !sections.decide.is_empty() {
        let tail = "the script has the rules to decide on commented out";
        labels.push(("ONCE DECIDED", tail, again(report, &["rules"])));
    }
    if !report.findings.is_empty() && !page.style.evidence {
        let tail = "every test of every finding";
        labels.push(("WHY", tail, again(report, &["-v"])));
    }
    if rules.is_empty() && !labels.is_empty() {
        page.line("")?;
    }
    for (title, tail, again) in labels {
        label(
            page,
            title,
            &format!("{tail}{}", again.first()),
            &again.words,
        )?;
    }
    Ok(())
}

/// Commands of a node: for each that reads the insertion point, those that insert a rule there.
pub(in crate::report) type Commands = BTreeMap<String, Vec<String>>;

/// Writes the commands that insert the rules into the running chains: nodes with the same commands together.
fn now(page: &mut Page<'_>, rules: &[&AcceptRule]) -> io::Result<()> {
    page.heading(BOLD, "FIX NOW", "in force at once, lost at the next reboot")?;
    for (commands, nodes) in by_node(rules) {
        let names: Vec<String> = nodes.iter().map(|node| printable_name(node)).collect();
        let each = if names.len() > 1 {
            "on each of "
        } else {
            "on "
        };
        page.paragraph("  ", "    ", &format!("{each}{}", names.join(", ")))?;
        for (place, inserts) in &commands {
            for command in std::iter::once(place).chain(inserts) {
                for line in broken(command, page.style.width.saturating_sub(INDENT)) {
                    page.line(&format!("    {line}"))?;
                }
            }
        }
    }
    Ok(())
}

/// Returns the rules that may be applied as they stand.
pub(in crate::report) fn applicable(report: &Report) -> Vec<&AcceptRule> {
    let active = |rule: &&AcceptRule| rule.disposition == Disposition::Documented;
    report.rules.iter().filter(active).collect()
}

/// Returns the commands that insert rules, with the nodes that need the same.
pub(in crate::report) fn by_node<'r>(rules: &[&'r AcceptRule]) -> Vec<(Commands, Vec<&'r str>)> {
    let mut by_node: BTreeMap<&str, Commands> = BTreeMap::new();
    for rule in rules {
        let places = by_node.entry(&rule.node).or_default();
        let inserts = places.entry(rule.place_command()).or_default();
        if rule.is_searchable() {
            inserts.push(rule.insert());
        }
    }
    let mut by_node: Vec<(&str, Commands)> = by_node.into_iter().collect();
    by_node.sort_by(|(a, _), (b, _)| natural(a, b));
    let mut alike: IndexMap<Commands, Vec<&str>> = IndexMap::new();
    for (node, commands) in by_node {
        alike.entry(commands).or_default().push(node);
    }
    alike.into_iter().collect()
}

/// Returns the lines of CloudInit resources, each under the nodes that they are for. What is for a role that is a guess
/// stands apart.
pub(in crate::report) fn lines_by_role(rules: &[&AcceptRule]) -> Vec<(String, BTreeSet<String>)> {
    type ForRole<'a> = (BTreeSet<&'a str>, BTreeSet<String>);
    let mut found: BTreeMap<(&str, bool), ForRole<'_>> = BTreeMap::new();
    for rule in rules {
        let (nodes, lines) = found
            .entry((rule.role.code(), !rule.role_known))
            .or_default();
        nodes.insert(&rule.node);
        lines.insert(rule.append());
    }
    let heading = |role: &str, is_guess: bool, nodes: BTreeSet<&str>| {
        let verb = if nodes.len() == 1 { "is" } else { "are" };
        match is_guess {
            true => format!("{role} nodes, if {} {verb}: say so with --role", few(nodes)),
            false => format!("{role} nodes"),
        }
    };
    let found = found.into_iter();
    found
        .map(|((role, is_guess), (nodes, lines))| (heading(role, is_guess, nodes), lines))
        .collect()
}

/// Returns the notes on objects that have a rule already, which acts from the next boot on.
pub(in crate::report) fn at_next_boot(report: &Report) -> BTreeSet<&str> {
    let tests = report.findings.iter().flat_map(|finding| &finding.evidence);
    let due = tests.filter(|test| test.name == AT_NEXT_BOOT);
    due.map(|test| test.text.as_str()).collect()
}

/// Writes how to keep the rules over a reboot: the command that prints their lines, or the lines where the log is gone.
fn for_good(page: &mut Page<'_>, report: &Report, rules: &[&AcceptRule]) -> io::Result<()> {
    let tail = "the lines for the CloudInit resources";
    match again(report, &["rules", "--format cloudinit"]) {
        again if !again.is_gone() => label(page, "FIX FOR GOOD", tail, &again.words)?,
        _ => {
            let tail = "the lines for the CloudInit resource of the role, before its LOG line";
            page.heading(BOLD, "FIX FOR GOOD", tail)?;
            for (nodes, lines) in lines_by_role(rules) {
                page.paragraph("  ", "    ", &nodes)?;
                for line in lines {
                    page.line(&format!("    - {line}"))?;
                }
            }
        }
    }
    for text in at_next_boot(report) {
        page.paragraph("    ", "    ", &printable(text))?;
    }
    Ok(())
}

/// Writes a label and, on lines of its own, the command.
fn label(page: &mut Page<'_>, title: &str, tail: &str, command: &[String]) -> io::Result<()> {
    // These parts belong together, so no line separates them.
    let title = page.paint(BOLD, title);
    page.paragraph("", "  ", &format!("{title}  {tail}"))?;
    words(page, INDENT, command)
}

/// A command that reads the inputs of a report again.
pub(in crate::report) struct Again {
    /// Words of the command, with the options that change the answer.
    pub(in crate::report) words: Vec<String>,
    /// The names of files in it that stand for what came by a pipe, and are to be saved before.
    saved: Vec<&'static str>,
}

impl Again {
    /// What is to be done before, in words behind others.
    pub(in crate::report) fn first(&self) -> String {
        if self.saved.is_empty() {
            return String::new();
        }
        let names = self.saved.join(" and ");
        format!(" (first save what came by the pipe: {names})")
    }

    /// Whether an input came by a pipe.
    const fn is_gone(&self) -> bool {
        !self.saved.is_empty()
    }
}

/// Returns the command that reads the inputs of `report` again.
pub(in crate::report) fn again(report: &Report, command: &[&str]) -> Again {
    let mut words = vec!["dropsift".to_owned()];
    words.extend(command.iter().map(|word| (*word).to_owned()));
    let mut saved = Vec::new();
    for option in &report.options {
        // A chain or objects by a pipe: `--rules -`, `--rules NODE=-`, `--cluster -`.
        let piped = [("--rules ", "saved.rules"), ("--cluster ", "saved.yaml")]
            .into_iter()
            .find_map(|(name, file)| {
                let before = option.strip_suffix('-')?;
                let node = before.strip_prefix(name)?;
                (node.is_empty() || node.ends_with('=')).then_some((before, file))
            });
        words.push(match piped {
            Some((before, file)) => {
                saved.push(file);
                printable(&format!("{before}{file}"))
            }
            None => printable(option),
        });
    }
    // The local journal is read by an option and is no file.
    let files = report.inputs.iter().map(|input| input.name.as_str());
    let is_none = report.inputs.is_empty();
    for name in files
        .filter(|name| !name.is_empty())
        .chain(is_none.then_some("-"))
    {
        words.push(match name {
            "-" => {
                saved.push("saved.log");
                "saved.log".to_owned()
            }
            name if name.starts_with('-') => format!("./{}", printable(&quoted(name))),
            name => printable(&quoted(name)),
        });
    }
    Again { words, saved }
}
