//! The files of a zip or of a folder by their names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::bounds::{Bounds, Counted, Unpacked};
use super::modified;
use super::unpack::Source;
use crate::time::{DAY, SECOND, Time, days_of_civil};

/// Upper bound on the depth of folders.
const FOLDERS: u32 = 12;
/// Upper bound on the files of a folder or an archive: a large bundle has some thousands.
const FILES: usize = 200_000;

pub(super) type Archive = ZipArchive<Counted<File>>;

/// Files by their names: paths with `/` between their parts, whatever the system.
pub(super) enum Tree {
    Folder(PathBuf),
    Zip(Box<Archive>),
}

impl Tree {
    /// Returns all file names, sorted so that the older parts of a rotated log come before the newer.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        match self {
            Self::Folder(root) => list(root, "", 0, &mut names),
            Self::Zip(archive) => names.extend(
                archive
                    .file_names()
                    .filter_map(|name| Some(name.ok()?.into_owned()))
                    .filter(|name| !name.ends_with('/'))
                    .take(FILES),
            ),
        }
        names.sort_by(|a, b| unrotated(a).cmp(&unrotated(b)));
        names
    }

    /// Opens a file. Returns the time of its last write as well.
    pub(super) fn open(
        &mut self,
        name: &str,
        bounds: &Bounds,
    ) -> io::Result<(Source<'_>, Option<Time>)> {
        match self {
            Self::Folder(root) => {
                let file = File::open(root.join(name))?;
                let written = file.metadata().ok().as_ref().and_then(modified);
                let file = Counted::new(file, bounds.clone());
                Ok((Source::File(file), written))
            }
            Self::Zip(archive) => {
                let file = archive.by_name(name).map_err(words)?;
                let written = written(&file);
                let stream = Unpacked::new(file, bounds.clone(), "zip", "unzip -t");
                Ok((Source::Stream(Box::new(stream)), written))
            }
        }
    }

    /// Reads the text of a file, up to `limit` bytes.
    pub(super) fn text(&mut self, name: &str, bounds: &Bounds, limit: u64) -> io::Result<String> {
        let mut bytes = Vec::new();
        match self.open(name, bounds)?.0 {
            Source::File(file) => file.take(limit).read_to_end(&mut bytes)?,
            Source::Stream(stream) => stream.take(limit).read_to_end(&mut bytes)?,
        };
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|why| String::from_utf8_lossy(why.as_bytes()).into_owned()))
    }
}

/// The files in `root` below `prefix`. Links are not followed: a bundle has none.
fn list(root: &Path, prefix: &str, depth: u32, names: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(root.join(prefix)) else {
        return;
    };
    for entry in entries.flatten() {
        let (Ok(kind), Ok(own)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        let name = if prefix.is_empty() {
            own
        } else {
            format!("{prefix}/{own}")
        };
        if names.len() >= FILES {
            return;
        } else if kind.is_file() {
            names.push(name);
        } else if kind.is_dir() && depth < FOLDERS {
            list(root, &name, depth + 1, names);
        }
    }
}

/// Returns the sort key of a rotated log, `kernel.log.2`, `kernel.log.1.gz`, `kernel.log`: its name without the suffix
/// of rotation, and its age.
pub(super) fn unrotated(name: &str) -> (&str, i64) {
    let mut stem = name;
    for packed in [".gz", ".xz", ".zst", ".bz2"] {
        stem = stem.strip_suffix(packed).unwrap_or(stem);
    }
    match stem.rsplit_once('.') {
        Some((base, number)) if number.parse::<u32>().is_ok() => {
            (base, -number.parse().unwrap_or(0))
        }
        _ => (stem, 0),
    }
}

/// Returns the time at which a member was written. The form has no zone; such times have a tolerance of a day anyway.
pub(super) fn written<R: Read>(file: &ZipFile<'_, R>) -> Option<Time> {
    let at = file.last_modified().filter(|at| at.year() > 1980)?;
    let days = days_of_civil(i32::from(at.year()), at.month(), at.day());
    let seconds = i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60;
    Some(Time(
        days * DAY + (seconds + i64::from(at.second())) * SECOND,
    ))
}

fn words(why: ZipError) -> io::Error {
    match why {
        ZipError::Io(why) => why,
        ZipError::UnsupportedArchive(what) if what == ZipError::PASSWORD_REQUIRED => {
            io::Error::other("it is encrypted; unpack it and name the folder")
        }
        other => io::Error::other(format!("{other}; unpack it and name the folder")),
    }
}

#[cfg(test)]
mod tests {
    use super::unrotated;

    #[test]
    fn older_parts_come_first() {
        let mut names = [
            "b",
            "a/kernel.log",
            "a/kernel.log.1.gz",
            "a/kernel.log.10",
            "a/kernel.log.2",
        ];
        names.sort_by(|a, b| unrotated(a).cmp(&unrotated(b)));
        assert_eq!(
            names,
            [
                "a/kernel.log.10",
                "a/kernel.log.2",
                "a/kernel.log.1.gz",
                "a/kernel.log",
                "b"
            ]
        );
    }
}
