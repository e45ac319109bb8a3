//! Standard streams that are closed or full, folders without room, and what is left behind.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::{SYN, dropsift};

/// Runs `script` with the program as `$0` in a folder that has `kernel.log`: exit code, stdout, stderr.
fn sh(script: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kernel.log"), SYN).unwrap();
    // Behind a command of its own, so that the shell stays the parent.
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("{script}\nexit $?"),
            env!("CARGO_BIN_EXE_dropsift"),
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_stream_is_no_empty_one() {
    for (script, said) in [
        (
            "\"$0\" --year 2026 kernel.log >&-",
            "standard output is closed",
        ),
        ("\"$0\" ports >&-", "standard output is closed"),
        ("\"$0\" <&-", "standard input is closed"),
        ("\"$0\" - <&-", "standard input is closed"),
        ("\"$0\" rules <&-", "standard input is closed"),
        ("\"$0\" audit - <&-", "standard input is closed"),
        ("\"$0\" explain <&-", "standard input is closed"),
    ] {
        let (code, _, stderr) = sh(script);
        assert_eq!(code, 2, "{script}: {stderr}");
        assert!(stderr.contains(said), "{script}: {stderr}");
    }
    for (script, expected) in [
        ("\"$0\" --year 2026 kernel.log <&-", 1),
        ("\"$0\" --year 2026 kernel.log >/dev/null", 1),
        ("\"$0\" --year 2026 kernel.log >/dev/null 2>&-", 1),
        ("\"$0\" </dev/null", 0),
    ] {
        let (code, _, stderr) = sh(script);
        assert_eq!(code, expected, "{script}: {stderr}");
    }
}

#[test]
fn a_file_that_may_not_grow_is_said() {
    let (code, _, stderr) = sh("ulimit -f 0; \"$0\" --year 2026 kernel.log > report");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("the file may not grow larger"), "{stderr}");
}

#[test]
fn a_folder_for_temporary_files_that_is_missing_is_named() {
    for script in [
        "cat kernel.log | TMPDIR=/nowhere \"$0\" simulate --with-suggested --rules kernel.log -",
        "printf 'PK\\003\\004rest' | TMPDIR=/nowhere \"$0\" -",
        "printf 'PK\\003\\004rest' | TMPDIR=/nowhere \"$0\"",
    ] {
        let (code, stdout, stderr) = sh(script);
        assert_eq!(code, 2, "{script}: {stderr}");
        assert!(
            stderr.contains("`/nowhere`") && stderr.contains("TMPDIR"),
            "{script}: {stderr}"
        );
        assert_eq!(stdout, "", "{script}");
    }
}

/// Whatever signal ends it, no file stays.
#[test]
#[cfg(unix)]
fn simulate_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-KILL", "-TERM", "-INT"] {
        let mut child = dropsift()
            .args(["simulate", "--with-suggested", "--rules", "/dev/null", "-"])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(SYN.repeat(1000).as_bytes()).unwrap();
        sleep(Duration::from_millis(200));
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        // Where the tests were started without SIGINT, as in the background of a shell, it ends with its input.
        drop(stdin);
        child.wait().unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{signal}: {left:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_name_that_is_no_text_can_be_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = |ending: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(ending));
    let chain = name(b"chain\xff.save");
    fs::copy(
        root.join("fixtures/cli/report/in-force-text/chain.save"),
        &chain,
    )
    .unwrap();
    let log = name(b"kernel\xff.log");
    fs::write(&log, SYN).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .arg("audit")
        .arg(&chain)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let output = dropsift().arg(&log).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
