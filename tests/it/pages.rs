//! HTML pages: what a browser makes of them, that they have what the JSON has, and that they are read again.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::dropsift;
use crate::support::markup::{self, Element};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Options without which a report would depend on the day.
const FIXED: [&str; 4] = ["--year", "2026", "--now", "2026-12-31T00:00:00Z"];

/// Returns the logs among the fixtures.
fn logs() -> Vec<PathBuf> {
    fn find(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                find(&path, found);
            } else if path.extension().is_some_and(|end| end == "log") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    find(&Path::new(ROOT).join("fixtures"), &mut found);
    found.sort();
    assert!(found.len() > 30, "{found:?}");
    found
}

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
        let path = folder.path().join("page.html");
        fs::write(&path, &page).unwrap();
        let plain = folder.path().join("report.json");
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
    let mut child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args([&FIXED[..], &["-q", "-o", "json"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(one.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
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
    for part in [2000, page.len() - 3000] {
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
    let mut child = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
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
