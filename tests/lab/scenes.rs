//! The scripts of `dropsift rules` on chains of every kind: rows of `fixtures/lab/rules.toml`, with the kernel as judge.
//!
//! Each scene is played with `iptables-nft` and `iptables-legacy`, by dash and by bash: the chain is made, the script of a log
//! is run, and then packets are sent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::machine::{Machine, make, names, output, random, run};
use crate::traffic::Traffic;

/// The documented chain of a small node, which scenes may use for theirs.
const PAGE: &str = r#"
iptables -N HARVESTER_INPUT
iptables -A INPUT -i mgmt-br -j HARVESTER_INPUT
iptables -A HARVESTER_INPUT -m conntrack --ctstate ESTABLISHED,RELATED -m comment --comment "Accept return traffic from established connections" -j ACCEPT
iptables -A HARVESTER_INPUT -s 10.52.0.0/16 -m comment --comment "Allow pod network return traffic" -j ACCEPT
iptables -A HARVESTER_INPUT -p tcp --dport 22 -m comment --comment "SSH" -j ACCEPT
iptables -A HARVESTER_INPUT -m limit --limit 10/min -m comment --comment "Rate-limit logging of dropped packets" -j LOG --log-prefix HARVESTER_DROP_ --log-level 4
iptables -A HARVESTER_INPUT -m comment --comment "Drop all other traffic" -j DROP
"#;
/// Senders, by their names in the scenes.
const SENDERS: [(&str, &str); 4] = [
    ("peer", "192.168.122.62"),
    ("friend", "192.168.122.63"),
    ("stranger", "203.0.113.9"),
    ("pod", "10.52.1.7"),
];

#[derive(Deserialize)]
struct Scenes {
    scene: Vec<Scene>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scene {
    name: String,
    /// Commands that make the chain; `page` stands for the documented one.
    chain: String,
    /// Commands that change it after the dump that `--rules` reads was taken.
    #[serde(default)]
    since: Option<String>,
    /// Drops of the log, as `tcp/2112` from the peer, `pod tcp/2112`, or `ipv6 tcp/2112`.
    #[serde(default)]
    drops: Vec<String>,
    /// Further arguments of `dropsift rules`.
    #[serde(default)]
    args: Vec<String>,
    /// Arguments of the script.
    #[serde(default)]
    run: Vec<String>,
    /// Variables of the script's environment.
    #[serde(default)]
    env: Vec<String>,
    /// Whether the rules for review were decided on: their prefix is removed.
    #[serde(default)]
    decided: bool,
    /// Number of seconds for which another program holds the xtables lock, which only legacy tables use.
    #[serde(default)]
    locked: u64,
    /// Rules that are present at every moment of the run.
    #[serde(default)]
    always: Vec<String>,
    /// The name of this host, and of the hosts in the log.
    #[serde(default = "host")]
    host: String,
    #[serde(default)]
    nodes: Vec<String>,
    /// Texts that its output must contain, or must not.
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    silent: Vec<String>,
    #[serde(default)]
    exit: i32,
    /// Packets that are accepted afterwards, or not: `stranger tcp/2112`.
    #[serde(default)]
    opens: Vec<String>,
    #[serde(default)]
    falls: Vec<String>,
    /// The rules of a chain afterwards, as parts of their text in order.
    #[serde(default)]
    order: Vec<String>,
    /// Whether the rules are as they were.
    #[serde(default)]
    unchanged: bool,
    /// Whether `--undo`, and the commands that the run printed, give the chain back as it was.
    #[serde(default = "yes")]
    undone: bool,
}

fn host() -> String {
    "harvester1".to_owned()
}

const fn yes() -> bool {
    true
}

/// A node with a network around it: `peer` on mgmt-br, `behind` to be forwarded to.
struct Stage {
    name: String,
    folder: std::path::PathBuf,
}

impl Stage {
    fn new() -> Self {
        let name = format!("{}{:08x}", names(), random());
        let folder = std::env::temp_dir().join(&name);
        make(|| fs::create_dir(&folder)).unwrap();
        let stage = Self { name, folder };
        for own in ["n", "p", "b"] {
            make(|| run("ip", &["netns", "add", &stage.space(own)]));
        }
        let [node, peer, behind] = ["n", "p", "b"].map(|own| stage.space(own));
        let script = format!(
            "ip link add mgmt-br netns {node} type veth peer name eth0 netns {peer}
            ip link add vm-br netns {node} type veth peer name eth0 netns {behind}
            ip -n {node} address add 192.168.122.61/24 dev mgmt-br
            ip -n {node} address add fd00::61/64 dev mgmt-br nodad
            ip -n {node} address add 10.99.0.1/24 dev vm-br
            ip -n {behind} address add 10.99.0.2/24 dev eth0
            ip -n {peer} address add 192.168.122.62/24 dev eth0
            ip -n {peer} address add fd00::62/64 dev eth0 nodad
            for a in 192.168.122.63 203.0.113.9 10.52.1.7; do ip -n {peer} address add $a/32 dev eth0; done
            for s in {node} {peer} {behind}; do for l in lo eth0 mgmt-br vm-br; do ip -n $s link set $l up 2>/dev/null || :; done; done
            ip -n {node} route add 203.0.113.0/24 dev mgmt-br
            ip -n {node} route add 10.52.0.0/16 dev mgmt-br
            ip -n {peer} route add 10.99.0.0/24 via 192.168.122.61
            ip -n {behind} route add default via 10.99.0.1
            ip netns exec {node} sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/mgmt-br/rp_filter; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
            ip netns exec {behind} sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'"
        );
        run("sh", &["-euc", &script]);
        for (tool, kind) in [
            ("nft", "v4"),
            ("legacy", "v4"),
            ("nft", "v6"),
            ("legacy", "v6"),
        ] {
            let (name, program) = match kind {
                "v4" => ("iptables", format!("iptables-{tool}")),
                _ => ("ip6tables", format!("ip6tables-{tool}")),
            };
            let bin = stage.folder.join(tool);
            fs::create_dir_all(&bin).unwrap();
            let path = run("sh", &["-c", &format!("command -v {program}")]);
            // The wrapper records the rules after each command.
            let (path, seen) = (path.trim(), stage.folder.join("seen"));
            let watched = format!(
                "#!/bin/sh\n{path} \"$@\"\nended=$?\n{{ {path} -S; echo; }} >>{}\nexit $ended\n",
                seen.display()
            );
            let file = bin.join(name);
            fs::write(&file, watched).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            for end in ["-save", "-restore"] {
                let link = bin.join(format!("{name}{end}"));
                std::os::unix::fs::symlink(format!("{path}{end}"), link).unwrap();
            }
        }
        stage
    }

    fn space(&self, own: &str) -> String {
        format!("{}-{own}", self.name)
    }

    /// Runs a command in the node, with the tools of a backend and a given host name.
    fn node(&self, tool: &str, host: &str, words: &[&str]) -> Output {
        let path = format!(
            "{}:{}",
            self.folder.join(tool).display(),
            std::env::var("PATH").unwrap()
        );
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space("n")]);
        command.args([
            "unshare",
            "-u",
            "sh",
            "-c",
            "hostname \"$0\"; exec \"$@\"",
            host,
        ]);
        command.args(words).env("PATH", path);
        command.output().unwrap()
    }

    fn sh(&self, tool: &str, script: &str) -> String {
        let ran = self.node(tool, "lab", &["sh", "-euc", script]);
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{script}: {ran:?}");
        told
    }

    fn clear(&self, tool: &str) {
        self.sh(
            tool,
            "for t in iptables ip6tables; do $t -P INPUT ACCEPT; $t -P FORWARD ACCEPT; $t -F; $t -X; done",
        );
    }

    fn saved(&self, tool: &str) -> String {
        let text = self.sh(tool, "iptables-save -t filter; ip6tables-save -t filter");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let lines = lines.map(|line| match line.split_once(" [") {
            Some((chain, _)) if line.starts_with(':') => chain,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Whether a packet is answered: `stranger tcp/2112`, `peer forwarded tcp/2112`, `peer icmp`.
    fn answers(&self, probe: &str) -> bool {
        let words: Vec<&str> = probe.split(' ').collect();
        let from = SENDERS.iter().find(|(name, _)| *name == words[0]);
        let from = from.unwrap_or_else(|| panic!("`{probe}`")).1;
        let (to, what) = match words[1..] {
            ["forwarded", what] => ("10.99.0.2", what),
            ["ipv6", what] => {
                let (_, port) = what.split_once('/').unwrap();
                return Traffic::start(
                    &self.space("p"),
                    &["asks", "fd00::62", "tcp", "fd00::61", port],
                )
                .succeeds();
            }
            [what] => ("192.168.122.61", what),
            _ => panic!("`{probe}`"),
        };
        let words: Vec<&str> = match what.split_once('/') {
            Some((proto, port)) => vec!["asks", from, proto, to, port],
            None => vec!["ping", from, to],
        };
        Traffic::start(&self.space("p"), &words).succeeds()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for own in ["n", "p", "b"] {
            let _ = output("ip", &["netns", "del", &self.space(own)]);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Plays all scenes; each pair of backend and shell on a stage of its own.
pub(crate) fn of_rules(_: &Machine) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lab/rules.toml");
    let scenes: Scenes = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let only = std::env::var("SCENE").unwrap_or_default();
    let wrong: Vec<String> = thread::scope(|scope| {
        let runs = [
            ("nft", "dash"),
            ("nft", "bash"),
            ("legacy", "dash"),
            ("legacy", "bash"),
        ];
        let runs = runs.map(|(tool, shell)| {
            let (scenes, only) = (&scenes, &only);
            scope.spawn(move || {
                let stage = Stage::new();
                recommended(&stage, tool, shell);
                let wanted = scenes
                    .scene
                    .iter()
                    .filter(|s| s.name.contains(only.as_str()));
                let played = wanted.flat_map(|scene| {
                    let wrong = play(&stage, scene, tool, shell);
                    wrong
                        .into_iter()
                        .map(|what| format!("{} ({tool}, {shell}): {what}", scene.name))
                });
                played.collect::<Vec<_>>()
            })
        });
        runs.into_iter()
            .flat_map(|run| run.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The recommended chain of each role, loaded by its script, must show no difference in the comparison.
fn recommended(stage: &Stage, tool: &str, shell: &str) {
    let program = env!("CARGO_BIN_EXE_dropsift");
    for role in ["control-plane", "worker", "witness"] {
        stage.clear(tool);
        let path = stage.folder.join("chain");
        let path = path.to_str().unwrap();
        for (form, command) in [
            ("script", format!("{shell} {path}; {shell} {path}")),
            ("iptables-save", format!("iptables-restore --test {path}")),
        ] {
            fs::write(
                path,
                run(program, &["chain", "--role", role, "--format", form]),
            )
            .unwrap();
            stage.sh(tool, &command);
        }
        fs::write(path, stage.sh(tool, "iptables-save")).unwrap();
        run(program, &["chain", "--role", role, path]);
    }
}

/// Returns the failures of a scene.
fn play(stage: &Stage, scene: &Scene, tool: &str, shell: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    stage.clear(tool);
    stage.sh(tool, &scene.chain.replace("page\n", PAGE));
    let file = |name: &str| stage.folder.join(name).to_str().unwrap().to_owned();
    let mut words: Vec<String> = ["rules", "--role", "control-plane", "--year", "2026"]
        .map(str::to_owned)
        .to_vec();
    words.extend(scene.args.iter().cloned());
    if let Some(since) = &scene.since {
        let dump = file("dump");
        fs::write(&dump, stage.sh(tool, "iptables-save")).unwrap();
        words.extend(["--rules".to_owned(), dump]);
        stage.sh(tool, since);
    }
    // The commands of the report go to the same place, of a dump that was taken just now.
    if !scene.decided
        && scene.args.is_empty()
        && scene.exit == 0
        && scene.nodes.is_empty()
        && !scene.unchanged
    {
        wrong.extend(commands(stage, scene, tool));
    }
    let (log, path) = (file("log"), file("script"));
    fs::write(&log, drop_lines(scene)).unwrap();
    words.push(log);
    let made = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(&words)
        .output()
        .unwrap();
    let mut text = String::from_utf8(made.stdout.clone()).unwrap();
    if scene.decided {
        text = text.replace("# decide first: ", "");
    }
    fs::write(&path, text).unwrap();
    if !output(shell, &["-n", &path]).status.success() {
        return vec![format!("no script: {made:?}")];
    }
    let lock = file("lock");
    let lock_variable = format!("XTABLES_LOCKFILE={lock}");
    let script = |args: &[&str]| -> (String, Option<i32>) {
        let mut words = vec!["env"];
        words.extend(scene.env.iter().map(String::as_str));
        words.push(&lock_variable);
        words.extend([shell, &path]);
        words.extend(args);
        let ran = stage.node(tool, &scene.host, &words);
        let told = [ran.stdout, ran.stderr].concat();
        (
            String::from_utf8_lossy(&told).into_owned(),
            ran.status.code(),
        )
    };
    let before = stage.saved(tool);
    let (dry, _) = script(&["-n"]);
    if stage.saved(tool) != before {
        wrong.push(format!("-n changed something: {dry}"));
    }
    let run: Vec<&str> = scene.run.iter().map(String::as_str).collect();
    fs::write(file("seen"), "").unwrap();
    let holder = (scene.locked > 0).then(|| hold(&lock, scene.locked));
    let began = Instant::now();
    let (told, code) = script(&run);
    if let Some(mut holder) = holder {
        let waited =
            tool != "legacy" || began.elapsed() > Duration::from_millis(900 * scene.locked);
        if !waited {
            wrong.push(format!("it did not wait for the lock: {told}"));
        }
        holder.wait().unwrap();
    }
    let seen = fs::read_to_string(file("seen")).unwrap();
    for moment in seen.split("\n\n").filter(|rules| !rules.trim().is_empty()) {
        for part in scene
            .always
            .iter()
            .filter(|part| !moment.contains(part.as_str()))
        {
            wrong.push(format!("for a moment without `{part}`:\n{moment}"));
        }
    }
    let after = stage.saved(tool);
    let state = format!("\n--- it said\n{told}\n--- and the rules are\n{after}");
    if code != Some(scene.exit) {
        wrong.push(format!("exit {code:?}{state}"));
    }
    for part in scene
        .says
        .iter()
        .filter(|part| !told.contains(part.as_str()))
    {
        wrong.push(format!("it does not say `{part}`{state}"));
    }
    for part in scene
        .silent
        .iter()
        .filter(|part| told.contains(part.as_str()))
    {
        wrong.push(format!("it says `{part}`{state}"));
    }
    if scene.unchanged && after != before {
        wrong.push(format!("the rules changed{state}"));
    }
    let mut lines = after.lines();
    for part in &scene.order {
        if !lines.any(|line| line.contains(part.as_str())) {
            wrong.push(format!(
                "`{part}` is not there, or not behind the one before{state}"
            ));
            break;
        }
    }
    for probe in scene.opens.iter().filter(|probe| !stage.answers(probe)) {
        wrong.push(format!("falls: {probe}{state}"));
    }
    for probe in scene.falls.iter().filter(|probe| stage.answers(probe)) {
        wrong.push(format!("gets in: {probe}{state}"));
    }
    if !scene.unchanged && code == Some(0) {
        let (twice, _) = script(&run);
        if stage.saved(tool) != after {
            wrong.push(format!("a second run changed something: {twice}"));
        }
        // The printed commands, and the option, undo the run.
        let printed: String = told
            .lines()
            .skip_while(|line| *line != "To undo what this run did:")
            .skip(1)
            .map(|line| format!("{line}\n"))
            .collect();
        stage.sh(tool, &printed);
        if stage.saved(tool) != before {
            wrong.push(format!(
                "its undo left something:\n{printed}{}",
                stage.saved(tool)
            ));
        }
        if scene.undone {
            script(&run);
            let (undone, code) = script(&[&run[..], &["--undo"]].concat());
            if stage.saved(tool) != before || code != Some(0) {
                wrong.push(format!(
                    "--undo left something: {undone}{}",
                    stage.saved(tool)
                ));
            }
        }
    }
    wrong
}

/// Returns the failures of the commands in the JSON report, run as they are, and reverted by its undo.
fn commands(stage: &Stage, scene: &Scene, tool: &str) -> Vec<String> {
    let file = |name: &str| stage.folder.join(name).to_str().unwrap().to_owned();
    let (dump, log) = (file("now"), file("log"));
    fs::write(&dump, stage.sh(tool, "iptables-save")).unwrap();
    fs::write(&log, drop_lines(scene)).unwrap();
    let words = [
        "--role",
        "control-plane",
        "--year",
        "2026",
        "-o",
        "json",
        "--rules",
        &dump,
        &log,
    ];
    let ran = output(env!("CARGO_BIN_EXE_dropsift"), &words);
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let rules = report["rules"].as_array().unwrap();
    let before = stage.saved(tool);
    let all = |keys: &[&str]| -> String {
        let own = rules
            .iter()
            .flat_map(|rule| keys.iter().map(|key| rule[*key].as_str().unwrap()));
        own.map(|command| format!("{command}\n")).collect()
    };
    let mut wrong = Vec::new();
    let put = all(&["place", "insert"]);
    stage.sh(tool, &put);
    let state = format!("\n--- by\n{put}\n--- the rules are\n{}", stage.saved(tool));
    for probe in scene.opens.iter().filter(|probe| !stage.answers(probe)) {
        wrong.push(format!(
            "by the commands of the report falls: {probe}{state}"
        ));
    }
    for probe in scene.falls.iter().filter(|probe| stage.answers(probe)) {
        wrong.push(format!(
            "by the commands of the report gets in: {probe}{state}"
        ));
    }
    stage.sh(tool, &all(&["undo"]));
    if stage.saved(tool) != before {
        wrong.push(format!(
            "the undo of the report left something: {}",
            stage.saved(tool)
        ));
    }
    // The answer of `rules --check` with a dump taken afterwards.
    stage.sh(tool, &put);
    fs::write(&dump, stage.sh(tool, "iptables-save")).unwrap();
    let words = [
        "rules",
        "--role",
        "control-plane",
        "--year",
        "2026",
        "--check",
        "--rules",
        &dump,
        &log,
    ];
    let ran = output(env!("CARGO_BIN_EXE_dropsift"), &words);
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.status.code() != Some(0) || told.lines().any(|line| !line.starts_with("live ")) {
        wrong.push(format!("--check says: {told}{state}"));
    }
    stage.sh(tool, &all(&["undo"]));
    wrong
}

/// Returns the log of a scene. Holds the lock of xtables for so many seconds.
fn hold(lock: &str, seconds: u64) -> Child {
    let taken = format!("{lock}.taken");
    let script = format!("touch {taken}; sleep {seconds}; rm {taken}");
    let holder = Command::new("flock")
        .args([lock, "sh", "-c", &script])
        .spawn()
        .unwrap();
    while !Path::new(&taken).exists() {
        thread::sleep(Duration::from_millis(5));
    }
    holder
}

fn drop_lines(scene: &Scene) -> String {
    let nodes: &[String] = if scene.nodes.is_empty() {
        &[host()]
    } else {
        &scene.nodes
    };
    let mut text = String::new();
    for node in nodes {
        for (at, drop) in scene.drops.iter().enumerate() {
            if let Some(port) = drop.strip_prefix("ipv6 tcp/") {
                text += &format!(
                    "Apr 22 10:00:0{at} {node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:86:dd \
                     SRC=fd00::62 DST=fd00::61 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=TCP SPT=4000{at} DPT={port} WINDOW=64240 \
                     RES=0x00 SYN URGP=0\n"
                );
                continue;
            }
            let (from, what) = drop.split_once(' ').unwrap_or(("peer", drop));
            let from = SENDERS.iter().find(|(name, _)| *name == from).unwrap().1;
            let (proto, port) = what.split_once('/').unwrap_or((what, ""));
            let rest = match proto {
                "udp" => format!("PROTO=UDP SPT=40000 DPT={port} LEN=40"),
                "icmp" => "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1".to_owned(),
                _ => format!("PROTO=TCP SPT=4000{at} DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0"),
            };
            text += &format!(
                "Apr 22 10:00:0{at} {node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 \
                 SRC={from} DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF {rest}\n"
            );
        }
    }
    text
}
