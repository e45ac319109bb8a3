//! Rules back as text, as `iptables -S` would write them.

use std::fmt;

use crate::chain::quoted;
use crate::chain::rule::{AddressType, Match, Ports, Rule, Side, States, Target, Test};

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for m in &self.matches {
            write!(f, "{m} ")?;
        }
        match &self.target {
            Target::None => Ok(()),
            Target::Goto(name) => write!(f, "-g {}", quoted(name)),
            Target::Log(log) => write!(f, "-j LOG --log-prefix {}", quoted(&log.prefix)),
            target => write!(f, "-j {}", quoted(&target.to_string())),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("! ")?;
        }
        write!(f, "{}", self.test)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(Side::Source, name) => write!(f, "-i {}", quoted(name)),
            Self::Interface(Side::Destination, name) => write!(f, "-o {}", quoted(name)),
            Self::Net(Side::Source, net) => write!(f, "-s {net}"),
            Self::Net(Side::Destination, net) => write!(f, "-d {net}"),
            Self::Protocol(6) => f.write_str("-p tcp"),
            Self::Protocol(17) => f.write_str("-p udp"),
            Self::Protocol(1) => f.write_str("-p icmp"),
            Self::Protocol(number) => write!(f, "-p {number}"),
            Self::Ports(ports, ranges) => {
                let name = match ports {
                    Ports::Source => "sport",
                    Ports::Destination => "dport",
                    Ports::Either => "port",
                };
                let list: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                let many = if list.len() > 1 { "s" } else { "" };
                write!(f, "--{name}{many} {}", list.join(","))
            }
            Self::State(states) => write!(f, "--ctstate {states}"),
            Self::Limit { interval, burst } => write!(
                f,
                "-m limit (one each {} s, burst {burst})",
                f64::from(*interval) / 10_000.0
            ),
            Self::TcpFlags { mask, set } => write!(f, "--tcp-flags {mask:#04x} {set:#04x}"),
            Self::IcmpType {
                icmp_type,
                code: None,
            } => write!(f, "--icmp-type {icmp_type}"),
            Self::IcmpType {
                icmp_type,
                code: Some(code),
            } => write!(f, "--icmp-type {icmp_type}/{code}"),
            Self::AddressType(side, types) => {
                let side = if *side == Side::Source { "src" } else { "dst" };
                let list: Vec<&str> = types.iter().map(|kind| kind.name()).collect();
                write!(f, "--{side}-type {}", list.join(","))
            }
            Self::LaterFragment => f.write_str("-f"),
            Self::Unknown(module, text) if text.is_empty() => write!(f, "-m {}", quoted(module)),
            Self::Unknown(module, text) => write!(f, "-m {} {text}", quoted(module)),
        }
    }
}

impl AddressType {
    const fn name(self) -> &'static str {
        match self {
            Self::Local => "LOCAL",
            Self::Broadcast => "BROADCAST",
            Self::Multicast => "MULTICAST",
            Self::Unicast => "UNICAST",
            Self::Other => "another",
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
