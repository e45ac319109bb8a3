//! iptables chains: a text in one of the printed forms in ([`parse`]), a [`RuleSet`] out, which evaluates packets.
//!
//! Follows iptables(8) and iptables-extensions(8), and the output of iptables 1.8.9. Only the filter table is read.
//! Options that cannot be parsed are kept as [`Test::Unknown`]: such a match never matches, and is named where it
//! decides.

mod active;
mod chain_text;
mod evaluate;
mod matching;
mod narrow;
mod narrowing;
mod outcome;
mod positions;
mod print;
mod question;
mod quote;
mod rule;
mod seek;
mod shadowed;
mod shell;
mod syntax;
mod takes;
mod ways;

use std::collections::HashMap;
use std::fmt;

use crate::cloudinit;
use crate::error::{Error, printable};
use crate::packet::PacketSummary;
use crate::time::Time;

pub use active::{ActiveChains, Chains, Judged};
pub use chain_text::Origin;
pub use evaluate::Evaluation;
pub use narrow::{Narrow, PortRule};
pub use narrowing::Narrowing;
pub use outcome::{ChainOutcome, Narrowed, Outcome, Position};
pub use positions::Counted;
pub use print::address;
pub use question::{Detail, Question, Sender};
pub use quote::{of_node, quoted};
pub use rule::{
    AddressType, Compared, Counters, Log, Match, Ports, Rule, Side, States, Target, Test,
    limit_interval,
};
pub use seek::{Arrival, Place, Sought};
pub use shadowed::{Shadowed, Why};
use shell::MAX_SCRIPT;
pub use shell::{Assume, Condition, Fault, Runner, Script};
pub use syntax::{Form, detect};
pub use ways::Ways;

/// The chain of the documentation.
pub const HARVESTER: &str = "HARVESTER_INPUT";
/// The built-in chain for packets to the node itself.
pub const INPUT: &str = "INPUT";

/// Texts longer than this are refused: the longest real dump of a node has a hundredth of it.
pub const MAX_TEXT: usize = 12 << 20;
/// The most lines of a dump that are read, and the most options in them: a rule takes some 200 bytes, and some 80 for each
/// of its tests.
const MAX_LINES: usize = 150_000;
const MAX_OPTIONS: usize = 700_000;

/// Address family of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Family {
    /// `iptables`.
    #[default]
    V4,
    /// `ip6tables`.
    V6,
}

impl Family {
    /// Returns the family of a packet.
    pub const fn of(packet: &PacketSummary<'_>) -> Self {
        if packet.src.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// Returns the command that writes its chains.
    pub const fn tool(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }
}

/// Policy of a built-in chain, for a packet that no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    Accept,
    Drop,
}

/// One chain of the filter table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub family: Family,
    pub name: String,
    /// `None` for a user's chain.
    pub policy: Option<Policy>,
    /// Rules in order; the number of a rule is its index plus 1.
    pub rules: Vec<Rule>,
    /// Line of the text that creates or prints the chain; 0 for a built-in chain that the text does not name.
    pub line: usize,
    /// How many rules lead to it, as `iptables -L` counts them; `None` where the text does not say.
    pub references: Option<u32>,
}

/// The chains that a text prints or makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    pub form: Form,
    chains: Vec<Chain>,
    /// Indices of the chains by name, for IPv4 and for IPv6: a dump may have thousands of chains.
    index: [HashMap<String, usize>; 2],
    /// Time at which the text was printed; `None` where it has no stamp.
    pub taken: Option<Time>,
    /// Whether a LOG rule has the documented prefix.
    has_documented_log: bool,
    /// Whether a rule has a match that only a whole line settles.
    asks_detail: bool,
    /// Lines that iptables would refuse, or that were not understood.
    pub faults: Vec<Fault>,
    /// Remarks of the text on rules that it does not show: of another backend, family or table.
    pub beside: Vec<Fault>,
}

impl RuleSet {
    /// Creates a set without chains.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            chains: Vec::new(),
            index: Default::default(),
            taken: None,
            has_documented_log: false,
            asks_detail: false,
            faults: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// Returns the chains, in the order in which the text makes them.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// Returns the chain of that name.
    pub fn chain(&self, family: Family, name: &str) -> Option<&Chain> {
        self.find(family, name).map(|(_, chain)| chain)
    }

    /// Returns the chain of that name, and its place among the chains.
    fn find(&self, family: Family, name: &str) -> Option<(usize, &Chain)> {
        let at = *self.index[family as usize].get(name)?;
        Some((at, self.chains.get(at)?))
    }

    fn chain_mut(&mut self, family: Family, name: &str) -> Option<&mut Chain> {
        let at = *self.index[family as usize].get(name)?;
        self.chains.get_mut(at)
    }

    /// Returns the chain of that name, which is created if it does not exist.
    fn chain_or_new(&mut self, family: Family, name: &str, line: usize) -> &mut Chain {
        let next = self.chains.len();
        let known = self.index[family as usize].get(name).copied();
        let at = known.unwrap_or_else(|| {
            self.index[family as usize].insert(name.to_owned(), next);
            self.chains.push(Chain {
                family,
                name: name.to_owned(),
                policy: None,
                rules: Vec::new(),
                line,
                references: None,
            });
            next
        });
        &mut self.chains[at]
    }

    /// Returns the chains of one family, without faults.
    #[must_use]
    pub fn of_family(&self, family: Family) -> Self {
        let mut set = self.clone();
        set.retain(|chain| chain.family == family);
        set.faults.clear();
        set.beside.clear();
        set
    }

    /// Assigns all chains to one family.
    fn is_of(&mut self, family: Family) {
        for chain in &mut self.chains {
            chain.family = family;
        }
        self.retain(|_| true);
    }

    /// Removes a chain.
    fn remove_chain(&mut self, family: Family, name: &str) {
        let Some(at) = self.index[family as usize].remove(name) else {
            return;
        };
        self.chains.remove(at);
        for known in self.index.iter_mut().flat_map(HashMap::values_mut) {
            *known -= usize::from(*known > at);
        }
    }

    /// Keeps the chains for which `wanted` returns true, and rebuilds the index by name.
    fn retain(&mut self, wanted: impl FnMut(&Chain) -> bool) {
        self.chains.retain(wanted);
        self.index = Default::default();
        for (at, chain) in self.chains.iter().enumerate() {
            self.index[chain.family as usize]
                .entry(chain.name.clone())
                .or_insert(at);
        }
    }
}

/// Parses the chains of a text, whose form is detected from its content.
///
/// # Errors
/// If the form is not recognised or the text cannot be parsed; the reason names the line.
pub fn parse(name: &str, text: &str) -> Result<RuleSet, Error> {
    read(text).map_err(|fault| Error::Unreadable {
        name: name.to_owned(),
        why: printable(&fault.to_string()),
    })
}

/// Refuses a text that would take more memory than a chain may.
///
/// # Errors
/// If it is larger than any that is in use.
pub(crate) fn check_size(form: Form, text: &str) -> Result<(), Fault> {
    let is_printed = matches!(form, Form::Save | Form::Specification | Form::Listing);
    let lines = || memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let options = || memchr::memmem::find_iter(text.as_bytes(), " -").count();
    let why = match form {
        Form::Script if text.len() > MAX_SCRIPT => {
            "a script of more than 256 KiB is not read; run it, and give the output of `iptables-save`"
        }
        _ if is_printed && lines() > MAX_LINES => {
            "it has more than 150,000 lines; give the filter table alone, the output of `iptables-save -t filter`"
        }
        _ if is_printed && options() > MAX_OPTIONS => {
            "it has more than 700,000 options; give the filter table alone, the output of `iptables-save -t filter`"
        }
        _ => return Ok(()),
    };
    Err(Fault::new(1, why))
}

/// As [`parse`], and the fault keeps its line as a number.
///
/// # Errors
/// If the form is not recognised or the text cannot be parsed.
pub fn read(text: &str) -> Result<RuleSet, Fault> {
    if text.len() > MAX_TEXT {
        return Err(Fault::new(
            1,
            "it is longer than 12 MiB; is it a dump of iptables?",
        ));
    }
    let form = detect(text)?;
    check_size(form, text)?;
    match form {
        form @ (Form::Save | Form::Specification) => Ok(syntax::save::read(form, text)),
        Form::Listing => Ok(syntax::listing::read(text)),
        Form::Script => {
            let script = Script::read(text, 1);
            Ok(Ways::of(Form::Script, &mut |runner| runner.run(&script)).set)
        }
        Form::CloudInit => Ok(cloudinit::boot(&cloudinit::read(text)?, |_| true)),
    }
}

/// Parses one rule from its command: the chain and the rule of `iptables -A CHAIN …`.
///
/// # Errors
/// If iptables would refuse the command.
pub fn parse_rule(command: &str) -> Result<(String, Rule), Fault> {
    shell::rule_of(&Script::read(command, 1))
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        })
    }
}
