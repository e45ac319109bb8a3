//! The commands of a report: the rules of a node, and the LOG rules to split. Each stands alone on its lines.

use std::collections::BTreeMap;
use std::io;

use anstyle::AnsiColor;

use super::Page;
use crate::error::printable_name;
use crate::report::Report;
use crate::rule::{AcceptRule, Disposition};

/// Lines of commands are no longer, where words allow.
const WIDTH: usize = 79;

/// The commands for the rules of one node, to be pasted: in force now, and for good.
pub(super) fn commands(page: &mut Page<'_>, rules: &[&AcceptRule], role: &str) -> io::Result<()> {
    page.line("")?;
    if rules.is_empty() {
        let text = "No new rule helps: the tests above name the rule that is there, and why the packets do not reach it.";
        return page.paragraph("    ", "    ", text);
    }
    page.paragraph(
        "    ",
        "    ",
        "Add before the LOG rule, on the node, in force at once:",
    )?;
    // The rules of one place follow the command that asks for it.
    let mut places: BTreeMap<String, Vec<&AcceptRule>> = BTreeMap::new();
    for rule in rules {
        places.entry(rule.place_command()).or_default().push(rule);
    }
    for (place, rules) in &places {
        page.line(&format!("      {place}"))?;
        for rule in rules {
            command(page, mark(rule), &rule.insert())?;
        }
    }
    let text = format!(
        "Keep it over a reboot: in the CloudInit resource of {role} nodes, before its LOG line:"
    );
    page.paragraph("    ", "    ", &text)?;
    for rule in rules {
        page.line(&format!("      {}- {}", mark(rule), rule.append()))?;
    }
    Ok(())
}

/// What stands before a command that somebody has to decide about.
fn mark(rule: &AcceptRule) -> &'static str {
    match rule.disposition {
        Disposition::Review => "# decide first: ",
        Disposition::Documented => "",
    }
}

/// Writes a command, broken before `-m comment` where it is too long for a line. A comment cannot be broken: its lines
/// would come to life.
pub(super) fn command(page: &mut Page<'_>, mark: &str, text: &str) -> io::Result<()> {
    match text.split_once(" -m comment ") {
        Some((first, rest)) if mark.is_empty() && text.len() + 6 > WIDTH => {
            page.line(&format!("      {first} \\"))?;
            page.line(&format!("        -m comment {rest}"))
        }
        _ => page.line(&format!("      {mark}{text}")),
    }
}

/// The nodes whose LOG rules are to be split, and the command that prints how.
pub(super) fn splits(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let names: Vec<String> = (report.splits.iter())
        .map(|split| printable_name(&split.node))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    page.heading(
        AnsiColor::Yellow.on_default().bold(),
        "SPLIT THE LOG RULE",
        "so that a storm of one kind of packet hides no other",
    )?;
    let text = format!(
        "On {}; for the logs of this report, a script for each node:",
        names.join(", ")
    );
    page.line("")?;
    page.paragraph("  ", "  ", &text)?;
    page.line("    dropsift rules --format split-log")
}

/// A command in lines of at most `width` columns, as far as its parts allow: each is an option with its values, or a
/// command behind a pipe. Each line but the last ends in `\`.
pub(super) fn broken(command: &str, width: usize) -> Vec<String> {
    let mut quoted = None;
    let words = command.split(|c| {
        match (quoted, c) {
            (None, '\'' | '"') => quoted = Some(c),
            (Some(quote), c) if quote == c => quoted = None,
            _ => {}
        }
        c == ' ' && quoted.is_none()
    });
    let mut parts: Vec<String> = Vec::new();
    for word in words {
        match parts.last_mut() {
            Some(part) if !word.starts_with(['-', '|']) || part.starts_with('|') && word != "|" => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + part.len() + 2 <= width => {
                line.push(' ');
                line.push_str(&part);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("  {part}"));
            }
            None => lines.push(part),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn commands_break_between_options() {
        let command = "iptables -I HARVESTER_INPUT 2 -p tcp --dport 2112 -m comment --comment \"kube-vip Prometheus metrics\" -j ACCEPT";
        for width in [30, 40, 70, 130, 500] {
            let lines = broken(command, width);
            let joined: Vec<&str> = lines
                .iter()
                .map(|line| line.trim_start().trim_end_matches(" \\"))
                .collect();
            assert_eq!(joined.join(" "), command, "{width}");
            let fit = |line: &&String| line.len() <= width.max(46);
            assert!(lines.iter().all(|line| fit(&line)), "{width}: {lines:?}");
            let (last, others) = lines.split_last().unwrap();
            assert!(!last.ends_with('\\') && others.iter().all(|line| line.ends_with(" \\")));
        }
        assert_eq!(broken(command, 70).len(), 2);
    }
}
