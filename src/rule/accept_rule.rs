//! An ACCEPT rule with its reason, and the commands that insert and delete it.

use super::disposition::Doubt;
use super::insertion_point::InsertionPoint;
use crate::catalog::{DocumentedRule, Role};
use crate::chain::{
    Arrival, Family, HARVESTER, Ports, Question, Rule, RuleSet, Side, Sought, Target,
    Test as RuleTest, address, quoted,
};
use crate::net::{IpNet, PortRange};
use crate::packet::{proto, proto_name};

/// Permission to apply a rule without a decision of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disposition {
    /// The rule is a line of the documentation for this role or addon.
    Documented,
    /// The user has to decide.
    Review,
}

impl Disposition {
    pub const ALL: [Self; 2] = [Self::Documented, Self::Review];

    /// Returns the disposition as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Review => "review",
        }
    }
}

/// An ACCEPT rule for the chain of one node, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptRule {
    /// Node, protocol and ports; with the source where there are several, and the family where it is IPv6.
    pub id: String,
    pub node: String,
    pub role: Role,
    /// Whether the role was given or found in an input; otherwise it is assumed.
    pub role_known: bool,
    pub family: Family,
    /// Matches, ACCEPT, and the comment.
    pub rule: Rule,
    /// Interface on which the drops arrived; empty where no log line shows it.
    pub interface: String,
    pub disposition: Disposition,
    /// Reason why the user has to decide on it.
    pub doubt: Option<Doubt>,
    /// Insertion point in the running chain.
    pub place: InsertionPoint,
    /// Chain that drops its packets, where the chains drop packets of the rule in several places.
    pub within: Option<String>,
}

impl AcceptRule {
    /// Creates the documented rule, for no node in particular.
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
            within: None,
        }
    }

    /// Returns the protocol as `iptables -p` and reports name it.
    pub fn proto_name(&self) -> String {
        match self.rule.protocol() {
            None => "all".to_owned(),
            Some(proto::ICMPV6) => "icmpv6".to_owned(),
            Some(number) => proto_name(number).into_owned(),
        }
    }

    /// Returns the destination ports that it accepts; `None` for all.
    pub fn dport(&self) -> Option<PortRange> {
        self.rule.dports()?.first().copied()
    }

    /// Returns the accepted source; `None` for any source.
    pub fn source(&self) -> Option<IpNet> {
        self.rule.source_net()
    }

    /// Returns the accepted source as iptables prints it; `None` for any source.
    pub fn source_text(&self) -> Option<String> {
        self.source().map(address)
    }

    /// Returns the comment of the rule.
    pub fn comment(&self) -> &str {
        self.rule.comment.as_deref().unwrap_or_default()
    }

    /// Returns the matches as arguments of iptables.
    pub fn matches_text(&self) -> String {
        let words: Vec<String> = self.rule.matches.iter().map(ToString::to_string).collect();
        words.join(" ")
    }

    /// Whether the other rule is for the same packets at the same place.
    pub(super) fn is_placed_as(&self, other: &Self) -> bool {
        let of = |rule: &Self| (rule.place.chain.clone(), rule.place.interface.clone());
        of(self) == of(other)
    }

    /// Returns the rule as it is inserted: restricted to the packets that reach its insertion point.
    pub fn placed(&self) -> Rule {
        self.place.fitted(&self.rule)
    }

    /// Whether it may go as it is into the CloudInit of its role, which all nodes of the role have: no doubt of its own, and
    /// among the rules `all` none for another of these nodes that has the same narrowed or closed.
    pub(super) fn is_for_role(&self, all: &[Self]) -> bool {
        let is_kept = |other: &Self| {
            matches!(other.doubt, Some(Doubt::Narrowed(_) | Doubt::Closed(_)))
                && (other.role, other.family) == (self.role, self.family)
                && other.rule.means(&self.rule)
        };
        self.disposition == Disposition::Documented && !all.iter().any(is_kept)
    }

    /// Inserts the rule at its insertion point in the chains of `set`, unless there is none or an equivalent rule
    /// precedes it.
    pub fn put_into(&self, set: &mut RuleSet, prefixes: &[String]) {
        if let Sought::At(place) = self.seek(set, prefixes, None) {
            let rule = (self.rule).for_interface(place.rule().and_then(Rule::interface));
            let (chain, number) = (place.chain.name.clone(), place.number);
            set.insert_rule(self.family, &chain, number, &rule);
        }
    }

    /// Searches for the insertion point in chains whose LOG rule has a prefix that starts with one of `prefixes`: where
    /// `packet` is dropped, if one is known.
    pub(super) fn seek<'a>(
        &self,
        set: &'a RuleSet,
        prefixes: &[String],
        packet: Option<&Question<'_>>,
    ) -> Sought<'a> {
        let arrival = Arrival {
            interface: packet.map_or(&*self.interface, |packet| packet.packet.interface),
            packet,
            within: self.within.as_deref(),
        };
        let is_log = |rule: &Rule| is_log(rule, prefixes);
        set.seek(self.family, &self.rule, arrival, &is_log)
    }

    /// Whether chains drop packets of the rule in several places.
    pub(super) fn parts(&self, set: &RuleSet, prefixes: &[String]) -> bool {
        let is_log = |rule: &Rule| is_log(rule, prefixes);
        set.parts(self.family, &self.rule, &self.interface, &is_log)
    }

    /// Returns the command that reads the insertion point on the node; [`AcceptRule::insert`] must follow it in the same
    /// shell.
    pub fn place_command(&self) -> String {
        self.place.command(self.program())
    }

    /// Whether a command can find its insertion point; else [`AcceptRule::place_command`] only says so, and the script
    /// does.
    pub fn is_searchable(&self) -> bool {
        self.place.is_searchable()
    }

    /// Returns the command that inserts the rule into the running chain.
    pub fn insert(&self) -> String {
        let chain = quoted(&self.place.chain);
        let rule = self.placed();
        format!("{} -I {chain} $((n-1)) {rule}", self.program())
    }

    /// Returns the command that deletes the rule again.
    pub fn undo(&self) -> String {
        let rule = self.placed();
        format!("{} -D {} {rule}", self.program(), quoted(&self.place.chain))
    }

    /// Returns the line for the CloudInit resource of the role.
    pub fn append(&self) -> String {
        self.append_to(self.within.as_deref().unwrap_or(HARVESTER))
    }

    /// Returns the line for a CloudInit that makes a chain of this name.
    pub fn append_to(&self, chain: &str) -> String {
        self.rule.append_command(self.family, chain)
    }

    /// Returns the tool that applies it.
    pub const fn program(&self) -> &'static str {
        self.family.tool()
    }
}

fn is_log(rule: &Rule, prefixes: &[String]) -> bool {
    matches!(&rule.target, Target::Log(log)
        if prefixes.iter().any(|prefix| log.prefix.starts_with(prefix)))
}

/// Creates an ACCEPT rule of a chain.
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

/// Returns `text` without characters that are special in a double-quoted shell word or a plain YAML scalar. Comments
/// come from the catalogue, so this is a second line of defence.
fn quotable(text: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || " ()/,.-_+".contains(*c);
    text.chars().filter(kept).collect()
}
