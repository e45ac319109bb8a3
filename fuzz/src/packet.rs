//! One line of the LOG target: read in two ways, printed, cut, and explained.

use dropsift::analyze::explain;
use dropsift::packet::{Packet, PacketSummary, Shape};
use dropsift::report::explain::Explanation;
use dropsift::report::{JSON, Renderer, Style, TEXT};
use dropsift::rule::Scope;
use dropsift::site::Site;

use super::seen::{READING, prefixes};
use super::{Dice, shown};

const STYLE: Style = Style::plain(80);

/// The short way reads what the long way reads; what is printed is read back; a line that was cut off says nothing else than
/// the whole one; and whatever it is, its explanation is clean.
pub fn packet(data: &[u8]) {
    explained(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let parsed = Packet::parse(text);
    let summary = parsed.as_ref().map(Packet::summary).map_err(|why| *why);
    let line = text.trim_end_matches(['\r', '\n']);
    if let Some(ordered) = PacketSummary::ordered(line) {
        assert_eq!(
            Ok(ordered),
            summary,
            "the kernel's order is read as any other"
        );
    }
    assert_eq!(PacketSummary::read(text), summary);
    let Ok(packet) = parsed else {
        return;
    };
    assert_eq!(packet.shape(), packet.summary().shape);
    printed(&packet);
    // What comes back byte for byte the kernel may have written; then it may have been cut off anywhere.
    let whole = packet.to_string();
    // Options are hex digits there.
    let options = text
        .split("OPT (")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    // It prints the interfaces once (nf_log_dump_packet_common); a torn line has them twice.
    let is_kernels = text == whole
        && text.matches("OUT=").count() == 1
        && options
            .into_iter()
            .all(|text| is_hex(text) || text.starts_with(' '));
    if is_kernels && packet.shape() != Shape::Truncated {
        cut(text, &packet.summary(), &mut Dice::of(data));
    }
}

/// The printed form of a packet is of the same packet, and the next one stays.
fn printed(packet: &Packet<'_>) {
    let text = packet.to_string();
    // Of a line that was cut off, what stood in its last word is lost. Behind an extension that the kernel does not look into,
    // it prints nothing more, not even a space.
    let ends = ["( AH )", "( ESP )", "OPT ( )", "bytes] )"];
    if packet.shape() == Shape::Truncated || ends.iter().any(|end| text.contains(end)) {
        return;
    }
    let again = Packet::parse(&text);
    let Ok(again) = again else {
        panic!("{text:?} is not read back: {again:?}");
    };
    // What is no field of the kernel is not printed, and its place may have shown that nothing is missing.
    let (read, meant) = (again.summary(), packet.summary());
    let same = PacketSummary {
        shape: meant.shape,
        flags: read.flags.or(meant.flags),
        ..read
    };
    assert_eq!(same, meant, "{text}");
    // What a lost field had meant for the next is lost once.
    let text = again.to_string();
    let last = Packet::parse(&text).map(|packet| packet.to_string());
    assert_eq!(last.as_ref(), Ok(&text));
}

/// A line that ends early has no readable source, says that it is truncated, or says what the whole line says.
fn cut(text: &str, whole: &PacketSummary<'_>, dice: &mut Dice) {
    for _ in 0..8 {
        let mut at = dice.roll(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let line = &text[..at];
        // `PROTO=2` of `PROTO=253 ` to a group, and of a later fragment `PROTO=UDP` of `PROTO=UDPLITE `, are taken for lines whose
        // last space somebody took off.
        let last = line.rsplit(' ').next().unwrap_or_default();
        if matches!(last, "PROTO=2" | "PROTO=UDP") {
            continue;
        }
        if let Ok(brief) = PacketSummary::read(line)
            && brief.shape != Shape::Truncated
        {
            let addresses = |brief: &PacketSummary<'_>| (brief.src, brief.dst);
            assert_eq!(addresses(&brief), addresses(whole), "{line:?} of {text:?}");
            // The kernel prints no protocol of an AH fragment, and of ESP where options are not logged: such a line may
            // be whole.
            // Of the length that ends a UDP line nothing hangs but whether there is data.
            if brief.proto.is_some() {
                let data = match whole.flags {
                    Some(_) => brief.data,
                    None => whole.data,
                };
                let brief = PacketSummary { data, ..brief };
                assert_eq!(&brief, whole, "{line:?} of {text:?}");
            }
        }
    }
}

/// The explanation of a line, for people and as JSON.
fn explained(raw: &[u8]) {
    let site = Site::default();
    let answer = explain(raw, &prefixes(), READING, &site, Scope::Documented);
    let told = answer.as_ref().map_err(String::as_str);
    let written = |form: &Renderer, answer: Explanation<'_>| {
        let mut out = Vec::new();
        form.explain.unwrap()(&answer, STYLE, &mut out).unwrap();
        out
    };
    let json = shown::json("the answer", written(&JSON, Explanation::Streamed(told, 0)));
    assert_eq!(json["packet"].is_null(), answer.is_err());
    if let Ok(explained) = &answer {
        assert!(explained.packet().is_ok());
    }
    shown::json("the explanation", written(&JSON, Explanation::Line(told)));
    shown::plain(
        "the explanation",
        written(&TEXT, Explanation::Streamed(told, 0)),
    );
}
