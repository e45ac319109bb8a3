//! Kubernetes objects as printed by `kubectl get -o yaml` and `-o json`, and the facts about the cluster in them.
//!
//! One reader serves the files of `--cluster`, files among the inputs, and support bundles.

mod cloud_init;
mod node;
pub mod rke2;
mod saved;
mod sniff;
mod tree;
mod upgrade;

use std::io::Read;

use crate::input::event::ClusterFact;
use cloud_init::CloudInit;
use node::Node;
use saved::{Notation, Saved};
use tree::{Document, MAX_OF_KIND, Tree, yaml_options};
use upgrade::Upgrade;

pub(super) use cloud_init::is_firewall;
pub use sniff::{COMMAND, is_objects};

/// Addons that are kept.
const MAX_ADDONS: usize = 200;

/// The objects of a cluster.
#[derive(Debug, Default)]
pub struct Objects {
    nodes: Vec<Node>,
    cloud_inits: Vec<CloudInit>,
    addons: Vec<(String, bool)>,
    upgrades: Vec<Upgrade>,
    remarks: Vec<String>,
    /// Objects of all kinds that were read.
    count: u64,
    /// Whether there are addons of RKE2 itself, whose kind has the same name.
    has_rke2_addons: bool,
}

impl Objects {
    /// Parses the objects of a text: YAML or JSON, one, several or a list. Only objects are kept, not the text.
    ///
    /// # Errors
    /// Where the text has no object of a known kind, or is truncated. The message names the remedy.
    pub fn read(&mut self, text: impl Read) -> Result<(), String> {
        let before = self.count;
        let known = self.known();
        let mut saved = Saved::new(text);
        let read = self.documents(&mut saved, None);
        let remarks = saved
            .said
            .iter()
            .map(|line| format!("kubectl said `{line}`: what that kind tells is not known"));
        self.remarks.splice(0..0, remarks);
        let head = String::from_utf8_lossy(&saved.head);
        let is_none = !is_objects(&saved.head);
        match read {
            Ok(any) if !any => return Err(sniff::why_none(&head)),
            Ok(_) => {}
            Err(_) if saved.failed.is_none() && is_none => return Err(sniff::why_none(&head)),
            Err(why) => return Err(why),
        }
        if self.known() > known {
            return Ok(());
        }
        if is_none {
            return Err(sniff::why_none(&head));
        }
        if self.has_rke2_addons {
            return Err(format!(
                "its addons are those of RKE2 (k3s.cattle.io), not of Harvester; write the kinds in full: {COMMAND}"
            ));
        }
        Err(match self.count - before {
            0 => format!(
                "the list has no object in it; is it the right cluster? `kubectl config current-context` says. Then: {COMMAND}"
            ),
            n => format!(
                "none of its {n} objects is a Node, CloudInit, Addon or Upgrade of Harvester; save those: {COMMAND}"
            ),
        })
    }

    /// Parses a list of a support bundle; objects without a `kind` are of the given one.
    pub(super) fn read_kind(&mut self, text: impl Read, kind: &str) -> Result<(), String> {
        self.documents(&mut Saved::new(text), Some(kind))
            .map(|_| ())
    }

    /// Returns the names of the nodes.
    pub(super) fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.name.as_str())
    }

    /// Returns the facts of the objects; `from` is the name of their source in messages.
    pub fn facts(self, from: &str) -> Vec<ClusterFact> {
        let mut facts: Vec<ClusterFact> =
            self.remarks.into_iter().map(ClusterFact::Remark).collect();
        facts.extend(node::facts(&self.nodes, from));
        for (name, is_used) in self.addons {
            facts.push(ClusterFact::Addon { name, is_used });
        }
        facts.extend(upgrade::facts(self.upgrades));
        facts.extend(cloud_init::facts(self.cloud_inits, &self.nodes));
        facts.extend(
            node::pod_networks(&self.nodes)
                .into_iter()
                .map(ClusterFact::PodCidr),
        );
        facts
    }

    /// Parses all objects of a text. Returns whether there were any.
    fn documents<R: Read>(
        &mut self,
        saved: &mut Saved<R>,
        hint: Option<&str>,
    ) -> Result<bool, String> {
        let mut any = false;
        while let Some(notation) = saved.next() {
            any = true;
            let read = match notation {
                Notation::Json => self.json(&mut *saved, hint),
                Notation::Yaml => self.yaml(&mut *saved, hint),
            };
            // Text that ended early is broken too.
            match (&saved.failed, read) {
                (Some(why), _) => return Err(why.to_string()),
                (None, Err(why)) => return Err(why),
                (None, Ok(())) => {}
            }
        }
        saved
            .failed
            .as_ref()
            .map_or(Ok(any), |why| Err(why.to_string()))
    }

    fn json(&mut self, text: impl Read, hint: Option<&str>) -> Result<(), String> {
        for document in serde_json::Deserializer::from_reader(text).into_iter::<Document>() {
            let document = document.map_err(|why| {
                format!(
                    "it is broken JSON ({why}); is the file whole? Save it once more: {COMMAND}"
                )
            })?;
            self.document(document, hint)?;
        }
        Ok(())
    }

    fn yaml(&mut self, mut text: impl Read, hint: Option<&str>) -> Result<(), String> {
        for document in serde_saphyr::read_with_options(&mut text, yaml_options()) {
            let document: Document = document.map_err(|why| {
                let why = why.to_string();
                let why = why.lines().next().unwrap_or_default();
                format!(
                    "it is broken YAML ({why}); is the file whole? Save it once more: {COMMAND}"
                )
            })?;
            self.document(document, hint)?;
        }
        Ok(())
    }

    fn document(&mut self, document: Document, hint: Option<&str>) -> Result<(), String> {
        let own_kind = document.own.text(["kind"]).map(str::to_owned);
        let Some(items) = document.items else {
            self.object(&document.own, own_kind.as_deref().or(hint));
            return Ok(());
        };
        if own_kind.is_none() && hint.is_none() {
            return Err(format!(
                "it ends within the list: no `kind: List` stands behind the items, so its last object may be cut short. \
                 Save it once more: {COMMAND}"
            ));
        }
        let of_list = own_kind
            .as_deref()
            .and_then(|kind| kind.strip_suffix("List"));
        let of_list = of_list.filter(|kind| !kind.is_empty()).or(hint);
        for item in &items {
            self.object(item, item.text(["kind"]).or(of_list));
        }
        if document.more > 0 {
            self.count += document.more;
            self.remarks.push(format!(
                "of one kind there are more than {MAX_OF_KIND} objects: {} are not looked at; --role and --node tell of nodes",
                document.more
            ));
        }
        Ok(())
    }

    fn object(&mut self, object: &Tree, kind: Option<&str>) {
        self.count += 1;
        // A group tells kinds of one name apart; the lists of a bundle may have none.
        let version = object.text(["apiVersion"]).unwrap_or_default();
        let is_of = |group: &str| {
            version.is_empty()
                || version
                    .strip_prefix(group)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        match kind {
            Some("Node") if version.is_empty() || version == "v1" => match Node::read(object) {
                Some(node) if self.nodes.len() < MAX_OF_KIND => self.nodes.push(node),
                Some(_) => {}
                None => self.remark("a node in it has no name, and is left out"),
            },
            Some("CloudInit") if is_of("node.harvesterhci.io") => {
                let room = self.cloud_inits.len() < MAX_OF_KIND;
                self.cloud_inits
                    .extend(CloudInit::read(object).filter(|_| room));
            }
            Some("Addon") if is_of("harvesterhci.io") => {
                let used = match object.text(["spec", "enabled"]) {
                    Some("true") => Some(true),
                    Some("false") => Some(false),
                    _ => None,
                };
                let name = object.text(["metadata", "name"]);
                if let (Some(name), Some(used)) = (name, used)
                    && self.addons.len() < MAX_ADDONS
                {
                    self.addons.push((name.to_owned(), used));
                }
            }
            Some("Addon") => self.has_rke2_addons = true,
            Some("Upgrade") if is_of("harvesterhci.io") => {
                let room = self.upgrades.len() < MAX_OF_KIND;
                self.upgrades.extend(Upgrade::read(object).filter(|_| room));
            }
            Some("UpgradePlan") if is_of("management.harvesterhci.io") => {
                let room = self.upgrades.len() < MAX_OF_KIND;
                self.upgrades
                    .extend(Upgrade::read_plan(object).filter(|_| room));
            }
            _ => {}
        }
    }

    fn remark(&mut self, text: &str) {
        if !self.remarks.iter().any(|known| known == text) {
            self.remarks.push(text.to_owned());
        }
    }

    /// Objects that tell something.
    const fn known(&self) -> usize {
        self.nodes.len() + self.cloud_inits.len() + self.addons.len() + self.upgrades.len()
    }
}
