//! Interpretation of an output by shells and YAML parsers: the words that a shell would pass to `iptables`, printed by a
//! shell.

use std::fs;
use std::process::Command;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::piped;

/// Stand-ins for the tools: each records its name and its words, and keeps a chain as iptables would, so that scripts
/// find the insertion point and see their changes. `\037` separates words, `\036` ends a command.
const TOOLS: &str = r#"
rules=../rules
[ -s $rules ] || cat >$rules <<'END'
-P INPUT ACCEPT
-N HARVESTER_INPUT
-A INPUT -j HARVESTER_INPUT
-A HARVESTER_INPUT -p tcp -m tcp --dport 1 -j ACCEPT
-A HARVESTER_INPUT -m limit --limit 10/min -j LOG --log-prefix HARVESTER_DROP_
-A HARVESTER_INPUT -j DROP
END
record() { { printf '%s' "$1"; shift; for word; do printf '\037%s' "$word"; done; printf '\036'; } >>"$RECORD"; }
table() {
    record "$@"
    shift
    [ "$1" = -w ] && shift
    action=$1 chain=${2-} number=${3-}
    case $action,$number in
    -S,) cat $rules ;;
    -S,*) grep "^-A $chain " $rules | sed -n "${number}p" ;;
    -I,*)
        shift 3
        line="-A $chain"
        for word; do case $word in *" "*) word="\"$word\"" ;; esac; line="$line $word"; done
        awk -v chain="$chain" -v at="$number" -v line="$line" '$1 == "-A" && $2 == chain && ++n == at { print line } { print }' $rules >../new
        mv ../new $rules ;;
    -D,[0-9]*)
        awk -v chain="$chain" -v at="$number" '$1 == "-A" && $2 == chain && ++n == at { next } { print }' $rules >../new
        mv ../new $rules ;;
    esac
}
iptables() { table iptables "$@"; }
ip6tables() { table ip6tables "$@"; }
"#;

/// Returns the words of each command that `script` runs, in every shell that is installed; they must agree.
///
/// # Panics
/// If a shell refuses it, if shells differ, or if it runs another command than `iptables`.
pub(crate) fn words(script: &str) -> Vec<Vec<String>> {
    let told = ["sh", "bash"].map(|shell| words_by(shell, script));
    let mut told = told.into_iter().flatten();
    let words = told.next().expect("there is a shell");
    for other in told {
        assert_eq!(words, other, "shells differ on:\n{script}");
    }
    words
}

fn words_by(shell: &str, script: &str) -> Option<Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let (work, record) = (folder.path().join("work"), folder.path().join("record"));
    fs::create_dir(&work).unwrap();
    fs::write(&record, "").unwrap();
    let file = folder.path().join("script");
    fs::write(&file, script).unwrap();
    let checked = Command::new(shell).arg("-n").arg(&file).output().ok()?;
    assert!(
        checked.status.success() && checked.stderr.is_empty(),
        "{shell} -n: {checked:?}\n{script}"
    );
    let run = Command::new(shell)
        .args(["-c", &format!("{TOOLS}\nset -- -f\n. ../script")])
        .current_dir(&work)
        .env("RECORD", &record)
        .output()
        .unwrap();
    assert!(
        run.status.success() && run.stderr.is_empty(),
        "{shell}: {run:?}\n{script}"
    );
    let made = fs::read_dir(&work).unwrap().count();
    assert_eq!(made, 0, "{shell} made a file:\n{script}");
    let recorded = fs::read_to_string(&record).unwrap();
    let commands = recorded.split_terminator('\x1e');
    Some(
        commands
            .map(|command| command.split('\x1f').map(str::to_owned).collect())
            .collect(),
    )
}

/// Returns a script or a list after the user has accepted every rule that needs a decision: without the mark before it.
pub(crate) fn decided(text: &str) -> String {
    let decided = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let rest = rest.strip_prefix("decide first: ").unwrap_or(rest);
        let command = ["iptables ", "ip6tables ", "accept ", "split_log ", "- "];
        let is_command = command.iter().any(|begin| rest.starts_with(begin));
        is_command.then(|| format!("{rest}\n"))
    };
    text.lines()
        .map(|line| decided(line).unwrap_or_else(|| format!("{line}\n")))
        .collect()
}

/// Returns the commands that a report for people shows, to be pasted.
pub(crate) fn of_report(text: &str) -> Vec<Vec<String>> {
    // The facts of a test stand further to the right, and may quote the user's own chain.
    let near = text.lines().filter(|line| !line.starts_with("          "));
    let pasted = near.filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("# decide first: ").unwrap_or(line);
        let line = line.strip_prefix("- ").unwrap_or(line);
        let begins = ["iptables ", "ip6tables ", "n=$(", "-m comment "];
        let is_command = begins.iter().any(|begin| line.starts_with(begin));
        is_command.then(|| format!("{line}\n"))
    });
    words(&pasted.collect::<String>())
}

/// Whether the commands that an audit shows, to be pasted, have the chain's name as one word, whatever it is.
pub(crate) fn of_mends(document: &str) -> bool {
    let document: Value = serde_json::from_str(document).unwrap();
    let findings = document["findings"].as_array().expect("findings");
    let mends = findings
        .iter()
        .filter_map(|finding| finding["mend"].as_str());
    let commands = mends.filter(|mend| mend.starts_with("iptables "));
    // Words that may follow a command in the same sentence.
    let tails = [", before the ", ", as the last rule", " (and the same in"];
    let bare = commands.map(|mend| {
        let end = tails.iter().filter_map(|tail| mend.find(tail)).min();
        format!("{}\n", &mend[..end.unwrap_or(mend.len())])
    });
    let is_sound = |words: &Vec<String>| {
        let next = words.get(3).map_or("", String::as_str);
        ["-A", "-I", "-D"].contains(&words[1].as_str()) && (next.starts_with('-') || next == "1")
    };
    words(&bare.collect::<String>()).iter().all(is_sound)
}

/// Returns the commands in a JSON report: of its rules, its warnings and its splits.
pub(crate) fn of_document(document: &Value) -> Value {
    let mut commands = Vec::new();
    collect(document, &mut commands);
    commands.sort_unstable();
    commands.dedup();
    json!(words(&commands.concat()))
}

fn collect(value: &Value, commands: &mut Vec<String>) {
    const KEYS: [&str; 5] = ["iptables", "undo", "cloudinit", "place", "insert"];
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, commands)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_command = KEYS.contains(&key.as_str());
                match value {
                    Value::String(text) if is_command => commands.push(format!("{text}\n")),
                    Value::Array(texts) if is_command => {
                        let texts = texts.iter().filter_map(Value::as_str);
                        commands.extend(texts.map(|text| format!("{text}\n")));
                    }
                    value => collect(value, commands),
                }
            }
        }
        _ => {}
    }
}

/// Returns the words of the commands in a YAML list.
pub(crate) fn of_yaml(text: &str) -> Vec<Vec<String>> {
    let documents = yaml(text);
    match &documents[..] {
        [Value::Array(list)] => words(&lines(list)),
        // Every rule is one to decide about.
        [] | [Value::Null] if text.contains("# decide first: - ") => Vec::new(),
        _ => panic!("no list:\n{text}"),
    }
}

/// Returns the words of the commands in a CloudInit.
pub(crate) fn of_cloudinit(text: &str) -> Value {
    let mut commands = String::new();
    for document in yaml(text) {
        let contents = document["spec"]["contents"].as_str().expect("contents");
        for stages in yaml(contents) {
            for stage in stages["stages"]["boot"].as_array().expect("stages") {
                commands.push_str(&lines(stage["commands"].as_array().expect("commands")));
            }
        }
    }
    json!(words(&commands))
}

fn lines(commands: &[Value]) -> String {
    let commands = commands
        .iter()
        .map(|command| command.as_str().expect("a string"));
    commands.map(|command| format!("{command}\n")).collect()
}

/// The streams that were read, with their documents.
static READ: Mutex<Vec<(String, Vec<Value>)>> = Mutex::new(Vec::new());

/// Returns the documents of a YAML stream.
fn yaml(text: &str) -> Vec<Value> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let mut read = READ.lock().unwrap();
    read.push((text.to_owned(), documents.clone()));
    documents
}

/// Checks that another parser of YAML reads all streams as they were read, if it is there.
pub(crate) fn others_agree() {
    const PROGRAM: &str = "import sys, yaml, json\n\
        texts = json.loads(sys.stdin.buffer.read())\n\
        print(json.dumps([list(yaml.safe_load_all(text)) for text in texts]))";
    let there = Command::new("python3").args(["-c", "import yaml"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return eprintln!("left out: python3-yaml is not installed");
    }
    let read = READ.lock().unwrap();
    let texts: Vec<&str> = read.iter().map(|(text, _)| text.as_str()).collect();
    let stdin = serde_json::to_vec(&texts).unwrap();
    let output = piped(Command::new("python3").args(["-c", PROGRAM]), &stdin);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let others: Vec<Vec<Value>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(others.len(), read.len());
    assert!(!read.is_empty(), "nothing was read");
    for ((text, documents), other) in read.iter().zip(&others) {
        assert_eq!(documents, other, "parsers differ on:\n{text}");
    }
}
