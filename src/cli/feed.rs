//! Inputs of a live run: blocks as they come, Ctrl-C, or a timeout.
//!
//! Lines from a pipe are read by the thread that judges them: waking another thread would cost more than it saves. Of all
//! other inputs, files that grow have a thread together, and packed logs and named pipes one each.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::readers::{self, Alone, Opened};
use super::say;
#[cfg(unix)]
use super::signals::Interrupts;
use super::wake::{Told, Wake};
use crate::error::Error;
use crate::input::source::{Options, Room, widen};

/// Source of wakes.
pub(super) struct Feed {
    from: From,
    #[cfg(unix)]
    interrupts: Option<Interrupts>,
}

enum From {
    /// A thread that reads.
    Thread {
        wakes: Receiver<Told>,
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
    /// Starts threads that read `paths`, and one that waits for Ctrl-C. Where none can be started, both are done without.
    ///
    /// # Errors
    /// If an input cannot be opened, or several would need threads.
    pub(super) fn open(paths: &[PathBuf], options: &Options) -> Result<Self, Error> {
        let (send, wakes) = sync_channel(4);
        let (give_back, spare) = sync_channel(4);
        if paths.iter().any(|path| path.as_os_str() == "-") {
            widen(io::stdin());
        }
        // A missing file is reported at once.
        let opened = Opened::all(paths, options)?;
        opened.announce(paths);
        #[cfg(unix)]
        let (interrupts, waiting) = (Interrupts::open(), Interrupts::open());
        #[cfg(unix)]
        let is_handled = interrupts.is_ok() && waiting.is_ok();
        #[cfg(not(unix))]
        let is_handled = {
            let interrupt = send.clone();
            ctrlc::set_handler(move || _ = interrupt.try_send((0, Wake::Interrupted))).is_ok()
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
                let _ = interrupt.send((0, Wake::Interrupted));
            };
            thread::Builder::new().spawn(wait).is_ok()
        });
        #[cfg(not(unix))]
        let waits = {
            drop(interrupt);
            true
        };
        let from = if waits && readers::start(opened, options, &send, spare)? {
            From::Thread {
                wakes,
                spare: give_back,
            }
        } else {
            say(
                "dropsift: no thread can be started (`ulimit -u`, TasksMax= of systemd): the input is read by the one that judges it",
            );
            From::Alone(Alone::open(Opened::all(paths, options)?, options)?)
        };
        Ok(Self {
            from,
            #[cfg(unix)]
            interrupts: interrupts.ok(),
        })
    }

    /// Waits for the next event, for a limited time.
    pub(super) fn next(&mut self, within: Duration) -> Result<Told, RecvTimeoutError> {
        let wake = match &mut self.from {
            From::Thread { wakes, .. } if within.is_zero() => {
                wakes.try_recv().map_err(|_| RecvTimeoutError::Timeout)
            }
            From::Thread { wakes, .. } => wakes.recv_timeout(within),
            #[cfg(unix)]
            From::Direct(direct) => return direct.next(within).map(|wake| (0, wake)),
            #[cfg(unix)]
            From::Alone(alone) => alone.next(within, self.interrupts.as_ref()),
            #[cfg(not(unix))]
            From::Alone(alone) => alone.next(within),
        };
        match wake {
            Ok((input, Wake::Plain(head))) => {
                let filled = head.len();
                #[cfg(unix)]
                if let Some(direct) = Direct::new(self.interrupts.take()) {
                    self.from = From::Direct(direct);
                }
                Ok((input, Wake::Block(head.into(), filled, 0)))
            }
            wake => wake,
        }
    }

    /// Returns how many bytes wait in the pipe that is read here.
    pub(super) fn left(&self) -> u64 {
        match &self.from {
            #[cfg(unix)]
            From::Direct(direct) => rustix::io::ioctl_fionread(&direct.input).unwrap_or(0),
            _ => 0,
        }
    }

    /// Takes a block for reuse.
    pub(super) fn give_back(&mut self, block: Room) {
        match &mut self.from {
            // The reader may have ended already.
            From::Thread { spare, .. } => _ = spare.try_send(block),
            #[cfg(unix)]
            From::Direct(direct) => direct.block = block,
            From::Alone(alone) => alone.give_back(block),
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
        let input = readers::stdin().ok()?;
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
        readers::read(&mut self.input, block).ok_or(RecvTimeoutError::Timeout)
    }
}
