//! Text on rules in a chain: the state of suggested rules, and how a chain differs from the recommended one.

use std::io::{self, Write};

use super::{Report, Style, as_filtered};
use crate::chain::Rule;
use crate::error::{printable, printable_name};
use crate::rule::{Checked, Difference, Recommended};

/// The rules that a log asks for, and their state in a running chain.
pub struct CheckedRules<'a> {
    pub report: &'a Report,
    pub checked: &'a [Checked<'a>],
}

/// Difference of the chain in a file from the recommended one.
pub struct ChainDifference<'a> {
    pub chain: &'a Recommended,
    pub file: &'a str,
    pub difference: &'a Difference,
}

/// Writes the state of each rule as text.
pub fn check(rules: &CheckedRules<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    if rules.checked.is_empty() {
        let text = as_filtered(rules.report, "The log asks for no rule");
        return writeln!(out, "{text}");
    }
    let longest = rules.checked.iter().map(|one| one.state.code().len()).max();
    let width = longest.unwrap_or_default().max("absent".len());
    for one in rules.checked {
        let at = (one.at.as_ref()).map_or_else(String::new, |(chain, number)| {
            format!(", rule {number} of {}", printable(chain))
        });
        writeln!(
            out,
            "{:<width$}  {}  {} ({}){at}",
            one.state.code(),
            printable_name(&one.rule.node),
            printable(&one.rule.matches_text()),
            one.rule.comment(),
        )?;
    }
    Ok(())
}

/// Writes the difference as text.
pub fn difference(one: &ChainDifference<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let (name, role, difference) = (printable(one.file), one.chain.role, one.difference);
    if difference.is_empty() {
        return writeln!(out, "{name} has the recommended chain of {role} nodes.");
    }
    writeln!(
        out,
        "{name} differs from the recommended chain of {role} nodes."
    )?;
    let shown = |rule: &Rule| printable(&rule.to_string());
    if !difference.missing.is_empty() {
        writeln!(out, "\nMISSING  recommended, and not there")?;
        for rule in &difference.missing {
            writeln!(out, "  {}", shown(rule))?;
        }
    }
    if !difference.order.is_empty() {
        writeln!(
            out,
            "\nORDER  recommended, and without effect where it stands"
        )?;
        for (number, rule, behind) in &difference.order {
            writeln!(out, "  rule {number}, behind {behind}: {}", shown(rule))?;
        }
    }
    if !difference.wider.is_empty() {
        writeln!(out, "\nWIDER  accepts more than the recommended rule")?;
        for (number, rule, recommended) in &difference.wider {
            writeln!(out, "  rule {number}: {}", shown(rule))?;
            writeln!(out, "    recommended: {}", shown(recommended))?;
        }
    }
    if !difference.extra.is_empty() {
        writeln!(out, "\nEXTRA  not in the recommendation")?;
        for (number, rule) in &difference.extra {
            writeln!(out, "  rule {number}: {}", shown(rule))?;
        }
    }
    Ok(())
}
