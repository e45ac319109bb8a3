//! The head of most lines of a syslog file, and of what `journalctl -o short` and `short-iso` write, at one look: a stamp, a
//! host, `kernel: `, and the message of a drop line.
//!
//! Of what it reads, the forms and the decision of the slow path say the same: the test at the foot of the page holds that.
//! Whatever could be of another form, or is written otherwise, is left to them.

use crate::input::format::header::{clock, iso, literal, usual_source};
use crate::input::format::text::uptime_of;
use crate::input::format::{Prefixes, month_of};
use crate::time::Stamp;

/// A drop line of the kernel, up to its packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) stamp: Stamp,
    pub(super) host: &'a [u8],
    /// Microseconds since boot, where the message begins with them.
    pub(super) uptime: Option<i64>,
    /// Text from the LOG prefix on.
    pub(super) message: &'a [u8],
    /// Text from behind the `IN=` that follows the prefix.
    pub(super) packet: &'a [u8],
}

/// Reads the head of the line that `text` begins with.
#[inline]
pub(super) fn head<'a>(text: &'a [u8], prefixes: &Prefixes) -> Option<Head<'a>> {
    let mut rest = text;
    let stamp = match rest.first()? {
        b'A'..=b'Z' => yearless(&mut rest)?,
        _ => dated(&mut rest)?,
    };
    literal(&mut rest, b" ")?;
    let (host, said) = usual_source(rest)?;
    let (uptime, message) = uptime_of(said);
    let prefix = prefixes.at_begin_of(message)?;
    let packet = message[prefix.len()..].strip_prefix(b"IN=")?;
    let is_plain = prefixes.are_documented() || !is_odd(text, rest, message, prefixes);
    is_plain.then_some(Head {
        stamp,
        host,
        uptime,
        message,
        packet,
    })
}

/// Whether a configured prefix looks like another form.
#[cold]
fn is_odd(line: &[u8], behind_stamp: &[u8], message: &[u8], prefixes: &Prefixes) -> bool {
    let may_mislead = |prefix: &[u8]| memchr::memchr2(b'=', b'#', prefix).is_some();
    prefixes.at_begin_of(message).is_some_and(may_mislead)
        || message.starts_with(b"message repeated ")
        || prefixes.at_begin_of(behind_stamp).is_some()
        || prefixes.at_begin_of(line).is_some()
}

/// Takes `Apr 22 10:00:01.123456`.
fn yearless(text: &mut &[u8]) -> Option<Stamp> {
    let [a, b, c, b' ', tens, ones @ b'0'..=b'9', b' ', rest @ ..] = *text else {
        return None;
    };
    let month = month_of(&[*a, *b, *c])?;
    let tens = match tens {
        b' ' => 0,
        b'0'..=b'3' => tens - b'0',
        _ => return None,
    };
    let day = tens * 10 + (ones - b'0');
    let mut rest = rest;
    let (day_micros, fine) = clock(&mut rest)?;
    *text = rest;
    (1..=31).contains(&day).then_some(Stamp::Yearless {
        month,
        day,
        day_micros,
        fine,
    })
}

/// Takes `2026-04-22T10:00:01.123456+00:00`. dmesg writes a comma before the fraction.
fn dated(text: &mut &[u8]) -> Option<Stamp> {
    if text.get(10) != Some(&b'T') || text.get(19) == Some(&b',') {
        return None;
    }
    iso(text).filter(|stamp| matches!(stamp, Stamp::Dated { .. }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use proptest::sample::select;

    use super::*;
    use crate::input::format;
    use crate::input::format::cri;
    use crate::input::framing;
    use crate::input::message::{Class, classify, unescaped};

    /// Lines of parts that fit together, and some that do not.
    fn line() -> impl Strategy<Value = String> {
        let stamp = select(vec![
            "Apr 22 10:00:01.123456",
            "Mar  2 10:00:01",
            "May 32 10:00:01",
            "Sep 00 10:00:01",
            "Apr 22 24:00:01",
            "Mai 02 10:00:01",
            "Mon Apr 22 10:00:01",
            "2026-04-22T10:00:01.123456+00:00",
            "2026-04-22T10:00:01Z",
            "2026-04-22T10:00:01",
            "2026-04-22T10:00:01,123456+00:00",
            "2026-04-22 10:00:01+02:00",
            "2026-13-22T10:00:01Z",
            "12",
        ]);
        let host = select(vec![
            "harvester1",
            "node-7",
            "-7",
            "7",
            "stdout",
            "stdout1",
            "warning",
            "local0.warn",
            "a.b1",
            "{a=\"1\"}",
            "",
            "Apr 22 10:00:01 host2",
            "2026-04-22T10:00:01Z host3",
            "<4>1",
        ]);
        let tag = select(vec![
            " kernel: ",
            " kernel:",
            " kernel[7]: ",
            " app: ",
            " ",
            " F ",
            " local0 kernel: ",
        ]);
        let uptime = select(vec![
            "",
            "[12345.677901] ",
            "[    7.000001]",
            " <4>[7.1] ",
            "  ",
        ]);
        let message = select(vec![
            "HARVESTER_DROP_IN=mgmt-br OUT= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
            "HARVESTER_DROP: IN=mgmt-br OUT= ",
            "HARVESTER_DROP_IN=a#033 OUT= ",
            "HARVESTER_DROP_IN=a OUT= \r",
            "HARVESTER_DROP_I",
            "FULL_HARVESTER_DROP_IN=a OUT= ",
            "message repeated 3 times: [ HARVESTER_DROP_IN=a OUT= ]",
            "eth0: link up",
        ]);
        (
            stamp,
            prop_oneof![Just(" "), Just("")],
            host,
            tag,
            uptime,
            message,
        )
            .prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].concat())
    }

    proptest! {
        #[test]
        fn what_is_read_at_one_look_is_what_the_forms_say(line in line(), cut in any::<u8>(), chosen in any::<bool>()) {
            let prefixes = if chosen { Prefixes::only("message repeated 3 times: [ HARV") } else { Prefixes::documented() };
            // Most lines whole, some cut.
            let line = line.get(usize::from(cut).saturating_sub(200)..).unwrap_or(&line).as_bytes();
            // Whatever a packet may not have, the packet's parser sees.
            let is_whole = |head: &Head<'_>| !head.packet.contains(&b'#') && !head.packet.ends_with(b"\r");
            if let Some(head) = head(line, &prefixes).filter(is_whole) {
                let record = format::read(line, &prefixes).unwrap();
                let text = unescaped(&record.message);
                let class = classify(record.origin, &text, true, &prefixes);
                prop_assert_eq!(class, Class::Drop { message: head.message, repeats: 1 });
                prop_assert_eq!((record.stamp, record.host.as_deref()), (head.stamp, str::from_utf8(head.host).ok()));
                prop_assert_eq!(uptime_of(&record.message).0, head.uptime);
                let none = (record.uptime, record.after, record.monotonic, record.boot, record.late);
                prop_assert_eq!(none, (None, None, None, None, 0));
                assert!(framing::opening(line).is_none() && cri::part(line).is_none());
            }
        }
    }

    #[test]
    fn most_lines_are_read_at_one_look() {
        for stamp in [
            "Apr 22 10:00:01.123456",
            "Apr  2 10:00:01",
            "2026-04-22T10:00:01.123456+00:00",
        ] {
            for uptime in ["", "[12345.677901] "] {
                let line = format!("{stamp} harvester1 kernel: {uptime}HARVESTER_DROP_IN=a OUT= ");
                assert!(
                    head(line.as_bytes(), &Prefixes::documented()).is_some(),
                    "{line}"
                );
            }
        }
    }
}
