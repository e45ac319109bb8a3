//! Reading that fails in mid-file, is interrupted, or finds less than there was.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::process::Stdio;

use dropsift::input::source::{read_file, read_stream};

use super::{SYN, dropsift};
use crate::support::{Seen, drop_line, options, pack, sample_journal};

/// Returns a log of `lines` drop lines, each a second later.
fn log(lines: usize) -> String {
    let line = |n: usize| {
        let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
        format!(
            "Apr 22 {hour:02}:{minute:02}:{second:02}.000001 harvester1 kernel: {}\n",
            drop_line(n)
        )
    };
    (0..lines).map(line).collect()
}

/// Returns the same log in each compression whose tool is installed, and a journal.
fn packings(log: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("plain", log.as_bytes().to_vec()),
        ("journal", sample_journal()),
    ];
    for tool in ["gzip -c", "xz -c", "zstd -c", "bzip2 -c", "zip -q - -"] {
        all.extend(pack(&[tool], log.as_bytes()).map(|packed| (tool, packed)));
    }
    all
}

/// A reader that fails in the ways that a system call may.
struct Failing {
    bytes: Cursor<Vec<u8>>,
    /// The most that comes at once.
    step: usize,
    /// Whether each read is interrupted first.
    interrupted: bool,
    /// Offset at which the device fails.
    breaks: u64,
    calm: bool,
}

impl Read for Failing {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        self.calm = !self.calm;
        if self.interrupted && self.calm {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let left = self.breaks.saturating_sub(self.bytes.position());
        if left == 0 {
            // EIO.
            return Err(io::Error::from_raw_os_error(5));
        }
        let most = block
            .len()
            .min(self.step)
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        self.bytes.read(&mut block[..most])
    }
}

fn read(bytes: &[u8], step: usize, interrupted: bool, breaks: u64) -> Seen {
    let reader = Failing {
        bytes: Cursor::new(bytes.to_vec()),
        step,
        interrupted,
        breaks,
        calm: false,
    };
    Seen::of(|sink| read_stream("kernel.log", reader, &options(), sink))
}

#[test]
fn an_interruption_is_sat_out() {
    for (name, bytes) in packings(&log(300)) {
        let calm = read(&bytes, usize::MAX, false, u64::MAX);
        assert!(calm.drops.len() >= 5 && calm.errors.is_empty(), "{name}");
        for step in [1, 1000] {
            let disturbed = read(&bytes, step, true, u64::MAX);
            assert_eq!(disturbed.told(), calm.told(), "{name} in steps of {step}");
        }
    }
}

#[test]
fn what_came_before_a_device_broke_counts() {
    for (name, bytes) in packings(&log(3000)) {
        let whole = read(&bytes, usize::MAX, false, u64::MAX);
        // A journal is larger than its objects, and begins with tables: its header has the offset of the last object.
        let breaks = match name {
            "journal" => u64::from_le_bytes(bytes[136..144].try_into().unwrap()) - 2000,
            _ => bytes.len() as u64 * 3 / 4,
        };
        let broken = read(&bytes, 4096, false, breaks);
        // For an archive, the missing members are reported as well.
        let error = broken.errors.first().unwrap();
        assert!(
            error.starts_with("cannot read `kernel.log"),
            "{name}: {error}"
        );
        assert!(
            error.to_lowercase().contains("input/output error"),
            "{name}: {error}"
        );
        assert!(
            error.contains("counts") || error.contains("as far as it goes"),
            "{name}: {error}"
        );
        let drops = broken.drops.len();
        assert!(
            drops < whole.drops.len() || name == "journal",
            "{name}: all was read"
        );
        // The last one may be cut.
        let sure = drops.saturating_sub(1);
        assert!(
            broken.drops[..sure] == whole.drops[..sure],
            "{name}: other lines came"
        );
        // The log is a single block of these formats, and nothing of a partial block can be unpacked; a zip that was
        // written to a pipe has the sizes of its files only behind them.
        let nothing = ["bzip2", "zstd", "xz", "zip"];
        let blocks = nothing.iter().any(|tool| name.starts_with(tool));
        assert!(drops > 0 || blocks, "{name}: nothing came");
    }
}

/// A terminal whose other side hangs up returns the bytes written, and then EIO.
#[test]
fn a_device_that_breaks_is_told_with_what_to_do() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    for args in [
        &["-", "--no-follow", "-o", "json"][..],
        &["-", "-o", "json"],
        &["-", "-f", "-o", "json"],
    ] {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let mut slave = File::options()
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let child = dropsift()
            .args(args)
            .stdin(Stdio::from(master))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        io::Write::write_all(&mut slave, SYN.as_bytes()).unwrap();
        drop(slave);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains("input/output error; what came before counts; read a copy"),
            "{args:?}: {said}"
        );
        let text = String::from_utf8_lossy(&output.stdout);
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let report = if last["report"].is_null() {
            &last
        } else {
            &last["report"]
        };
        assert_eq!(report["tally"]["drops"], 1, "{args:?}: {said}");
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    // Read in a row, and in stripes by two threads.
    for (lines, most) in [(8_000, 0.9), (48_000, 0.9)] {
        let path = folder.path().join("kernel.log");
        fs::write(&path, log(lines)).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        let file = File::options().write(true).open(&path).unwrap();
        let mut cut = false;
        let seen = Seen::of(|sink| {
            read_file(&path, &options(), &mut |item| {
                let dropped = matches!(item, dropsift::input::event::LogEvent::Drops(_));
                sink(item);
                // After the first line was judged, the rest of the file goes.
                if dropped && !std::mem::replace(&mut cut, true) {
                    file.set_len(size / 8).unwrap();
                }
            })
        });
        let [error] = &seen.errors[..] else {
            panic!("{lines} lines: {:?}", seen.errors);
        };
        assert!(error.contains("it was cut while it was read"), "{error}");
        assert!(error.contains("read a copy of it"), "{error}");
        let drops = seen.drops.len();
        assert!(
            drops > 0 && (drops as f64) < lines as f64 * most,
            "{drops} of {lines}"
        );
        // The place of the cut may part a line.
        assert!(
            seen.summary.lines - drops as u64 <= 1,
            "{drops} of {}",
            seen.summary.lines
        );
    }
}

#[test]
fn a_file_that_grows_or_stays_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel.log");
    fs::write(&path, log(8_000)).unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    let mut grown = false;
    let seen = Seen::of(|sink| {
        read_file(&path, &options(), &mut |item| {
            sink(item);
            if !std::mem::replace(&mut grown, true) {
                io::Write::write_all(&mut file, log(10).as_bytes()).unwrap();
            }
        })
    });
    assert_eq!(
        (seen.drops.len(), seen.errors.len()),
        (8_010, 0),
        "{:?}",
        seen.errors
    );
    // Files of the system tell a size that they have not.
    let seen = Seen::of(|sink| read_file("/sys/kernel/uevent_seqnum".as_ref(), &options(), sink));
    assert!(
        seen.errors.is_empty() || !fs::exists("/sys/kernel/uevent_seqnum").unwrap(),
        "{:?}",
        seen.errors
    );
}

#[test]
#[cfg(unix)]
fn a_link_that_leads_nowhere_is_said_with_its_target() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("gone.log", folder.path().join("kern.log")).unwrap();
    for args in [
        &["kern.log"][..],
        &["-f", "kern.log"],
        &["-f", "./kern.log"],
    ] {
        let output = dropsift()
            .args(args)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("it is a link to `gone.log`, which is not there; name")
                && !said.contains("did you mean"),
            "{said}"
        );
    }
}
