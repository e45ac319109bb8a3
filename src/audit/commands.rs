//! Commands of a CloudInit or a script: how YAML parses them, and whether iptables accepts them.

use crate::audit::scene::Subject;
use crate::audit::{Check, Hit, Severity};
use crate::chain::{Chain, Fault, Form, HARVESTER, RuleSet, quoted};
use crate::cloudinit::Command;

/// Stage of the commands in the documentation.
const STAGE: &str = "boot";

/// Whether YAML cut the command at ` #`: a quote stays open, or the target is in the part that was cut.
fn is_cut(command: &Command) -> bool {
    let Some(cut) = &command.cut else {
        return false;
    };
    let open = command
        .script()
        .faults
        .iter()
        .any(|fault| fault.text.contains("quote"));
    open || (cut.contains(" -j ") && !command.text.contains(" -j "))
}

fn cut_lines(subject: &Subject<'_>) -> Vec<usize> {
    let commands = subject
        .resource
        .iter()
        .flat_map(|resource| &resource.commands);
    commands
        .filter(|command| is_cut(command))
        .map(|command| command.line)
        .collect()
}

/// Whether the commands add rules to a chain that they do not create.
fn is_foreign(subject: &Subject<'_>) -> bool {
    subject.resource.is_some()
        && subject.chain().is_none()
        && subject.set.faults.iter().any(names_chain)
}

fn names_chain(fault: &Fault) -> bool {
    fault.text == format!("no chain `{HARVESTER}`")
}

pub(super) static UNQUOTED_COLON: Check = Check {
    code: "unquoted-colon",
    severity: Severity::Error,
    title: "a command that YAML takes as a mapping",
    explain: "In a plain list item `: ` makes a mapping of what should be a command, and it is not run.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let mend =
                "write the whole command in single quotes, or leave the space behind the colon out";
            let hit = |line: &usize| {
                subject.hit(
                    *line,
                    "the command has `: ` in it: YAML makes a mapping of it, and it is not run",
                    mend,
                )
            };
            resource.not_text.iter().map(hit).collect()
        })
    },
};

pub(super) static UNQUOTED_HASH: Check = Check {
    code: "unquoted-hash",
    severity: Severity::Error,
    title: "a command that YAML cuts at ` #`",
    explain: "In a plain list item ` #` begins a comment: the rest of the command is lost.",
    check: |scene| {
        scene.of_resources(|subject, _| {
            let hit = |line: usize| {
                subject.hit(
                    line,
                    "the command has ` #` in it: YAML drops the rest of it as a comment",
                    "write the whole command in single quotes",
                )
            };
            cut_lines(subject).into_iter().map(hit).collect()
        })
    },
};

pub(super) static COMMAND_REFUSED: Check = Check {
    code: "command-refused",
    severity: Severity::Error,
    title: "a command that iptables refuses",
    explain: "The commands were run in order on an empty table. What iptables refuses leaves no rule.",
    check: |scene| {
        let mut out = Vec::new();
        for subject in scene
            .subjects
            .iter()
            .filter(|subject| subject.again.is_some())
        {
            let cut = cut_lines(subject);
            let foreign = is_foreign(subject);
            for fault in subject.set.faults.iter().filter(|fault| fault.refused) {
                let of_object =
                    |resource: &crate::cloudinit::Resource| resource.faults.contains(fault);
                let explained = cut.contains(&fault.line)
                    || foreign && names_chain(fault)
                    || subject.resource.as_ref().is_some_and(of_object);
                if !explained {
                    out.push(subject.hit(
                        fault.line,
                        fault.text.clone(),
                        "mend the command, and try it on a node",
                    ));
                }
            }
        }
        out
    },
};

pub(super) static NOT_UNDERSTOOD: Check = Check {
    code: "not-understood",
    severity: Severity::Warning,
    title: "a line that was not understood",
    explain: "What it does is not part of what was checked: a port may be called missing that it opens.",
    check: |scene| {
        let mut out = Vec::new();
        for subject in &scene.subjects {
            let dump = subject.again.is_none();
            let open = subject
                .set
                .faults
                .iter()
                .filter(|fault| dump || !fault.refused);
            out.extend(open.map(|fault| {
                subject.hit(
                    fault.line,
                    fault.text.clone(),
                    "check the output of `iptables-save` from a node",
                )
            }));
        }
        out
    },
};

pub(super) static CONDITION_UNKNOWN: Check = Check {
    code: "condition-unknown",
    severity: Severity::Warning,
    title: "rules depend on a condition that cannot be known",
    explain: "Whether it holds is known on the node alone. Both ways were checked, and what is so one way only says which.",
    check: |scene| {
        let hit = |(file, fault): &(&str, Fault)| {
            Hit::of_file(
                file,
                fault.line,
                fault.text.clone(),
                "check both ways, or take the condition out",
            )
        };
        scene.conditions.iter().map(hit).collect()
    },
};

pub(super) static OTHER_RULES: Check = Check {
    code: "other-rules",
    severity: Severity::Warning,
    title: "there are rules that the text does not show",
    explain: "Packets pass the tables of every backend. A dump of one says nothing of the others: legacy tables beside nft's, \
              tables in nft's own form, a second dump in one file.",
    check: |scene| {
        let mut out = Vec::new();
        for subject in &scene.subjects {
            out.extend(subject.set.beside.iter().map(|fault| {
                subject.hit(
                    fault.line,
                    fault.text.clone(),
                    "print those rules too, and audit them by themselves",
                )
            }));
        }
        out
    },
};

pub(super) static FOREIGN_CHAIN: Check = Check {
    code: "foreign-chain",
    severity: Severity::Error,
    title: "rules for a chain that another CloudInit makes",
    explain: "Where the other file runs later, the command fails; where it ran before, `-A` puts the rule behind its DROP, where it does nothing.",
    check: |scene| {
        let hit = |subject: &Subject<'_>| {
            let line = subject
                .set
                .faults
                .iter()
                .find(|fault| names_chain(fault))
                .map_or(0, |fault| fault.line);
            subject.hit(
                line,
                format!("it adds to {HARVESTER} without making it: an appended rule lands behind DROP, if the chain is there at all"),
                "put the rule into the CloudInit that makes the chain, before its LOG line",
            )
        };
        scene
            .subjects
            .iter()
            .filter(|subject| is_foreign(subject))
            .map(hit)
            .collect()
    },
};

pub(super) static WRONG_STAGE: Check = Check {
    code: "wrong-stage",
    severity: Severity::Warning,
    title: "the rules are not made in the boot stage",
    explain: "The documentation uses `boot`: it runs before the node is fully up, and after the kernel has its network modules.",
    check: |scene| {
        scene.of_resources(|subject, resource| {
            let wrong = |command: &&Command| {
                let stage = command
                    .stage
                    .trim_end_matches(".after")
                    .trim_end_matches(".before");
                stage != STAGE && command.text.contains("iptables")
            };
            let hit = |command: &Command| {
                subject.hit(
                    command.line,
                    format!("the commands stand in stage `{}`", command.stage),
                    "move them under `stages: boot:`",
                )
            };
            resource
                .commands
                .iter()
                .find(wrong)
                .map(hit)
                .into_iter()
                .collect()
        })
    },
};

pub(super) static CLEANUP_MISSING: Check = Check {
    code: "cleanup-missing",
    severity: Severity::Warning,
    title: "a second run does not leave the same chains",
    explain: "The commands were run twice. Without the right clean-up lines the second run leaves every rule twice, or fails.",
    check: |scene| {
        let mut out = Vec::new();
        for subject in &scene.subjects {
            let (Some(again), Some(chain)) = (&subject.again, subject.chain()) else {
                continue;
            };
            let new = again
                .faults
                .iter()
                .find(|fault| !subject.set.faults.contains(fault));
            if new.is_none() && same(&subject.set, again) {
                continue;
            }
            let what = new.map_or_else(
                || "rules are there twice".to_owned(),
                |fault| fault.text.clone(),
            );
            let jump = subject
                .jumps(chain)
                .and_then(|jumps| jumps.first().map(|rule| format!("INPUT {rule}")));
            out.push(
                subject
                    .hit(
                        new.map_or(chain.line, |fault| fault.line),
                        format!("run twice, the commands do not leave the same chains: {what}"),
                        "begin with these, so that a second run finds nothing there:",
                    )
                    .by(cleanup(subject, chain, jump)),
            );
        }
        out
    },
};

/// Returns the commands that take a chain away, where it is there.
fn cleanup(subject: &Subject<'_>, chain: &Chain, jump: Option<String>) -> Vec<String> {
    let (tool, name) = (subject.family.tool(), quoted(&chain.name));
    let jump = jump.unwrap_or_else(|| format!("INPUT -i mgmt-br -j {name}"));
    [
        format!("-D {jump}"),
        format!("-F {name}"),
        format!("-X {name}"),
    ]
    .map(|words| format!("{tool} {words} 2>/dev/null || true"))
    .to_vec()
}

/// Whether both have the same chains with rules of the same meaning.
fn same(a: &RuleSet, b: &RuleSet) -> bool {
    debug_assert!(matches!(a.form, Form::CloudInit | Form::Script));
    let alike = |chain: &Chain| {
        b.chain(chain.family, &chain.name).is_some_and(|other| {
            other.rules.len() == chain.rules.len()
                && other
                    .rules
                    .iter()
                    .zip(&chain.rules)
                    .all(|(x, y)| x.means(y))
        })
    };
    a.chains().len() == b.chains().len() && a.chains().iter().all(alike)
}

/// Returns the hit if `found`; for checks that have at most one.
pub(super) fn when(found: bool, hit: impl FnOnce() -> Hit) -> Vec<Hit> {
    if found { vec![hit()] } else { Vec::new() }
}
