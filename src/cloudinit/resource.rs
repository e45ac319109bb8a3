//! Harvester's CloudInit: YAML in, its commands out with their lines in the file.
//!
//! Follows the CRD of harvester/node-manager (`spec.matchSelector`, `filename`, `contents`, `paused`) and the stages
//! of yip. Reads one object, several documents, a List, and the stages file that the agent writes to `/oem`.

use crate::chain::{Fault, Script, quoted};
use crate::cloudinit::yaml::{self, Node, Style, Value};

/// One CloudInit, or one stages file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// `metadata.name`; `None` for a stages file.
    pub name: Option<String>,
    /// Line in the file on which it begins.
    pub line: usize,
    /// `spec.matchSelector`; `None` where it is missing.
    pub selector: Option<Vec<Label>>,
    pub filename: Option<Spot>,
    pub paused: bool,
    /// `apiVersion` and its line, where there is one.
    pub api_version: Option<Spot>,
    /// Keys that stand twice in one mapping, with the line of the second.
    pub doubled: Vec<Spot>,
    /// Whether `spec.contents`, or the stages themselves, are there.
    pub has_contents: bool,
    pub commands: Vec<Command>,
    /// Files that it writes before the commands of the same step run.
    pub files: Vec<File>,
    /// Parts that could not be parsed.
    pub faults: Vec<Fault>,
    /// Items of `commands` that are no text, because YAML parsed a `: ` as a key.
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
    /// Whether it is a string: the API refuses a boolean or a number.
    pub is_string: bool,
    pub line: usize,
}

/// One item of a `commands` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub text: String,
    /// Line in the file on which its text begins.
    pub line: usize,
    pub stage: String,
    /// Number of its step, counted through the resource.
    pub step: usize,
    /// The `if` of its step.
    pub condition: Option<String>,
    pub style: Style,
    /// Text behind ` #` on its line, which YAML reads as a comment.
    pub cut: Option<String>,
}

/// One item of a `files` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub text: String,
    /// Line in the file on which its text begins.
    pub line: usize,
    pub stage: String,
    /// Number of the step that writes it, counted through the resource.
    pub step: usize,
}

impl Command {
    /// Parses its shell commands.
    pub fn script(&self) -> Script {
        Script::read(&self.text, self.line)
    }
}

/// Lines of the file, to find the position of a text.
struct Lines<'a> {
    file: &'a [&'a str],
    /// The line of the file before the text's first.
    offset: usize,
    /// Whether the lines of the text are lines of the file; otherwise they are searched from `offset` on.
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
        // The `+ 1` keeps a text without its own lines on the line of its key.
        let from = self.offset;
        (self
            .file
            .iter()
            .skip(from)
            .position(|known| known.contains(&start[..cut])))
        .map_or(self.offset + 1, |found| from + found + 1)
    }

    /// Returns the comment behind a text on its line.
    fn cut(&self, line: usize, text: &str) -> Option<String> {
        let (_, rest) = self.file.get(line.checked_sub(1)?)?.split_once(text)?;
        let rest = rest.trim_start();
        rest.starts_with('#').then(|| rest.to_owned())
    }
}

/// Parses every CloudInit of a text; objects of other kinds are skipped.
///
/// # Errors
/// If the text is no YAML.
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
    let has_steps = ["stages", "runcmd", "write_files"]
        .iter()
        .any(|key| node.get(key).is_some());
    if kind == Some("CloudInit") {
        out.push(resource(node, file));
    } else if kind.is_none() && has_steps {
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
        doubled(node, &lines, &mut found.doubled);
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
        api_version: node.get("apiVersion").and_then(spot),
        ..Resource::default()
    };
    let own = Lines {
        file,
        offset: 0,
        exact: true,
    };
    doubled(node, &own, &mut out.doubled);
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
    out.filename = spec.get("filename").and_then(spot);
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
                doubled(document, &lines, &mut out.doubled);
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

fn spot(node: &Node) -> Option<Spot> {
    Some(Spot {
        text: node.text()?.to_owned(),
        line: node.line,
    })
}

/// Collects the keys that occur twice in a mapping, at any depth.
fn doubled(node: &Node, lines: &Lines<'_>, out: &mut Vec<Spot>) {
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        if seen.contains(&name) {
            out.push(Spot {
                text: name.to_owned(),
                line: lines.find(key.line, name),
            });
        } else if seen.len() < 256 {
            seen.push(name);
        }
        doubled(value, lines, out);
    }
    for item in node.items() {
        doubled(item, lines, out);
    }
}

/// Reads the steps of a stages file, or of a cloud-config as yip converts it (loader_cloudinit.go): `write_files` and
/// `runcmd` are a step of stage boot.
fn stages(node: &Node, lines: &Lines<'_>, out: &mut Resource) {
    let mut number = 0;
    for (stage, steps) in node.get("stages").map(Node::entries).unwrap_or_default() {
        for step in steps.items() {
            number += 1;
            let stage = stage.text().unwrap_or_default();
            let condition = step.get("if").and_then(Node::text);
            files(step.get("files"), lines, (stage, number), out);
            for command in step.get("commands").map(Node::items).unwrap_or_default() {
                out.command(command, lines, (stage, number), condition);
            }
        }
    }
    files(node.get("write_files"), lines, ("boot", number + 1), out);
    for command in node.get("runcmd").map(Node::items).unwrap_or_default() {
        out.command(command, lines, ("boot", number + 1), None);
    }
}

fn files(list: Option<&Node>, lines: &Lines<'_>, (stage, step): (&str, usize), out: &mut Resource) {
    for file in list.map(Node::items).unwrap_or_default() {
        let path = file.get("path").and_then(Node::text).unwrap_or_default();
        let coded = file.get("encoding").and_then(Node::text);
        if let Some(coded) = coded.filter(|coded| !coded.is_empty() && *coded != "text/plain") {
            let text = format!(
                "`{path}` is written in {coded}, which is not read: rules in it are not seen"
            );
            out.faults
                .push(Fault::unfollowed(lines.find(file.line, path), text));
            continue;
        }
        if let Some(content) = file.get("content")
            && let Some(text) = content.text()
        {
            out.files.push(File {
                path: path.to_owned(),
                text: text.to_owned(),
                line: lines.find(content.line, text),
                stage: stage.to_owned(),
                step,
            });
        }
    }
}

impl Resource {
    fn command(
        &mut self,
        command: &Node,
        lines: &Lines<'_>,
        (stage, step): (&str, usize),
        condition: Option<&str>,
    ) {
        // `runcmd` may have a list of words in place of a line.
        let words: Vec<&str> = command.items().iter().filter_map(Node::text).collect();
        let (text, style) = match &command.value {
            Value::Scalar { text, style } => (text.clone(), *style),
            Value::Sequence(_) if !words.is_empty() => {
                let words: Vec<String> =
                    words.iter().map(|word| quoted(word).into_owned()).collect();
                (words.join(" "), Style::Quoted)
            }
            _ => {
                let shown = first_text(command).unwrap_or_default();
                self.not_text.push(lines.find(command.line, shown));
                return;
            }
        };
        let line = lines.find(command.line, words.first().copied().unwrap_or(&text));
        self.commands.push(Command {
            line,
            stage: stage.to_owned(),
            step,
            condition: condition.map(str::to_owned),
            style,
            cut: if style == Style::Plain {
                lines.cut(line, &text)
            } else {
                None
            },
            text,
        });
    }
}

/// Returns the first scalar in a node.
fn first_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        Value::Mapping(pairs) => pairs.first().and_then(|(key, _)| key.text()),
        _ => None,
    }
}
