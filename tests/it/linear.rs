//! Time by doubling: twice the input takes at most two and a half times the instructions, counted by valgrind, so that neither
//! the machine nor its load matters. What a run takes without any input is left out of the account. An optimised program takes
//! half the time.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::journals::made::{Made, Packing};
use crate::support::{counted_program, drop_line, has};

/// A kind of input: its name, a size, the arguments (where a word in capitals stands for the input), and what makes it.
struct Row(&'static str, usize, &'static str, fn(usize) -> Vec<u8>);

fn lines(count: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    (0..count).map(line).collect::<String>().into_bytes()
}

fn syslog(n: usize) -> String {
    let message = drop_line(n).replace("DPT=2112", &format!("DPT={}", 1 + n * 7 % 60_000));
    format!(
        "Apr 22 10:{:02}:{:02} harvester1 kernel: {message}\n",
        n / 60 % 60,
        n % 60
    )
}

fn json(n: usize) -> String {
    format!(
        "{{\"__REALTIME_TIMESTAMP\":\"{}\",\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"h\",\"MESSAGE\":\"{}\"}}",
        1_776_852_001_123_456_u64 + n as u64 * 1000,
        drop_line(n)
    )
}

/// Peers inside that come back to a port each, so that each port is a finding with a rule.
fn ports(count: usize) -> Vec<u8> {
    let line = |n: usize| {
        let (round, n) = (n / count, n % count);
        let (minute, second) = (round * 45 / 60, round * 45 % 60);
        let source = format!("SRC=192.168.122.{}", 64 + n % 180);
        // Of each round another source port.
        let message = drop_line(n + 3 * 997 * round)
            .replace("DPT=2112", &format!("DPT={}", 20_000 + n))
            .replace(&format!("SRC=192.168.122.{}", 62 + n % 3), &source);
        format!("Apr 22 10:{minute:02}:{second:02} harvester1 kernel: {message}\n")
    };
    lines(4 * count, line)
}

fn chain(chains: &str, rules: &str) -> Vec<u8> {
    format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n{chains}-A INPUT -j HARVESTER_INPUT\n{rules}-A \
         HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\nCOMMIT\n"
    )
    .into_bytes()
}

/// Rules of as many senders.
fn flat(count: usize) -> Vec<u8> {
    let rule = |n| {
        let (a, b, dpt) = (n / 256 % 256, n % 256, 1 + n % 60_000);
        format!("-A HARVESTER_INPUT -p tcp -s 10.9.{a}.{b} --dport {dpt} -j ACCEPT\n")
    };
    chain("", &(0..count).map(rule).collect::<String>())
}

fn many_chains(count: usize) -> Vec<u8> {
    let (mut chains, mut rules) = (String::new(), String::new());
    for n in 0..count {
        let _ = writeln!(chains, ":C{n} - [0:0]");
        let _ = writeln!(
            rules,
            "-A HARVESTER_INPUT -j C{n}\n-A C{n} -p tcp --dport {n} -j RETURN"
        );
    }
    chain(&chains, &rules)
}

fn node(n: usize) -> String {
    format!(
        "- apiVersion: v1\n  kind: Node\n  metadata: {{name: n{n}}}\n  status:\n    addresses:\n    - {{type: InternalIP, \
         address: 10.9.{}.{}}}\n",
        n / 256 % 256,
        n % 256
    )
}

fn zip(files: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn bundle(nodes: usize) -> Vec<u8> {
    let list = b"apiVersion: v1\nkind: List\nitems: []\n".to_vec();
    let logs = (0..nodes).map(|n| {
        (
            format!("b/nodes/n{n}/logs/kernel.log"),
            syslog(n).into_bytes(),
        )
    });
    zip(logs.chain([("b/yamls/cluster/v1/nodes.yaml".to_owned(), list)]))
}

fn nested(nodes: usize) -> Vec<u8> {
    let list = b"apiVersion: v1\nkind: List\nitems: []\n".to_vec();
    let inner = |n| {
        zip(std::iter::once((
            format!("n{n}/logs/kernel.log"),
            syslog(n).into_bytes(),
        )))
    };
    let nodes = (0..nodes).map(|n| (format!("b/nodes/n{n}.zip"), inner(n)));
    zip(nodes.chain([("b/yamls/cluster/v1/nodes.yaml".to_owned(), list)]))
}

fn journal(entries: usize) -> Vec<u8> {
    let mut made = Made::new(Packing::Zstd);
    // Without an entry there is no journal.
    for n in 0..entries.max(1) {
        let message = format!("MESSAGE={}", drop_line(n));
        let fields: [&[u8]; 3] = [b"_TRANSPORT=kernel", b"_HOSTNAME=h", message.as_bytes()];
        made.entry(1_776_852_001_123_456 + n as u64 * 1000, &fields);
    }
    made.finish()
}

/// Forms of logs.
const FORMS: &[Row] = &[
    Row("syslog", 200, "IN", |n| lines(n, syslog)),
    Row("JSON", 200, "IN", |n| lines(n, |n| json(n) + "\n")),
    Row("a JSON array", 200, "IN", |n| {
        let records: Vec<String> = (0..n).map(json).collect();
        format!("[{}]", records.join(",")).into_bytes()
    }),
    Row("export", 200, "IN", |n| {
        lines(n, |n| {
            format!(
                "__CURSOR=s=1;i={n}\n__REALTIME_TIMESTAMP={}\n_TRANSPORT=kernel\nMESSAGE={}\n\n",
                1_776_852_001_123_456_u64 + n as u64,
                drop_line(n)
            )
        })
    }),
    Row("verbose", 200, "IN", |n| {
        lines(n, |n| {
            format!(
                "Wed 2026-04-22 10:{:02}:{:02}.123456 UTC [s=0;i={n};b=1;m=1;t=1;x=1]\n    _TRANSPORT=kernel\n    MESSAGE={}\n",
                n / 60 % 60,
                n % 60,
                drop_line(n)
            )
        })
    }),
    Row("a container's log", 200, "IN", |n| {
        lines(n, |n| {
            format!("2026-04-22T10:00:00.{n:09}Z stdout F {}", syslog(n))
        })
    }),
    Row("datagrams", 200, "IN", |n| {
        lines(n, |n| format!("<4>{}", syslog(n).trim_end()))
    }),
    Row("a table", 100, "IN", |n| {
        let rows = lines(n, |n| format!("{n},\"{}\"\n", syslog(n).trim_end()));
        [&b"Time,Line\n"[..], &rows].concat()
    }),
    Row("other lines", 60_000, "IN", |n| {
        lines(n, |n| format!("Apr 22 10:00:00 h sshd[1]: session {n}\n"))
    }),
    Row("nodes", 150, "IN", |n| {
        lines(n, |n| syslog(n).replace("harvester1", &format!("n{n}")))
    }),
    Row("a journal", 300, "IN", journal),
];

/// What is read beside a log: chains, scripts, objects; and other subcommands.
const BESIDE: &[Row] = &[
    Row("flat rules", 1_000, "--rules IN LOG", flat),
    Row("chains", 300, "--rules IN LOG", many_chains),
    Row("an audited chain", 800, "audit IN", flat),
    Row(
        "a chain to be compared",
        1_500,
        "chain --role worker IN",
        flat,
    ),
    Row("a script", 300, "audit IN", |n| {
        let rules = lines(n, |n| {
            format!("iptables -A INPUT -p tcp --dport {n} -j ACCEPT\n")
        });
        [&b"#!/bin/sh\n"[..], &rules].concat()
    }),
    Row("conditions", 150, "audit IN", |n| {
        let rules = lines(n, |n| {
            format!("if [ -e /x{n} ]; then iptables -A INPUT -p tcp --dport {n} -j ACCEPT; fi\n")
        });
        [&b"#!/bin/sh\n"[..], &rules].concat()
    }),
    Row("nodes as YAML", 150, "--cluster IN LOG", |n| {
        [
            &b"apiVersion: v1\nkind: List\nitems:\n"[..],
            &lines(n, node),
        ]
        .concat()
    }),
    Row("the log of each node in a bundle", 50, "IN", bundle),
    Row("archives in an archive", 50, "IN", nested),
    Row("lines to explain", 150, "explain - <IN", |n| {
        lines(n, syslog)
    }),
    Row("rules", 150, "rules IN", |n| {
        lines(n, |n| {
            format!("Apr 22 10:00:00 n{n} kernel: {}\n", drop_line(n))
        })
    }),
    Row("ports of a node with a rule each", 800, "IN", ports),
    Row("the same as JSON", 400, "-o json IN", ports),
    Row("a difference", 300, "diff LOG IN", |n| lines(n, syslog)),
];

/// Texts that somebody made to take long.
const HOSTILE: &[Row] = &[
    Row("substitutions", 20_000, "audit IN", |n| {
        format!("iptables -A INPUT {}", "$( ".repeat(n)).into_bytes()
    }),
    Row("brackets", 100_000, "IN", |n| {
        format!("{}\n{}", "[".repeat(n), syslog(1)).into_bytes()
    }),
    Row("objects", 8_000, "IN", |n| {
        format!("{}\n{}", "{\"a\":".repeat(n), syslog(1)).into_bytes()
    }),
    Row("maps of YAML", 20_000, "--cluster IN LOG", |n| {
        format!("a: {}", "{a: ".repeat(n)).into_bytes()
    }),
    Row("prefixes", 20_000, "IN", |n| {
        format!(
            "Apr 22 10:00:00 h kernel: {}\n{}",
            "HARVESTER_DROP_IN= ".repeat(n),
            syslog(1)
        )
        .into_bytes()
    }),
    Row("escapes", 100_000, "IN", |n| {
        format!("{}\n{}", "\u{1b}[1m".repeat(n), syslog(1)).into_bytes()
    }),
    Row("repeats", 1_500, "IN", |n| {
        let repeated = "Apr 22 10:00:02 harvester1 last message repeated 3 times\n";
        (syslog(1) + &repeated.repeat(n)).into_bytes()
    }),
    Row("starts", 300, "IN", |n| {
        (syslog(1) + "-- Boot 1f2e3d4c5b6a79880011223344556677 --\n")
            .repeat(n)
            .into_bytes()
    }),
    Row("cursors", 10_000, "IN", |n| {
        (" [s=\n".repeat(n) + &syslog(1)).into_bytes()
    }),
    Row("openings", 3_000, "IN", |n| {
        ("{\n".repeat(n) + &syslog(1)).into_bytes()
    }),
    Row(
        "parts of a container's line without an end",
        10_000,
        "IN",
        |n| {
            lines(n, |n| {
                format!("2026-04-22T10:00:00.{n:09}Z stdout P {}\n", "q".repeat(50))
            })
        },
    ),
    Row("such parts of two streams in turns", 10_000, "IN", |n| {
        lines(n, |n| {
            let stream = ["stdout", "stderr"][n % 2];
            format!(
                "2026-04-22T10:00:00.{n:09}Z {stream} P {}\n",
                "q".repeat(50)
            )
        })
    }),
    Row("such parts with the prefix", 3_000, "IN", |n| {
        lines(n, |n| {
            format!("2026-04-22T10:00:00.{n:09}Z stdout P {}", syslog(n))
        })
    }),
    Row("a whole line of 64 between parts", 3_000, "IN", |n| {
        lines(n, |n| {
            let tag = if n % 64 == 0 { "P" } else { "F" };
            let stream = if n % 64 < 2 { "stdout" } else { "stderr" };
            format!("2026-04-22T10:00:00.{n:09}Z {stream} {tag} {}", syslog(n))
        })
    }),
    Row("Docker's parts without an end", 300, "IN", |n| {
        let text = "q".repeat(16 << 10);
        lines(n, |n| {
            format!(
                "{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-04-22T10:00:00.{n:09}Z\"}}\n"
            )
        })
    }),
    Row("two framings in turns", 300, "IN", |n| {
        ("__CURSOR=s=1\nMESSAGE=x\n".to_owned() + &syslog(1))
            .repeat(n)
            .into_bytes()
    }),
];

/// Returns the number of instructions of a run.
fn instructions(args: &str, folder: &Path) -> u64 {
    let (args, stdin) = args.split_once(" <").unwrap_or((args, ""));
    let stdin = match stdin {
        "" => Stdio::null(),
        name => File::open(folder.join(name)).unwrap().into(),
    };
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(counted_program())
        .args(args.split(' '))
        .current_dir(folder)
        .env_remove("DROPSIFT_CONFIG")
        .stdin(stdin)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(code.is_some_and(|code| code < 4), "{args}: {said}");
    let counted = said.lines().find_map(|line| line.split_once("refs:"));
    let (_, counted) = counted.unwrap_or_else(|| panic!("{args}: {said}"));
    counted.trim().replace(',', "").parse().unwrap()
}

fn are_linear(rows: &[Row]) {
    if !has("valgrind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("LOG"), lines(20, syslog)).unwrap();
    let mut found = Vec::new();
    for Row(name, size, args, make) in rows {
        let mut taken = [0, 1, 2].map(|times| {
            fs::write(folder.path().join("IN"), make(size * times)).unwrap();
            instructions(args, folder.path())
        });
        let nothing = taken[0].min(taken[1]);
        taken
            .iter_mut()
            .for_each(|count| *count -= nothing.min(*count));
        // Where the input takes little beside all else, nothing could be seen.
        if taken[1] < nothing / 8 {
            found.push(format!(
                "{name}: {size} is too small: {taken:?} beside {nothing}"
            ));
        } else if taken[2] * 2 > taken[1] * 5 {
            found.push(format!("{name}: {taken:?} instructions"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A byte of a record that is longer than a block costs what one of a shorter record does, but for what is looked at once
/// for each record and each block.
#[test]
fn a_long_record_costs_no_more_a_byte() {
    const TOTAL: usize = 3 << 20;
    type Long = fn(usize, &str) -> String;
    const KINDS: &[(&str, Long)] = &[
        ("no header", |_, text| format!("{text}\n")),
        ("a header", |_, text| {
            format!("Apr 22 10:00:00 h kernel: {text}\n")
        }),
        ("an object", |_, text| format!("{{\"a\":\"{text}\"}}\n")),
        ("objects", |_, text| {
            format!("{}\n", "{\"a\":".repeat(text.len() / 5))
        }),
        ("brackets", |_, text| {
            format!("{}\n", "[".repeat(text.len()))
        }),
        ("JSON", |n, text| {
            json(n).replacen('{', &format!("{{\"X\":\"{text}\","), 1) + "\n"
        }),
        ("export", |n, text| {
            format!("__CURSOR=s=1;i={n}\n__REALTIME_TIMESTAMP=1776852001123456\nX={text}\n\n")
        }),
        ("many fields", |n, text| {
            let fields = "X=abcdefghijklmnopqrstuvwxyz0123456789\n".repeat(text.len() / 39);
            format!("__CURSOR=s=1;i={n}\n__REALTIME_TIMESTAMP=1776852001123456\n{fields}\n")
        }),
        ("verbose", |n, text| {
            let fields = "    X=abcdefghijklmnopqrstuvwxyz\n".repeat(text.len() / 33);
            format!("Wed 2026-04-22 10:00:00.123456 UTC [s=0;i={n};b=1;m=1;t=1;x=1]\n{fields}")
        }),
        ("a container's log", |_, text| {
            format!("2026-04-22T10:00:00.123456789Z stdout F {text}\n")
        }),
    ];
    if !has("valgrind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let count = |text: &str| {
        fs::write(folder.path().join("IN"), text).unwrap();
        instructions("IN", folder.path())
    };
    let nothing = count("");
    let mut found = Vec::new();
    for (name, record) in KINDS {
        let [short, long] = [60_000, 900_000].map(|length| {
            let text = "x".repeat(length);
            let all: String = (0..TOTAL / length).map(|n| record(n, &text)).collect();
            count(&all).saturating_sub(nothing) as f64 / all.len() as f64
        });
        // A block ends within each long record, which is copied, and some are looked at again at the block's ends.
        if long > short * 2.0 + 10.0 {
            found.push(format!(
                "{name}: {short:.1} instructions a byte, and {long:.1}"
            ));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn logs_of_each_form() {
    are_linear(FORMS);
}

#[test]
fn what_is_read_beside_a_log() {
    are_linear(BESIDE);
}

#[test]
fn texts_that_are_made_to_take_long() {
    are_linear(HOSTILE);
}
