//! Rows whose column widths are fixed before the first row: a cell that is too wide moves the next, or goes to a line
//! below, and only the name of a service is ever cut.

use std::io::{self, Write};

/// The columns of the time and the kind of a row.
const TIME: usize = 8;
const WHAT: usize = 7;
/// The columns of a port, as `icmpv6/135`... `tcp/31000`.
const PORT: usize = 9;
/// Width of the node's column: the longest name so far, within these bounds.
const NODE: std::ops::RangeInclusive<usize> = 10..=20;
/// An IPv4 address.
const PEER: usize = 15;
/// Names of services are not shown shorter.
const SERVICE: usize = 10;
/// Names of services are hardly longer.
const MAX_SERVICE: usize = 40;
const GAP: usize = 2;
/// Indentation of a line below a row.
const INDENT: usize = TIME + GAP;

/// Returns the width of `text` on a terminal, in columns.
pub(super) fn width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// A cell of a row.
pub(super) struct Cell {
    text: String,
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    /// Written whole, in its column.
    Plain,
    /// Cut to its column.
    Service,
    /// Written whole in the remaining columns; wrapped between words.
    Rest,
}

impl Cell {
    pub(super) const fn plain(text: String) -> Self {
        Self {
            text,
            kind: Kind::Plain,
        }
    }

    pub(super) const fn service(text: String) -> Self {
        Self {
            text,
            kind: Kind::Service,
        }
    }

    pub(super) const fn rest(text: String) -> Self {
        Self {
            text,
            kind: Kind::Rest,
        }
    }
}

/// The columns of a terminal.
pub(super) struct Columns {
    width: usize,
    node: usize,
}

impl Columns {
    pub(super) const fn new(width: usize) -> Self {
        Self {
            width,
            node: *NODE.start(),
        }
    }

    /// Returns the columns of node, port and service; no column of services where the terminal is narrow.
    fn widths(&self) -> [usize; 3] {
        let fixed = TIME + WHAT + self.node + PORT + PEER + 5 * GAP;
        let service = self.width.saturating_sub(fixed);
        let service = if service < SERVICE {
            0
        } else {
            service.min(MAX_SERVICE)
        };
        [self.node, PORT, service]
    }

    /// Returns the number of columns that remain behind a node's name.
    pub(super) fn after_node(&mut self, node: &str) -> usize {
        self.grow(node);
        self.width
            .saturating_sub(TIME + WHAT + self.node.max(width(node)) + 3 * GAP)
    }

    fn grow(&mut self, node: &str) {
        self.node = self.node.max(width(node).min(*NODE.end()));
    }

    pub(super) fn header(&self) -> String {
        let [node, port, service] = self.widths();
        let mut text = format!(
            "{:TIME$}  {:WHAT$}  {:node$}  {:port$}",
            "TIME", "WHAT", "NODE", "PORT"
        );
        if service > 0 {
            text.push_str(&format!("  {:service$}", "SERVICE"));
        }
        if width(&text) + GAP + 4 <= self.width {
            text.push_str("  PEER");
        }
        text
    }

    /// Writes a row: `heads` are the time and the kind, with their widths, since they may have colours; the first cell is
    /// the node's, unless it takes the whole row.
    pub(super) fn row(
        &mut self,
        heads: &[(usize, String); 2],
        cells: &[Cell],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Some(node) = cells.first().filter(|cell| cell.kind == Kind::Plain) {
            self.grow(&node.text);
        }
        let widths = self.widths();
        let mut line = Line {
            text: String::new(),
            at: 0,
            next: 0,
            whole: self.width,
        };
        for ((head, text), column) in heads.iter().zip([TIME, WHAT]) {
            line.put(*head, text);
            line.next += column + GAP;
        }
        for (place, cell) in cells.iter().enumerate() {
            let column = widths.get(place).copied().unwrap_or(0);
            match cell.kind {
                Kind::Service if column == 0 => continue,
                Kind::Service => {
                    let name = cut(&cell.text, column);
                    line.put(width(&name), &name);
                }
                Kind::Plain => line.put(width(&cell.text), &cell.text),
                Kind::Rest => line.put_words(&cell.text),
            }
            line.next += column + GAP;
        }
        writeln!(out, "{}", line.text.trim_end())
    }
}

/// A row being written, with the lines below it.
struct Line {
    text: String,
    /// Width of the line so far.
    at: usize,
    /// Start of the next column.
    next: usize,
    whole: usize,
}

impl Line {
    /// Writes `text`, of width `wide`, at its column, behind a preceding cell that is too wide, or on a line below.
    fn put(&mut self, wide: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        let gap = if self.at == 0 || self.at == INDENT {
            0
        } else {
            GAP
        };
        let mut from = self.next.max(self.at + gap);
        if from + wide > self.whole && self.next + wide <= self.whole {
            from = self.at + gap;
        }
        if from + wide > self.whole && self.at > INDENT {
            self.text.push('\n');
            self.at = 0;
            from = INDENT.min(self.whole.saturating_sub(wide));
        }
        self.text.extend(std::iter::repeat_n(' ', from - self.at));
        self.text.push_str(text);
        self.at = from + wide;
    }

    /// Writes words, each whole.
    fn put_words(&mut self, text: &str) {
        let whole = width(text);
        let from = self.next.max(self.at + GAP);
        if from + whole <= self.whole {
            return self.put(whole, text);
        }
        for (place, word) in text.split(' ').enumerate() {
            let wide = width(word);
            if place > 0 && self.at + 1 + wide <= self.whole {
                self.text.push(' ');
                self.text.push_str(word);
                self.at += 1 + wide;
            } else {
                self.put(wide, word);
            }
        }
    }
}

/// `text` in at most `columns`, with a mark where it was cut.
fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut wide = 0;
    for c in text.chars() {
        wide += textwrap::core::display_width(c.encode_utf8(&mut [0; 4]));
        if wide >= columns {
            break;
        }
        short.push(c);
    }
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(columns: usize, cells: &[Cell]) -> String {
        let mut out = Vec::new();
        let heads = [(8, "10:01:00".to_owned()), (6, "DECIDE".to_owned())];
        Columns::new(columns).row(&heads, cells, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn cells(node: &str, port: &str, service: &str, peer: &str) -> [Cell; 4] {
        [
            Cell::plain(node.to_owned()),
            Cell::plain(port.to_owned()),
            Cell::service(service.to_owned()),
            Cell::rest(peer.to_owned()),
        ]
    }

    #[test]
    fn columns_fit_and_nothing_but_a_service_is_cut() {
        let node = "harvester1.example.org";
        let v6 = "fd00:1234:5678:9abc:def0:1234:5678:9abc";
        for width in [40, 60, 80, 100, 140] {
            let usual = cells(
                "harvester1",
                "tcp/2112",
                "kube-vip Prometheus metrics",
                "192.168.122.63",
            );
            let wide = cells(
                node,
                "tcp (IPv6) port 31000",
                "kube-vip Prometheus metrics",
                v6,
            );
            for row in [usual, wide] {
                let text = written(width, &row);
                let fits = text.lines().all(|line| super::width(line) <= width);
                assert!(fits, "{width}:\n{text}");
                for whole in [&row[0].text, &row[1].text, &row[3].text] {
                    let is_there = text.contains(whole.as_str())
                        || whole.split(' ').all(|word| text.contains(word));
                    assert!(is_there, "{width}: {whole}\n{text}");
                }
            }
        }
        assert_eq!(
            written(
                80,
                &cells(
                    "harvester1",
                    "tcp/2112",
                    "kube-vip metrics",
                    "192.168.122.63"
                )
            ),
            "10:01:00  DECIDE   harvester1  tcp/2112   kube-vip metrics       192.168.122.63\n"
        );
    }
}
