//! Parser of the arguments of iptables into one [`Command`] with its rules. Follows iptables(8) and
//! iptables-extensions(8).

use crate::chain::Family;
use crate::chain::rule::{Counters, Match, Rule, Side, Target, Test};
use crate::chain::syntax::reader::{Action, Reader};
use crate::chain::syntax::{extensions, values};

/// One call of iptables.
#[derive(Debug, Clone)]
pub(in crate::chain) struct Command {
    pub(in crate::chain) action: Action,
    pub(in crate::chain) chain: Option<String>,
    /// One rule, or one for each pair of several addresses.
    pub(in crate::chain) rules: Vec<Rule>,
}

/// Upper bound on the source and destination pairs of a command.
const MAX_RULES: usize = 256;

/// Returns the table that the words name.
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

/// Parses the words behind the name of the tool.
pub(in crate::chain) fn read(
    words: &[String],
    family: Family,
    line: usize,
) -> Result<Command, String> {
    let mut reader = Reader::new(words, family);
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

    /// Ends the modules: one without an option is a match of its own (`-m socket`).
    fn close(&mut self) {
        if let Some(module) = self.bare.take() {
            self.push(Test::Unknown(module, String::new()), false);
        }
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
            matches: self.matches.into_boxed_slice().into_vec(),
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

/// Creates one rule for each pair of source and destination.
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
        if rules.len().saturating_mul(texts.len()) > MAX_RULES {
            return Err(format!(
                "more than {MAX_RULES} pairs of addresses in one command"
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

/// Creates the test for a host name, which iptables resolves when the rule is added.
pub(in crate::chain) fn host_name(side: Side, text: &str) -> Test {
    let option = if side == Side::Source { "-s" } else { "-d" };
    Test::Unknown("host name".to_owned(), format!("{option} {text}"))
}
