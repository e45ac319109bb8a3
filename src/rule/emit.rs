//! Rules as text to apply: a shell script, or lines for a CloudInit resource.

use std::io::{self, Write};

use super::{AcceptRule, Disposition};
use crate::error::printable;

/// A form of the rules.
pub struct Emitter {
    /// As users write it.
    pub code: &'static str,
    pub title: &'static str,
    pub emit: fn(&[AcceptRule], &mut dyn Write) -> io::Result<()>,
}

/// All forms, the default first.
pub const EMITTERS: &[&Emitter] = &[&IPTABLES, &CLOUDINIT];

static IPTABLES: Emitter = Emitter {
    code: "iptables",
    title: "a shell script that changes the running chain",
    emit: iptables,
};

static CLOUDINIT: Emitter = Emitter {
    code: "cloudinit",
    title: "lines for the CloudInit resource of each role",
    emit: cloudinit,
};

/// Marks a rule that somebody has to decide about.
const DECIDE: &str = "decide first";

fn iptables(rules: &[AcceptRule], out: &mut dyn Write) -> io::Result<()> {
    if rules.is_empty() {
        return writeln!(out, "# No rule is missing.");
    }
    writeln!(out, "#!/bin/sh")?;
    writeln!(
        out,
        "# ACCEPT rules for a running HARVESTER_INPUT chain, before its LOG rule. Safe to run twice: each rule is"
    )?;
    writeln!(
        out,
        "# deleted where it stands, also behind DROP where it does nothing, and then inserted."
    )?;
    writeln!(
        out,
        "# \"Index of insertion too big\" means that the chain is empty: apply the documented chain first."
    )?;
    writeln!(
        out,
        "# An undo also removes an equal rule of your own. Run the part of each node on that node."
    )?;
    writeln!(out, "set -eu")?;
    let mut node = None;
    for rule in rules {
        if node != Some(&rule.node) {
            writeln!(out, "\n# {} ({})", printable(&rule.node), rule.role)?;
            node = Some(&rule.node);
        }
        let mark = match rule.disposition {
            Disposition::Documented => "",
            Disposition::Review => "# ",
        };
        if rule.disposition == Disposition::Review {
            writeln!(out, "# {DECIDE}: {}", rule.comment)?;
        }
        writeln!(out, "{mark}{} 2>/dev/null || :", rule.undo())?;
        writeln!(out, "{mark}{}", rule.insert())?;
        writeln!(out, "# undo: {}", rule.undo())?;
    }
    Ok(())
}

fn cloudinit(rules: &[AcceptRule], out: &mut dyn Write) -> io::Result<()> {
    if rules.is_empty() {
        return writeln!(out, "# No rule is missing.");
    }
    writeln!(
        out,
        "# Lines for the CloudInit resource of each role, before its LOG line. Edit the resource that exists: a second"
    )?;
    writeln!(
        out,
        "# one with the same file name is refused. They take effect at the next boot."
    )?;
    let mut told: Vec<(&str, String)> = Vec::new();
    for rule in rules {
        let line = rule.append();
        if told
            .iter()
            .any(|(role, known)| *role == rule.role.code() && *known == line)
        {
            continue;
        }
        if !told.iter().any(|(role, _)| *role == rule.role.code()) {
            writeln!(out, "\n# {}", rule.role)?;
        }
        let mark = match rule.disposition {
            Disposition::Documented => String::new(),
            Disposition::Review => format!("# {DECIDE}: "),
        };
        writeln!(out, "{mark}- {line}")?;
        told.push((rule.role.code(), line));
    }
    Ok(())
}
