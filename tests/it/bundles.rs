//! Support bundles as rancher/support-bundle-kit lays them out: as a zip of zips, unpacked, one node of it, broken.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::{Path, PathBuf};

use crate::support::{Dice, Seen, drop_line, options, read, run};
use dropsift::input::source::read_stream;

const NAME: &str = "supportbundle_c19e635c_2026-05-06T10-00-00Z";

fn put(path: PathBuf, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Lines of `journalctl -o short-precise -k`, which has no year.
fn log(node: &str, day: &str, numbers: std::ops::Range<usize>) -> String {
    numbers
        .map(|n| {
            format!(
                "{day} 04:40:{:02}.{:06} {node} kernel: {}\n",
                n % 60,
                n,
                drop_line(n)
            )
        })
        .collect()
}

/// The files of a node, below `root`.
fn node(root: &Path, node: &str, role: &str, pods: &str) {
    let at = |file: &str| root.join(node).join(file);
    put(at("logs/kernel.log.2"), &log(node, "Dec 30", 0..3));
    // Cut off in its last line, as by a crash.
    let text = log(node, "Jan 02", 3..6);
    put(at("logs/kernel.log.1"), text.trim_end_matches('\n'));
    put(
        at("logs/kernel.log"),
        &format!("-- Boot 1f2e --\n{}", log(node, "May 05", 6..10)),
    );
    put(
        at("logs/rke2-server.log"),
        "May 05 04:40:00 x rke2[1]: HARVESTER_DROP_IN=forged\n",
    );
    put(at("configs/etc/hostname"), node);
    put(
        at("configs/etc/rancher/rke2/config.yaml.d/90-harvester-server.yaml"),
        &format!("cni: multus,canal\ncluster-cidr: {pods}\nservice-cidr: 10.53.0.0/16\n"),
    );
    put(
        at(&format!("configs/oem/91-iptables-{role}.yaml")),
        "stages:\n  boot:\n  - commands:\n    - iptables -N HARVESTER_INPUT\n",
    );
    put(
        at("configs/oem/90_custom.yaml"),
        "stages: {initramfs: [{users: {rancher: {passwd: secret}}}]}\n",
    );
}

const NODES: &str = "apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    labels:
      node-role.kubernetes.io/control-plane: \"true\"
      node-role.kubernetes.io/etcd: \"true\"
    name: harvester1
  status:
    addresses:
    - {address: 192.168.122.61, type: InternalIP}
    - {address: harvester1, type: Hostname}
- metadata:
    labels:
      node-role.harvesterhci.io/worker: \"true\"
    name: harvester2
  status:
    addresses:
    - {address: 192.168.122.62, type: InternalIP}
- metadata: {name: harvester9, labels: {node-role.harvesterhci.io/witness: \"true\"}}
  status: {addresses: [{address: 192.168.122.69, type: InternalIP}]}
kind: List
metadata: {resourceVersion: \"\"}
";

const UPGRADES: &str = "items:
- metadata: {name: hvst-upgrade-x, creationTimestamp: \"2026-05-05T04:00:00Z\"}
  status:
    conditions:
    - {type: ImageReady, status: \"True\"}
    - {type: Completed, status: \"True\", lastUpdateTime: \"2026-05-05T05:30:00Z\"}
kind: List
";

const CLOUD_INITS: &str = "items:
- apiVersion: node.harvesterhci.io/v1beta1
  kind: CloudInit
  metadata: {name: iptables-witness}
  spec:
    matchSelector: {node-role.harvesterhci.io/witness: \"true\"}
    filename: 91-iptables-witness
    contents: |
      stages: {boot: [{commands: [iptables -N HARVESTER_INPUT]}]}
kind: CloudInitList
";

/// Makes the bundle in `folder`; the nodes as folders, or zipped.
pub(crate) fn bundle(folder: &Path, is_zipped: bool) -> Option<PathBuf> {
    let root = folder.join(NAME);
    put(
        root.join("metadata.yaml"),
        "projectName: Harvester\nbundleCreatedAt: \"2026-05-06T10:00:00Z\"\nissueURL: \"\"\n",
    );
    put(root.join("yamls/cluster/v1/nodes.yaml"), NODES);
    put(
        root.join("yamls/namespaced/harvester-system/harvesterhci.io/v1beta1/upgrades.yaml"),
        UPGRADES,
    );
    for (namespace, addon, enabled) in [
        ("cattle-monitoring-system", "rancher-monitoring", true),
        ("kube-system", "kubeovn-operator", false),
    ] {
        put(
            root.join(format!(
                "yamls/namespaced/{namespace}/harvesterhci.io/v1beta1/addons.yaml"
            )),
            &format!(
                "items:\n- metadata: {{name: {addon}}}\n  spec: {{enabled: {enabled}}}\nkind: AddonList\n"
            ),
        );
    }
    put(
        root.join("yamls/cluster/node.harvesterhci.io/v1beta1/cloudinits.yaml"),
        CLOUD_INITS,
    );
    put(
        root.join("logs/kube-system/etcd-harvester1/etcd.log"),
        "{\"level\":\"info\"}\n",
    );
    node(
        &root.join("nodes"),
        "harvester1",
        "control-plane",
        "10.52.0.0/16",
    );
    node(&root.join("nodes"), "harvester2", "worker", "10.52.0.0/16");
    if is_zipped {
        for node in ["harvester1", "harvester2"] {
            let nodes = root.join("nodes");
            run(&nodes, &format!("zip -qr {node}.zip {node}"))?;
            std::fs::remove_dir_all(nodes.join(node)).unwrap();
        }
    }
    Some(root)
}

fn zipped(folder: &Path) -> Option<PathBuf> {
    bundle(folder, true)?;
    run(folder, &format!("zip -qr bundle.zip {NAME}"))?;
    Some(folder.join("bundle.zip"))
}

const FACTS: &[&str] = &[
    "collected 2026-05-06T10:00:00Z",
    "@ has no logs of node `harvester9`",
    "node harvester1: control-plane (label node-role.kubernetes.io/control-plane)",
    "node harvester1: 192.168.122.61",
    "node harvester2: worker (label node-role.harvesterhci.io/worker)",
    "node harvester2: 192.168.122.62",
    "node harvester9: witness (label node-role.harvesterhci.io/witness)",
    "node harvester9: 192.168.122.69",
    "addon rancher-monitoring: enabled",
    "addon kubeovn-operator: not enabled",
    "upgrade from 2026-05-05T04:00:00Z to 2026-05-05T05:30:00Z",
    "node harvester9: firewall rules in 91-iptables-witness.yaml (1 lines)",
    "no CloudInit with firewall rules picks harvester1, harvester2: none makes a chain there",
    "node harvester1: firewall rules in 91-iptables-control-plane.yaml (4 lines)",
    "node harvester2: firewall rules in 91-iptables-worker.yaml (4 lines)",
    "pod network: 10.52.0.0/16",
];

fn check(path: &Path, seen: &Seen) {
    let name = path.display().to_string();
    let facts: Vec<String> = seen
        .facts
        .iter()
        .map(|fact| fact.replace(&name, "@"))
        .collect();
    assert_eq!(seen.errors, [""; 0]);
    assert_eq!(facts, FACTS);
    assert!(!seen.late_fact);
    let told: Vec<String> = seen
        .drops
        .iter()
        .map(|(time, host, _)| format!("{host} {}", &time.to_string()[..10]))
        .collect();
    let of = |node: &str| {
        let days = [("2025-12-30", 3), ("2026-01-02", 3), ("2026-05-05", 4)];
        days.map(|(day, n)| vec![format!("{node} {day}"); n])
            .concat()
    };
    assert_eq!(told, [of("harvester1"), of("harvester2")].concat());
    assert_eq!(
        (seen.ends, seen.summary.lines, seen.untrusted.len()),
        (2, 22, 0)
    );
}

#[test]
fn a_bundle_zipped_and_unpacked_and_piped() {
    let folder = tempfile::tempdir().unwrap();
    let open = bundle(folder.path(), false).unwrap();
    check(&open, &read(&open));
    // One folder above it, as `unzip` leaves it.
    check(folder.path(), &read(folder.path()));
    let folder = tempfile::tempdir().unwrap();
    let Some(zip) = zipped(folder.path()) else {
        return;
    };
    check(&zip, &read(&zip));
    check(&folder.path().join(NAME), &read(&folder.path().join(NAME)));
    let bytes = std::fs::read(&zip).unwrap();
    let piped = Seen::of(|sink| read_stream("pipe", std::io::Cursor::new(bytes), &options(), sink));
    check(Path::new("pipe"), &piped);
}

#[test]
fn the_archive_of_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let Some(root) = bundle(folder.path(), true) else {
        return;
    };
    std::fs::rename(root.join("nodes/harvester2.zip"), root.join("node.bin")).unwrap();
    let seen = read(&root.join("node.bin"));
    assert_eq!(seen.errors, [""; 0]);
    assert_eq!((seen.drops.len(), seen.ends), (10, 1));
    assert_eq!(
        seen.facts,
        [
            "node harvester2: firewall rules in 91-iptables-worker.yaml (4 lines)",
            "pod network: 10.52.0.0/16"
        ]
    );
}

#[test]
fn what_is_missing_or_in_conflict_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = bundle(folder.path(), false).unwrap();
    std::fs::remove_file(root.join("metadata.yaml")).unwrap();
    std::fs::write(root.join("yamls/cluster/v1/nodes.yaml"), "items: [").unwrap();
    node(&root.join("nodes"), "harvester3", "worker", "10.54.0.0/16");
    std::fs::remove_dir_all(root.join("nodes/harvester1/configs/oem")).unwrap();
    let seen = read(&root);
    assert_eq!(seen.drops.len(), 30);
    let all = seen.facts.join("\n");
    for part in [
        "does not tell when it was collected",
        "nodes.yaml cannot be read",
        "do not agree on the pod network: 10.52.0.0/16, 10.54.0.0/16",
        "node `harvester1` has no firewall rules in configs/oem",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[test]
fn a_broken_part_does_not_hide_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let Some(root) = bundle(folder.path(), true) else {
        return;
    };
    let broken = root.join("nodes/harvester1.zip");
    let bytes = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() - 100]).unwrap();
    let seen = read(&root);
    assert_eq!(seen.drops.len(), 20, "{:?}", seen.errors);
    assert_eq!(seen.errors.len(), 1);
    std::fs::write(&broken, "nothing").unwrap();
    let seen = read(&root);
    assert_eq!(
        (seen.drops.len(), seen.errors.len()),
        (10, 1),
        "{:?}",
        seen.errors
    );
    run(folder.path(), &format!("zip -qr bundle.zip {NAME}")).unwrap();
    let bytes = std::fs::read(folder.path().join("bundle.zip")).unwrap();
    for share in 1..20 {
        std::fs::write(
            folder.path().join("cut"),
            &bytes[..bytes.len() * share / 20],
        )
        .unwrap();
        let seen = read(&folder.path().join("cut"));
        assert!(!seen.errors.is_empty());
        // The rest is read even without the list of files at the end.
        assert!(
            share < 19 || seen.drops.len() == 10,
            "{share}: {:?}",
            seen.errors
        );
    }
}

#[test]
fn no_damage_of_an_archive_stops_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let Some(zip) = zipped(folder.path()) else {
        return;
    };
    let whole = std::fs::read(&zip).unwrap();
    let mut dice = Dice(7);
    let mut drops = 0;
    for how in 0..400 {
        let mut bytes = whole.clone();
        let at = dice.roll(bytes.len());
        match how % 4 {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes.truncate(at),
            2 => (at..bytes.len().min(at + 64)).for_each(|at| bytes[at] = dice.roll(256) as u8),
            // Sizes and offsets stand in the list at the end, and before each file.
            _ => {
                let records = memchr::memmem::find_iter(&whole, b"PK").collect::<Vec<_>>();
                let at = records[dice.roll(records.len())] + 4 + dice.roll(42);
                if at < bytes.len() {
                    bytes[at] = [0, 1, 0x7f, 0xff][dice.roll(4)];
                }
            }
        }
        let seen =
            Seen::of(|sink| read_stream("mutated", std::io::Cursor::new(bytes), &options(), sink));
        drops += seen.drops.len();
    }
    // Half of the bytes cut off are lost, and little else.
    assert!(drops > 400 * 20 / 2, "{drops}");
}

/// A bundle of more nodes than a shell lets a program open files: the system allows more, and it says so where it does not.
#[cfg(unix)]
#[test]
fn a_bundle_of_many_nodes_needs_many_open_files() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    let stored = || zip::write::SimpleFileOptions::default();
    let mut bundle = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for n in 0..80 {
        let mut node = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        node.start_file(format!("n{n}/logs/kernel.log"), stored())
            .unwrap();
        let text = format!("2026-05-05T04:00:00+00:00 n{n} kernel: {}\n", drop_line(n));
        node.write_all(text.as_bytes()).unwrap();
        let bytes = node.finish().unwrap().into_inner();
        bundle
            .start_file(format!("{NAME}/nodes/n{n}.zip"), stored())
            .unwrap();
        bundle.write_all(&bytes).unwrap();
    }
    bundle.finish().unwrap();
    let read = |limit: &str| {
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("{limit}; exec \"$0\" -o json \"$1\"")])
            .arg(env!("CARGO_BIN_EXE_dropsift"))
            .arg(&path)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            report["tally"]["drops"].as_u64().unwrap(),
            output.status.code(),
            said,
        )
    };
    let (drops, code, said) = read("ulimit -Sn 64");
    assert_eq!(drops, 80, "{said}");
    assert_ne!(code, Some(2), "{said}");
    let (drops, code, said) = read("ulimit -n 64");
    assert!(drops < 80, "{said}");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("ulimit -n 4096"), "{said}");
}

/// A node without a log is no node without drops.
#[test]
fn nodes_without_a_kernel_log_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(NAME);
    put(root.join("yamls/cluster/v1/nodes.yaml"), NODES);
    let log = |node: &str, text: &str| {
        put(root.join("nodes").join(node).join("logs/kernel.log"), text);
    };
    let report = || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(["-q", "--year", "2026", "-o", "json"])
            .arg(&root)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let warnings = report["warnings"].as_array().unwrap().iter();
        let texts: Vec<String> = warnings
            .filter(|warning| warning["code"] == "node-log-missing")
            .map(|warning| warning["text"].as_str().unwrap().to_owned())
            .collect();
        (output.status.code(), texts.join("|"))
    };
    log(
        "harvester1",
        "May 05 04:40:00.000001 harvester1 kernel: x\n",
    );
    for text in ["", "Failed to get data\n", "\n\n"] {
        log("harvester2", text);
        let (code, said) = report();
        assert_eq!(code, Some(0), "{text:?}");
        let all = "the bundle has no kernel log of harvester2, harvester9: ";
        assert!(said.starts_with(all), "{text:?}: {said}");
    }
    for text in ["", "Failed to get data\n"] {
        log("harvester1", text);
        let (code, said) = report();
        assert_eq!(code, Some(3), "{text:?}");
        assert!(
            said.contains("harvester1, harvester2, harvester9"),
            "{said}"
        );
    }
}
