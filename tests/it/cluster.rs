//! What is known of the cluster before a log is read: objects as kubectl prints them, and the files of a node.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dropsift::input::objects::Objects;
use dropsift::input::source::read_host;
use dropsift::site::{Provenance, Site};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{pack, piped};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(fixture(name)).unwrap()
}

/// What a text of objects tells, a line each.
fn learned(text: &str) -> Result<Vec<String>, String> {
    let mut objects = Objects::default();
    objects.read(text.as_bytes())?;
    let facts = objects.facts("objects.yaml");
    Ok(facts.iter().map(ToString::to_string).collect())
}

fn dropsift(folder: &Path, args: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    piped(command.args(args).current_dir(folder), stdin)
}

/// Returns the report of a run as JSON, without what names its inputs.
fn report(output: &Output) -> Value {
    let mut report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    report.as_object_mut().unwrap().remove("inputs");
    report["summary"].as_object_mut().unwrap().remove("text");
    report
}

/// Returns a folder with the log of set-a and the objects of its cluster.
fn set_a() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("set-a/limited.log"), folder.path().join("in.log")).unwrap();
    for name in ["set-a.yaml", "nodes.yaml", "nodes.json"] {
        fs::copy(fixture("cluster").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

const JSON: [&str; 4] = ["--year", "2026", "-o", "json"];

#[test]
fn nodes_say_what_every_option_would() {
    let folder = set_a();
    for (objects, more) in [
        ("nodes.yaml", &[][..]),
        ("set-a.yaml", &["--no-addon", "kubeovn-operator"]),
    ] {
        let mut told = vec![
            "--role",
            "harvester1=control-plane",
            "--role",
            "harvester2=control-plane",
            "--role",
            "harvester3=worker",
            "--node",
            "harvester1=192.168.122.61",
            "--node",
            "harvester2=192.168.122.62",
            "--node",
            "harvester3=192.168.122.63",
            "--pod-cidr",
            "10.52.0.0/16",
        ];
        told.extend(more);
        let told = dropsift(folder.path(), &[&JSON[..], &told, &["in.log"]].concat(), "");
        let known = ["--cluster", objects, "in.log"];
        let known = dropsift(folder.path(), &[&JSON[..], &known].concat(), "");
        assert_eq!(report(&told), report(&known), "{objects}");
        assert_eq!(known.status.code(), Some(1));
        let rules = report(&known)["rules"].as_array().unwrap().clone();
        let active = rules
            .iter()
            .filter(|rule| rule["disposition"] == "documented");
        assert_eq!(active.count(), 3, "the roles are known");
    }
}

/// Under whatever form and wherever they are named, the same objects tell the same.
#[test]
fn objects_in_every_form_and_place() {
    let folder = set_a();
    let at = |name: &str| folder.path().join(name);
    let yaml = text("cluster/nodes.yaml");
    let list: Value = serde_json::from_str(&text("cluster/nodes.json")).unwrap();
    let items = list["items"].as_array().unwrap();
    let each = items.iter().map(Value::to_string).collect::<Vec<_>>();
    fs::write(at("documents.json"), each.join("\n")).unwrap();
    fs::write(at("documents.yaml"), each.join("\n---\n")).unwrap();
    fs::write(at("compact.json"), list.to_string()).unwrap();
    fs::write(at("with-bom.yaml"), format!("\u{feff}{yaml}")).unwrap();
    fs::write(at("crlf.yaml"), yaml.replace('\n', "\r\n")).unwrap();
    let wide: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(yaml.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(at("utf16.yaml"), wide).unwrap();
    let mut files = vec![
        "nodes.yaml",
        "nodes.json",
        "documents.json",
        "documents.yaml",
        "compact.json",
        "with-bom.yaml",
        "crlf.yaml",
        "utf16.yaml",
    ];
    if let Some(packed) = pack(&["gzip -c"], yaml.as_bytes()) {
        fs::write(at("nodes.gz"), packed).unwrap();
        files.push("nodes.gz");
    }
    let log = fs::read_to_string(at("in.log")).unwrap();
    let run = |args: &[&str], stdin: &str| {
        let output = dropsift(folder.path(), &[&JSON[..], args].concat(), stdin);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("135 lines: 135 drop lines, 0 other"),
            "{args:?}: {said}"
        );
        report(&output)
    };
    let known = run(&["--cluster", "nodes.yaml", "in.log"], "");
    for file in files {
        assert_eq!(run(&["--cluster", file, "in.log"], ""), known, "{file}");
        assert_eq!(run(&[file, "in.log"], ""), known, "{file} first");
        assert_eq!(run(&["in.log", file], ""), known, "{file} last");
        assert_eq!(
            run(&["--no-follow", file, "-"], &log),
            known,
            "{file} and stdin"
        );
    }
    assert_eq!(run(&["--cluster", "-", "in.log"], &yaml), known);
    assert_eq!(run(&["-", "in.log"], &yaml), known);
    assert_eq!(run(&["in.log", "-"], &yaml), known);
}

#[test]
fn inputs_that_hold_objects_are_named_and_have_no_lines() {
    let folder = set_a();
    let output = dropsift(
        folder.path(),
        &[&JSON[..], &["in.log", "nodes.yaml"]].concat(),
        "",
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let inputs = report["inputs"].as_array().unwrap();
    let told: Vec<(&str, u64)> = (inputs.iter())
        .map(|input| {
            (
                input["name"].as_str().unwrap(),
                input["lines"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("in.log", 135), ("nodes.yaml", 0)]);
    assert_eq!(report["tally"]["other"], 0);
    // In text, what was read is the log.
    let output = dropsift(
        folder.path(),
        &["--year", "2026", "in.log", "nodes.yaml"],
        "",
    );
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(
        page.lines().nth(1).unwrap().starts_with("in.log, 3 nodes"),
        "{page}"
    );
}

#[test]
fn objects_without_a_log_are_refused() {
    let folder = set_a();
    let yaml = text("cluster/nodes.yaml");
    for (args, stdin) in [
        (&["nodes.yaml"][..], ""),
        (&["-"], yaml.as_str()),
        (&["--no-follow", "-"], &yaml),
        (&[], &yaml),
        (&["rules", "nodes.yaml"], ""),
    ] {
        let output = dropsift(folder.path(), args, stdin);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains("no log is given; name the log too"),
            "{args:?}: {said}"
        );
    }
    let output = dropsift(folder.path(), &["--cluster", "-", "-"], &yaml);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdin can be read once"));
}

/// What the objects of each version tell stands beside them.
#[test]
fn the_objects_of_each_version() {
    for version in ["v1.7", "v1.8", "v1.9"] {
        let told = learned(&text(&format!("cluster/{version}.yaml"))).unwrap();
        let wanted = text(&format!("cluster/{version}.learned"));
        assert_eq!(told.join("\n") + "\n", wanted, "{version}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Odd {
    name: String,
    source: String,
    objects: String,
    learned: Option<Vec<String>>,
    error: Option<String>,
}

#[test]
fn exports_as_they_go_wrong() {
    #[derive(Deserialize)]
    struct Table {
        case: Vec<Odd>,
    }
    let table: Table = toml::from_str(&text("cluster/odd.toml")).unwrap();
    assert!(table.case.len() >= 60);
    let mut wrong = String::new();
    for case in table.case {
        let is = learned(&case.objects);
        let fits = match (&is, &case.learned, &case.error) {
            (Ok(is), Some(wanted), None) => is == wanted,
            (Err(why), None, Some(part)) => why.contains(part),
            _ => false,
        };
        if !fits {
            writeln!(wrong, "{} ({}): {is:#?}", case.name, case.source).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    name: String,
    source: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    folders: Vec<String>,
    #[serde(default)]
    links: BTreeMap<String, String>,
    learned: Option<Vec<String>>,
    error: Option<String>,
}

#[test]
#[cfg(unix)]
fn the_files_of_a_node() {
    #[derive(Deserialize)]
    struct Table {
        case: Vec<Host>,
    }
    let table: Table = toml::from_str(&text("cluster/host.toml")).unwrap();
    assert!(table.case.len() >= 15);
    let mut wrong = String::new();
    for case in table.case {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        };
        for (path, text) in &case.files {
            fs::write(at(path), text).unwrap();
        }
        for path in &case.folders {
            fs::create_dir_all(at(path)).unwrap();
        }
        for (path, target) in &case.links {
            std::os::unix::fs::symlink(target, at(path)).unwrap();
        }
        let root = folder.path().display().to_string();
        let is = read_host(folder.path()).map(|host| {
            let facts = host.facts.iter();
            facts
                .map(|fact| fact.to_string().replace(&root, "ROOT"))
                .collect::<Vec<_>>()
        });
        let fits = match (&is, &case.learned, &case.error) {
            (Ok(is), Some(wanted), None) => is == wanted,
            (Err(why), None, Some(part)) => why.to_string().contains(part),
            _ => false,
        };
        if !fits {
            writeln!(wrong, "{} ({}): {is:#?}", case.name, case.source).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Two objects of one name that differ, and an option that stands against one: said, each once.
#[test]
fn what_contradicts_is_said() {
    let folder = set_a();
    const LABELS: &str = "    labels:\n      beta";
    let other = text("cluster/nodes.yaml").replace(
        LABELS,
        "    labels:\n      node-role.harvesterhci.io/witness: \"true\"\n      beta",
    );
    fs::write(folder.path().join("other.yaml"), other).unwrap();
    let warnings = |args: &[&str]| {
        let output = dropsift(folder.path(), &[&JSON[..], args, &["in.log"]].concat(), "");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = report["warnings"].as_array().unwrap().clone();
        let own = all
            .into_iter()
            .filter(|one| one["code"] == "sources-differ");
        own.map(|one| one["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(warnings(&["--cluster", "nodes.yaml"]), [""; 0]);
    assert_eq!(
        warnings(&[
            "--cluster",
            "nodes.yaml",
            "--role",
            "harvester3=control-plane"
        ]),
        [
            "the role of harvester3: control-plane by the options, worker by the cluster's objects; control-plane is taken, leave the option out if that is wrong"
        ]
    );
    assert_eq!(
        warnings(&["--cluster", "nodes.yaml", "--role", "worker"]).len(),
        2
    );
    let both = warnings(&["--cluster", "nodes.yaml", "--cluster", "other.yaml"]);
    assert_eq!(both.len(), 3, "{both:?}");
    assert!(
        both[0].contains("the cluster's objects give both control-plane and witness"),
        "{both:?}"
    );
}

/// A log may call a node by another name than the cluster does.
#[test]
fn a_node_by_another_name() {
    let folder = set_a();
    let log = fs::read_to_string(folder.path().join("in.log")).unwrap();
    let roles = |log: &str| {
        let output = dropsift(
            folder.path(),
            &[&JSON[..], &["--cluster", "nodes.yaml", "--no-follow", "-"]].concat(),
            log,
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let nodes = report["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| {
                (
                    node["role"].as_str().unwrap().to_owned(),
                    node["role_known"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    let known = roles(&log);
    assert_eq!(known[2].0, "worker");
    for change in ["HARVESTER", "harvester@.lab.example", "192.168.122.6"] {
        let changed = match change.split_once('@') {
            Some(_) => log
                .lines()
                .map(|line| {
                    let (head, rest) = line.split_once(" kernel").unwrap();
                    format!("{head}.lab.example kernel{rest}\n")
                })
                .collect(),
            None => log.replace(" harvester", &format!(" {change}")),
        };
        assert_eq!(roles(&changed), known, "{change}");
    }
}

/// What objects say is to be on the disk is the chain of the next boot, never the running one; what is on the disk stands
/// against it.
#[test]
fn a_cloudinit_is_the_chain_of_the_next_boot() {
    let folder = set_a();
    let log = fs::read_to_string(folder.path().join("in.log")).unwrap();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" harvester3 ") && line.contains("DPT=9796"))
        .collect();
    fs::write(folder.path().join("few.log"), lines.join("\n") + "\n").unwrap();
    fs::copy(
        fixture("cluster/v1.8.yaml"),
        folder.path().join("v1.8.yaml"),
    )
    .unwrap();
    let output = dropsift(
        folder.path(),
        &[&JSON[..], &["--cluster", "v1.8.yaml", "few.log"]].concat(),
        "",
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["verdict"], &finding["cause"]),
        (&"missing-rule".into(), &"documented-port".into())
    );
    let has = |report: &Value| {
        let tests = report["findings"][0]["evidence"]
            .as_array()
            .unwrap()
            .clone();
        tests
            .iter()
            .any(|test| test["test"] == "rule-at-next-boot" && test["met"] == true)
    };
    assert!(has(&report), "{finding}");
    assert_eq!(report["rules"].as_array().unwrap().len(), 1);
    // The node's own disk has a chain without that port.
    let at = |path: &str| folder.path().join("root").join(path);
    fs::create_dir_all(at("etc")).unwrap();
    fs::create_dir_all(at("oem")).unwrap();
    fs::write(at("etc/hostname"), "harvester3\n").unwrap();
    let contents = text("audit/clean-page-worker/91-iptables-worker.yaml");
    let contents = serde_saphyr::from_str::<Value>(&contents).unwrap();
    let contents = contents["spec"]["contents"].as_str().unwrap().to_owned();
    fs::write(
        at("oem/91-iptables-worker.yaml"),
        contents.replace("9796", "9797"),
    )
    .unwrap();
    for args in [
        &["--cluster", "v1.8.yaml", "--host", "root", "few.log"][..],
        &["--role", "worker", "--host", "root", "few.log"],
    ] {
        let output = dropsift(folder.path(), &[&JSON[..], args].concat(), "");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!has(&report), "{args:?}");
        assert_eq!(report["findings"][0]["verdict"], "missing-rule");
    }
}

/// More nodes than any cluster has cost little, and are said.
#[test]
fn a_list_without_end_is_kept_as_far_as_a_cluster_goes() {
    let mut list = String::from("apiVersion: v1\nitems:\n");
    for n in 0..12_000 {
        writeln!(list, "- {{apiVersion: v1, kind: Node, metadata: {{name: n{n}, labels: {{node-role.kubernetes.io/control-plane: \"true\"}}}}}}").unwrap();
    }
    list += "- {apiVersion: harvesterhci.io/v1beta1, kind: Addon, metadata: {name: rancher-monitoring}, spec: {enabled: true}}\nkind: List\n";
    let facts = learned(&list).unwrap();
    let roles = facts.iter().filter(|fact| {
        fact.ends_with("control-plane (label node-role.kubernetes.io/control-plane)")
    });
    assert_eq!(roles.count(), 5_000);
    assert!(
        facts[0].contains("more than 5000 objects: 7000 are not looked at"),
        "{}",
        facts[0]
    );
    // A kind behind them is not hidden by them.
    assert!(facts.contains(&"addon rancher-monitoring: enabled".to_owned()));
    let unaddressed = facts
        .iter()
        .find(|fact| fact.starts_with("no InternalIP"))
        .unwrap();
    assert!(
        unaddressed.contains("n0, n1, n2, n3, n4 and 4995 more"),
        "{unaddressed}"
    );
}

#[test]
fn aliases_of_aliases_are_refused() {
    let mut yaml = "apiVersion: v1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let list = vec![format!("*a{}", n - 1); 9].join(", ");
        writeln!(yaml, "a{n}: &a{n} [{list}]").unwrap();
    }
    yaml += "kind: List\nitems: *a8\n";
    assert!(learned(&yaml).unwrap_err().contains("is the file whole?"));
    let deep = format!("{{\"kind\":\"List\",\"items\":{}", "[".repeat(200_000));
    assert!(learned(&deep).is_err());
    let deep = format!("kind: List\nitems: {}", "[".repeat(200_000));
    assert!(learned(&deep).is_err());
}

/// Whatever comes first, what the weightier source says stands.
#[test]
fn the_order_of_sources_makes_no_difference() {
    let objects = |text: &str| {
        let mut objects = Objects::default();
        objects.read(text.as_bytes()).unwrap();
        objects.facts("x")
    };
    let cluster = objects(&text("cluster/v1.8.yaml"));
    let bundle = objects(&text("cluster/v1.7.yaml"));
    let site = |turned: bool| {
        let mut site = Site::default();
        let mut both = vec![
            (&cluster, Provenance::Cluster),
            (&bundle, Provenance::Bundle),
        ];
        if turned {
            both.reverse();
        }
        for (facts, by) in both {
            facts.iter().for_each(|fact| site.learn(fact, by));
        }
        let roles: Vec<_> = site
            .known
            .roles()
            .iter()
            .map(|(n, r)| (n.clone(), r.value, r.origin))
            .collect();
        let mut differ: Vec<String> = site
            .known
            .contradictions()
            .iter()
            .map(ToString::to_string)
            .collect();
        differ.sort();
        (roles, differ, site.pod_cidrs())
    };
    assert_eq!(site(false), site(true));
}

/// On a node, a log on stdin that is the machine's own brings the files of `/` with it; another's does not. A root of our
/// own stands for the node's, where this machine lets a user have one.
#[test]
#[cfg(target_os = "linux")]
fn a_log_on_stdin_of_the_node_itself() {
    const ENTER: &str = "mount --rbind /usr usr && mount --bind \"$0\" dropsift && exec chroot . /dropsift -o json --year 2026";
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for path in ["usr", "etc", "oem", "tmp"] {
        fs::create_dir(at(path)).unwrap();
    }
    for lib in ["lib", "lib64"] {
        std::os::unix::fs::symlink(Path::new("usr").join(lib), at(lib)).unwrap();
    }
    fs::write(at("dropsift"), "").unwrap();
    fs::write(at("etc/hostname"), "harvester3\n").unwrap();
    fs::write(at("etc/harvester-release.yaml"), "harvester: v1.8.0\n").unwrap();
    fs::write(at("oem/harvester.config"), "install:\n  role: worker\n").unwrap();
    let log = text("set-a/limited.log");
    let run = |log: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", ENTER, env!("CARGO_BIN_EXE_dropsift")]);
        let output = piped(command.current_dir(folder.path()), log);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // Without the right to have a root of our own there is no report.
        let report = serde_json::from_slice::<Value>(&output.stdout).ok()?;
        Some((report, said))
    };
    let role = |report: &Value, name: &str| {
        let nodes = report["nodes"].as_array().unwrap().clone();
        let node = nodes.into_iter().find(|node| node["node"] == name).unwrap();
        (node["role"].clone(), node["role_known"].clone())
    };
    let Some((report, said)) = run(&log) else {
        return;
    };
    assert_eq!(
        role(&report, "harvester3"),
        ("worker".into(), true.into()),
        "{said}"
    );
    assert_eq!(
        role(&report, "harvester1"),
        ("control-plane".into(), false.into())
    );
    assert!(
        said.contains(
            "learned from /: node harvester3: worker (install.role in oem/harvester.config)"
        ),
        "{said}"
    );
    let (report, said) = run(&log.replace(" harvester3 ", " harvester9 ")).unwrap();
    assert_eq!(
        role(&report, "harvester9"),
        ("control-plane".into(), false.into())
    );
    assert!(!said.contains("learned from /"), "{said}");
}
