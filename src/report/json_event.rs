//! The live events as JSON, `dropsift/event/v1`, one a line.

use std::borrow::Cow;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::{
    FindingV1, ReportV1, RuleV1, WarningV1, finding_v1, report_v1, rule_v1, time, warning_v1,
};
use super::json_write::write_line;
use super::{Event, EventKind, Report, Style, json_words};

/// Upper bound of an event's line, in bytes: containerd and CRI-O split a container's output at 16 KiB.
const MAX_EVENT: usize = 16 * 1024;
/// Upper bounds on the entries of a list and on the bytes of a text, tried in order until the event is short enough.
const CAPS: [(usize, usize); 5] = [(256, 4096), (64, 2048), (16, 1024), (4, 256), (0, 0)];

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct EventV1<'a> {
    #[schemars(schema_with = "json_words::event_name")]
    pub(super) schema: Cow<'a, str>,
    #[schemars(schema_with = "json_words::event")]
    pub(super) event: Cow<'a, str>,
    pub(super) time: Option<String>,
    pub(super) finding: Option<FindingV1<'a>>,
    pub(super) was: Option<WasV1<'a>>,
    /// Ids that are no finding any more, since this one holds their flows.
    pub(super) replaces: Cow<'a, [String]>,
    pub(super) rule: Option<RuleV1<'a>>,
    pub(super) rules: Vec<RuleV1<'a>>,
    pub(super) warning: Option<WarningV1<'a>>,
    /// Keys of the finding whose value was cut, so that the event stays below 16 KiB.
    pub(super) capped: Vec<Cow<'a, str>>,
    /// The filters of the run, as options: what they leave out makes no event.
    #[serde(default)]
    #[schemars(!default)]
    pub(super) filters: Cow<'a, [String]>,
    pub(super) report: Option<ReportV1<'a>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct WasV1<'a> {
    #[schemars(schema_with = "json_words::verdict")]
    pub(super) verdict: Cow<'a, str>,
    pub(super) cause: Cow<'a, str>,
}

/// Writes the report as the one event of a log that has ended.
pub(super) fn report(report: &Report, _: Style, out: &mut dyn Write) -> io::Result<()> {
    event(&Event::report(report), out)
}

/// Writes a live event as one line, shorter than 16 KiB unless it is the report.
///
/// # Errors
/// If `out` cannot be written to.
pub(super) fn event(event: &Event<'_>, out: &mut dyn Write) -> io::Result<()> {
    if event.kind == EventKind::Report {
        return write_line(&event_v1(event, usize::MAX, usize::MAX), out);
    }
    let mut line = Vec::new();
    for (most, longest) in CAPS {
        line.clear();
        write_line(&event_v1(event, most, longest), &mut line)?;
        if line.len() < MAX_EVENT {
            break;
        }
    }
    out.write_all(&line)
}

fn event_v1<'a>(event: &'a Event<'_>, most: usize, longest: usize) -> EventV1<'a> {
    let finding = event.finding.map(finding_v1);
    let mut finding = finding.map(|finding| finding.replacing(&event.replaces));
    let mut capped = (finding.as_mut()).map_or_else(Vec::new, |f| f.cap(most, longest));
    let rules = &event.rules[..event.rules.len().min(most)];
    if rules.len() < event.rules.len() && !capped.contains(&"rules") {
        capped.push("rules");
    }
    EventV1 {
        schema: "dropsift/event/v1".into(),
        event: event.kind.code().into(),
        time: time(event.time),
        finding,
        was: event.was.map(|cause| WasV1 {
            verdict: cause.verdict.code().into(),
            cause: cause.code.into(),
        }),
        replaces: (&event.replaces[..]).into(),
        rule: rules.first().map(|rule| rule_v1(rule)),
        rules: rules.iter().map(|rule| rule_v1(rule)).collect(),
        warning: event.warning.map(warning_v1),
        capped: capped.into_iter().map(Cow::from).collect(),
        // One at least: that there are filters is never cut.
        filters: event.filters[..event.filters.len().min(most.max(1))].into(),
        report: event.report.map(report_v1),
    }
}
