//! `--journal -f`: journals are read in this process, and where that stands is kept.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::args::ReportArgs;
use super::cursor;
use super::filters::Filter;
use super::refusal::fault;
use super::session::Session;
use super::signals::Interrupts;
use super::{Exit, complain, follow, say};
use crate::analyze::Analysis;
use crate::error::Error;
use crate::input::source::{JournalFollow, Options, local_journals};
use crate::report::Style;

/// How often the journals are looked at. A look at one that has nothing new reads its header.
const LOOK: Duration = Duration::from_millis(50);
/// How often the folders are looked at for new files.
const FIND: Duration = Duration::from_secs(1);
/// How often the cursor is written at most.
const SAVE: Duration = Duration::from_secs(1);

/// Follows the journals of this machine or of a directory, up to Ctrl-C.
///
/// # Errors
/// If no journal can be read, if the cursor cannot be read or written, or if stdout cannot be written to.
pub(super) fn run(
    args: &ReportArgs,
    options: &Options,
    analysis: Analysis,
    style: Style,
) -> Result<Exit, Error> {
    let filter = Filter::new(&args.shared.filters)?;
    let interrupts = Interrupts::open().ok();
    if interrupts.is_none() {
        say("dropsift: cannot handle Ctrl-C: it will end the run without a report");
    }
    let (path, folders, boot) = match &args.read.inputs[..] {
        // Without --since, what an earlier boot logged is over.
        [] => {
            let boot = if options.since.is_none() {
                this_boot()
            } else {
                None
            };
            (Path::new(""), local_journals(), boot)
        }
        [folder, ..] => (folder.as_path(), machines(folder), None),
    };
    let cursor_file = args.cursor_file.as_deref();
    let cursor = cursor_file.map(cursor::read).transpose()?.flatten();
    let told = (args.shared.judging.now.as_ref()).map(|_| options.reading.reference);
    let mut session = ManuallyDrop::new(Session::new(args, filter, style, analysis, path, told)?);
    session.act(Instant::now())?;
    let (mut journals, mut summary, errors) =
        JournalFollow::start(folders, boot, cursor, options, &mut |event| {
            session.take(event);
        });
    let mut exit = Exit::Clean;
    for error in &errors {
        session.clear();
        complain(&fault(error));
        exit = Exit::Trouble;
    }
    if !summary.known {
        return Ok(Exit::Trouble);
    }
    session.set_lines(journals.lines());
    session.hear()?;
    session.open();
    let (mut found, mut saved) = (Instant::now(), None::<Instant>);
    let mut kept = None;
    loop {
        let now = Instant::now();
        session.act(now)?;
        if let Some(path) = cursor_file
            && session.has_told_all()
            && saved.is_none_or(|saved| now - saved >= SAVE)
        {
            let cursor = journals.cursor();
            if kept.as_ref() != Some(&cursor) {
                cursor::write(path, &cursor)?;
                kept = Some(cursor);
            }
            saved = Some(now);
        }
        let due = session
            .due()
            .map_or(LOOK, |due| due.saturating_duration_since(now));
        if wait(interrupts.as_ref(), due.min(LOOK)) {
            break;
        }
        let finds = now - found >= FIND;
        if finds {
            found = now;
        }
        loop {
            let look = journals.look(finds, &mut |event| session.take(event));
            for error in &look.errors {
                session.clear();
                complain(&fault(error));
                exit = Exit::Trouble;
            }
            session.set_up(journals.is_up());
            if look.is_news {
                session.set_lines(journals.lines());
                session.hear()?;
            }
            if !look.is_more {
                break;
            }
            session.act(Instant::now())?;
        }
    }
    summary.lines = journals.lines();
    let exit = follow::end(args, path, &summary, exit, &mut session)?;
    if let Some(path) = cursor_file {
        cursor::write(path, &journals.cursor())?;
    }
    Ok(exit)
}

/// Waits; whether a signal came that ends the run.
fn wait(interrupts: Option<&Interrupts>, within: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut waits: Vec<PollFd<'_>> = interrupts
        .map(|pipe| PollFd::new(pipe, PollFlags::IN))
        .into_iter()
        .collect();
    // Where waiting fails, there is nothing to wait for but the next look.
    poll(&mut waits, Timespec::try_from(within).ok().as_ref()).is_ok_and(|ready| ready > 0)
}

/// Returns the folder, and those in it that are of a machine each, as in /var/log/journal.
fn machines(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let inner = std::fs::read_dir(folder).into_iter().flatten().flatten();
    folders.extend(inner.map(|entry| entry.path()).filter(|path| path.is_dir()));
    folders.sort();
    folders
}

/// Returns the ID of this boot, as the kernel has it.
fn this_boot() -> Option<u128> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    u128::from_str_radix(&text.trim().replace('-', ""), 16).ok()
}
