//! Options of matches and targets, behind `-m` and `-j`. Follows iptables-extensions(8).

use crate::chain::rule::{Compared, Match, Ports, Side, Target, Test};
use crate::chain::syntax::reader::Reader;
use crate::chain::syntax::values;

/// Modules of which every option is known here.
pub(in crate::chain) const KNOWN: &[&str] = &[
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "icmpv6",
    "sctp",
    "dccp",
    "udplite",
    "comment",
    "limit",
    "state",
    "multiport",
    "addrtype",
    "conntrack",
    "iprange",
    "mac",
    "ttl",
    "hl",
    "length",
    "tos",
    "dscp",
    "mark",
    "pkttype",
];

impl Reader<'_> {
    fn need(&self, module: &str, option: &str) -> Result<(), String> {
        if self.loaded(module) {
            Ok(())
        } else {
            Err(format!("unknown option `{option}`; it needs `-m {module}`"))
        }
    }

    pub(in crate::chain) fn extension(
        &mut self,
        option: &str,
        negated: bool,
    ) -> Result<(), String> {
        let bad = |option: &str, value: &str| format!("bad value `{value}` of `{option}`");
        match option {
            "--dport" | "--destination-port" | "--sport" | "--source-port" => {
                let value = self.value(option)?;
                let range = values::ports(&value).ok_or_else(|| bad(option, &value))?;
                let side = if option.starts_with("--d") {
                    Ports::Destination
                } else {
                    Ports::Source
                };
                self.ports_by.get_or_insert_with(|| option.to_owned());
                self.push(Test::Ports(side, vec![range]), negated);
            }
            "--dports" | "--destination-ports" | "--sports" | "--source-ports" | "--ports" => {
                self.need("multiport", option)?;
                let value = self.value(option)?;
                let ranges = values::port_list(&value).ok_or_else(|| bad(option, &value))?;
                let side = match option.as_bytes().get(2) {
                    Some(b'd') => Ports::Destination,
                    Some(b's') => Ports::Source,
                    _ => Ports::Either,
                };
                self.ports_by.get_or_insert_with(|| option.to_owned());
                self.push(Test::Ports(side, ranges), negated);
            }
            "--ctstate" | "--state" => {
                self.need(
                    if option == "--state" {
                        "state"
                    } else {
                        "conntrack"
                    },
                    option,
                )?;
                let value = self.value(option)?;
                let states = values::states(&value).ok_or_else(|| bad(option, &value))?;
                self.push(Test::State(states), negated);
            }
            "--comment" => {
                self.need("comment", option)?;
                self.comment = Some(self.value(option)?);
            }
            "--limit" | "--limit-burst" => {
                self.need("limit", option)?;
                let value = self.value(option)?;
                // The module's own: 3 an hour, burst 5 (libxt_limit.c).
                let (interval, burst) = self.limit.get_or_insert((12_000_000, 5));
                if option == "--limit" {
                    *interval = values::rate(&value).ok_or_else(|| bad(option, &value))?;
                } else {
                    *burst = value.parse().map_err(|_| bad(option, &value))?;
                }
            }
            "--syn" => self.push(
                Test::TcpFlags {
                    mask: values::SYN.0,
                    set: values::SYN.1,
                },
                negated,
            ),
            "--tcp-flags" => {
                let mask = self.value(option)?;
                let set = self.value(option)?;
                let read = |text: &str| values::flags(text).ok_or_else(|| bad(option, text));
                self.push(
                    Test::TcpFlags {
                        mask: read(&mask)?,
                        set: read(&set)?,
                    },
                    negated,
                );
            }
            "--icmp-type" | "--icmpv6-type" => {
                let value = self.value(option)?;
                let v6 = option == "--icmpv6-type";
                if let Some((icmp_type, code)) =
                    values::icmp(&value, v6).ok_or_else(|| bad(option, &value))?
                {
                    self.push(Test::IcmpType { icmp_type, code }, negated);
                }
            }
            "--dst-type" | "--src-type" if self.loaded("addrtype") => {
                let value = self.value(option)?;
                let types = values::address_types(&value).ok_or_else(|| bad(option, &value))?;
                let side = if option == "--dst-type" {
                    Side::Destination
                } else {
                    Side::Source
                };
                self.push(Test::AddressType(side, types), negated);
            }
            // A local address in INPUT belongs to the node, on any interface: with a limit to one interface it stays
            // open.
            "--limit-iface-in" | "--limit-iface-out" if self.loaded("addrtype") => {
                self.push(
                    Test::Unknown("addrtype".to_owned(), option.to_owned()),
                    negated,
                );
            }
            "--match-set" if !self.has_target => {
                self.need("set", option)?;
                let name = self.value(option)?;
                let text = format!("{name} {}", self.value(option)?);
                self.bare = None;
                self.push(Test::Unknown("set".to_owned(), text), negated);
            }
            _ if !self.has_target && self.of_header(option, negated)? => {}
            _ if self.has_target => return self.of_target(option),
            _ => return self.unknown(option, negated),
        }
        Ok(())
    }

    /// Parses an option that tests a header field. Returns whether it is one.
    fn of_header(&mut self, option: &str, negated: bool) -> Result<bool, String> {
        let module = match option {
            "--src-range" | "--dst-range" => "iprange",
            "--mac-source" => "mac",
            "--ttl-eq" | "--ttl" | "--ttl-lt" | "--ttl-gt" => "ttl",
            "--hl-eq" | "--hl-lt" | "--hl-gt" => "hl",
            "--length" => "length",
            "--tos" => "tos",
            "--dscp" | "--dscp-class" => "dscp",
            "--mark" => "mark",
            "--pkt-type" => "pkttype",
            _ => return Ok(false),
        };
        if !self.loaded(module) {
            return Ok(false);
        }
        // `-m connmark -m mark`: the last module that has the option parses it.
        if module == "mark" && self.modules.last().is_some_and(|last| last == "connmark") {
            return Ok(false);
        }
        let value = self.value(option)?;
        let side = if option == "--src-range" {
            Side::Source
        } else {
            Side::Destination
        };
        let compared = match option.rsplit('-').next() {
            Some("lt") => Compared::Less,
            Some("gt") => Compared::Greater,
            _ => Compared::Equal,
        };
        let number = || value.parse().ok();
        let test = match module {
            "iprange" => {
                values::range(&value).map(|(first, last)| Test::IpRange(side, first, last))
            }
            "mac" => values::mac(&value).map(Test::MacSource),
            "ttl" => number().map(|number| Test::Ttl(compared, number)),
            "hl" => number().map(|number| Test::HopLimit(compared, number)),
            "length" => values::lengths(&value).map(|(first, last)| Test::Length(first, last)),
            "tos" => values::tos(&value).map(|(value, mask)| Test::Tos { value, mask }),
            "dscp" if option == "--dscp" => dscp(values::number(&value)),
            "dscp" => dscp(values::dscp_class(&value).map(u32::from)),
            "mark" => values::masked(&value).map(|(value, mask)| Test::Mark { value, mask }),
            _ => values::packet_type(&value).map(Test::PktType),
        };
        let test = test.ok_or_else(|| format!("bad value `{value}` of `{option}`"))?;
        self.push(test, negated);
        Ok(true)
    }

    /// Parses an option after `-j`.
    fn of_target(&mut self, option: &str) -> Result<(), String> {
        if let Target::Reject(_) = self.target
            && option == "--reject-with"
        {
            self.target = Target::Reject(self.value(option)?);
            return Ok(());
        }
        if let Target::Other(..) = self.target {
            let text = self.rest(option);
            if let Target::Other(_, options) = &mut self.target {
                join(options, &text);
            }
            return Ok(());
        }
        let Target::Log(mut log) = self.target.clone() else {
            return self.unknown(option, false);
        };
        match option {
            "--log-prefix" => log.prefix = self.value(option)?,
            "--log-level" => {
                let value = self.value(option)?;
                log.level =
                    values::log_level(&value).ok_or_else(|| format!("bad log level `{value}`"))?;
            }
            "--log-tcp-sequence" => log.flags |= 1,
            "--log-tcp-options" => log.flags |= 2,
            "--log-ip-options" => log.flags |= 4,
            "--log-uid" => log.flags |= 8,
            "--log-macdecode" => log.flags |= 32,
            _ => return self.unknown(option, false),
        }
        self.target = Target::Log(log);
        Ok(())
    }

    /// Parses an option of an unknown module.
    fn unknown(&mut self, option: &str, negated: bool) -> Result<(), String> {
        let partly =
            |name: &String| !KNOWN.contains(&name.as_str()) || name == "conntrack" || name == "tcp";
        let module = match self.modules.iter().rev().find(|name| partly(name)) {
            Some(module) if option.starts_with('-') => module.clone(),
            None if option.starts_with("--") && self.protocol().is_some_and(|p| p != 0) => {
                "protocol".to_owned()
            }
            _ if option.starts_with('-') => return Err(format!("unknown option `{option}`")),
            _ => return Err(format!("bad argument `{option}`")),
        };
        if module == "protocol"
            && !matches!(option, "--tcp-option" | "--chunk-types" | "--dccp-types")
        {
            return Err(format!("unknown option `{option}`"));
        }
        self.bare = None;
        let mut text = self.rest(option);
        if negated {
            text.insert_str(0, "! ");
        }
        let mine = |m: &&mut Match| matches!(&m.test, Test::Unknown(name, _) if *name == module);
        if let Some(Match {
            test: Test::Unknown(_, known),
            ..
        }) = self.matches.iter_mut().rev().find(mine)
        {
            join(known, &text);
        } else {
            self.push(Test::Unknown(module, text), false);
        }
        Ok(())
    }

    /// Returns the option and its values, as text.
    fn rest(&mut self, option: &str) -> String {
        let mut text = option.to_owned();
        while let Some(word) = self.operand() {
            join(&mut text, &word);
        }
        text
    }
}

/// DSCP is the upper six bits of the byte.
pub(in crate::chain) fn dscp(number: Option<u32>) -> Option<Test> {
    let number = number.filter(|number| *number < 64)?;
    Some(Test::Tos {
        value: (number as u8) << 2,
        mask: 0xfc,
    })
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}
