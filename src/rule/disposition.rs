//! Disposition of a rule: the conditions under which it may be applied without a decision of the user, one by one.

use super::Disposition;
use crate::catalog::{DocumentedRule, Reach, Role, reach};
use crate::chain::of_node;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::flow::Kind;
use crate::site::Zone;

/// Reason why the user has to decide on a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The documentation does not open the port for this role or addon.
    NotDocumented,
    /// The documented chain is one of IPv4.
    Ipv6,
    /// The role is assumed, and other roles do not have the rule.
    RoleAssumed { node: String, role: Role },
    /// The log names no node, and its lines are those of several.
    SeveralNodes,
    /// Only peers outside the cluster sent requests.
    Outsiders,
    /// Peers outside the cluster came back, but the running chain is not known.
    ChainUnknown,
    /// A rule of the running chain accepts this port from some sources only.
    Narrowed(String),
    /// The chain that is given would not let the packets in by it.
    Unreached(String),
    /// A single packet, whose source may be forged.
    OnePacket,
    /// The packets have a neighbour's address, but came in frames of the router.
    Forged,
    /// It would also open this port, which stays closed by an acceptance.
    Closed(String),
    /// The chain should not see what the rule is for.
    Loopback,
    /// A report says that it is to be decided, and not why, or not in a way that can be looked at.
    Reported,
    /// A report says that the node has another chain than the documented one.
    OtherChain,
}

impl Doubt {
    /// As reports write it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotDocumented => "not-documented",
            Self::Ipv6 => "ipv6",
            Self::RoleAssumed { .. } => "role-assumed",
            Self::SeveralNodes => "several-nodes",
            Self::Outsiders => "outsiders",
            Self::ChainUnknown => "chain-unknown",
            Self::Narrowed(_) => "narrowed",
            Self::Unreached(_) => "not-reached",
            Self::OnePacket => "one-packet",
            Self::Forged => "forged",
            Self::Closed(_) => "closed",
            Self::Loopback => "loopback",
            Self::Reported => "reported",
            Self::OtherChain => "other-chain",
        }
    }

    /// Returns a clause with the doubt, and with the way to settle it.
    pub fn text(&self) -> String {
        match self {
            Self::NotDocumented => {
                "no current list opens it: find out what listens there, with `ss -ltnup` on the node".to_owned()
            }
            Self::Ipv6 => "the documented chain is one of IPv4: find out who set up ip6tables here".to_owned(),
            Self::RoleAssumed { node, role } => {
                let option = of_node(node, role.code());
                let node = printable_name(node);
                format!("the role of {node} is a guess: if it is {role}, say so with --role {option}")
            }
            Self::SeveralNodes => {
                "the log names no node, and these are lines of several: say which node has which address with --node \
                 NAME=ADDRESS, so that each is judged by its role"
                    .to_owned()
            }
            Self::Outsiders => {
                "only outsiders asked for it: if they may, name the network of the nodes with --node-net or --cluster, or add \
                 the rule for their addresses alone"
                    .to_owned()
            }
            Self::ChainUnknown => {
                "only outsiders asked for it: give the running chain (`iptables-save`) with --rules, so that a narrower rule of \
                 yours is seen"
                    .to_owned()
            }
            Self::Narrowed(rule) => format!(
                "{rule}: if it is to be wider, change that rule and add none beside it"
            ),
            Self::Loopback => {
                "the documented chain never sees lo: have INPUT lead to it from the management interface alone (the audit of the \
                 node's iptables-save has the commands), or accept lo with this rule"
                    .to_owned()
            }
            Self::Unreached(end) => format!(
                "even with it the chain that is given does not let these packets in ({end}): print that chain anew with \
                 `iptables-save`, and look at that rule"
            ),
            Self::Reported => {
                "its report leaves it to be decided: read the log itself with the running chain (--rules), which says why"
                    .to_owned()
            }
            Self::OtherChain => {
                "its report puts it into a chain of another name, which a report alone cannot vouch for: give the running chain \
                 with --rules"
                    .to_owned()
            }
            Self::Closed(port) => format!(
                "the rule would let in {port} too, which was accepted as closed: narrow it to its peers with --scope peers, or end \
                 the acceptance"
            ),
            Self::OnePacket => {
                "one packet, whose source anybody can forge: wait for the next, or ask on the node what runs in that pod".to_owned()
            }
            Self::Forged => {
                "a neighbour's address came in a frame of the router that outsiders come through: it may be forged".to_owned()
            }
        }
    }
}

/// Checks the conditions under which a rule for `finding` may be applied as it is; `documented` is its line of the
/// documentation, if any. The error is the first condition that is not met, on which the user has to decide.
pub(super) fn disposition(
    finding: &Finding,
    documented: Option<&DocumentedRule>,
) -> Result<(), Doubt> {
    if finding.key.kind == Kind::Loopback {
        return Err(Doubt::Loopback);
    }
    let rule = documented.ok_or(Doubt::NotDocumented)?;
    if finding.key.v6 {
        return Err(Doubt::Ipv6);
    }
    if finding.is_several {
        return Err(Doubt::SeveralNodes);
    }
    if let Some(narrower) = &finding.narrower {
        return Err(Doubt::Narrowed(narrower.clone()));
    }
    if finding.key.zone == Zone::Outside && !finding.on_link {
        let number = finding.key.proto.unwrap_or_default();
        let any = finding
            .port
            .is_none_or(|port| reach(number, port) == Reach::Any);
        match (any && !finding.returning.is_empty(), finding.chain_known) {
            (true, true) => {}
            (true, false) => return Err(Doubt::ChainUnknown),
            (false, _) => return Err(Doubt::Outsiders),
        }
    }
    if rule.pod_network && finding.attempts < 2 {
        return Err(Doubt::OnePacket);
    }
    if finding.forged {
        return Err(Doubt::Forged);
    }
    // The last: where it is the doubt, there is no other, and the role settles it, in a report that is read again too.
    let for_all = Role::ALL.iter().all(|role| rule.roles.contains(role));
    if finding.role_assumed && !for_all {
        return Err(Doubt::RoleAssumed {
            node: finding.node.clone(),
            role: finding.role,
        });
    }
    Ok(())
}

impl From<&Result<(), Doubt>> for Disposition {
    fn from(settled: &Result<(), Doubt>) -> Self {
        match settled {
            Ok(()) => Self::Documented,
            Err(_) => Self::Review,
        }
    }
}
