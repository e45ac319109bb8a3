//! Threads that read files ahead of their turn.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Thread pool with a first-in first-out queue; with no threads, the caller runs the jobs itself.
pub(super) struct Pool {
    jobs: Option<Sender<Job>>,
}

impl Pool {
    /// Starts `threads` threads; they end with the pool, after the current job.
    pub(super) fn new(threads: usize) -> Self {
        let (jobs, taken) = channel::<Job>();
        let taken = Arc::new(Mutex::new(taken));
        let spawned = (0..threads).filter(|_| {
            let taken = Arc::clone(&taken);
            let work = move || {
                loop {
                    let job = taken.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { break };
                    job();
                }
            };
            // If a thread cannot be started, the others do the work.
            thread::Builder::new().spawn(work).is_ok()
        });
        let jobs = (spawned.count() > 0).then_some(jobs);
        Self { jobs }
    }

    /// Starts `work`; its result is sent through the channel.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Receiver<T> {
        let (result, receiver) = channel();
        let job: Job = Box::new(move || drop(result.send(work())));
        match &self.jobs {
            Some(jobs) => {
                if let Err(job) = jobs.send(job) {
                    (job.0)();
                }
            }
            None => job(),
        }
        receiver
    }
}
