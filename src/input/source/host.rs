//! Facts from the files of a node: its name, its role, and the files applied at boot.
//!
//! The installer (harvester/harvester, pkg/installer/config/cos.go) writes RKE2's configuration and keeps its own in
//! `/oem/harvester.config`; node-manager writes CloudInits to `/oem`. Nothing is executed or changed.

use std::io;
use std::path::Path;

use super::root::Root;
use crate::catalog::Role;
use crate::error::{Error, printable_name};
use crate::input::event::ClusterFact;
use crate::input::objects::{is_firewall, rke2};

const HOSTNAME: &str = "etc/hostname";
const INSTALLED: &str = "oem/harvester.config";
const RELEASE: &str = "etc/harvester-release.yaml";
const OEM: &str = "oem";
const RKE2: &str = "etc/rancher/rke2/config.yaml";
const RKE2_FOLDER: &str = "etc/rancher/rke2/config.yaml.d";
/// File that exists where RKE2 runs as an agent: each start of the service creates or removes it
/// (harv-update-rke2-server-url).
const AGENT: &str = "etc/rancher/rke2/config.yaml.d/90-harvester-vip.yaml";
/// Directory that only a server of RKE2 has.
const SERVER: &str = "var/lib/rancher/rke2/server";
/// The taint of a witness, which the installer writes for it alone.
const WITNESS_TAINT: &str = "node-role.kubernetes.io/etcd=true:NoExecute";

/// Facts from a node's files.
#[derive(Debug)]
pub struct Host {
    /// The machine's name, by which its log calls it.
    pub name: String,
    pub facts: Vec<ClusterFact>,
}

/// Whether `root` is the root of a Harvester node.
pub fn is_harvester(root: &Path) -> bool {
    let root = Root(root);
    root.has(RELEASE) || root.has(INSTALLED)
}

/// Returns the name of the machine whose root is `root`.
pub fn host_name(root: &Path) -> Option<String> {
    let text = Root(root).text(HOSTNAME).ok()??;
    let mut lines = text.lines().map(str::trim);
    let name = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    Some(name.to_owned())
}

/// Reads the files of the node whose root is `root`.
///
/// # Errors
/// If it is not the root of a node.
pub fn read_host(root: &Path) -> Result<Host, Error> {
    let folder = root.display();
    let refused = |why: &str| Error::Unreadable {
        name: folder.to_string(),
        why: format!(
            "{why}; name the root of a node: `/` on the node itself, or where it is mounted"
        ),
    };
    if !root.is_dir() {
        return Err(refused("it is no directory"));
    }
    let name = host_name(root).ok_or_else(|| refused("it has no etc/hostname"))?;
    let reading = Reading {
        root: Root(root),
        shown: folder.to_string(),
        name: name.clone(),
        facts: Vec::new(),
    };
    Ok(Host {
        name,
        facts: reading.all(),
    })
}

struct Reading<'a> {
    root: Root<'a>,
    /// The root as messages name it.
    shown: String,
    name: String,
    facts: Vec<ClusterFact>,
}

impl Reading<'_> {
    fn all(mut self) -> Vec<ClusterFact> {
        let (mut labels, mut taints) = (Vec::new(), Vec::new());
        let mut pods = Vec::new();
        let mut files = vec![RKE2.to_owned()];
        files.extend(self.folder(RKE2_FOLDER));
        for file in files {
            let Some(text) = self.text(&file) else {
                continue;
            };
            let own = rke2::Configuration::read(&text);
            labels.extend(own.labels);
            taints.extend(own.taints);
            // RKE2 reads the folder by name, and the last value holds.
            pods = own.pods.unwrap_or(pods);
            let node = self.name.clone();
            if let Some(other) = own.node_name.filter(|other| *other != node) {
                self.facts.push(ClusterFact::Name {
                    node: node.clone(),
                    other,
                });
            }
            for address in own.addresses {
                let node = node.clone();
                self.facts.push(ClusterFact::Address { node, address });
            }
        }
        self.role(&labels, &taints);
        self.facts
            .extend(pods.into_iter().map(ClusterFact::PodCidr));
        self.boot_files();
        self.facts
    }

    fn role(&mut self, labels: &[String], taints: &[String]) {
        let installed = self
            .text(INSTALLED)
            .and_then(|text| rke2::installed_role(&text));
        let is_installed = |role: &str| installed.as_deref() == Some(role);
        let label = |role: &str| format!("node-role.harvesterhci.io/{role}=true");
        let has = |role: &str| labels.contains(&label(role));
        let is_agent = self.root.has(AGENT);
        let is_server = !is_agent && self.root.has(SERVER);
        let told = if is_installed("witness") {
            Some((Role::Witness, format!("install.role in {INSTALLED}")))
        } else if has("witness") {
            Some((
                Role::Witness,
                format!("label {} in RKE2's configuration", label("witness")),
            ))
        } else if taints.iter().any(|taint| taint == WITNESS_TAINT) {
            Some((
                Role::Witness,
                format!("taint {WITNESS_TAINT} in RKE2's configuration"),
            ))
        } else if is_installed("worker") {
            Some((Role::Worker, format!("install.role in {INSTALLED}")))
        } else if has("worker") {
            Some((
                Role::Worker,
                format!("label {} in RKE2's configuration", label("worker")),
            ))
        } else if is_server {
            Some((Role::ControlPlane, "it runs RKE2 as a server".to_owned()))
        } else {
            None
        };
        let node = self.name.clone();
        if let Some((role, why)) = told {
            if role == Role::Worker && is_server {
                self.remark(format!(
                    "{} was installed as a worker, and runs RKE2 as a server; it is taken for a worker",
                    printable_name(&node)
                ));
            }
            self.facts.push(ClusterFact::Role { node, role, why });
            return;
        }
        let why = if is_agent {
            "runs RKE2 as an agent and was given no role: no documented CloudInit makes a chain there until it is promoted"
        } else {
            "does not tell its role"
        };
        self.remark(format!(
            "{} {why}; its role is a guess unless --role sets it",
            printable_name(&node)
        ));
    }

    /// The files with firewall rules in `/oem`.
    fn boot_files(&mut self) {
        let names = self.folder(OEM);
        let mut has_rules = false;
        for file in names {
            // The folder also holds passwords: the text of files without firewall rules is not kept.
            if let Some(text) = self.text(&file).filter(|text| is_firewall(text)) {
                has_rules = true;
                self.facts.push(ClusterFact::Rules {
                    nodes: vec![self.name.clone()],
                    name: file.rsplit('/').next().unwrap_or(&file).to_owned(),
                    text,
                    is_on_disk: true,
                });
            }
        }
        if !has_rules {
            self.remark(format!(
                "no file of {OEM} in {} has firewall rules: no chain is made when {} boots",
                self.shown,
                printable_name(&self.name)
            ));
        }
    }

    /// Returns the YAML files of a folder, in the order in which they count.
    fn folder(&mut self, folder: &str) -> Vec<String> {
        let names = self.root.names(folder);
        let names = names.unwrap_or_else(|why| {
            self.failed(folder, &why);
            Vec::new()
        });
        let is_yaml = |name: &&String| name.ends_with(".yaml") || name.ends_with(".yml");
        let paths = names.iter().filter(is_yaml);
        paths.map(|name| format!("{folder}/{name}")).collect()
    }

    fn text(&mut self, file: &str) -> Option<String> {
        self.root.text(file).unwrap_or_else(|why| {
            self.failed(file, &why);
            None
        })
    }

    fn failed(&mut self, file: &str, why: &io::Error) {
        let advice = match why.kind() {
            io::ErrorKind::PermissionDenied => {
                "permission denied; run as root to read it".to_owned()
            }
            _ => format!("{why}; what it tells is not known"),
        };
        self.remark(format!("cannot read {file} in {}: {advice}", self.shown));
    }

    fn remark(&mut self, text: String) {
        self.facts.push(ClusterFact::Remark(text));
    }
}
