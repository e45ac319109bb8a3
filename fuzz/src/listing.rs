//! `iptables -L -v -n -x --line-numbers`, from what was read of chains. Each module prints in its own way (`print` of
//! libxt_*.c).

use dropsift::chain::{Family, Ports, Rule, RuleSet, Side, Target, Test};

use super::print::{kinds, ports, rate, simple, states};

/// The tables of all chains; `None` where they have no words for something.
pub fn listing(set: &RuleSet) -> Option<String> {
    let mut out = String::new();
    for chain in set.chains() {
        let told = match chain.policy {
            Some(policy) => format!("policy {policy} 0 packets, 0 bytes"),
            None => "0 references".to_owned(),
        };
        out += &format!("Chain {} ({told})\n", simple(&chain.name)?);
        out += "num      pkts      bytes target     prot opt in     out     source               destination\n";
        for (at, rule) in chain.rules.iter().enumerate() {
            out += &format!("{} {}\n", at + 1, row(chain.family, rule)?);
        }
        out.push('\n');
    }
    Some(out)
}

/// A word of a listing, with what negates it.
fn word(text: &str, negated: bool) -> Option<String> {
    let text = simple(text).filter(|text| !text.starts_with('!') && *text != "*")?;
    Some(format!("{}{text}", if negated { "!" } else { "" }))
}

/// One row of a listing.
fn row(family: Family, rule: &Rule) -> Option<String> {
    let anywhere = if family == Family::V4 {
        "0.0.0.0/0"
    } else {
        "::/0"
    };
    let mut columns = ["0", "--", "*", "*", anywhere, anywhere].map(str::to_owned);
    let mut filled = [false; 6];
    let mut extra = Vec::new();
    let number = rule.protocol();
    for m in &rule.matches {
        let (column, text) = match &m.test {
            Test::Protocol(number) => (0, word(&number.to_string(), m.negated)?),
            Test::LaterFragment => (1, if m.negated { "!f" } else { "-f" }.to_owned()),
            Test::Interface(Side::Source, name) => (2, word(name, m.negated)?),
            Test::Interface(Side::Destination, name) => (3, word(name, m.negated)?),
            Test::Net(Side::Source, net) => (4, word(&net.to_string(), m.negated)?),
            Test::Net(Side::Destination, net) => (5, word(&net.to_string(), m.negated)?),
            other => {
                extra.push(module(other, m.negated, number)?);
                continue;
            }
        };
        if std::mem::replace(&mut filled[column], true) {
            return None;
        }
        columns[column] = text;
    }
    if let Some(comment) = &rule.comment {
        let is_clear = !comment.contains("/*") && !comment.contains("*/");
        let is_line = !comment.contains(char::is_control);
        extra.push((is_clear && is_line).then(|| format!("/* {comment} */"))?);
    }
    let counted = rule.counters.filter(|counters| counters.exact);
    let (packets, bytes) = counted.map_or((0, 0), |counted| (counted.packets, counted.bytes));
    let mut name = rule.target.to_string();
    match &rule.target {
        Target::None => name = String::new(),
        Target::Goto(_) => extra.insert(0, "[goto]".to_owned()),
        Target::Reject(with) => extra.push(format!("reject-with {}", simple(with)?)),
        Target::Log(log) => {
            let mut text = format!("LOG flags {} level {}", log.flags, log.level);
            if log.prefix.contains(char::is_control) || log.prefix.contains("*/") {
                return None;
            }
            if !log.prefix.is_empty() {
                text += &format!(" prefix \"{}\"", log.prefix);
            }
            extra.push(text);
        }
        Target::Other(_, options) if !options.is_empty() => return None,
        _ => {}
    }
    if rule.target != Target::None {
        simple(&name)?;
    }
    let (columns, extra) = (columns.join(" "), extra.join(" "));
    Some(format!("{packets} {bytes} {name} {columns} {extra}"))
}

/// What the module of a test prints behind the destination.
fn module(test: &Test, negated: bool, protocol: Option<u8>) -> Option<String> {
    let not = if negated { "!" } else { "" };
    let named = match protocol {
        Some(6) => "tcp",
        Some(17) => "udp",
        Some(33) => "dccp",
        Some(132) => "sctp",
        Some(136) => "udplite",
        _ => "",
    };
    Some(match test {
        Test::Ports(side, ranges) => match (side, &ranges[..]) {
            (Ports::Source | Ports::Destination, [one]) if !named.is_empty() => {
                let key = if *side == Ports::Source { "spt" } else { "dpt" };
                let many = if one.first == one.last { "" } else { "s" };
                format!("{named} {key}{many}:{not}{one}")
            }
            (side, ranges) => {
                let list: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                format!("multiport {} {not}{}", ports(*side), list.join(","))
            }
        },
        Test::State(asked) if negated => format!("! ctstate {}", states(*asked)),
        Test::State(asked) => format!("ctstate {}", states(*asked)),
        Test::Limit { interval, burst } => {
            format!("limit: avg {} burst {burst}", rate(*interval)?)
        }
        Test::TcpFlags { mask, set } => format!("tcp flags:{not}{mask:#04x}/{set:#04x}"),
        Test::IcmpType { icmp_type, code } => {
            let v6 = protocol == Some(58);
            let code = code.map_or_else(String::new, |code| format!(" code {code}"));
            match (v6, negated) {
                (false, _) if *icmp_type == 255 => return None,
                (false, false) => format!("icmptype {icmp_type}{code}"),
                (false, true) => format!("icmp !type {icmp_type}{code}"),
                (true, false) => format!("ipv6-icmptype {icmp_type}{code}"),
                (true, true) => format!("ipv6-icmp !type {icmp_type}{code}"),
            }
        }
        Test::AddressType(side, types) => {
            let side = if *side == Side::Source { "src" } else { "dst" };
            format!("ADDRTYPE match {side}-type {not}{}", kinds(types))
        }
        _ => return None,
    })
}
