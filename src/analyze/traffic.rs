//! Counters of drop lines for a monitoring system, by the fields that one packet settles.

use std::collections::BTreeMap;

use super::Analysis;
use crate::flow::{Kind, Seen};
use crate::input::event::NoticeKind;
use crate::packet::{TcpFlags, proto, proto_name};
use crate::report::metrics::{PacketKind, Traffic};

impl Analysis {
    /// Counts the drop lines of each node by address family, protocol and kind of packet. The counts are monotonic.
    pub fn traffic(&self) -> Vec<Traffic> {
        let flows = self.judged();
        let mut counts: BTreeMap<(&str, bool, Option<u8>, PacketKind), u64> = BTreeMap::new();
        let marks = flows.marks();
        for seen in flows.iter(&marks) {
            let node = flows.node_name(seen.key.node);
            for (kind, lines) in kinds(&seen) {
                *counts
                    .entry((node, seen.key.peer.is_ipv6(), seen.key.proto, kind))
                    .or_default() += lines;
            }
        }
        counts
            .into_iter()
            .filter(|(_, lines)| *lines > 0)
            .map(|((node, is_v6, proto, kind), lines)| Traffic {
                node: node.to_owned(),
                is_v6,
                proto: proto.map_or_else(|| "unknown".to_owned(), |n| proto_name(n).into_owned()),
                kind,
                lines,
            })
            .collect()
    }

    /// Counts the kernel messages that were lost before the log was written, by its notices.
    pub fn lost(&self) -> u64 {
        use NoticeKind::{JournalSuppressed, Missed, Suppressed};
        let is_loss = |kind| matches!(kind, Missed | Suppressed | JournalSuppressed);
        let lost = self.notices.iter().filter(|((_, kind), _)| is_loss(*kind));
        lost.map(|(_, notice)| notice.count).sum()
    }
}

/// Returns the lines of a flow by kind of packet.
fn kinds(seen: &Seen<'_>) -> Vec<(PacketKind, u64)> {
    let flow = seen.flow;
    match seen.key.proto {
        Some(proto::TCP) if seen.key.kind != Kind::Fragment => {
            let count = |test: fn(TcpFlags) -> bool| flow.lines_with(test);
            let syn = count(|f| f.contains(TcpFlags::SYN) && !f.contains(TcpFlags::ACK));
            let syn_ack = count(|f| f.contains(TcpFlags::SYN) && f.contains(TcpFlags::ACK));
            let rst = count(|f| f.contains(TcpFlags::RST) && !f.contains(TcpFlags::SYN));
            // A line that was cut before its flags has no kind of its own.
            let unread = flow.logged - flow.lines_with(|_| true).min(flow.logged);
            let rest = flow.logged - (syn + syn_ack + rst + unread).min(flow.logged);
            vec![
                (PacketKind::Syn, syn),
                (PacketKind::SynAck, syn_ack),
                (PacketKind::Rst, rst),
                (PacketKind::MidStream, rest),
                (PacketKind::Other, unread),
            ]
        }
        Some(proto::UDP) => vec![(PacketKind::Udp, flow.logged)],
        Some(proto::ICMP | proto::ICMPV6) => vec![(PacketKind::Icmp, flow.logged)],
        _ => vec![(PacketKind::Other, flow.logged)],
    }
}
