//! Several CloudInits together: the nodes that they select, and the files that they write.

use crate::audit::resource::effective;
use crate::audit::scene::{Scene, Subject};
use crate::audit::{Check, Hit, Severity, Way};
use crate::catalog::Role;
use crate::cloudinit::selector::{is_role_key, picks};
use crate::cloudinit::{Label, Resource};

/// Upper bound on the CloudInits that are compared in pairs.
const MAX_RESOURCES: usize = 200;

fn pairs<'a>(
    scene: &'a Scene<'_>,
) -> Vec<(&'a Subject<'a>, &'a Resource, &'a Subject<'a>, &'a Resource)> {
    let all: Vec<_> = scene
        .subjects
        .iter()
        .filter(|subject| matches!(subject.way, None | Some(Way::Fails)))
        .filter_map(|subject| Some((subject, subject.resource.as_ref()?)))
        .take(MAX_RESOURCES)
        .collect();
    let mut out = Vec::new();
    for (at, (subject, resource)) in all.iter().enumerate() {
        for (earlier, known) in &all[..at] {
            out.push((*earlier, *known, *subject, *resource));
        }
    }
    out
}

fn name(resource: &Resource) -> &str {
    resource.name.as_deref().unwrap_or("the stages file")
}

/// Whether one node can have the labels of both selectors.
fn overlap(a: &[Label], b: &[Label]) -> bool {
    let disjoint = a.iter().any(|label| {
        !is_role_key(&label.key)
            && b.iter()
                .any(|other| other.key == label.key && other.value != label.value)
    });
    let alone = |labels: &[Label]| !labels.iter().any(|label| is_role_key(&label.key));
    !disjoint
        && (Role::ALL
            .iter()
            .any(|role| picks(a, *role) && picks(b, *role))
            || alone(a) && alone(b))
}

pub(super) static FILENAME_TAKEN: Check = Check {
    code: "filename-taken",
    severity: Severity::Error,
    title: "two CloudInits write the same file",
    explain: "The API refuses the second: \"filename already in use\". Names without an extension get .yaml.",
    check: |scene| {
        let taken =
            |(_, known, subject, resource): (&Subject<'_>, &Resource, &Subject<'_>, &Resource)| {
                let (first, second) = (known.filename.as_ref()?, resource.filename.as_ref()?);
                let file = effective(&second.text);
                (effective(&first.text) == file).then(|| {
                    subject.hit(
                        second.line,
                        format!(
                            "`{}` writes {file} already: the API refuses this one",
                            name(known)
                        ),
                        "edit the existing object, or take another file name",
                    )
                })
            };
        pairs(scene).into_iter().filter_map(taken).collect()
    },
};

pub(super) static SELECTORS_OVERLAP: Check = Check {
    code: "selectors-overlap",
    severity: Severity::Error,
    title: "two CloudInits with iptables commands pick the same node",
    explain: "A node that two of them pick runs both: the chain is made twice, or the second one's rules land behind DROP.",
    check: |scene| {
        let both = |(earlier, known, subject, resource): (
            &Subject<'_>,
            &Resource,
            &Subject<'_>,
            &Resource,
        )| {
            let (a, b) = (known.selector.as_deref()?, resource.selector.as_deref()?);
            (earlier.firewall && subject.firewall && overlap(a, b)).then(|| {
                let line = b.first().map_or(resource.line, |label| label.line);
                subject.hit(
                    line,
                    format!(
                        "a node can match this selector and that of `{}`",
                        name(known)
                    ),
                    "make the selectors exclusive, one CloudInit for a role",
                )
            })
        };
        pairs(scene).into_iter().filter_map(both).collect()
    },
};

fn selectors<'a>(scene: &'a Scene<'_>) -> Vec<(&'a Subject<'a>, &'a [Label])> {
    let with = |subject: &'a Subject<'_>| {
        Some((
            subject as &Subject<'_>,
            subject.resource.as_ref()?.selector.as_deref()?,
        ))
    };
    scene
        .subjects
        .iter()
        .filter(|subject| subject.firewall)
        .filter_map(with)
        .collect()
}

pub(super) static ROLE_NOT_SELECTED: Check = Check {
    code: "role-not-selected",
    severity: Severity::Warning,
    title: "no CloudInit picks nodes of the role",
    explain: "Nodes of the role that was asked about get no rules from these files.",
    check: |scene| {
        let selectors = selectors(scene);
        let Some((subject, labels)) = selectors.first() else {
            return Vec::new();
        };
        if selectors
            .iter()
            .any(|(_, labels)| picks(labels, scene.role))
        {
            return Vec::new();
        }
        let line = labels.first().map_or(0, |label| label.line);
        vec![subject.hit(
            line,
            format!("no selector picks {} nodes", scene.role),
            format!(
                "ask with another --role, or select the label of {} nodes",
                scene.role
            ),
        )]
    },
};

pub(super) static NODE_WITHOUT_RULES: Check = Check {
    code: "node-without-rules",
    severity: Severity::Error,
    title: "a node that no selector picks",
    explain: "Only three nodes become control-plane. A fourth one without an explicit role has no label of a role at all: \
              none of the documented selectors picks it, and it has no firewall.",
    check: |scene| {
        let selectors = selectors(scene);
        let Some((subject, _)) = selectors.first() else {
            return Vec::new();
        };
        let picked = |labels: &[(String, String)]| {
            let has = |label: &Label| {
                labels
                    .iter()
                    .any(|(key, value)| *key == label.key && *value == label.value)
            };
            selectors
                .iter()
                .any(|(_, selector)| selector.iter().all(has))
        };
        let open = scene.nodes.iter().filter(|node| !picked(&node.labels));
        let hit = |node: &crate::audit::NodeLabels| -> Hit {
            subject.hit(
                0,
                format!("no selector picks node `{}`: it has no rules", node.name),
                "label the node with its role, or add a CloudInit that selects it",
            )
        };
        open.map(hit).collect()
    },
};
