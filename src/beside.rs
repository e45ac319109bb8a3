//! Runs two closures in parallel, for reports on many flows.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Number of flows to judge, or of lines to sort, that takes some ten times as long as starting a thread.
pub(crate) const WORTH_A_THREAD: usize = 2_000;

/// Whether no threads are started.
static ALONE: AtomicBool = AtomicBool::new(false);

/// Starts no threads from now on. The allocator (glibc) gives each thread a heap of its own, another one whenever threads that
/// serve connections come in between, and keeps what a report on many flows took there: in a run that goes on, that is some
/// 14 MB for each.
pub(crate) fn stay_alone() {
    ALONE.store(true, Ordering::Relaxed);
}

/// Returns the results of both closures, run in parallel where `worth` says that a thread pays.
pub(crate) fn beside<A, B: Send>(
    worth: bool,
    one: impl FnOnce() -> A,
    mut other: impl FnMut() -> B + Send,
) -> (A, B) {
    if !worth || ALONE.load(Ordering::Relaxed) {
        return (one(), other());
    }
    let other = Mutex::new(other);
    let other = || (other.lock().unwrap_or_else(PoisonError::into_inner))();
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, other);
        let one = one();
        let other = match beside {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No thread could be started, as under TasksMax=1.
            Err(_) => other(),
        };
        (one, other)
    })
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn both_are_done_either_way() {
        for worth in [false, true] {
            let mut sum = 0;
            assert_eq!(beside(worth, || sum += 1, || "other"), ((), "other"));
            assert_eq!(sum, 1);
        }
    }
}
