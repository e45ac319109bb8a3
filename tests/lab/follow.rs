//! A journal that journald itself writes, followed through rotation, flush, vacuum, a restart, a new boot, and a kill of the
//! tool.

use std::collections::BTreeMap;
use std::process::Command;

use crate::machine::Machine;

/// Returns the numbers that a script in a mount namespace prints, by their names.
fn told(script: &str, messages: &str) -> BTreeMap<String, u64> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "bash", script])
        .arg(env!("CARGO_BIN_EXE_dropsift"))
        .arg(folder.path())
        .arg(messages)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let rows = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_owned(), number.parse().unwrap()))
    };
    rows.lines().filter_map(pair).collect()
}

/// Each entry that journald stored was met once; a run that was killed in the flood is taken up where its cursor stands.
pub(crate) fn every_entry_is_met_once(_: &Machine) {
    let told = told("fixtures/lab/follow.sh", "20000");
    assert!(told["files"] > 10, "the journal was rotated: {told:?}");
    assert!(told["stored"] > 20_000, "{told:?}");
    assert_eq!(told["followed"], told["stored"], "{told:?}");
    assert!(
        told["behind_cursor"] > 100,
        "the run was killed in the flood: {told:?}"
    );
    assert_eq!(told["resumed"], told["behind_cursor"], "{told:?}");
    assert_eq!(
        told["met_through_vacuum"], told["written_through_vacuum"],
        "{told:?}"
    );
    assert!(
        told["left_by_vacuum"] < told["met_through_vacuum"] && told["boots"] > 1,
        "{told:?}"
    );
}

/// The volatile journal alone, the persistent one beside it, another machine ID, and a folder that is removed.
pub(crate) fn folders_come_and_go(_: &Machine) {
    let told = told("fixtures/lab/roots.sh", "500");
    assert!(told["volatile"] >= 500, "{told:?}");
    assert!(told["persistent"] >= told["volatile"] + 500, "{told:?}");
    assert!(told["stored"] >= told["persistent"] + 1000, "{told:?}");
    assert_eq!(told["followed"], told["stored"], "{told:?}");
}
