//! Kernel lines with one byte flipped, lost or doubled, at every place: a garbled line is unreadable or truncated, or it
//! reads as it was but for what still stands in it. Never does it show another packet than its words do.

use std::collections::BTreeMap;

use dropsift::packet::{Packet, PacketSummary, Shape};

const REAL: &str = include_str!("../../fixtures/kernel-6.18/v4v6-all-branches.dmesg");

/// The kernel's lines, and two that did not pass INPUT.
fn real() -> impl Iterator<Item = String> {
    let lines: Vec<&str> = REAL
        .lines()
        .map(|line| line.split_once("] ").expect("a dmesg time").1)
        .collect();
    let forwarded = lines[0].replace("OUT= ", "OUT=cni0 ");
    let sent = forwarded.replace("IN=mgmt-br", "IN=");
    lines
        .into_iter()
        .map(str::to_owned)
        .chain([forwarded, sent])
}

/// The line with the byte at `at` flipped, lost or doubled; and with a space for it, which cuts a word in two.
fn garbled(line: &str, at: usize) -> Vec<String> {
    let (before, rest) = line.split_at(at);
    let (byte, after) = rest.split_at(1);
    let flipped = |bit: u8| {
        let flipped = byte.as_bytes()[0] ^ bit;
        format!("{before}{}{after}", char::from(flipped))
    };
    vec![
        flipped(1),
        flipped(4),
        flipped(0x20),
        format!("{before}{after}"),
        format!("{before}{byte}{byte}{after}"),
        format!("{before} {after}"),
    ]
}

/// The fields of a summary that judging reads, each with the words that show its value.
fn fields(packet: &PacketSummary<'_>) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("IN=", packet.interface.to_owned()),
        ("OUT=", format!("{:?}", packet.hook)),
        ("SRC=", packet.src.to_string()),
        ("DST=", packet.dst.to_string()),
        ("PROTO=", format!("{:?}", packet.proto)),
        ("SPT=", format!("{:?}", packet.spt)),
        ("DPT=", format!("{:?}", packet.dpt)),
        ("flags", format!("{:?}", packet.flags)),
        ("TYPE=", format!("{:?}", packet.icmp_type)),
        ("frame", format!("{:?}", packet.frame)),
        ("shape", format!("{:?}", packet.shape)),
    ])
}

/// Whether a field may differ after the word `old` became `new`: the word is its own, and says the new value.
fn may(field: &str, value: &str, old: &str, new: &str) -> bool {
    let told = |key: &str| old.starts_with(key) && new.starts_with(key);
    let number = value.trim_start_matches("Some(").trim_end_matches(')');
    match field {
        // A later fragment has no ports, whatever stands behind it.
        "shape" | "SPT=" | "DPT=" | "flags" if told("FRAG:") => new != old,
        // What a whole line shows stands in it, also where the kernel had less of the packet.
        "shape" => value == "Whole",
        "SPT=" | "DPT=" | "TYPE=" => {
            told(field)
                && new[field.len()..].trim_start_matches('0') == number.trim_start_matches('0')
        }
        "IN=" => told("IN=") && new == format!("IN={value}"),
        "SRC=" | "DST=" => {
            let address = |word: &str| word[4..].parse::<std::net::IpAddr>().ok();
            told(field) && address(new).is_some_and(|new| new.to_string() == value)
        }
        // Another protocol stands there.
        "PROTO=" => told(field) && new != old,
        // Another hook needs a name, or none, where one stood.
        "OUT=" => (told("IN=") || told("OUT=")) && new != old,
        // The frame is evidence beside the address; a garbled one is none.
        "frame" => old.starts_with("MAC") || new.starts_with("MAC"),
        _ => false,
    }
}

#[test]
fn a_garbled_byte_makes_no_other_packet() {
    let mut found = BTreeMap::new();
    let mut tried = 0;
    let lines: Vec<String> = real().collect();
    for line in &lines {
        let line = line.as_str();
        let whole = Packet::parse(line).unwrap().summary();
        let expected = fields(&whole);
        let words: Vec<&str> = line.split(' ').collect();
        let quoted = line.find(" [SRC=").unwrap_or(line.len());
        for at in "HARVESTER_DROP_".len()..line.len() {
            let place = line[..at].matches(' ').count();
            let old = words.get(place).copied().unwrap_or_default();
            for text in garbled(line, at) {
                tried += 1;
                let Ok(packet) = Packet::parse(&text) else {
                    continue;
                };
                let came = packet.summary();
                if came.shape == Shape::Truncated {
                    continue;
                }
                // A word that cannot be read is as one that is not there.
                let is_without = (1..=2).any(|gone| {
                    let rest = [&words[..place], &words[words.len().min(place + gone)..]].concat();
                    let is_kept = place > 0 && !old.starts_with("OUT=") && !old.starts_with("RES=");
                    let rest = rest.join(" ");
                    let without = Packet::parse(&rest).map(|packet| fields(&packet.summary()));
                    is_kept && without == Ok(fields(&came))
                });
                if is_without {
                    continue;
                }
                let new = text
                    .split([' ', '\r', '\n', '\t'])
                    .nth(place)
                    .unwrap_or_default();
                let new = new.strip_prefix("HARVESTER_DROP_").unwrap_or(new);
                let old = old.strip_prefix("HARVESTER_DROP_").unwrap_or(old);
                let differ = (fields(&came).into_iter())
                    .filter(|(field, value)| expected[field] != *value)
                    // Another protocol has other fields.
                    .filter(|_| {
                        came.proto == whole.proto || at > quoted || !old.starts_with("PROTO=")
                    })
                    .filter(|(field, value)| at > quoted || !may(field, value, old, new));
                for (field, value) in differ {
                    let key = old.split_inclusive('=').next().unwrap_or_default();
                    let says = format!("{field} {} became {value}: {text}", expected[field]);
                    let (count, _) = found.entry((field, key)).or_insert((0, says));
                    *count += 1;
                }
            }
        }
    }
    assert!(tried > 100_000, "{tried}");
    let found: Vec<String> = (found.iter())
        .map(|((field, word), (count, first))| format!("{count} of {field} by {word}: {first}"))
        .collect();
    assert!(
        found.is_empty(),
        "{} kinds:\n{}",
        found.len(),
        found.join("\n")
    );
}
