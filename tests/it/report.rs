//! Properties of the text report: sums that agree, rows that fit, commands that run as pasted, and a pager.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use dropsift::report::{RENDERERS, Report, Style};
use proptest::prelude::*;
use regex::Regex;

use crate::properties::{line, report};
use crate::support::logs;

/// Returns the report as plain text.
fn text(report: &Report, style: Style) -> String {
    let mut out = Vec::new();
    (RENDERERS[0].report)(report, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// Returns the drops that the sections of a report account for, as its rows say: read from the text as a reader would.
fn accounted(text: &str) -> u64 {
    let heading = Regex::new(r"^(MISSING|DECIDE|REVIEW|NOTHING TO DO) \((\d+)\)").unwrap();
    let port = Regex::new(r"^  (?:tcp|udp|icmp|igmp|no)[^:]*?  ").unwrap();
    let drops = Regex::new(r"  (\d+) drops?(?:  |$)").unwrap();
    let more = Regex::new(r"^  \d+ more, (\d+) drops?:").unwrap();
    let (mut section, mut column, mut sum) = ("", None, 0);
    // Numbers in the headings of NOTHING TO DO, and in its rows.
    let (mut promised, mut rows, mut columns) = (0, 0, 0);
    for line in text.lines() {
        if let Some(found) = heading.captures(line) {
            section = [
                ("M", "missing"),
                ("D", "decide"),
                ("R", "review"),
                ("N", "nothing"),
            ]
            .into_iter()
            .find_map(|(begin, name)| line.starts_with(begin).then_some(name))
            .unwrap();
            column = None;
            if section == "nothing" {
                promised = number(&found[2]);
                sum += promised;
            }
        } else if line.starts_with(|c: char| c.is_ascii_uppercase()) {
            section = "";
        }
        match section {
            "missing" | "decide" => {
                if line.starts_with("  PORT ") {
                    column = line.find("DROPS").map(|at| at + "DROPS".len());
                } else if let Some(found) = more.captures(line) {
                    sum += number(&found[1]);
                } else if let Some(column) = column.filter(|_| port.is_match(line)) {
                    sum += number(line[..column].rsplit(' ').next().unwrap());
                }
            }
            "review" => sum += drops.captures(line).map_or(0, |found| number(&found[1])),
            "nothing" => {
                let words: Vec<&str> = line.split_whitespace().collect();
                if line.ends_with("last seen") {
                    columns = words.len() - 2;
                } else if line.contains(" rightly dropped: ") {
                    rows += number(words[0]);
                } else if let Some(found) = drops.captures(line) {
                    rows += number(&found[1]);
                } else if line.starts_with("    ") && columns > 0 {
                    let name = if words[1] == "more" { 2 } else { 1 };
                    let cells = words[name..].iter().take(columns);
                    rows += cells.map(|word| number(word)).sum::<u64>();
                } else {
                    columns = 0;
                }
            }
            _ => {}
        }
    }
    assert_eq!(rows, promised, "{text}");
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_drop_is_in_one_section(lines in prop::collection::vec(line(), 1..80)) {
        let report = report(lines.concat().as_bytes());
        let text = text(&report, Style::plain(140));
        prop_assert_eq!(accounted(&text), report.tally.drops, "{}", text);
    }

    #[test]
    fn no_row_is_wider_than_the_page(lines in prop::collection::vec(line(), 1..60), width in 40..141usize) {
        let text = text(&report(lines.concat().as_bytes()), Style::plain(width));
        for row in text.lines() {
            // One word, or one option of a command, may be wider.
            let is_whole = row.contains(" -A ") || row.trim_start().starts_with("--comment ");
            prop_assert!(is_whole || row.chars().count() <= width, "{} columns: {}", width, row);
        }
    }
}

#[test]
fn each_drop_of_the_fixtures_is_in_one_section() {
    for log in logs() {
        let report = report(&fs::read(&log).unwrap());
        let text = text(&report, Style::plain(140));
        assert_eq!(
            accounted(&text),
            report.tally.drops,
            "{}\n{text}",
            log.display()
        );
    }
}

#[test]
fn the_sum_is_of_what_filters_leave() {
    let output = dropsift(&["--year", "2026", "--port", "6443", "limited.log"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let left = Regex::new(r"The filters leave out (\d+) more drops\.").unwrap();
    let left = number(&left.captures(&text).unwrap()[1]);
    assert_eq!(accounted(&text) + left, 135, "{text}");
}

/// The limited log with the roles of its nodes.
const ROLES: [&str; 6] = [
    "--role",
    "control-plane",
    "--role",
    "harvester3=worker",
    "--year",
    "2026",
];

/// Runs it beside the limited log, on 140 columns.
fn dropsift(args: &[&str]) -> std::process::Output {
    command(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .output()
        .unwrap()
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/set-a"))
        .env("COLUMNS", "140")
        .stdin(Stdio::null());
    command
}

#[test]
fn addresses_ports_and_names_stay_whole_at_any_width() {
    let log = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/set-a/limited.log"));
    let report = report(&log.unwrap());
    for width in [40, 80, 100, 140] {
        let text = text(&report, Style::plain(width));
        for whole in [
            "tcp/9796",
            "udp/8472",
            "tcp/2112",
            "tcp/8181",
            "tcp/5900",
            "udp/161",
            "tcp 3260 or 45610",
            "192.168.122.62",
            "192.168.122.200",
            "harvester1",
            "--role harvester1=control-plane",
            "ss -ltnp 'sport = 8181'",
            "--dport 8472",
            "--comment \"VXLAN (Flannel/Canal)\"",
        ] {
            assert!(text.contains(whole), "{whole} at {width}:\n{text}");
        }
    }
}

#[test]
fn the_screen_says_what_is_missing_first_and_ends_in_commands_that_run() {
    let mut args = ROLES.to_vec();
    args.push("limited.log");
    for columns in ["80", "140"] {
        let run = command(env!("CARGO_BIN_EXE_dropsift"))
            .env("COLUMNS", columns)
            .args(&args)
            .output();
        let text = String::from_utf8(run.unwrap().stdout).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows.len() <= 135 / 2, "{} rows for 135 lines", rows.len());
        let first = rows[..24].join("\n");
        for missing in [
            ["tcp/2112", "control-plane", "harvester1"],
            ["udp/8472", "control-plane", "harvester1"],
            ["tcp/9796", "worker", "harvester3"],
        ] {
            let row = first
                .lines()
                .any(|row| missing.iter().all(|word| row.contains(word)));
            assert!(row, "{missing:?}\n{first}");
        }
        let last = &rows[rows.len() - 24..];
        let commands = commands(last);
        assert!(
            commands
                .iter()
                .filter(|one| one.starts_with("dropsift "))
                .count()
                >= 3
        );
        for command in commands {
            runs(&command);
        }
    }
}

/// Returns the commands in `rows`, each in one piece.
fn commands(rows: &[&str]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for row in rows {
        let begins = ["dropsift ", "iptables ", "n=$("];
        let text = row.trim_start();
        if goes_on {
            let command = commands.last_mut().unwrap();
            command.push('\n');
            command.push_str(row);
        } else if begins.iter().any(|begin| text.starts_with(begin)) {
            commands.push(text.to_owned());
        }
        goes_on = !commands.is_empty() && row.ends_with('\\');
    }
    commands
}

/// Stops where a command does not run as pasted; one that changes a chain is only read by the shell.
fn runs(text: &str) {
    let bin = Path::new(env!("CARGO_BIN_EXE_dropsift")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let is_ours = text.starts_with("dropsift ");
    let check = if is_ours { "-c" } else { "-nc" };
    let output = command("sh")
        .env("PATH", path)
        .args([check, text])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if is_ours {
        // Each of them finds that rules are missing, as the report did.
        assert_eq!(output.status.code(), Some(1), "{text}\n{said}");
        assert!(!output.stdout.is_empty(), "{text}");
    } else {
        assert!(output.status.success(), "{text}\n{said}");
    }
}

#[test]
fn what_makes_an_answer_unsure_is_in_the_first_sentence() {
    let first = |log: &str| {
        let text = text(&report(log.as_bytes()), Style::plain(140));
        text.lines().next().unwrap().to_owned()
    };
    let reply = "2026-04-22T10:00:00+00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 \
                 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=6443 DPT=41000 WINDOW=64240 RES=0x00 \
                 ACK URGP=0\n";
    assert_eq!(first(reply), "No rule is missing. The drop needs nothing.");
    // A line that cannot be read.
    let cut =
        "2026-04-22T10:00:01+00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=\n";
    let said = first(&format!("{reply}{cut}"));
    assert!(
        said.contains("1 drop line could not be read") && !said.contains("No rule is missing"),
        "{said}"
    );
    // Answers that never get in.
    let answers: String = (0..6)
        .map(|n| {
            let line = reply.replace("10:00:00", &format!("10:0{n}:00"));
            line.replace("DPT=41000", &format!("DPT=4100{n}"))
                .replace(" ACK URGP", " ACK SYN URGP")
        })
        .collect();
    let said = first(&answers);
    assert!(
        said.contains("ESTABLISHED") && !said.contains("No rule is missing"),
        "{said}"
    );
    // A report without drops states the number of lines, and their time span.
    let said = first(
        "2026-04-22T10:00:00+00:00 harvester1 kernel: link up\n2026-04-22T10:05:00+00:00 harvester1 kernel: link down\n",
    );
    assert!(said.starts_with("No drop lines in 2 lines"), "{said}");
    assert!(
        said.contains("2026-04-22 10:00:00 to 10:05:00 UTC"),
        "{said}"
    );
}

#[test]
fn a_report_longer_than_the_terminal_goes_through_the_pager() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    use std::io::Read;

    let shown = |rows: u16, more: &[&str]| {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: rows,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let mut child = command(env!("CARGO_BIN_EXE_dropsift"))
            .args(ROLES)
            .args(more)
            .arg("limited.log")
            .env("PAGER", "sed s/^/paged:/")
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .stdout(Stdio::from(slave))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The terminal's buffer is smaller than a report: it is read concurrently, until the other side is closed (EIO).
        let reader = std::thread::spawn(move || {
            let (mut text, mut master) = (Vec::new(), File::from(master));
            let mut block = [0; 4096];
            while let Ok(read @ 1..) = master.read(&mut block) {
                text.extend_from_slice(&block[..read]);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        child.wait().unwrap();
        drop(child);
        reader.join().unwrap()
    };
    let paged = shown(24, &[]);
    assert!(
        paged.lines().all(|line| line.starts_with("paged:")),
        "{paged}"
    );
    assert!(paged.contains("\x1b[1m"), "no colours: {paged}");
    for (rows, more) in [(24, &["--no-pager"][..]), (200, &[]), (24, &["-o", "json"])] {
        let plain = shown(rows, more);
        assert!(
            plain.contains("tcp/2112") && !plain.contains("paged:"),
            "{plain}"
        );
    }
}
