//! Tables: the names of the columns in the first line, then one record for each row, whose values may contain line ends
//! in quotes. A row becomes a JSON object of its columns, which [`crate::input::format`] recognises by their names.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::memchr2_iter;
use serde_json::{Map, Value};

use crate::input::format::is_table;

/// Delimiters of values: the comma of RFC 4180, a tab, and the semicolon of spreadsheets in some countries.
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];
/// The longest line of names.
const MAX_HEADER: usize = 16 * 1024;

/// The columns of a table.
#[derive(Debug)]
pub(in crate::input) struct Table {
    names: Vec<String>,
    /// Reset for each row: to build one takes five times as long as to read a row with it.
    parser: Reader,
}

impl Table {
    /// Parses `line` as the header of a table; `None` where its columns are not those of a log.
    pub(super) fn opening(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.len() > MAX_HEADER {
            return None;
        }
        DELIMITERS.into_iter().find_map(|delimiter| {
            let mut parser = ReaderBuilder::new().delimiter(delimiter).build();
            let names = row(&mut parser, line, line.len())?;
            let names: Vec<_> = names.iter().map(|name| name.trim().to_owned()).collect();
            is_table(&names).then_some(Self { names, parser })
        })
    }

    /// Converts a row to a JSON object; `None` where its number of columns differs.
    pub(in crate::input) fn object(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let values = row(&mut self.parser, text, self.names.len())?;
        if values.len() != self.names.len() {
            return None;
        }
        let mut object = Map::new();
        for (name, value) in self.names.iter().zip(&values) {
            object
                .entry(name.clone())
                .or_insert_with(|| value_of(value));
        }
        serde_json::to_vec(&object).ok()
    }
}

/// Converts a cell to a JSON value: an object of labels, or text.
fn value_of(text: &str) -> Value {
    let object = text
        .starts_with('{')
        .then(|| serde_json::from_str(text).ok());
    match object.flatten() {
        Some(object @ Value::Object(_)) => object,
        _ => Value::from(text),
    }
}

/// Parses the first row of `text`; `None` where it has more than `most` cells, or none.
fn row(parser: &mut Reader, text: &[u8], most: usize) -> Option<Vec<String>> {
    parser.reset();
    // One more of each: the parser stops where there is no room left.
    let (mut bytes, mut ends) = (vec![0; text.len() + 1], vec![0; most + 1]);
    let (mut result, _, len, mut cells) = parser.read_record(text, &mut bytes, &mut ends);
    if matches!(result, ReadRecordResult::InputEmpty) {
        // The text ends without a line end.
        let last = parser.read_record(&[], &mut bytes[len..], &mut ends[cells..]);
        (result, cells) = (last.0, cells + last.3);
    }
    let is_row = matches!(result, ReadRecordResult::Record);
    let mut start = 0;
    is_row.then(|| {
        let cells = ends[..cells].iter();
        cells
            .map(|end| {
                String::from_utf8_lossy(&bytes[std::mem::replace(&mut start, *end)..*end]).into()
            })
            .collect()
    })
}

/// Returns the length in bytes of the row at the start of `text`, with its line end; `None` where that has not come yet.
/// A row of more than `max` bytes ends with its line, whatever its quotes.
pub(super) fn row_length(text: &[u8], last: bool, max: usize) -> Option<usize> {
    let mut is_quoted = false;
    for at in memchr2_iter(b'"', b'\n', text) {
        match text[at] {
            b'"' => is_quoted = !is_quoted,
            // A row with an unclosed quote ends at the longest row.
            _ if !is_quoted || at > max => return Some(at + 1),
            _ => {}
        }
    }
    last.then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::{Table, row_length};

    #[test]
    fn a_row_is_cut_behind_its_quotes_and_becomes_an_object() {
        let mut table = Table::opening(b"\"Time\",\"Line\",\"labels\"\r").unwrap();
        let rows = b"1,\"a \"\"b\"\"\nc\",\"{\"\"node\"\":\"\"h1\"\"}\"\n2,d,{}\n";
        let length = row_length(rows, false, 99).unwrap();
        assert_eq!(&rows[length..], b"2,d,{}\n");
        let object = table.object(&rows[..length]).unwrap();
        assert_eq!(
            String::from_utf8(object).unwrap(),
            r#"{"Line":"a \"b\"\nc","Time":"1","labels":{"node":"h1"}}"#
        );
        assert_eq!(row_length(b"1,\"a\n", false, 99), None);
        assert_eq!(row_length(b"1,\"a\n", true, 99), Some(5));
    }

    #[test]
    fn not_every_line_with_commas_is_a_table() {
        for line in [
            "a,b,c",
            "Line",
            "message",
            "4,1234,12345,-;Line, Time",
            "Time,labels",
            "",
        ] {
            assert!(Table::opening(line.as_bytes()).is_none(), "{line}");
        }
        for line in [
            "@timestamp,message",
            "_time;_raw;host",
            "Time\tLine",
            "host,\"log.original\",message",
        ] {
            assert!(Table::opening(line.as_bytes()).is_some(), "{line}");
        }
    }
}
