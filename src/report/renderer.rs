//! The forms of all outputs in one table, [`RENDERERS`]: the command line offers of a form only the outputs that it has.

use std::io::{self, Write};

use super::audit::{self, Audited};
use super::config::{self, Held};
use super::diff::{self, Diff};
use super::explain::Explanation;
use super::ports::{self, PortList};
use super::rules::{self, ChainDifference, CheckedRules};
use super::simulate::{self, Simulated};
use super::{
    Event, Report, Style, html, json, json_audit, json_config, json_diff, json_event, json_explain,
    json_rules, json_simulate, markdown, text,
};
use crate::rule::Recommended;

/// Result of writing an output.
type Written = io::Result<()>;

/// A form of the outputs; `None` where it makes no sense for one.
#[derive(Clone, Copy)]
#[expect(
    clippy::type_complexity,
    reason = "an alias could not stand for functions of any lifetime"
)]
pub struct Renderer {
    /// Name of the form on the command line.
    pub code: &'static str,
    pub title: &'static str,
    /// Whether programs read it, so that it is written also where no input can be read.
    pub always: bool,
    pub report: fn(&Report, Style, &mut dyn Write) -> Written,
    /// Form of live events; without it the output is one document, written at the end.
    pub events: Option<Events>,
    pub diff: Option<fn(&Diff<'_>, Style, &mut dyn Write) -> Written>,
    pub simulate: Option<fn(&Simulated<'_>, Style, &mut dyn Write) -> Written>,
    pub audit: Option<fn(&Audited<'_>, Style, &mut dyn Write) -> Written>,
    pub explain: Option<fn(&Explanation<'_>, Style, &mut dyn Write) -> Written>,
    pub ports: Option<fn(&PortList<'_>, Style, &mut dyn Write) -> Written>,
    pub config: Option<fn(&Held<'_>, Style, &mut dyn Write) -> Written>,
    /// Rules as a document, which has each in all of its forms; `--format` does nothing beside it.
    pub rules: Option<fn(&Report, Style, &mut dyn Write) -> Written>,
    pub check: Option<fn(&CheckedRules<'_>, Style, &mut dyn Write) -> Written>,
    /// A recommended chain as a document; `--format` does nothing beside it.
    pub chain: Option<fn(&Recommended, Style, &mut dyn Write) -> Written>,
    pub difference: Option<fn(&ChainDifference<'_>, Style, &mut dyn Write) -> Written>,
}

/// Form of live events.
#[derive(Clone, Copy)]
pub enum Events {
    /// Each event separately, as soon as it occurs.
    Each(fn(&Event<'_>, &mut dyn Write) -> Written),
    /// Rows for people, see [`super::LiveText`].
    Rows,
}

pub static TEXT: Renderer = Renderer {
    code: "text",
    title: "for people: the answer first, then why",
    always: false,
    report: text::report,
    events: Some(Events::Rows),
    diff: Some(diff::text),
    simulate: Some(simulate::text),
    audit: Some(audit::text),
    explain: Some(text::explanation),
    ports: Some(ports::text),
    config: Some(config::text),
    rules: None,
    check: Some(rules::check),
    chain: None,
    difference: Some(rules::difference),
};

pub static JSON: Renderer = Renderer {
    code: "json",
    title: "one document, dropsift/report/v1",
    always: true,
    report: json::report,
    events: None,
    diff: Some(json_diff::json),
    simulate: Some(json_simulate::json),
    audit: Some(json_audit::json),
    explain: Some(json_explain::explanation),
    ports: Some(json_explain::ports),
    config: Some(json_config::json),
    rules: Some(json_rules::rules),
    check: Some(json_rules::check),
    chain: Some(json_rules::chain),
    difference: Some(json_rules::difference),
};

static NDJSON: Renderer = Renderer {
    code: "ndjson",
    title: "live events, dropsift/event/v1, one a line, and the report as the last",
    always: true,
    report: json_event::report,
    events: Some(Events::Each(json_event::event)),
    ..REPORT_ALONE
};

static HTML: Renderer = Renderer {
    code: "html",
    title: "a page for a browser, one file",
    report: html::report,
    diff: Some(html::diff),
    ..REPORT_ALONE
};

static MARKDOWN: Renderer = Renderer {
    code: "markdown",
    title: "for issues and chats, at most 65536 characters",
    report: markdown::report,
    diff: Some(markdown::diff),
    simulate: Some(markdown::simulation),
    audit: Some(markdown::audit),
    explain: Some(markdown::explanation),
    ports: Some(markdown::ports),
    ..REPORT_ALONE
};

/// A form that has nothing but the report.
const REPORT_ALONE: Renderer = Renderer {
    code: "",
    title: "",
    always: false,
    report: text::report,
    events: None,
    diff: None,
    simulate: None,
    audit: None,
    explain: None,
    ports: None,
    config: None,
    rules: None,
    check: None,
    chain: None,
    difference: None,
};

/// All renderers, the default first.
pub static RENDERERS: &[&Renderer] = &[&TEXT, &JSON, &NDJSON, &HTML, &MARKDOWN];
