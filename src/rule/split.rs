//! Three limited LOG rules in place of one, so that a storm of one kind of packet hides no other: SYNs, what is not TCP,
//! and the rest of TCP have a bucket each.
//!
//! At no time is the chain without its DROP: where the numbers are not known, the new rules and a second DROP are
//! appended before the old ones are deleted.

use std::io::{self, Write};

use crate::chain::{Chain, Family, HARVESTER, Rule, Target, parse_rule};
use crate::error::printable_name;

const CHAIN: &str = HARVESTER;
const LIMITED: &str =
    "-m limit --limit 10/min -m comment --comment \"Rate-limit logging of dropped packets\"";
const LOG: &str = "-j LOG --log-prefix HARVESTER_DROP_ --log-level 4";
const DROP: &str = "-m comment --comment \"Drop all other traffic\" -j DROP";
/// What the three rules ask for.
const KINDS: [&str; 3] = ["-p tcp --syn", "! -p tcp", "-p tcp ! --syn"];

/// The commands that split the LOG rule of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub node: String,
    /// Each is one command; they are run in order, while [`Split::guards`] succeed.
    pub commands: Vec<String>,
    pub undo: Vec<String>,
    /// Succeed while the chain has the documented LOG and DROP, and is not split.
    pub guards: Vec<String>,
}

impl Split {
    /// The split of the documented chain, or of `chain`, where it is known and has the LOG rule at a number; `None` where
    /// it is split already, or not the documented one.
    pub fn new(node: &str, family: Family, chain: Option<&Chain>) -> Option<Self> {
        let logs = chain.map_or(1, |chain| {
            let is_log = |rule: &&Rule| matches!(rule.target, Target::Log(_));
            chain.rules.iter().filter(is_log).count()
        });
        if logs > 1 {
            return None;
        }
        let tool = family.tool();
        let log = |kind: &str| match kind {
            "" => format!("{LIMITED} {LOG}"),
            kind => format!("{kind} {LIMITED} {LOG}"),
        };
        let run = |action: &str, rule: &str| format!("{tool} -{action} {CHAIN} {rule}");
        let at = |number: usize, rule: &str| format!("{tool} -I {CHAIN} {number} {rule}");
        let one = log("");
        let kinds = KINDS.map(log);
        let delete =
            |rules: &[&str]| -> Vec<String> { rules.iter().map(|rule| run("D", rule)).collect() };
        let number = chain.and_then(Chain::log_rule_number);
        if let Some(rule) = chain.zip(number).and_then(|(c, n)| c.rules.get(n - 1)) {
            // Another LOG rule would not be found by the specification of the documented one.
            let (_, documented) = parse_rule(&run("A", &one)).ok()?;
            if !rule.means(&documented) || rule.comment != documented.comment {
                return None;
            }
        }
        let (mut commands, mut undo): (Vec<String>, Vec<String>);
        match number {
            Some(number) => {
                commands = (kinds.iter().zip(number..))
                    .map(|(kind, number)| at(number, kind))
                    .collect();
                commands.extend(delete(&[&one]));
                undo = vec![at(number, &one)];
                undo.extend(delete(&kinds.each_ref().map(String::as_str)));
            }
            None => {
                commands = kinds.iter().map(|kind| run("A", kind)).collect();
                commands.push(run("A", DROP));
                commands.extend(delete(&[&one, DROP]));
                undo = vec![run("A", &one), run("A", DROP)];
                undo.extend(delete(&kinds.each_ref().map(String::as_str)));
                undo.extend(delete(&[DROP]));
            }
        }
        let mut guards = vec![run("C", &one)];
        if number.is_none() {
            guards.push(run("C", DROP));
            // What stands behind DROP would come to life when the first DROP goes.
            guards.push(format!(
                "{tool} -S {CHAIN} | tail -n 1 | grep -q -e '-j DROP'"
            ));
        }
        Some(Self {
            node: node.to_owned(),
            commands,
            undo,
            guards,
        })
    }
}

/// Writes the splits as a shell script.
pub(super) fn script(splits: &[Split], out: &mut dyn Write) -> io::Result<()> {
    if splits.is_empty() {
        return writeln!(
            out,
            "# The LOG rule's limit hid nothing in this log: it need not be split."
        );
    }
    writeln!(out, "#!/bin/sh")?;
    writeln!(
        out,
        "# Three limited LOG rules in place of one, so that a storm of one kind of packet hides no other. The chain has"
    )?;
    writeln!(
        out,
        "# its DROP at all times. Run the part of each node on that node. The CloudInit resource keeps the one rule until"
    )?;
    writeln!(out, "# you change its LOG line into the three as well.")?;
    writeln!(out, "set -eu")?;
    for split in splits {
        writeln!(out, "\n# {}", printable_name(&split.node))?;
        let guards: Vec<String> = (split.guards.iter())
            .map(|guard| match guard.contains('|') {
                true => guard.clone(),
                false => format!("{guard} 2>/dev/null"),
            })
            .collect();
        writeln!(out, "if {}; then", guards.join(" && "))?;
        for command in &split.commands {
            writeln!(out, "  {command}")?;
        }
        writeln!(out, "else")?;
        writeln!(
            out,
            "  echo 'the chain has not the documented LOG and DROP rules, or is split already: nothing was changed; print it with iptables -S HARVESTER_INPUT' >&2"
        )?;
        writeln!(out, "fi")?;
        for command in &split.undo {
            writeln!(out, "# undo: {command}")?;
        }
    }
    Ok(())
}
