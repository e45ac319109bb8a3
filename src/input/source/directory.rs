//! Directories: the files of a journal, `/var/log/journal` or one folder of it, or an unpacked support bundle.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::archive::Tree;
use super::bounds::{Bounds, Counted, DEPTH, Progress};
use super::journal::{self, Waiting};
use super::unpack::{Kind, Peeked, unpack};
use super::{Opening, bundle};

/// Where journald keeps the journals of a machine (systemd-journald.service(8)), in folders named by its machine ID:
/// those that stay, and those of this boot.
pub const LOCAL_JOURNALS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

impl Opening<'_, '_, '_> {
    /// Reads what the directory `path` holds.
    pub(super) fn directory(&mut self, path: &Path) {
        let name = path.display().to_string();
        if let Err(why) = std::fs::read_dir(path) {
            return self.failed(&name, why);
        }
        let tree = Tree::Folder(path.to_owned());
        let names = tree.names();
        if bundle::Layout::of(&name, &names).is_some() {
            return self.tree(&name, tree, self.options.reading, 0);
        }
        let before = self.errors.len();
        let files = names.iter().map(|own| path.join(own)).collect();
        let waiting = self.journals_among(files);
        if !waiting.is_empty() {
            self.journal_parts(waiting);
        } else if self.errors.len() == before {
            let why = "it is a directory, and holds neither a journal nor a support bundle; name the files in it";
            self.failed(&name, io::Error::other(why));
        }
    }

    /// Reads the journals in those of `folders` that there are, as one.
    pub(super) fn journal_folders(&mut self, name: &str, folders: &[PathBuf]) {
        let mut files = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            if let Err(why) = std::fs::read_dir(folder) {
                self.failed(&folder.display().to_string(), why);
                continue;
            }
            let names = Tree::Folder(folder.clone()).names();
            files.extend(names.iter().map(|own| folder.join(own)));
        }
        let before = self.errors.len();
        let waiting = self.journals_among(files);
        if waiting.is_empty() && self.errors.len() == before {
            let list: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
            let why = format!("no journal in {}; name its directory", list.join(" or "));
            return self.failed(name, io::Error::other(why));
        }
        self.journal_parts(waiting);
    }

    /// The journals among `files`, in the order of their first entries.
    fn journals_among(&mut self, files: Vec<PathBuf>) -> VecDeque<Waiting> {
        let mut waiting = Vec::new();
        // A look at the begin is no reading.
        let bounds = Bounds::new(Progress::default());
        for path in files {
            let opened =
                journal_in(&path, &bounds).and_then(|stream| stream.map(journal::head).transpose());
            match opened {
                Ok(Some(head)) => {
                    if let Ok(meta) = path.metadata() {
                        self.bounds.expect(meta.len());
                    }
                    waiting.push(Waiting { head, path });
                }
                Ok(None) => {}
                Err(why) => self.failed(&path.display().to_string(), why),
            }
        }
        waiting.sort_by(|a, b| (a.head, &a.path).cmp(&(b.head, &b.path)));
        waiting.into()
    }

    /// The bytes of the journal `path`.
    pub(super) fn journal_stream(&mut self, path: &Path) -> io::Result<Option<Box<dyn Read>>> {
        journal_in(path, &self.bounds)
    }
}

/// The bytes of the journal in the file `path`, its compression taken off; `None` if it holds something else.
fn journal_in(path: &Path, bounds: &Bounds) -> io::Result<Option<Box<dyn Read>>> {
    let mut stream: Box<dyn Read> = Box::new(Counted::new(File::open(path)?, bounds.clone()));
    for _ in 0..=DEPTH {
        let peeked = Peeked::new(stream, Vec::new())?;
        match peeked.kind() {
            Kind::Journal => return Ok(Some(peeked.into_stream())),
            Kind::Packed(codec) => stream = unpack(codec, peeked.into_stream(), bounds.clone())?,
            Kind::Text | Kind::Zip => return Ok(None),
        }
    }
    Ok(None)
}
