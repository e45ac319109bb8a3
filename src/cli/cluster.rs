//! Facts about the cluster that are collected before the log is read: from objects printed by `kubectl`, and from
//! the files of a node.

use std::path::{Path, PathBuf};

use super::options::{Inputs, Judging, Shared};
use super::say;
use crate::error::{Error, printable};
use crate::input::event::ClusterFact;
use crate::input::source::{holds_objects, host_name, is_harvester, read_host, read_objects};
use crate::report::{InputReport, Tally};
use crate::site::{Provenance, Site};

/// Upper bound on the facts of one source that are listed one by one without `-v`; remarks are always listed.
const MAX_FACTS: usize = 24;

/// Adds the facts of `--cluster` and `--host` to the site: objects first, then the files of a node.
///
/// # Errors
/// If one of them cannot be read.
pub(super) fn learn(site: &mut Site, judging: &Judging, is_verbose: bool) -> Result<(), Error> {
    for path in &judging.cluster {
        let facts = read_objects(path)?;
        take(site, &facts, Provenance::Cluster);
        tell(&facts, path, judging.quiet, is_verbose);
    }
    if let Some(root) = &judging.host {
        let host = read_host(root)?;
        take(site, &host.facts, Provenance::Host);
        tell(&host.facts, root, judging.quiet, is_verbose);
    }
    Ok(())
}

/// Returns the root of this machine, if it is a Harvester node.
fn this_node() -> Option<PathBuf> {
    let root = Path::new("/");
    (is_harvester(root) && host_name(root).is_some()).then(|| root.to_owned())
}

/// A Harvester node that the program runs on.
pub(super) struct Local {
    /// The machine's name.
    pub(super) name: String,
    root: PathBuf,
    is_quiet: bool,
    is_verbose: bool,
}

impl Local {
    /// This machine, where it is a node and nobody told of another.
    pub(super) fn find(shared: &Shared) -> Option<Self> {
        let root = this_node().filter(|_| shared.judging.host.is_none())?;
        Some(Self {
            name: host_name(&root)?,
            root,
            is_quiet: shared.is_quiet(),
            is_verbose: shared.verbose,
        })
    }

    /// What its files tell, which is said.
    pub(super) fn facts(self) -> Vec<ClusterFact> {
        let facts = read_host(&self.root).map_or_else(|_| Vec::new(), |host| host.facts);
        tell(&facts, &self.root, self.is_quiet, self.is_verbose);
        facts
    }
}

fn take(site: &mut Site, facts: &[ClusterFact], by: Provenance) {
    for fact in facts {
        site.learn(fact, by);
    }
}

/// Prints the learned facts on stderr, one a line.
fn tell(facts: &[ClusterFact], from: &Path, is_quiet: bool, is_verbose: bool) {
    if is_quiet {
        return;
    }
    let from = match from.to_str() {
        Some("-") => "stdin".to_owned(),
        _ => printable(&from.display().to_string()),
    };
    let mut left = if is_verbose { usize::MAX } else { MAX_FACTS };
    let mut untold = 0;
    for fact in facts {
        let is_odd = matches!(fact, ClusterFact::NoLog { .. } | ClusterFact::Remark(_));
        if is_odd || left > 0 {
            left -= usize::from(!is_odd);
            say(&format!("learned from {from}: {fact}"));
        } else {
            untold += 1;
        }
    }
    if untold > 0 {
        say(&format!(
            "learned from {from}: {untold} more (-v shows them)"
        ));
    }
}

/// Returns the reports of the inputs that held objects, which have no lines.
pub(super) fn reports(shared: &Shared) -> Vec<InputReport> {
    let report = |path: &PathBuf| InputReport {
        name: path.display().to_string(),
        tally: Tally::default(),
        unjudged: None,
        has_objects: true,
        error: None,
    };
    shared.objects.iter().map(report).collect()
}

/// Usage error for a file of objects that is given without a log.
pub(super) fn no_log(name: &str) -> Error {
    Error::Usage(format!(
        "`{name}` holds objects of the cluster, and no log is given; name the log too, or `-` for one on stdin"
    ))
}

/// Moves files of Kubernetes objects from the inputs behind the first `kept` ones to `--cluster`. With `--journal` on a
/// Harvester node, its root becomes `--host`.
///
/// # Errors
/// If no other input remains.
pub(super) fn sort_inputs(
    shared: &mut Shared,
    read: &mut Inputs,
    kept: usize,
) -> Result<(), Error> {
    if shared.journal && shared.judging.host.is_none() {
        shared.judging.host = this_node();
    }
    let mut objects = Vec::new();
    let mut at = 0;
    read.inputs.retain(|path| {
        at += 1;
        let is_log = at <= kept || path.as_os_str() == "-" || !holds_objects(path);
        if !is_log {
            objects.push(path.clone());
        }
        is_log
    });
    if objects.is_empty() {
        return Ok(());
    }
    if read.inputs.len() <= kept && !shared.journal {
        return Err(no_log(&objects[0].display().to_string()));
    }
    shared.judging.cluster.extend(objects.iter().cloned());
    shared.objects = objects;
    Ok(())
}
