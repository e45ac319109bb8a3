//! An iptables chain: its printed forms in ([`parse`]), a [`RuleSet`] out, which can be asked about a packet.
//!
//! Follows iptables(8) and iptables-extensions(8), and what iptables 1.8.9 prints. Only the filter table is read.
//! What cannot be read as a match is kept as [`Test::Unknown`]: it never matches, and is named where it decides.

mod arguments;
pub mod cloudinit;
mod command;
mod dead;
mod evaluate;
mod extensions;
mod fate;
mod form;
mod in_force;
mod listing;
mod order;
mod print;
mod quote;
mod rule;
mod save;
pub mod selector;
mod shell;
mod table_text;
mod values;
mod words;
pub mod yaml;

use std::fmt;

use crate::error::{Error, printable};
use crate::packet::PacketSummary;
use cloudinit::Resource;

pub use command::{Fault, Runner};
pub use dead::{Dead, Why};
pub use evaluate::{End, Evaluation, Outcome, Place};
pub use fate::{Fate, Judged};
pub use form::{Form, detect};
pub use in_force::{Chains, InForce};
pub use order::Counted;
pub use quote::quoted;
pub use rule::{
    AddressType, Counters, Log, Match, Ports, Rule, Side, States, Target, Test, limit_interval,
};
pub use shell::{Script, Simple};

/// The chain of the documentation.
pub const HARVESTER: &str = "HARVESTER_INPUT";
/// The built-in chain for packets to the node itself.
pub const INPUT: &str = "INPUT";

/// Texts longer than this are refused: the longest real dump of a node has a hundredth of it.
pub const LONGEST: usize = 16 << 20;

/// Which of the two tools a chain belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Family {
    /// `iptables`.
    #[default]
    V4,
    /// `ip6tables`.
    V6,
}

impl Family {
    /// The family of a packet.
    pub const fn of(packet: &PacketSummary<'_>) -> Self {
        if packet.src.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// The command that writes its chains.
    pub const fn tool(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }
}

/// What a built-in chain does with a packet that no rule decides.
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
    /// Its rules; the number of a rule is its place, from 1.
    pub rules: Vec<Rule>,
    /// Where it is made or printed; 0 for a built-in chain that the text does not name.
    pub line: usize,
}

/// The chains that a text prints or makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    pub form: Form,
    pub chains: Vec<Chain>,
    /// Lines that iptables would refuse, or that were not understood.
    pub faults: Vec<Fault>,
}

impl RuleSet {
    /// Without chains.
    pub const fn new(form: Form) -> Self {
        Self {
            form,
            chains: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The chain of that name.
    pub fn chain(&self, family: Family, name: &str) -> Option<&Chain> {
        self.chains
            .iter()
            .find(|chain| chain.family == family && chain.name == name)
    }

    pub(in crate::chain) fn chain_mut(&mut self, family: Family, name: &str) -> Option<&mut Chain> {
        self.chains
            .iter_mut()
            .find(|chain| chain.family == family && chain.name == name)
    }

    /// The chain that filters the node: HARVESTER_INPUT, else the one that INPUT jumps to and that both logs and drops.
    pub fn firewall(&self, family: Family) -> Option<&Chain> {
        self.chain(family, HARVESTER).or_else(|| {
            let input = self.chain(family, INPUT)?;
            let stops = |chain: &&Chain| {
                let has = |wanted: fn(&Target) -> bool| {
                    chain.rules.iter().any(|rule| wanted(&rule.target))
                };
                has(|target| matches!(target, Target::Log(_)))
                    && has(|target| matches!(target, Target::Drop | Target::Reject(_)))
            };
            input
                .rules
                .iter()
                .filter_map(|rule| rule.target.chain())
                .filter_map(|name| self.chain(family, name))
                .find(stops)
                .or_else(|| Some(input).filter(stops))
        })
    }
}

/// Reads the chains of a text whose form its content tells.
///
/// # Errors
/// Where the text is of no form that is read; the reason names the line.
pub fn parse(name: &str, text: &str) -> Result<RuleSet, Error> {
    read(text).map_err(|fault| Error::Unreadable {
        name: name.to_owned(),
        why: printable(&fault.to_string()),
    })
}

/// As [`parse`], and the fault keeps its line as a number.
///
/// # Errors
/// Where the text is of no form that is read.
pub fn read(text: &str) -> Result<RuleSet, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new(
            1,
            "it is longer than 16 MiB; is it a dump of iptables?",
        ));
    }
    match detect(text)? {
        form @ (Form::Save | Form::Specification) => Ok(save::read(form, text)),
        Form::Listing => Ok(listing::read(text)),
        Form::Script => {
            let mut runner = Runner::new(Form::Script);
            runner.run(&Script::read(text, 1));
            Ok(runner.finish())
        }
        Form::CloudInit => Ok(boot(&cloudinit::read(text)?, |_| true)),
    }
}

/// The chains that the commands of the wanted resources leave, run in their order.
pub fn boot(resources: &[Resource], wanted: impl Fn(&Resource) -> bool) -> RuleSet {
    let mut runner = Runner::new(Form::CloudInit);
    for resource in resources.iter().filter(|resource| wanted(resource)) {
        for fault in &resource.faults {
            runner.fault(fault.clone());
        }
        for command in &resource.commands {
            runner.run(&command.script());
        }
    }
    runner.finish()
}

/// Reads one rule from its command: the chain and the rule of `iptables -A CHAIN …`.
///
/// # Errors
/// Where iptables would refuse it.
pub fn parse_rule(command: &str) -> Result<(String, Rule), Fault> {
    let script = Script::read(command, 1);
    let simple = script
        .commands
        .first()
        .ok_or_else(|| Fault::new(1, "no command"))?;
    command::rule_of(simple)
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        })
    }
}
