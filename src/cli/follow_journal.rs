//! `--journal -f`: journals are read in this process, and where that stands is kept.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::args::ReportArgs;
use super::cursor::{CursorFile, Found};
use super::filters::Filter;
use super::follow;
use super::input::Input;
use super::refusal::fault;
use super::session::Session;
use super::signals::Interrupts;
use super::watch::Watch;
use super::{Exit, complain, say};
use crate::analyze::Analysis;
use crate::error::{Error, printable};
use crate::input::event::LogEvent;
use crate::input::source::{JournalFollow, LOCAL_JOURNAL, Options, local_journals};
use crate::report::Style;
use crate::time::Time;

/// How often the journals are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is asked whether there are new entries, which reads the header of each file that is written to. inotify is of
/// no use: journald writes to mapped memory, and tells of it 250 ms later (systemd, `POST_CHANGE_TIMER_INTERVAL_USEC`).
const GLANCE: Duration = Duration::from_millis(4);
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
    // Without --since, what an earlier boot of this machine logged is over.
    let (path, boot) = match &args.read.inputs[..] {
        [] if options.since.is_none() => (Path::new(""), this_boot()),
        [] => (Path::new(""), None),
        [folder, ..] => (folder.as_path(), None),
    };
    let opened = args
        .cursor_file
        .as_deref()
        .map(CursorFile::open)
        .transpose()?;
    let (mut kept, found) = opened.unzip();
    let (boot, cursor) = match found {
        Some(Found::Cursor(cursor)) => (boot, Some(cursor)),
        // What was not read since may be of an earlier boot.
        Some(Found::Damaged) => {
            complain(
                "--cursor-file is damaged, as a power cut leaves it: all that the journals hold is read anew, part of it \
                 perhaps for a second time",
            );
            (None, None)
        }
        Some(Found::Nothing) | None => (boot, None),
    };
    let sources = [path.to_owned()];
    let mut session = ManuallyDrop::new(Session::new(
        args,
        filter,
        style,
        analysis,
        &sources,
        options.reading,
    )?);
    let mut input = Input::new(path);
    session.act(Instant::now(), std::slice::from_ref(&input))?;
    let never = AtomicBool::new(false);
    let stop = interrupts.as_ref().map_or(&never, Interrupts::flag);
    let (mut journals, summary, errors) = session.account(&mut input, |session| {
        let mut sink = |event: LogEvent<'_>| session.take(event);
        JournalFollow::start(folders(args), boot, cursor, options, stop, &mut sink)
    });
    input.summary = summary;
    let mut exit = Exit::Clean;
    for error in &errors {
        session.clear();
        complain(&fault(error));
        if !error.is_aside() {
            input.error.get_or_insert_with(|| error.to_string());
            exit = Exit::Trouble;
        }
    }
    if !summary.known {
        // Where nothing can be read, only a form for programs has a report.
        if args.renderer().always {
            return follow::end(args, &[input], exit, &mut session);
        }
        return Ok(Exit::Trouble);
    }
    session.set_lines(journals.lines());
    input.is_up = journals.is_up();
    if journals.lines() > 0 {
        input.hear();
    }
    session.hear()?;
    session.open();
    let (mut found, mut saved) = (Instant::now(), None::<Instant>);
    let mut unsaved = None::<String>;
    if journals.is_cut() {
        session.clear();
        let unread = match journals.last() {
            Time(0) => "nothing".to_owned(),
            last => format!("nothing logged after {last}"),
        };
        complain(&format!(
            "{unread} was read, since the run was stopped; a next one with --cursor-file reads on, else run again for all of it"
        ));
        let exit = follow::end(args, &[input], exit, &mut session)?;
        // Where nothing was read that counts, the next run begins anew.
        let has_read = !journals.cursor().positions.is_empty();
        return Ok(keep(kept.as_mut().filter(|_| has_read), &journals, exit));
    }
    if !journals.has_journal() {
        session.clear();
        complain(&format!(
            "there is no journal in {}; it is waited for until one comes (Ctrl-C ends)",
            named(path)
        ));
    }
    'run: loop {
        let now = Instant::now();
        session.act(now, std::slice::from_ref(&input))?;
        if let Some(file) = &mut kept
            && session.has_told_all()
            && saved.is_none_or(|saved| now - saved >= SAVE)
        {
            // The log is watched all the same, and the cursor written once that is possible again.
            let why = file
                .save(journals.cursor())
                .err()
                .map(|why| why.to_string());
            if why != unsaved {
                session.clear();
                complain(&match &why {
                    Some(why) => {
                        format!("{why}; until then a next run reads again what this one has told")
                    }
                    None => "--cursor-file is written again".to_owned(),
                });
                unsaved = why;
            }
            saved = Some(now);
        }
        let due = session
            .due()
            .map_or(LOOK, |due| due.saturating_duration_since(now));
        if waits(&journals, interrupts.as_ref(), due.min(LOOK)) {
            break;
        }
        let finds = now - found >= FIND;
        if finds {
            found = now;
            journals.set_folders(folders(args));
        }
        loop {
            let look = session.account(&mut input, |session| {
                journals.look(finds, &mut |event| session.take(event))
            });
            for error in &look.errors {
                session.clear();
                complain(&fault(error));
                if !error.is_aside() {
                    input.error.get_or_insert_with(|| error.to_string());
                    exit = Exit::Trouble;
                }
            }
            if input.is_up != journals.is_up() {
                input.is_up = journals.is_up();
                session.note_change();
            }
            if look.is_news {
                input.summary.lines = journals.lines();
                input.hear();
                session.set_lines(journals.lines());
                session.hear()?;
            }
            if !look.is_more {
                break;
            }
            if Watch::default().wait(interrupts.as_ref(), Duration::ZERO) {
                session.clear();
                complain(&format!(
                    "what was logged after {} was not read, since the run was stopped; a next one with --cursor-file reads on, \
                     else give it --since",
                    journals.last()
                ));
                break 'run;
            }
            session.act(Instant::now(), std::slice::from_ref(&input))?;
        }
    }
    if !journals.has_journal() {
        let why = format!(
            "no journal came into {}; name the directory of one",
            named(path)
        );
        complain(&why);
        input.error.get_or_insert(why);
        exit = Exit::Trouble;
    }
    let exit = follow::end(args, &[input], exit, &mut session)?;
    Ok(keep(kept.as_mut(), &journals, exit))
}

/// Writes the cursor at the end of the run.
fn keep(file: Option<&mut CursorFile>, journals: &JournalFollow, exit: Exit) -> Exit {
    match file.map(|file| file.save(journals.cursor())) {
        Some(Err(why)) => {
            complain(&fault(&why));
            Exit::Trouble
        }
        Some(Ok(())) | None => exit,
    }
}

/// Names what is followed.
fn named(path: &Path) -> String {
    match path.to_str() {
        Some("") => LOCAL_JOURNAL.to_owned(),
        _ => format!("`{}`", printable(&path.display().to_string())),
    }
}

/// Waits for new entries, at most for `within`. Returns whether a signal came that ends the run.
fn waits(journals: &JournalFollow, interrupts: Option<&Interrupts>, within: Duration) -> bool {
    let until = Instant::now() + within;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || journals.has_news() {
            return false;
        }
        if Watch::default().wait(interrupts, left.min(GLANCE)) {
            return true;
        }
    }
}

/// Returns the folders of the journals that are followed, as of now: a machine may get another ID, and a directory of
/// journals another machine.
fn folders(args: &ReportArgs) -> Vec<PathBuf> {
    match &args.read.inputs[..] {
        [] => local_journals(),
        [folder, ..] => machines(folder),
    }
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
