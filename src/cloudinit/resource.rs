//! Harvester's CloudInit: YAML in, its commands out with their lines in the file.
//!
//! Follows the CRD of harvester/node-manager (`spec.matchSelector`, `filename`, `contents`, `paused`) and the stages
//! of yip. Reads one object, several documents, a List, and the stages file that the agent writes to `/oem`.

use crate::chain::Fault;
use crate::chain::Script;
use crate::cloudinit::yaml::{self, Node, Style, Value};

/// One CloudInit, or one stages file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// `metadata.name`; `None` for a stages file.
    pub name: Option<String>,
    /// Where it begins in the file.
    pub line: usize,
    /// `spec.matchSelector`; `None` where it is missing.
    pub selector: Option<Vec<Label>>,
    pub filename: Option<Spot>,
    pub paused: bool,
    /// Whether `spec.contents`, or the stages themselves, are there.
    pub has_contents: bool,
    pub commands: Vec<Command>,
    /// What could not be read in it.
    pub faults: Vec<Fault>,
    /// Items of `commands` that are no text: YAML took a `: ` as a key.
    pub not_text: Vec<usize>,
}

/// A text and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    pub text: String,
    pub line: usize,
}

/// One label of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub key: String,
    pub value: String,
    /// Not a boolean or a number, which the API refuses.
    pub is_string: bool,
    pub line: usize,
}

/// One item of a `commands` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub text: String,
    /// Where its text begins in the file.
    pub line: usize,
    pub stage: String,
    pub style: Style,
    /// What follows the text on its line behind ` #`, which YAML takes as a comment.
    pub cut: Option<String>,
}

impl Command {
    /// Its shell commands.
    pub fn script(&self) -> Script {
        Script::read(&self.text, self.line)
    }
}

/// Where the lines of a text are in the file.
struct Lines<'a> {
    file: &'a [&'a str],
    /// The line of the file before the text's first.
    offset: usize,
    /// Whether the lines of the text are lines of the file; else they are looked for from `offset`.
    exact: bool,
}

impl Lines<'_> {
    fn find(&self, line: usize, text: &str) -> usize {
        if self.exact {
            return self.offset + line;
        }
        let start = text.lines().next().unwrap_or_default();
        let mut cut = start.len().min(60);
        while !start.is_char_boundary(cut) {
            cut -= 1;
        }
        // The `+ 1` keeps a text without lines of its own on the line of its key.
        let from = self.offset;
        (self
            .file
            .iter()
            .skip(from)
            .position(|known| known.contains(&start[..cut])))
        .map_or(self.offset + 1, |found| from + found + 1)
    }

    /// What stands behind the text on its line, where that is a comment.
    fn cut(&self, line: usize, text: &str) -> Option<String> {
        let (_, rest) = self.file.get(line.checked_sub(1)?)?.split_once(text)?;
        let rest = rest.trim_start();
        rest.starts_with('#').then(|| rest.to_owned())
    }
}

/// Reads every CloudInit of a text; objects of other kinds are skipped.
///
/// # Errors
/// Where the text is no YAML.
pub fn read(text: &str) -> Result<Vec<Resource>, Fault> {
    let file: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for document in yaml::read(text)? {
        object(&document, &file, &mut out);
    }
    Ok(out)
}

fn object(node: &Node, file: &[&str], out: &mut Vec<Resource>) {
    if let Some(items) = node.get("items") {
        for item in items.items() {
            object(item, file, out);
        }
        return;
    }
    let kind = node.get("kind").and_then(Node::text);
    if kind == Some("CloudInit") {
        out.push(resource(node, file));
    } else if kind.is_none() && node.get("stages").is_some() {
        let lines = Lines {
            file,
            offset: 0,
            exact: true,
        };
        let mut found = Resource {
            line: node.line,
            has_contents: true,
            ..Resource::default()
        };
        stages(node, &lines, &mut found);
        out.push(found);
    }
}

fn resource(node: &Node, file: &[&str]) -> Resource {
    let mut out = Resource {
        line: node.line,
        name: node
            .get("metadata")
            .and_then(|m| m.get("name"))
            .and_then(Node::text)
            .map(ToOwned::to_owned),
        ..Resource::default()
    };
    let Some(spec) = node.get("spec") else {
        out.faults
            .push(Fault::new(node.line, "the CloudInit has no `spec`"));
        return out;
    };
    out.selector = spec.get("matchSelector").map(|selector| {
        selector
            .entries()
            .iter()
            .map(|(key, value)| Label {
                key: key.text().unwrap_or_default().to_owned(),
                value: value.text().unwrap_or_default().to_owned(),
                is_string: value.is_string(),
                line: key.line,
            })
            .collect()
    });
    out.filename = spec.get("filename").and_then(|name| {
        Some(Spot {
            text: name.text()?.to_owned(),
            line: name.line,
        })
    });
    out.paused = spec.get("paused").and_then(Node::text) == Some("true");
    let Some(contents) = spec.get("contents") else {
        return out;
    };
    out.has_contents = true;
    let Value::Scalar { text, style } = &contents.value else {
        out.faults.push(Fault::new(
            contents.line,
            "`contents` is no text; write `contents: |` before it",
        ));
        return out;
    };
    let lines = Lines {
        file,
        offset: contents.line - 1,
        exact: *style == Style::Literal,
    };
    match yaml::read(text) {
        Ok(documents) => {
            for document in &documents {
                stages(document, &lines, &mut out);
            }
        }
        Err(fault) => {
            let line = if lines.exact {
                lines.offset + fault.line
            } else {
                contents.line
            };
            out.faults
                .push(Fault::new(line, format!("`contents`: {}", fault.text)));
        }
    }
    out
}

fn stages(node: &Node, lines: &Lines<'_>, out: &mut Resource) {
    let Some(stages) = node.get("stages") else {
        return;
    };
    for (stage, steps) in stages.entries() {
        for step in steps.items() {
            for command in step.get("commands").map(Node::items).unwrap_or_default() {
                let Value::Scalar { text, style } = &command.value else {
                    let shown = first_text(command).unwrap_or_default();
                    out.not_text.push(lines.find(command.line, shown));
                    continue;
                };
                let line = lines.find(command.line, text);
                out.commands.push(Command {
                    text: text.clone(),
                    line,
                    stage: stage.text().unwrap_or_default().to_owned(),
                    style: *style,
                    cut: if *style == Style::Plain {
                        lines.cut(line, text)
                    } else {
                        None
                    },
                });
            }
        }
    }
}

/// The first scalar in a node.
fn first_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        Value::Mapping(pairs) => pairs.first().and_then(|(key, _)| key.text()),
        _ => None,
    }
}
