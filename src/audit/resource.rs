//! The CloudInit object itself: can it be read, will the API take it.

use crate::audit::{Check, Hit, Severity};

/// What the validating webhook refuses (harvester/node-manager, pkg/admitter/cloudinit.go).
const DENIED: &[&str] = &[
    "90_custom.yaml",
    "99_settings.yaml",
    "elemental.config",
    "grubenv",
    "harvester.config",
    "install",
];

/// The name under which the file lands in `/oem` (pkg/mutator/cloudinit.go): its last part, with an extension of YAML.
pub(super) fn effective(filename: &str) -> String {
    let base = filename.rsplit('/').next().unwrap_or(filename);
    if base.ends_with(".yaml") || base.ends_with(".yml") {
        base.to_owned()
    } else {
        format!("{base}.yaml")
    }
}

pub(super) static UNREADABLE: Check = Check {
    code: "unreadable",
    severity: Severity::Error,
    title: "the file cannot be read",
    explain: "It is neither a dump of iptables nor a CloudInit, or its YAML is broken: what it says was not checked.",
    check: |scene| {
        let hit = |(file, fault): &(&str, crate::chain::Fault)| Hit {
            file: (*file).to_owned(),
            line: fault.line,
            text: fault.text.clone(),
            mend: "give the output of `iptables-save`, or the CloudInit as YAML".to_owned(),
        };
        scene.unread.iter().map(hit).collect()
    },
};

pub(super) static CONTENTS_UNREADABLE: Check = Check {
    code: "contents-unreadable",
    severity: Severity::Error,
    title: "`contents` is no YAML",
    explain: "The API refuses contents that are no YAML mapping, and yip could not run them.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let hit = |fault: &crate::chain::Fault| {
                subject.hit(fault.line, fault.text.clone(), "mend the YAML behind `contents: |`: indent its lines alike, and write a command with `: ` in it in single quotes")
            };
            resource.faults.iter().map(hit).collect()
        })
    },
};

pub(super) static CONTENTS_MISSING: Check = Check {
    code: "contents-missing",
    severity: Severity::Error,
    title: "the CloudInit has no `contents`",
    explain: "The key is `contents`. A page of the documentation once said `content`, which the API drops.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            if resource.has_contents || !resource.faults.is_empty() {
                return Vec::new();
            }
            vec![subject.hit(
                resource.line,
                "the CloudInit has no `spec.contents`: the node gets no command",
                "name the key `contents`",
            )]
        })
    },
};

pub(super) static FILENAME_REFUSED: Check = Check {
    code: "filename-refused",
    severity: Severity::Error,
    title: "the file name is reserved or missing",
    explain: "Harvester keeps some names of /oem for itself and refuses a CloudInit that would write them.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let mend = "take a name of its own, such as 91-iptables-control-plane.yaml";
            match &resource.filename {
                None if resource.name.is_some() => {
                    vec![subject.hit(resource.line, "the CloudInit has no `spec.filename`", mend)]
                }
                Some(name) => {
                    let base = name.text.rsplit('/').next().unwrap_or_default();
                    let file = effective(&name.text);
                    if base.is_empty() || DENIED.contains(&base) || DENIED.contains(&file.as_str())
                    {
                        vec![subject.hit(
                            name.line,
                            format!("the file name `{}` is reserved", name.text),
                            mend,
                        )]
                    } else {
                        Vec::new()
                    }
                }
                None => Vec::new(),
            }
        })
    },
};

pub(super) static SELECTOR_MISSING: Check = Check {
    code: "selector-missing",
    severity: Severity::Error,
    title: "the CloudInit has no `matchSelector`",
    explain: "The API requires it.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            if resource.name.is_none() || resource.selector.is_some() {
                return Vec::new();
            }
            vec![subject.hit(
                resource.line,
                "the CloudInit has no `spec.matchSelector`",
                "add the label of the role under `matchSelector`",
            )]
        })
    },
};

pub(super) static SELECTOR_NOT_STRING: Check = Check {
    code: "selector-not-string",
    severity: Severity::Error,
    title: "a value of the selector is no string",
    explain: "Labels are strings. An unquoted true is a boolean, which the API refuses.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let labels = resource
                .selector
                .iter()
                .flatten()
                .filter(|label| !label.is_string);
            labels
                .map(|label| {
                    subject.hit(
                        label.line,
                        format!("the value of `{}` is no string", label.key),
                        format!("quote it: {}: \"{}\"", label.key, label.value),
                    )
                })
                .collect()
        })
    },
};

pub(super) static SELECTOR_MATCHES_ALL: Check = Check {
    code: "selector-matches-all",
    severity: Severity::Warning,
    title: "an empty selector picks every node",
    explain: "An empty matchSelector matches all nodes: workers and witnesses get the rules of another role.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            if !subject.firewall || !resource.selector.as_ref().is_some_and(Vec::is_empty) {
                return Vec::new();
            }
            vec![subject.hit(
                resource.line,
                "the selector is empty: every node gets these rules",
                "select the nodes of one role by their label",
            )]
        })
    },
};
