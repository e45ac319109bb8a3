//! Live events for people: rows in columns, false positives of one moment in one row, commands below a missing rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use super::commands::broken;
use super::known;
use super::label::Label;
use super::noise::Noise;
use super::page::{BOLD, DIM, Page};
use super::row::{Cell, Columns, width};
use super::words::{many, peers, what};
use crate::chain::of_node;
use crate::error::{printable, printable_name};
use crate::finding::{Finding, State};
use crate::report::{Event, EventKind, Report, Style};
use crate::rule::Doubt;
use crate::time::{MINUTE, Time};

/// The most rows of one cause that are written for one moment; more become one row.
const MAX_ALIKE: usize = 4;
/// Indentation of the lines below a row: the start of its second column.
const INDENT: &str = "          ";
/// Codes of warnings that may invert an answer, and so are written while the log goes on.
const SAID_LIVE: [&str; 3] = [
    "documented-rule-absent",
    "established-rule-suspect",
    "upgrade-found",
];

/// A finding to write.
#[derive(Clone, Copy)]
struct Row<'e, 'r> {
    event: &'e Event<'r>,
    finding: &'e Finding,
    label: Label,
    was: Option<Label>,
}

/// State of a finding as its last row showed it.
struct Said {
    label: Label,
    node: String,
    what: String,
}

/// Rows of a live run, and the state of the findings that they showed.
pub struct LiveText {
    columns: Columns,
    style: Style,
    /// Whether commands are wanted below a missing rule.
    commands: bool,
    said: HashMap<String, Said>,
    /// Ids of the rules whose commands were printed.
    printed: HashSet<String>,
    /// Number of warnings written, by code and node.
    warned: HashMap<(&'static str, Option<String>), usize>,
    noise: Noise,
    /// The day of the last row.
    day: Option<(i32, u8, u8)>,
    has_header: bool,
}

impl LiveText {
    /// Creates an empty output. `settle` is the silence, in microseconds, after which the log counts as quiet; with
    /// `commands`, the commands are written below a missing rule.
    pub fn new(style: Style, settle: i64, commands: bool) -> Self {
        Self {
            columns: Columns::new(style.width),
            style,
            commands,
            said: HashMap::new(),
            printed: HashSet::new(),
            warned: HashMap::new(),
            noise: Noise::new(settle),
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
        self.noise.is_holding()
    }

    /// Whether time alone may produce a row.
    pub const fn is_waiting(&self) -> bool {
        self.noise.is_on()
    }

    /// Writes the events between two reports, the later of which is `report`.
    ///
    /// # Errors
    /// If `out` cannot be written to.
    pub fn write(
        &mut self,
        events: &[Event<'_>],
        report: &Report,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut alike: BTreeMap<(Label, &str), Vec<Row<'_, '_>>> = BTreeMap::new();
        let (mut stopped, mut saturated) = (Vec::new(), Vec::new());
        for event in events {
            if self.noise.is_late(event.time) {
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
                    Label::Noise | Label::Leave | Label::Known => {}
                    _ => stopped.push((event.time, finding)),
                }
                continue;
            }
            let was = self.was(event, finding);
            self.note(event, finding, label);
            let is_same = was.is_none_or(|was| was == label);
            // False positives wait for others of their kind, unless an earlier row showed the finding as something else.
            if is_same && (label == Label::Noise || event.kind == EventKind::Changed) {
                continue;
            }
            if label == Label::Noise {
                self.noise.know(finding);
            }
            let row = Row {
                event,
                finding,
                label,
                was,
            };
            match label {
                Label::Review | Label::Leave | Label::Known => {
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
        self.noise.see(report);
        self.quiet(report, out)
    }

    /// Writes the false positives that wait for others of their kind.
    ///
    /// # Errors
    /// If `out` cannot be written to.
    pub fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(mut wave) = self.noise.take() else {
            return Ok(());
        };
        let nodes = nodes_of(wave.nodes.iter().map(String::as_str));
        let ports = &mut wave.ports;
        let room = self.columns.after_node(&nodes);
        let mut tail = "replies of lost connections";
        let mut list = ports.join(" ");
        while list.len() + 2 + tail.len() > room && ports.len() > 1 {
            // Fewer words before fewer ports.
            if std::mem::replace(&mut tail, "replies") == "replies" {
                ports.pop();
                list = format!("{} …", ports.join(" "));
            }
        }
        let cells = [Cell::plain(nodes), Cell::rest(format!("{list}: {tail}"))];
        self.row(
            wave.time,
            Label::Noise.word(),
            Label::Noise.color(),
            &cells,
            out,
        )
    }

    /// Returns the last label of the finding of `event`, or the gravest of those that it replaces.
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

    /// Writes rows for the findings that no longer exist and that no other replaces.
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
        let doubt = event.rules.iter().find_map(|rule| rule.doubt.as_ref());
        let why = match (label, doubt) {
            (Label::Decide, Some(Doubt::RoleAssumed { node, role })) => {
                let option = format!("--role {}", of_node(node, role.code()));
                let text = format!("missing if {} is {role}", printable_name(node));
                // The option is not broken in two.
                if INDENT.len() + text.len() + option.len() + 3 <= self.style.width {
                    format!("{text} ({option})")
                } else {
                    page.line(&format!("{INDENT}{text}:"))?;
                    page.line(&format!("{INDENT}  {option}"))?;
                    String::new()
                }
            }
            (Label::Decide, Some(doubt)) => doubt.text(),
            (Label::Missing | Label::Noise, _) => String::new(),
            (Label::Known, _) => known::words(finding),
            _ => finding.cause.summary.to_owned(),
        };
        if !why.is_empty() {
            page.paragraph(INDENT, INDENT, &printable(&why))?;
        }
        let is_guess = matches!(doubt, Some(Doubt::RoleAssumed { .. }));
        if label == Label::Missing || label == Label::Decide && is_guess {
            self.commands(event, out)?;
        }
        Ok(())
    }

    /// Writes the commands of rules that were not printed yet.
    fn commands(&mut self, event: &Event<'_>, out: &mut dyn Write) -> io::Result<()> {
        if !self.commands {
            return Ok(());
        }
        let mut place = String::new();
        for rule in &event.rules {
            let command = rule.insert();
            if !self.printed.insert(format!("{} {command}", rule.id)) {
                continue;
            }
            // The insertion point is read once for all rules that are inserted there.
            let asks = rule.place_command();
            let asks = (place != asks)
                .then(|| place.clone_from(&asks))
                .map(|()| asks);
            for command in asks.into_iter().chain([command]) {
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

    /// Writes one row for the findings that have stopped.
    fn stopped(&mut self, found: &[(Time, &Finding)], out: &mut dyn Write) -> io::Result<()> {
        let Some((time, _)) = found.last() else {
            return Ok(());
        };
        let names: Vec<String> = found.iter().map(|(_, f)| printable_name(&f.node)).collect();
        let nodes = nodes_of(names.iter().map(String::as_str));
        let mut ports: Vec<String> = found.iter().map(|(_, finding)| what(finding)).collect();
        ports.dedup();
        let last = found.iter().map(|(_, finding)| finding.last).max();
        let since = last.filter(|last| last.is_dated());
        let since = since.map_or_else(String::new, |last| format!(": none since {}", last.clock()));
        let text = format!("{}{since}", ports.join(" "));
        let cells = [Cell::plain(nodes), Cell::rest(text)];
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

    /// Writes warnings that may invert an answer, each once.
    fn warnings(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let end = report.end().unwrap_or(Time::UNKNOWN);
        let mut seen: HashMap<_, usize> = HashMap::new();
        let said = report.warnings.iter();
        // What the headline will say of lines that could not be read.
        let is_said = |code| {
            SAID_LIVE.contains(&code) || code == "prefix-elsewhere" && report.tally.unreadable > 0
        };
        for warning in said.filter(|warning| is_said(warning.code)) {
            let key = (warning.code, warning.node.clone());
            let number = seen.entry(key.clone()).or_default();
            *number += 1;
            let written = self.warned.entry(key).or_default();
            if *number <= *written {
                continue;
            }
            *written = *number;
            let ansi = AnsiColor::Yellow.on_default().bold();
            let mut cells = Vec::new();
            cells.extend(
                warning
                    .node
                    .as_deref()
                    .map(|node| Cell::plain(printable_name(node))),
            );
            cells.push(Cell::rest(printable(&warning.text)));
            self.row(end, "caution", ansi, &cells, out)?;
        }
        Ok(())
    }

    /// Writes a row when false positives have stopped.
    fn quiet(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let Some(quiet) = self.noise.quiet(report) else {
            return Ok(());
        };
        self.flush(out)?;
        let text = format!(
            "no such replies for {} min ({})",
            quiet.silence / MINUTE,
            many(quiet.drops, "drop")
        );
        let nodes = nodes_of(quiet.nodes.iter().map(String::as_str));
        let cells = [Cell::plain(nodes), Cell::rest(text)];
        self.row(quiet.time, "quiet", Label::Noise.color(), &cells, out)
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
