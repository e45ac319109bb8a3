//! HTML pages: what a browser makes of them, that they have what the JSON has, and that they are read again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use dropsift::report::MAX_CHARACTERS;

use crate::support::markup::{self, Element};
use crate::support::{dropsift, logs, piped};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Options without which a report would depend on the day.
const FIXED: [&str; 4] = ["--year", "2026", "--now", "2026-12-31T00:00:00Z"];

fn written(form: &str, inputs: &[&str]) -> String {
    let args = [&FIXED[..], &["-q", "-o", form], inputs].concat();
    let output = dropsift(Path::new(ROOT), &args);
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the elements of a page, in which nothing is foreign.
fn elements(page: &str) -> Vec<Element> {
    assert_eq!(markup::foreign(page), Vec::<String>::new());
    markup::page(page).elements.take()
}

fn ids(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let ids = findings.map(|finding| finding["id"].as_str().unwrap().to_owned());
    ids.collect()
}

/// Returns a report without the names of its inputs and without warnings, which say of a report that they are its own.
fn essence(mut report: Value) -> Value {
    report["inputs"].take();
    report["warnings"].take();
    report
}

#[test]
fn a_page_has_what_the_json_has_and_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut findings = 0;
    for log in logs() {
        let log = log.to_str().unwrap();
        let page = written("html", &[log]);
        if page.is_empty() {
            assert_eq!(written("json", &[log]), "", "{log}");
            continue;
        }
        let json: Value = serde_json::from_str(&written("json", &[log])).unwrap();
        let elements = elements(&page);
        let shown = elements.iter().filter(|one| one.is("details", "finding"));
        let shown: Vec<&str> = shown.map(|one| one.attribute("id").unwrap()).collect();
        let unique: BTreeSet<String> = shown.iter().map(|&id| id.to_owned()).collect();
        assert_eq!(unique, ids(&json), "{log}");
        assert_eq!(shown.len(), unique.len(), "{log} has a finding twice");
        findings += shown.len();
        let inside = elements
            .iter()
            .find(|one| one.attribute("id") == Some("report"));
        let inside: Value = serde_json::from_str(&inside.unwrap().text).unwrap();
        assert_eq!(inside, json, "{log}");
        // Each link leads to an element of the page.
        let targets: BTreeSet<&str> = elements
            .iter()
            .filter_map(|one| one.attribute("id"))
            .collect();
        let links = elements.iter().filter_map(|one| one.attribute("href"));
        for link in links {
            assert!(targets.contains(&link[1..]), "{log}: {link}");
        }
        let [path, plain] = ["page", "json"].map(|form| folder.path().join(form).join("report"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::create_dir_all(plain.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
        fs::write(&plain, serde_json::to_string(&json).unwrap()).unwrap();
        let read = |path: &Path| -> Value {
            let text = written("json", &[path.to_str().unwrap()]);
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{log}: {text}"))
        };
        assert_eq!(essence(read(&path)), essence(read(&plain)), "{log}");
    }
    assert!(findings > 200, "{findings}");
}

#[test]
fn a_page_of_a_page_is_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let log = format!("{ROOT}/fixtures/set-a/limited.log");
    let first = folder.path().join("first.html");
    fs::write(&first, written("html", &[&log])).unwrap();
    let first = first.to_str().unwrap();
    let drawn = |page: &str| -> Vec<(String, String)> {
        let elements = elements(page);
        let drawn = elements
            .iter()
            .filter(|one| one.name == "path" || one.name == "rect");
        drawn
            .map(|one| {
                (
                    one.attribute("d").unwrap_or_default().to_owned(),
                    format!("{:?}", one.attributes),
                )
            })
            .collect()
    };
    let (one, two) = (written("html", &[&log]), written("html", &[first]));
    assert_eq!(drawn(&one), drawn(&two));
    let json = |page: &str| -> Value {
        let elements = elements(page);
        let inside = elements
            .iter()
            .find(|one| one.attribute("id") == Some("report"));
        essence(serde_json::from_str(&inside.unwrap().text).unwrap())
    };
    assert_eq!(json(&one), json(&two));
    // Beside its own JSON it counts once, and so it does by a pipe and packed.
    let other = folder.path().join("report.json");
    fs::write(&other, written("json", &[&log])).unwrap();
    let both: Value =
        serde_json::from_str(&written("json", &[first, other.to_str().unwrap()])).unwrap();
    assert_eq!(essence(both.clone()), json(&one));
    let codes: Vec<&Value> = (both["warnings"].as_array().unwrap().iter())
        .map(|one| &one["code"])
        .collect();
    assert!(
        !codes.iter().any(|code| *code == "reports-overlap"),
        "{codes:?}"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args([&FIXED[..], &["-q", "-o", "json"]].concat());
    let output = piped(&mut command, &one);
    assert_eq!(
        essence(serde_json::from_slice(&output.stdout).unwrap()),
        json(&one)
    );
}

#[test]
fn a_page_without_its_report_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = format!("{ROOT}/fixtures/set-a/limited.log");
    let page = written("html", &[&log]);
    let begin = page.find("id=\"report\">").unwrap();
    for part in [2000, begin + 1000] {
        fs::write(folder.path().join("cut.html"), &page[..part]).unwrap();
        let output = dropsift(folder.path(), &["cut.html"]);
        let why = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{why}");
        assert!(
            why.contains("it is not whole") || why.contains("is not whole"),
            "{why}"
        );
    }
}

/// Returns the hash of a style or a script as a policy has it, calculated by the system.
fn hash(text: &str) -> String {
    let script = "openssl dgst -sha256 -binary | openssl base64";
    let output = piped(Command::new("sh").args(["-c", script]), text);
    format!(
        "'sha256-{}'",
        String::from_utf8(output.stdout).unwrap().trim()
    )
}

#[test]
fn the_policy_allows_the_own_style_and_script_and_nothing_else() {
    let log = format!("{ROOT}/fixtures/set-a/limited.log");
    let elements = elements(&written("html", &[&log]));
    let text = |name: &str| &elements.iter().rfind(|one| one.name == name).unwrap().text;
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(text("style")),
        hash(text("script"))
    );
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(ROOT).join("src/report/html/policy.txt");
        fs::write(path, format!("{policy}\n")).unwrap();
        return;
    }
    let is_policy = |one: &&Element| one.attribute("http-equiv") == Some("Content-Security-Policy");
    let own = elements.iter().find(is_policy).unwrap();
    assert_eq!(
        own.attribute("content"),
        Some(policy.as_str()),
        "UPDATE=1 writes it"
    );
    // It stands before all that it is to hold.
    let place = |wanted: &dyn Fn(&Element) -> bool| elements.iter().position(wanted).unwrap();
    assert!(place(&|one| is_policy(&one)) < place(&|one| one.name == "style"));
}

/// Returns the rows of all tables of a Markdown text.
fn table_rows(text: &str) -> usize {
    use pulldown_cmark::{Event, Options, Parser, TagEnd};
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    events
        .filter(|event| matches!(event, Event::End(TagEnd::TableRow)))
        .count()
}

#[test]
fn markdown_is_short_enough_and_has_nothing_that_the_log_made() {
    let mut rows = 0;
    for log in logs() {
        let log = log.to_str().unwrap();
        let text = written("markdown", &[log]);
        assert!(text.chars().count() <= MAX_CHARACTERS, "{log}");
        assert_eq!(
            markup::unwanted(&text),
            Vec::<String>::new(),
            "{log}:\n{text}"
        );
        if !text.is_empty() {
            // Each finding that is not cut has a row, and its evidence.
            let json: Value = serde_json::from_str(&written("json", &[log])).unwrap();
            let cut = text.contains("*Cut here: ");
            assert!(
                cut || ids(&json)
                    .iter()
                    .all(|id| text.contains(&format!("`{id}`"))),
                "{log}"
            );
            assert!(
                cut || table_rows(&text) == ids(&json).len(),
                "{log}:\n{text}"
            );
            rows += table_rows(&text);
        }
    }
    assert!(rows > 200, "{rows}");
}

#[test]
fn markdown_of_very_much_says_what_it_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = String::new();
    for node in 1..40 {
        for port in [
            2112, 9345, 10250, 50051, 50052, 50053, 50054, 50055, 50056, 50057,
        ] {
            for second in 0..3 {
                log.push_str(&format!(
                    "May 05 10:{second:02}:{node:02}.000000 harvester{node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= \
                     SRC=192.168.122.{} DST=192.168.122.{node} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT={} \
                     DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0 \n",
                    node + 1,
                    40_000 + second
                ));
            }
        }
    }
    fs::write(folder.path().join("a.log"), log).unwrap();
    let path = folder.path().join("a.log");
    let options = ["--role", "control-plane", path.to_str().unwrap()];
    let text = written("markdown", &options);
    let characters = text.chars().count();
    assert!(
        characters <= MAX_CHARACTERS && characters > MAX_CHARACTERS / 2,
        "{characters}"
    );
    assert!(text.contains("*Cut here: "), "{text}");
    // What is to be done stands first, and nothing of it is cut.
    let (_, now) = text.split_once("## Fix now").unwrap();
    let (now, _) = now.split_once("## Fix for good").unwrap();
    for node in 1..40 {
        assert!(
            now.contains(&format!("harvester{node}")) && now.contains("--dport 2112"),
            "{node}"
        );
    }
    assert!(!now.contains("*Cut here"));
    assert_eq!(markup::unwanted(&text), Vec::<String>::new());
}

#[test]
fn other_outputs_have_forms_of_their_own() {
    let log = format!("{ROOT}/fixtures/set-a/limited.log");
    let chain = format!("{ROOT}/fixtures/cli/report/in-force-text/chain.save");
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    fs::write(&json, written("json", &["--only", "harvester1", &log])).unwrap();
    let json = json.to_str().unwrap();
    let run = |args: &[&str]| {
        let output = dropsift(Path::new(ROOT), args);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            !text.is_empty(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    };
    let both = ["diff", json, &log, "--year", "2026", "-q", "-o"];
    let elements = elements(&run(&[&both[..], &["html"]].concat()));
    let compared: Value = serde_json::from_str(&run(&[&both[..], &["json"]].concat())).unwrap();
    let number = |key: &str| compared[key].as_array().unwrap().len();
    let shown = elements
        .iter()
        .filter(|one| one.is("details", "finding"))
        .count();
    let all = ["new", "gone", "changed", "same"].map(number);
    assert_eq!(shown, all.iter().sum::<usize>());
    assert!(all[0] > 0 && all[3] > 0);
    let text = run(&[&both[..], &["markdown"]].concat());
    assert_eq!(table_rows(&text), shown);
    assert_eq!(markup::unwanted(&text), Vec::<String>::new());
    let sample = "HARVESTER_DROP_IN=mgmt-br OUT= SRC=192.168.122.63 DST=192.168.122.61 PROTO=TCP SPT=40000 DPT=2112 SYN URGP=0";
    for args in [
        &["ports"][..],
        &["ports", "tcp/4"],
        &["explain", "list"],
        &["explain", "scan"],
        &["explain", "tcp/10250"],
        &["explain", sample],
        &["audit", &chain],
        &["simulate", "--rules", &chain, "-q", "--year", "2026", &log],
    ] {
        let text = run(&[args, &["-o", "markdown"]].concat());
        assert_eq!(markup::unwanted(&text), Vec::<String>::new(), "{args:?}");
        assert!(text.chars().count() <= MAX_CHARACTERS, "{args:?}");
    }
    // What a form does not have is refused with those that have it.
    for (args, known) in [
        (&["ports", "-o", "html"][..], "text, json, markdown"),
        (&["audit", "-o", "ndjson", "x"], "text, json, markdown"),
        (
            &["diff", "-o", "ndjson", "x", "y"],
            "text, json, html, markdown",
        ),
        (&["rules", "-o", "html", "x"], "text, json"),
        (&["config", "-o", "markdown"], "text, json"),
    ] {
        let output = dropsift(Path::new(ROOT), args);
        let why = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{why}");
        assert!(
            why.contains(known) || known.split(", ").all(|form| why.contains(form)),
            "{why}"
        );
    }
}
