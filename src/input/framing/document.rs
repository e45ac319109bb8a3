//! JSON that is not one record a line: objects over several lines, and documents of many records, which are split off as
//! the bytes come, without ever holding the whole document.

use super::MAX_RECORD;

/// Path in a document at which records are found.
pub struct Place {
    /// Keys of the path, `*` for each element of an array.
    path: &'static [&'static str],
    /// Whether the value is no record, but shared by the records after it.
    shared: bool,
    /// Program that writes such documents.
    pub title: &'static str,
    pub sample: &'static str,
}

/// Known documents. Any other document is a single record.
pub const PLACES: &[Place] = &[
    Place {
        path: &["data", "result", "*", "values", "*"],
        shared: false,
        title: "Loki, a response to query_range",
        sample: r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"hostname":"harvester1","transport":"kernel"},"values":[["1776852001123456000","HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "]]}]}}"#,
    },
    Place {
        path: &["data", "result", "*", "stream"],
        shared: true,
        title: "",
        sample: "",
    },
    Place {
        path: &["streams", "*", "values", "*"],
        shared: false,
        title: "Loki, a push request",
        sample: r#"{"streams":[{"stream":{"hostname":"harvester1"},"values":[["1776852001123456000","HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "]]}]}"#,
    },
    Place {
        path: &["streams", "*", "stream"],
        shared: true,
        title: "",
        sample: "",
    },
    Place {
        path: &["hits", "hits", "*"],
        shared: false,
        title: "Elasticsearch and OpenSearch, a response to a search",
        sample: r#"{"took":3,"hits":{"total":{"value":1},"hits":[{"_index":"logs","_source":{"@timestamp":"2026-04-22T10:00:01.123456Z","message":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","host":{"name":"harvester1"}}}]}}"#,
    },
    Place {
        path: &["dmesg", "*"],
        shared: false,
        title: "dmesg -J",
        sample: "{\n   \"dmesg\": [\n      {\n         \"pri\": 4,\n         \"time\": 12345.677901,\n         \"msg\": \"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \"\n      }\n   ]\n}\n",
    },
    Place {
        path: &["resourceLogs", "*", "scopeLogs", "*", "logRecords", "*"],
        shared: false,
        title: "OpenTelemetry, logs data",
        sample: r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1776852001123456000","body":{"stringValue":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}}]}]}]}"#,
    },
    Place {
        path: &["results", "*"],
        shared: false,
        title: "Splunk, the results of a search",
        sample: r#"{"preview":false,"init_offset":0,"messages":[],"fields":[{"name":"_raw"}],"results":[{"_raw":"Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","_time":"2026-04-22T10:00:01.000+00:00","host":"harvester1"}]}"#,
    },
    Place {
        path: &["items", "*"],
        shared: false,
        title: "",
        sample: "",
    },
    Place {
        path: &["*"],
        shared: false,
        title: "an array of records, as Grafana and jq -s write it",
        sample: "[{\"line\":\"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \",\"timestamp\":\"1776852001123456000\"}]\n",
    },
];

/// The deepest nesting that is followed; more is no log.
const MAX_DEPTH: usize = 64;
/// The longest key that a path can name.
const MAX_KEY: usize = 16;
/// A line that begins farther back is not read again.
const MAX_LINE: usize = 4096;
/// Upper bound on the bytes that records share.
const MAX_SHARED: usize = 64 * 1024;

/// Event of the reader.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::input) enum Event {
    /// A record, from and to.
    Record(usize, usize),
    /// End of the document, with the offset after it.
    End(usize),
    /// A record that was too long to be kept has ended, with the offset after it.
    Lost(usize),
    /// The text is no JSON: offset of the line to read as lines, or of the text after the broken line.
    Broken(usize),
    More,
}

/// Next token allowed in an object or array, apart from its end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Expect {
    #[default]
    Key,
    Colon,
    Value,
    Comma,
}

/// The state between two blocks.
#[derive(Debug, Default)]
pub(in crate::input) struct Document {
    /// Offset up to which the text was read.
    at: usize,
    /// Open objects and arrays: each with its element of the path, and whether it is an array.
    open: Vec<(&'static str, bool)>,
    in_string: bool,
    escaped: bool,
    /// Whether the position is in a terminal's colour code, which ends with a letter.
    colour: bool,
    /// Next token allowed in the innermost object or array.
    expect: Expect,
    /// Whether the position is in a number, or in `true`, `false` or `null`.
    scalar: bool,
    key: Vec<u8>,
    /// Start of the current line, if it is not the document's.
    line: Option<usize>,
    /// Start of the open record, and its depth.
    record: Option<(usize, usize)>,
    shared_at: Option<(usize, usize)>,
    shared: Vec<u8>,
    /// Whether the document contains records, so that it is no record itself.
    holds_records: bool,
    /// Whether the document was discarded as too long before a record was found in it: at its end it counts as one lost
    /// record, unless it contains records.
    is_lost: bool,
    /// Whether a document came to its end.
    done: bool,
    /// Whether the text is no JSON from here on, and the rest of the line is skipped.
    broken: bool,
}

impl Document {
    /// Continues to parse `text`, of which the first `at` bytes were parsed already.
    pub(in crate::input) fn next(&mut self, text: &[u8]) -> Event {
        if self.broken {
            return self.skip_line(text, self.at);
        }
        while self.at < text.len() {
            let at = self.at;
            if self.in_string {
                if let Some(event) = self.string(text) {
                    return event;
                }
                continue;
            }
            self.at += 1;
            if self.colour {
                self.colour = !text[at].is_ascii_alphabetic();
                continue;
            }
            let byte = text[at];
            let was_scalar = std::mem::take(&mut self.scalar);
            let outside = self.open.is_empty();
            match byte {
                0x1b => self.colour = true,
                b'\n' => self.line = Some(at + 1),
                // An indented line is a further line of some message, and no document.
                b' ' | b'\t' if outside && self.done && self.line == Some(at) => {
                    self.at = at;
                    return Event::End(at);
                }
                _ if byte.is_ascii_whitespace() => {}
                // Bytes that are trimmed from the start of a line: NULs, which GELF has between objects, and a byte order
                // mark.
                0 if outside => {}
                0xef | 0xbb | 0xbf if outside && !self.done => {}
                // Text behind a document on its line is no line: nothing tells whose it is.
                _ if self.done
                    && outside
                    && self.line.is_none()
                    && !matches!(byte, b'{' | b',') =>
                {
                    return self.skip_line(text, at);
                }
                // Objects follow one another; a line that begins with a bracket may as well be dmesg's.
                b'[' if self.done && outside => {
                    self.at = at;
                    return Event::End(at);
                }
                b'{' | b'[' => {
                    if self.open.len() == MAX_DEPTH || !outside && self.expect != Expect::Value {
                        return self.broken(text, at);
                    }
                    self.enter(at, byte == b'[');
                }
                b',' if outside => {}
                _ if outside && self.done => {
                    self.at = at;
                    return Event::End(at);
                }
                _ if outside => return self.skip_line(text, at),
                b'}' | b']' => {
                    if let Some(event) = self.leave(text, at) {
                        return event;
                    }
                }
                b'"' if matches!(self.expect, Expect::Key | Expect::Value) => {
                    self.in_string = true;
                    self.key.clear();
                }
                b',' if self.expect == Expect::Comma => {
                    let in_array = self.open.last().is_some_and(|(_, array)| *array);
                    self.expect = if in_array { Expect::Value } else { Expect::Key };
                }
                b':' if self.expect == Expect::Colon => self.expect = Expect::Value,
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.'
                    if was_scalar || self.expect == Expect::Value =>
                {
                    self.scalar = true;
                    self.expect = Expect::Comma;
                }
                // Text of a log after an unclosed brace.
                _ => return self.broken(text, at),
            }
        }
        Event::More
    }

    /// Continues within a string.
    fn string(&mut self, text: &[u8]) -> Option<Event> {
        if self.escaped {
            self.escaped = false;
            self.at += 1;
            return None;
        }
        let rest = &text[self.at..];
        let found = memchr::memchr3(b'"', b'\\', b'\n', rest);
        let len = found.unwrap_or(rest.len());
        if self.expect == Expect::Key && self.key.len() <= MAX_KEY {
            self.key.extend_from_slice(&rest[..len.min(MAX_KEY + 1)]);
        }
        self.at += len;
        match rest.get(len)? {
            b'"' => {
                self.in_string = false;
                self.expect = if self.expect == Expect::Key {
                    Expect::Colon
                } else {
                    Expect::Comma
                };
            }
            b'\\' => self.escaped = true,
            // A string has no line end in it.
            _ => return Some(Event::Broken(self.at + 1)),
        }
        self.at += 1;
        None
    }

    fn enter(&mut self, at: usize, is_array: bool) {
        let word = match self.open.last() {
            None => "",
            Some((_, true)) => "*",
            Some((_, false)) => word(&self.key),
        };
        self.open.push((word, is_array));
        self.expect = if is_array { Expect::Value } else { Expect::Key };
        let depth = self.open.len();
        if depth == 1 {
            *self = Self {
                at: self.at,
                open: std::mem::take(&mut self.open),
                expect: self.expect,
                record: Some((at, 1)),
                done: self.done,
                ..Self::default()
            };
            return;
        }
        let is_here = |place: &&Place| {
            place.path.len() == depth - 1
                && place
                    .path
                    .iter()
                    .zip(&self.open[1..])
                    .all(|(word, (open, _))| word == open)
        };
        match PLACES.iter().find(is_here) {
            Some(place) if place.shared => {
                self.shared_at = Some((at, depth));
                self.holds_records = true;
                // A document that contains records is not kept as a record itself.
                self.record = None;
                self.is_lost = false;
            }
            Some(_) => {
                self.record = Some((at, depth));
                self.holds_records = true;
                self.is_lost = false;
            }
            None => {}
        }
    }

    fn leave(&mut self, text: &[u8], at: usize) -> Option<Event> {
        let depth = self.open.len();
        let ends = match self.open.last() {
            Some((_, true)) => text[at] == b']' && self.expect != Expect::Colon,
            Some((_, false)) => {
                text[at] == b'}' && matches!(self.expect, Expect::Key | Expect::Comma)
            }
            None => false,
        };
        if !ends {
            return Some(self.broken(text, at));
        }
        self.open.pop();
        self.expect = Expect::Comma;
        if depth == 1 {
            self.done = true;
            self.line = None;
        }
        if let Some((begin, deep)) = self.shared_at
            && deep == depth
        {
            self.shared_at = None;
            self.shared.clear();
            if at - begin < MAX_SHARED {
                self.shared.extend_from_slice(&text[begin..=at]);
            }
        }
        match self.record {
            Some((begin, deep)) if deep == depth && (depth > 1 || !self.holds_records) => {
                self.record = None;
                Some(Event::Record(begin, at + 1))
            }
            None if depth == 1 && std::mem::take(&mut self.is_lost) => Some(Event::Lost(at + 1)),
            _ => None,
        }
    }

    /// Ends the document as broken: a separate line is read again as a plain line; of a line that began as JSON the rest
    /// is skipped.
    fn broken(&mut self, text: &[u8], at: usize) -> Event {
        match self.line {
            Some(begin) if at - begin <= MAX_LINE => Event::Broken(begin),
            _ => self.skip_line(text, at),
        }
    }

    /// Skips the rest of a line, which may not have come yet.
    fn skip_line(&mut self, text: &[u8], at: usize) -> Event {
        self.at = at;
        self.broken = true;
        match memchr::memchr(b'\n', &text[at..]) {
            Some(end) => Event::Broken(at + end + 1),
            None if text.len() - at > MAX_RECORD => Event::Broken(text.len()),
            None => Event::More,
        }
    }

    /// Whether it was given up before any record was found inside.
    pub(in crate::input) const fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether the document has not come to its end.
    pub(in crate::input) const fn is_open(&self) -> bool {
        !self.open.is_empty() || self.broken
    }

    /// Returns the start of the open record, or else the offset up to which the text was read.
    pub(in crate::input) fn open_record(&self) -> usize {
        self.record.map_or(self.at, |(begin, _)| begin)
    }

    /// Returns the number of bytes at the start of the text that are no longer needed, and subtracts it from all
    /// offsets.
    pub(in crate::input) fn release(&mut self) -> usize {
        self.line = self.line.filter(|begin| self.at - begin <= MAX_LINE);
        let begins = [self.record, self.shared_at].map(|begin| begin.map(|(begin, _)| begin));
        let begins = begins.into_iter().chain([self.line]).flatten();
        let done = begins.min().unwrap_or(self.at);
        self.at -= done;
        self.line = self.line.map(|begin| begin - done);
        for (begin, _) in [&mut self.record, &mut self.shared_at]
            .into_iter()
            .flatten()
        {
            *begin -= done;
        }
        done
    }

    /// Discards the open record, which is too long, and returns whether it is one inside the document. A whole document
    /// (depth 1) is only marked as lost: its end decides whether it is a record.
    pub(in crate::input) fn forget(&mut self) -> bool {
        self.shared_at = None;
        self.line = None;
        let depth = self.record.take().map(|(_, depth)| depth);
        self.is_lost |= depth == Some(1);
        depth.is_some_and(|depth| depth > 1)
    }

    /// Returns `record` as a separate object, with the part that it shares with others.
    pub(in crate::input) fn composed(&self, record: &[u8]) -> Option<Vec<u8>> {
        if record.first() != Some(&b'[') {
            return None;
        }
        let shared: &[u8] = if self.shared.is_empty() {
            b"{}"
        } else {
            &self.shared
        };
        Some([b"{\"labels\":", shared, b",\"values\":", record, b"}"].concat())
    }
}

/// Returns the element of the known paths that equals `key`.
fn word(key: &[u8]) -> &'static str {
    PLACES
        .iter()
        .flat_map(|place| place.path)
        .find(|word| word.as_bytes() == key)
        .copied()
        .unwrap_or("?")
}
