//! Standard streams that were closed before the program began. The runtime opens `/dev/null` in their place, so that
//! a closed standard input would look like an empty log, and a report to a closed standard output would be lost without
//! a message.

use crate::error::Error;

/// Refuses to read a standard input that is closed.
///
/// # Errors
/// If it is.
pub(super) fn check_stdin() -> Result<(), Error> {
    if was_closed(0) {
        return Err(Error::Usage(
            "standard input is closed, so there is no log in it; name a file, or pipe a log into it".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses to write to a standard output that is closed.
///
/// # Errors
/// If it is.
pub(super) fn check_stdout() -> Result<(), Error> {
    if was_closed(1) {
        return Err(Error::Usage(
            "standard output is closed, so nobody would see the answer; run it without `>&-`, or write to a file".to_owned(),
        ));
    }
    Ok(())
}

/// Whether the runtime has put `/dev/null` in the place of a standard stream. It opens it for reading and writing, as no
/// shell's redirection does. So do some parents (see [`OPEN_IT_SO`]) and daemons, which have it themselves; where the parent
/// cannot be looked at, nothing is said.
#[cfg(target_os = "linux")]
fn was_closed(stream: u8) -> bool {
    if is_null("/proc/self", stream) != Some(true) {
        return false;
    }
    let parent = format!("/proc/{}", std::os::unix::process::parent_id());
    let Ok(name) = std::fs::read_to_string(format!("{parent}/comm")) else {
        return false;
    };
    !OPEN_IT_SO.iter().any(|program| name.starts_with(program))
        && is_null(&parent, stream) == Some(false)
}

#[cfg(not(target_os = "linux"))]
const fn was_closed(_: u8) -> bool {
    false
}

/// Programs that give their children a `/dev/null` for reading and writing: `subprocess.DEVNULL`, and `stdio: "ignore"` of
/// libuv.
#[cfg(target_os = "linux")]
const OPEN_IT_SO: [&str; 3] = ["python", "pypy", "node"];

/// Whether a stream of a process is `/dev/null`, open for reading and writing; `None` where `/proc` does not permit the
/// look.
#[cfg(target_os = "linux")]
fn is_null(process: &str, stream: u8) -> Option<bool> {
    let is_absent = |why: &std::io::Error| why.kind() == std::io::ErrorKind::NotFound;
    match std::fs::read_link(format!("{process}/fd/{stream}")) {
        Ok(target) if target.as_os_str() == "/dev/null" => {}
        Ok(_) => return Some(false),
        Err(why) => return is_absent(&why).then_some(false),
    }
    let info = std::fs::read_to_string(format!("{process}/fdinfo/{stream}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    // O_RDWR of O_ACCMODE.
    Some(flags.trim().ends_with('2'))
}
