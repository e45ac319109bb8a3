//! Checks of the CloudInit object itself: whether it can be parsed, and whether the API accepts it.

use crate::audit::{Check, Hit, Severity};
use crate::catalog::Role;
use crate::cloudinit::selector::{is_role_key, picks};

/// The CRD of harvester/node-manager.
const API_VERSION: &str = "node.harvesterhci.io/v1beta1";

/// File names that the validating webhook refuses (harvester/node-manager, pkg/admitter/cloudinit.go).
const DENIED: &[&str] = &[
    "90_custom.yaml",
    "99_settings.yaml",
    "elemental.config",
    "grubenv",
    "harvester.config",
    "install",
];

/// Returns the name under which the file lands in `/oem` (pkg/mutator/cloudinit.go): its last part, with an extension of
/// YAML.
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
        let hit = |(file, fault): &(&str, crate::chain::Fault)| {
            let mend = "give the output of `iptables-save`, or the CloudInit as YAML";
            Hit::of_file(file, fault.line, fault.text.clone(), mend)
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
            resource.faults.iter().filter(|fault| fault.refused).map(hit).collect()
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

pub(super) static WRONG_API_VERSION: Check = Check {
    code: "wrong-api-version",
    severity: Severity::Error,
    title: "the CloudInit is of another API",
    explain: "The API has it as node.harvesterhci.io/v1beta1: another one is refused, or is another object.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let known = |text: &str| text == API_VERSION;
            if resource.name.is_none()
                || resource
                    .api_version
                    .as_ref()
                    .is_some_and(|found| known(&found.text))
            {
                return Vec::new();
            }
            let (line, text) = match &resource.api_version {
                Some(found) => (found.line, format!("the apiVersion is `{}`", found.text)),
                None => (resource.line, "the CloudInit has no apiVersion".to_owned()),
            };
            vec![subject.hit(line, text, format!("write apiVersion: {API_VERSION}"))]
        })
    },
};

pub(super) static DOUBLED_KEY: Check = Check {
    code: "doubled-key",
    severity: Severity::Error,
    title: "a key stands twice",
    explain: "YAML has each key once. kubectl refuses the object or keeps the last one; yip cannot read contents that have it, and \
              runs none of them.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let hit = |key: &crate::cloudinit::Spot| {
                subject.hit(
                    key.line,
                    format!(
                        "the key `{}` stands twice: only one of them counts, if any",
                        key.text
                    ),
                    "join what stands under both",
                )
            };
            resource.doubled.iter().map(hit).collect()
        })
    },
};

pub(super) static SELECTOR_SEVERAL_ROLES: Check = Check {
    code: "selector-several-roles",
    severity: Severity::Error,
    title: "the selector picks nodes of several roles",
    explain: "The label of etcd is on control-plane nodes and on witnesses alike: one of them gets the rules of the other.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let Some(selector) = resource.selector.as_deref().filter(|_| subject.firewall) else {
                return Vec::new();
            };
            let labels: Vec<_> = selector.iter().filter(|label| is_role_key(&label.key)).collect();
            let roles: Vec<&str> = (Role::ALL.iter())
                .filter(|role| picks(selector, **role))
                .map(|role| role.code())
                .collect();
            if labels.is_empty() || roles.len() < 2 {
                return Vec::new();
            }
            vec![subject.hit(
                labels[0].line,
                format!("the selector picks {} nodes", roles.join(" and ")),
                "add a label that only nodes of the one role have, such as node-role.kubernetes.io/control-plane",
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
