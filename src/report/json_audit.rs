//! Findings of an audit as JSON, `dropsift/audit/v1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::audit::{Audited, count, word};
use super::json_write::{ToolV1, write_line};
use super::{Style, json_words};
use crate::audit::Severity;

#[derive(Serialize, JsonSchema)]
pub(super) struct AuditV1<'a> {
    #[schemars(schema_with = "json_words::audit_name")]
    schema: &'static str,
    tool: ToolV1<'static>,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    files: &'a [&'a str],
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<FindingV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditFindingV1")]
struct FindingV1<'a> {
    code: &'static str,
    #[schemars(schema_with = "json_words::severity")]
    severity: &'static str,
    file: &'a str,
    line: Option<usize>,
    text: &'a str,
    mend: &'a str,
    /// Commands and rules that `mend` speaks of.
    commands: &'a [String],
}

/// Writes it as one document.
pub(super) fn json(audited: &Audited<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let findings = audited.findings.iter().map(|finding| FindingV1 {
        code: finding.code,
        severity: word(finding.severity),
        file: &finding.file,
        line: (finding.line > 0).then_some(finding.line),
        text: &finding.text,
        mend: &finding.mend,
        commands: &finding.commands,
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
