//! The port catalogue, audits, simulations and explanations as Markdown.

use std::io::{self, Write};

use super::passages::{Passage, row, table_head, write};
use super::report::{folded, heading, node, short};
use super::words::{block, code, prose};
use crate::audit::Severity;
use crate::cause::Cause;
use crate::finding::Finding;
use crate::report::Style;
use crate::report::audit::{Audited, count, word};
use crate::report::explain::{ALONE, Explained, Explanation};
use crate::report::ports::{PortList, Row, short_roles};
use crate::report::simulate::{ByOutcome, LET_IN_AND_LOGGED, NOT_KNOWN, STILL_DROPPED, Simulated};
use crate::report::text::{capital, many, peers, reason, unlisted_text, what};

/// Writes rows of the catalogue as a table, with the notes below.
pub(in crate::report) fn ports(
    list: &PortList<'_>,
    _: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if list.rows.is_empty() {
        return writeln!(out, "{}", prose(&unlisted_text(list)));
    }
    write(&[catalogue(list.rows)], out)
}

fn catalogue(rows: &[Row]) -> Passage {
    let titles = [
        "port",
        "service",
        "component",
        "runs on",
        "opened for",
        "reached by",
        "addon",
        "note",
    ];
    let cells = |one: &Row| {
        row(&[
            code(&match &one.ports {
                Some(ports) => format!("{}/{ports}", one.proto),
                None => one.proto.clone(),
            }),
            prose(one.service),
            one.component.map_or_else(|| "-".to_owned(), prose),
            short_roles(&one.roles),
            short_roles(&one.documented),
            one.reach.map_or_else(|| "-".to_owned(), prose),
            one.addon.map_or_else(|| "-".to_owned(), prose),
            prose(one.note),
        ])
    };
    Passage {
        before: table_head(&titles).trim_start().to_owned(),
        items: rows.iter().map(cells).collect(),
        item: "row",
        ..Passage::default()
    }
}

/// Writes the findings of an audit as a list, each with its remedy and commands.
pub(in crate::report) fn audit(
    audited: &Audited<'_>,
    _: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let number = |severity| count(audited, severity) as u64;
    let items = audited.findings.iter().map(|finding| {
        let place = match finding.line {
            0 => finding.file.clone(),
            line => format!("{}:{line}", finding.file),
        };
        let mut text = format!(
            "\n- **{}** {} {}: {}\n\n  *{}*\n\n",
            capital(word(finding.severity)),
            code(&short(&place)),
            code(finding.code),
            prose(&finding.text),
            prose(&capital(&finding.mend))
        );
        if !finding.commands.is_empty() {
            let block = block("sh", &finding.commands.join("\n"));
            let lines = block.lines().map(|line| format!("  {line}\n"));
            text.push_str(&lines.collect::<String>());
        }
        text
    });
    let passage = Passage {
        before: format!(
            "**{}, {}, {} for the role {}.**\n",
            many(number(Severity::Error), "error"),
            many(number(Severity::Warning), "warning"),
            many(number(Severity::Note), "note"),
            audited.role
        ),
        items: items.collect(),
        item: "finding",
        ..Passage::default()
    };
    write(&[passage], out)
}

/// Writes a simulation: what would get in, what is accepted, what still falls.
pub(in crate::report) fn simulation(
    simulated: &Simulated<'_>,
    _: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sorted = simulated.sorted();
    let mut passages = vec![Passage::whole(format!(
        "**{}**\n",
        prose(&simulated.headline(&sorted))
    ))];
    let table = |rank: u8, (title, tail): (&str, &str), found: &[&Finding], then: bool| {
        let rows = found.iter().map(|finding| {
            let accepted = if finding.accepted.is_some() {
                " (accepted)"
            } else {
                ""
            };
            row(&[
                code(&short(&what(finding))),
                node(finding),
                finding.logged.to_string(),
                prose(&peers(finding)),
                format!("{}{accepted}", code(finding.log_cause.code)),
                prose(&short(&simulated.by(finding, then))),
            ])
        });
        let titles = ["port", "node", "lines:", "from", "cause", "the chain"];
        (!found.is_empty()).then(|| Passage {
            rank,
            before: format!("{}{}", heading(title, tail), table_head(&titles)),
            items: rows.collect(),
            item: "row",
            after: String::new(),
        })
    };
    let with = simulated.with.is_some();
    let intruders = simulated.intruders();
    let title = (
        "Warning",
        "the suggested rules would let in what should stay dropped",
    );
    passages.extend(table(0, title, &intruders, true));
    let ByOutcome {
        accepted,
        helped,
        logged,
        open,
        rest,
    } = &sorted;
    passages.extend(table(3, simulated.accepted_title(), accepted, false));
    passages.extend(table(
        2,
        ("Accepted with the suggested rules", "wholly or in part"),
        helped,
        true,
    ));
    passages.extend(table(1, STILL_DROPPED, rest, with));
    passages.extend(table(2, LET_IN_AND_LOGGED, logged, with));
    passages.extend(table(2, NOT_KNOWN, open, with));
    write(&passages, out)
}

/// Writes an answer of `explain`.
pub(in crate::report) fn explanation(
    answer: &Explanation<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match answer {
        Explanation::Causes(causes) => {
            let rows = causes.iter().map(|cause| {
                row(&[
                    code(cause.code),
                    cause.verdict.code().to_owned(),
                    prose(cause.summary),
                ])
            });
            let passage = Passage {
                before: table_head(&["cause", "verdict", "what it is"])
                    .trim_start()
                    .to_owned(),
                items: rows.collect(),
                item: "cause",
                ..Passage::default()
            };
            write(&[passage], out)
        }
        Explanation::Ports(list) => ports(list, style, out),
        Explanation::Line(Ok(explained)) => write(&line(explained), out),
        // The error is on stderr.
        Explanation::Line(Err(_)) => Ok(()),
        Explanation::Cause(cause, rows) => {
            let mut passages = vec![self::cause(cause)];
            passages.extend((!rows.is_empty()).then(|| catalogue(rows)));
            write(&passages, out)
        }
        Explanation::Streamed(answer, before) => {
            if *before > 0 {
                out.write_all(b"\n")?;
            }
            match answer {
                Ok(explained) => write(&line(explained), out),
                Err(why) => {
                    let text =
                        format!("**Line {} is not explained:** {}\n", before + 1, prose(why));
                    out.write_all(text.as_bytes())
                }
            }
        }
    }
}

/// Returns the page of a cause.
fn cause(cause: &Cause) -> Passage {
    let mut text = format!(
        "**{}** {}\n\n{}.\n",
        code(cause.code),
        cause.verdict.code(),
        prose(&capital(cause.summary))
    );
    for (title, words) in [
        ("What it is", cause.what),
        ("How it is recognised", cause.told),
        ("What to do", cause.todo),
    ] {
        text.push_str(&format!("{}\n{}\n", heading(title, ""), prose(words)));
    }
    for (takes, title) in [(true, "Examples"), (false, "Not this cause")] {
        let examples = cause
            .examples
            .iter()
            .filter(|example| example.takes == takes);
        let examples: Vec<&str> = examples.map(|example| example.log).collect();
        if !examples.is_empty() {
            let block = block("text", &examples.join("\n\n"));
            text.push_str(&format!("{}\n{block}", heading(title, "")));
        }
    }
    Passage::whole(text)
}

/// Returns the decision on a line, with the tests of each cause folded.
fn line(explained: &Explained) -> Vec<Passage> {
    let finding = &explained.finding;
    let cause = finding.cause;
    let mut passages = vec![Passage::whole(format!(
        "**{}: {}** {}\n\n{}\n\n{}\n\n{}. {}\n\n{}\n",
        code(&what(finding)),
        cause.verdict.code(),
        code(cause.code),
        prose(reason(finding)),
        block("text", &explained.line.message),
        prose(&capital(cause.summary)),
        prose(cause.todo),
        prose(ALONE)
    ))];
    for rule in &explained.rules {
        let commands = format!("{}\n{}", rule.place_command(), rule.insert());
        passages.push(Passage::whole(format!(
            "\nOn the node:\n{}\nIn the CloudInit resource of {} nodes:\n{}",
            block("sh", &commands),
            rule.role,
            block("yaml", &format!("- {}", rule.append()))
        )));
    }
    let items = explained.steps.iter().flat_map(|step| {
        let tests = step.tests.iter().map(|test| {
            let mark = if test.met { "✓" } else { "✗" };
            format!(
                "- {} {mark} {}\n",
                code(step.cause.code),
                prose(&short(&test.text))
            )
        });
        tests.collect::<Vec<_>>()
    });
    passages.push(folded(
        "Test by test",
        Passage {
            before: "\n".to_owned(),
            items: items.collect(),
            item: "test",
            ..Passage::default()
        },
    ));
    passages
}
