//! Directories: the files of a journal, `/var/log/journal` or one folder of it, or an unpacked support bundle.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::journal::{Waiting, empty, is_journal_name, is_new};
use super::journal_path::JournalPath;
use super::tree::Tree;
use super::{Opening, bundle, journals};

/// Directories in which journald keeps the journals of a machine (systemd-journald.service(8)), in folders named by its
/// machine ID: persistent ones, and those of this boot.
pub const LOCAL_JOURNALS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

impl Opening<'_, '_, '_> {
    /// Reads the inputs in the directory `path`.
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
        let files: Vec<PathBuf> = names.iter().map(|own| path.join(own)).collect();
        let new = files
            .iter()
            .find(|own| is_journal_name(own) && is_new(own))
            .cloned();
        if let Some(waiting) = self.journals_among(files) {
            self.journal_parts(waiting);
        } else if let Some(new) = new {
            self.failed(&new.display().to_string(), empty());
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
        if waiting.is_none() && self.errors.len() == before {
            let list: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
            let why = format!("no journal in {}; name its directory", list.join(" or "));
            return self.failed(name, io::Error::other(why));
        }
        self.journal_parts(waiting.unwrap_or_default());
    }

    /// Selects the journals among `files`, in the order of their first entries, without those that ended before `--since`;
    /// `None` where there is no journal.
    fn journals_among(&mut self, files: Vec<PathBuf>) -> Option<VecDeque<Waiting<JournalPath>>> {
        let mut waiting = Vec::new();
        let mut is_any = false;
        let wanted = journals::wanted(&self.options.prefixes);
        for path in files {
            let name = path.display().to_string();
            match JournalPath::look(path, &wanted) {
                Ok(Some(journal)) => {
                    is_any = true;
                    if self.has_ended_before(journal.realtime.1, journal.entries) {
                        continue;
                    }
                    self.bounds.expect(journal.bytes);
                    waiting.push(Waiting {
                        head: journal.realtime.0,
                        name,
                        what: journal,
                    });
                }
                Ok(None) => {}
                Err(why) => self.failed(&name, why),
            }
        }
        waiting.sort_by(|a, b| (a.head, &a.name).cmp(&(b.head, &b.name)));
        is_any.then(|| waiting.into())
    }
}
