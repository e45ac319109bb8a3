//! A daemon in a flood: `soak PROGRAM file|journal LINES PER_SECOND bare|metrics|report` feeds drop lines into a log that
//! PROGRAM follows, and prints a row of a table: peak memory before and behind the last tenth, and how long the event of a
//! missing rule takes in the flood and when it is over. With `metrics`, the page of `--metrics` is asked for each second,
//! with `report` its report as well, and the row has how long both took; `bare` is without `--metrics`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "it is a program of its own, which stops where something fails, and this is its output"
)]

#[path = "dice.rs"]
mod dice;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use dice::Dice;

/// Events whose latency is measured, in the flood and behind it.
const NEEDLES: usize = 50;
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a drop line's message: replies of connections that lost their state, scans, strangers, and requests of nodes.
fn message(dice: &mut Dice) -> String {
    let ephemeral = 32_768 + dice.roll(28_000) as u16;
    let service = dice.pick(&[6443, 2379, 9345, 10250]);
    let (peer, spt, dpt, flags) = match dice.roll(10) {
        0 => {
            let [_, b, c, d] = (dice.roll(1 << 32) as u32).to_be_bytes();
            (
                format!("203.{b}.{c}.{d}"),
                ephemeral,
                dice.roll(65_536) as u16,
                "SYN",
            )
        }
        1 => {
            let port = dice.pick(&[5900, 8181, 3260, 111, 5353]);
            (
                format!("192.168.122.{}", 100 + dice.roll(100)),
                ephemeral,
                port,
                "SYN",
            )
        }
        _ => {
            let flags = ["ACK", "ACK PSH", "ACK FIN", "RST"][dice.roll(4) as usize];
            (
                format!("192.168.122.{}", 62 + dice.roll(2)),
                service,
                ephemeral,
                flags,
            )
        }
    };
    packet(&peer, spt, dpt, flags, dice.roll(65_536))
}

fn packet(peer: &str, spt: u16, dpt: u16, flags: &str, id: u64) -> String {
    format!(
        "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:61:52:54:00:ab:cd:ea:08:00 SRC={peer} DST=192.168.122.61 LEN=60 \
         TOS=0x00 PREC=0x00 TTL=64 ID={id} DF PROTO=TCP SPT={spt} DPT={dpt} WINDOW=64240 RES=0x00 {flags} URGP=0 "
    )
}

/// A log that is written to.
enum Log {
    File(File),
    Journal(Child, ChildStdin),
}

impl Log {
    fn create(kind: &str, folder: &Path) -> Self {
        if kind == "file" {
            return Self::File(File::create(folder.join("log")).unwrap());
        }
        fs::create_dir(folder.join("log")).unwrap();
        let mut writer = Command::new("/lib/systemd/systemd-journal-remote")
            .arg("-o")
            .arg(folder.join("log/system.journal"))
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = writer.stdin.take().unwrap();
        Self::Journal(writer, stdin)
    }

    /// Writes messages of this moment.
    fn write(&mut self, host: &str, messages: &[String]) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let (seconds, micros) = (now.as_secs(), now.as_micros());
        let mut text = String::new();
        for message in messages {
            text += &match self {
                Self::File(_) => {
                    let (date, time) = (date(seconds / 86_400), seconds % 86_400);
                    format!(
                        "{date}T{:02}:{:02}:{:02}.{:06}+00:00 {host} kernel: {message}\n",
                        time / 3600,
                        time / 60 % 60,
                        time % 60,
                        micros % 1_000_000
                    )
                }
                Self::Journal(..) => format!(
                    "__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=0a1b2c3d4e5f60718293a4b5c6d7e8f9\n\
                     _TRANSPORT=kernel\nPRIORITY=4\nSYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n_HOSTNAME={host}\n\
                     MESSAGE={message}\n\n",
                    micros % 1_000_000_000_000
                ),
            };
        }
        match self {
            Self::File(file) => file.write_all(text.as_bytes()).unwrap(),
            Self::Journal(_, pipe) => pipe.write_all(text.as_bytes()).unwrap(),
        }
    }
}

/// Returns the day that lies so many days behind 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> String {
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns the page, and how long it took.
fn scrape(address: &str, path: &str) -> Option<(String, Duration)> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    page.starts_with("HTTP/1.1 200 ")
        .then(|| (page, began.elapsed()))
}

/// Returns how many drop lines a page has counted.
fn counted(page: &str) -> usize {
    let counts = page
        .lines()
        .filter(|line| line.starts_with("dropsift_drop_lines_total{"));
    counts
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum::<f64>() as usize
}

/// Returns the peak memory of a process, in MiB.
fn peak(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024.0
}

/// Writes what makes a rule missing on a node of its own, and returns when its event came.
fn needle(log: &mut Log, number: usize, events: &Receiver<(String, Instant)>) -> Duration {
    let host = format!("needle{number}");
    let began = Instant::now();
    log.write(&host, &[packet("192.168.122.63", 40_000, 2112, "SYN", 1)]);
    loop {
        let (event, came) = events
            .recv_timeout(PATIENCE)
            .expect("no event of a missing rule");
        if event.contains(&format!("\"node\":\"{host}\"")) && event.contains("missing-rule") {
            return came - began;
        }
    }
}

/// Returns the median, the 99th percentile, and the longest.
fn milliseconds(mut all: Vec<Duration>) -> String {
    if all.is_empty() {
        return "-".to_owned();
    }
    all.sort_unstable();
    let of = |percent: usize| all[(all.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    format!("{:.1}, {:.1}, {:.1} ms", of(50), of(99), of(100))
}

/// The program, and what it says.
struct Daemon {
    process: Child,
    events: Receiver<(String, Instant)>,
    said: BufReader<ChildStderr>,
    /// Where its pages are.
    address: Option<String>,
}

impl Daemon {
    fn start(program: &str, folder: &Path, asks: &str) -> Self {
        let mut command = Command::new(program);
        command
            .args(["-f", "-o", "ndjson", "--role", "control-plane"])
            .arg(folder.join("log"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if asks != "bare" {
            command.args(["--metrics", "0"]);
        }
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut start = String::new();
        while !start.contains("Ctrl-C") {
            assert!(said.read_line(&mut start).unwrap() > 0, "it has ended");
        }
        let url = start.split("http://").nth(1);
        let address = url.and_then(|url| Some(url.split('/').next()?.to_owned()));
        let (send, events) = channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // The last one has the whole report.
                if !line.contains("\"event\":\"report\"")
                    && send.send((line, Instant::now())).is_err()
                {
                    break;
                }
            }
        });
        Self {
            process,
            events,
            said,
            address,
        }
    }

    /// Ends it, and asserts that it has counted so many drop lines.
    fn end(mut self, drops: usize) {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        let mut account = String::new();
        self.said.read_to_string(&mut account).unwrap();
        assert!(
            account.contains(&format!(" {drops} drop lines")),
            "{drops} were written: {account}"
        );
        self.process.wait().unwrap();
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [program, kind, lines, rate, asks] = &args[..] else {
        eprintln!("usage: soak PROGRAM file|journal LINES PER_SECOND bare|metrics|report");
        return;
    };
    let (lines, rate): (usize, usize) = (lines.parse().unwrap(), rate.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("dropsift-soak-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let mut log = Log::create(kind, &folder);
    log.write(
        "harvester1",
        &["mgmt-br: port 1(eno1) entered forwarding state".to_owned()],
    );
    if let Log::Journal(..) = log {
        while fs::read_dir(folder.join("log")).unwrap().next().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let daemon = Daemon::start(program, &folder, asks);
    let is_over = AtomicBool::new(false);
    let (process, events) = (daemon.process.id(), &daemon.events);
    let address = daemon.address.as_deref();
    let mut all = 0;
    let (early, late, flooded, quiet, pages) = std::thread::scope(|scope| {
        let is_over = &is_over;
        let scraping = ["/metrics", "/report.json"].map(|path| {
            let asked = address.filter(|_| path == "/metrics" || asks == "report");
            scope.spawn(move || {
                let mut pages = Vec::new();
                while let Some(address) = asked
                    && !is_over.load(Ordering::Relaxed)
                {
                    pages.extend(scrape(address, path).map(|(_, taken)| taken));
                    std::thread::sleep(Duration::from_secs(1));
                }
                pages
            })
        });
        let mut dice = Dice(42);
        let batch = (rate / 100).max(1);
        let (began, mut fed, mut early) = (Instant::now(), 0, 0.0);
        let mut flooded = Vec::new();
        while fed < lines {
            let messages: Vec<String> = (0..batch).map(|_| message(&mut dice)).collect();
            log.write("harvester1", &messages);
            fed += batch;
            if fed < lines / 10 * 9 {
                early = peak(process);
            }
            // Between two batches, so that the flood goes on around it.
            if fed * NEEDLES / lines > flooded.len() {
                flooded.push(needle(&mut log, flooded.len(), events));
            }
            let due = Duration::from_secs_f64(fed as f64 / rate as f64);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        all = fed + flooded.len();
        // All that was written is counted before the clock of the quiet begins.
        let waiting = Instant::now();
        while let Some(address) = address {
            let sum = scrape(address, "/metrics").map_or(0, |(page, _)| counted(&page));
            if sum == all {
                break;
            }
            assert!(waiting.elapsed() < PATIENCE, "{sum} of {all} were counted");
            std::thread::sleep(Duration::from_millis(200));
        }
        let quiet: Vec<Duration> = (0..NEEDLES)
            .map(|number| {
                // The report on the one before is over.
                std::thread::sleep(Duration::from_millis(500));
                needle(&mut log, NEEDLES + number, events)
            })
            .collect();
        all += NEEDLES;
        let late = peak(process);
        is_over.store(true, Ordering::Relaxed);
        let pages = scraping.map(|thread| thread.join().unwrap());
        (early, late, flooded, quiet, pages)
    });
    println!(
        "| input | lines | at 90 %, at the end | event in the flood | event behind it | page | report |"
    );
    println!("|---|---|---|---|---|---|---|");
    let [page, report] = pages.map(milliseconds);
    println!(
        "| {kind}, {asks} | {lines}, {rate}/s | {early:.1}, {late:.1} MiB | {} | {} | {page} | {report} |",
        milliseconds(flooded),
        milliseconds(quiet),
    );
    daemon.end(all);
    if let Log::Journal(mut writer, pipe) = log {
        drop(pipe);
        writer.wait().unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
}
