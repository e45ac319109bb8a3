//! Parser of the link-layer header that `dump_mac_header()` prints.

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while;
use nom::combinator::{map, map_opt, opt, peek, value};
use nom::sequence::{delimited, preceded, terminated};

use super::field::{Parsed, field, fixed, tag};
use super::link::Mac;

/// Link-layer header of the frame, as far as a summary has it.
#[derive(Clone, Copy, Default)]
pub(super) struct Frame {
    /// Receiver, if it is a group address.
    pub(super) group: Option<Mac>,
    /// Whether the line shows an Ethernet header.
    pub(super) has_mac: bool,
}

/// `dump_mac_header()`.
#[inline]
pub(super) fn frame(text: &[u8]) -> Parsed<'_, Frame> {
    // The 14 bytes of Ethernet, as most lines have them, up to `SRC=`: 48 bytes are three vectors.
    let ethernet = fixed(b" MAC=##:##:##:##:##:##:##:##:##:##:##:##:##:## S");
    if ethernet(text).is_ok() {
        let (header, rest) = text[b" MAC=".len()..].split_at(ETHERNET);
        let (rest, _) = opt(field(b" TUNNEL=")).parse(rest)?;
        let group = group(header);
        let has_mac = true;
        return Ok((rest, Frame { group, has_mac }));
    }
    other_frame(text)
}

/// Number of characters of the 14 bytes of an Ethernet header, and of the 18 with a VLAN tag.
pub(super) const ETHERNET: usize = 41;
pub(super) const TAGGED: usize = 53;
/// Number of characters of the receiver's address.
const RECEIVER: usize = 17;

/// Whether a text is pairs of hex digits with a colon between them, if its length is that of some.
#[inline(always)]
pub(super) fn is_octets(text: &[u8]) -> bool {
    let fits = |(at, b): (usize, &u8)| {
        if at % 3 == 2 {
            *b == b':'
        } else {
            b.is_ascii_hexdigit()
        }
    };
    text.iter()
        .enumerate()
        .fold(true, |all, one| all & fits(one))
}

/// Returns a hex digit, or the colon that follows the digits in ASCII.
#[inline(always)]
pub(super) const fn is_of_mac(b: u8) -> bool {
    b.wrapping_sub(b'0') < 11 || (b | 0x20).wrapping_sub(b'a') < 6
}

#[inline(never)]
pub(super) fn other_frame(text: &[u8]) -> Parsed<'_, Frame> {
    let raw = preceded(
        tag(b" MAC="),
        terminated(take_while(is_of_mac), opt(field(b" TUNNEL="))),
    );
    let vlan = opt((field(b" VPROTO="), field(b" VID=")));
    let decoded = delimited(
        field(b" MACSRC="),
        map_opt(field(b" MACDST="), mac),
        (vlan, field(b" MACPROTO=")),
    );
    alt((
        map(raw, |header: &[u8]| {
            let has_mac = matches!(header.len(), ETHERNET | TAGGED) && is_octets(header);
            let group = has_mac.then(|| group(header)).flatten();
            Frame { group, has_mac }
        }),
        map(decoded, |receiver| Frame {
            group: Some(receiver),
            has_mac: true,
        }),
        value(Frame::default(), peek(tag(b" SRC="))),
    ))
    .parse(text)
}

pub(super) fn mac(text: &[u8]) -> Option<Mac> {
    Mac::parse(std::str::from_utf8(text).ok()?)
}

/// Returns the receiver of an Ethernet header if it is a group address. The header begins with the receiver, and its second
/// digit shows whether it is a group, so the rest is parsed only then.
pub(super) fn group(header: &[u8]) -> Option<Mac> {
    if char::from(*header.get(1)?).to_digit(16)? & 1 == 0 {
        return None;
    }
    mac(header.get(..RECEIVER)?)
}
