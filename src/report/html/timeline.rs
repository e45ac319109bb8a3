//! The timeline of a node: its findings as rows, with a mark for each line, over upgrades, boots and the times in which
//! the LOG limit was used up.

use std::fmt::Write;

use super::finding::{class, word};
use crate::error::printable_name;
use crate::finding::Finding;
use crate::report::text::{Label, many, moment, traffic, what};
use crate::report::{NodeReport, Report};
use crate::site::WindowOrigin;
use crate::time::{MINUTE, SECOND, Time};

/// The most findings of a node that have a row.
const MAX_ROWS: usize = 40;
/// Number of nodes whose timelines a browser lays out at once, when they come into view.
pub(super) const NODES: usize = 20;
/// The most characters of a protocol and ports that a narrow drawing has room for.
const MAX_LABEL: usize = 20;
/// Height of a row, in pixels.
const ROW: usize = 34;
/// Height of the axis, in pixels.
const AXIS: usize = 22;
/// Steps between the times of an axis, in microseconds.
const STEPS: [i64; 19] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    48 * HOUR,
];
const HOUR: i64 = 60 * MINUTE;
const WEEK: i64 = 7 * 24 * HOUR;
/// The most steps on an axis.
const MAX_MARKS: i64 = 6;
/// Width of a row in the units of its marks.
const UNITS: i64 = 10_000;

/// The timeline of a node.
pub(super) struct Timeline {
    pub(super) node: String,
    pub(super) caption: String,
    pub(super) height: usize,
    pub(super) axis: Vec<AxisMark>,
    pub(super) windows: Vec<Band>,
    pub(super) boots: Vec<String>,
    pub(super) rows: Vec<TimelineRow>,
    pub(super) table: Vec<TableRow>,
}

/// A time on the axis; places are in percent of the width.
pub(super) struct AxisMark {
    pub(super) x: String,
    pub(super) anchor: &'static str,
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// A stretch of time.
pub(super) struct Band {
    pub(super) x: String,
    pub(super) width: String,
}

/// A row of the drawing.
pub(super) struct TimelineRow {
    /// Id of the finding.
    pub(super) id: Option<String>,
    pub(super) class: &'static str,
    pub(super) label: String,
    /// Part of the label of a finding that a narrow drawing has no room for.
    pub(super) minor: String,
    /// Number of drops of a finding, in words.
    pub(super) drops: String,
    pub(super) y: usize,
    pub(super) hatched: Vec<Band>,
    /// Paths of the stretch from the first line to the last, and of a mark for each line.
    pub(super) span: String,
    pub(super) ticks: String,
}

/// A row of the table that says the same.
pub(super) struct TableRow {
    pub(super) id: Option<String>,
    pub(super) label: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) drops: String,
}

/// The span of the report, on which all timelines lie.
struct Axis {
    first: Time,
    last: Time,
    one_day: bool,
}

impl Axis {
    fn units(&self, time: Time) -> i64 {
        let whole = i128::from(self.last.since(self.first).max(1));
        let place = i128::from(time.since(self.first)) * i128::from(UNITS) / whole;
        i64::try_from(place).unwrap_or(0).clamp(0, UNITS)
    }

    fn percent(&self, time: Time) -> String {
        percent(self.units(time))
    }

    fn band(&self, from: Time, to: Time) -> Band {
        let (from, to) = (self.units(from), self.units(to));
        // A short stretch is seen too.
        let width = (to - from).max(UNITS / 400);
        Band {
            x: percent(from.min(UNITS - width)),
            width: percent(width),
        }
    }

    /// Returns times at round values, as many as there is room for; a narrow drawing has room for every other.
    fn marks(&self) -> Vec<AxisMark> {
        let whole = self.last.since(self.first).max(1);
        let step = (STEPS.into_iter()).find(|step| whole / step <= MAX_MARKS);
        // Beyond the longest step, whole weeks.
        let step = step.unwrap_or_else(|| (whole / MAX_MARKS / WEEK + 1) * WEEK);
        let first = self.first.0.div_euclid(step) + i64::from(self.first.0.rem_euclid(step) > 0);
        let times = (first..).map(|number| (number, Time(number * step)));
        let times = times.take_while(|(_, time)| *time <= self.last);
        let marks = times.map(|(number, time)| AxisMark {
            x: self.percent(time),
            class: if number % 2 == 0 {
                "axis"
            } else {
                "axis minor"
            },
            anchor: match self.units(time) {
                ..=400 => "start",
                9_600.. => "end",
                _ => "middle",
            },
            text: self.at(time, step),
        });
        let marks: Vec<AxisMark> = marks.collect();
        if !marks.is_empty() {
            return marks;
        }
        vec![AxisMark {
            x: percent(0),
            class: "axis",
            anchor: "start",
            text: self.moment(self.first),
        }]
    }

    /// Writes a time of the axis, as short as its step allows.
    fn at(&self, time: Time, step: i64) -> String {
        if !time.is_dated() {
            return time.to_string();
        }
        let text = moment(time, self.one_day);
        match step % MINUTE {
            0 => text[..text.len().saturating_sub(":00".len())].to_owned(),
            _ => text,
        }
    }

    fn moment(&self, time: Time) -> String {
        moment(time, self.one_day)
    }
}

fn percent(units: i64) -> String {
    format!("{}.{:02}", units / 100, units % 100)
}

/// Draws the timeline of `node`.
pub(super) fn timeline(report: &Report, node: &NodeReport, one_day: bool) -> Timeline {
    let (first, last) = report.span.unwrap_or((Time(0), Time(1)));
    let axis = Axis {
        first,
        last,
        one_day,
    };
    let mut drawing = Drawing {
        rows: Vec::new(),
        table: Vec::new(),
    };
    let within = |time: &Time| (first..=last).contains(time);
    let windows = (report.windows.iter()).filter_map(|window| {
        let (from, to) = (window.from.unwrap_or(first), window.to.unwrap_or(last));
        (from <= last && to >= first).then_some((from.max(first), to.min(last), window.origin))
    });
    let windows: Vec<(Time, Time, WindowOrigin)> = windows.collect();
    let boots: Vec<Time> = node.boots.iter().copied().filter(within).collect();
    if !windows.is_empty() {
        let is_found = |(.., origin): &(Time, Time, WindowOrigin)| *origin == WindowOrigin::Found;
        let label = match (windows.iter().any(is_found), windows.iter().all(is_found)) {
            (false, _) => "upgrade, as told: shaded",
            (true, false) => "upgrades, told and found: shaded",
            (true, true) => "upgrade, taken for one from the log: shaded",
        };
        drawing.row(label.to_owned(), Vec::new());
        for (from, to, origin) in &windows {
            let how = match origin {
                WindowOrigin::Found => " (found in the log)",
                WindowOrigin::Told => " (told by --upgrade)",
                WindowOrigin::Cluster => " (told by the cluster)",
            };
            drawing.tell(
                format!("upgrade{how}"),
                axis.moment(*from),
                axis.moment(*to),
            );
        }
    }
    if !boots.is_empty() {
        let number = many(boots.len() as u64, "boot");
        drawing.row(format!("{number}: dashed"), Vec::new());
        if let Some(row) = drawing.rows.last_mut() {
            row.ticks = paths(&axis, &boots).1;
        }
        for boot in &boots {
            drawing.tell("boot".to_owned(), axis.moment(*boot), String::new());
        }
    }
    let stretches = node.saturated.as_deref().unwrap_or_default();
    if !stretches.is_empty() {
        let bands = stretches.iter().map(|one| axis.band(one.from, one.to));
        let label = "LOG limit used up, lines are missing: hatched".to_owned();
        drawing.row(label, bands.collect());
        for one in stretches {
            let label = "LOG limit used up".to_owned();
            drawing.tell(label, axis.moment(one.from), axis.moment(one.to));
        }
    }
    let mut own: Vec<(Label, &Finding)> = (report.findings.iter())
        .filter(|finding| finding.node == node.node)
        .map(|finding| (Label::of(finding, report), finding))
        .collect();
    own.sort_by_key(|(label, _)| *label);
    let rest = own.split_off(own.len().min(MAX_ROWS));
    for (label, finding) in &own {
        drawing.finding(&axis, *label, finding);
    }
    if !rest.is_empty() {
        let text = format!("{} more findings", rest.len());
        let times = rest.iter().flat_map(|(_, finding)| &finding.times).copied();
        let times = crate::finding::times(|| times.clone());
        let (span, ticks) = paths(&axis, &times);
        let logged: u64 = rest.iter().map(|(_, finding)| finding.logged).sum();
        let ends = times.first().copied().zip(times.last().copied());
        drawing.row(text.clone(), Vec::new());
        if let Some(row) = drawing.rows.last_mut() {
            (row.span, row.ticks) = (span, ticks);
        }
        let (from, to) = ends.map_or_else(Default::default, |(from, to)| {
            (axis.moment(from), axis.moment(to))
        });
        drawing.tell(text, from, to);
        if let Some(row) = drawing.table.last_mut() {
            row.drops = logged.to_string();
        }
    }
    let guess = if node.role_known { "" } else { ", a guess" };
    Timeline {
        node: printable_name(&node.node),
        caption: format!("{}{guess}; {}", node.role, many(node.logged, "drop")),
        height: AXIS + drawing.rows.len() * ROW,
        axis: axis.marks(),
        windows: (windows.iter())
            .map(|(from, to, _)| axis.band(*from, *to))
            .collect(),
        boots: boots.iter().map(|boot| axis.percent(*boot)).collect(),
        rows: drawing.rows,
        table: drawing.table,
    }
}

/// Rows of the drawing and of its table.
struct Drawing {
    rows: Vec<TimelineRow>,
    table: Vec<TableRow>,
}

impl Drawing {
    fn row(&mut self, label: String, hatched: Vec<Band>) {
        self.rows.push(TimelineRow {
            id: None,
            class: "known",
            label,
            minor: String::new(),
            drops: String::new(),
            y: AXIS + self.rows.len() * ROW,
            hatched,
            span: String::new(),
            ticks: String::new(),
        });
    }

    fn tell(&mut self, label: String, from: String, to: String) {
        self.table.push(TableRow {
            id: None,
            label,
            from,
            to,
            drops: String::new(),
        });
    }

    fn finding(&mut self, axis: &Axis, label: Label, finding: &Finding) {
        let what = what(finding);
        let service = finding.service.unwrap_or("").to_owned();
        // There is no more room for many ports than for a service.
        let ports = what.find(|c: char| c.is_ascii_digit());
        let (short, minor) = match ports {
            Some(at) if what.len() > MAX_LABEL => (what[..at].trim_end(), what[at..].to_owned()),
            _ => (what.as_str(), service),
        };
        self.row(format!("{}: {short}", word(label)), Vec::new());
        let (span, ticks) = paths(axis, &finding.times);
        if let Some(row) = self.rows.last_mut() {
            (row.id, row.class) = (Some(finding.id.clone()), class(label));
            (row.span, row.ticks) = (span, ticks);
            row.minor = minor;
            row.drops = many(finding.logged, "drop");
        }
        let text = format!("{}: {}", word(label), traffic(finding));
        let (first, last) = (axis.moment(finding.first), axis.moment(finding.last));
        self.tell(text, first, last);
        if let Some(row) = self.table.last_mut() {
            row.id = Some(finding.id.clone());
            row.drops = finding.logged.to_string();
        }
    }
}

/// Returns the paths of the stretch from the first time to the last, and of a mark at each.
fn paths(axis: &Axis, times: &[Time]) -> (String, String) {
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return (String::new(), String::new());
    };
    let span = format!("M{} 6H{}", axis.units(*first), axis.units(*last));
    let mut ticks = String::new();
    let mut before = None;
    for time in times {
        let place = axis.units(*time);
        if before.replace(place) != Some(place) {
            // Writing to memory does not fail.
            let _ = write!(ticks, "M{place} 0V12");
        }
    }
    (span, ticks)
}

#[cfg(test)]
mod tests {
    use super::{Axis, MAX_MARKS};
    use crate::time::{SECOND, Time, parse_rfc3339};

    /// Returns the times of the axis of a log that begins at `first` and goes on for `seconds`.
    fn texts(first: &str, seconds: i64) -> Vec<String> {
        let first = parse_rfc3339(first).unwrap();
        let last = Time(first.0 + seconds * SECOND);
        let one_day = first.date() == last.date();
        let axis = Axis {
            first,
            last,
            one_day,
        };
        let marks = axis.marks();
        assert!(marks.len() <= MAX_MARKS as usize + 1, "{seconds}");
        marks.into_iter().map(|mark| mark.text).collect()
    }

    #[test]
    fn times_are_round() {
        for (seconds, wanted) in [
            (5, "10:00:02 10:00:03 10:00:04 10:00:05 10:00:06 10:00:07"),
            (285, "10:01 10:02 10:03 10:04"),
            (3600, "10:10 10:20 10:30 10:40 10:50 11:00"),
            (86_400, "22 12:00|22 18:00|23 00:00|23 06:00"),
        ] {
            let wanted: Vec<&str> = wanted.split(['|', ' ']).collect();
            let said = texts("2026-04-22T10:00:02Z", seconds).join(" ");
            let said: Vec<&str> = said
                .split([' ', '-'])
                .filter(|part| *part != "04")
                .collect();
            assert_eq!(said, wanted, "{seconds}");
        }
        // However long it is, and where no whole second lies in it.
        for seconds in [0, 1, 7 * 86_400, 400 * 86_400, 40_000 * 86_400] {
            assert!(
                !texts("2026-04-22T10:00:02.5Z", seconds).is_empty(),
                "{seconds}"
            );
        }
    }
}
