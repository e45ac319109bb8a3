//! The page of the differences between two reports.

use std::io::{self, Write};

use askama::Template;

use super::assets::{ASSETS, Assets};
use super::finding::{BATCH, FindingView, LONG, VERDICTS};
use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::node_names::natural;
use crate::report::diff::{Alone, Diff, doubts, headline, side};
use crate::report::text::capital;
use crate::report::{Report, Style, Warning};

#[derive(Template)]
#[template(path = "diff.html")]
struct DiffPage<'r> {
    assets: Assets,
    headline: String,
    before: String,
    after: String,
    sections: Vec<DiffSection<'r>>,
    notes: &'r [Warning],
    is_long: bool,
}

/// Findings that changed in the same way.
struct DiffSection<'r> {
    id: &'static str,
    class: &'static str,
    title: &'static str,
    doubts: Vec<String>,
    items: Vec<DiffItem<'r>>,
}

/// A finding, and in words how it changed.
struct DiffItem<'r> {
    finding: FindingView<'r>,
    note: String,
}

/// Writes the differences as a page.
pub(in crate::report) fn diff(diff: &Diff<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let spans = [diff.before, diff.after].map(|report| report.span);
    let days = spans.into_iter().flatten();
    let mut days = days.flat_map(|(first, last)| [first.date(), last.date()]);
    let first = days.next();
    let one_day = days.all(|day| Some(day) == first);
    let item = |f, report, note| DiffItem {
        finding: FindingView { f, report, one_day },
        note,
    };
    let plain = |id, title, items| DiffSection {
        id,
        class: "known",
        title,
        doubts: Vec::new(),
        items,
    };
    let changed = diff.changed.iter().map(|one| {
        let what: Vec<&str> = one.what.iter().map(|what| what.text.as_str()).collect();
        let note = format!("{}.", capital(&what.join("; ")));
        item(one.now, diff.after, note)
    });
    let same = diff.same.iter().map(|(was, now): &(&Finding, &Finding)| {
        let note = format!("{} drops before, {} after.", was.logged, now.logged);
        item(now, diff.after, note)
    });
    let color = match diff.fails(&[Verdict::MissingRule]) {
        0 => "known",
        _ => "missing",
    };
    let mut sections = vec![
        alone(("new", color, "New"), &diff.new, diff.after, one_day),
        alone(("gone", "noise", "Gone"), &diff.gone, diff.before, one_day),
        plain("changed", "Changed", changed.collect()),
        plain("same", "Still there", same.collect()),
    ];
    sections.retain(|section| !section.items.is_empty());
    let is_long = sections
        .iter()
        .map(|section| section.items.len())
        .sum::<usize>()
        > LONG;
    let page = DiffPage {
        assets: ASSETS,
        headline: headline(diff),
        before: side(diff.before),
        after: side(diff.after),
        sections,
        notes: &diff.notes,
        is_long,
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    page.write_into(&mut out)?;
    out.flush()
}

/// Returns the section of findings that one report alone has.
fn alone<'r>(
    (id, class, title): (&'static str, &'static str, &'static str),
    found: &[Alone<'r>],
    report: &'r Report,
    one_day: bool,
) -> DiffSection<'r> {
    let items = found.iter().map(|one| DiffItem {
        finding: FindingView {
            f: one.finding,
            report,
            one_day,
        },
        note: String::new(),
    });
    DiffSection {
        id,
        class,
        title,
        doubts: doubts(found).iter().map(|text| capital(text)).collect(),
        items: items.collect(),
    }
}

impl DiffPage<'_> {
    fn title(&self) -> String {
        format!("{} / {}", self.before, self.after)
    }

    fn nodes(&self) -> Vec<String> {
        let items = self.sections.iter().flat_map(|section| &section.items);
        let mut names: Vec<String> = items
            .map(|item| printable_name(&item.finding.f.node))
            .collect();
        names.sort_by(|a, b| natural(a, b));
        names.dedup();
        names
    }
}
