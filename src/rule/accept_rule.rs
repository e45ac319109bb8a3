//! An ACCEPT rule with its reason, and the commands that put it in and take it out.

use super::disposition::Doubt;
use super::insertion_point::InsertionPoint;
use crate::catalog::{DocumentedRule, Role};
use crate::chain::{
    Family, HARVESTER, Ports, Rule, RuleSet, Side, Sought, Target, Test as RuleTest, address,
    quoted,
};
use crate::net::{IpNet, PortRange};
use crate::packet::{proto, proto_name};

/// Whether a rule may be applied as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disposition {
    /// A line of the documentation for this role or addon.
    Documented,
    /// Somebody has to decide.
    Review,
}

impl Disposition {
    pub const ALL: [Self; 2] = [Self::Documented, Self::Review];

    /// As reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Review => "review",
        }
    }
}

/// An ACCEPT rule for the chain of one node, and why it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptRule {
    /// Node, protocol and ports; with the source where there are several, and the family where it is IPv6.
    pub id: String,
    pub node: String,
    pub role: Role,
    /// Whether somebody told the role; else it is assumed.
    pub role_known: bool,
    pub family: Family,
    /// Its matches, ACCEPT, and its comment.
    pub rule: Rule,
    /// By which the drops came in; empty where no log line says so.
    pub interface: String,
    pub disposition: Disposition,
    /// Why somebody has to decide on it.
    pub doubt: Option<Doubt>,
    /// Where it goes in the running chain.
    pub place: InsertionPoint,
}

impl AcceptRule {
    /// The documented rule, for nobody's node in particular.
    pub fn documented(rule: &DocumentedRule, pods: Option<IpNet>) -> Self {
        let source = pods.filter(|_| rule.pod_network);
        Self {
            id: String::new(),
            node: String::new(),
            role: Role::default(),
            role_known: false,
            family: Family::V4,
            rule: accept(source, rule.proto, rule.sport, rule.dport, rule.comment),
            interface: String::new(),
            disposition: Disposition::Documented,
            doubt: None,
            place: InsertionPoint::default(),
        }
    }

    /// The protocol as `iptables -p` and reports name it.
    pub fn proto_name(&self) -> String {
        match self.rule.protocol() {
            None => "all".to_owned(),
            Some(proto::ICMPV6) => "icmpv6".to_owned(),
            Some(number) => proto_name(number).into_owned(),
        }
    }

    /// The destination ports that it accepts; `None` for all.
    pub fn dport(&self) -> Option<PortRange> {
        self.rule.dports()?.first().copied()
    }

    /// Whom it accepts; `None` for anybody.
    pub fn source(&self) -> Option<IpNet> {
        self.rule.source_net()
    }

    /// Whom it accepts, as iptables prints it; `None` for anybody.
    pub fn source_text(&self) -> Option<String> {
        self.source().map(address)
    }

    /// Its comment.
    pub fn comment(&self) -> &str {
        self.rule.comment.as_deref().unwrap_or_default()
    }

    /// Its matches as arguments.
    pub fn matches_text(&self) -> String {
        let words: Vec<String> = self.rule.matches.iter().map(ToString::to_string).collect();
        words.join(" ")
    }

    /// The rule as it goes to its place: for the packets that come so far.
    pub fn placed(&self) -> Rule {
        self.place.fitted(&self.rule)
    }

    /// Puts it at its place in the chains of `set`, where it has one there and no rule does the same.
    pub fn put_into(&self, set: &mut RuleSet, prefixes: &[String]) {
        if let Sought::At(place) = self.seek(set, prefixes) {
            let rule = (self.rule).for_interface(place.rule().and_then(Rule::interface));
            let (chain, number) = (place.chain.name.clone(), place.number);
            set.insert_rule(self.family, &chain, number, &rule);
        }
    }

    /// Looks for its place in chains whose LOG rule has a prefix that begins as one of `prefixes`.
    pub(super) fn seek<'a>(&self, set: &'a RuleSet, prefixes: &[String]) -> Sought<'a> {
        let is_log = |rule: &Rule| {
            matches!(&rule.target, Target::Log(log)
                if prefixes.iter().any(|prefix| log.prefix.starts_with(prefix)))
        };
        set.seek(self.family, &self.rule, &self.interface, &is_log)
    }

    /// The command that asks the node for the place; [`AcceptRule::insert`] wants it before, in the same shell.
    pub fn place_command(&self) -> String {
        self.place.command(self.program())
    }

    /// The command that puts it at the place of the running chain.
    pub fn insert(&self) -> String {
        let chain = quoted(&self.place.chain);
        let rule = self.placed();
        format!("{} -I {chain} $((n-1)) {rule}", self.program())
    }

    /// The command that takes it back.
    pub fn undo(&self) -> String {
        let rule = self.placed();
        format!("{} -D {} {rule}", self.program(), quoted(&self.place.chain))
    }

    /// The line for the CloudInit resource of the role.
    pub fn append(&self) -> String {
        self.append_to(HARVESTER)
    }

    /// The line for a CloudInit that makes a chain of this name.
    pub fn append_to(&self, chain: &str) -> String {
        self.rule.append_command(self.family, chain)
    }

    /// The tool that applies it.
    pub const fn program(&self) -> &'static str {
        self.family.tool()
    }
}

/// A chain rule that accepts.
pub(super) fn accept(
    source: Option<IpNet>,
    proto: Option<u8>,
    sport: Option<u16>,
    dport: Option<PortRange>,
    comment: &str,
) -> Rule {
    let tests = [
        source.map(|net| RuleTest::Net(Side::Source, net)),
        proto.map(RuleTest::Protocol),
        sport.map(|port| RuleTest::Ports(Ports::Source, vec![PortRange::one(port)])),
        dport.map(|ports| RuleTest::Ports(Ports::Destination, vec![ports])),
    ];
    Rule::new(
        tests.into_iter().flatten(),
        Target::Accept,
        &quotable(comment),
    )
}

/// `text` with nothing in it that a double-quoted shell word or a plain YAML scalar reads as more than text. Comments
/// come from the catalogue, so this is a second lock on a closed door.
fn quotable(text: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || " ()/,.-_+".contains(*c);
    text.chars().filter(kept).collect()
}
