//! Keeps generated documentation fresh: docs/ must agree with the registries.
//!
//! `UPDATE=1 cargo test --test it docs` updates it.

mod book;
mod screens;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use dropsift::cause::{CAUSES, Verdict};
use dropsift::input::{FORMATS, PLACES};
use dropsift::report::json_schema::SCHEMAS;
use dropsift::report::ports::{Row, rows, short_roles};

/// Upper bound on the characters of a sample that are shown.
const MAX_SAMPLE: usize = 72;

/// Compares `docs/<name>` with the generated text, or writes it.
fn fresh(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let is = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        is == text,
        "docs/{name} is not what the code says; run `UPDATE=1 cargo test --test it docs` and review the difference"
    );
}

/// Returns the text of `docs/<name>` with `text` between its two marks.
fn between_marks(name: &str, mark: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    let page = fs::read_to_string(path).unwrap();
    let (begin, end) = (
        format!("<!-- {mark}: generated -->\n"),
        format!("<!-- {mark}: end -->\n"),
    );
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{text}{end}{after}")
}

/// `text` in a cell of a table; what looks like HTML stays text.
fn cell(text: &str) -> String {
    row(text).replace('<', "&lt;")
}

/// `text` on one line, which ends no cell.
fn row(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// `text` as code in a cell, cut to a length that a table has room for.
fn sample(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(MAX_SAMPLE).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    format!("`` {} ``", row(&short))
}

#[test]
fn causes() {
    let mut page = String::from(
        "# Causes\n\n\
         Why a line is in the drop log, in the order in which the causes are tried: the first that matches wins, as in an \
         iptables chain. `dropsift explain CAUSE` prints one of them, `dropsift explain 'LINE'` the way through all of them. \
         This page is generated from `src/cause/`.\n\n\
         | cause | verdict | in one line |\n|---|---|---|\n",
    );
    for cause in CAUSES {
        let (code, verdict) = (cause.code, cause.verdict.code());
        let summary = cell(cause.summary);
        writeln!(page, "| [`{code}`](#{code}) | `{verdict}` | {summary} |").unwrap();
    }
    for cause in CAUSES {
        let verdict = match cause.verdict {
            Verdict::MissingRule => "`missing-rule`: the chain lacks an ACCEPT",
            Verdict::FalsePositive => "`false-positive`: the connection lost its conntrack state",
            Verdict::LeaveDropped => "`leave-dropped`: the firewall did its job",
            Verdict::Review => "`review`: the log alone cannot settle it",
        };
        write!(
            page,
            "\n## {}\n{verdict}.\n\n{}\n\n**How it is told.** {}\n\n**What to do.** {}\n",
            cause.code, cause.what, cause.told, cause.todo
        )
        .unwrap();
        for (takes, title) in [
            (true, "Lines with this cause"),
            (false, "Not with this cause"),
        ] {
            let logs: Vec<&str> = cause
                .examples
                .iter()
                .filter(|example| example.takes == takes)
                .map(|example| example.log)
                .collect();
            let logs = logs.join("\n\n");
            write!(page, "\n{title}:\n\n```\n{logs}\n```\n").unwrap();
        }
    }
    fresh("causes.md", &page);
}

#[test]
fn ports() {
    let mut page = String::from(
        "# Ports\n\n\
         What is known to listen on Harvester's nodes, and what the documentation opens. `dropsift ports` prints this table, \
         `dropsift explain tcp/10250` one row with its rule. This page is generated from `src/catalog/`.\n\n\
         | port | service | component | runs on | opened for | reached by | addon |\n|---|---|---|---|---|---|---|\n",
    );
    let rows = rows(None);
    let port = |row: &Row| match &row.ports {
        Some(ports) => format!("{}/{ports}", row.proto),
        None => row.proto.clone(),
    };
    for row in &rows {
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            port(row),
            cell(row.service),
            row.component.unwrap_or("-"),
            short_roles(&row.roles),
            short_roles(&row.documented),
            row.reach.unwrap_or("-"),
            row.addon.unwrap_or("-")
        )
        .unwrap();
    }
    page.push_str("\n## Notes\n");
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        writeln!(page, "- **{}** {}: {}", port(row), row.service, row.note).unwrap();
    }
    page.push_str("\n## Documented rules\nIn the order of the ports; the roles are those whose CloudInit example has the rule.\n");
    let mut last = String::new();
    for rule in rows.iter().flat_map(|row| &row.rules) {
        if rule.cloudinit != last {
            let roles = short_roles(&rule.roles);
            writeln!(page, "- {roles}: `{}`", rule.cloudinit).unwrap();
            last.clone_from(&rule.cloudinit);
        }
    }
    page.push_str("\n## Sources\n");
    let mut sources: Vec<&str> = rows.iter().flat_map(|r| r.source.split("; ")).collect();
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        writeln!(page, "- {source}").unwrap();
    }
    fresh("ports.md", &page);
}

#[test]
fn forms_of_logs() {
    let mut table = String::from("| form | what it is | looks like |\n|---|---|---|\n");
    for format in FORMATS {
        let (code, title) = (format.code, cell(format.title));
        writeln!(table, "| `{code}` | {title} | {} |", sample(format.sample)).unwrap();
    }
    for place in PLACES.iter().filter(|place| !place.title.is_empty()) {
        let title = cell(place.title);
        writeln!(table, "| document | {title} | {} |", sample(place.sample)).unwrap();
    }
    fresh(
        "log-format.md",
        &between_marks("log-format.md", "forms", &table),
    );
}

#[test]
fn help() {
    let program = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(args)
            .env_clear()
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let brief = program(&["-h"]);
    assert!(brief.lines().count() <= 24, "-h is no screen:\n{brief}");
    let commands = brief.split_once("Commands: ").unwrap().1;
    let commands = commands.split_once("\n\n").unwrap().0.replace('\n', " ");
    let mut text = String::new();
    let pages = [vec!["-h"], vec!["--help"]];
    let subs = commands.split(", ").map(|name| vec![name.trim(), "-h"]);
    for args in pages.into_iter().chain(subs) {
        let page = program(&args);
        let (page, args) = (page.trim_end(), args.join(" "));
        let rows = page.lines().map(str::trim_end).collect::<Vec<_>>();
        write!(
            text,
            "```console\n$ dropsift {args}\n{}\n```\n",
            rows.join("\n")
        )
        .unwrap();
    }
    fresh("cli.md", &between_marks("cli.md", "help", &text));
}

#[test]
fn schemas() {
    for schema in SCHEMAS {
        let mut bytes = Vec::new();
        schema.write(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        fresh(&format!("schema/{}-v1.json", schema.code), &text);
    }
}
