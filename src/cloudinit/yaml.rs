//! YAML parser: text in, a tree with line numbers out. Aliases are not followed.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::chain::Fault;

/// A node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Line on which it begins, from 1; for a block scalar, the line on which its text begins.
    pub line: usize,
    pub value: Value,
}

/// Value of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Scalar {
        text: String,
        style: Style,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// `*name`, whose anchor is not looked up.
    Alias,
}

/// Style of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Quoted,
    /// `|`: its lines are the lines of the file.
    Literal,
    /// `>`: line ends become spaces.
    Folded,
}

/// Upper bound on the nesting of a document.
const MAX_DEPTH: usize = 64;
/// Upper bound on the values in it: each takes up to some 250 bytes beside its text.
const MAX_NODES: usize = 150_000;

impl Node {
    /// Returns the value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(known, _)| known.text() == Some(key))
            .map(|(_, value)| value)
    }

    /// Returns the pairs of a mapping; of another node none.
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Mapping(pairs) => pairs,
            _ => &[],
        }
    }

    /// Returns the items of a sequence; of another node none.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Returns the text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the style of the scalar.
    pub const fn style(&self) -> Option<Style> {
        match &self.value {
            Value::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// Whether it is a string: quoted, or plain text that is no boolean, number or null.
    pub fn is_string(&self) -> bool {
        match &self.value {
            Value::Scalar { text, style } => *style != Style::Plain || !is_other_scalar(text),
            _ => false,
        }
    }
}

/// Whether a plain scalar is a boolean, a number or null for Kubernetes (YAML 1.1 booleans too).
fn is_other_scalar(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "" | "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    ) || text.parse::<f64>().is_ok()
}

/// An unfinished collection: its line, its children so far, and whether it is a mapping.
struct Open {
    line: usize,
    children: Vec<Node>,
    mapping: bool,
}

/// Parses all documents of `text`.
///
/// # Errors
/// If it is no YAML, is nested too deeply, or has a carriage return within a line: YAML ends a line there, while the
/// shell and the lines of a patch do not.
pub fn read(text: &str) -> Result<Vec<Node>, Fault> {
    if let Some(at) = lone_carriage_return(text) {
        return Err(Fault::new(
            1 + text[..at].bytes().filter(|b| *b == b'\n').count(),
            "a carriage return within a line, which YAML takes for a line end: remove it (`sed 's/\\r//g'`)",
        ));
    }
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut nodes = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Fault::new(error.marker().line(), format!("bad YAML: {}", error.info()))
        })?;
        // The parser marks a block scalar by its first line that is not blank.
        let blank = match &event {
            Event::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                text.bytes().take_while(|b| *b == b'\n').count()
            }
            _ => 0,
        };
        let line = span.start.line().saturating_sub(blank).max(1);
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(Fault::new(line, "YAML of more than 150,000 values"));
        }
        let done = match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= MAX_DEPTH {
                    return Err(Fault::new(line, "YAML that nests deeper than 64 levels"));
                }
                open.push(Open {
                    line,
                    children: Vec::new(),
                    mapping: matches!(event, Event::MappingStart(..)),
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(closed) = open.pop() else { continue };
                Node {
                    line: closed.line,
                    value: if closed.mapping {
                        Value::Mapping(pairs(closed.children))
                    } else {
                        Value::Sequence(closed.children)
                    },
                }
            }
            Event::Scalar(text, style, ..) => Node {
                line,
                value: Value::Scalar {
                    text: text.into_owned(),
                    style: match style {
                        ScalarStyle::Plain => Style::Plain,
                        ScalarStyle::Literal => Style::Literal,
                        ScalarStyle::Folded => Style::Folded,
                        _ => Style::Quoted,
                    },
                },
            },
            Event::Alias(_) => Node {
                line,
                value: Value::Alias,
            },
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => documents.push(done),
        }
    }
    Ok(documents)
}

/// Offset of the first `\r` that no `\n` follows.
fn lone_carriage_return(text: &str) -> Option<usize> {
    memchr::memchr_iter(b'\r', text.as_bytes())
        .find(|at| text.as_bytes().get(at + 1) != Some(&b'\n'))
}

fn pairs(children: Vec<Node>) -> Vec<(Node, Node)> {
    let mut out = Vec::with_capacity(children.len() / 2);
    let mut children = children.into_iter();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        out.push((key, value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_carriage_return_ends_no_line_alone() {
        assert!(read("a: 1\r\nb: |\r\n  x\r\n").is_ok());
        for (text, line) in [
            ("a: \r 1\n", 1),
            ("a: 1\nb: |\n  x\ry\n", 3),
            ("a: 1\r\n\rb: 2", 2),
        ] {
            assert_eq!(read(text).unwrap_err().line, line, "{text:?}");
        }
    }

    #[test]
    fn lines_of_nodes() {
        let found =
            read("a: 1\nb: |\n  x\n  y\nc: >-\n  z\nd:\n  - e\n  - |\n\n\n    f\n").unwrap();
        let lines: Vec<_> = found[0]
            .entries()
            .iter()
            .map(|(k, v)| (k.line, v.line))
            .collect();
        let items: Vec<_> = found[0]
            .get("d")
            .unwrap()
            .items()
            .iter()
            .map(|n| n.line)
            .collect();
        assert_eq!(
            (lines, items),
            (vec![(1, 1), (2, 3), (5, 6), (7, 8)], vec![8, 10])
        );
    }
}
