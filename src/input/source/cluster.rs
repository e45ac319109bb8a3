//! Kubernetes objects among the inputs: in files named by `--cluster`, in ordinary inputs, and in archives.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::bounds::{Bounds, Progress, size};
use super::unpack::{Kind, Peeked, unpack};
use super::{Opening, bounds};
use crate::error::Error;
use crate::input::event::{ClusterFact, LogEvent};
use crate::input::objects::{COMMAND, Objects, is_objects};
use crate::provenance::Provenance;

/// Upper bound on the bytes of a text of objects: `kubectl` prints some 30 KiB for a node.
const MAX_OBJECTS: u64 = 256 << 20;
/// Number of bytes by which the content of a file is recognized.
const LOOK: usize = 64 << 10;

/// Reads the objects in the file `path` (`-` is the standard input) and returns their facts about the cluster.
///
/// # Errors
/// If it cannot be read, or holds no objects. The message names the remedy.
pub fn read_objects(path: &Path) -> Result<Vec<ClusterFact>, Error> {
    let name = path.display().to_string();
    let input = |why| Error::Input {
        name: name.clone(),
        why,
    };
    let stream: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        if path.is_dir() {
            let why = format!("it is a directory; name the file: {COMMAND} > cluster.yaml");
            return Err(Error::Unreadable { name, why });
        }
        Box::new(File::open(path).map_err(input)?)
    };
    let unreadable = |why| Error::Unreadable {
        name: name.clone(),
        why,
    };
    let peeked = peel(stream).map_err(input)?;
    if peeked.kind() != Kind::Text {
        return Err(unreadable(format!(
            "it is a report of dropsift, an archive or a journal, which are inputs; a support bundle is named among the inputs, and objects are saved with: {COMMAND}"
        )));
    }
    facts(&name, peeked, Bounds::new(Progress::default())).map_err(unreadable)
}

/// Whether the file `path` holds Kubernetes objects, packed or not. Only a plain file is opened.
pub fn holds_objects(path: &Path) -> bool {
    let is_file = std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
    let look = || {
        let stream: Box<dyn Read + Send> = Box::new(File::open(path).ok()?);
        let peeked = peel(stream).ok()?;
        (peeked.kind() == Kind::Text).then(|| is_objects(peeked.head()))
    };
    is_file && look().unwrap_or(false)
}

/// Removes the compression of a stream, and returns it with its first bytes.
fn peel(mut stream: Box<dyn Read + Send>) -> io::Result<Peeked<'static>> {
    let bounds = Bounds::new(Progress::default());
    for _ in 0..=bounds::DEPTH {
        let peeked = Peeked::new(stream, Vec::with_capacity(LOOK))?;
        match peeked.kind() {
            Kind::Packed(codec) => stream = unpack(codec, peeked.into_stream(), bounds.clone())?,
            _ => return Ok(peeked),
        }
    }
    Err(bounds::too_deep())
}

/// Text of objects, up to a bound; none of it is recognised as a log.
struct Bounded<'a> {
    text: Box<dyn Read + Send + 'a>,
    left: u64,
    bounds: Bounds,
}

impl Read for Bounded<'_> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(block)?;
        self.bounds.hollow(read);
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it is longer than {}, more than any cluster has; save only nodes, CloudInits, addons and upgrades: {COMMAND}",
                size(MAX_OBJECTS)
            ))
        })?;
        Ok(read)
    }
}

fn facts(name: &str, peeked: Peeked<'_>, bounds: Bounds) -> Result<Vec<ClusterFact>, String> {
    let mut objects = Objects::default();
    objects.read(Bounded {
        text: peeked.into_stream(),
        left: MAX_OBJECTS,
        bounds,
    })?;
    Ok(objects.facts(name))
}

impl Opening<'_, '_, '_> {
    /// Hands on a fact that a bundle tells.
    pub(super) fn learned(&mut self, fact: ClusterFact) {
        let by = Provenance::Bundle;
        (self.sink)(LogEvent::Learned { fact, by });
    }

    /// Reads the objects that `peeked` begins with.
    pub(super) fn objects(&mut self, name: &str, peeked: Peeked<'_>) {
        self.summary.objects = true;
        self.summary.known = true;
        match facts(name, peeked, self.bounds.clone()) {
            Ok(facts) => {
                for fact in facts {
                    let by = Provenance::Cluster;
                    (self.sink)(LogEvent::Learned { fact, by });
                }
            }
            Err(why) => self.failed(name, io::Error::other(why)),
        }
    }
}
