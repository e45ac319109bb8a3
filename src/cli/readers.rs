//! Readers of a live run: the threads that read its inputs, or what is done where none can be started.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::complain;
#[cfg(unix)]
use super::signals::Interrupts;
use super::tail::{GROWTH, Tail};
use super::wake::{Told, Wake};
use super::watch::Watch;
use crate::error::{Error, printable};
use crate::input::source::{BLOCK, Live, Options, Room, Spool, is_broken_journal, peel};

/// Bytes read at once: more than of a file, because the writer is woken for each block.
const AT_ONCE: usize = 2 * BLOCK;

/// Inputs that are open, by their numbers.
pub(super) struct Opened {
    /// Files, which may grow.
    files: Vec<(u32, Tail)>,
    /// Files that hold something else than the lines of a log, which are read once.
    whole: Vec<(u32, File)>,
    /// Standard input, and pipes, which are opened by their readers: that blocks until a writer opens them.
    pipes: Vec<(u32, PathBuf)>,
    watch: Watch,
}

impl Opened {
    /// Opens the files among `paths`.
    ///
    /// # Errors
    /// If one is not there, or cannot be opened.
    pub(super) fn all(paths: &[PathBuf], options: &Options) -> Result<Self, Error> {
        let mut opened = Self {
            files: Vec::new(),
            whole: Vec::new(),
            pipes: Vec::new(),
            watch: Watch::new(),
        };
        for (number, path) in (0..).zip(paths) {
            let named = |why| Error::Input {
                name: path.display().to_string(),
                why,
            };
            let is_pipe = path.as_os_str() == "-" || {
                let meta = std::fs::metadata(path).map_err(named)?;
                !meta.is_file() && !meta.is_dir()
            };
            if is_pipe {
                opened.pipes.push((number, path.clone()));
            } else if !is_lines(path, options).map_err(named)? {
                let file = File::open(path).map_err(named)?;
                opened.whole.push((number, file));
            } else {
                opened.watch.add(path);
                opened
                    .files
                    .push((number, Tail::open(path).map_err(named)?));
            }
        }
        Ok(opened)
    }

    /// Whether one thread can read all of them.
    fn is_for_one(&self) -> bool {
        self.pipes.len() + self.whole.len() + usize::from(!self.files.is_empty()) == 1
    }

    /// Says which files are not followed.
    pub(super) fn announce(&self, paths: &[PathBuf]) {
        for (number, _) in &self.whole {
            let path = &paths[*number as usize];
            complain(&format!(
                "`{}` is packed, in UTF-16, or no log of lines, to which nothing is added: it is read once, and not followed. Follow \
                 the log that it was made of",
                printable(&path.display().to_string())
            ));
        }
    }
}

/// Whether a file holds the lines of a log as they are, or nothing so far.
fn is_lines(path: &Path, options: &Options) -> io::Result<bool> {
    let name = path.display().to_string();
    let is_lines = |live| matches!(live, Live::Plain(head, _) if !is_broken_journal(&name, &head));
    peel(File::open(path)?, options).map(is_lines)
}

/// Blocks that may be used again.
type Spare = Arc<Mutex<Receiver<Room>>>;

fn next_room(spare: &Spare) -> Room {
    let spare = spare.lock().unwrap_or_else(PoisonError::into_inner);
    spare.try_recv().unwrap_or_default()
}

/// Starts the threads that read the inputs. Returns `false` where one would be enough, and cannot be started.
///
/// # Errors
/// If several are needed, and cannot be started.
pub(super) fn start(
    opened: Opened,
    options: &Options,
    send: &SyncSender<Told>,
    spare: Receiver<Room>,
) -> Result<bool, Error> {
    let spare = Arc::new(Mutex::new(spare));
    let is_for_one = opened.is_for_one();
    let mut work: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for (number, path) in opened.pipes {
        let (send, spare, options) = (send.clone(), Arc::clone(&spare), options.clone());
        let own = move || match if path.as_os_str() == "-" {
            peeled(&options, is_for_one)
        } else {
            let tail = Tail::open(&path).map(|tail| Peeled::Lines(Box::new(tail)));
            tail.unwrap_or_else(|why| Peeled::Wake(Wake::Failed(why)))
        } {
            Peeled::Wake(wake) => drop(send.send((number, wake))),
            Peeled::Lines(mut lines) => pump(&mut lines, number, &send, &spare),
        };
        work.push(Box::new(own));
    }
    for (number, file) in opened.whole {
        let send = send.clone();
        work.push(Box::new(move || {
            drop(send.send((number, Wake::Whole(file))));
        }));
    }
    if !opened.files.is_empty() {
        let (files, watch, send) = (opened.files, opened.watch, send.clone());
        work.push(Box::new(move || follow(files, &watch, &send, &spare)));
    }
    for own in work {
        match thread::Builder::new().spawn(own) {
            Ok(_) => {}
            Err(_) if is_for_one => return Ok(false),
            Err(_) => return Err(too_few()),
        }
    }
    Ok(true)
}

/// Returns the error for pipes that would each need a thread.
fn too_few() -> Error {
    Error::Usage(
        "no thread can be started for each pipe (`ulimit -u`, TasksMax= of systemd); follow one input at a time"
            .to_owned(),
    )
}

/// Sends what comes to each of `files`, a block of each in turn.
fn follow(mut files: Vec<(u32, Tail)>, watch: &Watch, to: &SyncSender<Told>, spare: &Spare) {
    let mut room = None;
    while !files.is_empty() {
        let mut is_quiet = true;
        let mut failed = None;
        for (number, tail) in &mut files {
            let mut block = room.take().unwrap_or_else(|| next_room(spare));
            sized(&mut block);
            let wake = match tail.poll(block.bytes_mut(), watch) {
                Ok(0) => {
                    room = Some(block);
                    match tail.changed() {
                        Some(is_up) => Wake::Up(is_up),
                        None => continue,
                    }
                }
                Ok(read) => Wake::Block(block, read, tail.left()),
                Err(why) => {
                    failed = Some(*number);
                    Wake::Failed(why)
                }
            };
            is_quiet = false;
            if to.send((*number, wake)).is_err() {
                return;
            }
        }
        files.retain(|(number, _)| failed != Some(*number));
        if is_quiet {
            #[cfg(unix)]
            watch.wait(None, GROWTH);
            #[cfg(not(unix))]
            watch.wait(GROWTH);
        }
    }
}

/// Sends the bytes of a stream as they come.
fn pump(from: &mut impl Read, number: u32, to: &SyncSender<Told>, spare: &Spare) {
    loop {
        let Some(wake) = read(from, next_room(spare)) else {
            continue;
        };
        let last = !matches!(wake, Wake::Block(..));
        if to.send((number, wake)).is_err() || last {
            return;
        }
    }
}

/// Inputs that are read where they are judged, since no thread can be started.
pub(super) struct Alone {
    input: Input,
    watch: Watch,
    block: Room,
}

enum Input {
    Files(Vec<(u32, Tail)>),
    /// Lines that are unpacked: while none come, no timer is looked at.
    Lines(Box<dyn Read + Send>),
    /// Single event of an input, until it is taken.
    Told(u32, Option<Wake>),
}

impl Alone {
    /// Opens the one pipe, or takes the files.
    ///
    /// # Errors
    /// If there are several pipes.
    pub(super) fn open(mut opened: Opened, options: &Options) -> Result<Self, Error> {
        let input = match &opened.pipes[..] {
            _ if !opened.is_for_one() => return Err(too_few()),
            [] => match opened.whole.pop() {
                Some((number, file)) => Input::Told(number, Some(Wake::Whole(file))),
                None => Input::Files(opened.files),
            },
            [(_, path)] if path.as_os_str() == "-" && opened.files.is_empty() => {
                match peeled(options, true) {
                    Peeled::Wake(wake) => Input::Told(0, Some(wake)),
                    Peeled::Lines(lines) => Input::Lines(lines),
                }
            }
            [(number, path)] if opened.files.is_empty() => {
                let named = |why| Error::Input {
                    name: path.display().to_string(),
                    why,
                };
                Input::Files(vec![(*number, Tail::open(path).map_err(named)?)])
            }
            _ => {
                return Err(too_few());
            }
        };
        Ok(Self {
            input,
            watch: opened.watch,
            block: Room::default(),
        })
    }

    /// Takes a block for reuse.
    pub(super) fn give_back(&mut self, block: Room) {
        self.block = block;
    }

    /// Waits for the next event, for a limited time.
    pub(super) fn next(
        &mut self,
        within: Duration,
        #[cfg(unix)] interrupts: Option<&Interrupts>,
    ) -> Result<Told, RecvTimeoutError> {
        let mut block = std::mem::take(&mut self.block);
        let files = match &mut self.input {
            Input::Told(number, wake) => {
                return Ok((*number, wake.take().unwrap_or(Wake::End)));
            }
            Input::Lines(lines) => {
                let wake = read(lines, block).ok_or(RecvTimeoutError::Timeout);
                return wake.map(|wake| (0, wake));
            }
            Input::Files(files) => files,
        };
        sized(&mut block);
        let begin = Instant::now();
        loop {
            for at in 0..files.len() {
                let (number, tail) = &mut files[at];
                let number = *number;
                match tail.poll(block.bytes_mut(), &self.watch) {
                    Ok(0) => {
                        if let Some(is_up) = tail.changed() {
                            self.block = block;
                            return Ok((number, Wake::Up(is_up)));
                        }
                    }
                    Ok(read) => {
                        let left = tail.left();
                        // The others have their turn before it comes again.
                        files[at..].rotate_left(1);
                        return Ok((number, Wake::Block(block, read, left)));
                    }
                    Err(why) => {
                        files.remove(at);
                        return Ok((number, Wake::Failed(why)));
                    }
                }
            }
            let left = within.saturating_sub(begin.elapsed());
            if left.is_zero() {
                self.block = block;
                return Err(RecvTimeoutError::Timeout);
            }
            let pause = left.min(GROWTH);
            #[cfg(unix)]
            if self.watch.wait(interrupts, pause) {
                return Ok((0, Wake::Interrupted));
            }
            #[cfg(not(unix))]
            self.watch.wait(pause);
        }
    }
}

/// Opens the standard input without a buffer, which would hold bytes back from another reader.
#[cfg(unix)]
pub(super) fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
pub(super) fn stdin() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

/// Standard input after decompression.
enum Peeled {
    Wake(Wake),
    Lines(Box<dyn Read + Send>),
}

/// Detects what standard input holds. With `is_direct`, plain lines are left to the thread that judges them.
fn peeled(options: &Options, is_direct: bool) -> Peeled {
    match stdin().and_then(|input| peel(input, options)) {
        Ok(Live::Plain(head, _)) if is_direct && cfg!(unix) => Peeled::Wake(Wake::Plain(head)),
        Ok(Live::Plain(head, rest)) => Peeled::Lines(Box::new(io::Cursor::new(head).chain(rest))),
        Ok(Live::Lines(lines)) => Peeled::Lines(lines),
        Ok(Live::Whole(mut whole)) => {
            Peeled::Wake(spool(&mut whole).map_or_else(Wake::Failed, Wake::Whole))
        }
        Err(why) => Peeled::Wake(Wake::Failed(why)),
    }
}

/// Copies a stream to an unnamed file.
fn spool(stream: &mut impl Read) -> io::Result<File> {
    let mut file = Spool::new()?;
    io::copy(stream, &mut file)?;
    file.rewound()
}

/// Allocates the block if it has another size: the first block is as large as the bytes by which the kind was detected.
fn sized(block: &mut Room) {
    if block.bytes().len() != AT_ONCE {
        *block = Room::new(AT_ONCE, 0);
    }
}

/// Reads the available bytes into a block; `None` where a signal came first.
pub(super) fn read(from: &mut impl Read, mut block: Room) -> Option<Wake> {
    sized(&mut block);
    Some(match from.read(block.bytes_mut()) {
        Ok(0) => Wake::End,
        Ok(n) => Wake::Block(block, n, 0),
        Err(why) if is_passing(&why) => return None,
        Err(why) => Wake::Failed(why),
    })
}

/// Whether a signal interrupted the read, or another process took the bytes.
fn is_passing(why: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(why.kind(), Interrupted | WouldBlock)
}
