//! `journalctl -o cat` and `dmesg -t`: the message alone, with dmesg's level before it or not.

use super::dmesg::level;
use super::header::{caller, literal};
use super::record::{Format, Layer, Read, Record};
use crate::time::Stamp;

pub(super) static MESSAGE_ONLY: Format = Format {
    code: "message-only",
    title: "the message alone (journalctl -o cat, dmesg -t): no time, no host",
    sample: "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: &[],
    read: Read::Text(read),
};

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut message = record;
    let origin = level(&mut message);
    if caller(&mut message).is_some() {
        literal(&mut message, b" ")?;
    }
    layer.prefixes.at_begin_of(message)?;
    Some(Record::new(Stamp::None, None, origin, message.into()))
}
