//! `--metrics`: the content of a scrape during a live run, and that no request disturbs the run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::daemon::{Daemon, PATIENCE, Series, ask, get, sum, wait};
use crate::support::sample_journal;

/// A live run whose log comes through a pipe.
struct Run {
    daemon: Daemon,
    stdin: ChildStdin,
}

impl Run {
    fn start(args: &[&str]) -> Self {
        Self::of(Daemon::start("0", args))
    }

    fn of(mut daemon: Daemon) -> Self {
        Self {
            stdin: daemon.process.0.stdin.take().unwrap(),
            daemon,
        }
    }

    fn write(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
    }

    fn ask(&self, request: &str) -> String {
        ask(&self.daemon.address, request).unwrap()
    }

    fn get(&self, path: &str) -> String {
        get(&self.daemon.address, path)
    }

    fn series(&self, is_there: impl Fn(&Series) -> bool) -> Series {
        self.daemon.series(is_there)
    }
}

fn limited() -> String {
    fs::read_to_string("fixtures/set-a/limited.log").unwrap()
}

const ROLES: [&str; 6] = [
    "--role",
    "harvester1=control-plane",
    "--role",
    "harvester2=control-plane",
    "--role",
    "harvester3=worker",
];

#[test]
fn a_scrape_agrees_with_the_report() {
    let mut run = Run::start(&ROLES);
    run.write(&limited());
    let series = run.series(|series| sum(series, "dropsift_lines_total", &[]) >= 135.0);
    for (metric, labels, wanted) in [
        ("dropsift_lines_total", &["outcome=\"drop\""][..], 135.0),
        ("dropsift_drop_lines_total", &[], 135.0),
        ("dropsift_drop_lines_total", &["node=\"harvester1\""], 51.0),
        (
            "dropsift_missing_rule",
            &["disposition=\"documented\""],
            3.0,
        ),
        (
            "dropsift_missing_rule",
            &["port=\"2112\"", "role=\"control-plane\""],
            1.0,
        ),
        (
            "dropsift_missing_rule",
            &["port=\"8181\"", "disposition=\"review\""],
            1.0,
        ),
        (
            "dropsift_missing_rule",
            &["node=\"harvester3\"", "port=\"9796\""],
            1.0,
        ),
        ("dropsift_missing_rule", &["port=\"6443\""], 0.0),
        ("dropsift_input_up", &["source=\"-\""], 1.0),
        ("dropsift_build_info", &["catalogue="], 1.0),
    ] {
        assert_eq!(sum(&series, metric, labels), wanted, "{metric} {labels:?}");
    }
    // No peer and no ephemeral port is a label.
    assert!(series.keys().all(|name| !name.contains("192.168.122")));
    let report: Value = serde_json::from_str(&run.get("/report.json")).unwrap();
    assert_eq!(report["schema"], "dropsift/report/v1");
    assert_eq!(report["tally"]["drops"], 135);
    let findings = report["findings"].as_array().unwrap().len();
    assert_eq!(sum(&series, "dropsift_findings", &[]), findings as f64);
}

#[test]
fn counters_never_fall_and_names_stay_text() {
    let mut run = Run::start(&[]);
    let hostile = "2026-04-22T10:00:00+00:00 a\"b\\n\u{202e} kernel: HARVESTER_DROP_IN=mgmt-br OUT= \
                   SRC=192.168.122.9 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 \
                   DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0\n";
    run.write(hostile);
    let page = |run: &Run| {
        run.series(|series| sum(series, "dropsift_drop_lines_total", &["kind=\"syn\""]) >= 1.0);
        run.get("/metrics")
    };
    assert!(!page(&run).contains('\u{202e}'));
    let counters = |series: &BTreeMap<String, f64>| -> Vec<(String, f64)> {
        let own = series.iter().filter(|(name, _)| name.contains("_total{"));
        own.map(|(name, value)| (name.clone(), *value)).collect()
    };
    let mut before: Vec<(String, f64)> = Vec::new();
    for (number, part) in limited().lines().collect::<Vec<_>>().chunks(45).enumerate() {
        run.write(&(part.join("\n") + "\n"));
        let wanted = 1.0 + 45.0 * (number + 1) as f64;
        let now = run.series(|series| sum(series, "dropsift_drop_lines_total", &[]) >= wanted);
        for (name, value) in &before {
            assert!(now[name] >= *value, "{name} fell");
        }
        before = counters(&now);
    }
}

#[test]
fn only_what_is_there_is_served() {
    let run = Run::start(&[]);
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", "200 OK"),
        ("HEAD /healthz HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("GET /../etc/passwd HTTP/1.1\r\n\r\n", "404 Not Found"),
        (
            "POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
            "405 Method Not Allowed",
        ),
        ("no request\r\n\r\n", "400 Bad Request"),
    ] {
        let answer = run.ask(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{request:?}: {answer}"
        );
    }
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    assert!(run.ask(&long).contains(" 431 "));
}

/// Ports of which no list says anything are told apart up to a bound, and a listed one always is.
#[test]
fn unlisted_ports_have_few_series() {
    let mut run = Run::start(&["--role", "worker"]);
    let asked = |port: u16, peer: u16, attempt: u16| {
        format!(
            "2026-04-22T10:00:{:02}.{attempt}+00:00 h1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= SRC=192.168.122.{peer} \
             DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT={} DPT={port} WINDOW=64240 RES=0x00 \
             SYN URGP=0\n",
            peer - 100,
            40_000 + attempt
        )
    };
    // Each peer asks for one port, so that none scans; the later ports have the smaller numbers.
    for n in 0..30 {
        for attempt in 0..3 {
            run.write(&asked(20_000 - n * 7, 100 + n, attempt));
        }
    }
    run.write(&asked(9796, 131, 0));
    run.write(&asked(9796, 131, 1));
    let series = run.series(|series| sum(series, "dropsift_drop_lines_total", &[]) >= 92.0);
    let of = |labels: &[&str]| sum(&series, "dropsift_missing_rule", labels);
    assert_eq!(of(&["cause=\"unlisted-port\"", "port=\"other\""]), 1.0);
    assert_eq!(of(&["cause=\"unlisted-port\""]), 21.0);
    assert_eq!(of(&["port=\"20000\""]), 1.0);
    assert_eq!(of(&["port=\"9796\""]), 1.0);
    assert!(series.keys().all(|name| !name.contains("192.168.122")));
}

/// Connections that send nothing, or a byte now and then, keep others out for some seconds, and never the reader of the log.
#[test]
fn slow_clients_disturb_nothing() {
    let mut run = Run::start(&ROLES);
    let idle: Vec<TcpStream> = (0..4)
        .map(|_| TcpStream::connect(&run.daemon.address).unwrap())
        .collect();
    // Each sends a header that never ends.
    let address = run.daemon.address.clone();
    let slow: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            std::thread::spawn(move || {
                let began = Instant::now();
                let mut answer = Vec::new();
                stream
                    .set_read_timeout(Some(Duration::from_millis(200)))
                    .unwrap();
                let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n");
                while answer.is_empty() && began.elapsed() < PATIENCE {
                    let _ = stream.write_all(b"X");
                    match stream.read_to_end(&mut answer) {
                        Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                        // It was answered, or closed for another.
                        _ => break,
                    }
                }
                String::from_utf8(answer).unwrap()
            })
        })
        .collect();
    run.write(&limited());
    // A probe is answered however many clients only wait: the oldest is closed for it.
    let many: Vec<TcpStream> = (0..40)
        .map(|_| {
            let stream = TcpStream::connect(&run.daemon.address).unwrap();
            let answer = run.ask("GET /healthz HTTP/1.1\r\n\r\n");
            assert!(answer.contains(" 200 "), "{answer}");
            stream
        })
        .collect();
    for thread in slow {
        let answer = thread.join().unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{answer}"
        );
    }
    drop(many);
    let series = run.series(|series| sum(series, "dropsift_lines_total", &[]) >= 135.0);
    assert_eq!(sum(&series, "dropsift_drop_lines_total", &[]), 135.0);
    drop(idle);
}

/// Requests as many as there can be, and clients that read nothing of a long answer.
#[test]
fn a_flood_of_requests_does_not_slow_the_reader() {
    let events = tempfile::NamedTempFile::new().unwrap();
    let daemon = Daemon::start_to(events.reopen().unwrap().into(), "0", &ROLES);
    let mut run = Run::of(daemon);
    run.write(&limited());
    run.series(|series| sum(series, "dropsift_lines_total", &[]) >= 135.0);
    let has = |port: &str| {
        let told = fs::read_to_string(events.path()).unwrap_or_default();
        told.contains(&format!("\"port\":{port},"))
    };
    assert!(has("9796") && !has("10665"));
    let is_over = AtomicBool::new(false);
    let address = &run.daemon.address.clone();
    // Nothing in it panics: the clients would go on for ever.
    let (waited, answers) = std::thread::scope(|scope| {
        let clients = ["/metrics", "/report.json", "/healthz", "/nothing"].map(|path| {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut deaf = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let request = format!("GET {path} HTTP/1.1\r\n\r\n");
                    let answer = ask(address, &request).unwrap_or_default();
                    let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
                    if deaf.len() < 2
                        && let Ok(mut stream) = TcpStream::connect(address)
                    {
                        let _ = stream.write_all(b"GET /report.json HTTP/1.1\r\n\r\n");
                        deaf.push(stream);
                    }
                    // Nothing where the connection was reset behind a refusal.
                    if !["200", "404", "503", ""].contains(&&status[..]) {
                        return Err(answer);
                    }
                }
                Ok(())
            })
        });
        let (began, mut number) = (Instant::now(), 0);
        // Two attempts on a port that the documentation opens there, and then other drops, all the time.
        while !has("10665") && began.elapsed() < PATIENCE {
            number += 1;
            let line = format!(
                "Apr 22 10:04:50 harvester3 kernel: HARVESTER_DROP_IN=mgmt-br OUT= SRC=192.168.122.61 \
                 DST=192.168.122.63 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={number} DF PROTO=TCP SPT={} DPT=10665 \
                 WINDOW=64240 RES=0x00 SYN URGP=0\n",
                40_000 + number
            );
            let _ = run.stdin.write_all(line.as_bytes());
            std::thread::sleep(Duration::from_millis(20));
        }
        let waited = began.elapsed();
        is_over.store(true, Ordering::Relaxed);
        (waited, clients.map(|client| client.join()))
    });
    for answer in answers {
        assert_eq!(answer.unwrap(), Ok(()));
    }
    // A second by the contract; here others build beside it.
    assert!(waited < Duration::from_secs(10), "{waited:?}");
}

#[test]
fn an_input_that_is_gone_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("journal");
    fs::create_dir(&journals).unwrap();
    for (content, file, input) in [
        (limited().into_bytes(), "kernel.log", "kernel.log"),
        (sample_journal(), "journal/system.journal", "journal"),
    ] {
        let file = folder.path().join(file);
        fs::write(&file, content).unwrap();
        let input = folder.path().join(input).display().to_string();
        let run = Daemon::start("0", &[&input]);
        let labels = [format!("source=\"{input}\"")];
        let up = |series: &Series| sum(series, "dropsift_input_up", &[&labels[0]]);
        run.series(|series| {
            up(series) == 1.0 && sum(series, "dropsift_drop_lines_total", &[]) > 0.0
        });
        fs::remove_file(&file).unwrap();
        let series = run.series(|series| up(series) == 0.0);
        // What was found before stays.
        assert!(sum(&series, "dropsift_drop_lines_total", &[]) > 0.0);
    }
}

/// Returns a report without the seconds of silence, which go on while a log is followed.
fn timeless(report: &str) -> Value {
    let silence = regex::Regex::new(r"the log ends \d+ s after").unwrap();
    serde_json::from_str(&silence.replace_all(report, "the log ends after")).unwrap()
}

/// The report of a saved log of the same lines, whole: its inputs and its span as well.
#[test]
fn the_report_is_that_of_the_same_lines_from_the_first_moment_on() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |input: &str, stdin: Option<&Path>| -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
        command
            .args(ROLES)
            .args(["-q", "--no-follow", "-o", "json", input]);
        if let Some(stdin) = stdin {
            command.stdin(File::open(stdin).unwrap());
        }
        timeless(&String::from_utf8(command.output().unwrap().stdout).unwrap())
    };
    let served = |daemon: &Daemon| -> Value { timeless(&get(&daemon.address, "/report.json")) };
    let path = folder.path().join("kern.log");
    for name in [path.to_str().unwrap(), "-"] {
        fs::write(&path, "").unwrap();
        let mut daemon = Daemon::start("0", &[&ROLES[..], &[name]].concat());
        let is_stdin = name == "-";
        let of_saved = || saved(name, is_stdin.then_some(&*path));
        assert_eq!(served(&daemon), of_saved(), "{name}, before any line");
        let mut log = File::options().append(true).open(&path).unwrap();
        for part in limited().lines().collect::<Vec<_>>().chunks(70) {
            let text = part.join("\n") + "\n";
            log.write_all(text.as_bytes()).unwrap();
            if is_stdin {
                let pipe = daemon.process.0.stdin.as_mut().unwrap();
                pipe.write_all(text.as_bytes()).unwrap();
            }
            let wanted = of_saved();
            wait("the report of all lines", || {
                (served(&daemon)["tally"] == wanted["tally"]).then_some(())
            });
            assert_eq!(served(&daemon), wanted, "{name}");
            // Time that passes adds nothing to the log.
            std::thread::sleep(Duration::from_secs(2));
            assert_eq!(served(&daemon), wanted, "{name}, later");
        }
    }
}

#[test]
fn each_input_has_a_series_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["one.log", "other.log"].map(|name| folder.path().join(name));
    fs::write(&paths[0], limited()).unwrap();
    fs::write(&paths[1], "").unwrap();
    let names = [&paths[0], &paths[1]].map(|path| path.display().to_string());
    let run = Daemon::start("0", &[&names[0], &names[1]]);
    let of = |series: &Series, metric: &str, name: &str| {
        let labels = format!("source=\"{name}\"");
        sum(series, metric, &[&labels])
    };
    let read = "dropsift_input_last_read_timestamp_seconds";
    let series = run.series(|series| of(series, read, &names[0]) > 0.0);
    assert_eq!(of(&series, read, &names[1]), 0.0);
    let up = |series: &Series| {
        names
            .each_ref()
            .map(|name| of(series, "dropsift_input_up", name))
    };
    assert_eq!(up(&series), [1.0, 1.0]);
    fs::remove_file(&paths[0]).unwrap();
    run.series(|series| up(series) == [0.0, 1.0]);
    fs::write(&paths[0], "").unwrap();
    run.series(|series| up(series) == [1.0, 1.0]);
}

#[test]
fn an_address_that_cannot_be_had_is_refused() {
    for (args, words) in [
        (
            &["--metrics", "nonsense", "-f", "-"][..],
            "no address with a port",
        ),
        (
            &["--metrics", "127.0.0.1:99999", "-f", "-"],
            "no address with a port",
        ),
        (
            &["--metrics", "::1:19474", "-f", "-"],
            "brackets: [::1]:19474",
        ),
        (
            &["--metrics", "9110", "fixtures/set-a/limited.log"],
            "--metrics is for live runs",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}
