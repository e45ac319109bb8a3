//! Lines that `cat -n` and `nl` have numbered.

use super::header::{digits, literal, spaces};
use super::record::{Format, Layer, Read, Record};
use crate::time::Stamp;

pub(super) static NUMBERED: Format = Format {
    code: "numbered",
    title: "cat -n and nl: a number and a tab before a line of any other form",
    sample: "     1\tApr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b" 0123456789",
    read: Read::Text(read),
};

/// Width of the number; a wider one stands without blanks.
const WIDTH: usize = 6;

/// Reads the line behind the number. The further lines of a message are indented by more than that.
fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    if layer.depth > 0 {
        return None;
    }
    let mut rest = record;
    spaces(&mut rest);
    let blanks = record.len() - rest.len();
    digits(&mut rest, 1, 9)?;
    let width = record.len() - rest.len();
    if width < WIDTH || width > WIDTH && blanks > 0 {
        return None;
    }
    literal(&mut rest, b"\t")?;
    // A message without any header may be a program's further line.
    layer.inner(rest).filter(|inner| inner.stamp != Stamp::None)
}
