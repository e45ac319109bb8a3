//! Text report of a simulation: a chain's outcomes for the drops of a log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::AnsiColor;
use textwrap::core::display_width;

use super::table::Column;
use super::text::{Page, broken, many, peers, sort_by_node, what};
use super::{Report, Style, as_filtered};
use crate::cause::Verdict;
use crate::chain::{ChainOutcome, Family, HARVESTER, Origin, Policy, of_node};
use crate::error::{printable, printable_name};
use crate::finding::Finding;
use crate::flow::ChainOutcomes;
use crate::node_names::natural;
use crate::rule::AcceptRule;

/// The drops of a log and the chains that they were run through.
pub struct Simulated<'a> {
    pub report: &'a Report,
    /// Origin of each chain: the next boot, or a dump with its time.
    pub origins: Vec<Origin>,
    /// Names of the chains' texts, each with its node; `None` for a text for all nodes.
    pub texts: Vec<(Option<&'a str>, &'a str)>,
    pub with: Option<With<'a>>,
}

/// The findings of a simulation.
pub(super) struct ByOutcome<'r> {
    /// Those that the chain accepts.
    pub(super) accepted: Vec<&'r Finding>,
    /// Those of which the suggested rules accept more.
    pub(super) helped: Vec<&'r Finding>,
    /// Those that the chain lets in, and logs.
    pub(super) logged: Vec<&'r Finding>,
    /// Those of which the chains that are known do not show what becomes of them.
    pub(super) open: Vec<&'r Finding>,
    pub(super) rest: Vec<&'r Finding>,
}

/// The replay with the suggested rules in the chains.
pub struct With<'a> {
    pub rules: &'a [AcceptRule],
    /// Outcomes by the id of the finding.
    pub outcomes: BTreeMap<&'a str, ChainOutcomes>,
}

impl Simulated<'_> {
    /// Whether the chain accepts all of a finding now.
    fn accepts(finding: &Finding) -> bool {
        let all = |outcomes: &ChainOutcomes| outcomes.accepts_all(finding.logged);
        finding.outcomes.as_deref().is_some_and(all)
    }

    /// Whether the suggestions let in packets that should stay dropped, including those of accepted findings.
    pub(super) fn gets_in(&self, finding: &Finding) -> bool {
        let accepted =
            |outcomes: Option<&ChainOutcomes>| outcomes.map_or(0, |outcomes| outcomes.accepted);
        let with = self.with.as_ref();
        let then = with.and_then(|with| with.outcomes.get(finding.id.as_str()));
        // A false positive does no harm where it gets in: the connection was the node's own.
        let stays_out = matches!(
            finding.log_cause.verdict,
            Verdict::LeaveDropped | Verdict::Review
        );
        (stays_out || finding.accepted.is_some())
            && accepted(then) > accepted(finding.outcomes.as_deref())
    }

    /// Returns the findings that the suggested rules would accept and that should stay dropped.
    pub fn intruders(&self) -> Vec<&Finding> {
        let findings = self.report.findings.iter();
        findings.filter(|finding| self.gets_in(finding)).collect()
    }

    /// Sorts the findings by what becomes of them.
    pub(super) fn sorted(&self) -> ByOutcome<'_> {
        let all = self.report.findings.iter();
        let (accepted, rest): (Vec<&Finding>, Vec<&Finding>) =
            all.partition(|finding| Self::accepts(finding));
        let (helped, rest): (Vec<&Finding>, Vec<&Finding>) =
            (rest.into_iter()).partition(|finding| more(self, finding));
        let (logged, rest): (Vec<&Finding>, Vec<&Finding>) =
            (rest.into_iter()).partition(|finding| ends(finding, ChainOutcome::lets_in));
        let is_open = |end: &ChainOutcome| end.is_open() || end.lets_in();
        let (open, rest): (Vec<&Finding>, Vec<&Finding>) =
            (rest.into_iter()).partition(|f| f.outcomes.is_none() || ends(f, is_open));
        let [accepted, helped, logged, open, rest] =
            [accepted, helped, logged, open, rest].map(|mut found| {
                sort_by_node(&mut found);
                found
            });
        ByOutcome {
            accepted,
            helped,
            logged,
            open,
            rest,
        }
    }

    /// Returns the answer in a sentence.
    pub(super) fn headline(&self, sorted: &ByOutcome<'_>) -> String {
        let findings = many(self.report.findings.len() as u64, "finding");
        let of = match self.report.is_filtered() {
            true if self.report.findings.is_empty() => return as_filtered(self.report, &findings),
            true => "that the filters let through",
            false => "in the log",
        };
        let accepted = sorted.accepted.len();
        let mut headline = format!("{findings} {of}: the chain accepts {accepted} now");
        if self.with.is_some() {
            let helped = sorted.helped.len();
            headline.push_str(&format!(", and the suggested rules {helped} more"));
        }
        headline = format!("{headline}; {}", falls(sorted.rest.len()));
        if !sorted.logged.is_empty() {
            headline.push_str(&format!(", {} let in and logged", sorted.logged.len()));
        }
        if !sorted.open.is_empty() {
            headline.push_str(&format!(", {} not known", sorted.open.len()));
        }
        format!("{headline}.")
    }

    /// Describes what decides on a finding: now, or with the suggested rules.
    pub(super) fn by(&self, finding: &Finding, then: bool) -> String {
        if !then {
            return finding.outcomes.as_deref().map_or_else(unknown, by);
        }
        let with = self.with.as_ref();
        let outcomes = with.and_then(|with| with.outcomes.get(finding.id.as_str()));
        outcomes.map_or_else(unknown, by)
    }

    /// Returns since when the chain accepts what it accepts, and the reason.
    pub(super) fn accepted_title(&self) -> (&'static str, &'static str) {
        let next = |origin: &Origin| *origin == Origin::NextBoot;
        if !self.origins.is_empty() && self.origins.iter().all(next) {
            (
                "Accepted from the next boot on",
                "a CloudInit says nothing of the running chain",
            )
        } else {
            ("Accepted now", "the log is older than the rule")
        }
    }

    /// Whether drops of these verdicts remain.
    pub fn still_falls(&self, verdicts: &[Verdict]) -> bool {
        self.report.findings.iter().any(|finding| {
            let then = (self.with.as_ref())
                .and_then(|with| with.outcomes.get(finding.id.as_str()))
                .is_some_and(|outcomes| outcomes.accepts_all(finding.logged));
            finding.accepted.is_none()
                && verdicts.contains(&finding.log_cause.verdict)
                && !Self::accepts(finding)
                && !then
        })
    }
}

/// Writes the simulation as text: drops that should stay dropped and would be accepted, drops accepted now, drops that
/// remain.
pub(super) fn text(simulated: &Simulated<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    let sorted = simulated.sorted();
    page.paragraph("", "", &simulated.headline(&sorted))?;
    let ByOutcome {
        accepted,
        helped,
        logged,
        open,
        rest,
    } = sorted;
    for finding in simulated.intruders() {
        let tag = page.paint(AnsiColor::Red.on_default().bold(), "WARNING");
        let text = format!(
            "{tag} the suggested rules would let in {} on {} from {}, which should stay dropped ({}).",
            what(finding),
            printable_name(&finding.node),
            peers(finding),
            finding.log_cause.code
        );
        page.line("")?;
        page.paragraph("", "        ", &text)?;
    }
    let now = |finding: &Finding| simulated.by(finding, false);
    let then = |finding: &Finding| simulated.by(finding, true);
    let (title, tail) = simulated.accepted_title();
    let title = (&*title.to_uppercase(), tail);
    section(&mut page, title, AnsiColor::Green, &accepted, now)?;
    let title = ("ACCEPTED WITH THE SUGGESTED RULES", "wholly or in part");
    section(&mut page, title, AnsiColor::Yellow, &helped, then)?;
    if let Some(with) = simulated.with.as_ref().filter(|_| !helped.is_empty()) {
        page.line("")?;
        for rule in with.rules {
            page.line(&format!("    On {}:", printable_name(&rule.node)))?;
            page.line(&format!("      {}", rule.place_command()))?;
            page.line(&format!("      {}", rule.insert()))?;
        }
    }
    let last = |finding: &Finding| simulated.by(finding, simulated.with.is_some());
    for (title, color, found) in [
        (STILL_DROPPED, AnsiColor::Red, &rest),
        (LET_IN_AND_LOGGED, AnsiColor::Yellow, &logged),
        (NOT_KNOWN, AnsiColor::Yellow, &open),
    ] {
        section(
            &mut page,
            (&*title.0.to_uppercase(), title.1),
            color,
            found,
            last,
        )?;
    }
    cannot_tell(&mut page, simulated)?;
    untold(&mut page, simulated)
}

/// Titles of what the chain does not take, each with the reason.
pub(super) const STILL_DROPPED: (&str, &str) = ("Still dropped", "no rule takes all of it");
pub(super) const LET_IN_AND_LOGGED: (&str, &str) =
    ("Let in and logged", "nothing drops it behind the LOG rule");
pub(super) const NOT_KNOWN: (&str, &str) =
    ("Not known", "the chains that are given do not show it");

/// Whether the ends of all lines of a finding satisfy `test`.
fn ends(finding: &Finding, test: impl Fn(&ChainOutcome) -> bool) -> bool {
    let ends = finding.outcomes.as_deref().map(|outcomes| &outcomes.by);
    ends.is_some_and(|ends| !ends.is_empty() && ends.iter().all(|(end, _)| test(end)))
}

/// Lists the matches that could not be evaluated, and so counted as no match, once for all findings.
fn cannot_tell(page: &mut Page<'_>, simulated: &Simulated<'_>) -> io::Result<()> {
    let findings = simulated.report.findings.iter();
    let notes: BTreeSet<&str> = findings
        .filter_map(|finding| finding.outcomes.as_deref())
        .flat_map(|outcomes| outcomes.notes.iter().map(|note| &**note))
        .collect();
    if notes.is_empty() {
        return Ok(());
    }
    let title = ("CANNOT BE TOLD", "taken as no match");
    page.heading(AnsiColor::Yellow.on_default().bold(), title.0, title.1)?;
    for note in notes {
        page.paragraph("  ", "    ", &printable(note))?;
    }
    Ok(())
}

/// `1 still falls`, `2 still fall`.
fn falls(number: usize) -> String {
    format!("{number} still fall{}", if number == 1 { "s" } else { "" })
}

/// Whether the suggested rules accept more drops of a finding.
fn more(simulated: &Simulated<'_>, finding: &Finding) -> bool {
    let now = finding
        .outcomes
        .as_ref()
        .map_or(0, |outcomes| outcomes.accepted);
    (simulated.with.as_ref())
        .and_then(|with| with.outcomes.get(finding.id.as_str()))
        .is_some_and(|then| then.accepted > now)
}

fn section(
    page: &mut Page<'_>,
    title: (&str, &str),
    color: AnsiColor,
    findings: &[&Finding],
    by: impl Fn(&Finding) -> String,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    // What the chain does with all of them is said once.
    let does: BTreeSet<String> = findings.iter().map(|finding| by(finding)).collect();
    let (tail, is_alike) = match does.first() {
        Some(same) if does.len() == 1 && findings.len() > 1 => {
            (format!("{}: {same}", title.1), true)
        }
        _ => (title.1.to_owned(), false),
    };
    page.heading(color.on_default().bold(), title.0, &tail)?;
    let mut columns = vec![
        ("NODE", Column::Whole),
        ("TRAFFIC", Column::Whole),
        ("LINES", Column::Number),
        ("CAUSE", Column::Whole),
        ("FROM", Column::Words),
    ];
    columns.extend((!is_alike).then_some(("THE CHAIN", Column::Words)));
    let rows = findings.iter().map(|finding| {
        let mut row = vec![
            printable_name(&finding.node),
            what(finding),
            finding.logged.to_string(),
            match finding.accepted {
                Some(_) => format!("{} (accepted)", finding.log_cause.code),
                None => finding.log_cause.code.to_owned(),
            },
        ];
        row.push(peers(finding));
        row.extend((!is_alike).then(|| by(finding)));
        row
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    // In a narrow page the words about the chain come before the peers.
    let widest = |place: usize| rows.iter().map(|row| display_width(&row[place])).max();
    let width: usize = (0..columns.len())
        .filter_map(widest)
        .map(|width| width + 2)
        .sum();
    if !is_alike && width > page.style.width {
        columns.remove(PEERS);
        rows.iter_mut().for_each(|row| drop(row.remove(PEERS)));
    }
    page.table(&columns, &rows, 2)
}

fn unknown() -> String {
    "not given".to_owned()
}

/// Lists the nodes whose chain is not known, with the option that names it.
fn untold(page: &mut Page<'_>, simulated: &Simulated<'_>) -> io::Result<()> {
    let is_untold = |end: &ChainOutcome| matches!(end, ChainOutcome::Untold(_));
    for family in [Family::V4, Family::V6] {
        let findings = simulated.report.findings.iter();
        let own = findings.filter(|finding| finding.key.v6 == (family == Family::V6));
        let not_shown = own.filter(|f| f.outcomes.is_none() || ends(f, is_untold));
        let nodes: BTreeSet<&str> = not_shown.map(|finding| finding.node.as_str()).collect();
        if !nodes.is_empty() {
            save(page, family, nodes)?;
        }
    }
    Ok(())
}

/// Says how the chains of a family are saved on nodes, and named here.
fn save(page: &mut Page<'_>, family: Family, nodes: BTreeSet<&str>) -> io::Result<()> {
    let mut nodes: Vec<&str> = nodes.into_iter().collect();
    nodes.sort_by(|a, b| natural(a, b));
    let shown: Vec<String> = nodes.iter().map(|node| printable_name(node)).collect();
    page.line("")?;
    let which = match family {
        Family::V4 => "chain",
        Family::V6 => "IPv6 chain",
    };
    let text = format!(
        "The {which} of {} is not known: save it on the node with `{}-save > FILE`, and name it here with",
        shown.join(", "),
        family.tool()
    );
    page.paragraph("", "", &text)?;
    let options =
        (nodes.iter().take(MAX_UNTOLD)).map(|node| format!("--rules {}", of_node(node, "FILE")));
    let options: Vec<String> = options.collect();
    for line in broken(&options.join(" "), page.style.width.saturating_sub(4)) {
        page.line(&format!("    {line}"))?;
    }
    Ok(())
}

/// Place of the peers among the columns.
const PEERS: usize = 4;
/// Upper bound on the nodes for which the option is shown.
const MAX_UNTOLD: usize = 8;

/// Describes the rules or the policy that decide.
fn by(outcomes: &ChainOutcomes) -> String {
    let one = |(outcome, lines): &(ChainOutcome, u64)| {
        let rule = match outcome.position() {
            Some(position) if position.line == 0 => {
                format!("rule {} (suggested)", position.number)
            }
            Some(position) if position.chain == HARVESTER => format!("rule {}", position.number),
            Some(position) => format!(
                "rule {} of {}",
                position.number,
                printable_name(&position.chain)
            ),
            None => "no rule".to_owned(),
        };
        let does = match outcome {
            ChainOutcome::Accepted(_) => "accepts",
            ChainOutcome::AcceptedLogged(_) => "accepts behind LOG",
            ChainOutcome::Dropped(_) => "drops",
            ChainOutcome::Rejected(_) => "rejects",
            ChainOutcome::Unknown(_) => "hands it to a program",
            ChainOutcome::Untold(_) => "leads to a chain that is not in the text",
            ChainOutcome::MayStop(_) => "may stop it",
            ChainOutcome::Policy(Policy::Accept) => "stops it, and the policy of INPUT lets it in",
            ChainOutcome::Policy(Policy::Drop) => "takes it, and the policy of INPUT drops",
            ChainOutcome::NoMatch => "takes it",
            ChainOutcome::NotAsked => "was asked",
        };
        let text = format!("{rule} {does}");
        if outcomes.by.len() > 1 {
            format!("{lines} {text}")
        } else {
            text
        }
    };
    let all: Vec<String> = outcomes.by.iter().take(4).map(one).collect();
    all.join("; ")
}
