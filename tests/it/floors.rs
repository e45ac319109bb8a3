//! Imports go strictly down: no file names a module of a higher floor.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate and their floors, as docs/architecture.md has them.
const FLOORS: &[(&str, u8)] = &[
    ("error", 0),
    ("time", 0),
    ("date", 1),
    ("nearest", 0),
    ("net", 0),
    ("beside", 0),
    ("names", 0),
    ("leading", 0),
    ("provenance", 0),
    ("node_names", 0),
    ("packet", 1),
    ("input", 1),
    ("catalog", 1),
    ("chain", 2),
    ("cloudinit", 2),
    ("site", 2),
    ("flow", 2),
    ("saturation", 2),
    ("cause", 3),
    ("audit", 3),
    ("finding", 4),
    ("rule", 5),
    ("accept", 5),
    ("config", 6),
    ("report", 6),
    ("serve", 6),
    ("analyze", 7),
    ("cli", 8),
    ("main", 8),
];

#[test]
fn imports_go_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut upward = Vec::new();
    for file in rust_files(&src) {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let own = floor(module).unwrap_or_else(|| panic!("{module} has no floor"));
        let text = fs::read_to_string(&file).unwrap();
        for used in text.split("crate::").skip(1) {
            let name: String = used
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if floor(&name).is_some_and(|floor| floor > own) {
                upward.push(format!("{} uses crate::{name}", relative.display()));
            }
        }
    }
    assert!(upward.is_empty(), "upward imports:\n{}", upward.join("\n"));
}

/// The rooms of `input/` and their floors: `source → reader → framing | message → format → event`, and `fast` is behind the
/// reader alone.
const INPUT_ROOMS: &[(&str, u8)] = &[
    ("event", 0),
    ("search", 0),
    ("format", 1),
    ("scan", 1),
    ("framing", 2),
    ("message", 2),
    ("fast", 3),
    ("reader", 4),
    ("objects", 1),
    ("source", 5),
];

#[test]
fn rooms_of_input_go_down_too() {
    let floor = |room: &str| {
        INPUT_ROOMS
            .iter()
            .find(|(name, _)| *name == room)
            .map(|(_, floor)| *floor)
    };
    let mut wrong = Vec::new();
    for (module, imports) in imports() {
        let [input, room, ..] = module.as_slice() else {
            continue;
        };
        if input != "input" {
            continue;
        }
        let own = floor(room).unwrap_or_else(|| panic!("{room} has no floor"));
        for used in imports
            .iter()
            .filter(|used| used.len() > 1 && used[0] == "input")
        {
            let theirs = floor(&used[1]).unwrap_or_else(|| panic!("{} has no floor", used[1]));
            let is_down = theirs < own && (used[1] != "fast" || room == "reader");
            if used[1] != *room && !is_down {
                wrong.push(format!("{} imports {}", module.join("::"), used.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No file imports itself by way of others. A folder's re-export for its own files (`pub use`) is no import.
#[test]
fn no_circle_of_imports() {
    let imports = imports();
    let mut circles = Vec::new();
    for module in imports.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Module> = imports[module].iter().collect();
        while let Some(used) = next.pop() {
            if used == module {
                circles.push(module.join("::"));
                break;
            }
            if seen.insert(used) {
                next.extend(imports.get(used).into_iter().flatten());
            }
        }
    }
    assert!(
        circles.is_empty(),
        "these import themselves: {}",
        circles.join(", ")
    );
}

/// A module's path below the crate.
type Module = Vec<String>;

/// Returns the imports of each file: the modules that its `use` lines name.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |file: &Path| -> Module {
        let relative = file.strip_prefix(&src).unwrap().with_extension("");
        let mut module: Module = relative
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        module.pop_if(|last| last == "mod");
        module
    };
    let files: BTreeMap<Module, PathBuf> = rust_files(&src)
        .into_iter()
        .map(|file| (module(&file), file))
        .collect();
    let mut all = BTreeMap::new();
    for (module, file) in &files {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines: Vec<&str> = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = lines.join("\n");
        let mut used = BTreeSet::new();
        for statement in code.split(';') {
            let Some((_, tree)) = statement.rsplit_once("\nuse ").or(statement
                .split_once("use ")
                .filter(|(before, _)| before.is_empty()))
            else {
                continue;
            };
            for path in paths("", tree) {
                let path: Vec<&str> = path.split("::").map(str::trim).collect();
                used.extend(resolved(module, &path, &files));
            }
        }
        used.remove(module);
        all.insert(module.clone(), used);
    }
    all
}

/// Returns the paths that a tree of imports names.
fn paths(before: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, inner)) = tree.split_once('{') else {
        return vec![format!("{before}{tree}")];
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let before = format!("{before}{head}");
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for letter in inner.chars().chain([',']) {
        match letter {
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => part.push(letter),
        }
        depth += i32::from(letter == '{') - i32::from(letter == '}');
    }
    let named = parts.iter().filter(|part| !part.trim().is_empty());
    named.flat_map(|part| paths(&before, part)).collect()
}

/// Returns the file that a path leads into.
fn resolved(module: &Module, path: &[&str], files: &BTreeMap<Module, PathBuf>) -> Option<Module> {
    let mut base = module.clone();
    let mut rest = path;
    match path[0] {
        "crate" => {
            base.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while let ["super", others @ ..] = rest {
                base.pop();
                rest = others;
            }
        }
        child => {
            let own = [module.as_slice(), &[child.to_owned()]].concat();
            files.get(&own)?;
        }
    }
    let whole: Module = base
        .into_iter()
        .chain(rest.iter().map(|part| (*part).to_owned()))
        .collect();
    (1..=whole.len())
        .rev()
        .map(|length| whole[..length].to_vec())
        .find(|path| files.contains_key(path))
}

#[test]
fn one_crate_one_room() {
    // Libraries that stand for a decision are used in one room only.
    let rooms = [
        ("clap::", "cli/"),
        ("clap_complete::", "cli/"),
        ("clap_mangen::", "cli/"),
        ("schemars::", "report/json"),
        ("comfy_table::", "report/table.rs"),
        ("nom::", "packet/"),
        ("csv::", "input/framing/"),
        ("ctrlc::", "cli/"),
        ("strsim::", "nearest.rs"),
        ("humantime::", "cli/dates.rs"),
        ("SystemTime", "cli/"),
    ];
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&src) {
        let relative = file.strip_prefix(&src).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        for (name, room) in rooms {
            assert!(
                !text.contains(name) || relative.starts_with(room),
                "{relative} uses {name}, which belongs to {room}"
            );
        }
    }
}

fn floor(module: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, floor)| *floor)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
