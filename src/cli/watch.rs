//! Waits for writes to files: by inotify, where the system has it and it may be used. Files are looked at in any case, from
//! time to time: a network file system tells nothing.

use std::path::Path;
use std::time::Duration;

#[cfg(unix)]
use super::signals::Interrupts;

/// Files whose writes end a wait.
#[derive(Debug, Default)]
pub(super) struct Watch {
    #[cfg(target_os = "linux")]
    changes: Option<std::os::fd::OwnedFd>,
}

impl Watch {
    /// Creates a watch of no files.
    pub(super) fn new() -> Self {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::inotify::{CreateFlags, init};
            let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
            Self {
                changes: init(flags).ok(),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Self {}
    }

    /// Watches the file that `path` denotes now, also under its later names.
    pub(super) fn add(&self, path: &Path) {
        #[cfg(target_os = "linux")]
        if let Some(changes) = &self.changes {
            use rustix::fs::inotify::{WatchFlags, add_watch};
            let _ = add_watch(changes, path, WatchFlags::MODIFY | WatchFlags::MOVE_SELF);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = path;
    }

    /// Waits until a watched file is written to, at most for `within`. Returns whether a signal came that ends the run.
    #[cfg(unix)]
    pub(super) fn wait(&self, interrupts: Option<&Interrupts>, within: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut waits: Vec<PollFd<'_>> = Vec::new();
        waits.extend(interrupts.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        #[cfg(target_os = "linux")]
        waits.extend((self.changes.as_ref()).map(|changes| PollFd::new(changes, PollFlags::IN)));
        // Where waiting fails, there is nothing to wait for but the next look.
        let _ = poll(&mut waits, Timespec::try_from(within).ok().as_ref());
        let interrupted =
            interrupts.is_some() && (waits.first()).is_some_and(|pipe| !pipe.revents().is_empty());
        drop(waits);
        self.drain();
        interrupted
    }

    /// Waits for `within`.
    #[cfg(not(unix))]
    pub(super) fn wait(&self, within: Duration) {
        std::thread::sleep(within);
    }

    /// Takes what was told: which file it was does not matter, since all are looked at.
    #[cfg(target_os = "linux")]
    fn drain(&self) {
        let mut room = [0; 4096];
        while let Some(changes) = &self.changes
            && rustix::io::read(changes, &mut room).is_ok_and(|read| read > 0)
        {}
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    const fn drain(&self) {}
}
