//! The words behind `iptables`: in, one [`Command`] with its rules out. Follows iptables(8) and iptables-extensions(8).

use crate::chain::Family;
use crate::chain::rule::{Counters, Log, Match, Ports, Rule, Side, Target, Test};
use crate::chain::values;

/// What a command does to a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Append,
    /// At this number, from 1.
    Insert(usize),
    Delete,
    DeleteNumber(usize),
    Replace(usize),
    Check,
    New,
    /// All chains where none is named.
    Flush,
    Remove,
    Policy(String),
    Rename(String),
    /// Lists, zeroes counters, prints the version.
    Nothing,
}

/// One call of iptables.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) action: Action,
    pub(super) chain: Option<String>,
    /// One rule, or one for each of several addresses.
    pub(super) rules: Vec<Rule>,
}

/// Modules of which every option is known here.
const KNOWN: &[&str] = &[
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
];

/// Targets that are no chains. Those that end the way of a packet are `QUEUE` and `NFQUEUE`.
const TARGETS: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DSCP",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "MARK",
    "NFLOG",
    "NFQUEUE",
    "NOTRACK",
    "QUEUE",
    "RATEEST",
    "SECMARK",
    "SET",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
];

/// A command of more than this many source and destination pairs is refused.
const MOST_RULES: usize = 256;

/// The table that the words name.
pub(super) fn table(words: &[String]) -> Option<&str> {
    words
        .iter()
        .zip(words.iter().skip(1))
        .find_map(|(word, next)| {
            let long = word.strip_prefix("--table=");
            let glued = || {
                word.strip_prefix("-t")
                    .filter(|rest| !rest.is_empty() && !word.starts_with("--"))
            };
            match word.as_str() {
                "-t" | "--table" => Some(next.as_str()),
                _ => long.or_else(glued),
            }
        })
}

struct Reader<'a> {
    words: &'a [String],
    at: usize,
    /// The value glued to the option at hand: `--dport=22`, `-jDROP`.
    glued: Option<String>,
    family: Family,
    action: Option<Action>,
    chain: Option<String>,
    matches: Vec<Match>,
    nets: [(bool, Vec<String>); 2],
    target: Target,
    comment: Option<String>,
    counters: Option<Counters>,
    modules: Vec<String>,
    /// Modules loaded by `-m` of which no option came, and which are not known.
    bare: Option<String>,
    limit: Option<(u32, u32)>,
    /// The first option that needs a protocol with ports.
    ports_by: Option<String>,
    has_target: bool,
}

/// Reads the words behind the name of the tool.
pub(super) fn read(words: &[String], family: Family, line: usize) -> Result<Command, String> {
    let mut reader = Reader {
        words,
        at: 0,
        glued: None,
        family,
        action: None,
        chain: None,
        matches: Vec::new(),
        nets: Default::default(),
        target: Target::None,
        comment: None,
        counters: None,
        modules: Vec::new(),
        bare: None,
        limit: None,
        ports_by: None,
        has_target: false,
    };
    reader.all()?;
    reader.finish(line)
}

impl Reader<'_> {
    fn all(&mut self) -> Result<(), String> {
        let mut negated = false;
        while let Some(word) = self.words.get(self.at) {
            self.at += 1;
            if word == "!" {
                negated = true;
                continue;
            }
            let option = self.split(word);
            self.option(&option, negated)?;
            if let Some(value) = self.glued.take() {
                return Err(format!("option `{option}` takes no value `{value}`"));
            }
            negated = false;
        }
        Ok(())
    }

    /// Cuts `--name=value` and `-jDROP`; long names of the base options become short ones.
    fn split(&mut self, word: &str) -> String {
        if let Some(long) = word.strip_prefix("--") {
            let name = match long.split_once('=') {
                Some((name, value)) => {
                    self.glued = Some(value.to_owned());
                    name
                }
                None => long,
            };
            return short(name).map_or_else(|| format!("--{name}"), ToOwned::to_owned);
        }
        let mut chars = word.chars();
        if chars.next() == Some('-')
            && let Some(letter) = chars.next()
            && "ADIRNXFPECtpsdiojgmcwW".contains(letter)
            && !chars.as_str().is_empty()
        {
            self.glued = Some(chars.as_str().to_owned());
            return format!("-{letter}");
        }
        word.to_owned()
    }

    fn value(&mut self, option: &str) -> Result<String, String> {
        if let Some(value) = self.glued.take() {
            return Ok(value);
        }
        let value = self
            .words
            .get(self.at)
            .ok_or_else(|| format!("option `{option}` needs a value"))?;
        self.at += 1;
        Ok(value.clone())
    }

    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    /// The next word, where it is a number.
    fn number(&mut self) -> Option<usize> {
        let number = self.peek()?.parse().ok()?;
        self.at += 1;
        Some(number)
    }

    /// The next word, where it is no option.
    fn operand(&mut self) -> Option<String> {
        if self.glued.is_some() {
            return self.glued.take();
        }
        let word = self
            .peek()
            .filter(|word| !word.starts_with('-') && *word != "!")?;
        let word = word.to_owned();
        self.at += 1;
        Some(word)
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        match self.action.replace(action) {
            None => Ok(()),
            Some(_) => Err("two commands in one call".to_owned()),
        }
    }

    fn push(&mut self, test: Test, negated: bool) {
        self.matches.push(Match { test, negated });
    }

    fn option(&mut self, option: &str, negated: bool) -> Result<(), String> {
        match option {
            "-A" | "-C" => {
                self.act(if option == "-A" {
                    Action::Append
                } else {
                    Action::Check
                })?;
                self.chain = Some(self.value(option)?);
            }
            "-I" => {
                self.chain = Some(self.value(option)?);
                let number = self.number().unwrap_or(1);
                self.act(Action::Insert(number))?;
            }
            "-D" => {
                self.chain = Some(self.value(option)?);
                let action = self.number().map_or(Action::Delete, Action::DeleteNumber);
                self.act(action)?;
            }
            "-R" => {
                self.chain = Some(self.value(option)?);
                let number = self.number().ok_or("-R needs a rule number")?;
                self.act(Action::Replace(number))?;
            }
            "-N" => {
                self.act(Action::New)?;
                self.chain = Some(self.value(option)?);
            }
            "-F" | "-X" => {
                self.act(if option == "-F" {
                    Action::Flush
                } else {
                    Action::Remove
                })?;
                self.chain = self.operand();
            }
            "-P" => {
                self.chain = Some(self.value(option)?);
                let policy = self.value(option)?;
                self.act(Action::Policy(policy))?;
            }
            "-E" => {
                self.chain = Some(self.value(option)?);
                let name = self.value(option)?;
                self.act(Action::Rename(name))?;
            }
            "-L" | "-S" | "-Z" => {
                self.operand();
                self.number();
                // `-L -Z` lists and zeroes in one call.
                self.action.get_or_insert(Action::Nothing);
            }
            "-h" | "-V" | "--version" | "--help" => {
                self.action.get_or_insert(Action::Nothing);
            }
            "-t" => {
                self.value(option)?;
            }
            "-w" => {
                self.glued.take();
                self.number();
            }
            "-W" => {
                self.value(option)?;
            }
            "-v" | "-vv" | "-n" | "-x" | "-4" | "-6" | "-nv" | "-vn" | "--line-numbers"
            | "--exact" => {}
            "-p" => {
                let name = self.value(option)?;
                let number =
                    values::protocol(&name).ok_or_else(|| format!("unknown protocol `{name}`"))?;
                self.push(Test::Protocol(number), negated);
            }
            "-s" | "-d" => {
                let value = self.value(option)?;
                self.nets[usize::from(option == "-d")] =
                    (negated, value.split(',').map(ToOwned::to_owned).collect());
            }
            "-i" | "-o" => {
                let side = if option == "-i" {
                    Side::Source
                } else {
                    Side::Destination
                };
                let name = self.value(option)?;
                self.push(Test::Interface(side, name), negated);
            }
            "-f" => self.push(Test::LaterFragment, negated),
            "-c" => {
                let packets = self.value(option)?;
                let bytes = match packets.split_once(',') {
                    Some((_, bytes)) => bytes.to_owned(),
                    None => self.value(option)?,
                };
                let packets = packets.split(',').next().unwrap_or_default();
                let read = |text: &str| {
                    text.parse()
                        .map_err(|_| format!("counter `{text}` is no number"))
                };
                self.counters = Some(Counters {
                    packets: read(packets)?,
                    bytes: read(&bytes)?,
                    exact: true,
                });
            }
            "-m" => {
                self.close();
                let module = self.value(option)?;
                if !KNOWN.contains(&module.as_str()) {
                    self.bare = Some(module.clone());
                }
                self.modules.push(module);
            }
            "-j" | "-g" => {
                self.close();
                let name = self.value(option)?;
                self.target = target(&name, option == "-g");
                self.has_target = true;
            }
            _ => return self.extension(option, negated),
        }
        Ok(())
    }

    /// A module without an option is a match of its own (`-m socket`).
    fn close(&mut self) {
        if let Some(module) = self.bare.take() {
            self.push(Test::Unknown(module, String::new()), false);
        }
    }

    fn loaded(&self, module: &str) -> bool {
        self.modules.iter().any(|name| name == module)
    }

    fn need(&self, module: &str, option: &str) -> Result<(), String> {
        if self.loaded(module) {
            Ok(())
        } else {
            Err(format!("unknown option `{option}`; it needs `-m {module}`"))
        }
    }

    fn extension(&mut self, option: &str, negated: bool) -> Result<(), String> {
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
            "--match-set" | "--mark" if !self.has_target => {
                let mut text = self.value(option)?;
                let module = if option == "--mark" { "mark" } else { "set" };
                self.need(module, option)?;
                if module == "set" {
                    text = format!("{text} {}", self.value(option)?);
                }
                self.bare = None;
                self.push(Test::Unknown(module.to_owned(), text), negated);
            }
            _ if self.has_target => return self.of_target(option),
            _ => return self.unknown(option, negated),
        }
        Ok(())
    }

    /// An option that stands behind `-j`.
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

    /// An option of a module that is not known here.
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

    /// The option and its values, as text.
    fn rest(&mut self, option: &str) -> String {
        let mut text = option.to_owned();
        while let Some(word) = self.operand() {
            join(&mut text, &word);
        }
        text
    }

    fn protocol(&self) -> Option<u8> {
        self.matches.iter().find_map(|m| match m.test {
            Test::Protocol(number) if !m.negated => Some(number),
            _ => None,
        })
    }

    fn finish(mut self, line: usize) -> Result<Command, String> {
        self.close();
        if let Some(option) = &self.ports_by
            && !matches!(self.protocol(), Some(6 | 17 | 33 | 132 | 136))
        {
            return Err(format!(
                "unknown option `{option}`; it needs `-p tcp` or `-p udp`"
            ));
        }
        let flags = self
            .matches
            .iter()
            .any(|m| matches!(m.test, Test::TcpFlags { .. }));
        if flags && self.protocol() != Some(6) {
            return Err("`--syn` and `--tcp-flags` need `-p tcp`".to_owned());
        }
        if let Some((interval, burst)) = self.limit {
            self.push(Test::Limit { interval, burst }, false);
        }
        let action = self.action.take().ok_or("no command such as `-A`")?;
        let inserted = matches!(action, Action::Insert(_));
        let base = Rule {
            matches: self.matches,
            target: self.target,
            comment: self.comment,
            counters: self.counters,
            line,
            inserted,
        };
        Ok(Command {
            rules: spread(base, &self.nets, self.family)?,
            chain: self.chain,
            action,
        })
    }
}

/// One rule for each pair of source and destination.
fn spread(
    base: Rule,
    nets: &[(bool, Vec<String>); 2],
    family: Family,
) -> Result<Vec<Rule>, String> {
    let mut rules = vec![base];
    for (side, (negated, texts)) in [Side::Source, Side::Destination].into_iter().zip(nets) {
        if texts.is_empty() {
            continue;
        }
        if *negated && texts.len() > 1 {
            return Err("`!` is not allowed with several addresses".to_owned());
        }
        if rules.len().saturating_mul(texts.len()) > MOST_RULES {
            return Err(format!(
                "more than {MOST_RULES} pairs of addresses in one command"
            ));
        }
        let mut out = Vec::with_capacity(rules.len() * texts.len());
        for rule in &rules {
            for text in texts {
                let test = match values::net(text) {
                    Some(net) if net.addr().is_ipv4() != (family == Family::V4) => {
                        return Err(format!("`{text}` is no address for {}", family.tool()));
                    }
                    Some(net) => Test::Net(side, net),
                    None if text.starts_with(|c: char| c.is_ascii_digit()) => {
                        return Err(format!("`{text}` is no address"));
                    }
                    None => Test::Unknown("host name".to_owned(), text.clone()),
                };
                let mut rule = rule.clone();
                rule.matches.push(Match {
                    test,
                    negated: *negated,
                });
                out.push(rule);
            }
        }
        rules = out;
    }
    for rule in &mut rules {
        rule.normalize();
    }
    Ok(rules)
}

/// What `-j NAME` or `-g NAME` means, as far as the name tells.
pub(super) fn target(name: &str, goto: bool) -> Target {
    match name {
        _ if goto => Target::Goto(name.to_owned()),
        "ACCEPT" => Target::Accept,
        "DROP" => Target::Drop,
        "RETURN" => Target::Return,
        "REJECT" => Target::Reject("icmp-port-unreachable".to_owned()),
        "LOG" => Target::Log(Log::default()),
        _ if TARGETS.contains(&name) => Target::Other(name.to_owned(), String::new()),
        _ => Target::Jump(name.to_owned()),
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// The short form of a long base option.
fn short(name: &str) -> Option<&'static str> {
    Some(match name {
        "append" => "-A",
        "delete" => "-D",
        "insert" => "-I",
        "replace" => "-R",
        "new-chain" | "new" => "-N",
        "delete-chain" => "-X",
        "flush" => "-F",
        "policy" => "-P",
        "rename-chain" => "-E",
        "check" => "-C",
        "list" => "-L",
        "list-rules" => "-S",
        "zero" => "-Z",
        "table" => "-t",
        "protocol" | "proto" => "-p",
        "source" | "src" => "-s",
        "destination" | "dst" => "-d",
        "in-interface" => "-i",
        "out-interface" => "-o",
        "jump" => "-j",
        "goto" => "-g",
        "match" => "-m",
        "fragment" | "fragments" => "-f",
        "set-counters" => "-c",
        "wait" => "-w",
        "wait-interval" => "-W",
        "verbose" => "-v",
        "numeric" => "-n",
        "ipv4" => "-4",
        "ipv6" => "-6",
        _ => return None,
    })
}
