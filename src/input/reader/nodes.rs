//! The clocks of a log's nodes: when each last logged, and in which boot.

use crate::input::event::{LogEvent, NoticeKind, Sink};
use crate::names::Names;
use crate::time::{SECOND, Time};

/// Upper bound on the nodes of one log that are told apart.
const MAX_NODES: usize = 64;
/// Largest disorder of lines from two CPUs or two senders, in microseconds.
const DISORDER: i64 = 2 * SECOND;

/// The clock of a node.
#[derive(Debug)]
struct NodeClock {
    boot: Option<u64>,
    last: Time,
    /// Whether its records were in order so far; those of a reversed log never are.
    forward: bool,
}

/// The clocks of all nodes of one log.
#[derive(Debug, Default)]
pub(super) struct NodeClocks {
    /// Names of the nodes; a node without a name has no name here either.
    names: Names,
    /// Clocks by the numbers of the names.
    clocks: Vec<NodeClock>,
    /// A boot was noticed, and no drop line since.
    pub(super) booted: bool,
}

/// Time of a drop line, by its record.
pub(super) struct Written<'a> {
    pub(super) received: Time,
    pub(super) host: Option<&'a str>,
    pub(super) boot: Option<u64>,
    /// Microseconds by which the kernel wrote the line before it was received.
    pub(super) late: i64,
}

/// Boot or step of the clock that a drop line shows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    rebooted: bool,
    /// Seconds by which the clock was set back.
    back: Option<u64>,
}

impl Jump {
    pub(super) const NONE: Self = Self {
        rebooted: false,
        back: None,
    };

    /// Reports the jump, before the line at `time`.
    pub(super) fn say(self, time: Time, host: Option<&str>, sink: &mut Sink<'_>) {
        let boot = self.rebooted.then_some((NoticeKind::Boot, 1));
        let back = self.back.map(|back| (NoticeKind::TimeBack, back));
        for (kind, count) in boot.into_iter().chain(back) {
            sink(LogEvent::Notice {
                kind,
                time,
                host,
                count,
            });
        }
    }
}

impl NodeClocks {
    /// Returns the nodes with a drop line, by a bit each, where there are several; without the `last` one and the one
    /// without a name.
    pub(super) fn several_but(&self, last: Option<&str>) -> u64 {
        const _: () = assert!(MAX_NODES <= 64, "a node is a bit");
        if self.clocks.len() < 2 {
            return 0;
        }
        let all = u64::MAX >> (64 - self.clocks.len().min(64));
        let but = ["", last.unwrap_or_default()];
        let but = but.iter().filter_map(|name| self.names.find(name));
        but.fold(all, |all, number| all & !(1 << number))
    }

    /// Returns the bit of the node of this name, 0 where there is none.
    pub(super) fn bit(&self, name: &str) -> u64 {
        self.names.find(name).map_or(0, |number| 1 << number)
    }

    /// Returns the name of the first node of a set.
    pub(super) fn first(&self, nodes: u64) -> Option<Box<str>> {
        let number = u16::try_from(nodes.trailing_zeros()).ok()?;
        self.names.name(number).map(Into::into)
    }

    /// Takes a drop line. Returns the time at which the kernel wrote it, and the jump that it shows.
    pub(super) fn take(&mut self, written: &Written<'_>) -> (Time, Jump) {
        let received = written.received;
        let time = if received.is_dated() && written.late != 0 {
            Time(received.0.saturating_sub(written.late))
        } else {
            received
        };
        let booted = std::mem::take(&mut self.booted);
        let name = written.host.unwrap_or_default();
        let Some(number) = self.names.number(name, MAX_NODES) else {
            return (time, Jump::NONE);
        };
        let Some(clock) = self.clocks.get_mut(usize::from(number)) else {
            self.clocks.push(NodeClock {
                boot: written.boot,
                last: time,
                forward: false,
            });
            return (time, Jump::NONE);
        };
        let mut jump = Jump::NONE;
        if written.boot.is_some() && written.boot != clock.boot {
            jump.rebooted = clock.boot.is_some() && !booted;
            clock.boot = written.boot;
        }
        if clock.last.is_dated() && time.is_dated() && time != clock.last {
            let back = clock.last.since(time);
            if clock.forward && back > DISORDER {
                jump.back = Some((back / SECOND).unsigned_abs());
            }
            clock.forward = back < 0;
        }
        clock.last = time;
        (time, jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, host: &str, boot: u64) -> (Written<'_>, Time) {
        let received = Time(1_776_852_000_000_000 + second * SECOND);
        let written = Written {
            received,
            host: Some(host),
            boot: Some(boot),
            late: 0,
        };
        (written, received)
    }

    #[test]
    fn a_node_that_boots_or_goes_back_is_noticed_once() {
        let mut nodes = NodeClocks::default();
        let mut take = |second, host, boot| {
            let (written, time) = at(second, host, boot);
            let (dated, jump) = nodes.take(&written);
            assert_eq!(dated, time);
            (jump.rebooted, jump.back)
        };
        assert_eq!(take(0, "a", 1), (false, None));
        assert_eq!(take(10, "b", 7), (false, None));
        assert_eq!(take(20, "a", 1), (false, None));
        // Two seconds may be disorder.
        assert_eq!(take(18, "a", 1), (false, None));
        assert_eq!(take(30, "a", 2), (true, None));
        assert_eq!(take(31, "a", 2), (false, None));
        assert_eq!(take(5, "a", 2), (false, Some(26)));
        assert_eq!(take(11, "b", 7), (false, None));
    }

    #[test]
    fn a_reversed_log_goes_back_in_no_node() {
        let mut nodes = NodeClocks::default();
        for second in (0..50).rev() {
            assert_eq!(nodes.take(&at(second * 60, "a", 1).0).1, Jump::NONE);
        }
    }
}
