//! Archives: [`Tree`], the files of a zip or of a folder by their names, and what can be saved from a broken zip.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config, ZipFile, read_zipfile_from_stream};
use zip::result::ZipError;

use super::bounds::{Bounds, Counted, Progress, Unpacked};
use super::{BLOCK, Opening, Source, bundle, modified};
use crate::time::{DAY, Reading, SECOND, Time, days_of_civil};

/// How deep folders are looked into.
const FOLDERS: u32 = 12;
/// How many files of a folder or an archive are looked at: a large bundle has some thousands.
const FILES: usize = 200_000;

type Archive = ZipArchive<Counted<File>>;

/// Files by their names: paths with `/` between their parts, whatever the system.
pub(super) enum Tree {
    Folder(PathBuf),
    Zip(Box<Archive>),
}

impl Tree {
    /// All files, sorted so that the older parts of a rotated log come before the newer.
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

    /// Opens a file, and tells when it was written.
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

    /// The text of a file, up to `limit` bytes of it.
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

/// The sort key of a rotated log, `kernel.log.2`, `kernel.log.1.gz`, `kernel.log`: its name without what rotation added, and
/// how old it is.
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

/// When a member was written. The form has no zone; a day of slack is granted to such times anyway.
fn written<R: Read>(file: &ZipFile<'_, R>) -> Option<Time> {
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

impl Opening<'_, '_, '_> {
    /// Reads an archive: a support bundle as such, of any other each file.
    pub(super) fn zip(
        &mut self,
        name: &str,
        stream: Box<dyn Read + '_>,
        file: Option<Counted<File>>,
        reading: Reading,
        depth: u32,
    ) {
        match self.archive(name, stream, file) {
            Ok(archive) => self.tree(name, Tree::Zip(archive), reading, depth),
            Err(Some(broken)) => self.salvage(name, broken, reading, depth),
            Err(None) => {}
        }
    }

    /// Opens an archive; one whose list of files cannot be read comes back as a file.
    pub(super) fn archive(
        &mut self,
        name: &str,
        stream: Box<dyn Read + '_>,
        file: Option<Counted<File>>,
    ) -> Result<Box<Archive>, Option<File>> {
        let failed = |this: &mut Self, why| {
            this.failed(name, why);
            None
        };
        let (kept, file) = match file {
            Some(file) => (file.try_clone(), file),
            None => {
                let file = self.spool(name, stream).map_err(|why| failed(self, why))?;
                let kept = file.try_clone();
                // Those bytes were counted when they came in.
                (kept, Counted::new(file, Bounds::new(Progress::default())))
            }
        };
        // The list at the end of a zip that was cut off may be that of a whole zip in it.
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        match ZipArchive::with_config(config, file) {
            Ok(mut archive) => {
                if !archive.has_overlapping_files().unwrap_or(false) {
                    return Ok(Box::new(archive));
                }
                self.bounds.trip();
                let why = "files in it share the same bytes, as those of a zip bomb do; nothing of it is read. If it can be \
                           trusted, unpack it and name the folder";
                self.failed(name, io::Error::other(why));
                Err(None)
            }
            Err(why) => {
                let text = format!(
                    "the list of files at its end cannot be read ({why}), as of an incomplete download; what stands \
                     before is read as far as it goes. Get it again, or repair it with `zip -FF`"
                );
                self.failed(name, io::Error::other(text));
                Err(kept.ok())
            }
        }
    }

    /// Lays a stream on disk, in a file without a name: an archive is read from its end.
    fn spool(&mut self, name: &str, mut stream: Box<dyn Read + '_>) -> io::Result<File> {
        let mut file = tempfile::tempfile()?;
        let mut block = vec![0; BLOCK];
        loop {
            match stream.read(&mut block) {
                Ok(0) => break,
                Ok(n) => {
                    file.write_all(&block[..n])?;
                    self.bounds.hollow(n);
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                // What has come may hold whole files.
                Err(why) if !self.bounds.is_tripped() => {
                    self.failed(name, why);
                    break;
                }
                Err(why) => return Err(why),
            }
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// Reads a folder or an archive.
    pub(super) fn tree(&mut self, name: &str, mut tree: Tree, reading: Reading, depth: u32) {
        let names = tree.names();
        if let Some(layout) = bundle::Layout::of(name, &names) {
            self.bundle(name, tree, layout, reading, depth);
            return;
        }
        for member in names {
            if self.bounds.is_tripped() {
                return;
            }
            let full = format!("{name}/{member}");
            match tree.open(&member, &self.bounds) {
                Ok((source, written)) => {
                    let reference = written.unwrap_or(reading.reference);
                    let reading = Reading {
                        reference,
                        ..reading
                    };
                    self.input(&full, source, reading, depth + 1);
                }
                Err(why) => self.failed(&full, why),
            }
        }
    }

    /// Reads the files of a broken archive in the order in which they stand in it, as far as it goes.
    pub(super) fn salvage(&mut self, name: &str, mut file: File, reading: Reading, depth: u32) {
        if file.seek(SeekFrom::Start(0)).is_err() {
            return;
        }
        let mut file = io::BufReader::with_capacity(BLOCK, file);
        while !self.bounds.is_tripped() {
            let member = match read_zipfile_from_stream(&mut file) {
                Ok(Some(member)) => member,
                // The end of what can be read, which has been told.
                Ok(None) | Err(_) => return,
            };
            let Ok(own) = member.name().map(std::borrow::Cow::into_owned) else {
                continue;
            };
            if !member.is_file() || bundle::is_beside(&own) {
                continue;
            }
            let reference = written(&member).unwrap_or(reading.reference);
            let stream = Unpacked::new(member, self.bounds.clone(), "zip", "unzip -t");
            self.input(
                &format!("{name}/{own}"),
                Source::Stream(Box::new(stream)),
                Reading {
                    reference,
                    ..reading
                },
                depth + 1,
            );
        }
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
