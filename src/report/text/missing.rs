//! The missing rules: the same problem on several nodes is told once, with its nodes.

use std::io;

use super::commands::commands;
use super::page::{BOLD, Page, color};
use super::{entry, facts, nodes, of, title};
use crate::cause::Verdict;
use crate::chain::quoted;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::report::Report;
use crate::rule::AcceptRule;

/// Tests that compare nodes: where nodes are told together, their heading says it.
const COMPARISONS: [&str; 2] = ["missing-elsewhere", "only-here"];

/// What one node lacks.
struct Lack<'r> {
    node: &'r str,
    findings: Vec<&'r Finding>,
    rules: Vec<&'r AcceptRule>,
}

impl Lack<'_> {
    /// Whether both are told by the same words: the same problems, and the same commands against them.
    fn is_alike(&self, other: &Self) -> bool {
        let problems = |lack: &Self| -> Vec<String> {
            lack.findings
                .iter()
                .map(|f| format!("{} {}", title(f), f.role))
                .collect()
        };
        let commands = |lack: &Self| -> Vec<_> {
            lack.rules
                .iter()
                .map(|r| (r.place_command(), r.insert(), r.append()))
                .collect()
        };
        problems(self) == problems(other) && commands(self) == commands(other)
    }
}

pub(super) fn missing(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let found = of(report, Verdict::MissingRule);
    if found.is_empty() {
        return Ok(());
    }
    let tail = "the chain lacks an ACCEPT";
    page.heading(color(Verdict::MissingRule), "MISSING RULES", tail)?;
    let mut alike: Vec<Vec<Lack<'_>>> = Vec::new();
    for node in nodes(&found) {
        let lack = Lack {
            node,
            findings: found.iter().copied().filter(|f| f.node == node).collect(),
            rules: report.rules.iter().filter(|r| r.node == node).collect(),
        };
        match alike.iter_mut().find(|known| known[0].is_alike(&lack)) {
            Some(known) => known.push(lack),
            None => alike.push(vec![lack]),
        }
    }
    for lacks in &alike {
        block(page, lacks)?;
    }
    Ok(())
}

/// The nodes of `lacks`, which are told by the same words.
fn block(page: &mut Page<'_>, lacks: &[Lack<'_>]) -> io::Result<()> {
    let Some(first) = lacks.first() else {
        return Ok(());
    };
    let names: Vec<String> = lacks.iter().map(|lack| printable_name(lack.node)).collect();
    let names = page.paint(BOLD, &names.join(", "));
    let role = first.findings.first().map_or("", |f| f.role.code());
    let assumed = lacks
        .iter()
        .flat_map(|lack| &lack.findings)
        .find(|f| f.role_assumed);
    let role_text = match assumed {
        Some(f) => format!(
            "{role} assumed: --role {}=ROLE tells another",
            printable_name(&quoted(&f.node))
        ),
        None => role.to_owned(),
    };
    page.line("")?;
    page.paragraph("  ", "  ", &format!("{names} ({role_text})"))?;
    if let [only] = lacks {
        for finding in &only.findings {
            entry(page, finding)?;
        }
    } else {
        for (at, finding) in first.findings.iter().enumerate() {
            page.line(&format!(
                "    {}",
                page.paint(color(finding.verdict()), &title(finding))
            ))?;
            for lack in lacks {
                if let Some(own) = lack.findings.get(at) {
                    let text = format!("{}: {}", printable_name(lack.node), facts(page, own));
                    page.paragraph("      ", "        ", &text)?;
                }
            }
            let tests = finding
                .evidence
                .iter()
                .filter(|t| !COMPARISONS.contains(&t.name));
            for test in tests {
                page.test(test)?;
            }
        }
    }
    commands(page, &first.rules, role)
}
