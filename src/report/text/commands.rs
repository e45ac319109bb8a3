//! The commands of a report: the rules of a node, and the LOG rules to split.

use std::io;

use anstyle::AnsiColor;

use super::Page;
use crate::chain::HARVESTER;
use crate::error::printable_name;
use crate::report::Report;
use crate::rule::{AcceptRule, Disposition, Split};

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
    let mut dead: Vec<(usize, &AcceptRule)> = (rules.iter())
        .flat_map(|rule| rule.spot.dead.iter().map(|number| (*number, *rule)))
        .collect();
    dead.sort_by_key(|(number, rule)| (std::cmp::Reverse(*number), rule.disposition));
    dead.dedup_by_key(|(number, _)| *number);
    for (number, rule) in dead {
        let (mark, tool) = (mark(rule), rule.program());
        page.line(&format!(
            "      {mark}{tool} -D {HARVESTER} {number}  # a copy behind LOG or DROP, which does nothing"
        ))?;
    }
    for rule in rules {
        page.line(&format!("      {}{}", mark(rule), rule.insert()))?;
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

/// What stands before a rule that somebody has to decide about.
fn mark(rule: &AcceptRule) -> &'static str {
    match rule.disposition {
        Disposition::Review => "# decide first: ",
        Disposition::Documented => "",
    }
}

/// The LOG rules to split, once for nodes that need the same commands.
pub(super) fn splits(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let mut told: Vec<&Split> = Vec::new();
    for split in &report.splits {
        if told.iter().any(|known| known.commands == split.commands) {
            continue;
        }
        if told.is_empty() {
            page.heading(
                AnsiColor::Yellow.on_default().bold(),
                "SPLIT THE LOG RULE",
                "so that a storm of one kind of packet hides no other",
            )?;
        }
        let alike = report
            .splits
            .iter()
            .filter(|s| s.commands == split.commands);
        let names: Vec<String> = alike.map(|split| printable_name(&split.node)).collect();
        let text = format!(
            "On {}; the chain has its DROP at all times. `dropsift rules --format split-log` prints it as a script.",
            names.join(", ")
        );
        page.line("")?;
        page.paragraph("  ", "  ", &text)?;
        for command in &split.commands {
            page.line(&format!("    {command}"))?;
        }
        page.line("  To take it back:")?;
        for command in &split.undo {
            page.line(&format!("    {command}"))?;
        }
        told.push(split);
    }
    Ok(())
}

/// A command in lines of at most `width` columns, as far as its words allow; each but the last ends in `\`.
pub(super) fn broken(command: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut quoted = None;
    let is_end = |c: char| match (quoted, c) {
        (None, '\'' | '"') => {
            quoted = Some(c);
            false
        }
        (Some(quote), c) if quote == c => {
            quoted = None;
            false
        }
        (None, ' ') => true,
        _ => false,
    };
    let words: Vec<&str> = command.split(is_end).collect();
    // An option and its value stay together.
    for (place, word) in words.iter().enumerate() {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let next = words.get(place + 1).filter(|_| word.starts_with('-'));
        let needed = word.len() + next.map_or(0, |next| next.len() + 1);
        if line.trim_start().is_empty() || line.len() + 1 + needed + 2 <= width {
            if !line.trim_start().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else if words
            .get(place.wrapping_sub(1))
            .is_some_and(|w| w.starts_with('-') && !word.starts_with('-'))
        {
            line.push(' ');
            line.push_str(word);
        } else {
            line.push_str(" \\");
            lines.push(format!("  {word}"));
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
