//! Random chains and random packets: the kernel's counters show which rule decided, and the evaluator must agree for
//! every form in which either backend prints the chains, or report that it cannot tell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dropsift::chain::{self, ChainOutcome, Evaluation, Family, Policy, Question};
use dropsift::packet::Packet;

use crate::machine::Machine;
use crate::network::{Network, Node, Place};

const CHAINS: u64 = 40;
const PACKETS: u64 = 50;
const FORMS: [&str; 4] = ["-save -c", " -S -v", " -L -v -n", " -nvxL --line-numbers"];
/// Matches of a rule. `PEER` and `MAC` stand for those of the sender.
const MATCHES: &[&str] = &[
    "",
    "",
    "-i mgmt-br",
    "! -i lo",
    "-i eth+",
    "-s PEER",
    "! -s PEER",
    "-s PEER/28",
    "-d 10.0.0.0/8",
    "-p tcp",
    "-p udp",
    "-p icmp",
    "! -p tcp",
    "-p tcp --dport 1000:1015",
    "-p tcp --dport 1003",
    "-p tcp ! --dport 1003",
    "-p udp --dport 1008:",
    "-p udp --sport 20000:20020",
    "-p tcp -m multiport --dports 1001,1004:1008",
    "-p tcp -m multiport ! --dports 1002,1009",
    "-p tcp -m multiport --ports 1005,20001",
    "-p tcp --syn",
    "-p tcp ! --syn",
    "-p tcp --tcp-flags ALL ACK",
    "-p tcp --tcp-flags SYN,RST RST",
    "-m conntrack --ctstate NEW",
    "-m conntrack --ctstate INVALID",
    "-m conntrack ! --ctstate NEW",
    "-m conntrack --ctstate ESTABLISHED,RELATED",
    "-m state --state NEW,INVALID",
    "-m iprange --src-range PEER-PEER",
    "-m iprange ! --dst-range 10.0.0.1-10.0.0.9",
    "-m mac --mac-source MAC",
    "-m mac ! --mac-source MAC",
    "-m ttl --ttl-lt 60",
    "-m ttl --ttl-gt 60",
    "-m ttl ! --ttl-eq 64",
    "-m length --length 40:50",
    "-m length ! --length 40",
    "-m tos --tos 0x10/0xfe",
    "-m dscp --dscp 0x04",
    "-m dscp ! --dscp 0x2e",
    "-m pkttype --pkt-type unicast",
    "-m pkttype ! --pkt-type broadcast",
    "-m addrtype --dst-type LOCAL",
    "-m mark ! --mark 0x1",
    "-m mark --mark 0x0/0xff",
    "-p icmp --icmp-type echo-request",
    "-p icmp --icmp-type 3/4",
    "-p icmp ! --icmp-type 8",
    "-m limit --limit 1/hour --limit-burst 3",
    "-m connmark --mark 0x1",
    "-m connmark ! --mark 0x1",
    "-m recent --rcheck --name lab",
    "-s 10.0.0.0/255.0.0.255",
    "-f",
];
const TARGETS: &[&str] = &[
    "-j ACCEPT",
    "-j ACCEPT",
    "-j ACCEPT",
    "-j DROP",
    "-j DROP",
    "-j REJECT",
    "-j RETURN",
    "-j LOG --log-prefix LAB_CHANCE_",
    "",
    "-j C1",
    "-j C2",
    "-g C3",
    "-j C3",
];

/// Numbers by chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len() as u64) as usize]
    }
}

pub(crate) fn chains_decide_as_the_kernel(_: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    node.sh("for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done");
    let (mut sure, mut open) = (0, 0);
    for tool in ["iptables", "iptables-legacy"] {
        for number in 0..CHAINS / 2 {
            let (more, untold) = one(
                &network,
                &node,
                &peer,
                tool,
                number * 2 + u64::from(tool == "iptables"),
            );
            sure += more;
            open += untold;
        }
        node.sh(&format!("{tool} -P INPUT ACCEPT; {tool} -F; {tool} -X"));
    }
    assert!(
        sure > 1500 && open < sure,
        "{sure} decided and {open} that cannot be told prove little"
    );
}

/// One chain: how many packets were decided for certain, and how many not.
fn one(network: &Network, node: &Node, peer: &Node, tool: &str, seed: u64) -> (u64, u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    let mac = format!("{}02", network.mark);
    let mut rules = String::from("*filter\n");
    let _ = writeln!(
        rules,
        ":INPUT {} [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]",
        dice.of(&["ACCEPT", "DROP"])
    );
    rules += ":C1 - [0:0]\n:C2 - [0:0]\n:C3 - [0:0]\n";
    let mut put = |rule: String| {
        // Only rules that this kernel accepts, and no backward jump.
        let tried = node.try_sh(&format!(
            "{tool}-restore --test <<'E'\n{rules}{rule}\nCOMMIT\nE"
        ));
        if tried.status.success() {
            rules += &rule;
            rules.push('\n');
        }
    };
    for (at, chain) in ["INPUT", "C1", "C2", "C3"].into_iter().enumerate() {
        for _ in 0..4 + dice.roll(5) {
            let mut words = dice.of(MATCHES).to_owned();
            let second = dice.of(MATCHES);
            if !(words.contains("-p ") && second.contains("-p "))
                && words.split(' ').next() != second.split(' ').next()
            {
                words = if second.starts_with("-p") || second.starts_with("! -p") {
                    format!("{second} {words}")
                } else {
                    format!("{words} {second}")
                };
            }
            let target = dice.of(TARGETS);
            let back = target.strip_prefix("-j C").or(target.strip_prefix("-g C"));
            if back.is_some_and(|to| to.parse::<usize>().is_ok_and(|to| to <= at)) {
                continue;
            }
            let words = words.replace("PEER", &peer.address).replace("MAC", &mac);
            put(format!("-A {chain} {words} {target}")
                .trim_end()
                .replace("  ", " "));
        }
    }
    node.sh(&format!("{tool}-restore <<'E'\n{rules}COMMIT\nE"));
    let mut lines = Vec::new();
    let mut specs = Vec::new();
    for at in 0..PACKETS {
        let (ttl, tos) = (
            [64, 64, 55, 200][dice.roll(4) as usize],
            [0, 0, 0x10, 0xb8][dice.roll(4) as usize],
        );
        let (spt, dpt) = (20_000 + at + seed * 60, 1000 + dice.roll(16));
        let kind = dice.roll(4);
        let size = dice.roll(2) * 8;
        let head = format!(
            "LAB_IN=mgmt-br OUT= MAC={}01:{mac}:08:00 SRC={} DST={}",
            network.mark, peer.address, node.address
        );
        let ip = |length: u64| {
            format!(
                "LEN={length} TOS=0x{:02X} PREC=0x{:02X} TTL={ttl} ID=1 DF",
                tos & 0x1e,
                tos & 0xe0
            )
        };
        let flags = [
            ("SYN", 0x02),
            ("ACK", 0x10),
            ("RST", 0x04),
            ("ACK FIN", 0x11),
            ("ACK SYN", 0x12),
        ][dice.roll(5) as usize];
        let (line, spec) = match kind {
            0 | 1 => (
                format!(
                    "{} PROTO=TCP SPT={spt} DPT={dpt} WINDOW=1 RES=0x00 {} URGP=0",
                    ip(40),
                    flags.0
                ),
                format!("6,{spt},{dpt},{},{ttl},{tos},0", flags.1),
            ),
            2 => (
                format!(
                    "{} PROTO=UDP SPT={spt} DPT={dpt} LEN={}",
                    ip(28 + size),
                    8 + size
                ),
                format!("17,{spt},{dpt},0,{ttl},{tos},{size}"),
            ),
            _ => (
                format!("{} PROTO=ICMP TYPE=8 CODE=0 ID={spt} SEQ=1", ip(28 + size)),
                format!("1,{spt},0,0,{ttl},{tos},{size}"),
            ),
        };
        lines.push(format!("{head} {line}"));
        specs.push(spec);
    }
    node.sh(&format!("{tool} -Z"));
    assert!(peer.succeeds(&["volley", &peer.address, &node.address, &specs.join(";")]));
    // All packets have been counted once the sender's last one, a ping of the lab's own, has been.
    std::thread::sleep(std::time::Duration::from_millis(150));
    let kernel = counted(&node.sh(&format!("{tool}-save -c -t filter")));
    let mut total = (0, 0);
    for form in FORMS {
        let text = node.sh(&format!("{tool}{form}"));
        let set = chain::parse(form, &text).unwrap();
        assert!(
            set.faults.is_empty(),
            "{tool}{form}: {:?}\n{text}",
            set.faults
        );
        let mut least: BTreeMap<(String, usize), u64> = BTreeMap::new();
        let mut most = least.clone();
        let (mut sure, mut open) = (0, 0);
        for line in &lines {
            let packet = Packet::parse(line).unwrap();
            let question = Question::dropped(packet.summary()).with_line(line);
            let outcome = set.evaluate(&question, Evaluation::FROM_INPUT);
            let certain = outcome.maybe.is_empty();
            assert!(certain || !outcome.notes.is_empty(), "{line}: {outcome:?}");
            *if certain { &mut sure } else { &mut open } += 1;
            if certain {
                *least.entry(place(&outcome.end)).or_default() += 1;
            }
            let mut ends: Vec<_> = outcome
                .maybe
                .iter()
                .chain([&outcome.end])
                .map(place)
                .collect();
            ends.sort();
            ends.dedup();
            for end in ends {
                *most.entry(end).or_default() += 1;
            }
        }
        for at in kernel.keys().chain(most.keys()) {
            let found = kernel.get(at).copied().unwrap_or_default();
            let (least, most) = (
                least.get(at).copied().unwrap_or_default(),
                most.get(at).copied().unwrap_or_default(),
            );
            assert!(
                least <= found && found <= most,
                "seed {seed}, {tool}{form}: the kernel counted {found} at {at:?}, we say {least} to {most}\n{rules}"
            );
        }
        total = (sure, open);
    }
    total
}

/// Returns the chain and the number of the deciding rule; number 0 for the policy.
fn place(end: &ChainOutcome) -> (String, usize) {
    match end.position() {
        Some(rule) => (rule.chain.clone(), rule.number),
        None => ("INPUT".to_owned(), 0),
    }
}

/// Returns the packet counters of the deciding rules, and of the policy of INPUT.
fn counted(saved: &str) -> BTreeMap<(String, usize), u64> {
    let set = chain::parse("saved", saved).unwrap();
    let mut out = BTreeMap::new();
    for chain in set
        .chains()
        .iter()
        .filter(|chain| !["FORWARD", "OUTPUT"].contains(&&*chain.name))
    {
        for (at, rule) in chain.rules.iter().enumerate() {
            let decides = matches!(
                rule.target,
                chain::Target::Accept | chain::Target::Drop | chain::Target::Reject(_)
            );
            let packets = rule.counters.map_or(0, |counters| counters.packets);
            if decides && packets > 0 {
                out.insert((chain.name.clone(), at + 1), packets);
            }
        }
    }
    let policy = saved.lines().find_map(|line| {
        line.strip_prefix(":INPUT ")?
            .split_once('[')?
            .1
            .split_once(':')
    });
    let packets: u64 = policy.map_or(0, |(packets, _)| packets.parse().unwrap_or_default());
    let input = set
        .chain(Family::V4, "INPUT")
        .and_then(|input| input.policy);
    assert!(matches!(input, Some(Policy::Accept | Policy::Drop)));
    if packets > 0 {
        out.insert(("INPUT".to_owned(), 0), packets);
    }
    out
}
