//! Reads the fields between `DST=` and `PROTO=` that the two IP versions do not share.

use crate::packet::datagram::{Extension, Fragment, Security, V4, V6};
use crate::packet::tokens::{
    Cursor, Token, dec8, dec16, dec32, first, hex32, prefixed8, prefixed32,
};

/// Progress in the `OPT ( )` of an IPv6 extension header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Closed,
    Empty,
    Filled,
}

pub(super) fn v4<'a>(header: &mut V4<'a>, cursor: &mut Cursor<'a>, token: &Token<'a>) {
    match token.key {
        "TOS=" => first(&mut header.tos, prefixed8(token.value)),
        "PREC=" => first(&mut header.prec, prefixed8(token.value)),
        "TTL=" => first(&mut header.ttl, dec8(token.value)),
        "ID=" => first(&mut header.id, dec16(token.value)),
        "CE" => header.ce = true,
        "DF" => header.df = true,
        "MF" => header.mf = true,
        "FRAG:" => first(&mut header.frag, dec16(token.value)),
        "OPT" => first(&mut header.opt, cursor.options()),
        _ => {}
    }
}

/// Parses the IPv6 header fields. Without `--log-ip-options` only the text of a fragment header appears, and without
/// `OPT ( )` around it.
pub(super) fn v6(header: &mut V6, group: &mut Group, cursor: &mut Cursor<'_>, token: &Token<'_>) {
    let extensions = &mut header.extensions;
    match token.key {
        "TC=" => first(&mut header.tc, dec8(token.value)),
        "HOPLIMIT=" => first(&mut header.hoplimit, dec8(token.value)),
        "FLOWLBL=" => first(&mut header.flowlbl, dec32(token.value)),
        "OPT" => *group = Group::Empty,
        ")" => {
            if *group == Group::Empty {
                extensions.push(Extension::Options);
            }
            *group = Group::Closed;
        }
        "FRAG:" => {
            extensions.push(Extension::Fragment(Fragment {
                grouped: *group != Group::Closed,
                offset: dec16(token.value),
                more: false,
                id: None,
            }));
            fill(group);
        }
        "AH" if *group == Group::Empty => {
            extensions.push(Extension::Ah(Security::Hidden));
            fill(group);
        }
        "ESP" if *group == Group::Empty => {
            extensions.push(Extension::Esp(Security::Hidden));
            fill(group);
        }
        "Unknown" => extensions.extend(cursor.extension().map(Extension::Unknown)),
        _ => match extensions.last_mut() {
            Some(Extension::Fragment(fragment)) if token.key == "ID:" => {
                fragment.id = hex32(token.value);
            }
            // The more-fragments flag, and no length: nothing is incomplete.
            Some(Extension::Fragment(fragment)) if token.key == "INCOMPLETE" => {
                fragment.more = true;
            }
            Some(Extension::Ah(shown) | Extension::Esp(shown)) if token.key == "SPI=" => {
                *shown = prefixed32(token.value).map_or(Security::Hidden, Security::Spi);
            }
            Some(Extension::Ah(shown) | Extension::Esp(shown)) if token.key == "INCOMPLETE" => {
                *shown = cursor
                    .bytes()
                    .map_or(Security::Hidden, Security::Incomplete);
            }
            _ => {}
        },
    }
}

fn fill(group: &mut Group) {
    if *group != Group::Closed {
        *group = Group::Filled;
    }
}
