//! Harvester support bundles, as rancher/support-bundle-kit makes them: a zip with `metadata.yaml`, `yamls/`, and one
//! `nodes/<node>.zip` for each node; or one of the latter; or either unpacked.
//!
//! The facts about the cluster are handed on first, then the kernel logs, node by node, each in the order of time.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::tree::{Tree, unrotated};
use super::unpack::Source;
use super::{Opening, bounds};
use crate::input::event::ClusterFact;
use crate::input::objects::{Objects, is_firewall, rke2};
use crate::input::reader::Reader;
use crate::time::Reading;

/// Upper bound on the bytes read of a YAML file: that of a hundred nodes has some 3 MiB.
const YAML: u64 = 64 << 20;
/// Upper bound on the bytes read of a file of the node's configuration.
const CONFIG: u64 = 1 << 20;

/// The lists of objects of Harvester, and their kinds: those in namespaces stand once for each.
const LISTS: [(&str, &str); 4] = [
    ("/harvesterhci.io/v1beta1/addons.yaml", "Addon"),
    ("/harvesterhci.io/v1beta1/upgrades.yaml", "Upgrade"),
    (
        "/management.harvesterhci.io/v1beta1/upgradeplans.yaml",
        "UpgradePlan",
    ),
    ("/node.harvesterhci.io/v1beta1/cloudinits.yaml", "CloudInit"),
];
/// Upper bound on the lists of objects that are read: a bundle has those of a few namespaces.
const MAX_LISTS: usize = 100;

/// Positions of the parts of a bundle.
pub(super) struct Layout {
    /// Each node and its files: in an archive of its own, or below a folder of the bundle.
    nodes: BTreeMap<String, Place>,
    metadata: Option<String>,
    node_list: Option<String>,
    /// Further lists of objects, each with its kind.
    lists: Vec<(String, &'static str)>,
    /// Whether it is a whole bundle, not the files of one node.
    whole: bool,
}

enum Place {
    Archive(String),
    Folder(String),
}

impl Layout {
    /// Finds the parts by the names of files; `None` where it is no bundle.
    pub(super) fn of(name: &str, files: &[String]) -> Option<Self> {
        let mut nodes = BTreeMap::new();
        for file in files {
            let parts: Vec<&str> = file.split('/').collect();
            match parts.as_slice() {
                [.., "nodes", archive] if archive.ends_with(".zip") => {
                    let node = archive.trim_end_matches(".zip").to_owned();
                    // A node that was unpacked next to its archive is the same.
                    nodes
                        .entry(node)
                        .or_insert_with(|| Place::Archive(file.clone()));
                }
                [before @ .., "logs", log] if is_kernel_log(log) => {
                    let node = before
                        .last()
                        .map_or_else(|| stem(name), |&node| node.to_owned());
                    nodes.insert(node, Place::Folder(before.join("/")));
                }
                _ => {}
            }
        }
        let find = |end: &str| {
            let ends = |file: &&String| file.as_str() == end || file.ends_with(&format!("/{end}"));
            files
                .iter()
                .filter(ends)
                .min_by_key(|file| file.len())
                .cloned()
        };
        let node_list = find("yamls/cluster/v1/nodes.yaml");
        let metadata = find("metadata.yaml");
        let kind = |file: &String| {
            let own = LISTS.iter().find(|(end, _)| file.ends_with(end));
            Some((file.clone(), own?.1))
        };
        let whole = node_list.is_some()
            || nodes
                .values()
                .any(|place| matches!(place, Place::Archive(_)));
        (whole || !nodes.is_empty()).then(|| Self {
            nodes,
            metadata: metadata.filter(|_| whole),
            node_list,
            lists: files.iter().filter_map(kind).take(MAX_LISTS).collect(),
            whole,
        })
    }
}

fn is_kernel_log(name: &str) -> bool {
    name.strip_prefix("kernel.log")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a file of a broken bundle is not one of its kernel logs.
pub(super) fn is_beside(file: &str) -> bool {
    let parts: Vec<&str> = file.split('/').collect();
    let last = parts.last().copied().unwrap_or_default();
    let in_folder = |folder| parts[..parts.len() - 1].contains(&folder);
    in_folder("yamls")
        || in_folder("configs")
        || in_folder("scc")
        || last == "metadata.yaml"
        || (in_folder("logs") && !is_kernel_log(last))
}

/// Returns the name of a folder or an archive without its folders and its ending.
fn stem(name: &str) -> String {
    let last = name
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(name);
    last.strip_suffix(".zip").unwrap_or(last).to_owned()
}

/// A node's files.
struct Node {
    name: String,
    /// Archive of the node; `None` where its files are in the bundle itself.
    own: Option<Tree>,
    /// Archive that cannot be opened; its members are recovered when its turn comes.
    broken: Option<std::fs::File>,
    prefix: String,
    /// File names; nodes whose files are in the bundle itself share its list.
    files: Rc<[String]>,
}

impl Opening<'_, '_, '_> {
    /// Reads a bundle whose files are in `tree`.
    pub(super) fn bundle(
        &mut self,
        name: &str,
        mut tree: Tree,
        layout: Layout,
        mut reading: Reading,
        depth: u32,
    ) {
        let mut around = Vec::new();
        if layout.whole {
            self.cluster(name, &mut tree, &layout, &mut reading, &mut around);
        }
        let mut nodes = self.nodes(name, &mut tree, &layout, depth);
        let mut networks = Vec::new();
        for node in &mut nodes {
            if !layout.whole {
                self.host_name(name, &mut tree, node);
            }
            let tree = node.own.as_mut().unwrap_or(&mut tree);
            self.configuration(
                name,
                tree,
                node_view(&node.name, &node.prefix, &node.files),
                &mut networks,
            );
        }
        // The files of the nodes name the network; the objects tell at least where it lies.
        if networks.is_empty() {
            networks = around;
        }
        let of_family = |v4: bool| {
            networks
                .iter()
                .filter(|net| net.addr().is_ipv4() == v4)
                .count()
        };
        if of_family(true) > 1 || of_family(false) > 1 {
            let list: Vec<String> = networks.iter().map(ToString::to_string).collect();
            self.learned(ClusterFact::Remark(format!(
                "the nodes do not agree on the pod network: {}; all of them are taken",
                list.join(", ")
            )));
        }
        for net in networks {
            self.learned(ClusterFact::PodCidr(net));
        }
        for node in nodes {
            if self.bounds.is_tripped() {
                return;
            }
            self.kernel_logs(name, &mut tree, node, reading, depth);
        }
        // Not an empty input, which has nothing to be judged: a log ought to be here.
        self.summary.blank = false;
    }

    /// Reads the objects of the cluster; pod networks are added to `networks`.
    fn cluster(
        &mut self,
        name: &str,
        tree: &mut Tree,
        layout: &Layout,
        reading: &mut Reading,
        networks: &mut Vec<crate::net::IpNet>,
    ) {
        let created = layout
            .metadata
            .as_ref()
            .and_then(|file| self.piece(name, tree, file, YAML))
            .and_then(|text| rke2::created(&text));
        match created {
            Some(at) => {
                reading.reference = at;
                self.learned(ClusterFact::Collected(at));
            }
            None => self.learned(ClusterFact::Remark(format!(
                "{name} does not tell when it was collected (bundleCreatedAt in metadata.yaml): years are taken from \
                 the times of its files; --year sets another"
            ))),
        }
        let Some(list) = layout
            .node_list
            .as_ref()
            .and_then(|file| self.piece(name, tree, file, YAML))
        else {
            self.learned(ClusterFact::Remark(format!(
                "{name} has no yamls/cluster/v1/nodes.yaml: roles and addresses of the nodes are not known; --role \
                 and --node tell them"
            )));
            return;
        };
        let mut objects = Objects::default();
        if let Err(why) = objects.read_kind(list.as_bytes(), "Node") {
            self.learned(ClusterFact::Remark(format!(
                "nodes.yaml cannot be read ({why}): roles and addresses of the nodes are not known; --role and --node \
                 tell them"
            )));
        }
        for node in layout.nodes.keys() {
            if !objects.node_names().any(|name| name == node) {
                self.learned(ClusterFact::Remark(format!(
                    "{name} has logs of `{node}`, which is not among the nodes of the cluster"
                )));
            }
        }
        for node in objects.node_names() {
            if !layout.nodes.contains_key(node) {
                self.learned(ClusterFact::NoLog {
                    node: node.to_owned(),
                    text: format!("{name} has no logs of node `{node}`"),
                });
            }
        }
        for (file, kind) in &layout.lists {
            let text = self.piece(name, tree, file, YAML).unwrap_or_default();
            if let Err(why) = objects.read_kind(text.as_bytes(), kind) {
                let last = file.rsplit('/').next().unwrap_or(file);
                self.learned(ClusterFact::Remark(format!(
                    "{last} cannot be read ({why}): what it tells is not known"
                )));
            }
        }
        for fact in objects.facts("nodes.yaml") {
            match fact {
                ClusterFact::PodCidr(net) => networks.push(net),
                fact => self.learned(fact),
            }
        }
    }

    /// Opens the nodes' archives.
    fn nodes(&mut self, name: &str, tree: &mut Tree, layout: &Layout, depth: u32) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut all = None;
        for (node, place) in &layout.nodes {
            let mut opened = Node {
                name: node.clone(),
                own: None,
                broken: None,
                prefix: String::new(),
                files: Rc::default(),
            };
            match place {
                Place::Folder(prefix) => {
                    opened.prefix.clone_from(prefix);
                    opened.files = Rc::clone(all.get_or_insert_with(|| tree.names().into()));
                }
                Place::Archive(file) => {
                    let full = format!("{name}/{file}");
                    if depth >= bounds::DEPTH {
                        self.bounds.trip();
                        self.failed(&full, bounds::too_deep());
                        return nodes;
                    }
                    match tree.open(file, &self.bounds) {
                        Err(why) => self.failed(&full, why),
                        Ok((source, _)) => {
                            let opening = match source {
                                Source::File(file) => {
                                    self.archive(&full, Box::new(std::io::empty()), Some(file))
                                }
                                Source::Stream(stream) => self.archive(&full, stream, None),
                            };
                            match opening {
                                Err(broken) => opened.broken = broken,
                                Ok(archive) => {
                                    let own = Tree::Zip(archive);
                                    opened.files = own.names().into();
                                    let log = opened.files.iter().find_map(|file| {
                                        let (before, log) = file.rsplit_once("logs/")?;
                                        is_kernel_log(log).then(|| before.trim_end_matches('/'))
                                    });
                                    opened.prefix = log.unwrap_or(node).to_owned();
                                    opened.own = Some(own);
                                }
                            }
                        }
                    }
                }
            }
            nodes.push(opened);
        }
        nodes
    }

    /// Sets the name of a node to its host name: the name of a folder or an archive may have been changed.
    fn host_name(&mut self, name: &str, tree: &mut Tree, node: &mut Node) {
        let tree = node.own.as_mut().unwrap_or(tree);
        let view = node_view(&node.name, &node.prefix, &node.files);
        let file = view.below("configs/etc/hostname").next().map(str::to_owned);
        let text = file.and_then(|file| self.piece(name, tree, &file, CONFIG));
        if let Some(own) = text.as_deref().map(str::trim).filter(|own| !own.is_empty()) {
            node.name = own.to_owned();
        }
    }

    /// Reads the facts about a node from its configuration.
    fn configuration(
        &mut self,
        name: &str,
        tree: &mut Tree,
        node: NodeView<'_>,
        networks: &mut Vec<crate::net::IpNet>,
    ) {
        let mut own = Vec::new();
        let mut rules = 0;
        for file in node.below("configs/etc/rancher/rke2/config.yaml.d/") {
            if let Some(text) = self.piece(name, tree, file, CONFIG)
                && let Some(nets) = rke2::Configuration::read(&text).pods
            {
                // RKE2 reads the folder in the order of names, and the last value wins.
                own = nets;
            }
        }
        for net in own {
            if !networks.contains(&net) {
                networks.push(net);
            }
        }
        for file in node.below("configs/oem/") {
            let Some(text) = self.piece(name, tree, file, CONFIG) else {
                continue;
            };
            // The folder contains passwords as well; only files with firewall rules are read on.
            if is_firewall(&text) {
                rules += 1;
                self.learned(ClusterFact::Rules {
                    nodes: vec![node.name.to_owned()],
                    name: file.rsplit('/').next().unwrap_or(file).to_owned(),
                    text,
                    is_on_disk: true,
                });
            }
        }
        if rules == 0 && node.below("").next().is_some() {
            self.learned(ClusterFact::Remark(format!(
                "node `{}` has no firewall rules in configs/oem: its chain is not known; --rules tells it",
                node.name
            )));
        }
    }

    /// Reads the kernel logs of a node as one log.
    fn kernel_logs(
        &mut self,
        name: &str,
        tree: &mut Tree,
        mut node: Node,
        reading: Reading,
        depth: u32,
    ) {
        if let Some(broken) = node.broken.take() {
            self.salvage(
                &format!("{name}/nodes/{}.zip", node.name),
                broken,
                reading,
                depth + 1,
            );
            return;
        }
        let view = node_view(&node.name, &node.prefix, &node.files);
        let logs: Vec<String> = view
            .below("logs/")
            .filter(|file| file.rsplit('/').next().is_some_and(is_kernel_log))
            .map(str::to_owned)
            .collect();
        if logs.is_empty() {
            self.learned(ClusterFact::NoLog {
                text: format!("node `{}` has no logs/kernel.log", node.name),
                node: node.name.clone(),
            });
        }
        let has_logs = !logs.is_empty();
        let tree = node.own.as_mut().unwrap_or(tree);
        let mut reader = Reader::new(self.options.prefixes.clone(), reading);
        let mut any = false;
        for log in logs {
            let full = format!("{name}: {}: {log}", node.name);
            match tree.open(&log, &self.bounds) {
                Ok((source, _)) => {
                    any |= self.pour(&full, source, reading, depth + 1, &mut reader);
                }
                Err(why) => self.failed(&full, why),
            }
        }
        if any {
            reader.finish(self.sink);
            self.summary.add(super::Summary::of(&reader));
        }
        if has_logs && !reader.is_known() {
            self.learned(ClusterFact::NoLog {
                text: format!(
                    "node `{}` has no line of a log in logs/kernel.log",
                    node.name
                ),
                node: node.name,
            });
        }
    }

    /// Reads the text of one file; a failure is reported and returns `None`.
    fn piece(&mut self, name: &str, tree: &mut Tree, file: &str, limit: u64) -> Option<String> {
        match tree.text(file, &self.bounds, limit) {
            Ok(text) => Some(text),
            Err(why) => {
                self.failed(&format!("{name}/{file}"), why);
                None
            }
        }
    }
}

/// The files of one node among those of a tree.
#[derive(Clone, Copy)]
struct NodeView<'a> {
    name: &'a str,
    prefix: &'a str,
    files: &'a [String],
}

const fn node_view<'a>(name: &'a str, prefix: &'a str, files: &'a [String]) -> NodeView<'a> {
    NodeView {
        name,
        prefix,
        files,
    }
}

impl<'a> NodeView<'a> {
    /// Returns the node's files below `folder`.
    fn below(self, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let start = if self.prefix.is_empty() {
            folder.to_owned()
        } else {
            format!("{}/{folder}", self.prefix)
        };
        // In the sorted list such files are adjacent.
        let from = (self.files).partition_point(|file| unrotated(file).0 < start.as_str());
        self.files[from..]
            .iter()
            .map(String::as_str)
            .take_while(move |file| file.starts_with(&start))
    }
}
