//! CloudInits: the files that they lay on which nodes (harvester/node-manager).

use super::node::Node;
use super::tree::Tree;
use crate::input::event::{ClusterFact, few};

/// A CloudInit.
#[derive(Debug, Clone)]
pub(super) struct CloudInit {
    name: String,
    /// The labels that a node must have; `None` where they cannot be read.
    selector: Option<Vec<(String, String)>>,
    filename: String,
    is_paused: bool,
    contents: String,
}

impl CloudInit {
    /// Reads a CloudInit; `None` where it has no name, or is being deleted.
    pub(super) fn read(object: &Tree) -> Option<Self> {
        let name = object.text(["metadata", "name"])?.to_owned();
        if object.text(["metadata", "deletionTimestamp"]).is_some() {
            return None;
        }
        let selector = match object.at(["spec", "matchSelector"]) {
            // No selector picks every node, as an empty one does (labels.SelectorFromSet).
            None | Some(Tree::Null) => Some(Vec::new()),
            Some(map @ Tree::Map(pairs)) => {
                let texts = map.texts().map(|(k, v)| (k.to_owned(), v.to_owned()));
                let texts: Vec<_> = texts.collect();
                (texts.len() == pairs.len()).then_some(texts)
            }
            Some(_) => None,
        };
        let filename = object.text(["spec", "filename"]).unwrap_or(&name);
        let text = object.text(["spec", "contents"]);
        Some(Self {
            filename: effective(filename),
            is_paused: object.text(["spec", "paused"]) == Some("true"),
            contents: text.unwrap_or_default().to_owned(),
            selector,
            name,
        })
    }

    fn picks(&self, node: &Node) -> bool {
        let has = |wanted: &(String, String)| node.labels.contains(wanted);
        self.selector
            .as_ref()
            .is_some_and(|all| all.iter().all(has))
    }
}

/// Returns the name of the file in /oem: node-manager takes the last part, and adds an ending
/// (pkg/mutator/cloudinit.go).
fn effective(filename: &str) -> String {
    let name = filename.rsplit('/').next().unwrap_or(filename);
    if name.ends_with(".yaml") || name.ends_with(".yml") {
        name.to_owned()
    } else {
        format!("{name}.yaml")
    }
}

/// Whether a file has firewall rules in it.
pub(in crate::input) fn is_firewall(text: &str) -> bool {
    text.contains("iptables") || text.contains("ip6tables")
}

/// Returns the files with firewall rules that CloudInits write on nodes, in the order of their names, and remarks on
/// irregular CloudInits.
pub(super) fn facts(all: Vec<CloudInit>, nodes: &[Node]) -> Vec<ClusterFact> {
    let mut facts = Vec::new();
    let has_any = !all.is_empty();
    let mut own: Vec<CloudInit> = all
        .into_iter()
        .filter(|one| is_firewall(&one.contents))
        .collect();
    own.sort_by(|a, b| (&a.filename, &a.name).cmp(&(&b.filename, &b.name)));
    if own.is_empty() {
        if has_any && !nodes.is_empty() {
            facts.push(ClusterFact::Remark(
                "no CloudInit of the cluster has firewall rules: none makes a chain".to_owned(),
            ));
        }
        return facts;
    }
    if nodes.is_empty() {
        facts.push(ClusterFact::Remark(
            "there are CloudInits and no nodes: whom they pick is not known; save the nodes too"
                .to_owned(),
        ));
        return facts;
    }
    let mut open: Vec<&Node> = nodes.iter().collect();
    for one in own {
        let picked: Vec<String> = (nodes.iter().filter(|node| one.picks(node)))
            .map(|node| node.name.clone())
            .collect();
        open.retain(|node| !one.picks(node));
        let odd = if one.selector.is_none() {
            "has a matchSelector that is not plain labels: whom it picks is not known"
        } else if picked.is_empty() {
            "picks no node"
        } else if one.is_paused {
            "is paused: its nodes keep the file that they have, and their chain is not known"
        } else {
            ""
        };
        if !odd.is_empty() {
            facts.push(ClusterFact::Remark(format!(
                "the CloudInit {} {odd}",
                one.name
            )));
            continue;
        }
        facts.push(ClusterFact::Rules {
            nodes: picked,
            name: one.filename,
            text: one.contents,
            is_on_disk: false,
        });
    }
    if !open.is_empty() {
        let names: Vec<String> = open.iter().map(|node| node.name.clone()).collect();
        facts.push(ClusterFact::Remark(format!(
            "no CloudInit with firewall rules picks {}: none makes a chain there",
            few(&names)
        )));
    }
    facts
}
