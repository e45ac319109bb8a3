//! The root of a node as a directory: links stay inside it, and only plain files are opened.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one path, as the kernel has it (path_resolution(7)).
const MAX_LINKS: u32 = 40;
/// Names of one folder that are looked at.
const MAX_NAMES: usize = 1_000;
/// Upper bound on the bytes of a file that are read.
const MAX_BYTES: u64 = 1 << 20;

/// A directory that stands for `/`.
pub(super) struct Root<'a>(pub(super) &'a Path);

impl Root<'_> {
    /// Resolves `path` with its symbolic links as if the directory were `/`.
    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        let mut left: Vec<String> = Vec::new();
        push(&mut left, Path::new(path))?;
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            let here = self.join(&done);
            if !here.symlink_metadata()?.is_symlink() {
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("it leads through links without end"));
            }
            let target = here.read_link()?;
            done.pop();
            if target.is_absolute() {
                done.clear();
            }
            push(&mut left, &target)?;
        }
        Ok(self.join(&done))
    }

    fn join(&self, parts: &[String]) -> PathBuf {
        let mut path = self.0.to_owned();
        path.extend(parts);
        path
    }

    /// Whether there is something at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.resolve(path).is_ok()
    }

    /// Returns the text of a plain file, the first [`MAX_BYTES`] of it; `None` where there is none.
    ///
    /// # Errors
    /// If it may not be read.
    pub(super) fn text(&self, path: &str) -> io::Result<Option<String>> {
        let open = || {
            let path = self.resolve(path)?;
            // A device or a pipe is no file of a configuration, and opening one may do something, or wait for ever.
            if !path.symlink_metadata()?.is_file() {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        };
        open().or_else(absent)
    }

    /// Returns the names in a folder, sorted.
    ///
    /// # Errors
    /// If it may not be read.
    pub(super) fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let list = || {
            let entries = std::fs::read_dir(self.resolve(path)?)?;
            let names = entries
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok());
            let mut names: Vec<String> = names.take(MAX_NAMES).collect();
            names.sort();
            Ok(Some(names))
        };
        list().or_else(absent).map(Option::unwrap_or_default)
    }
}

/// Pushes the components of a path onto the stack of those left, the first on top.
fn push(left: &mut Vec<String>, path: &Path) -> io::Result<()> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                let name = name
                    .to_str()
                    .ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
                parts.push(name.to_owned());
            }
            Component::ParentDir => parts.push("..".to_owned()),
            _ => {}
        }
    }
    left.extend(parts.into_iter().rev());
    Ok(())
}

/// Turns a "not found" error into `None`.
fn absent<T>(why: io::Error) -> io::Result<Option<T>> {
    match why.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
        _ => Err(why),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_inside() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "outside").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("etc/deep")).unwrap();
        std::fs::write(at("etc/real"), "inside").unwrap();
        let root = Root(folder.path());
        for (link, target) in [
            ("etc/absolute", "/etc/real"),
            ("etc/relative", "real"),
            ("etc/up", "../../../../../../etc/real"),
            ("etc/deep/up", "../real"),
            ("folder", "/etc"),
        ] {
            symlink(target, at(link)).unwrap();
            let path = if link == "folder" {
                "folder/real"
            } else {
                link
            };
            assert_eq!(root.text(path).unwrap().unwrap(), "inside", "{link}");
        }
        let secret = outside.path().join("secret");
        symlink(&secret, at("etc/out")).unwrap();
        symlink("loop", at("etc/loop")).unwrap();
        assert_eq!(root.text("etc/out").unwrap(), None);
        assert!(root.text("etc/loop").is_err());
        assert_eq!(root.text("etc/none").unwrap(), None);
        assert_eq!(root.text("etc/real/below").unwrap(), None);
        assert_eq!(root.text("etc").unwrap(), None);
        assert_eq!(root.names("nowhere").unwrap(), [""; 0]);
        assert_eq!(root.names("etc/deep").unwrap(), ["up"]);
    }

    /// A pipe without a writer would be waited for.
    #[test]
    fn a_pipe_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join("etc/hostname"))
            .status();
        if made.is_ok_and(|made| made.success()) {
            assert_eq!(Root(folder.path()).text("etc/hostname").unwrap(), None);
        }
    }
}
