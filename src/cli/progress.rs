//! Progress bar on stderr for inputs that take long, if stderr is a terminal.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::input::source::Progress;

/// Time before the bar is shown.
const PATIENCE: Duration = Duration::from_millis(500);
/// Interval between updates of the bar.
const STEP: Duration = Duration::from_millis(100);

/// Progress bar, drawn by its own thread.
pub(super) struct Bar {
    drawn: ProgressBar,
    done: Arc<AtomicBool>,
    drawer: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts to draw `progress`; draws nothing with `quiet`, or if stderr is no terminal.
    pub(super) fn start(progress: &Progress, quiet: bool) -> Self {
        let drawn = ProgressBar::hidden();
        let done = Arc::new(AtomicBool::new(false));
        if quiet || !io::stderr().is_terminal() {
            return Self {
                drawn,
                done,
                drawer: None,
            };
        }
        let (bar, stop, progress) = (drawn.clone(), Arc::clone(&done), progress.clone());
        let drawer = thread::Builder::new().spawn(move || draw(&bar, &stop, &progress));
        Self {
            drawn,
            done,
            // Without a thread, no bar is drawn.
            drawer: drawer.ok(),
        }
    }

    /// Clears the bar for a message.
    pub(super) fn clear(&self) {
        self.drawn.suspend(|| ());
    }

    /// Removes the bar.
    pub(super) fn finish(self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(drawer) = self.drawer {
            drawer.thread().unpark();
            // A drawer that panicked has drawn its last.
            let _ = drawer.join();
        }
    }
}

fn draw(bar: &ProgressBar, done: &AtomicBool, progress: &Progress) {
    thread::park_timeout(PATIENCE);
    if done.load(Ordering::Relaxed) {
        return;
    }
    bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    let form = "{bytes} of {total_bytes} read {wide_bar} {bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_length(progress.total().max(progress.read()));
        bar.set_position(progress.read());
        thread::park_timeout(STEP);
    }
    bar.finish_and_clear();
}
