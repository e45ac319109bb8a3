//! Texts to search for besides the prefixes.

use super::clock;
use crate::input::framing;
use crate::input::message::{BLOB, NOTICES, REPEAT};
use crate::input::search::{Hit, Literal};

/// The name of the documented prefix, and how a filter writes it that makes all letters small.
const NAME: &str = "HARVESTER";
const SMALL: &str = "harvester_drop";

/// nf_log_dump_packet_common() prints it in each line of a LOG rule.
const OUT: &str = " OUT=";

/// Each literal with its rarest part, in the order of the search.
///
/// The vectorised search compares three bytes at each position, with all texts of one of eight groups at once; the order
/// deals the texts to the groups, and where those of one group are alike in the wrong bytes it stops at many places that
/// are none. Measured over twelve texts (logs of six kinds, prose, source code, JSON): 1 to 7 places in 1,000 bytes, most
/// of them hits; in another order up to 24, which cost a fifth of the time of a Loki export.
const ORDER: &[(&str, &str)] = &[
    (SMALL, "er_drop"),
    (" callbacks suppressed", "uppress"),
    ("Suppressed ", "uppress"),
    (NAME, NAME),
    ("\n[\r\n", "\n[\r\n"),
    ("-- Boot ", "Boot "),
    ("\n{\r\n", "\n{\r\n"),
    (" [s=", "[s="),
    ("audit: type=2000 audit(", "e=2000 audit("),
    ("\n__CURSOR=", "\n__CURSOR="),
    ("\n__REALTIME_TIMESTAMP=", "\n__REALTIME_TIMESTAMP="),
    ("\n{\n", "\n{\n"),
    ("\n[{", "\n[{"),
    ("\n[\n", "\n[\n"),
    (" kernel messages", "ssage"),
    (" messages suppressed", "ssage"),
    (REPEAT, "ssage"),
    ("setting system clock to ", " clock to "),
    (BLOB, "ta]"),
    (OUT, OUT),
    ("nf_conntrack: table full", "nf_conntrack: table full"),
    ("-- Reboot --", "Reboot --"),
    ("Linux version ", "nux version "),
];

/// Returns the literals in the order of the search.
pub(super) fn literals() -> Vec<Literal> {
    let notices = NOTICES.iter().map(|row| (row.literal, Hit::Notice));
    let dates = clock::DATES.iter().map(|text| (*text, Hit::Date));
    let openings = framing::OPENINGS.iter().map(|text| (*text, Hit::Opening));
    let others = [
        (REPEAT, Hit::Repeat),
        (OUT, Hit::Rule),
        // Where the prefix is escaped or spelt in another way.
        (NAME, Hit::Rule),
        (SMALL, Hit::Rule),
        (BLOB, Hit::Rule),
    ];
    let all = notices.chain(dates).chain(openings).chain(others);
    let place = |text| ORDER.iter().position(|(whole, _)| *whole == text);
    let mut all: Vec<_> = all
        .map(|(text, hit)| {
            let place = place(text).unwrap_or(ORDER.len());
            let rare = ORDER.get(place).map_or(text, |(_, rare)| *rare);
            (place, Literal { text, rare, hit })
        })
        .collect();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, literal)| literal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_literal_has_its_place() {
        let literals = literals();
        let texts: Vec<_> = literals.iter().map(|literal| literal.text).collect();
        let places: Vec<_> = ORDER.iter().map(|(text, _)| *text).collect();
        assert_eq!(texts, places);
    }
}
