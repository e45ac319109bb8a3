//! Replies that keep coming for longer than conntrack loss can explain.

use super::{Cause, Evidence, Example, Verdict, facts};
use super::{group::Group, scene::Scene};
use crate::flow::{Kind, Mark};
use crate::time::{MINUTE, Time};

/// A peer retransmits without an answer for about 15 minutes (tcp_retries2 = 15); a longer run has another cause.
const STUCK: i64 = 20 * MINUTE;
/// Number of late replies of one UDP service, over [`STUCK`], from which they are no accident.
const UDP_REPLIES: usize = 3;
/// Longest gap between late replies, in microseconds.
const UDP_GAP: i64 = 10 * MINUTE;

pub(super) static STUCK_REPLY: Cause = Cause {
    code: "stuck-reply",
    verdict: Verdict::Review,
    summary: "replies that keep coming for more than 20 minutes",
    brief: "replies for more than 20 minutes",
    what: "A connection that lost its conntrack state heals when this node next sends on it, and its peer gives up after about \
           15 minutes. Replies that go on for longer point to a path on which this node's own packets do not pass its \
           conntrack, or to a chain without its ESTABLISHED rule.",
    told: "A run of replies of one peer and service of more than 20 minutes without a gap longer than the settling time, outside \
           every upgrade window; for UDP three replies or more over that time without a gap over ten minutes.",
    todo: "Check that the ESTABLISHED,RELATED rule is the first of the chain, and that requests leave by the interface by which \
           the replies come in. If an upgrade was going on, say so with --upgrade.",
    check,
    examples: &[
        Example { takes: true, log: "Apr 22 10:00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40000 LEN=100
Apr 22 10:07:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40001 LEN=100
Apr 22 10:14:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40002 LEN=100
Apr 22 10:21:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=120 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40003 LEN=100", rules: None },
        Example { takes: false, log: "Apr 22 10:00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=252 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=64 RES=0x00 ACK PSH URGP=0
Apr 22 10:22:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=252 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=6443 DPT=40000 WINDOW=64 RES=0x00 ACK PSH URGP=0", rules: None },
    ],
};

fn check(group: &Group<'_>, scene: &Scene<'_>, evidence: &mut Evidence) -> bool {
    if !facts::is_reply(group, evidence) || !matches!(group.key.kind, Kind::Plain | Kind::SynAck) {
        return false;
    }
    facts::service_on_peer(group, evidence);
    let (gap, least) = if group.is_tcp() {
        (scene.site.settle, 1)
    } else {
        (UDP_GAP, UDP_REPLIES)
    };
    // Lines that all lie within this time cannot contain a longer run.
    let may_run = group.last.since(group.first) > STUCK;
    let longest = || {
        let peers = group.marks_by_peer().into_iter();
        let runs = peers.flat_map(|(peer, mut marks)| {
            // Of a network that peers were folded into, only the lines of one connection are those of one peer for certain.
            let is_network = group.network_of(peer).is_some();
            marks.sort_unstable_by_key(|mark| if is_network { mark.port } else { 0 });
            let of_one = marks.chunk_by(|one, other| !is_network || one.port == other.port);
            let runs = of_one.map(|marks| longest_run(marks, gap, scene));
            runs.max()
        });
        runs.max().unwrap_or_default()
    };
    let is_stuck = |(lasts, lines): (i64, usize)| lasts > STUCK && lines >= least;
    let runs_on = may_run && is_stuck(longest());
    evidence.test("runs-on", runs_on, || {
        let (lasts, lines) = longest();
        format!(
            "the longest run of one peer without a gap over {} has {} and lasts {}",
            facts::lasting(gap),
            facts::count(lines as u64, "line"),
            facts::lasting(lasts)
        )
    })
}

/// Microseconds and lines of the longest run of `marks` without a gap longer than `gap`. An upgrade window breaks it.
fn longest_run(marks: &[Mark], gap: i64, scene: &Scene<'_>) -> (i64, usize) {
    let times = marks.iter().map(|mark| mark.time);
    let mut times: Vec<Time> = times
        .filter(|time| time.is_known() && !scene.in_upgrade(*time))
        .collect();
    times.sort_unstable();
    let runs = times
        .chunk_by(|one, other| other.since(*one) <= gap && !scene.upgraded_between(*one, *other));
    let lasts = runs.map(|run| (run[run.len() - 1].since(run[0]), run.len()));
    lasts.max().unwrap_or_default()
}
