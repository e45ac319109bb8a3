//! The lasting form of a rule: the suggested CloudInit line, run as at boot, against the live insert.

use crate::chain::{Commands, around_log};
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, tells};

const ROLE: [&str; 2] = ["--role", "control-plane"];

pub(crate) fn gives_the_live_chain(machine: &Machine) {
    let mut network = Network::new();
    let (live, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    let (booted, whole) = (network.node(Place::Inside), network.node(Place::Inside));
    let documented = Commands::documented("control-plane");
    let lacking = documented.clone().without("--dport 2379:2380");
    lacking.apply(&live);
    let mut watch = Watch::start(machine, &network, &ROLE);
    peer.knock(&live.address, 2379);
    watch.event("the missing port", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(2379),
        )
    });
    let (_, script) = watch.batch(&["rules", "--role", "control-plane"]);
    live.sh(&script);

    let (code, text) = watch.batch(&["rules", "--role", "control-plane", "--format", "cloudinit"]);
    assert_eq!(code, Some(1), "{text}");
    let lines: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- "))
        .collect();
    let [line] = lines[..] else { panic!("{text}") };
    let patched = lacking.before_log(line);
    patched.apply(&booted);
    assert_eq!(around_log(&booted), around_log(&live));
    // A second boot cleans up first.
    patched.apply(&booted);
    assert_eq!(around_log(&booted), around_log(&live));
    // With the comment and the whole range of the documentation.
    documented.apply(&whole);
    assert_eq!(around_log(&booted), around_log(&whole));

    // The same from the user's own resource, patched: as its commands run at boot.
    let resource = Commands::resource("control-plane").replace(&line_of("--dport 2379:2380"), "");
    let file = network.folder.join("91-iptables-control-plane.yaml");
    std::fs::write(&file, &resource).unwrap();
    let patch = [
        "rules",
        "--role",
        "control-plane",
        "--format",
        "cloudinit-patch",
        file.to_str().unwrap(),
    ];
    let (code, text) = watch.batch(&patch);
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(text.lines().count(), resource.lines().count() + 1, "{text}");
    Commands::of_resource(&text).apply(&booted);
    assert_eq!(around_log(&booted), around_log(&whole));
}

/// Returns the line of the documented resource that has `words`, with its end.
fn line_of(words: &str) -> String {
    let resource = Commands::resource("control-plane");
    let line = resource.lines().find(|line| line.contains(words)).unwrap();
    format!("{line}\n")
}
