//! Test packets evaluated in INPUT, as the kernel would: of strangers, over loopback, replies, from nodes.

use std::cell::OnceCell;
use std::net::IpAddr;

use crate::audit::Hit;
use crate::audit::scene::{Scene, Subject};
use crate::chain::{
    Chain, ChainOutcome, Evaluation, Family, INPUT, Outcome, Position, Question, Rule, Sender,
    Side, States, Test,
};
use crate::net::IpNet;
use crate::packet::{Hook, PacketSummary, PktType, Shape, TcpFlags, proto};

/// The management bridge (harvester/harvester-installer, pkg/config/constants.go).
pub(super) const BRIDGE: &str = "mgmt-br";
/// Stands for the interfaces that a rule takes with `!`, as a reader would say it; no interface has such a name.
const OTHER: &str = "another interface";
/// Upper bound on the sources, on the ports and on the interfaces tested for one chain.
pub(super) const MAX: usize = 8;
/// Upper bound on the rules evaluated for one subject: some seconds.
const MAX_STEPS: u64 = 10_000_000;

/// Whether a chain is of the CNI or of kube-proxy.
pub(super) fn is_cni_chain(name: &str) -> bool {
    [
        "cali-", "KUBE-", "CNI-", "FLANNEL-", "CILIUM_", "OVN-", "ovn-",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// Whether a rule is of the CNI or of kube-proxy: its chain, the chain that it leads to, or the sets of Kube-OVN.
pub(super) fn is_cni(chain: &str, rule: &Rule) -> bool {
    is_cni_chain(chain)
        || rule.target.chain().is_some_and(is_cni_chain)
        || rule.has(|test| {
            matches!(test, Test::Unknown(module, text) if module == "set" && text.starts_with("ovn40"))
        })
}

/// Whether an interface carries packets of pods, or no packets to the node: a port of a bridge has no address.
fn is_foreign_interface(name: &str) -> bool {
    let starts = [
        "lo",
        "cali",
        "veth",
        "flannel",
        "cni",
        "ovn",
        "genev",
        "vxlan",
        "tunl",
        "kube",
        "docker",
        "nodelocal",
        "lxc",
        "cilium",
        "wg",
        "mirror",
        "eth",
        "en",
        "bond",
    ];
    starts.iter().any(|start| name.starts_with(start)) || name.ends_with("-bo")
}

impl Subject<'_> {
    /// Whether the bound on evaluated rules is reached, so that no more test packets are evaluated.
    pub(super) fn is_spent(&self) -> bool {
        self.steps.get() > MAX_STEPS
    }
}

impl<'a> Scene<'a> {
    /// Collects the hits of a check on every subject that filters.
    pub(super) fn of_asked(&self, check: impl Fn(&Ask<'_>) -> Vec<Hit>) -> Vec<Hit> {
        let filters = |subject: &&Subject<'a>| subject.set.filters(subject.family);
        (self.subjects.iter().filter(filters))
            .flat_map(|subject| check(&Ask::new(self, subject)))
            .collect()
    }
}

/// Test packets for one subject.
pub(super) struct Ask<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) scene: &'a Scene<'a>,
    pub(super) entry: Evaluation<'a>,
    /// The chains that INPUT reaches, but for those of the CNI.
    pub(super) chains: Vec<&'a Chain>,
    /// Interfaces on which packets to the node itself arrive.
    pub(super) interfaces: Vec<String>,
    /// Address that no rule names, and whether one names a private network; computed on first use.
    pub(super) unnamed: OnceCell<IpAddr>,
    pub(super) private: OnceCell<bool>,
}

/// A packet of a stranger that is accepted.
pub(super) struct Intrusion {
    pub(super) protocol: u8,
    pub(super) port: u16,
    pub(super) src: IpAddr,
    pub(super) interface: String,
    pub(super) outcome: Outcome,
}

impl<'a> Ask<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, subject: &'a Subject<'a>) -> Self {
        let set = &subject.set;
        let entry = set.entry(subject.family);
        let chains: Vec<&Chain> = (set.reached_from(subject.family, entry.chain))
            .into_iter()
            .filter(|chain| !is_cni_chain(&chain.name))
            .collect();
        let mut ask = Self {
            subject,
            scene,
            entry,
            chains,
            interfaces: Vec::new(),
            unnamed: OnceCell::new(),
            private: OnceCell::new(),
        };
        ask.interfaces = ask.interfaces();
        ask
    }

    /// Whether INPUT itself is in the text.
    pub(super) fn has_input(&self) -> bool {
        self.entry.chain == INPUT && self.subject.set.chain(self.subject.family, INPUT).is_some()
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = (&'a Chain, usize, &'a Rule)> {
        let chains = self.chains.clone().into_iter();
        chains.flat_map(|chain| {
            let rules = chain.rules.iter().enumerate();
            rules.map(move |(at, rule)| (chain, at, rule))
        })
    }

    /// Returns the rule at a position.
    pub(super) fn rule(&self, position: &Position) -> Option<&'a Rule> {
        let chain = self
            .subject
            .set
            .chain(self.subject.family, &position.chain)?;
        chain.rules.get(position.number.checked_sub(1)?)
    }

    /// Returns the bridge with the management address, and every other interface that a rule or the user names.
    fn interfaces(&self) -> Vec<String> {
        let mut named: Vec<&str> = Vec::new();
        for (_, _, rule) in self.rules() {
            for m in rule.matches.iter().filter(|m| !m.negated) {
                if let Test::Interface(Side::Source, name) = &m.test {
                    named.push(name.trim_end_matches('+'));
                }
            }
        }
        named.retain(|name| !name.is_empty() && !is_foreign_interface(name));
        let vlan = self.scene.options.management_vlan;
        let own: Vec<&&str> = named
            .iter()
            .filter(|name| name.starts_with(BRIDGE))
            .collect();
        let mut out: Vec<String> = match vlan {
            Some(vid) => vec![format!("{BRIDGE}.{vid}")],
            None if own.is_empty() => vec![BRIDGE.to_owned()],
            None => own.iter().map(|name| (**name).to_owned()).collect(),
        };
        let others = named.iter().filter(|name| !name.starts_with(BRIDGE));
        out.extend(others.map(|name| (*name).to_owned()));
        out.extend(self.scene.options.interfaces.iter().cloned());
        let mut seen: Vec<String> = Vec::new();
        for name in out {
            if !seen.contains(&name) && seen.len() < MAX {
                seen.push(name);
            }
        }
        seen
    }

    pub(super) fn packet<'p>(
        &self,
        interface: &'p str,
        src: IpAddr,
        protocol: u8,
        spt: u16,
        dpt: Option<u16>,
    ) -> PacketSummary<'p> {
        let dst: IpAddr = match (src, src.is_loopback()) {
            (src, true) => src,
            (IpAddr::V4(_), false) => [192, 0, 2, 2].into(),
            (IpAddr::V6(_), false) => [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2].into(),
        };
        PacketSummary {
            interface,
            src,
            dst,
            proto: Some(protocol),
            spt: dpt.map(|_| spt),
            dpt,
            flags: (protocol == proto::TCP).then_some(TcpFlags::SYN),
            icmp_type: match protocol {
                proto::ICMP => Some(8),
                proto::ICMPV6 => Some(128),
                _ => None,
            },
            shape: Shape::Whole,
            hook: Hook::Input,
            cast: PktType::Unicast,
            frame: PktType::Unicast,
            has_mac: true,
            data: false,
        }
    }

    fn put(&self, packet: PacketSummary<'_>, state: States, sender: Sender) -> Outcome {
        let question = Question::alone(packet, state, sender);
        self.evaluate(&question)
    }

    pub(super) fn evaluate(&self, question: &Question<'_>) -> Outcome {
        if self.is_spent() {
            return Outcome {
                end: ChainOutcome::NotAsked,
                logged: Vec::new(),
                notes: Vec::new(),
                maybe: Vec::new(),
                returned: None,
                steps: 0,
            };
        }
        let outcome = self.subject.set.evaluate(question, self.entry);
        self.subject
            .steps
            .set(self.subject.steps.get() + outcome.steps);
        outcome
    }

    /// Whether the bound on evaluated rules is reached.
    pub(super) fn is_spent(&self) -> bool {
        self.subject.is_spent()
    }

    pub(super) fn is_v6(&self) -> bool {
        self.subject.family == Family::V6
    }

    /// Returns the strangers' packets to unlisted ports that are accepted: one for each rule that accepts them.
    pub(super) fn intrusions(&self) -> Vec<Intrusion> {
        let mut out: Vec<Intrusion> = Vec::new();
        let has_others = self
            .rules()
            .flat_map(|(_, _, rule)| &rule.matches)
            .any(|m| {
                m.negated && matches!(&m.test, Test::Interface(Side::Source, name) if name != "lo")
            });
        let interfaces = self.interfaces.iter().map(String::as_str);
        for interface in interfaces.chain(has_others.then_some(OTHER)) {
            for src in self.strangers() {
                for protocol in [proto::TCP, proto::UDP] {
                    for port in self.unlisted(protocol) {
                        for spt in self.source_ports(protocol) {
                            let packet = self.packet(interface, src, protocol, spt, Some(port));
                            let outcome = self.put(packet, States::NEW, Sender::Stranger);
                            // A chain may be for some interfaces alone, and leave the others to whoever they are for.
                            let is_left = interface == OTHER && outcome.end.position().is_none();
                            let may = !is_left
                                && (outcome.end.lets_in() || outcome.end == ChainOutcome::NoMatch);
                            let known = out.iter().any(|known| {
                                known.outcome.end == outcome.end
                                    && (outcome.end.position().is_some()
                                        || known.protocol == protocol
                                            && known.interface == interface)
                            });
                            if may && !known {
                                out.push(Intrusion {
                                    protocol,
                                    port,
                                    src,
                                    interface: interface.to_owned(),
                                    outcome,
                                });
                            }
                        }
                    }
                }
            }
        }
        out
    }

    /// Evaluates a stranger's first packet to an unlisted port.
    pub(super) fn stranger(&self, protocol: u8) -> Option<Outcome> {
        let (interface, src) = (self.interfaces.first()?, *self.strangers().first()?);
        let port = *self.unlisted(protocol).first()?;
        let packet = self.packet(interface, src, protocol, 40_000, Some(port));
        Some(self.put(packet, States::NEW, Sender::Stranger))
    }

    /// Returns the first outcome of loopback packets that are stopped, with their protocol.
    pub(super) fn loopback(&self) -> Option<(&'static str, Outcome)> {
        let own: IpAddr = if self.is_v6() {
            std::net::Ipv6Addr::LOCALHOST.into()
        } else {
            std::net::Ipv4Addr::LOCALHOST.into()
        };
        let ports = [(proto::TCP, 6444), (proto::TCP, 3999), (proto::UDP, 3999)];
        let opening = ports.into_iter().map(|(protocol, port)| {
            (
                protocol,
                self.packet("lo", own, protocol, 40_000, Some(port)),
                States::NEW,
            )
        });
        let answer = |protocol| {
            let mut packet = self.packet("lo", own, protocol, 3999, Some(40_000));
            packet.flags = packet.flags.map(|_| TcpFlags::ACK);
            (protocol, packet, States::ESTABLISHED)
        };
        let answers = [proto::TCP, proto::UDP].map(answer);
        opening
            .chain(answers)
            .find_map(|(protocol, packet, state)| {
                let outcome = self.put(packet, state, Sender::Node);
                let stopped =
                    outcome.end.stops() && !outcome.maybe.iter().any(ChainOutcome::lets_in);
                stopped.then_some((if protocol == proto::TCP { "tcp" } else { "udp" }, outcome))
            })
    }

    /// Returns the first outcome of replies to the node's own connections that are stopped, or logged as dropped.
    pub(super) fn answers(&self) -> Option<(&'static str, Outcome)> {
        let src = *self.strangers().first()?;
        for interface in self
            .interfaces
            .iter()
            .filter(|name| name.starts_with(BRIDGE))
        {
            for (protocol, name) in [(proto::TCP, "tcp"), (proto::UDP, "udp")] {
                let mut packet = self.packet(interface, src, protocol, 443, Some(40_000));
                packet.flags = packet.flags.map(|_| TcpFlags::ACK);
                let outcome = self.put(packet, States::ESTABLISHED, Sender::Node);
                let passes =
                    outcome.end.lets_in() || outcome.maybe.iter().any(ChainOutcome::lets_in);
                let logged = matches!(outcome.end, ChainOutcome::AcceptedLogged(_));
                if !passes && outcome.end != ChainOutcome::NoMatch || logged {
                    return Some((name, outcome));
                }
            }
        }
        None
    }

    /// Whether a packet of the pod network is accepted to any port.
    pub(super) fn pod_gets_in(&self, net: IpNet) -> bool {
        let src = net.hosts().next().unwrap_or(net.addr());
        self.management().any(|interface| {
            let packet = self.packet(interface, src, proto::TCP, 40_000, Some(1));
            let question = Question::alone(packet, States::NEW, Sender::Node);
            falls_through(&self.evaluate(&question))
        })
    }

    pub(super) fn management(&self) -> impl Iterator<Item = &String> {
        let own = self
            .interfaces
            .iter()
            .filter(|name| name.starts_with(BRIDGE));
        let none = own.clone().next().is_none();
        own.chain(self.interfaces.iter().filter(move |_| none))
    }
}

/// Whether no rule stops the packet.
pub(super) fn falls_through(outcome: &Outcome) -> bool {
    let end = &outcome.end;
    end.lets_in() || matches!(end, ChainOutcome::NoMatch | ChainOutcome::NotAsked)
}
