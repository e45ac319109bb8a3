//! The outputs: a row is one run of the program.

use std::process::Output;

use serde_json::{Value, json};

use super::shell;

/// Kind of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A line is a document.
    Json,
    /// The commands in a report for people.
    Commands,
    /// A shell script.
    Script,
    /// A list of shell commands in YAML.
    YamlList,
    /// A CloudInit.
    CloudInit,
    /// Commands that an audit proposes to repair a chain.
    Mends,
    /// A page for a browser.
    Html,
    Markdown,
}

/// One output.
#[derive(Debug)]
pub(crate) struct Run {
    /// Arguments: `{}` stands for the text, and `NAMED` for the files whose names contain it.
    pub(crate) args: &'static [&'static str],
    pub(crate) stdin: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) exits: &'static [i32],
}

const fn run(
    args: &'static [&'static str],
    stdin: Option<&'static str>,
    kind: Kind,
    exits: &'static [i32],
) -> Run {
    Run {
        args,
        stdin,
        kind,
        exits,
    }
}

use Kind::{CloudInit, Commands, Html, Json, Markdown, Mends, Script, Text, YamlList};

const MISSING: &[i32] = &[1];
/// An input of the row cannot be read, or is no log.
const TROUBLE: &[i32] = &[2, 3];
/// Whether lines can be read depends on where the text cuts them.
const ANY: &[i32] = &[0, 1, 2, 3];

#[rustfmt::skip]
pub(crate) const RUNS: &[Run] = &[
    run(&["log.export", "-v", "--role", "control-plane"], None, Commands, MISSING),
    run(&["log.export", "-v", "--color", "always"], None, Text, MISSING),
    run(&["log.export", "-v", "-o", "json"], None, Json, MISSING),
    run(&["log.export", "-v", "--role={}=worker", "--node={}=192.168.122.99"], None, Text, ANY),
    run(&["log.export", "-o", "html", "--role", "control-plane"], None, Html, MISSING),
    run(&["log.export", "-o", "markdown", "--role", "control-plane"], None, Markdown, MISSING),
    run(&["--rules", "chain.save", "-o", "html", "log.export"], None, Html, MISSING),
    run(&["--rules", "chain.save", "-o", "markdown", "log.export"], None, Markdown, MISSING),
    run(&["lines.log", "pods.log", "-o", "html"], None, Html, ANY),
    run(&["lines.log", "pods.log", "-o", "markdown"], None, Markdown, ANY),
    run(&["NAMED", "-o", "html"], None, Html, TROUBLE),
    run(&["NAMED", "-o", "markdown"], None, Markdown, TROUBLE),
    run(&["prefix.log", "--prefix={}", "-o", "html"], None, Html, ANY),
    run(&["prefix.log", "--prefix={}", "-o", "markdown"], None, Markdown, ANY),
    run(&["bundle", "-o", "html"], None, Html, ANY),
    run(&["bundle", "-o", "markdown"], None, Markdown, ANY),
    run(&["diff", "lines.log", "log.export", "-o", "html"], None, Html, ANY),
    run(&["diff", "lines.log", "log.export", "-o", "markdown"], None, Markdown, ANY),
    run(&["simulate", "--rules", "chain.save", "--with-suggested", "-o", "markdown", "log.export"], None, Markdown, MISSING),
    run(&["audit", "own.save", "init.yaml", "-o", "markdown"], None, Markdown, ANY),
    run(&["explain", "-", "-o", "markdown"], Some("lines.log"), Markdown, ANY),
    run(&["explain", "-o", "markdown", "HARVESTER_DROP_IN={} OUT= SRC=192.168.122.63 DST=192.168.122.61 PROTO=TCP SPT=40000 DPT=2112 SYN URGP=0"], None, Markdown, ANY),
    run(&["ports", "-o", "markdown", "{}"], None, Markdown, ANY),
    run(&["lines.log", "pods.log", "-v"], None, Text, ANY),
    run(&["lines.log", "pods.log", "-v", "-o", "json"], None, Json, ANY),
    run(&["NAMED", "-v"], None, Text, TROUBLE),
    run(&["NAMED", "-v", "-o", "json"], None, Json, TROUBLE),
    run(&["prefix.log", "-v", "--prefix={}"], None, Text, ANY),
    run(&["prefix.log", "-v", "--prefix={}", "-o", "json"], None, Json, ANY),
    run(&["bundle", "-v"], None, Text, ANY),
    run(&["bundle", "-v", "-o", "json"], None, Json, ANY),
    run(&["-v"], Some("log.export"), Text, MISSING),
    run(&["-v", "-f", "-"], Some("log.export"), Text, MISSING),
    run(&["-v", "-f", "-", "--color", "always"], Some("log.export"), Text, MISSING),
    run(&["-v", "-f", "-", "-o", "ndjson"], Some("log.export"), Json, MISSING),
    run(&["-v", "-f", "-", "-o", "ndjson"], Some("lines.log"), Json, ANY),
    run(&["-v", "-o", "json"], Some("log.export"), Json, MISSING),
    run(&["-v"], Some("lines.log"), Text, ANY),
    run(&["-v", "-o", "json"], Some("lines.log"), Json, ANY),
    run(&["rules", "--role", "control-plane", "--format", "iptables", "log.export", "-v"], None, Script, MISSING),
    run(&["rules", "--role", "control-plane", "--format", "iptables", "--scope", "node-net", "log.export"], None, Script, MISSING),
    run(&["rules", "--role", "control-plane", "--format", "iptables", "--rules", "chain.save", "log.export"], None, Script, MISSING),
    run(&["rules", "--role", "control-plane", "--format", "cloudinit", "log.export"], None, YamlList, MISSING),
    run(&["rules", "--role", "control-plane", "--format", "cloudinit-patch", "plain.yaml", "log.export"], None, CloudInit, MISSING),
    run(&["rules", "--role", "control-plane", "--format", "cloudinit-patch", "--diff", "init.yaml", "log.export"], None, Text, ANY),
    run(&["rules", "--role", "control-plane", "--format", "split-log", "log.export"], None, Script, MISSING),
    run(&["rules", "--role", "control-plane", "--format", "split-log", "--rules", "chain.save", "log.export"], None, Script, MISSING),
    run(&["--role", "control-plane", "--rules", "chain.save", "log.export"], None, Text, MISSING),
    run(&["--rules", "chain.save", "-o", "json", "log.export"], None, Json, MISSING),
    run(&["--rules", "init.yaml", "log.export"], None, Text, ANY),
    run(&["--rules", "own.save", "log.export"], None, Text, ANY),
    run(&["simulate", "--rules", "chain.save", "log.export"], None, Text, MISSING),
    run(&["simulate", "--rules", "chain.save", "--with-suggested", "log.export"], None, Text, MISSING),
    run(&["simulate", "--rules", "chain.save", "--with-suggested", "-o", "json", "log.export"], None, Json, MISSING),
    run(&["simulate", "--rules", "own.save", "log.export"], None, Text, ANY),
    run(&["audit", "chain.save"], None, Text, ANY),
    run(&["audit", "own.save"], None, Text, ANY),
    run(&["audit", "own.save", "-o", "json"], None, Mends, ANY),
    run(&["audit", "init.yaml", "chain.save", "--color", "always"], None, Text, ANY),
    run(&["audit", "init.yaml", "chain.save", "-o", "json"], None, Json, ANY),
    run(&["audit", "plain.yaml", "--interface", "{}"], None, Text, ANY),
    run(&["audit", "NAMED", "log.export"], None, Text, ANY),
    run(&["explain", "-"], Some("lines.log"), Text, ANY),
    run(&["explain", "-", "-o", "json"], Some("lines.log"), Json, ANY),
    run(&["explain", "{}"], None, Text, ANY),
    run(&["explain", "tcp/{}"], None, Text, ANY),
    run(&["explain", "HARVESTER_DROP_IN={} OUT= SRC=192.168.122.63 DST=192.168.122.61 PROTO=TCP SPT=40000 DPT=2112 SYN URGP=0"], None, Text, ANY),
    run(&["explain", "-o", "json", "x {} HARVESTER_DROP_IN={} OUT= SRC={} PROTO={}"], None, Json, ANY),
];

impl Run {
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.kind, Json | Mends)
    }

    /// Whether another program than a viewer interprets the output.
    pub(crate) fn means_something(&self) -> bool {
        !matches!(self.kind, Text | Json | Html | Markdown)
            || self.kind == Json && self.is_of_one_log()
    }

    /// Whether the log is the one that says the same whatever the text is.
    fn is_of_one_log(&self) -> bool {
        // The commands for a chain have its name.
        let names_chain = self.args.contains(&"chain.save");
        !names_chain && (self.args.contains(&"log.export") || self.stdin == Some("log.export"))
    }

    /// Returns the output as a shell and a YAML parser interpret it, which must not depend on the text.
    pub(crate) fn meaning(&self, output: &Output) -> Value {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match self.kind {
            Text | Html | Markdown => Value::Null,
            Json if !self.is_of_one_log() => Value::Null,
            Json => {
                let document = text
                    .lines()
                    .last()
                    .and_then(|line| serde_json::from_str(line).ok());
                document.map_or(Value::Null, |document: Value| shell::of_document(&document))
            }
            Commands => json!(shell::of_report(&text)),
            Script => json!([shell::words(&text), shell::words(&shell::decided(&text))]),
            YamlList => json!([
                shell::of_yaml(&text),
                shell::of_yaml(&shell::decided(&text))
            ]),
            CloudInit => shell::of_cloudinit(&text),
            Mends => json!(shell::of_mends(&text)),
        }
    }
}
