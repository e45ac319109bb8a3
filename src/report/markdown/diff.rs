//! Differences between two reports as Markdown.

use std::io::{self, Write};

use super::passages::{Passage, row, table_head, write};
use super::report::{heading, node, others, short};
use super::words::{code, prose};
use crate::finding::Finding;
use crate::report::Style;
use crate::report::diff::{Alone, Diff, doubts, headline, side};
use crate::report::text::{peers, what};

/// Writes the differences: new findings first.
pub(in crate::report) fn diff(diff: &Diff<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut passages = vec![Passage::whole(format!(
        "**{}**\n\n- before: {}\n- after: {}\n",
        prose(&headline(diff)),
        prose(&side(diff.before)),
        prose(&side(diff.after))
    ))];
    passages.extend(alone(0, "New", &diff.new));
    passages.extend(alone(1, "Gone", &diff.gone));
    let changed = diff.changed.iter().map(|one| {
        let what_changed: Vec<&str> = one.what.iter().map(|what| what.text.as_str()).collect();
        row(&[
            code(&short(&what(one.now))),
            node(one.now),
            one.now.verdict().code().to_owned(),
            prose(&short(&what_changed.join("; "))),
            prose(&peers(one.now)),
        ])
    });
    let titles = ["port", "node", "verdict", "what changed", "from"];
    passages.extend(table(2, "Changed", &titles, changed.collect()));
    let same = diff.same.iter().map(|(was, now)| {
        let accepted = if now.accepted.is_some() {
            ", accepted"
        } else {
            ""
        };
        row(&[
            code(&short(&what(now))),
            node(now),
            format!("{}{accepted}", now.verdict().code()),
            was.logged.to_string(),
            now.logged.to_string(),
        ])
    });
    let titles = ["port", "node", "verdict", "drops before:", "after:"];
    passages.extend(table(3, "Still there", &titles, same.collect()));
    let notes = diff
        .notes
        .iter()
        .map(|note| format!("- {}\n", prose(&short(&note.text))));
    let notes: Vec<String> = notes.collect();
    passages.extend((!notes.is_empty()).then(|| Passage {
        rank: 0,
        before: heading("Caution", "what differs beside the cluster"),
        items: notes,
        item: "caution",
        after: String::new(),
    }));
    write(&passages, out)
}

fn alone(rank: u8, title: &str, found: &[Alone<'_>]) -> Option<Passage> {
    let findings: Vec<&Finding> = found.iter().map(|one| one.finding).collect();
    let notes = doubts(found)
        .into_iter()
        .map(|text| format!("- {}\n", prose(&short(&text))));
    let notes: String = notes.collect();
    (!found.is_empty()).then(|| Passage {
        after: if notes.is_empty() {
            notes
        } else {
            format!("\n{notes}")
        },
        ..others(
            rank,
            &heading(&format!("{title} ({})", found.len()), ""),
            &findings,
        )
    })
}

fn table(rank: u8, title: &str, titles: &[&str], rows: Vec<String>) -> Option<Passage> {
    (!rows.is_empty()).then(|| Passage {
        rank,
        before: format!(
            "{}{}",
            heading(&format!("{title} ({})", rows.len()), ""),
            table_head(titles)
        ),
        items: rows,
        after: String::new(),
        item: "row",
    })
}
