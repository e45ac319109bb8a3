//! The program on journals that are damaged, absent or late, and with a cursor's file that cannot be used.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::sample_journal;

/// Long enough for two looks for new files.
const LOOKS: Duration = Duration::from_millis(3500);

/// Runs the program in `folder`; while it follows, `meanwhile` happens, and Ctrl-C ends it.
fn run(folder: &Path, args: &[&str], meanwhile: impl FnOnce()) -> (i32, String, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(["--role", "control-plane"])
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if args.contains(&"-f") {
        sleep(LOOKS);
        meanwhile();
        let pid = child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
    }
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// What a file is called and holds beside a whole journal, and whether it is said, as a fault of the run.
const BESIDE: &[(&str, &[u8], Option<bool>)] = &[
    ("system@1.journal", &[0; 8192], Some(true)),
    // journald has put it aside: no run can read it, and nothing is expected of it.
    (
        "system@1.journal~",
        b"\x93\x10garbage that is no header",
        Some(false),
    ),
    ("system@1.journal~", b"", Some(false)),
    ("user-1000@1.journal~", &[0; 8192], Some(false)),
    ("system@1.journal~", b"LPKSHHRH\0\0", Some(false)),
    ("system@1.journal", b"", Some(true)),
    ("user-1000.journal", &[0; 8192], Some(true)),
    // journald writes the header of a file that it has just made.
    ("user-1000.journal", b"", None),
    ("fss", b"KSHHRHLP", None),
    (".#tmp", b"", None),
];

#[test]
fn a_journal_without_its_header_is_said() {
    for (name, content, is_fault) in BESIDE {
        let folder = tempfile::tempdir().unwrap();
        let journals = folder.path().join("journals");
        fs::create_dir(&journals).unwrap();
        fs::write(journals.join("system.journal"), sample_journal()).unwrap();
        let (whole, ..) = run(folder.path(), &["journals"], || {});
        fs::write(journals.join(name), content).unwrap();
        for args in [&["journals"][..], &["-f", "journals"]] {
            let (code, out, said) = run(folder.path(), args, || {});
            let told = said.matches("its header is destroyed").count();
            assert_eq!(
                told,
                usize::from(is_fault.is_some()),
                "{name} {args:?}: {said}"
            );
            let expected = if *is_fault == Some(true) { 2 } else { whole };
            assert_eq!(code, expected, "{name} {args:?}");
            assert!(!out.starts_with("No drop lines"), "{out}");
        }
    }
    // An empty one by itself, and one alone in a directory, whether put aside or not.
    for (name, content, why) in [
        ("system.journal", &b""[..], "it is empty"),
        ("system@1.journal~", b"", "its header is destroyed"),
        (
            "system@1.journal~",
            b"no header\0\0",
            "its header is destroyed",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("alone")).unwrap();
        let path = format!("alone/{name}");
        fs::write(folder.path().join(&path), content).unwrap();
        for args in [[&*path], ["alone"]] {
            let (code, out, said) = run(folder.path(), &args, || {});
            assert_eq!((code, &*out), (2, ""), "{args:?}: {said}");
            assert!(said.contains(why), "{args:?}: {said}");
        }
    }
    // By itself too.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("system@1.journal"), [0; 8192]).unwrap();
    for args in [&["system@1.journal"][..], &["-f", "system@1.journal"]] {
        let (code, out, said) = run(folder.path(), args, || {});
        assert!(
            code == 2 && said.contains("its header is destroyed"),
            "{said}"
        );
        assert_eq!(out, "");
    }
    let (code, out, said) = run(folder.path(), &["-f", "."], || {});
    assert!(
        code == 2 && said.contains("its header is destroyed"),
        "{said}"
    );
    assert!(!out.contains("No drop lines"), "{out}");
}

#[test]
fn a_journal_may_come_late_and_none_is_no_all_clear() {
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("journals");
    fs::create_dir(&journals).unwrap();
    let (code, out, said) = run(folder.path(), &["-f", "journals"], || {});
    assert_eq!(code, 2, "{out}");
    assert!(
        said.contains("there is no journal in `journals`; it is waited for"),
        "{said}"
    );
    assert!(said.contains("no journal came into `journals`"), "{said}");
    assert!(!out.contains("No drop lines"), "{out}");
    let (code, out, said) = run(folder.path(), &["-f", "journals"], || {
        fs::write(journals.join("system.journal"), sample_journal()).unwrap();
        sleep(LOOKS);
    });
    assert!(code != 2 && said.contains("it is waited for"), "{said}");
    assert!(
        !said.contains("no journal came") && out.contains("drop"),
        "{out}{said}"
    );
}

#[test]
fn a_cursor_that_cannot_be_kept_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("journals");
    fs::create_dir(&journals).unwrap();
    fs::write(journals.join("system.journal"), sample_journal()).unwrap();
    fs::write(folder.path().join("kernel.log"), "a log\n").unwrap();
    for (cursor, why) in [
        (
            "no/cursor",
            "`no` is no directory; make it, or name a file in another",
        ),
        ("journals", "it is a directory; name a file in it"),
        (
            "kernel.log",
            "it holds no cursor; remove it to begin anew, or name another file",
        ),
        ("/dev/null", "it is no file; name one that may be replaced"),
    ] {
        let args = ["-f", "--cursor-file", cursor, "journals"];
        let (code, out, said) = run(folder.path(), &args, || {});
        assert_eq!((code, &*out), (2, ""), "{said}");
        assert_eq!(said, format!("dropsift: --cursor-file `{cursor}`: {why}\n"));
    }
}

#[test]
fn a_cursor_goes_on_begins_anew_after_a_power_cut_and_is_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("journals");
    fs::create_dir(&journals).unwrap();
    fs::write(journals.join("system.journal"), sample_journal()).unwrap();
    let args = ["-f", "--cursor-file", "cursor", "journals"];
    let lines = |said: &str| {
        said.lines()
            .last()
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    let mut second = None;
    let (_, _, said) = run(folder.path(), &args, || {
        second = Some(run(folder.path(), &args, || {}));
    });
    assert_eq!(lines(&said), "10", "{said}");
    let (code, _, refused) = second.unwrap();
    assert!(
        code == 2 && refused.contains("another run uses it"),
        "{refused}"
    );
    let (_, _, said) = run(folder.path(), &args, || {});
    assert_eq!(lines(&said), "0", "{said}");
    fs::write(folder.path().join("cursor"), [0; 300]).unwrap();
    let (_, _, said) = run(folder.path(), &args, || {});
    assert!(said.contains("--cursor-file is damaged"), "{said}");
    assert_eq!(lines(&said), "10", "{said}");
}

/// A folder that takes nothing for a while does not end the watching.
#[test]
fn a_cursor_that_cannot_be_written_for_a_while_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [journals, kept, aside] =
        ["journals", "kept", "aside"].map(|name| folder.path().join(name));
    fs::create_dir(&journals).unwrap();
    fs::create_dir(&kept).unwrap();
    let come = |number: u8| {
        fs::write(
            journals.join(format!("system@{number}.journal")),
            sample_journal(),
        )
        .unwrap();
    };
    let args = ["-f", "--cursor-file", "kept/cursor", "journals"];
    for comes_back in [true, false] {
        let (code, _, said) = run(folder.path(), &args, || {
            fs::rename(&kept, &aside).unwrap();
            come(1);
            sleep(LOOKS);
            if comes_back {
                fs::rename(&aside, &kept).unwrap();
                sleep(LOOKS);
            }
        });
        assert!(said.contains("`kept` is no directory"), "{said}");
        assert_eq!(said.contains("is written again"), comes_back, "{said}");
        assert_eq!(code == 2, !comes_back, "{said}");
        assert!(
            said.lines()
                .last()
                .is_some_and(|last| last.contains("`kept`") || last.starts_with("10 lines")),
            "{said}"
        );
        fs::remove_file(journals.join("system@1.journal")).unwrap();
        let _ = fs::remove_file(kept.join("cursor"));
    }
}
