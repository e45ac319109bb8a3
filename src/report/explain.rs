//! Explanation of one line: the packet, the causes that were tried, and the result.

use super::ports::{PortList, Row};
use crate::cause::{Cause, Step};
use crate::finding::Finding;
use crate::input::Line;
use crate::packet::{Packet, Unparsed};
use crate::rule::Rules;

/// Caution for every line that is judged alone.
pub const ALONE: &str = "This line was judged alone. The whole log may change the answer: other lines show directions, scans, \
                         repeated attempts and how long replies go on.";

/// Answer of `explain`.
pub enum Explanation<'a> {
    /// Causes, each in a line.
    Causes(&'a [&'static Cause]),
    /// A cause in full, and the rows of the catalogue on it that are about no port.
    Cause(&'static Cause, &'a [Row]),
    /// Rows of the catalogue in full.
    Ports(PortList<'a>),
    /// A line, or why it is not explained.
    Line(Result<&'a Explained, &'a str>),
    /// A line of a stream, with the number of lines before it.
    Streamed(Result<&'a Explained, &'a str>, u64),
}

/// A line that was explained.
pub struct Explained {
    pub line: Line,
    /// The causes that were tried; the last one decided.
    pub steps: Vec<Step>,
    pub finding: Finding,
    pub rules: Rules,
}

impl Explained {
    /// Returns the packet that the line shows.
    pub fn packet(&self) -> Result<Packet<'_>, Unparsed> {
        Packet::parse(&self.line.message)
    }
}
