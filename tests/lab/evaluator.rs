//! The evaluator's own proof: every packet that the kernel saw, put to the chain as `iptables-save` prints it, ends as the
//! kernel ended it.

use std::collections::BTreeSet;
use std::time::Duration;

use dropsift::chain::{self, ChainOutcome, Evaluation, Question};
use dropsift::packet::Packet;

use crate::chain::Commands;
use crate::machine::{Machine, poll};
use crate::network::{Network, Node, Place};
use crate::watch::Watch;

/// Prefixes of the LOG rules: for all packets as they arrive, and for those that no rule accepts before they are
/// dropped.
const SEEN: &str = "LAB_SEEN_";
const FELL: &str = "LAB_FELL_";
/// Ports to which packets are sent: documented ports and their neighbours, and the ports of the rules below.
const PORTS: [u16; 24] = [
    21, 22, 80, 2112, 2378, 2379, 2380, 2381, 6443, 7000, 7001, 7002, 7004, 7100, 7300, 7301, 7302,
    7400, 7500, 8181, 29999, 30000, 32767, 32768,
];
/// The last packet of all.
const LAST: u16 = 65001;

pub(crate) fn agrees_with_the_kernel(machine: &Machine) {
    let mut network = Network::new();
    let node = network.node(Place::Inside);
    let (peer, outsider) = (network.node(Place::Inside), network.node(Place::Outside));
    Commands::documented("control-plane")
        .without("--dport 2112")
        .apply(&node);
    node.sh(&format!(
        "iptables -N LAB
        iptables -A LAB -p tcp --dport 7301 -j RETURN
        iptables -A LAB -p tcp --dport 7300:7302 -j ACCEPT
        iptables -I HARVESTER_INPUT 2 -p tcp -j LAB
        iptables -I HARVESTER_INPUT 2 -s {peer} -p tcp -m multiport --dports 7001,7003:7005 -j ACCEPT
        iptables -I HARVESTER_INPUT 2 ! -s {peer} -p tcp --dport 7100 -j ACCEPT
        iptables -I HARVESTER_INPUT 2 -p udp --sport 4000:4010 --dport 7200 -j ACCEPT
        iptables -I HARVESTER_INPUT 2 -p tcp --dport 7400 ! --syn -j ACCEPT
        iptables -I HARVESTER_INPUT 2 -p tcp --dport 7500 -m conntrack --ctstate NEW -j ACCEPT
        iptables -D HARVESTER_INPUT -m comment --comment 'Drop all other traffic' -j DROP
        iptables -A HARVESTER_INPUT -j LOG --log-prefix {FELL}
        iptables -A HARVESTER_INPUT -m comment --comment 'Drop all other traffic' -j DROP
        iptables -I INPUT -i mgmt-br -j LOG --log-prefix {SEEN}",
        peer = peer.address
    ));
    for from in [&peer, &outsider] {
        for port in PORTS {
            from.knock(&node.address, port);
        }
        assert!(from.succeeds(&["ping", &from.address, &node.address]));
        for (from_port, port) in [
            ("4005", "7200"),
            ("4011", "7200"),
            ("4005", "7201"),
            ("33521", "8472"),
            ("33521", "53"),
        ] {
            assert!(from.succeeds(&["udp", from_port, &node.address, port]));
        }
        // ACKs of connections that conntrack does not know.
        for port in ["10250", "2112", "7400"] {
            let acks = from.start(&["acks", &from.address, "40001", &node.address, port, "20"]);
            std::thread::sleep(Duration::from_millis(100));
            drop(acks);
        }
    }
    peer.knock(&node.address, LAST);
    let (seen, fell) = poll("the last packet", Duration::from_secs(20), || {
        let log = machine.kernel_log_so_far("cat");
        let own = |prefix: &str| -> BTreeSet<String> {
            let lines = log.lines().filter(|line| line.contains(&network.mark));
            lines
                .filter_map(|line| line.strip_prefix(prefix))
                .map(str::to_owned)
                .collect()
        };
        let fell = own(FELL);
        let last = format!("DPT={LAST} ");
        fell.iter()
            .any(|line| line.contains(&last))
            .then(|| (own(SEEN), fell))
    });

    let rules = chain::parse("iptables-save", &node.sh("iptables-save")).unwrap();
    assert!(rules.faults.is_empty(), "{:?}", rules.faults);
    let mut accepted = 0;
    for line in &seen {
        let text = format!("{SEEN}{line}");
        let packet = Packet::parse(&text).unwrap();
        let outcome = rules.evaluate(&Question::dropped(packet.summary()), Evaluation::FROM_INPUT);
        let kernel_accepts = !fell.contains(line);
        let we_accept = matches!(outcome.end, ChainOutcome::Accepted(_));
        assert_eq!(we_accept, kernel_accepts, "{line}: {outcome:?}");
        assert!(
            we_accept || matches!(outcome.end, ChainOutcome::Dropped(_)),
            "{line}: {outcome:?}"
        );
        assert!(outcome.notes.is_empty(), "{outcome:?}");
        accepted += usize::from(we_accept);
    }
    let dropped = seen.len() - accepted;
    assert!(
        accepted >= 25 && dropped >= 25,
        "{accepted} accepted and {dropped} dropped prove little"
    );
}

/// Evaluates the node's chain, which must not have changed, for every line so far that is addressed to `node`: the
/// kernel dropped the packets, so the chain must.
pub(crate) fn drops_too(watch: &Watch, node: &Node) {
    let rules = chain::parse("iptables-save", &node.sh("iptables-save -t filter")).unwrap();
    let messages = watch.messages();
    let mut judged = 0;
    for message in &messages {
        let packet = Packet::parse(message).unwrap();
        let brief = packet.summary();
        if brief.dst.to_string() == node.address {
            let outcome = rules.evaluate(&Question::dropped(brief), Evaluation::FROM_INPUT);
            assert!(
                matches!(outcome.end, ChainOutcome::Dropped(_)),
                "{message}: {outcome:?}"
            );
            judged += 1;
        }
    }
    assert!(judged > 0, "no line of {} was judged", node.address);
}
