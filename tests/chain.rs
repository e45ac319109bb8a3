//! The chain reader against the real iptables, and the evaluator against the meaning of its rules.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use dropsift::chain::{
    self, Chain, End, Evaluation, Family, Form, Policy, RuleSet, Target, Test, parse, parse_rule,
};
use dropsift::packet::{Brief, Cast, Shape, TcpFlags};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/chain")
        .join(name);
    fs::read_to_string(path).unwrap()
}

fn read(text: &str) -> RuleSet {
    parse("test", text).unwrap()
}

/// A network namespace of this test's own, gone when dropped.
struct Namespace(String);

impl Namespace {
    fn new(name: &str) -> Option<Self> {
        let name = format!("dschain-{name}-{}", std::process::id());
        let made = Command::new("ip")
            .args(["netns", "add", &name])
            .stderr(Stdio::null())
            .status();
        made.is_ok_and(|status| status.success())
            .then_some(Self(name))
    }

    fn run(&self, words: &[&str], input: &str) -> Option<String> {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.0])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).ok()?;
        let done = child.wait_with_output().ok()?;
        done.status
            .success()
            .then(|| String::from_utf8(done.stdout).unwrap())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.0])
            .status();
    }
}

/// All that the tools print of the rules; `None` where there is no root or no iptables.
fn printed(name: &str, rules: &str) -> Option<Vec<(&'static str, String)>> {
    let Some(namespace) = Namespace::new(name) else {
        eprintln!("skipped {name}: no network namespace (not root?)");
        return None;
    };
    if namespace.run(&["iptables-restore"], rules).is_none() {
        eprintln!("skipped {name}: iptables-restore does not take the rules");
        return None;
    }
    let forms = [
        "iptables-save",
        "iptables-save -c",
        "iptables -S",
        "iptables -S -v",
        "iptables -L -v -n",
        "iptables -L -v -n -x --line-numbers",
        "iptables -n -v -L --line-numbers",
    ];
    forms
        .into_iter()
        .map(|form| {
            let words: Vec<&str> = form.split(' ').collect();
            namespace.run(&words, "").map(|text| (form, text))
        })
        .collect()
}

/// What must not depend on the form: chains by name, policies, rules by meaning and their comments.
fn bare(set: &RuleSet) -> Vec<(String, Option<Policy>, Vec<chain::Rule>)> {
    let mut chains: Vec<_> = set
        .chains
        .iter()
        .map(|chain| {
            let rules = chain.rules.iter().cloned().map(|mut rule| {
                rule.line = 0;
                rule.counters = None;
                rule
            });
            (chain.name.clone(), chain.policy, rules.collect())
        })
        .collect();
    chains.sort_by(|a, b| a.0.cmp(&b.0));
    chains
}

#[test]
fn every_printed_form_reads_to_the_same_rules() {
    let rules = fixture("common.rules");
    let wanted = bare(&read(&rules));
    assert!(wanted.iter().map(|(.., rules)| rules.len()).sum::<usize>() > 25);
    for (form, text) in printed("common", &rules).unwrap_or_default() {
        let set = read(&text);
        assert_eq!(set.faults, [], "{form}");
        let found = bare(&set);
        for ((name, policy, rules), (found_name, found_policy, found_rules)) in
            wanted.iter().zip(&found)
        {
            assert_eq!((name, policy), (found_name, found_policy), "{form}");
            for (at, (rule, found)) in rules.iter().zip(found_rules).enumerate() {
                assert_eq!(rule, found, "{form}, {name} {}\n{rule}\n{found}", at + 1);
            }
            assert_eq!(rules.len(), found_rules.len(), "{form}, {name}");
        }
        assert_eq!(wanted.len(), found.len(), "{form}");
        let counted = set
            .chains
            .iter()
            .flat_map(|chain| &chain.rules)
            .all(|rule| rule.counters.is_some());
        assert_eq!(
            counted,
            form.contains("-c") || form.contains("-v"),
            "{form}"
        );
    }
}

/// What is not known is never lost: a rule that no form can be evaluated in says so in each.
#[test]
fn unknown_matches_stay_unknown_in_every_form() {
    let rules = fixture("rare.rules");
    let open = |set: &RuleSet| -> Vec<(bool, String)> {
        let harvester = set.chain(Family::V4, chain::HARVESTER).unwrap();
        let unknown = |rule: &chain::Rule| {
            rule.matches
                .iter()
                .any(|m| matches!(m.test, Test::Unknown(..)))
        };
        harvester
            .rules
            .iter()
            .map(|rule| (unknown(rule), rule.target.to_string()))
            .collect()
    };
    let wanted = open(&read(&rules));
    let is_known = |text: &str| {
        text.contains("sctp") || text.contains("limit 1/hour") || text.contains("/* x */")
    };
    for (line, (unknown, _)) in rules
        .lines()
        .filter(|line| line.starts_with("-A HARVESTER"))
        .zip(&wanted)
    {
        assert_eq!(*unknown, !is_known(line), "{line}");
    }
    for (form, text) in printed("rare", &rules).unwrap_or_default() {
        let found = open(&read(&text));
        for (at, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
            // A comment that contains the marks of comments cannot be told from rules in `-L`.
            let marks = form.contains("-L")
                && rules
                    .lines()
                    .filter(|l| l.starts_with("-A HARVESTER"))
                    .nth(at)
                    .unwrap()
                    .contains("/* x */");
            assert_eq!(
                (wanted.0 || marks, &wanted.1),
                (found.0, &found.1),
                "{form}, rule {}",
                at + 1
            );
        }
        assert_eq!(wanted.len(), found.len(), "{form}");
    }
}

/// iptables itself says which commands it refuses; running them here must agree, and leave the same chains.
#[test]
fn commands_run_as_iptables_runs_them() {
    let script = fixture("commands.sh");
    let set = read(&script);
    assert_eq!(set.form, Form::Script);
    let Some(namespace) = Namespace::new("commands") else {
        eprintln!("skipped commands_run_as_iptables_runs_them: no network namespace (not root?)");
        return;
    };
    if namespace.run(&["iptables", "-S"], "").is_none() {
        eprintln!("skipped commands_run_as_iptables_runs_them: no iptables");
        return;
    }
    namespace.run(&["sh", "-c", &script], "");
    let saved = namespace
        .run(&["iptables-save", "-t", "filter"], "")
        .unwrap();
    let kept = bare(&read(&saved));
    let mut ran = bare(&set);
    for (.., rules) in &mut ran {
        for rule in rules {
            rule.inserted = false;
        }
    }
    assert_eq!(ran, kept, "{saved}");
    let refused: Vec<usize> = set.faults.iter().map(|fault| fault.line).collect();
    let marked: Vec<usize> = script
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("# refused"))
        .map(|(at, _)| at + 1)
        .collect();
    assert_eq!(refused, marked, "{:?}", set.faults);
}

fn packet(proto: u8, spt: u16, dpt: u16) -> Brief<'static> {
    Brief {
        interface: "mgmt-br",
        src: "192.168.122.62".parse().unwrap(),
        dst: "192.168.122.61".parse().unwrap(),
        proto: Some(proto),
        spt: Some(spt),
        dpt: Some(dpt),
        flags: (proto == 6).then_some(TcpFlags::SYN),
        icmp_type: None,
        shape: Shape::Whole,
        cast: Cast::Unicast,
    }
}

/// `A 3`: accepted by rule 3, and so on; an `l` in front where it was logged before.
fn ask(rules: &str, packet: &Brief<'_>) -> String {
    let text = format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}\nCOMMIT\n");
    let outcome = read(&text).evaluate(packet, Evaluation::FROM_INPUT);
    let logged = if outcome.logged.is_empty() { "" } else { "l" };
    let notes = if outcome.notes.is_empty() { "" } else { "?" };
    let end = match &outcome.end {
        End::Accepted(place) => format!("A{}", place.number),
        End::Dropped(place) | End::Rejected(place) => format!("D{}", place.number),
        End::Unknown(_) => "U".to_owned(),
        End::Policy(policy) => policy.to_string(),
        End::NoMatch => "none".to_owned(),
    };
    format!("{logged}{end}{notes}")
}

#[test]
fn matches_mean_what_the_manual_says() {
    let flagged = |flags| Brief {
        flags: Some(flags),
        ..packet(6, 40000, 22)
    };
    let syn = packet(6, 40000, 22);
    let ack = flagged(TcpFlags::ACK);
    let fin_ack = flagged(TcpFlags::FIN.union(TcpFlags::ACK));
    let rst = flagged(TcpFlags::RST);
    let syn_ack = flagged(TcpFlags::SYN.union(TcpFlags::ACK));
    let udp = packet(17, 67, 68);
    let ping = Brief {
        proto: Some(1),
        spt: None,
        dpt: None,
        flags: None,
        icmp_type: Some(8),
        ..syn
    };
    let broadcast = Brief {
        dst: "255.255.255.255".parse().unwrap(),
        cast: Cast::Broadcast,
        ..udp
    };
    let subnet = Brief {
        dst: "192.168.122.255".parse().unwrap(),
        cast: Cast::Broadcast,
        ..udp
    };
    let fragment = Brief {
        shape: Shape::Fragment,
        spt: None,
        dpt: None,
        flags: None,
        ..syn
    };
    let vlan = Brief {
        interface: "mgmt-br.2025",
        ..syn
    };
    let cases: &[(&str, &Brief<'_>, &str)] = &[
        ("-i mgmt-br", &syn, "A1"),
        ("-i mgmt-br", &vlan, "ACCEPT"),
        ("-i mgmt-br+", &vlan, "A1"),
        ("! -i mgmt-br", &vlan, "A1"),
        ("! -i mgmt-br+", &vlan, "ACCEPT"),
        ("-o eth0", &syn, "ACCEPT"),
        ("-s 192.168.122.0/24", &syn, "A1"),
        ("! -s 192.168.122.0/24", &syn, "ACCEPT"),
        ("-d 192.168.122.62", &syn, "ACCEPT"),
        ("-p tcp --dport 22", &syn, "A1"),
        ("-p tcp --dport 20:30", &syn, "A1"),
        ("-p tcp ! --dport 20:30", &syn, "ACCEPT"),
        ("-p udp --dport 22", &syn, "ACCEPT"),
        ("! -p udp", &syn, "A1"),
        ("-p udp --sport 67 --dport 68", &udp, "A1"),
        ("-p tcp -m multiport --dports 1,2,20:30", &syn, "A1"),
        ("-p tcp -m multiport --sports 22", &syn, "ACCEPT"),
        ("-p tcp -m multiport --ports 22", &syn, "A1"),
        ("-p tcp --dport 22", &fragment, "ACCEPT?"),
        ("-p tcp ! --dport 23", &fragment, "ACCEPT?"),
        ("-f", &fragment, "A1"),
        ("-f", &syn, "ACCEPT"),
        ("-m conntrack --ctstate RELATED,ESTABLISHED", &ack, "ACCEPT"),
        ("-m conntrack --ctstate NEW", &syn, "A1"),
        ("-m conntrack --ctstate NEW", &ack, "A1"),
        ("-m conntrack --ctstate NEW", &rst, "ACCEPT"),
        ("-m conntrack --ctstate INVALID", &rst, "A1"),
        ("-m conntrack --ctstate INVALID", &fin_ack, "A1"),
        ("-m conntrack --ctstate INVALID", &syn_ack, "A1"),
        ("-m conntrack ! --ctstate INVALID", &syn, "A1"),
        ("-m state --state NEW", &udp, "A1"),
        ("-m state --state NEW", &ping, "A1"),
        ("-m limit --limit 1/day", &syn, "A1"),
        ("-m set --match-set x src", &syn, "ACCEPT?"),
        ("-m mark ! --mark 0x1", &syn, "ACCEPT?"),
        ("-m socket", &syn, "ACCEPT?"),
        ("-p udp -m set --match-set x src", &syn, "ACCEPT"),
        ("-p tcp --syn", &syn, "A1"),
        ("-p tcp --syn", &syn_ack, "ACCEPT"),
        ("-p tcp ! --syn", &syn_ack, "A1"),
        ("-p tcp --tcp-flags ALL RST", &rst, "A1"),
        ("-p tcp --tcp-flags SYN,RST NONE", &ack, "A1"),
        ("-p icmp --icmp-type echo-request", &ping, "A1"),
        ("-p icmp --icmp-type 0", &ping, "ACCEPT"),
        ("-p icmp --icmp-type any", &ping, "A1"),
        ("-p icmp --icmp-type 8/0", &ping, "ACCEPT?"),
        ("-p icmp --icmp-type 3/4", &ping, "ACCEPT"),
        ("-m addrtype --dst-type LOCAL", &syn, "A1"),
        (
            "-m addrtype --dst-type BROADCAST,MULTICAST",
            &broadcast,
            "A1",
        ),
        ("-m addrtype --dst-type BROADCAST", &subnet, "ACCEPT?"),
        ("-m comment --comment x", &syn, "A1"),
    ];
    for (rule, packet, wanted) in cases {
        assert_eq!(
            &ask(&format!("-A INPUT {rule} -j ACCEPT"), packet),
            wanted,
            "{rule}"
        );
    }
}

#[test]
fn chains_are_walked_as_the_kernel_walks() {
    let syn = packet(6, 40000, 22);
    let v6: IpAddr = "fd00::1".parse().unwrap();
    let cases = [
        (
            "-A INPUT -j A\n-A A -j RETURN\n-A A -j DROP\n-A INPUT -j ACCEPT",
            "A2",
        ),
        (
            "-A INPUT -g A\n-A A -p udp -j DROP\n-A INPUT -j DROP",
            "ACCEPT",
        ),
        ("-A INPUT -j A\n-A A -j LOG\n-A A -p tcp -j DROP", "lD2"),
        (
            "-A INPUT -j A\n-A A -j B\n-A B -j A\n-A INPUT -j DROP",
            "D2?",
        ),
        ("-A INPUT -j cali-INPUT\n-A INPUT -j ACCEPT", "A2?"),
        (
            "-A INPUT -j MARK --set-xmark 0x1/0x1\n-A INPUT -j REJECT",
            "D2",
        ),
        ("-A INPUT -j NFQUEUE --queue-num 1", "U"),
        (
            "-A INPUT -j A\n-A A -p tcp\n-A A -j LOG\n-A A -p tcp --dport 22 -j ACCEPT",
            "lA3",
        ),
    ];
    for (rules, wanted) in cases {
        assert_eq!(ask(rules, &syn), wanted, "{rules}");
    }
    assert_eq!(ask("-P INPUT DROP", &syn), "DROP");
    assert_eq!(ask("-A INPUT -j DROP", &Brief { src: v6, ..syn }), "none?");
}

/// Chains that jump to the next one twice double the way at each step.
#[test]
fn a_hostile_chain_ends() {
    let mut rules = String::from("-A INPUT -j C0\n");
    for at in 0..60 {
        rules += &format!("-A C{at} -j C{}\n-A C{at} -j C{}\n", at + 1, at + 1);
    }
    assert_eq!(ask(&rules, &packet(6, 1, 2)), "ACCEPT?");
    let deep = format!("apiVersion: v1\nkind: {}", "[".repeat(100_000));
    assert!(parse("deep", &deep).is_err());
    let grow = (0..64).fold("A=xxxxxxxxxxxxxxxx\n".to_owned(), |text, _| {
        text + "A=$A$A\n"
    }) + "iptables -N $A\n";
    assert_eq!(read(&grow).chains.len(), 3);
}

#[test]
fn the_listing_of_the_page_is_read() {
    let set = read(&fixture("page-input.listing"));
    assert_eq!(set.faults, []);
    let [
        Chain {
            name,
            policy: Some(Policy::Accept),
            rules,
            ..
        },
    ] = &set.chains[..]
    else {
        panic!("{set:?}")
    };
    assert_eq!((name.as_str(), rules.len()), ("INPUT", 11));
    let first = rules[0].counters.unwrap();
    assert_eq!((first.packets, first.exact), (301_000, false));
    assert_eq!(rules[10].target, Target::Jump("HARVESTER_INPUT".to_owned()));
    assert_eq!(rules[10].line, 15);
    let outcome = set.evaluate(&packet(6, 40000, 22), Evaluation::FROM_INPUT);
    assert_eq!(outcome.end, End::Policy(Policy::Accept));
    assert!(
        outcome
            .notes
            .iter()
            .any(|note| note.contains("ovn40services")),
        "{:?}",
        outcome.notes
    );
    assert!(
        outcome
            .notes
            .iter()
            .any(|note| note.contains("`HARVESTER_INPUT` is not in the text"))
    );
}

#[test]
fn counters_and_copies() {
    let set = read(&fixture("counted.listing"));
    let chain = set.firewall(Family::V4).unwrap();
    assert_eq!(chain.log_rule_number(), Some(3));
    assert_eq!(chain.insert_number(), Some(3));
    let unlogged = chain.unlogged().unwrap();
    assert_eq!((unlogged.packets, unlogged.exact), (1234 - 61, true));
    let (to, rule) = parse_rule("iptables -A HARVESTER_INPUT -p tcp -m multiport --dports 2112 -m comment --comment other -j ACCEPT").unwrap();
    assert_eq!(to, "HARVESTER_INPUT");
    let dead = set.dead_copies(Family::V4, &rule);
    assert_eq!(
        dead.iter()
            .map(|place| (place.number, place.line))
            .collect::<Vec<_>>(),
        [(5, 7)]
    );
    assert_eq!(chain.live_copy(&rule), None);
    let (_, ssh) = parse_rule("iptables -I HARVESTER_INPUT 2 -p tcp --dport 22 -j ACCEPT").unwrap();
    assert_eq!(chain.live_copy(&ssh).unwrap().number, 2);
}

#[test]
fn cloudinit_in_all_its_shapes_makes_the_same_chains() {
    let mut wanted = None;
    for shape in [
        "plain.yaml",
        "list.yaml",
        "oem.yaml",
        "scalars.yaml",
        "quoted.yaml",
    ] {
        let text = fixture(&format!("cloudinit/{shape}"));
        let set = read(&text);
        assert_eq!(
            (set.form, &set.faults[..]),
            (Form::CloudInit, &[][..]),
            "{shape}"
        );
        let found = bare(&set);
        assert_eq!(
            wanted.get_or_insert_with(|| found.clone()),
            &found,
            "{shape}"
        );
        let lines: Vec<&str> = text.lines().collect();
        for rule in set.chains.iter().flat_map(|chain| &chain.rules) {
            // A folded command goes on on the next line.
            let line = lines[rule.line - 1..(rule.line + 1).min(lines.len())].join("\n");
            let is_mine = lines[rule.line - 1].contains("iptables")
                && rule
                    .comment
                    .as_ref()
                    .is_none_or(|c| line.contains(c.as_str()));
            // The lines of a text in double quotes are one line of the file.
            assert!(
                is_mine || shape == "quoted.yaml",
                "{shape} {}: {line}",
                rule.line
            );
        }
    }
    let wanted = wanted.unwrap();
    let harvester = wanted
        .iter()
        .find(|(name, ..)| name == chain::HARVESTER)
        .unwrap();
    assert_eq!(harvester.2.len(), 4);
}

#[test]
fn nothing_readable_is_an_error_with_what_to_do() {
    for text in ["", "hello\n", "table ip filter {\n\tchain INPUT {\n"] {
        let error = parse("x", text).unwrap_err().to_string();
        assert!(
            error.contains("cannot read `x`: line 1") && error.contains("iptables-save"),
            "{error}"
        );
    }
    let error = parse("x", "kind: CloudInit\nspec: [\n")
        .unwrap_err()
        .to_string();
    assert!(error.contains("bad YAML"), "{error}");
}
