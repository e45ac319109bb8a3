//! The page of a report.

use std::collections::BTreeSet;
use std::io::{self, Write};

use askama::Template;

use super::assets::{ASSETS, Assets};
use super::embed::Embedded;
use super::finding::{BATCH, LONG, VERDICTS};
use super::section::{PageSection, sections};
use super::timeline::{NODES, Timeline, timeline};
use crate::error::printable_name;
use crate::node_names::natural;
use crate::report::text::{
    Caution, Commands, Sections, applicable, at_next_boot, by_node, cautions, decisions, drops,
    few, lines_by_role, many, rules, sentence, share, source, source_and_span, span,
};
use crate::report::{NodeReport, Report, Style};

/// Number of nodes up to which the title of the page has their names.
const MAX_NAMES: usize = 4;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'r> {
    assets: Assets,
    report: &'r Report,
    /// The answer, and what follows it.
    sentence: (String, String),
    counts: Vec<Count>,
    sections: Vec<PageSection<'r>>,
    cautions: Vec<Caution>,
    now: Vec<NodeFix<'r>>,
    later: Vec<(String, BTreeSet<String>)>,
    json: Embedded<'r>,
    one_day: bool,
    /// In the order of their names.
    nodes: Vec<&'r NodeReport>,
    is_long: bool,
}

/// A number at the top of the page, which leads to its section.
struct Count {
    class: &'static str,
    anchor: &'static str,
    number: u64,
    text: &'static str,
}

/// Commands for nodes that need the same.
struct NodeFix<'r> {
    commands: Commands,
    nodes: Vec<&'r str>,
}

impl NodeFix<'_> {
    fn names(&self, between: &str) -> String {
        let names: Vec<String> = self.nodes.iter().map(|node| printable_name(node)).collect();
        names.join(between)
    }

    fn data(&self) -> String {
        self.names(" ")
    }

    fn heading(&self) -> String {
        let each = if self.nodes.len() > 1 {
            "on each of"
        } else {
            "on"
        };
        format!("{each} {}", self.names(", "))
    }

    fn lines(&self) -> String {
        let mut lines = Vec::new();
        for (place, inserts) in &self.commands {
            lines.push(place.as_str());
            lines.extend(inserts.iter().map(String::as_str));
        }
        lines.join("\n")
    }
}

/// Writes the report as a page.
pub(in crate::report) fn report(report: &Report, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let by_action = Sections::of(report);
    let one_day = report
        .span
        .is_none_or(|(first, last)| first.is_dated() && first.date() == last.date());
    let applicable = applicable(report);
    let now = by_node(&applicable);
    let page = ReportPage {
        assets: ASSETS,
        report,
        sentence: parted(sentence(report)),
        counts: counts(report, &by_action),
        sections: sections(report, &by_action, one_day),
        cautions: cautions(report),
        now: (now.into_iter())
            .map(|(commands, nodes)| NodeFix { commands, nodes })
            .collect(),
        later: lines_by_role(&applicable),
        json: Embedded(report),
        one_day,
        nodes: by_name(&report.nodes),
        is_long: report.findings.len() > LONG,
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    page.write_into(&mut out)?;
    out.flush()
}

fn by_name(nodes: &[NodeReport]) -> Vec<&NodeReport> {
    let mut nodes: Vec<&NodeReport> = nodes.iter().collect();
    nodes.sort_by(|a, b| natural(&a.node, &b.node));
    nodes
}

/// Parts the first sentence from the rest.
fn parted(text: String) -> (String, String) {
    match text.split_once(". ") {
        Some((first, rest)) => (format!("{first}."), rest.to_owned()),
        None => (text, String::new()),
    }
}

fn counts(report: &Report, sections: &Sections<'_>) -> Vec<Count> {
    let count = |class, anchor, number, text| Count {
        class,
        anchor,
        number,
        text,
    };
    let cautions = cautions(report).len() as u64;
    let many_cautions = if cautions == 1 { "caution" } else { "cautions" };
    let all = [
        count(
            "missing",
            "missing",
            rules(&sections.missing, report),
            "missing",
        ),
        count("decide", "decide", decisions(report), "to decide"),
        count(
            "review",
            "review",
            sections.review.len() as u64,
            "to review",
        ),
        count("known", "accepted", sections.known.len() as u64, "accepted"),
        count(
            "noise",
            "false-positives",
            drops(&sections.noise),
            "false positives",
        ),
        count(
            "leave",
            "rightly-dropped",
            drops(&sections.leave),
            "rightly dropped",
        ),
        count("known", "caution", cautions, many_cautions),
    ];
    all.into_iter().filter(|count| count.number > 0).collect()
}

impl ReportPage<'_> {
    fn title(&self) -> String {
        let nodes = match &self.nodes[..] {
            [] => source(self.report),
            nodes if nodes.len() <= MAX_NAMES => {
                let names = nodes.iter().map(|node| printable_name(&node.node));
                names.collect::<Vec<_>>().join(", ")
            }
            nodes => many(nodes.len() as u64, "node"),
        };
        match span(self.report) {
            Some(span) => format!("{nodes}: {span}"),
            None => nodes,
        }
    }

    fn source(&self) -> String {
        let nodes = many(self.report.nodes.len() as u64, "node");
        let drops = many(self.report.tally.drops, "drop");
        format!("{}; {nodes}, {drops}", source_and_span(self.report))
    }

    fn name(&self, node: &str) -> String {
        printable_name(node)
    }

    fn input<'n>(&self, name: &'n str) -> &'n str {
        match name {
            "-" => "standard input",
            "" => "the journal of this machine",
            name => name,
        }
    }

    fn nodes(&self) -> Vec<String> {
        let names = self.nodes.iter().map(|node| printable_name(&node.node));
        names.collect()
    }

    fn addresses(&self, node: &NodeReport) -> String {
        let all: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        all.join(", ")
    }

    fn share(&self, node: &NodeReport) -> String {
        let whole = self
            .report
            .span
            .map_or(0, |(first, last)| last.since(first));
        match (share(node, whole), &node.saturated) {
            (Some(percent), _) => format!("{percent} % of the time"),
            (None, Some(_)) => "no".to_owned(),
            (None, None) => "not known".to_owned(),
        }
    }

    /// Joins the lines of a list in YAML.
    fn list(&self, lines: &BTreeSet<String>) -> String {
        let lines: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
        lines.join("\n")
    }

    /// Says where the commands stand, for the top of the page.
    fn what_to_run(&self) -> String {
        let nodes: Vec<&str> = self
            .now
            .iter()
            .flat_map(|fix| &fix.nodes)
            .copied()
            .collect();
        let who = match nodes.len() {
            ..=MAX_NAMES => few(nodes),
            number => many(number as u64, "node"),
        };
        format!("What to run now: the commands for {who}")
    }

    fn at_next_boot(&self) -> BTreeSet<&str> {
        at_next_boot(self.report)
    }

    fn has_timeline(&self) -> bool {
        let is_long = |(first, last)| first < last;
        self.report.span.is_some_and(is_long) && !self.report.findings.is_empty()
    }

    fn timeline(&self, node: &NodeReport) -> Timeline {
        timeline(self.report, node, self.one_day)
    }
}
