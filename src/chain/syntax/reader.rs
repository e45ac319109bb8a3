//! Words of one iptables command, and the parts of the rule read so far.

use crate::chain::Family;
use crate::chain::rule::{Counters, Match, Target, Test};

/// Action of a command on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chain) enum Action {
    Append,
    /// `-I` at this number, from 1.
    Insert(usize),
    Delete,
    DeleteNumber(usize),
    Replace(usize),
    Check,
    New,
    /// `-F`; all chains where none is named.
    Flush,
    Remove,
    Policy(String),
    Rename(String),
    /// Lists, zeroes counters, prints the version.
    Nothing,
}

/// Reads words one after the other into a rule.
pub(super) struct Reader<'a> {
    pub(super) words: &'a [String],
    pub(super) at: usize,
    /// The value glued to the option at hand: `--dport=22`, `-jDROP`.
    pub(super) glued: Option<String>,
    pub(super) family: Family,
    pub(super) action: Option<Action>,
    pub(super) chain: Option<String>,
    pub(super) matches: Vec<Match>,
    pub(super) nets: [(bool, Vec<String>); 2],
    pub(super) target: Target,
    pub(super) comment: Option<String>,
    pub(super) counters: Option<Counters>,
    pub(super) modules: Vec<String>,
    /// Unknown module loaded by `-m` for which no option has come yet.
    pub(super) bare: Option<String>,
    pub(super) limit: Option<(u32, u32)>,
    /// The first option that needs a protocol with ports.
    pub(super) ports_by: Option<String>,
    pub(super) has_target: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(words: &'a [String], family: Family) -> Self {
        Self {
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
        }
    }

    /// Splits `--name=value` and `-jDROP`; long names of the base options become short ones.
    pub(super) fn split(&mut self, word: &str) -> String {
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

    pub(super) fn value(&mut self, option: &str) -> Result<String, String> {
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

    /// Returns the next word, where it is a number.
    pub(super) fn number(&mut self) -> Option<usize> {
        let number = self.peek()?.parse().ok()?;
        self.at += 1;
        Some(number)
    }

    /// Returns the next word, where it is no option.
    pub(super) fn operand(&mut self) -> Option<String> {
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

    pub(super) fn act(&mut self, action: Action) -> Result<(), String> {
        match self.action.replace(action) {
            None => Ok(()),
            Some(_) => Err("two commands in one call".to_owned()),
        }
    }

    pub(super) fn push(&mut self, test: Test, negated: bool) {
        self.matches.push(Match { test, negated });
    }

    pub(super) fn loaded(&self, module: &str) -> bool {
        self.modules.iter().any(|name| name == module)
    }

    pub(super) fn protocol(&self) -> Option<u8> {
        self.matches.iter().find_map(|m| match m.test {
            Test::Protocol(number) if !m.negated => Some(number),
            _ => None,
        })
    }
}

/// Returns the short form of a long base option.
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
