//! Verdict of a finding that a report contains: its cause is kept where the facts beside it allow that, and else made anew.

use std::net::IpAddr;

use super::words::coded;
use crate::catalog::{self, Reach, Role};
use crate::cause::{CAUSES, Cause};
use crate::flow::Direction;
use crate::net::is_private;
use crate::packet::{TcpFlags, proto};
use crate::site::Zone;
use crate::time::MINUTE;

/// Facts of a finding that decide on its cause.
pub(super) struct Facts<'f> {
    pub(super) role: Role,
    pub(super) number: Option<u8>,
    pub(super) port: Option<u16>,
    pub(super) direction: Direction,
    pub(super) zone: Zone,
    pub(super) peers: &'f [IpAddr],
    pub(super) flags: &'f [(TcpFlags, u64)],
    pub(super) attempts: u64,
    /// Time from the first line to the last, in microseconds.
    pub(super) lasting: i64,
}

impl Facts<'_> {
    /// Returns `told` where a log with these facts may have led to it, and else the cause that they show.
    pub(super) fn settle(&self, told: &'static Cause) -> &'static Cause {
        if self.allow(told) {
            return told;
        }
        self.shown()
    }

    /// Whether a cause is one that these facts may have.
    fn allow(&self, told: &Cause) -> bool {
        let is_request = self.direction == Direction::Original;
        let port = self.port.filter(|_| is_request);
        match told.code {
            "documented-port" => {
                port.is_some_and(|port| self.is_documented(port)) && self.may_ask()
            }
            "addon-port" => port.is_some_and(|port| self.addon(port)) && self.may_ask(),
            "pod-network" => is_request && self.zone == Zone::Pod,
            "icmp" => matches!(self.number, Some(proto::ICMP | proto::ICMPV6)),
            "unlisted-port" => {
                self.zone != Zone::Outside
                    && self.attempts > 1
                    && port.is_some_and(|port| !self.is_documented(port))
            }
            "single-attempt" => self.attempts < 2 && !self.opens_documented(),
            // What opens a connection to a documented port is never return traffic, nor anything that only an unlisted
            // port can be. What lies before that in the chain of causes, the facts do not show.
            "conntrack-loss" | "late-reply" | "stuck-reply" | "syn-ack" => !self.opens_documented(),
            "other-role" | "local-only" | "pod-only" | "upgrade-only" | "ambiguous"
            | "other-protocol" => !self.opens_documented(),
            "outside-peer" => !self.opens_documented() || self.zone == Zone::Outside,
            "scan" => self.port.is_none() || !self.opens_documented(),
            "bogus-flags" => {
                self.flags.is_empty() || self.flags.iter().any(|(flags, _)| !flags.valid())
            }
            _ => true,
        }
    }

    /// Returns the code of the cause that the facts show, after the order of the chain.
    pub(super) fn shown(&self) -> &'static Cause {
        let code = self.shown_code();
        CAUSES
            .iter()
            .copied()
            .find(|cause| cause.code == code)
            .unwrap_or(CAUSES[CAUSES.len() - 1])
    }

    /// Returns its code.
    fn shown_code(&self) -> &'static str {
        let is_reply = self.direction == Direction::Reply;
        match (self.number, self.port) {
            (Some(proto::ICMP | proto::ICMPV6), _) => return "icmp",
            (Some(proto::TCP), Some(_)) if is_reply => return "conntrack-loss",
            (Some(proto::UDP), Some(_)) if is_reply => return "late-reply",
            (Some(proto::TCP | proto::UDP), _) => {}
            _ => return "other-protocol",
        }
        let Some(port) = self.port.filter(|_| self.direction == Direction::Original) else {
            return "ambiguous";
        };
        let number = self.number.unwrap_or_default();
        let (is_documented, is_addon) = (self.is_documented(port), self.addon(port));
        if (is_documented || is_addon) && !self.may_ask() {
            "outside-peer"
        } else if is_documented {
            "documented-port"
        } else if is_addon {
            "addon-port"
        } else if self.zone == Zone::Pod {
            "pod-network"
        } else if catalog::documented_anywhere(number, port).next().is_some() {
            "other-role"
        } else if self.zone == Zone::Outside {
            "outside-peer"
        } else if self.attempts < 2 {
            "single-attempt"
        } else {
            "unlisted-port"
        }
    }

    fn is_documented(&self, port: u16) -> bool {
        let number = self.number.unwrap_or_default();
        catalog::documented(self.role, number, port).is_some() || self.is_dhcp()
    }

    /// Whether any role's list, or an addon, has the port.
    pub(super) fn is_listed(&self) -> bool {
        let number = self.number.unwrap_or_default();
        self.port.is_some_and(|port| {
            let row = catalog::service(number, port);
            catalog::documented_anywhere(number, port).next().is_some()
                || row.is_some_and(|row| row.addon.is_some())
        })
    }

    /// Whether they are answers of a DHCP server, which is on the link.
    pub(super) fn is_dhcp(&self) -> bool {
        catalog::dhcp_reply_rule().is_some_and(|rule| {
            let ports = rule.dport.zip(self.port);
            rule.proto == self.number && ports.is_some_and(|(ports, port)| ports.contains(port))
        })
    }

    /// Whether the lines were as many and lasted as long as those of a peer that comes back.
    pub(super) fn came_back(&self) -> bool {
        self.attempts > 2 && self.lasting > MINUTE
    }

    /// Whether an addon listens on the port that runs on this role.
    fn addon(&self, port: u16) -> bool {
        let row = catalog::service(self.number.unwrap_or_default(), port);
        row.is_some_and(|row| row.addon.is_some() && row.roles.contains(&self.role))
    }

    /// Whether the peers may use the port: inside, or whoever comes where anybody may, or a private address that came back.
    fn may_ask(&self) -> bool {
        let reach = (self.port).map(|port| catalog::reach(self.number.unwrap_or_default(), port));
        self.zone != Zone::Outside
            || reach != Some(Reach::Nodes)
            || self.came_back() && self.peers.iter().copied().any(is_private)
    }

    /// Whether the lines are requests from inside to a documented port, as far as the flags show it.
    fn opens_documented(&self) -> bool {
        let is_tcp = self.number == Some(proto::TCP);
        // A chain that accepts ctstate NEW alone leaves resets of the same connection to conntrack.
        let is_syn = |(flags, _): &(TcpFlags, u64)| flags.is_syn() && flags.valid();
        let opens = !is_tcp || !self.flags.is_empty() && self.flags.iter().all(is_syn);
        let port = self.port.filter(|_| self.direction == Direction::Original);
        opens && self.zone != Zone::Outside && port.is_some_and(|port| self.is_documented(port))
    }
}

/// Returns a cause by its code.
pub(super) fn cause(code: &str) -> Result<&'static Cause, String> {
    coded(CAUSES, |cause| cause.code, code, "cause")
}
