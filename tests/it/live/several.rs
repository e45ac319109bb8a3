//! Several inputs that are followed at once: one report, the account of each, and nothing lost or counted twice.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::pipes::Run;
use crate::support::{dropsift, pack, sample_journal};

/// A drop line of `node` at a time of the turn of a year, without the year.
fn line(node: usize, n: usize, dpt: usize) -> String {
    let day = if n < 30 {
        "Dec 31 23:59"
    } else {
        "Jan  1 00:00"
    };
    format!(
        "{day}:{:02} harvester{node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 \
         SRC=192.168.122.6{} DST=192.168.122.6{node} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={n} DF PROTO=TCP SPT={} \
         DPT={dpt} WINDOW=64240 RES=0x00 SYN URGP=0 \n",
        n % 30 * 2,
        (node + 1 + n % 2) % 4,
        40_000 + n
    )
}

fn append(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Waits until the findings of all `ports` were told.
fn wait_for(run: &Run, ports: &[usize]) {
    let mut missing = ports.to_vec();
    while !missing.is_empty() {
        let event = run.event(|event| event["event"] == "opened");
        let port = event["finding"]["port"].as_u64();
        missing.retain(|wanted| port != Some(*wanted as u64));
    }
}

/// Ends the run; returns its report.
fn report(run: Run) -> Value {
    run.signal("INT");
    let (out, said, _) = run.end();
    let last = out
        .lines()
        .last()
        .unwrap_or_else(|| panic!("no report: {said}"));
    let event: Value = serde_json::from_str(last).unwrap();
    event["report"].clone()
}

/// Asserts that two reports say the same of all that does not depend on the names of inputs.
fn same(one: &Value, other: &Value) {
    for key in ["span", "tally", "nodes", "findings", "rules", "windows"] {
        assert_eq!(one[key], other[key], "{key}");
    }
}

#[test]
fn files_that_grow_and_rotate_are_one_report() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut whole = vec![String::new(); 3];
    for (node, text) in whole.iter_mut().enumerate() {
        // Only one of the logs goes on in the new year, so that their years are off by different amounts.
        let lines: String = (0..20).map(|n| line(node + 1, n, 2112)).collect();
        append(&at(&format!("node{}.log", node + 1)), &lines);
        text.push_str(&lines);
    }
    let names = ["node1.log", "node2.log", "node3.log"];
    let paths = names.map(|name| at(name).display().to_string());
    let mut args = vec!["-f", "-o", "ndjson", "--year", "2027"];
    args.extend(paths.iter().map(String::as_str));
    let run = Run::start(&args);
    wait_for(&run, &[2112, 2112, 2112]);
    for n in 20..60 {
        for (node, text) in whole.iter_mut().enumerate() {
            if node > 0 && n >= 30 {
                continue;
            }
            let path = at(names[node]);
            if n == 25 + node {
                fs::rename(&path, at(&format!("{}.1", names[node]))).unwrap();
            }
            let line = line(node + 1, n, 9796);
            append(&path, &line);
            text.push_str(&line);
        }
    }
    for (node, text) in whole.iter_mut().enumerate() {
        let last = if node == 0 { 59 } else { 29 };
        // Twice: one SYN to an unlisted port alone is no finding of its own rule.
        let line = line(node + 1, last, 5001 + node) + &line(node + 1, last, 5001 + node);
        append(&at(names[node]), &line);
        text.push_str(&line);
    }
    wait_for(&run, &[5001, 5002, 5003]);
    let live = report(run);
    let saved: Vec<String> = (whole.iter().enumerate())
        .map(|(node, text)| {
            let name = format!("saved{node}");
            fs::write(at(&name), text).unwrap();
            name
        })
        .collect();
    let mut args = vec!["-o", "json", "--year", "2027"];
    args.extend(saved.iter().map(String::as_str));
    let saved = dropsift(folder.path(), &args).stdout;
    let saved: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved["tally"]["drops"], 60 + 3 * 2 + 2 * 30);
    same(&live, &saved);
    let accounts = |report: &Value| -> Vec<Value> {
        let mut inputs = report["inputs"].as_array().unwrap().clone();
        inputs
            .iter_mut()
            .for_each(|input| input["name"] = Value::Null);
        inputs
    };
    assert_eq!(accounts(&live), accounts(&saved));
}

#[test]
fn a_record_that_two_files_have_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let both = [at("kern.log"), at("syslog")];
    let write = |lines: &str| both.iter().for_each(|path| append(path.as_ref(), lines));
    write(&line(1, 0, 2112));
    let run = Run::start(&[
        "-f", "-o", "ndjson", "--year", "2027", &both[0], &both[1], &both[0],
    ]);
    wait_for(&run, &[2112]);
    // Each line in each file before the next, and two lines that are the same.
    for n in [1, 2, 3, 4, 4, 5] {
        write(&line(1, n, 2112));
    }
    write(&line(1, 6, 9796));
    wait_for(&run, &[9796]);
    append(both[1].as_ref(), &line(1, 7, 9090));
    wait_for(&run, &[9090]);
    let report = report(run);
    assert_eq!(
        (&report["tally"]["drops"], &report["tally"]["lines"]),
        (&9.into(), &17.into())
    );
    assert_eq!(report["inputs"].as_array().unwrap().len(), 2);
}

/// Two, three and four files with records that some of them have, some more than once, written in turns: each record counts
/// as often as the file has it that has it most, read as saved logs too.
#[test]
fn a_record_that_many_files_have_counts_as_often_as_in_one() {
    // How often each file has a record; each row is a record.
    let rows: [[usize; 4]; 10] = [
        [1, 1, 1, 1],
        [1, 0, 0, 0],
        [0, 0, 0, 2],
        [1, 2, 1, 0],
        [2, 2, 2, 2],
        [0, 1, 1, 3],
        [3, 1, 2, 1],
        [1, 2, 3, 2],
        [0, 2, 0, 2],
        [2, 0, 1, 2],
    ];
    for files in 2..=4 {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..files)
            .map(|n| folder.path().join(format!("{n}.log")).display().to_string())
            .collect();
        names
            .iter()
            .for_each(|name| append(name.as_ref(), &line(1, 29, 2112)));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let run = Run::start(&[&["-f", "-o", "ndjson", "--year", "2027"], &names[..]].concat());
        wait_for(&run, &[2112]);
        // The first copy in each file, then the second ones, the last file first.
        for copy in 0..3 {
            for (n, row) in rows.iter().enumerate() {
                for at in (0..files).rev().filter(|at| row[*at] > copy) {
                    append(names[at].as_ref(), &line(1, n, 9796));
                    // Now and then the others are read in between.
                    if (n + at) % 4 == 0 {
                        std::thread::sleep(std::time::Duration::from_millis(60));
                    }
                }
            }
        }
        let last = line(1, 28, 9090);
        names.iter().for_each(|name| append(name.as_ref(), &last));
        wait_for(&run, &[9090]);
        std::thread::sleep(std::time::Duration::from_secs(1));
        let live = report(run);
        let most = |row: &[usize; 4]| row[..files].iter().max().copied().unwrap();
        let wanted = 2 + rows.iter().map(most).sum::<usize>();
        assert_eq!(live["tally"]["drops"], wanted, "{files} files");
        let saved = dropsift(
            folder.path(),
            &[&["-o", "json", "--year", "2027"], &names[..]].concat(),
        );
        let saved: Value = serde_json::from_slice(&saved.stdout).unwrap();
        assert_eq!(saved["tally"]["drops"], wanted, "{files} saved files");
    }
}

/// What holds no lines, or is packed, is read to its end, said, and the run goes on with the others.
#[test]
fn what_cannot_be_followed_is_read_once_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let log = line(1, 3, 2112);
    fs::write(at("plain.log"), &log).unwrap();
    let wide: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(log.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(at("wide.log"), wide).unwrap();
    fs::write(at("old.journal"), sample_journal()).unwrap();
    let report_of = dropsift(
        folder.path(),
        &["-o", "json", "--year", "2027", "plain.log"],
    );
    fs::write(at("report.json"), report_of.stdout).unwrap();
    let page = dropsift(
        folder.path(),
        &["-o", "html", "--year", "2027", "plain.log"],
    );
    fs::write(at("report.html"), page.stdout).unwrap();
    let mut names = vec!["wide.log", "old.journal", "report.json", "report.html"];
    for (tool, name) in [
        ("gzip -c", "kern.gz"),
        ("xz -c", "kern.xz"),
        ("zstd -c", "kern.zst"),
        ("zip -q - -", "bundle.zip"),
    ] {
        if let Some(packed) = pack(&[tool], log.as_bytes()) {
            fs::write(at(name), packed).unwrap();
            names.push(name);
        }
    }
    for name in names {
        let alone = dropsift(folder.path(), &["-f", "-o", "json", "--year", "2027", name]);
        let said = String::from_utf8_lossy(&alone.stderr);
        let report: Value =
            serde_json::from_slice(&alone.stdout).unwrap_or_else(|_| panic!("{name}: {said}"));
        let saved = dropsift(folder.path(), &["-o", "json", "--year", "2027", name]);
        let saved: Value = serde_json::from_slice(&saved.stdout).unwrap();
        assert_eq!(report["tally"], saved["tally"], "{name}");
        assert_eq!(report["inputs"], saved["inputs"], "{name}");
        let advice = format!("`{name}` is packed, in UTF-16, or no log of lines");
        assert!(
            said.contains(&advice) && said.contains("Follow the log"),
            "{name}: {said}"
        );
        assert!(!said.contains("no line of"), "{name}: {said}");
    }
    // Beside one that is followed.
    let (packed, plain) = (at("wide.log"), at("kern.log"));
    fs::write(&plain, "").unwrap();
    let run = Run::start(&["-f", "-o", "ndjson", "--year", "2027", &packed, &plain]);
    wait_for(&run, &[2112]);
    append(plain.as_ref(), &line(2, 5, 9796));
    wait_for(&run, &[9796]);
    assert_eq!(report(run)["tally"]["drops"], 2);
}

#[test]
fn a_pipe_that_ends_leaves_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kern.log");
    append(&path, &line(1, 0, 2112));
    let mut run = Run::start(&[
        "-f",
        "-o",
        "ndjson",
        "--year",
        "2027",
        "-",
        path.to_str().unwrap(),
    ]);
    run.write(&line(2, 3, 9796));
    wait_for(&run, &[2112, 9796]);
    run.close();
    append(&path, &line(1, 5, 9090));
    wait_for(&run, &[9090]);
    let report = report(run);
    assert_eq!(report["tally"]["drops"], 3);
    let inputs = report["inputs"].as_array().unwrap();
    let drops: Vec<_> = inputs.iter().map(|input| &input["drops"]).collect();
    assert_eq!(drops, [1, 2]);
}
