//! Signals that end a live run with its report, and the one that a file which may not grow sends.

#[cfg(unix)]
use std::io::{self, PipeReader};

/// What becomes readable when a signal came that ends the run.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Interrupts {
    pipe: PipeReader,
}

#[cfg(unix)]
impl Interrupts {
    /// Takes Ctrl-C, SIGTERM and SIGHUP from now on; every one of those that are open hears of a signal.
    ///
    /// # Errors
    /// If no pipe can be made.
    pub(super) fn open() -> io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let (pipe, tell) = io::pipe()?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::low_level::pipe::register(signal, tell.try_clone()?)?;
        }
        Ok(Self { pipe })
    }

    /// Waits for a signal.
    pub(super) fn wait(&mut self) {
        // Whatever comes of it, there is nothing more to wait for.
        let _ = io::Read::read(&mut self.pipe, &mut [0]);
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Interrupts {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Lets writing to a file that may not grow (`ulimit -f`) fail as to a disk that is full, where SIGXFSZ would end the program
/// without a word.
pub(super) fn refuse_xfsz() {
    #[cfg(unix)]
    {
        // Where it cannot be taken, it does what it does.
        let _ =
            signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    }
}
