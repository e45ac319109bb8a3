//! What an audit found, for people and as JSON (`dropsift/audit/v1`).

use std::io::{self, Write};

use anstyle::AnsiColor;
use serde::Serialize;

use super::Style;
use super::json_write::{ToolV1, write_line};
use super::text::Page;
use crate::audit::{AuditFinding, Severity};
use crate::catalog::Role;
use crate::error::printable;

/// An audit and what it found.
pub struct Audited<'a> {
    pub role: Role,
    pub files: Vec<&'a str>,
    pub findings: &'a [AuditFinding],
}

#[derive(Serialize)]
struct AuditV1<'a> {
    schema: &'static str,
    tool: ToolV1,
    role: &'static str,
    files: &'a [&'a str],
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<FindingV1<'a>>,
}

#[derive(Serialize)]
struct FindingV1<'a> {
    code: &'static str,
    severity: &'static str,
    file: &'a str,
    line: Option<usize>,
    text: &'a str,
    mend: &'a str,
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn count(audited: &Audited<'_>, severity: Severity) -> usize {
    let alike = |finding: &&AuditFinding| finding.severity == severity;
    audited.findings.iter().filter(alike).count()
}

/// Writes it as one document.
pub fn json(audited: &Audited<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings = audited.findings.iter().map(|finding| FindingV1 {
        code: finding.code,
        severity: word(finding.severity),
        file: &finding.file,
        line: (finding.line > 0).then_some(finding.line),
        text: &finding.text,
        mend: &finding.mend,
    });
    let document = AuditV1 {
        schema: "dropsift/audit/v1",
        tool: ToolV1::THIS,
        role: audited.role.code(),
        files: &audited.files,
        errors: count(audited, Severity::Error),
        warnings: count(audited, Severity::Warning),
        notes: count(audited, Severity::Note),
        findings: findings.collect(),
    };
    write_line(&document, out)
}

/// Writes it for people: the place, what is wrong, and what mends it.
pub fn text(audited: &Audited<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
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
