//! The answer in one sentence, and the inputs that were read.

use std::io;

use super::label::{Sections, rules};
use super::page::{Page, color};
use super::words::{drops, many, node_or_number};
use crate::cause::Verdict;
use crate::error::{printable, printable_name};
use crate::report::{InputReport, Report, Unjudged};
use crate::time::Time;

/// Codes of warnings that lines may be absent which would have shown a missing rule.
pub(super) const LOST: [&str; 6] = [
    "log-saturated",
    "drops-unlogged",
    "kernel-messages-missed",
    "kernel-messages-suppressed",
    "journal-messages-suppressed",
    "log-damaged",
];
/// Codes of warnings that drop lines have no time, which would show how long they went on.
const TIMELESS: [&str; 3] = ["time-unread", "time-missing", "no-such-day"];
/// Codes of warnings that the first sentence states, where there are no drop lines.
pub(super) const IN_SENTENCE: [&str; 2] = ["other-prefix", BEFORE];
/// Code of the warning that journals lie before the time that was asked for.
const BEFORE: &str = "journals-before-since";
/// Inputs are mentioned by name up to this number.
const MAX_INPUTS: usize = 3;

/// Writes the answer and, where there were drops, the inputs that they were read from.
pub(super) fn headline(
    page: &mut Page<'_>,
    report: &Report,
    sections: &Sections<'_>,
) -> io::Result<()> {
    let ansi = if !sections.missing.is_empty() || !sections.decide.is_empty() {
        color(Verdict::MissingRule)
    } else if !sections.review.is_empty() {
        color(Verdict::Review)
    } else {
        color(Verdict::FalsePositive)
    };
    let answer = page.paint(ansi, &answer(report, sections));
    page.paragraph("", "", &answer)?;
    if report.tally.drops == 0 {
        return Ok(());
    }
    let mut facts = vec![source(report)];
    facts.push(match &report.nodes[..] {
        [only] => printable_name(&only.node),
        nodes => many(nodes.len() as u64, "node"),
    });
    facts.extend(span(report));
    let hit = (report.warnings.iter()).any(|warning| warning.code == "log-saturated");
    if hit {
        facts.push("LOG limit hit".to_owned());
    }
    page.paragraph("", "", &facts.join(", "))
}

/// Returns the answer: the missing rules, the decisions, and the number of drops that need no action.
pub(in crate::report) fn sentence(report: &Report) -> String {
    answer(report, &Sections::of(report))
}

fn answer(report: &Report, sections: &Sections<'_>) -> String {
    if report.tally.drops == 0 {
        return nothing_read(report);
    }
    let has = |code: &str| report.warnings.iter().any(|warning| warning.code == code);
    let shown = report.tally.drops - report.tally.filtered;
    if let Some(text) = nothing_passes(report) {
        return text;
    }
    let missing = rules(&sections.missing, report);
    let decide = rules(&sections.decide, report);
    let mut clauses = Vec::new();
    if (sections.missing.iter()).any(|finding| !finding.rules.is_empty()) {
        let verb = if missing == 1 { "is" } else { "are" };
        // One rule on many nodes needs one command on each.
        let on = match node_or_number(&sections.missing) {
            nodes if missing < sections.missing.len() as u64 => format!(" on {nodes}"),
            _ => String::new(),
        };
        clauses.push(format!("{} {verb} missing{on}", many(missing, "rule")));
    } else if missing > 0 {
        clauses.push("What is missing is in the chain, and the packets do not reach it".to_owned());
    }
    if decide > 0 {
        let one = if clauses.is_empty() { " rule" } else { "" };
        clauses.push(match decide {
            1 => format!("1{one} needs your decision"),
            n if one.is_empty() => format!("{n} need your decision"),
            n => format!("{n} rules need your decision"),
        });
    }
    let is_open = clauses.is_empty();
    let is_timeless = TIMELESS.iter().any(|code| has(code));
    let mut text = clauses.join(", ");
    if is_open {
        text = "No rule is shown to be missing".to_owned();
    }
    let mut but = Vec::new();
    let closed =
        (sections.known.iter()).filter(|finding| finding.verdict() == Verdict::MissingRule);
    if is_open && let closed @ 1.. = closed.count() as u64 {
        let are = if closed == 1 { "is" } else { "are" };
        but.push(format!(
            "{} {are} accepted as missing",
            many(closed, "finding")
        ));
    }
    if has("established-rule-suspect") {
        but.push("answers to this cluster's own connections are dropped: the ESTABLISHED rule may be missing".to_owned());
    }
    if has("documented-rule-absent") {
        but.push("a documented rule is absent from a chain: see CAUTION".to_owned());
    }
    if has("scan-documented") {
        but.push("a scan asked for documented ports too, whose rules may be missing".to_owned());
    }
    if report.tally.unreadable > 0 {
        let lines = many(report.tally.unreadable, "drop line");
        but.push(format!("{lines} could not be read"));
    }
    if is_open && but.is_empty() {
        let reviews = sections.review.len() as u64;
        let guess = (sections.leave.iter())
            .any(|finding| finding.role_assumed && finding.cause.code == "other-role");
        if reviews > 0 {
            let verb = if reviews == 1 { "needs" } else { "need" };
            but.push(format!("{} {verb} a look", many(reviews, "finding")));
        } else if LOST.iter().any(|code| has(code)) {
            but.push("not every drop was logged".to_owned());
        } else if has("node-log-missing") {
            but.push("not every node has a log here".to_owned());
        } else if is_timeless {
            but.push("not every drop has a time".to_owned());
        } else if guess {
            but.push("that rests on a role which is a guess".to_owned());
        } else if report.is_filtered() {
            but.push("filters are on".to_owned());
        } else {
            text = "No rule is missing".to_owned();
        }
    }
    if !but.is_empty() {
        let and = if is_open { ", but " } else { "; " };
        text = format!("{text}{and}{}", but.join("; "));
    }
    let of = match shown {
        1 => "the 1 drop".to_owned(),
        n => format!("{n} drops"),
    };
    let need = |number: u64| if number == 1 { "needs" } else { "need" };
    let what = if sections
        .noise
        .iter()
        .any(|f| f.absent_rule.is_some() || f.established_suspect)
    {
        "no rule of their own"
    } else {
        "nothing"
    };
    let going_on = |number: u64| match (is_timeless, number) {
        (false, _) => "",
        (true, 1) => " unless it goes on",
        (true, _) => " unless they go on",
    };
    let tail = match sections.nothing() {
        0 => String::new(),
        1 if shown == 1 => format!(" The drop needs {what}{}.", going_on(1)),
        n if n == shown => format!(" All {of} need {what}{}.", going_on(n)),
        n => format!(" {n} of {of} {} {what}{}.", need(n), going_on(n)),
    };
    let known = match (drops(&sections.known), sections.known.len() as u64) {
        (_, 0) => String::new(),
        (drops, 1) => format!(
            " {} {} of 1 accepted finding.",
            many(drops, "drop"),
            if drops == 1 { "is" } else { "are" }
        ),
        (drops, findings) => format!(
            " {} are of {findings} accepted findings.",
            many(drops, "drop")
        ),
    };
    let left = match report.tally.filtered {
        0 => String::new(),
        n => format!(" The filters leave out {}.", many(n, "more drop")),
    };
    format!("{text}.{tail}{known}{left}")
}

/// Says that no finding passes the filters; `None` where one does, none is on, or there was none to choose from.
pub(crate) fn nothing_passes(report: &Report) -> Option<String> {
    let all = match report.tally.drops {
        0 => return None,
        1 => "the one drop".to_owned(),
        n => format!("all {n} drops"),
    };
    (report.is_filtered() && report.findings.is_empty())
        .then(|| format!("No finding passes the filters; they leave out {all}."))
}

/// Returns `none`, which says that there is none of something, as far as the filters let it be said.
pub(crate) fn as_filtered(report: &Report, none: &str) -> String {
    nothing_passes(report).unwrap_or_else(|| {
        let among = match report.is_filtered() {
            true => " among what the filters let through",
            false => "",
        };
        let unread = match report.tally.unreadable {
            0 => String::new(),
            lines => format!(", but {} could not be read", many(lines, "drop line")),
        };
        format!("{none}{among}{unread}.")
    })
}

/// Returns the answer on a log without a drop line that could be judged.
fn nothing_read(report: &Report) -> String {
    let tally = report.tally;
    let (lines, source) = (many(tally.lines, "line"), source(report));
    let over = span(report).map_or_else(String::new, |span| format!(", {span}"));
    let other = report
        .warnings
        .iter()
        .filter_map(|warning| match warning.code {
            code if IN_SENTENCE.contains(&code) => Some(printable(&warning.text)),
            "prefix-elsewhere" => {
                Some("the LOG prefix stands where no kernel message begins, see CAUTION".to_owned())
            }
            _ => None,
        });
    let other: Vec<String> = other.collect();
    let tail = if other.is_empty() {
        String::new()
    } else {
        format!("; {}", other.join("; "))
    };
    if tally.unreadable > 0 {
        let of = match tally.unreadable {
            1 => "The one drop line".to_owned(),
            n => format!("None of the {n} drop lines"),
        };
        let not = if tally.unreadable == 1 { " not" } else { "" };
        return format!("{of} in {source} could{not} be read: nothing was judged{tail}.");
    }
    if tally.untrusted > 0 {
        let looks = if tally.untrusted == 1 {
            "looks"
        } else {
            "look"
        };
        return format!(
            "No drop line of the kernel in {lines} of {source}{over}; {} only {looks} like one{tail}.",
            tally.untrusted
        );
    }
    let is_unread = |input: &InputReport| input.error.is_some() && input.tally.lines == 0;
    let is_unknown = |input: &InputReport| input.unjudged == Some(Unjudged::UnknownFormat);
    let told = |is: &dyn Fn(&InputReport) -> bool, why: &str| {
        let of: Vec<&InputReport> = report.inputs.iter().filter(|input| is(input)).collect();
        (!of.is_empty()).then(|| format!("{} {why}", named(&of)))
    };
    let whys = [
        told(&is_unknown, "has no line of a known log format"),
        told(&is_unread, "could not be read"),
    ];
    let whys: Vec<String> = whys.into_iter().flatten().collect();
    if !whys.is_empty() {
        return format!("Nothing was judged: {}{tail}.", whys.join("; "));
    }
    let is_before = report.warnings.iter().any(|warning| warning.code == BEFORE);
    if tally.outside > 0 || (is_before && tally.lines == 0) {
        let outside = match tally.outside {
            0 => String::new(),
            1 => "; 1 lies outside it".to_owned(),
            lines => format!("; {lines} lie outside it"),
        };
        return format!(
            "No drop line of {source} is in the time that was asked for{outside}{tail}."
        );
    }
    if tally.lines == 0 {
        return format!("No drop lines: {source} is empty.");
    }
    format!("No drop lines in {lines} of {source}{over}{tail}.")
}

/// Describes the input and its time span.
pub(in crate::report) fn source_and_span(report: &Report) -> String {
    let span = span(report).map_or_else(String::new, |span| format!(", {span}"));
    format!("{}{span}", source(report))
}

/// Describes the inputs.
pub(in crate::report) fn source(report: &Report) -> String {
    let logs: Vec<&InputReport> = (report.inputs.iter())
        .filter(|input| !input.has_objects)
        .collect();
    named(&logs)
}

/// Returns the names of inputs, or their number.
fn named(inputs: &[&InputReport]) -> String {
    let name = |input: &InputReport| match input.label() {
        "-" => "stdin".to_owned(),
        name => {
            let short = name
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or(name);
            printable(short)
        }
    };
    match inputs {
        [] => "the log".to_owned(),
        inputs if inputs.len() <= MAX_INPUTS => {
            let names: Vec<String> = inputs.iter().map(|input| name(input)).collect();
            names.join(", ")
        }
        inputs => many(inputs.len() as u64, "input"),
    }
}

/// Describes the time span of the log.
pub(in crate::report) fn span(report: &Report) -> Option<String> {
    let (first, last) = report.span.filter(|(first, _)| first.is_known())?;
    if !first.is_dated() {
        return Some(format!("{first} to {last} since the boot"));
    }
    let day = |time: Time| {
        let (year, month, day) = time.date();
        format!("{year}-{month:02}-{day:02}")
    };
    if first == last {
        return Some(format!("{} {} UTC", day(first), first.clock()));
    }
    let to = if first.date() == last.date() {
        last.clock()
    } else {
        format!("{} {}", day(last), last.clock())
    };
    Some(format!("{} {} to {to} UTC", day(first), first.clock()))
}
