//! Rules as arguments of iptables: the one printer for commands, dumps and texts.
//!
//! A rule that was understood is printed so that iptables and [`crate::chain::read`] parse it back to the same rule; the
//! order is that of the documentation: addresses, protocol, ports, modules, comment, target.

use std::fmt;
use std::fmt::Write as _;

use crate::chain::quoted;
use crate::chain::rule::{
    AddressType, Compared, Log, Match, Ports, Rule, Side, States, Target, Test,
};
use crate::net::{IpNet, PortRange};
use crate::packet::{PktType, proto};

/// The units of `--limit` with their lengths in 1/10000 s, as libxt_limit.c prints them.
const UNITS: [(&str, u32); 4] = [
    ("day", 864_000_000),
    ("hour", 36_000_000),
    ("min", 600_000),
    ("sec", 10_000),
];
/// The burst of `-m limit` where none is given.
const BURST: u32 = 5;

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no target"),
            Self::Accept => f.write_str("ACCEPT"),
            Self::Drop => f.write_str("DROP"),
            Self::Reject(_) => f.write_str("REJECT"),
            Self::Log(_) => f.write_str("LOG"),
            Self::Return => f.write_str("RETURN"),
            Self::Jump(name) | Self::Goto(name) | Self::Other(name, _) => f.write_str(name),
            Self::Unread => f.write_str("not understood"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for m in &self.matches {
            let text = m.to_string();
            match m.test {
                Test::IcmpType { .. } if self.protocol() == Some(proto::ICMPV6) => {
                    write!(f, "{} ", text.replace("--icmp-type", "--icmpv6-type"))?;
                }
                _ => write!(f, "{text} ")?,
            }
        }
        if let Some(comment) = &self.comment {
            write!(f, "-m comment --comment {} ", comment_word(comment))?;
        }
        match &self.target {
            Target::None => Ok(()),
            Target::Goto(name) => write!(f, "-g {}", quoted(name)),
            Target::Log(log) => write!(f, "{log}"),
            Target::Reject(with) => write!(f, "-j REJECT --reject-with {}", quoted(with)),
            Target::Other(name, options) if !options.is_empty() => {
                write!(f, "-j {} {options}", quoted(name))
            }
            Target::Unread => f.write_str("(not understood)"),
            target => write!(f, "-j {}", quoted(&target.to_string())),
        }
    }
}

/// Quotes a comment with double quotes, as the documentation does, unless it contains a character that is special in
/// them.
fn comment_word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" _-+.,:/=@%()[]'#*<>?~&;|{}^".contains(&b);
    if text.bytes().all(plain) {
        format!("\"{text}\"")
    } else {
        quoted(text).into_owned()
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-j LOG")?;
        if !self.prefix.is_empty() {
            write!(f, " --log-prefix {}", quoted(&self.prefix))?;
        }
        write!(f, " --log-level {}", self.level)?;
        for (bit, option) in [
            (1, "--log-tcp-sequence"),
            (2, "--log-tcp-options"),
            (4, "--log-ip-options"),
            (8, "--log-uid"),
            (32, "--log-macdecode"),
        ] {
            if self.flags & bit != 0 {
                write!(f, " {option}")?;
            }
        }
        Ok(())
    }
}

/// Writes `! ` before the option itself, as iptables wants it: behind the module's name.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module = self.test.module();
        if !module.is_empty() {
            write!(f, "-m {module} ")?;
        }
        if self.negated {
            f.write_str("! ")?;
        }
        write!(f, "{}", self.test)
    }
}

impl Test {
    /// Returns the module that has the option; empty where iptables knows it without.
    fn module(&self) -> &str {
        match self {
            Self::Ports(ports, ranges) if ranges.len() != 1 || *ports == Ports::Either => {
                "multiport"
            }
            Self::State(_) => "conntrack",
            Self::Limit { .. } => "limit",
            Self::AddressType(..) => "addrtype",
            Self::IpRange(..) => "iprange",
            Self::MacSource(_) => "mac",
            Self::Ttl(..) => "ttl",
            Self::HopLimit(..) => "hl",
            Self::Length(..) => "length",
            Self::Tos { mask: 0xfc, .. } => "dscp",
            Self::Tos { .. } => "tos",
            Self::Mark { .. } => "mark",
            Self::PktType(_) => "pkttype",
            Self::Unknown(module, _)
                if matches!(
                    module.as_str(),
                    "host name" | "port" | "protocol" | "row" | "interface"
                ) =>
            {
                ""
            }
            Self::Unknown(module, _) => module,
            _ => "",
        }
    }
}

/// The option with its value, without its module.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(side, name) => {
                write!(f, "-{} {}", letter(*side, 'i', 'o'), quoted(name))
            }
            Self::Net(side, net) => write!(f, "-{} {}", letter(*side, 's', 'd'), address(*net)),
            Self::Masked(side, address, mask) => {
                write!(f, "-{} {address}/{mask}", letter(*side, 's', 'd'))
            }
            Self::Protocol(number) => write!(f, "-p {}", protocol(*number)),
            Self::Ports(ports, ranges) => {
                let name = match ports {
                    Ports::Source => "sport",
                    Ports::Destination => "dport",
                    Ports::Either => "port",
                };
                let many = if self.module().is_empty() { "" } else { "s" };
                let list: Vec<String> = ranges.iter().map(PortRange::to_string).collect();
                write!(f, "--{name}{many} {}", list.join(","))
            }
            Self::State(states) => write!(f, "--ctstate {states}"),
            Self::Limit { interval, burst } => {
                write!(f, "--limit {}", rate(*interval))?;
                if *burst == BURST {
                    return Ok(());
                }
                write!(f, " --limit-burst {burst}")
            }
            Self::TcpFlags {
                mask: 0x17,
                set: 0x02,
            } => f.write_str("--syn"),
            Self::TcpFlags { mask, set } => {
                write!(f, "--tcp-flags {} {}", flags(*mask), flags(*set))
            }
            Self::IcmpType { icmp_type, code } => {
                write!(f, "--icmp-type {icmp_type}")?;
                code.map_or(Ok(()), |code| write!(f, "/{code}"))
            }
            Self::AddressType(side, types) => {
                let side = if *side == Side::Source { "src" } else { "dst" };
                let list: Vec<&str> = types.iter().map(|kind| kind.name()).collect();
                write!(f, "--{side}-type {}", list.join(","))
            }
            Self::LaterFragment => f.write_str("-f"),
            Self::IpRange(side, first, last) => {
                let side = if *side == Side::Source { "src" } else { "dst" };
                write!(f, "--{side}-range {first}-{last}")
            }
            Self::MacSource([a, b, c, d, e, g]) => {
                write!(
                    f,
                    "--mac-source {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"
                )
            }
            Self::Ttl(how, number) | Self::HopLimit(how, number) => {
                let option = if matches!(self, Self::Ttl(..)) {
                    "ttl"
                } else {
                    "hl"
                };
                let how = match how {
                    Compared::Equal => "eq",
                    Compared::Less => "lt",
                    Compared::Greater => "gt",
                };
                write!(f, "--{option}-{how} {number}")
            }
            Self::Length(first, last) if first == last => write!(f, "--length {first}"),
            Self::Length(first, last) => write!(f, "--length {first}:{last}"),
            Self::Tos { value, mask: 0xfc } => write!(f, "--dscp {:#04x}", value >> 2),
            Self::Tos { value, mask } => write!(f, "--tos {value:#04x}/{mask:#04x}"),
            Self::Mark {
                value,
                mask: u32::MAX,
            } => write!(f, "--mark {value:#x}"),
            Self::Mark { value, mask } => write!(f, "--mark {value:#x}/{mask:#x}"),
            Self::PktType(cast) => f.write_str(match cast {
                PktType::Unicast => "--pkt-type unicast",
                PktType::Broadcast => "--pkt-type broadcast",
                PktType::Multicast => "--pkt-type multicast",
            }),
            Self::Unknown(module, text) if module == "set" => write!(f, "--match-set {text}"),
            Self::Unknown(_, text) => f.write_str(text),
        }
    }
}

fn letter(side: Side, source: char, destination: char) -> char {
    match side {
        Side::Source => source,
        Side::Destination => destination,
    }
}

/// Returns a network as iptables prints it: a single address without its length.
pub fn address(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// Returns the name that `-p` takes, else the number.
fn protocol(number: u8) -> String {
    match number {
        proto::TCP => "tcp".to_owned(),
        proto::UDP => "udp".to_owned(),
        proto::ICMP => "icmp".to_owned(),
        proto::ICMPV6 => "icmpv6".to_owned(),
        number => number.to_string(),
    }
}

/// Formats an interval as a rate, `10/min`, in the unit that libxt_limit.c chooses: one in which it is a whole number.
fn rate(interval: u32) -> String {
    let interval = interval.max(1);
    let whole = |unit: u32| interval <= unit && unit / interval >= unit % interval;
    let at = UNITS
        .iter()
        .skip(1)
        .take_while(|(_, unit)| whole(*unit))
        .count();
    let (name, unit) = UNITS[at];
    format!("{}/{name}", unit / interval)
}

fn flags(bits: u8) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
    match bits & 0x3f {
        0 => return "NONE".to_owned(),
        0x3f => return "ALL".to_owned(),
        _ => {}
    }
    let mut out = String::new();
    for (at, name) in names.iter().enumerate() {
        if bits >> at & 1 == 1 {
            let comma = if out.is_empty() { "" } else { "," };
            let _ = write!(out, "{comma}{name}");
        }
    }
    out
}

impl AddressType {
    const fn name(self) -> &'static str {
        match self {
            Self::Local => "LOCAL",
            Self::Broadcast => "BROADCAST",
            Self::Multicast => "MULTICAST",
            Self::Unicast => "UNICAST",
            Self::Other => "ANYCAST",
        }
    }
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::INVALID, "INVALID"),
            (Self::NEW, "NEW"),
            (Self::RELATED, "RELATED"),
            (Self::ESTABLISHED, "ESTABLISHED"),
            (Self::UNTRACKED, "UNTRACKED"),
            (Self::SNAT, "SNAT"),
            (Self::DNAT, "DNAT"),
        ];
        let set: Vec<&str> = names
            .iter()
            .filter(|(state, _)| self.contains(*state))
            .map(|(_, name)| *name)
            .collect();
        f.write_str(&set.join(","))
    }
}
