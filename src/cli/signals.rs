//! Signals that end a live run with its report, the one that a file which may not grow sends, and the limit on open files.

#[cfg(unix)]
use std::io::{self, PipeReader};
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;

/// Pipe that becomes readable when a signal that ends the run arrives, and a flag for what cannot wait for it.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Interrupts {
    pipe: PipeReader,
    flag: Arc<AtomicBool>,
}

#[cfg(unix)]
impl Interrupts {
    /// Catches SIGINT (Ctrl-C), SIGTERM and SIGHUP from now on; each open instance is notified of a signal.
    ///
    /// # Errors
    /// If no pipe can be made.
    pub(super) fn open() -> io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let (pipe, tell) = io::pipe()?;
        let flag = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::low_level::pipe::register(signal, tell.try_clone()?)?;
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self { pipe, flag })
    }

    /// Returns what is set once a signal has come.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Waits for a signal.
    pub(super) fn wait(&mut self) {
        // After an error there is nothing to wait for either.
        let _ = io::Read::read(&mut self.pipe, &mut [0]);
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Interrupts {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail with an error, as on a full disk; by default SIGXFSZ ends
/// the program without a message.
pub(super) fn refuse_xfsz() {
    #[cfg(unix)]
    {
        // If the handler cannot be installed, the default action stays.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// Takes as many open files as the system allows: a large bundle has an archive for each node, a journal some hundred files.
pub(super) fn take_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where it may not be raised, it stays as it is.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
