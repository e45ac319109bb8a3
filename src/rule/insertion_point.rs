//! Insertion point of a rule in a running chain: the rule by which it is found, and the command that finds it on the
//! node.

use std::borrow::Cow;

use crate::catalog::LOG_PREFIX;
use crate::chain::{Chain, HARVESTER, Place, Rule, Target, quoted};
use crate::error::is_hostile;

/// Rule before which another one is inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertionPoint {
    pub chain: String,
    /// Rule number in the dump, from 1: valid for the dump itself, never for a command that runs later.
    pub number: usize,
    pub before: Before,
    /// Interface that the rule there matches: a rule inserted before it must match the same.
    pub interface: Option<String>,
    /// Text by which rules of the same kind before it, which match other packets, are skipped.
    pub passed: Option<&'static str>,
}

/// Options that restrict a rule to other packets than the wanted ones, as `-S` prints them.
const NARROWING: [&str; 9] = [
    " -s ",
    " -d ",
    " --dport ",
    " --dports ",
    " --match-set ",
    " --src-range ",
    " --mac-source ",
    " -p udp ",
    " -p tcp ",
];

/// Rule at an insertion point, by which it is found again on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// A LOG rule with this prefix.
    Log(String),
    /// The first rule that drops all.
    Drop,
    /// The jump to a chain that only logs and drops, or that other hooks share.
    Jump(String),
    /// No rule: the policy drops.
    End,
}

impl Default for InsertionPoint {
    fn default() -> Self {
        Self {
            chain: HARVESTER.to_owned(),
            number: 1,
            before: Before::Log(LOG_PREFIX.to_owned()),
            interface: None,
            passed: None,
        }
    }
}

impl From<&Place<'_>> for InsertionPoint {
    fn from(place: &Place<'_>) -> Self {
        let rule = place.rule();
        let before = match rule.map(|rule| &rule.target) {
            Some(Target::Log(log)) => Before::Log(log.prefix.clone()),
            Some(Target::Jump(to) | Target::Goto(to)) => Before::Jump(to.clone()),
            Some(_) => Before::Drop,
            None => Before::End,
        };
        let point = Self {
            chain: place.chain.name.clone(),
            number: place.number,
            before,
            interface: rule.and_then(Rule::interface).map(str::to_owned),
            passed: None,
        };
        point.pass_over(place.chain)
    }
}

impl InsertionPoint {
    /// Restricts `rule` to the packets that reach the insertion point.
    pub(super) fn fitted(&self, rule: &Rule) -> Rule {
        rule.for_interface(self.interface.as_deref())
    }

    /// Whether its names can be printed: the text of a dump is untrusted.
    pub(super) fn is_tame(&self) -> bool {
        let found = match &self.before {
            Before::Log(name) | Before::Jump(name) => name.as_str(),
            Before::Drop | Before::End => "",
        };
        let interface = self.interface.as_deref().unwrap_or_default();
        let mut all = [self.chain.as_str(), found, interface]
            .into_iter()
            .flat_map(str::chars);
        !all.any(is_hostile)
    }

    /// Returns the command that sets `n` to the line of `iptables -S CHAIN` before which a rule is inserted. The first
    /// line is the chain itself, so the rule's number is one less.
    pub(super) fn command(&self, tool: &str) -> String {
        let chain = quoted(&self.chain);
        let grep = match &self.before {
            Before::Log(prefix) => {
                // As `-S` prints it, within double quotes.
                let printed = prefix.replace('\\', "\\\\").replace('"', "\\\"");
                match quoted(printed.trim_end()) {
                    Cow::Borrowed(plain) => format!("grep -nm1 {}", quoted(&pattern(plain))),
                    Cow::Owned(word) => format!("grep -nm1F -e {word}"),
                }
            }
            Before::Jump(to) => {
                let jump = format!("-[jg] {}$", pattern(to));
                format!("grep -nm1 -e {}", quoted(&jump))
            }
            Before::Drop => {
                let all =
                    "\\(-i [^ ]* \\)\\?\\(-m comment --comment \\(\"[^\"]*\"\\|[^ ]*\\) \\)\\?";
                let chain = pattern(&self.chain);
                let stop = format!("^-A {chain} {all}-j \\(DROP\\|REJECT\\)");
                format!("grep -nm1 -e {}", quoted(&stop))
            }
            Before::End => return format!("n=$(($({tool} -S {chain} | wc -l)+1))"),
        };
        match self.passed {
            None => format!("n=$({tool} -S {chain} | {grep} | cut -d: -f1)"),
            Some(words) => {
                let all = grep.replacen("grep -nm1", "grep -n", 1);
                format!("n=$({tool} -S {chain} | {all} | grep -vm1 -e '{words}' | cut -d: -f1)")
            }
        }
    }

    /// Whether the command would mistake a rule for the one at the insertion point.
    fn is_like(&self, rule: &Rule) -> bool {
        match &self.before {
            Before::Log(prefix) => {
                matches!(&rule.target, Target::Log(log) if log.prefix.contains(prefix.as_str()))
            }
            Before::Jump(to) => rule.target.chain() == Some(to),
            Before::Drop | Before::End => false,
        }
    }

    /// Determines the text to skip by, so that the first remaining rule is the one at the insertion point.
    fn pass_over(mut self, chain: &Chain) -> Self {
        let own = self.number - 1;
        let first = |words: Option<&str>| {
            chain.rules.iter().position(|rule| {
                let text = format!(" {rule}");
                self.is_like(rule) && !words.is_some_and(|words| text.contains(words))
            })
        };
        if first(None).is_some_and(|at| at != own) {
            self.passed = NARROWING
                .into_iter()
                .find(|words| first(Some(words)) == Some(own));
        }
        self
    }
}

/// Escapes `text` for a basic regular expression.
fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r".[]*^$\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
