//! `explain` judges a line as the report on that line alone does, answers each line of a stream, and at once.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use dropsift::analyze::{Analysis, explain};
use dropsift::cause::CAUSES;
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::Style;
use dropsift::report::TEXT;
use dropsift::report::explain::Explanation;
use dropsift::report::ports::{PortList, rows};
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::{Reading, parse_rfc3339};
use serde_json::Value;

fn reading() -> Reading {
    Reading {
        year: Some(2026),
        reference: parse_rfc3339("2026-12-31T00:00:00Z").unwrap(),
        offset: 0,
    }
}

/// Returns the lines of all examples.
fn lines<'a>() -> impl Iterator<Item = &'a str> {
    CAUSES
        .iter()
        .flat_map(|cause| cause.examples)
        .flat_map(|example| example.log.lines())
}

#[test]
fn a_line_is_judged_as_the_log_of_that_line() {
    let prefixes = Prefixes::documented();
    for line in lines() {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        let mut scanner = Reader::new(prefixes.clone(), reading());
        scanner.push(line.as_bytes(), &mut |item| analysis.push(item));
        scanner.finish(&mut |item| analysis.push(item));
        let report = analysis.report(None);
        let site = Site::default();
        let explained = explain(
            line.as_bytes(),
            &prefixes,
            reading(),
            &site,
            Scope::Documented,
        )
        .unwrap();
        let finding = &report.findings[0];
        assert_eq!(explained.finding.id, finding.id, "{line}");
        assert_eq!(explained.finding.cause.code, finding.cause.code, "{line}");
        assert_eq!(explained.finding.evidence, finding.evidence, "{line}");
        assert_eq!(explained.finding.first, finding.first, "{line}");
        assert_eq!(explained.rules, report.rules, "{line}");
        let last = explained.steps.last().unwrap();
        assert!(last.decides && last.cause.code == finding.cause.code);
        // A cause that refuses must state a test.
        for step in &explained.steps {
            let silent = step.tests.is_empty();
            assert!(!silent, "{} says nothing of {line}", step.cause.code);
        }
        // Only commands to be pasted are wider than the page.
        let mut text = Vec::new();
        let style = Style::plain(80);
        let answer = Explanation::Line(Ok(&explained));
        TEXT.explain.unwrap()(&answer, style, &mut text).unwrap();
        for row in String::from_utf8(text).unwrap().lines() {
            let pasted = row.contains("tables -");
            assert!(pasted || row.chars().count() <= 80, "{row}");
        }
    }
}

#[test]
fn the_table_of_ports_fits_its_page() {
    for width in [60, 80, 100, 140] {
        let style = Style::plain(width);
        let mut text = Vec::new();
        let (asked, rows) = ("", &rows(None)[..]);
        TEXT.ports.unwrap()(
            &PortList {
                asked,
                rows,
                elsewhere: None,
            },
            style,
            &mut text,
        )
        .unwrap();
        let text = String::from_utf8(text).unwrap();
        let widest = text.lines().map(|row| row.chars().count()).max().unwrap();
        assert!(widest <= width.max(80), "{widest} of {width} columns");
        assert_eq!(text.contains("NOTE"), width == 140);
    }
}

#[test]
fn each_line_of_a_stream_is_answered_at_once() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(["explain", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let long = "x".repeat(3 << 20);
    let odd = [
        "",
        " ",
        "hello",
        "{",
        "[]",
        "\u{202e}",
        "HARVESTER_DROP_",
        &long,
    ];
    for line in lines().chain(odd) {
        writeln!(stdin, "{line}").unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        if odd.contains(&line) {
            assert!(answer["packet"].is_null() && answer["error"].is_string());
        } else {
            let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["cause", "evidence", "packet", "verdict"]);
        }
    }
    // The last line needs no end.
    write!(stdin, "hello").unwrap();
    drop(stdin);
    assert_eq!(answers.count(), 1);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
