//! Input of a live run: blocks as they come, Ctrl-C, or a timeout.
//!
//! Lines from a pipe are read by the thread that judges them: waking another thread would cost more than it saves. All
//! other inputs (packed logs, files that grow) have a thread of their own that reads.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::say;
#[cfg(unix)]
use super::signals::Interrupts;
use super::tail::{self, Tail};
use crate::error::Error;
use crate::input::source::{BLOCK, Live, Options, Room, Spool, peel, widen};

/// Bytes read at once: more than of a file, because the writer is woken for each block.
const AT_ONCE: usize = 2 * BLOCK;

/// Event that wakes the loop.
pub(super) enum Wake {
    /// A block, and the number of its bytes that were read.
    Block(Room, usize),
    /// The first bytes of a standard input of plain lines: the rest is read from there.
    Plain(Vec<u8>),
    /// An archive or a journal, which is read as a whole.
    Whole(File),
    Failed(io::Error),
    End,
    Interrupted,
}

/// Source of wakes.
pub(super) struct Feed {
    from: From,
    #[cfg(unix)]
    interrupts: Option<Interrupts>,
}

enum From {
    /// A thread that reads.
    Thread {
        wakes: Receiver<Wake>,
        /// Channel that returns blocks for reuse.
        spare: SyncSender<Room>,
    },
    /// Standard input.
    #[cfg(unix)]
    Direct(Direct),
    /// Input that is read on the thread of the analysis, since no thread can be started.
    Alone(Alone),
}

impl Feed {
    /// Starts a thread that reads `path`, and one that waits for Ctrl-C. Where none can be started, both are done without.
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let (send, wakes) = sync_channel(4);
        let (give_back, spare) = sync_channel(4);
        let named = |why| Error::Input {
            name: path.display().to_string(),
            why,
        };
        let is_stdin = path.as_os_str() == "-";
        if is_stdin {
            widen(io::stdin());
        } else {
            // A missing file is reported at once.
            std::fs::metadata(path).map_err(named)?;
        }
        #[cfg(unix)]
        let (interrupts, waiting) = (Interrupts::open(), Interrupts::open());
        #[cfg(unix)]
        let is_handled = interrupts.is_ok() && waiting.is_ok();
        #[cfg(not(unix))]
        let is_handled = {
            let interrupt = send.clone();
            ctrlc::set_handler(move || _ = interrupt.try_send(Wake::Interrupted)).is_ok()
        };
        if !is_handled {
            say("dropsift: cannot handle Ctrl-C: it will end the run without a report");
        }
        let interrupt = send.clone();
        #[cfg(unix)]
        let waits = waiting.map_or(true, |mut waiting| {
            let wait = move || {
                waiting.wait();
                // With direct reading, this channel is not read.
                let _ = interrupt.send(Wake::Interrupted);
            };
            thread::Builder::new().spawn(wait).is_ok()
        });
        #[cfg(not(unix))]
        let waits = {
            drop(interrupt);
            true
        };
        let from = if waits && read_beside(path, options, send, spare)? {
            From::Thread {
                wakes,
                spare: give_back,
            }
        } else {
            say(
                "dropsift: no thread can be started (`ulimit -u`, TasksMax= of systemd): the input is read by the one that judges it",
            );
            From::Alone(Alone::open(path, options).map_err(named)?)
        };
        Ok(Self {
            from,
            #[cfg(unix)]
            interrupts: interrupts.ok(),
        })
    }

    /// Waits for the next event, for a limited time.
    pub(super) fn next(&mut self, within: Duration) -> Result<Wake, RecvTimeoutError> {
        let wake = match &mut self.from {
            From::Thread { wakes, .. } if within.is_zero() => {
                wakes.try_recv().map_err(|_| RecvTimeoutError::Timeout)
            }
            From::Thread { wakes, .. } => wakes.recv_timeout(within),
            #[cfg(unix)]
            From::Direct(direct) => return direct.next(within),
            #[cfg(unix)]
            From::Alone(alone) => alone.next(within, self.interrupts.as_ref()),
            #[cfg(not(unix))]
            From::Alone(alone) => alone.next(within),
        };
        match wake {
            Ok(Wake::Plain(head)) => {
                let filled = head.len();
                #[cfg(unix)]
                if let Some(direct) = Direct::new(self.interrupts.take()) {
                    self.from = From::Direct(direct);
                }
                Ok(Wake::Block(head.into(), filled))
            }
            wake => wake,
        }
    }

    /// Takes a block for reuse.
    pub(super) fn give_back(&mut self, block: Room) {
        match &mut self.from {
            // The reader may have ended already.
            From::Thread { spare, .. } => _ = spare.try_send(block),
            #[cfg(unix)]
            From::Direct(direct) => direct.block = block,
            From::Alone(alone) => alone.block = block,
        }
    }
}

/// An input that is read where it is judged, since no thread can be started.
struct Alone {
    input: Input,
    block: Room,
}

enum Input {
    File(Tail),
    /// Lines that are unpacked: while none come, no timer is looked at.
    Lines(Box<dyn Read>),
    /// Single event, until it is taken.
    Told(Option<Wake>),
}

impl Alone {
    fn open(path: &Path, options: &Options) -> io::Result<Self> {
        let input = if path.as_os_str() == "-" {
            match peeled(options) {
                Peeled::Wake(wake) => Input::Told(Some(wake)),
                Peeled::Lines(lines) => Input::Lines(lines),
            }
        } else {
            Input::File(Tail::open(path)?)
        };
        Ok(Self {
            input,
            block: Room::default(),
        })
    }

    fn next(
        &mut self,
        within: Duration,
        #[cfg(unix)] interrupts: Option<&Interrupts>,
    ) -> Result<Wake, RecvTimeoutError> {
        let mut block = std::mem::take(&mut self.block);
        let tail = match &mut self.input {
            Input::Told(wake) => return Ok(wake.take().unwrap_or(Wake::End)),
            Input::Lines(lines) => return read(lines, block).ok_or(RecvTimeoutError::Timeout),
            Input::File(tail) => tail,
        };
        sized(&mut block);
        let begin = Instant::now();
        loop {
            match tail.poll(block.bytes_mut()) {
                Ok(0) => {}
                Ok(read) => return Ok(Wake::Block(block, read)),
                Err(why) => return Ok(Wake::Failed(why)),
            }
            let left = within.saturating_sub(begin.elapsed());
            if left.is_zero() {
                self.block = block;
                return Err(RecvTimeoutError::Timeout);
            }
            let pause = left.min(tail::GROWTH);
            #[cfg(unix)]
            if let Some(interrupts) = interrupts {
                use rustix::event::{PollFd, PollFlags, Timespec, poll};
                let mut waits = [PollFd::new(interrupts, PollFlags::IN)];
                if matches!(
                    poll(&mut waits, Timespec::try_from(pause).ok().as_ref()),
                    Ok(1..)
                ) {
                    return Ok(Wake::Interrupted);
                }
                continue;
            }
            thread::sleep(pause);
        }
    }
}

/// A standard input that is read by the judging thread.
#[cfg(unix)]
struct Direct {
    input: File,
    block: Room,
    interrupts: Option<Interrupts>,
}

#[cfg(unix)]
impl Direct {
    fn new(interrupts: Option<Interrupts>) -> Option<Self> {
        let input = stdin().ok()?;
        Some(Self {
            input,
            block: Room::default(),
            interrupts,
        })
    }

    fn next(&mut self, within: Duration) -> Result<Wake, RecvTimeoutError> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut waits = vec![PollFd::new(&self.input, PollFlags::IN)];
        waits.extend(
            self.interrupts
                .as_ref()
                .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        );
        let within = Timespec::try_from(within).ok();
        match poll(&mut waits, within.as_ref()) {
            // A signal is handled at the next call.
            Ok(0) | Err(rustix::io::Errno::INTR) => return Err(RecvTimeoutError::Timeout),
            Ok(_) => {}
            Err(why) => return Ok(Wake::Failed(why.into())),
        }
        if waits.get(1).is_some_and(|pipe| !pipe.revents().is_empty()) {
            return Ok(Wake::Interrupted);
        }
        let block = std::mem::take(&mut self.block);
        read(&mut self.input, block).ok_or(RecvTimeoutError::Timeout)
    }
}

/// Opens the standard input without a buffer, which would hold bytes back from another reader.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
fn stdin() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

/// Standard input after decompression.
enum Peeled {
    Wake(Wake),
    Lines(Box<dyn Read>),
}

fn peeled(options: &Options) -> Peeled {
    match stdin().and_then(|input| peel(input, options)) {
        #[cfg(unix)]
        Ok(Live::Plain(head, _)) => Peeled::Wake(Wake::Plain(head)),
        #[cfg(not(unix))]
        Ok(Live::Plain(head, rest)) => Peeled::Lines(Box::new(io::Cursor::new(head).chain(rest))),
        Ok(Live::Lines(lines)) => Peeled::Lines(lines),
        Ok(Live::Whole(mut whole)) => {
            Peeled::Wake(spool(&mut whole).map_or_else(Wake::Failed, Wake::Whole))
        }
        Err(why) => Peeled::Wake(Wake::Failed(why)),
    }
}

/// Starts a thread that reads `path`; `false` where none can be started.
fn read_beside(
    path: &Path,
    options: &Options,
    send: SyncSender<Wake>,
    spare: Receiver<Room>,
) -> Result<bool, Error> {
    if path.as_os_str() == "-" {
        let options = options.clone();
        let work = move || match peeled(&options) {
            Peeled::Wake(wake) => drop(send.send(wake)),
            Peeled::Lines(mut lines) => pump(&mut lines, &send, &spare),
        };
        return Ok(thread::Builder::new().spawn(work).is_ok());
    }
    let named = |why| Error::Input {
        name: path.display().to_string(),
        why,
    };
    let meta = std::fs::metadata(path).map_err(named)?;
    // Opening a named pipe blocks until a writer opens it, and until then Ctrl-C must work.
    let waits = !meta.is_file() && !meta.is_dir();
    let at_once = (!waits).then(|| Tail::open(path).map_err(named));
    let (opened, path) = (at_once.transpose()?, path.to_owned());
    let work = move || match opened.map_or_else(|| Tail::open(&path), Ok) {
        Ok(mut file) => pump(&mut file, &send, &spare),
        Err(why) => drop(send.send(Wake::Failed(why))),
    };
    Ok(thread::Builder::new().spawn(work).is_ok())
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
fn read(from: &mut impl Read, mut block: Room) -> Option<Wake> {
    sized(&mut block);
    Some(match from.read(block.bytes_mut()) {
        Ok(0) => Wake::End,
        Ok(n) => Wake::Block(block, n),
        Err(why) if is_passing(&why) => return None,
        Err(why) => Wake::Failed(why),
    })
}

/// Whether a signal interrupted the read, or another process took the bytes.
fn is_passing(why: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(why.kind(), Interrupted | WouldBlock)
}

/// Sends bytes as soon as they are available.
fn pump(from: &mut impl Read, to: &SyncSender<Wake>, spare: &Receiver<Room>) {
    loop {
        let block = spare.try_recv().unwrap_or_default();
        let Some(wake) = read(from, block) else {
            continue;
        };
        let last = !matches!(wake, Wake::Block(..));
        if to.send(wake).is_err() || last {
            return;
        }
    }
}
