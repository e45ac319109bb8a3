//! A journal that journald itself writes, followed through rotation, flush, vacuum, a restart, a new boot, and a kill of the
//! tool.

use std::collections::BTreeMap;
use std::process::Command;

use crate::machine::Machine;

/// Messages that are written in each part.
const MESSAGES: &str = "20000";

/// Each entry that journald stored was met once; a run that was killed in the flood is taken up where its cursor stands.
pub(crate) fn every_entry_is_met_once(_: &Machine) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "bash", "fixtures/lab/follow.sh"])
        .arg(env!("CARGO_BIN_EXE_dropsift"))
        .arg(folder.path())
        .arg(MESSAGES)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let told: BTreeMap<String, u64> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, number)| (name.to_owned(), number.parse().unwrap()))
        .collect();
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
