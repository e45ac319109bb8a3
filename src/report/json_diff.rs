//! The difference as `dropsift/diff/v1`.

use std::borrow::Cow;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::diff::{Alone, Diff, Doubtful, headline};
use super::json::{
    FindingV1, InputV1, SpanV1, TallyV1, WarningV1, finding_v1, report_v1, warning_v1,
};
use super::json_write::{ToolV1, write_line};
use super::{Report, Style, json_words};
use crate::cause::Verdict;

#[derive(Serialize, JsonSchema)]
pub(super) struct DiffV1<'a> {
    #[schemars(schema_with = "json_words::diff_name")]
    schema: &'static str,
    tool: ToolV1<'static>,
    summary: DiffSummaryV1,
    before: SideV1<'a>,
    after: SideV1<'a>,
    /// Findings that only the later report has.
    new: Vec<AloneV1<'a>>,
    /// Findings that only the earlier report has.
    gone: Vec<AloneV1<'a>>,
    /// Findings that both have, in another way.
    changed: Vec<ChangedV1<'a>>,
    /// Findings that both have.
    same: Vec<SameV1<'a>>,
    /// What made the reports differ although nothing changed in the cluster.
    notes: Vec<WarningV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct DiffSummaryV1 {
    /// As the text begins.
    text: String,
    new: usize,
    gone: usize,
    changed: usize,
    same: usize,
    /// Missing rules that are new and nobody accepted.
    new_missing: usize,
}

/// One of the two reports.
#[derive(Serialize, JsonSchema)]
struct SideV1<'a> {
    inputs: Vec<InputV1<'a>>,
    span: Option<SpanV1>,
    tally: TallyV1,
    /// The filters that may have left findings out, as options; empty where it has all.
    filters: Cow<'a, [String]>,
}

#[derive(Serialize, JsonSchema)]
struct AloneV1<'a> {
    finding: FindingV1<'a>,
    /// Why the other report could lack it although nothing changed; empty where nothing speaks for that.
    doubts: Vec<ReasonV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ChangedV1<'a> {
    was: FindingV1<'a>,
    now: FindingV1<'a>,
    what: Vec<ReasonV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ReasonV1<'a> {
    code: &'static str,
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct SameV1<'a> {
    id: &'a str,
    /// Drop lines of the earlier report.
    was_logged: u64,
    now: FindingV1<'a>,
}

/// Writes it as one document.
pub(super) fn json(diff: &Diff<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let document = DiffV1 {
        schema: "dropsift/diff/v1",
        tool: ToolV1::THIS,
        summary: DiffSummaryV1 {
            text: headline(diff),
            new: diff.new.len(),
            gone: diff.gone.len(),
            changed: diff.changed.len(),
            same: diff.same.len(),
            new_missing: diff.fails(&[Verdict::MissingRule]),
        },
        before: side(diff.before),
        after: side(diff.after),
        new: alone(&diff.new),
        gone: alone(&diff.gone),
        changed: (diff.changed.iter())
            .map(|one| ChangedV1 {
                was: finding_v1(one.was),
                now: finding_v1(one.now),
                what: reasons(&one.what),
            })
            .collect(),
        same: (diff.same.iter())
            .map(|(was, now)| SameV1 {
                id: &now.id,
                was_logged: was.logged,
                now: finding_v1(now),
            })
            .collect(),
        notes: diff.notes.iter().map(warning_v1).collect(),
    };
    write_line(&document, out)
}

fn alone<'a>(all: &'a [Alone<'_>]) -> Vec<AloneV1<'a>> {
    let all = all.iter().map(|one| AloneV1 {
        finding: finding_v1(one.finding),
        doubts: reasons(&one.doubts),
    });
    all.collect()
}

fn reasons(all: &[Doubtful]) -> Vec<ReasonV1<'_>> {
    let all = all.iter().map(|one| ReasonV1 {
        code: one.code,
        text: &one.text,
    });
    all.collect()
}

fn side(report: &Report) -> SideV1<'_> {
    let whole = report_v1(report);
    SideV1 {
        inputs: whole.inputs,
        span: whole.span,
        tally: whole.tally,
        filters: whole.filters,
    }
}
