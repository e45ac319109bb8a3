//! Text report of an audit.

use std::io::{self, Write};

use super::Style;
use super::text::{Page, broken};
use crate::audit::{AuditFinding, Severity};
use crate::catalog::Role;
use crate::error::printable;
use anstyle::AnsiColor;

/// An audit and its findings.
pub struct Audited<'a> {
    pub role: Role,
    pub files: Vec<&'a str>,
    pub findings: &'a [AuditFinding],
}

pub(super) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

pub(super) fn count(audited: &Audited<'_>, severity: Severity) -> usize {
    let alike = |finding: &&AuditFinding| finding.severity == severity;
    audited.findings.iter().filter(alike).count()
}

/// Writes the findings as text: position, fault, and remedy.
pub(super) fn text(audited: &Audited<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    for finding in audited.findings {
        let color = match finding.severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Note => AnsiColor::Blue,
        };
        let word = page.paint(color.on_default().bold(), word(finding.severity));
        let file = printable(&finding.file);
        let place = match finding.line {
            0 => file,
            line => format!("{file}:{line}"),
        };
        page.line(&format!("{place}: {word} [{}]", finding.code))?;
        page.paragraph("  ", "  ", &finding.text)?;
        page.paragraph("  > ", "    ", &finding.mend)?;
        for command in &finding.commands {
            // A line of a CloudInit that ends in `\` would go on with a blank that the shell takes for a word.
            let is_for_a_file = command.contains(" -A ") || command.starts_with('-');
            let width = if is_for_a_file {
                usize::MAX
            } else {
                page.style.width
            };
            for line in broken(command, width.saturating_sub(6)) {
                page.line(&format!("      {line}"))?;
            }
        }
    }
    let number = |severity, one: &str| {
        let number = count(audited, severity);
        format!("{number} {one}{}", if number == 1 { "" } else { "s" })
    };
    page.line(&format!(
        "{}, {}, {} for the role {}.",
        number(Severity::Error, "error"),
        number(Severity::Warning, "warning"),
        number(Severity::Note, "note"),
        audited.role
    ))
}
