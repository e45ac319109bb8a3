//! A report as Markdown: the answer, tables, commands, and the evidence folded.

use std::io::{self, Write};

use super::passages::{Passage, row, table_head, write};
use super::words::{block, code, prose};
use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::{Finding, State};
use crate::packet::proto;
use crate::report::text::{
    Sections, advice, alike, applicable, at_next_boot, by_doubt, by_guess, by_node, cautions,
    decide_tail, drops, guess, lines_by_role, listener, many, missing_notes, missing_tail, moment,
    peers, peers_by_name, reason, replies, rules, sentence, source_and_span, state, traffic,
    unglued, what, why_nothing,
};
use crate::report::{Report, Style};

/// The longest cell of a table and item of a list, in characters.
const MAX_TEXT: usize = 300;

/// Writes the report.
pub(in crate::report) fn report(report: &Report, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let sections = Sections::of(report);
    let one_day = report
        .span
        .is_none_or(|(first, last)| first.is_dated() && first.date() == last.date());
    let mut passages = vec![Passage::whole(format!(
        "**{}**\n\n{}, {}, {}\n",
        prose(&sentence(report)),
        prose(&source_and_span(report)),
        many(report.nodes.len() as u64, "node"),
        many(report.tally.drops, "drop"),
    ))];
    if !sections.missing.is_empty() {
        let found = &sections.missing;
        let title = heading(
            &format!("Missing ({})", rules(found, report)),
            missing_tail(found),
        );
        passages.push(Passage {
            after: notes(&missing_notes(report, found)),
            ..requests(1, &title, found, one_day)
        });
    }
    if !sections.decide.is_empty() {
        let found = &sections.decide;
        let (guesses, others) = by_guess(report, found);
        let mut texts: Vec<String> =
            (guess(report, &guesses).iter().map(|text| unglued(text))).collect();
        for (doubt, same) in by_doubt(report, &others) {
            texts.extend((!doubt.is_empty()).then_some(doubt));
            texts.extend(same.iter().take(10).map(|finding| {
                format!(
                    "{}: asked by {}; on {}: `{}`",
                    what(finding),
                    peers_by_name(finding, report),
                    printable_name(&finding.node),
                    listener(finding)
                )
            }));
        }
        let title = format!("Decide ({})", rules(found, report));
        let title = heading(&title, decide_tail(report, found));
        passages.push(Passage {
            after: notes(&texts),
            ..requests(2, &title, found, one_day)
        });
    }
    if !sections.review.is_empty() {
        let title = format!("Review ({})", sections.review.len());
        let kinds = alike(&sections.review);
        let advice: Vec<String> = kinds.iter().map(|kind| advice(kind[0].cause)).collect();
        let found: Vec<&Finding> = kinds.into_iter().flatten().collect();
        passages.push(Passage {
            after: notes(&advice),
            ..others(5, &heading(&title, "too little in the log to tell"), &found)
        });
    }
    if !sections.known.is_empty() {
        let title = format!("Accepted as it is ({})", sections.known.len());
        passages.push(accepted(
            &heading(&title, "no rule is offered, and it does not count"),
            &sections.known,
        ));
    }
    if sections.nothing() > 0 {
        let title = format!("Nothing to do ({})", sections.nothing());
        let noise = &sections.noise;
        let text = match noise.is_empty() {
            true => String::new(),
            false => {
                let why = why_nothing(noise).map_or_else(String::new, |why| format!(". {why}"));
                format!("{}\n", prose(&format!("{}{why}", replies(noise))))
            }
        };
        passages.push(Passage::whole(format!("{}{text}", heading(&title, ""))));
        for (title, found) in [
            (
                format!("{} of false positives", many(noise.len() as u64, "finding")),
                noise,
            ),
            (
                format!("{} rightly dropped", drops(&sections.leave)),
                &sections.leave,
            ),
        ] {
            if !found.is_empty() {
                passages.push(folded(&title, others(7, "", found)));
            }
        }
    }
    passages.extend(caution(report));
    passages.extend(fixes(report));
    passages.extend(evidence(report, &sections, one_day));
    write(&passages, out)
}

pub(super) fn heading(title: &str, tail: &str) -> String {
    match tail {
        "" => format!("\n## {}\n", prose(title)),
        tail => format!("\n## {}\n{}\n", prose(title), prose(tail)),
    }
}

fn notes(texts: &[String]) -> String {
    let notes = texts
        .iter()
        .map(|text| format!("- {}\n", prose(&short(text))));
    let notes: String = notes.collect();
    format!("\n{notes}")
}

/// Folds a passage behind a line.
pub(super) fn folded(title: &str, passage: Passage) -> Passage {
    Passage {
        before: format!(
            "\n<details>\n<summary>{}</summary>\n{}",
            prose_in_html(title),
            passage.before
        ),
        after: format!("{}\n</details>\n", passage.after),
        ..passage
    }
}

/// Writes words of this program in an element of HTML.
fn prose_in_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Cuts a text that is beyond reading.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns a table of requests to ports, with attempts and state.
fn requests(rank: u8, title: &str, found: &[&Finding], one_day: bool) -> Passage {
    let titles = [
        "port", "service", "role", "node", "drops:", "tries:", "state", "from",
    ];
    let rows = found.iter().map(|finding| {
        let is_tcp = finding.key.proto == Some(proto::TCP) && finding.attempts > 0;
        let last = moment(finding.last, one_day);
        let state = match finding.state {
            State::Ongoing => "still dropped".to_owned(),
            State::Settled => format!("stopped {last}"),
            State::Unproven if last.is_empty() => "not known".to_owned(),
            State::Unproven => format!("stopped {last}, log too short to be sure"),
        };
        let guess = if finding.role_assumed {
            ", a guess"
        } else {
            ""
        };
        row(&[
            code(&short(&what(finding))),
            finding.service.map_or_else(|| "-".to_owned(), prose),
            format!("{}{guess}", finding.role),
            node(finding),
            finding.logged.to_string(),
            if is_tcp {
                finding.attempts.to_string()
            } else {
                "-".to_owned()
            },
            state,
            prose(&peers(finding)),
        ])
    });
    Passage {
        rank,
        before: format!("{title}{}", table_head(&titles)),
        items: rows.collect(),
        after: String::new(),
        item: "row",
    }
}

/// Returns a table of findings with their reasons.
pub(super) fn others(rank: u8, title: &str, found: &[&Finding]) -> Passage {
    let rows = found.iter().map(|finding| {
        row(&[
            code(&short(&what(finding))),
            finding.service.map_or_else(|| "-".to_owned(), prose),
            node(finding),
            finding.logged.to_string(),
            finding.verdict().code().to_owned(),
            prose(reason(finding)),
            prose(&peers(finding)),
        ])
    });
    Passage {
        rank,
        before: format!(
            "{title}{}",
            table_head(&[
                "port", "service", "node", "drops:", "verdict", "why", "from"
            ])
        ),
        items: rows.collect(),
        after: String::new(),
        item: "row",
    }
}

fn accepted(title: &str, found: &[&Finding]) -> Passage {
    let rows = found.iter().filter_map(|finding| {
        let accepted = finding.accepted.as_ref()?;
        Some(row(&[
            code(&short(&what(finding))),
            node(finding),
            finding.verdict().code().to_owned(),
            finding.logged.to_string(),
            accepted.until.to_string(),
            prose(&short(&accepted.reason)),
        ]))
    });
    Passage {
        rank: 6,
        before: format!(
            "{title}{}",
            table_head(&["port", "node", "verdict", "drops:", "until", "reason"])
        ),
        items: rows.collect(),
        after: String::new(),
        item: "row",
    }
}

pub(super) fn node(finding: &Finding) -> String {
    prose(&short(&printable_name(&finding.node)))
}

fn caution(report: &Report) -> Option<Passage> {
    let items = cautions(report).into_iter().map(|caution| {
        let text = prose(&short(&caution.text));
        match &caution.cure[..] {
            [] => format!("- {text}\n"),
            words => format!("- {text} {}\n", code(&words.join(" "))),
        }
    });
    let items: Vec<String> = items.collect();
    (!items.is_empty()).then(|| Passage {
        rank: 3,
        before: heading("Caution", ""),
        items,
        after: String::new(),
        item: "caution",
    })
}

/// Returns the commands for now, by node, and the lines for good, by role.
fn fixes(report: &Report) -> Vec<Passage> {
    let rules = applicable(report);
    if rules.is_empty() {
        return Vec::new();
    }
    let now = by_node(&rules).into_iter().map(|(commands, nodes)| {
        let names: Vec<String> = nodes.iter().map(|node| printable_name(node)).collect();
        let each = if names.len() > 1 { "on each of" } else { "on" };
        let lines = commands
            .iter()
            .flat_map(|(place, inserts)| std::iter::once(place).chain(inserts));
        let lines: Vec<&str> = lines.map(String::as_str).collect();
        format!(
            "\n{each} {}\n{}",
            prose(&names.join(", ")),
            block("sh", &lines.join("\n"))
        )
    });
    let later = lines_by_role(&rules).into_iter().map(|(nodes, lines)| {
        let lines: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
        format!(
            "\nfor {}\n{}",
            prose(&nodes),
            block("yaml", &lines.join("\n"))
        )
    });
    let due: Vec<String> = at_next_boot(report)
        .into_iter()
        .map(str::to_owned)
        .collect();
    vec![
        Passage {
            rank: 0,
            before: heading("Fix now", "in force at once, lost at the next reboot"),
            items: now.collect(),
            after: String::new(),
            item: "node",
        },
        Passage {
            rank: 4,
            before: heading(
                "Fix for good",
                "in the CloudInit resource of the role, before its LOG line",
            ),
            items: later.collect(),
            after: if due.is_empty() {
                String::new()
            } else {
                notes(&due)
            },
            item: "role",
        },
    ]
}

/// Returns the tests and a line of each finding, those first that ask for something.
fn evidence(report: &Report, sections: &Sections<'_>, one_day: bool) -> Option<Passage> {
    let Sections {
        missing,
        decide,
        review,
        noise,
        leave,
        known,
    } = sections;
    let all = [missing, decide, review, known, leave, noise];
    let items = all.into_iter().flatten().map(|finding| {
        let mut text = format!(
            "\n**{} on {}** {} {}: {}\n",
            prose(&short(&traffic(finding))),
            node(finding),
            code(finding.cause.code),
            code(&finding.id),
            match finding.verdict() {
                Verdict::LeaveDropped => prose(reason(finding)),
                _ => prose(&state(finding, &moment(finding.last, one_day))),
            }
        );
        for test in &finding.evidence {
            let mark = if test.met { "✓" } else { "✗" };
            text.push_str(&format!("- {mark} {}\n", prose(&short(&test.text))));
        }
        text.push_str(&format!("\n{}", block("text", &finding.sample)));
        text
    });
    let title = format!(
        "Evidence of {}",
        many(report.findings.len() as u64, "finding")
    );
    let passage = Passage {
        rank: 8,
        before: String::new(),
        items: items.collect(),
        after: String::new(),
        item: "finding",
    };
    (!report.findings.is_empty()).then(|| folded(&title, passage))
}
