//! What a live run waits for: blocks of its input as they come, Ctrl-C, or a moment at which nothing came.
//!
//! Lines that come through a pipe are read by the thread that judges them: a thread in between would cost more to wake than
//! it saves. All else (packed logs, files that grow) has a thread of its own that reads.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::say;
use super::tail::Tail;
use crate::error::Error;
use crate::input::source::{BLOCK, Live, Options, peel, widen};

/// How much is read at once: more than of a file, since whoever writes is woken for each block.
const AT_ONCE: usize = 2 * BLOCK;

/// What wakes the loop.
pub(super) enum Wake {
    /// A block, and how many of its bytes were read.
    Block(Vec<u8>, usize),
    /// The first bytes of a standard input of plain lines: the rest is read from there.
    Plain(Vec<u8>),
    /// An archive or a journal, which is read as a whole.
    Whole(File),
    Failed(io::Error),
    End,
    Interrupted,
}

/// Where wakes come from.
pub(super) struct Feed {
    wakes: Receiver<Wake>,
    /// Where blocks go to be used again.
    spare: SyncSender<Vec<u8>>,
    #[cfg(unix)]
    direct: Option<Direct>,
    #[cfg(unix)]
    interrupts: Option<io::PipeReader>,
}

impl Feed {
    /// Starts a thread that reads `path`, and a handler for Ctrl-C.
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let (send, wakes) = sync_channel(4);
        let (give_back, spare) = sync_channel(4);
        #[cfg(unix)]
        let (interrupts, mut tell) = io::pipe().map_or((None, None), |(r, w)| (Some(r), Some(w)));
        let interrupt = send.clone();
        let handled = ctrlc::set_handler(move || {
            #[cfg(unix)]
            if let Some(tell) = &mut tell {
                let _ = io::Write::write(tell, b"!");
            }
            // Whoever reads directly does not look here.
            let _ = interrupt.try_send(Wake::Interrupted);
        });
        if handled.is_err() {
            say("dropsift: cannot handle Ctrl-C: it will end the run without a report");
        }
        // Nobody writes to it then, which would look like Ctrl-C.
        #[cfg(unix)]
        let interrupts = interrupts.filter(|_| handled.is_ok());
        if path.as_os_str() == "-" {
            let options = options.clone();
            widen(io::stdin());
            thread::spawn(move || read_stdin(&options, &send, &spare));
        } else {
            read_path(path, send, spare)?;
        }
        Ok(Self {
            wakes,
            spare: give_back,
            #[cfg(unix)]
            direct: None,
            #[cfg(unix)]
            interrupts,
        })
    }

    /// What comes within a time.
    pub(super) fn next(&mut self, within: Duration) -> Result<Wake, RecvTimeoutError> {
        #[cfg(unix)]
        if let Some(direct) = &mut self.direct {
            return direct.next(within);
        }
        let wake = if within.is_zero() {
            self.wakes.try_recv().map_err(|_| RecvTimeoutError::Timeout)
        } else {
            self.wakes.recv_timeout(within)
        };
        match wake {
            Ok(Wake::Plain(head)) => {
                let filled = head.len();
                #[cfg(unix)]
                {
                    self.direct = Direct::new(self.interrupts.take());
                }
                Ok(Wake::Block(head, filled))
            }
            wake => wake,
        }
    }

    /// Takes a block back.
    pub(super) fn give_back(&mut self, block: Vec<u8>) {
        #[cfg(unix)]
        if let Some(direct) = &mut self.direct {
            direct.block = block;
            return;
        }
        // Whoever reads may have read its last.
        let _ = self.spare.try_send(block);
    }
}

/// A standard input that is read where it is judged.
#[cfg(unix)]
struct Direct {
    input: File,
    block: Vec<u8>,
    interrupts: Option<io::PipeReader>,
}

#[cfg(unix)]
impl Direct {
    fn new(interrupts: Option<io::PipeReader>) -> Option<Self> {
        let input = stdin().ok()?;
        Some(Self {
            input,
            block: Vec::new(),
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
            // A signal that came is looked for at the next call.
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

/// The standard input without a buffer of its own, which would keep what somebody else reads next.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
fn stdin() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

fn read_stdin(options: &Options, send: &SyncSender<Wake>, spare: &Receiver<Vec<u8>>) {
    let wake = match stdin().and_then(|input| peel(input, options)) {
        #[cfg(unix)]
        Ok(Live::Plain(head, _)) => Wake::Plain(head),
        #[cfg(not(unix))]
        Ok(Live::Plain(head, rest)) => return pump(&mut head.as_slice().chain(rest), send, spare),
        Ok(Live::Lines(mut lines)) => return pump(&mut lines, send, spare),
        Ok(Live::Whole(mut whole)) => spool(&mut whole).map_or_else(Wake::Failed, Wake::Whole),
        Err(why) => Wake::Failed(why),
    };
    drop(send.send(wake));
}

fn read_path(path: &Path, send: SyncSender<Wake>, spare: Receiver<Vec<u8>>) -> Result<(), Error> {
    let named = |why| Error::Input {
        name: path.display().to_string(),
        why,
    };
    let meta = std::fs::metadata(path).map_err(named)?;
    // A named pipe is opened once somebody writes to it, and until then Ctrl-C must do.
    let waits = !meta.is_file() && !meta.is_dir();
    let at_once = (!waits).then(|| Tail::open(path).map_err(named));
    let (opened, path) = (at_once.transpose()?, path.to_owned());
    thread::spawn(move || match opened.map_or_else(|| Tail::open(&path), Ok) {
        Ok(mut file) => pump(&mut file, &send, &spare),
        Err(why) => drop(send.send(Wake::Failed(why))),
    });
    Ok(())
}

/// Puts a stream into an unnamed file.
fn spool(stream: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(stream, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Reads what there is into a block; nothing where a signal came first.
fn read(from: &mut impl Read, mut block: Vec<u8>) -> Option<Wake> {
    // The first block is as large as what told the kind.
    block.resize(AT_ONCE, 0);
    Some(match from.read(&mut block) {
        Ok(0) => Wake::End,
        Ok(n) => Wake::Block(block, n),
        Err(why) if is_passing(&why) => return None,
        Err(why) => Wake::Failed(why),
    })
}

/// Whether a signal came, or somebody else took what there was.
fn is_passing(why: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(why.kind(), Interrupted | WouldBlock)
}

/// Sends what there is, as soon as it is there.
fn pump(from: &mut impl Read, to: &SyncSender<Wake>, spare: &Receiver<Vec<u8>>) {
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
