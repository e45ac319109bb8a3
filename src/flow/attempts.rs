//! Connection attempts: SYNs of one 5-tuple that follow each other are retransmits of one attempt.

use super::Mark;
use crate::time::{SECOND, Time};

/// Time from its first line, in microseconds, for which a 5-tuple is one attempt: with `tcp_syn_retries` = 6 the last
/// SYN follows 63 s after the first, or 68.7 s from Linux 6.5 on, and the kernel gives up within 132 s.
pub const ATTEMPT: i64 = 132 * SECOND;

/// Counts the connection attempts in `marks`: of each 5-tuple the SYNs that are no retransmits. A 5-tuple without a SYN
/// is one attempt, however long its data is retransmitted.
pub fn attempts(marks: &[Mark]) -> u64 {
    // Fast path: many flows have one line.
    if marks.len() < 2 {
        return marks.len() as u64;
    }
    let mut count = 0;
    for own in in_order(marks).chunk_by(|one, other| one.port == other.port) {
        let mut tried = 0;
        let mut begin: Option<Time> = None;
        for syn in own.iter().filter(|mark| mark.opens) {
            if begin.is_none_or(|begin| syn.time.since(begin) > ATTEMPT) {
                begin = Some(syn.time);
                tried += 1;
            }
        }
        count += tried.max(1);
    }
    count
}

/// Returns the starts of the attempts in `marks`, in order: each 5-tuple at its first line, and again at each line more
/// than [`ATTEMPT`] after the last start.
pub fn begins(marks: impl Iterator<Item = (u16, Time)>) -> Vec<Time> {
    let mut sorted: Vec<(u16, Time)> = marks.collect();
    sorted.sort_unstable();
    let mut found = Vec::new();
    let mut last: Option<(u16, Time)> = None;
    for (port, time) in sorted {
        let again = last.is_some_and(|(of, begin)| of == port && time.since(begin) <= ATTEMPT);
        if !again {
            last = Some((port, time));
            found.push(time);
        }
    }
    found.sort_unstable();
    found
}

/// Groups `marks` of one port into bursts within [`ATTEMPT`] of their first, by port and time. Returns the number of
/// each, and the microseconds from its first to its last.
pub fn bursts(marks: &[Mark]) -> Vec<(usize, i64)> {
    let mut found: Vec<(usize, i64)> = Vec::new();
    let mut begin: Option<Mark> = None;
    for mark in in_order(marks) {
        match begin {
            Some(first) if first.port == mark.port && mark.time.since(first.time) <= ATTEMPT => {
                if let Some((lines, span)) = found.last_mut() {
                    *lines += 1;
                    *span = mark.time.since(first.time);
                }
            }
            _ => {
                begin = Some(mark);
                found.push((1, 0));
            }
        }
    }
    found
}

/// Returns `marks` sorted by port and time.
fn in_order(marks: &[Mark]) -> Vec<Mark> {
    let mut sorted = marks.to_vec();
    // Lines mostly arrive in the order of time, which the stable sort by port keeps.
    if !sorted.is_sorted_by_key(|mark| mark.time) {
        sorted.sort_by_key(|mark| mark.time);
    }
    sorted.sort_by_key(|mark| mark.port);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syns(port: u16, seconds: &[f64]) -> Vec<Mark> {
        let mark = |s: &f64| Mark {
            port,
            time: Time((s * 1e6) as i64),
            opens: true,
            teardown: false,
            data: false,
        };
        seconds.iter().map(mark).collect()
    }

    #[test]
    fn retransmits_are_one_attempt() {
        // Both schedules as seen on kernels before and from 6.5.
        let old = syns(40000, &[0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0]);
        let new = syns(
            40001,
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0, 19.5, 36.0, 68.7],
        );
        assert_eq!(attempts(&old), 1);
        assert_eq!(attempts(&new), 1);
        assert_eq!(attempts(&[old, new].concat()), 2);
        assert_eq!(attempts(&syns(40000, &[0.0, 133.0])), 2);
    }

    #[test]
    fn data_that_is_sent_again_is_no_further_attempt() {
        let data = |seconds: &[f64]| -> Vec<Mark> {
            let marks = syns(50000, seconds).into_iter();
            marks
                .map(|mark| Mark {
                    opens: false,
                    ..mark
                })
                .collect()
        };
        let resent = data(&[
            0.0, 1.0, 3.0, 7.0, 15.0, 60.0, 120.0, 240.0, 360.0, 480.0, 600.0,
        ]);
        assert_eq!(attempts(&resent), 1);
        assert_eq!(
            attempts(&[syns(50000, &[0.0, 1.0, 3.0]), data(&[140.0])].concat()),
            1
        );
    }
}
