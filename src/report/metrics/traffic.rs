//! Counters of drop lines, by what one packet settles.

use super::{Family, family, label};

/// Kind of a packet, by the packet alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketKind {
    Syn,
    SynAck,
    MidStream,
    Rst,
    Udp,
    Icmp,
    Other,
}

impl PacketKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn-ack",
            Self::MidStream => "mid-stream",
            Self::Rst => "rst",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Other => "other",
        }
    }
}

/// Drop lines of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    pub node: String,
    pub is_v6: bool,
    pub proto: String,
    pub kind: PacketKind,
    pub lines: u64,
}

pub(super) fn drop_lines(traffic: &[Traffic]) -> Family {
    let series = traffic.iter().map(|own| {
        let labels = vec![
            ("node", label(&own.node)),
            ("family", family(own.is_v6).to_owned()),
            ("proto", own.proto.clone()),
            ("kind", own.kind.code().to_owned()),
        ];
        (labels, own.lines as f64)
    });
    Family {
        name: "dropsift_drop_lines",
        help: "Drop lines logged, by what one packet settles: a floor, since the LOG rule is limited",
        is_counter: true,
        series: series.collect(),
    }
}
