//! Lines that begin with the facility and the severity by name, as rsyslog's `%pri-text%` writes them (documentation of rsyslog,
//! templates, `TraditionalFormatWithPRI`).

use super::header::{header_word, word};
use super::record::{Format, Layer, Origin, Read, Record};
use crate::time::Stamp;

pub(super) static SELECTOR: Format = Format {
    code: "selector",
    title: "rsyslog, %pri-text%: facility and severity before a line of any other form",
    sample: "kern.warning: Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"kumdaslncfKUMDASLNCF",
    read: Read::Text(read),
};

/// Reads the line behind a selector, such as `kern.warning`, `kern.warning:` or `kern.warning<4>`.
fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let selector = word(&mut rest)?;
    let selector = selector.strip_suffix(b":").unwrap_or(selector);
    let is_selector = selector.contains(&b'.');
    let is_foreign = header_word(selector).filter(|_| layer.depth == 0 && is_selector)?;
    // A message without any header is a program's: `user.notice` may be a word of it.
    let mut inner = layer.inner(rest)?;
    if inner.stamp == Stamp::None {
        return None;
    }
    if is_foreign && inner.origin == Origin::Kernel {
        inner.origin = Origin::Forged;
    }
    Some(inner)
}
