//! The words behind `iptables`: in, one [`Command`] with its rules out. Follows iptables(8) and iptables-extensions(8).

use crate::chain::Family;
use crate::chain::rule::{Counters, Match, Rule, Side, Target, Test};
use crate::chain::syntax::{extensions, values};

/// What a command does to a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chain) enum Action {
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
pub(in crate::chain) struct Command {
    pub(in crate::chain) action: Action,
    pub(in crate::chain) chain: Option<String>,
    /// One rule, or one for each of several addresses.
    pub(in crate::chain) rules: Vec<Rule>,
}

/// A command of more than this many source and destination pairs is refused.
const MOST_RULES: usize = 256;

/// The table that the words name.
pub(in crate::chain) fn table(words: &[String]) -> Option<&str> {
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

pub(in crate::chain) struct Reader<'a> {
    words: &'a [String],
    at: usize,
    /// The value glued to the option at hand: `--dport=22`, `-jDROP`.
    glued: Option<String>,
    family: Family,
    action: Option<Action>,
    chain: Option<String>,
    pub(in crate::chain) matches: Vec<Match>,
    nets: [(bool, Vec<String>); 2],
    pub(in crate::chain) target: Target,
    pub(in crate::chain) comment: Option<String>,
    counters: Option<Counters>,
    pub(in crate::chain) modules: Vec<String>,
    /// Modules loaded by `-m` of which no option came, and which are not known.
    pub(in crate::chain) bare: Option<String>,
    pub(in crate::chain) limit: Option<(u32, u32)>,
    /// The first option that needs a protocol with ports.
    pub(in crate::chain) ports_by: Option<String>,
    pub(in crate::chain) has_target: bool,
}

/// Reads the words behind the name of the tool.
pub(in crate::chain) fn read(
    words: &[String],
    family: Family,
    line: usize,
) -> Result<Command, String> {
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

    pub(in crate::chain) fn value(&mut self, option: &str) -> Result<String, String> {
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
    pub(in crate::chain) fn operand(&mut self) -> Option<String> {
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

    pub(in crate::chain) fn push(&mut self, test: Test, negated: bool) {
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
                let chain = self.operand();
                self.number();
                self.chain = self.chain.take().or(chain);
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
                if !extensions::KNOWN.contains(&module.as_str()) {
                    self.bare = Some(module.clone());
                }
                self.modules.push(module);
            }
            "-j" | "-g" => {
                self.close();
                let name = self.value(option)?;
                self.target = Target::named(&name, option == "-g");
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

    pub(in crate::chain) fn loaded(&self, module: &str) -> bool {
        self.modules.iter().any(|name| name == module)
    }

    pub(in crate::chain) fn protocol(&self) -> Option<u8> {
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
                    None if let Some((address, mask)) = values::odd_mask(text) => {
                        Test::Masked(side, address, mask)
                    }
                    None if text.starts_with(|c: char| c.is_ascii_digit()) => {
                        return Err(format!("`{text}` is no address"));
                    }
                    None => host_name(side, text),
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

/// A name in place of an address, which iptables resolves when the rule is added.
pub(in crate::chain) fn host_name(side: Side, text: &str) -> Test {
    let option = if side == Side::Source { "-s" } else { "-d" };
    Test::Unknown("host name".to_owned(), format!("{option} {text}"))
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
