//! Live events for people: rows in columns, false positives of one moment in one row, commands below a missing rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use super::page::{BOLD, DIM, Page, color};
use super::row::{Cell, Columns, width};
use super::{many, peers, what};
use crate::catalog;
use crate::cause::Verdict;
use crate::error::{printable, printable_name};
use crate::finding::{Finding, State};
use crate::packet::{proto, proto_name};
use crate::report::{Event, EventKind, Report, Style};
use crate::rule::Disposition;
use crate::time::{MINUTE, SECOND, Time};

/// The most rows of one cause that are written for one moment; more become one row.
const MAX_ALIKE: usize = 4;
/// How long false positives may wait for others of their kind, in microseconds.
pub const HELD: i64 = 10 * SECOND;
/// Where lines below a row begin: under its second column.
const INDENT: &str = "          ";
/// Warnings that turn an answer around, and so are said while the log goes on.
const SAID_LIVE: [&str; 2] = ["documented-rule-absent", "established-rule-suspect"];

/// What a row says a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label {
    Missing,
    Decide,
    Review,
    Leave,
    Noise,
}

impl Label {
    fn of(finding: &Finding, report: &Report) -> Self {
        match finding.verdict() {
            Verdict::MissingRule => {
                let mut rules = finding
                    .rules
                    .iter()
                    .filter_map(|id| report.rule(id))
                    .peekable();
                let decides = rules.peek().is_some()
                    && rules.all(|rule| rule.disposition == Disposition::Review);
                if decides { Self::Decide } else { Self::Missing }
            }
            Verdict::Review => Self::Review,
            Verdict::LeaveDropped => Self::Leave,
            Verdict::FalsePositive => Self::Noise,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Decide => "DECIDE",
            Self::Review => "REVIEW",
            Self::Leave => "leave",
            Self::Noise => "noise",
        }
    }

    const fn color(self) -> Ansi {
        color(match self {
            Self::Missing | Self::Decide => Verdict::MissingRule,
            Self::Review => Verdict::Review,
            Self::Leave => Verdict::LeaveDropped,
            Self::Noise => Verdict::FalsePositive,
        })
    }
}

/// A node and a service whose replies are dropped.
type Service = (String, Option<u8>, Option<u16>);

/// A finding to write.
#[derive(Clone, Copy)]
struct Row<'e, 'r> {
    event: &'e Event<'r>,
    finding: &'e Finding,
    label: Label,
    was: Option<Label>,
}

/// What was said of a finding.
struct Said {
    label: Label,
    node: String,
    what: String,
}

/// The rows of a live run, and what they have said so far.
pub struct LiveText {
    columns: Columns,
    style: Style,
    /// Whether commands are wanted below a missing rule.
    commands: bool,
    said: HashMap<String, Said>,
    /// Rules whose commands were printed.
    printed: HashSet<String>,
    warned: HashSet<(&'static str, Option<String>)>,
    /// The first time of false positives that wait for others, and their nodes and services.
    waiting: Option<(Time, Vec<Service>)>,
    /// The nodes and services of false positives that were said since it was quiet.
    noisy: BTreeSet<Service>,
    /// The day of the last row.
    day: Option<(i32, u8, u8)>,
    has_header: bool,
}

impl LiveText {
    /// Rows of which none was written yet; with `commands`, what to run stands below a missing rule.
    pub fn new(style: Style, commands: bool) -> Self {
        Self {
            columns: Columns::new(style.width),
            style,
            commands,
            said: HashMap::new(),
            printed: HashSet::new(),
            warned: HashSet::new(),
            waiting: None,
            noisy: BTreeSet::new(),
            day: None,
            has_header: false,
        }
    }

    /// Whether no row was written yet.
    pub const fn is_empty(&self) -> bool {
        !self.has_header
    }

    /// Whether rows wait for others of their kind; [`Self::flush`] writes them.
    pub const fn is_holding(&self) -> bool {
        self.waiting.is_some()
    }

    /// Writes `events`, which lie between two reports, the later of which is `report`.
    ///
    /// # Errors
    /// Where `out` cannot be written to.
    pub fn write(
        &mut self,
        events: &[Event<'_>],
        report: &Report,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut alike: BTreeMap<(Label, &str), Vec<Row<'_, '_>>> = BTreeMap::new();
        let (mut stopped, mut saturated, mut has_settled) = (Vec::new(), Vec::new(), false);
        for event in events {
            if self.is_late(event.time) {
                self.flush(out)?;
            }
            let Some(finding) = event.finding else {
                match event.kind {
                    EventKind::Saturated => saturated.push(event),
                    _ => self.gone(event, out)?,
                }
                continue;
            };
            let label = Label::of(finding, report);
            if event.kind == EventKind::Settled {
                match label {
                    Label::Noise => has_settled = true,
                    Label::Leave => {}
                    _ => stopped.push((event.time, finding)),
                }
                continue;
            }
            if self.is_noise(event, finding, label) {
                continue;
            }
            let was = self.was(event, finding);
            let is_news = event.kind != EventKind::Changed || was != Some(label);
            self.note(event, finding, label);
            if !is_news {
                continue;
            }
            let row = Row {
                event,
                finding,
                label,
                was,
            };
            match label {
                Label::Review | Label::Leave => {
                    alike
                        .entry((label, finding.cause.code))
                        .or_default()
                        .push(row);
                }
                _ => self.finding(&row, out)?,
            }
        }
        for rows in alike.into_values() {
            if rows.len() > MAX_ALIKE {
                self.many(&rows, out)?;
                continue;
            }
            rows.iter().try_for_each(|row| self.finding(row, out))?;
        }
        self.stopped(&stopped, out)?;
        self.saturated(&saturated, out)?;
        self.warnings(report, out)?;
        if has_settled {
            self.quiet(report, out)?;
        }
        Ok(())
    }

    /// Writes what waits for others of its kind.
    ///
    /// # Errors
    /// Where `out` cannot be written to.
    pub fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some((time, services)) = self.waiting.take() else {
            return Ok(());
        };
        let nodes = nodes_of(services.iter().map(|(node, ..)| node.as_str()));
        let mut ports: Vec<String> = Vec::new();
        for (_, number, port) in &services {
            let port = match (number, port) {
                (Some(proto::TCP), Some(port)) => port.to_string(),
                (number, port) => {
                    let name = number.map_or_else(|| "?".into(), proto_name);
                    port.map_or_else(|| name.to_string(), |port| format!("{name}/{port}"))
                }
            };
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        let tail = "replies of lost connections";
        let room = self.columns.after_node(&nodes);
        let mut list = ports.join(" ");
        while list.len() + 2 + tail.len() > room && ports.len() > 1 {
            ports.pop();
            list = format!("{} …", ports.join(" "));
        }
        let cells = [Cell::plain(nodes), Cell::rest(format!("{list}: {tail}"))];
        self.row(time, Label::Noise.word(), Label::Noise.color(), &cells, out)
    }

    /// Takes a false positive that may wait; whether `event` is one.
    fn is_noise(&mut self, event: &Event<'_>, finding: &Finding, label: Label) -> bool {
        let mut before = self.was(event, finding).into_iter();
        if label != Label::Noise || before.any(|was| was != Label::Noise) {
            return false;
        }
        self.note(event, finding, label);
        let service = (
            printable_name(&finding.node),
            finding.key.proto,
            finding.port,
        );
        if self.noisy.insert(service.clone()) {
            let waiting = self.waiting.get_or_insert((event.time, Vec::new()));
            waiting.1.push(service);
        }
        true
    }

    /// Whether what waits has waited long enough by the log, which runs ahead of the clock where it is poured in.
    fn is_late(&self, time: Time) -> bool {
        let first = self.waiting.as_ref().map(|(first, _)| *first);
        first.is_some_and(|first| time.since(first) >= HELD)
    }

    /// What was said of the finding of `event`, or of those that it replaces: the gravest that differs.
    fn was(&self, event: &Event<'_>, finding: &Finding) -> Option<Label> {
        let said = |id: &String| self.said.get(id).map(|said| said.label);
        said(&finding.id).or_else(|| event.replaces.iter().filter_map(said).min())
    }

    fn note(&mut self, event: &Event<'_>, finding: &Finding, label: Label) {
        for id in &event.replaces {
            self.said.remove(id);
        }
        let said = Said {
            label,
            node: printable_name(&finding.node),
            what: what(finding),
        };
        self.said.insert(finding.id.clone(), said);
    }

    /// Writes what is no more, without anything in its place.
    fn gone(&mut self, event: &Event<'_>, out: &mut dyn Write) -> io::Result<()> {
        for id in &event.replaces {
            let said = self.said.remove(id);
            let Some(said) = said.filter(|said| said.label != Label::Noise) else {
                continue;
            };
            let text = format!("no longer {}", said.label.word());
            let cells = [
                Cell::plain(said.node),
                Cell::plain(said.what),
                Cell::rest(text),
            ];
            self.row(event.time, "changed", DIM, &cells, out)?;
        }
        Ok(())
    }

    fn finding(&mut self, row: &Row<'_, '_>, out: &mut dyn Write) -> io::Result<()> {
        let Row {
            event,
            finding,
            label,
            was,
        } = *row;
        let service = finding.service.unwrap_or_default();
        let mut tail = match event.kind {
            EventKind::Reopened => " again".to_owned(),
            EventKind::Updated => format!(" {}", many(finding.logged, "drop")),
            _ => was
                .filter(|was| *was != label)
                .map_or_else(String::new, |was| format!(" was {}", was.word())),
        };
        if finding.state == State::Settled && event.kind == EventKind::Opened {
            tail.push_str(" stopped");
        }
        let cells = [
            Cell::plain(printable_name(&finding.node)),
            Cell::plain(what(finding)),
            Cell::service(printable(service)),
            Cell::rest(format!("{}{tail}", peers(finding))),
        ];
        self.row(event.time, label.word(), label.color(), &cells, out)?;
        let mut page = self.page(out);
        // What is opened for the role would be missing if the role were told.
        let documented = |port| catalog::documented(finding.role, finding.key.proto?, port);
        let is_guess = label == Label::Decide
            && finding.role_assumed
            && finding.port.is_some_and(|port| documented(port).is_some());
        match label {
            Label::Decide if is_guess => {
                let text = format!(
                    "missing if {} is {} (--role {1})",
                    printable_name(&finding.node),
                    finding.role
                );
                page.paragraph(INDENT, INDENT, &text)?;
            }
            Label::Missing | Label::Noise => {}
            _ => page.paragraph(INDENT, INDENT, finding.cause.summary)?,
        }
        if matches!(label, Label::Missing) || is_guess {
            self.commands(event, out)?;
        }
        Ok(())
    }

    /// Writes the commands of rules that were not printed yet.
    fn commands(&mut self, event: &Event<'_>, out: &mut dyn Write) -> io::Result<()> {
        if !self.commands {
            return Ok(());
        }
        for rule in &event.rules {
            let command = rule.insert();
            if self.printed.insert(format!("{} {command}", rule.id)) {
                for line in broken(&command, self.style.width.saturating_sub(INDENT.len())) {
                    writeln!(out, "{INDENT}{line}")?;
                }
            }
        }
        Ok(())
    }

    /// Writes one row for findings of one cause that came at one moment.
    fn many(&mut self, rows: &[Row<'_, '_>], out: &mut dyn Write) -> io::Result<()> {
        let Some(last) = rows.iter().max_by_key(|row| row.event.time) else {
            return Ok(());
        };
        let names: Vec<String> = (rows.iter())
            .map(|row| printable_name(&row.finding.node))
            .collect();
        let nodes = nodes_of(names.iter().map(String::as_str));
        let text = format!("{} findings: {}", rows.len(), last.finding.cause.summary);
        let cells = [Cell::plain(nodes), Cell::rest(text)];
        let label = last.label;
        self.row(last.event.time, label.word(), label.color(), &cells, out)
    }

    /// Writes what has stopped, in one row.
    fn stopped(&mut self, found: &[(Time, &Finding)], out: &mut dyn Write) -> io::Result<()> {
        let Some((time, _)) = found.last() else {
            return Ok(());
        };
        let names: Vec<String> = found.iter().map(|(_, f)| printable_name(&f.node)).collect();
        let nodes = nodes_of(names.iter().map(String::as_str));
        let mut ports: Vec<String> = found.iter().map(|(_, finding)| what(finding)).collect();
        ports.dedup();
        let cells = [Cell::plain(nodes), Cell::rest(ports.join(" "))];
        self.row(*time, "stopped", DIM, &cells, out)
    }

    fn saturated(&mut self, events: &[&Event<'_>], out: &mut dyn Write) -> io::Result<()> {
        let Some(event) = events.last() else {
            return Ok(());
        };
        let nodes = events.iter().filter_map(|e| e.warning?.node.as_deref());
        let names: Vec<String> = nodes.map(printable_name).collect();
        let nodes = nodes_of(names.iter().map(String::as_str));
        let text = "the LOG limit is used up: counts are minimums".to_owned();
        let cells = [Cell::plain(nodes), Cell::rest(text)];
        self.row(
            event.time,
            "limit",
            AnsiColor::Yellow.on_default().bold(),
            &cells,
            out,
        )
    }

    /// Writes warnings that turn an answer around, each once.
    fn warnings(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let end = report.span.map_or(Time::UNKNOWN, |(_, last)| last);
        for warning in &report.warnings {
            let is_new = SAID_LIVE.contains(&warning.code)
                && self.warned.insert((warning.code, warning.node.clone()));
            if !is_new {
                continue;
            }
            let node = warning
                .node
                .as_deref()
                .map_or_else(String::new, printable_name);
            let ansi = AnsiColor::Yellow.on_default().bold();
            self.row(end, "caution", ansi, &[Cell::plain(node)], out)?;
            self.page(out)
                .paragraph(INDENT, INDENT, &printable(&warning.text))?;
        }
        Ok(())
    }

    /// Writes that no false positive comes any more, where that is so.
    fn quiet(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let noise = || {
            let findings = report.findings.iter();
            findings.filter(|f| f.verdict() == Verdict::FalsePositive)
        };
        if self.noisy.is_empty() || noise().any(|f| f.state != State::Settled) {
            return Ok(());
        }
        self.flush(out)?;
        let nodes = nodes_of(self.noisy.iter().map(|(node, ..)| node.as_str()));
        let drops: u64 = noise().map(|f| f.logged).sum();
        let last = noise().map(|f| f.last).max();
        let end = report.span.map_or(Time::UNKNOWN, |(_, end)| end);
        let minutes = last.map_or(0, |last| end.since(last) / MINUTE);
        let text = format!(
            "no such replies for {minutes} min ({})",
            many(drops, "drop")
        );
        self.noisy.clear();
        let cells = [Cell::plain(nodes), Cell::rest(text)];
        self.row(end, "quiet", Label::Noise.color(), &cells, out)
    }

    fn page<'o>(&self, out: &'o mut dyn Write) -> Page<'o> {
        Page {
            out,
            style: self.style,
            one_day: true,
        }
    }

    fn row(
        &mut self,
        time: Time,
        word: &str,
        ansi: Ansi,
        cells: &[Cell],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_header, true) {
            let header = self.columns.header();
            let header = self.page(out).paint(BOLD, &header);
            writeln!(out, "{header}")?;
        }
        let at = if time.is_dated() {
            let day = time.date();
            if self.day.replace(day).is_some_and(|before| before != day) {
                let line = format!("{}-{:02}-{:02}", day.0, day.1, day.2);
                let line = self.page(out).paint(DIM, &line);
                writeln!(out, "{line}")?;
            }
            time.clock()
        } else if time.is_known() {
            time.to_string()
        } else {
            String::new()
        };
        let page = self.page(out);
        let (at, word) = (
            (width(&at), page.paint(DIM, &at)),
            (width(word), page.paint(ansi, word)),
        );
        self.columns.row(&[at, word], cells, out)
    }
}

/// One node by its name, several by their number.
fn nodes_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    match (names.len(), names.first()) {
        (1, Some(name)) => (*name).to_owned(),
        (number, _) => format!("{number} nodes"),
    }
}

/// A command in lines of at most `width` columns, as far as its words allow; each but the last ends in `\`.
pub(super) fn broken(command: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut quoted = None;
    let is_end = |c: char| match (quoted, c) {
        (None, '\'' | '"') => {
            quoted = Some(c);
            false
        }
        (Some(quote), c) if quote == c => {
            quoted = None;
            false
        }
        (None, ' ') => true,
        _ => false,
    };
    let words: Vec<&str> = command.split(is_end).collect();
    // An option and its value stay together.
    for (place, word) in words.iter().enumerate() {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let next = words.get(place + 1).filter(|_| word.starts_with('-'));
        let needed = word.len() + next.map_or(0, |next| next.len() + 1);
        if line.trim_start().is_empty() || line.len() + 1 + needed + 2 <= width {
            if !line.trim_start().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else if words
            .get(place.wrapping_sub(1))
            .is_some_and(|w| w.starts_with('-') && !word.starts_with('-'))
        {
            line.push(' ');
            line.push_str(word);
        } else {
            line.push_str(" \\");
            lines.push(format!("  {word}"));
        }
    }
    lines
}

/// The status line of a live run: `rate` are the drops of the last minute.
pub fn status(report: &Report, rate: u64, columns: usize) -> String {
    let count = |wanted: Label| {
        let findings = report.findings.iter();
        findings
            .filter(|finding| Label::of(finding, report) == wanted)
            .count()
    };
    let end = report.span.map(|(_, end)| end).filter(|end| end.is_dated());
    let at = end.map_or_else(String::new, |end| format!("{}  ", end.clock()));
    let drops = many(report.tally.drops, "drop");
    let hit = report
        .nodes
        .iter()
        .any(|node| node.saturated.as_ref().is_some_and(|s| !s.is_empty()));
    let limit = if hit { " · LOG limit hit" } else { "" };
    let text = format!(
        "[{at}{drops}, {rate}/min · {} · missing {}, decide {}, review {}{limit}]",
        many(report.nodes.len() as u64, "node"),
        count(Label::Missing),
        count(Label::Decide),
        count(Label::Review),
    );
    // A line that reaches the last column would wrap.
    text.chars().take(columns.saturating_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn commands_break_between_options() {
        let command = "iptables -I HARVESTER_INPUT 2 -p tcp --dport 2112 -m comment --comment \"kube-vip Prometheus metrics\" -j ACCEPT";
        for width in [30, 40, 70, 130, 500] {
            let lines = broken(command, width);
            let joined: Vec<&str> = lines
                .iter()
                .map(|line| line.trim_start().trim_end_matches(" \\"))
                .collect();
            assert_eq!(joined.join(" "), command, "{width}");
            let fit = |line: &&String| line.len() <= width.max(46);
            assert!(lines.iter().all(|line| fit(&line)), "{width}: {lines:?}");
            let (last, others) = lines.split_last().unwrap();
            assert!(!last.ends_with('\\') && others.iter().all(|line| line.ends_with(" \\")));
        }
        assert_eq!(broken(command, 70).len(), 2);
    }
}
