//! `journalctl -o cat` and `dmesg -t`: the message alone.

use super::header::{caller, literal};
use super::record::{Format, Layer, Origin, Read, Record};
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
    if caller(&mut message).is_some() {
        literal(&mut message, b" ")?;
    }
    layer.prefixes.at_begin_of(message)?;
    Some(Record::new(
        Stamp::None,
        None,
        Origin::Kernel,
        message.into(),
    ))
}
