//! Replies that keep coming for longer than conntrack loss can explain.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::{Kind, Mark};
use crate::time::{MINUTE, Time};

/// A peer resends into the void for about 15 minutes (tcp_retries2 = 15); a run that is longer than this is no such.
const STUCK: i64 = 20 * MINUTE;
/// So many late replies of one UDP service, over [`STUCK`], are no accident.
const UDP_REPLIES: usize = 3;

pub(super) static STUCK_REPLY: Cause = Cause {
    code: "stuck-reply",
    verdict: Verdict::Review,
    summary: "replies that keep coming for more than 20 minutes",
    what: "A connection that lost its conntrack state heals when this node next sends on it, and its peer gives up after about \
           15 minutes. Replies that go on for longer point to a path on which this node's own packets do not pass its \
           conntrack, or to a chain without its ESTABLISHED rule.",
    told: "A run of replies of more than 20 minutes without a gap longer than the settling time, outside every upgrade window; \
           for UDP three replies of one service or more over that time.",
    todo: "Check that the ESTABLISHED,RELATED rule is the first of the chain, and that requests leave by the interface by which \
           the replies come in. If an upgrade was going on, say so with --upgrade.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40000 LEN=100
Apr 22 10:11:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40001 LEN=100
Apr 22 10:22:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40002 LEN=100", rules: None },
        Example { takes: false, log: "Apr 22 10:00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=252 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=64 RES=0x00 ACK PSH URGP=0
Apr 22 10:22:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=252 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=64 RES=0x00 ACK PSH URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if !facts::is_reply(group, evidence) || !matches!(group.key.kind, Kind::Plain | Kind::SynAck) {
        return false;
    }
    facts::service_on_peer(group, evidence);
    if group.is_tcp() {
        let runs = || {
            group
                .members
                .iter()
                .map(|seen| longest_run(seen.marks, scene))
        };
        // Lines that all lie within this time cannot run on for longer.
        let may_run = group.last.since(group.first) > STUCK;
        let runs_on = may_run && runs().any(|run| run > STUCK);
        evidence.test("runs-on", runs_on, || {
            format!(
                "the longest run without a gap over {} lasts {}",
                facts::lasting(scene.site.settle),
                facts::lasting(runs().max().unwrap_or_default())
            )
        })
    } else {
        let times = outside_upgrades(group.marks().map(|m| m.time).collect(), scene);
        let span = times
            .last()
            .zip(times.first())
            .map_or(0, |(last, first)| last.since(*first));
        evidence.test(
            "runs-on",
            times.len() >= UDP_REPLIES && span > STUCK,
            || {
                format!(
                    "{} over {}",
                    facts::count(times.len() as u64, "reply line"),
                    facts::lasting(span)
                )
            },
        )
    }
}

/// Microseconds of the longest run of lines without a gap longer than the settling time. A window of an upgrade breaks it.
fn longest_run(marks: &[Mark], scene: &Scene<'_>) -> i64 {
    // One line is no run, and most logs are in the order of time.
    if marks.len() < 2 {
        return 0;
    }
    let times = marks.iter().map(|mark| mark.time);
    if times.clone().is_sorted() {
        let wanted = times.filter(|time| is_outside_upgrades(*time, scene));
        return longest_run_of(wanted, scene);
    }
    longest_run_of(outside_upgrades(times.collect(), scene).into_iter(), scene)
}

/// The same of `times` in order.
fn longest_run_of(mut times: impl Iterator<Item = Time>, scene: &Scene<'_>) -> i64 {
    let Some(first) = times.next() else {
        return 0;
    };
    let (mut begin, mut last, mut longest) = (first, first, 0);
    for time in times {
        let upgraded = |last: Time| {
            let windows = &scene.site.upgrades;
            windows.iter().any(|w| w.is_between(last, time))
        };
        if time.since(last) > scene.site.settle || upgraded(last) {
            begin = time;
        }
        longest = longest.max(time.since(begin));
        last = time;
    }
    longest
}

/// The known ones of `times` that no upgrade explains, in order.
fn outside_upgrades(mut times: Vec<Time>, scene: &Scene<'_>) -> Vec<Time> {
    times.retain(|&time| is_outside_upgrades(time, scene));
    times.sort_unstable();
    times
}

fn is_outside_upgrades(time: Time, scene: &Scene<'_>) -> bool {
    time.is_known() && !scene.site.in_upgrade(time)
}
