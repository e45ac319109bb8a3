//! Dependencies of the program: licences, duplicates and sources by `deny.toml`, checked by `cargo metadata` where
//! cargo-deny is not installed; and the stated reason of each dependency, which must be true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
    sources: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bans {
    multiple_versions: String,
    wildcards: String,
    skip: Vec<Skip>,
}

#[derive(Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn deny() -> Deny {
    toml::from_str(&fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap()
}

fn cargo(args: &[&str]) -> Option<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(args)
        .current_dir(root())
        .output()
        .unwrap();
    output.status.success().then_some(output.stdout)
}

/// Returns the packages that are built on this platform, tests and build scripts included.
fn packages() -> Vec<Value> {
    let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let args = [
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        host,
    ];
    // The dependencies were downloaded before this build.
    let told = cargo(&[&args[..], &["--offline"]].concat())
        .or_else(|| cargo(&args))
        .unwrap();
    let metadata: Value = serde_json::from_slice(&told).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let built: BTreeSet<&str> = nodes
        .iter()
        .map(|node| node["id"].as_str().unwrap())
        .collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .filter(|package| built.contains(package["id"].as_str().unwrap()))
        .cloned()
        .collect()
}

/// Whether an SPDX expression can be met with licences that `may` be used.
fn is_met(expression: &str, may: &dyn Fn(&str) -> bool) -> bool {
    // Old manifests have a slash for OR.
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = either(&words, may);
    met && rest.is_empty()
}

fn either<'w>(words: &'w [&'w str], may: &dyn Fn(&str) -> bool) -> (bool, &'w [&'w str]) {
    let (mut met, mut rest) = both(words, may);
    while let ["OR", more @ ..] = rest {
        let (other, after) = both(more, may);
        (met, rest) = (met || other, after);
    }
    (met, rest)
}

fn both<'w>(words: &'w [&'w str], may: &dyn Fn(&str) -> bool) -> (bool, &'w [&'w str]) {
    let (mut met, mut rest) = one(words, may);
    while let ["AND", more @ ..] = rest {
        let (other, after) = one(more, may);
        (met, rest) = (met && other, after);
    }
    (met, rest)
}

fn one<'w>(words: &'w [&'w str], may: &dyn Fn(&str) -> bool) -> (bool, &'w [&'w str]) {
    match words {
        ["(", rest @ ..] => match either(rest, may) {
            (met, [")", rest @ ..]) => (met, rest),
            (_, rest) => (false, rest),
        },
        [license, "WITH", exception, rest @ ..] => {
            (may(&format!("{license} WITH {exception}")), rest)
        }
        [license, rest @ ..] => (may(license), rest),
        [] => (false, words),
    }
}

#[test]
fn expressions_are_met_as_spdx_has_it() {
    let may = |license: &str| ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].contains(&license);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND (GPL-3.0 OR Zlib)", true),
        ("(MIT OR Zlib) AND GPL-3.0", false),
        ("GPL-3.0 AND MIT OR Zlib", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("Apache-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &may), met, "{expression}");
    }
}

#[test]
fn every_licence_is_allowed() {
    let licenses = deny().licenses;
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let exception = licenses
            .exceptions
            .iter()
            .find(|exception| exception.name == name);
        let may = |license: &str| {
            licenses.allow.contains(license)
                || exception.is_some_and(|exception| exception.allow.contains(license))
        };
        let license = package["license"].as_str().unwrap_or_default();
        if !is_met(license, &may) {
            wrong.push(format!("{name}: {license:?}"));
        }
    }
    assert!(wrong.is_empty(), "not in deny.toml: {wrong:#?}");
}

#[test]
fn nothing_is_built_twice_without_a_reason() {
    let bans = deny().bans;
    assert_eq!(
        (bans.multiple_versions.as_str(), bans.wildcards.as_str()),
        ("deny", "deny")
    );
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions
            .entry(text("name"))
            .or_default()
            .push(text("version"));
    }
    for skip in &bans.skip {
        assert!(!skip.reason.is_empty(), "{} has no reason", skip.spec);
        let (name, version) = skip.spec.split_once('@').unwrap();
        let known = versions
            .get_mut(name)
            .unwrap_or_else(|| panic!("{} is not built", skip.spec));
        let twice = known.len() > 1;
        known.retain(|known| *known != version && !known.starts_with(&format!("{version}.")));
        assert!(
            twice && known.len() == 1,
            "{} need not be skipped",
            skip.spec
        );
    }
    versions.retain(|_, versions| versions.len() > 1);
    assert!(versions.is_empty(), "{versions:#?}");
}

#[test]
fn everything_comes_from_the_one_registry() {
    let sources = deny().sources;
    assert!(sources.values().all(|level| level == "deny"), "{sources:?}");
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        match package.get("source").and_then(toml::Value::as_str) {
            None => assert_eq!(name, "dropsift", "{name} has no source"),
            Some(source) => {
                let known = source.starts_with("registry+") && source.ends_with("/crates.io-index");
                assert!(known, "{name} comes from {source}");
                assert!(package.get("checksum").is_some(), "{name} has no checksum");
            }
        }
    }
}

/// Returns the lines `name = … # path: reason` of a table of the manifest.
fn reasons<'m>(manifest: &'m str, table: &str) -> Vec<(&'m str, &'m str)> {
    let lines = manifest.lines().skip_while(|line| *line != table).skip(1);
    let lines = lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (dependency, reason) = line
                .split_once(" # ")
                .unwrap_or_else(|| panic!("no reason: {line}"));
            (dependency.split(' ').next().unwrap(), reason)
        })
        .collect()
}

/// Returns the paths that a reason names: `input/open/{unpack,proof}.rs, time.rs: why`.
fn paths(reason: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut name, mut depth) = (String::new(), 0);
    for c in reason.split(": ").next().unwrap().chars() {
        depth += usize::from(c == '{');
        depth -= usize::from(c == '}');
        match c {
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            ' ' => {}
            c => name.push(c),
        }
    }
    names.push(name);
    let braced = |name: &String| match (name.find('{'), name.find('}')) {
        (Some(from), Some(to)) => name[from + 1..to]
            .split(',')
            .map(|part| format!("{}{part}{}", &name[..from], &name[to + 1..]))
            .collect(),
        _ => vec![name.clone()],
    };
    names.iter().flat_map(braced).collect()
}

/// Whether a Rust file, or one in a folder, names a crate.
fn uses(path: &Path, name: &str) -> bool {
    if path.is_dir() {
        return fs::read_dir(path)
            .unwrap()
            .any(|entry| uses(&entry.unwrap().path(), name));
    }
    fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("{name}::")))
}

#[test]
fn each_dependency_is_used_where_its_reason_says() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (table, base) in [("[dependencies]", "src"), ("[dev-dependencies]", "")] {
        for (name, reason) in reasons(&manifest, table) {
            seen += 1;
            for path in paths(reason) {
                if !uses(&root().join(base).join(&path), &name.replace('-', "_")) {
                    wrong.push(format!("{name} is not used in {path}"));
                }
            }
        }
    }
    assert!(seen > 30, "only {seen} dependencies were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is released is named in three places beside the manifest.
#[test]
fn a_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let daemonset = root().join("docs/deploy/base/daemonset.yaml");
    let daemonset: Value = serde_saphyr::from_str(&fs::read_to_string(daemonset).unwrap()).unwrap();
    assert_eq!(
        daemonset["spec"]["template"]["spec"]["containers"][0]["image"],
        format!("localhost/dropsift:{version}")
    );
    let page = fs::read_to_string(root().join("docs/deploy/README.md")).unwrap();
    let named: BTreeSet<&str> = page
        .split_whitespace()
        .filter_map(|word| word.split_once("dropsift-")?.1.split_once("-x86_64"))
        .map(|(named, _)| named)
        .collect();
    assert_eq!(named, BTreeSet::from([version]));
}

/// Reads what the scripts of CI and of a release say of a tool: `name@version`.
#[test]
fn the_tools_of_a_release_are_pinned_and_called() {
    let scripts: String = fs::read_dir(root().join(".ci"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let tools = fs::read_to_string(root().join(".ci/tools")).unwrap();
    let pinned: Vec<(&str, &str)> = tools
        .split_whitespace()
        .filter_map(|word| word.trim_end_matches(';').strip_prefix("cargo-"))
        .filter_map(|word| word.split_once('@'))
        .collect();
    assert_eq!(pinned.len(), 5, "{pinned:?}");
    for (name, version) in pinned {
        assert!(version.split('.').count() == 3, "{name}@{version}");
        assert!(
            scripts.contains(&format!("cargo {name} ")),
            "cargo {name} is called nowhere"
        );
    }
}
