//! Archives: the members of a zip or a folder, and the recovery of members from a broken zip.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config, read_zipfile_from_stream};

use super::bounds::{Bounds, Counted, Progress, Unpacked};
use super::tree::{Archive, Tree, written};
use super::unpack::Source;
use super::{BLOCK, Opening, Spool, bundle};
use crate::time::Reading;

impl Opening<'_, '_, '_> {
    /// Reads an archive: as a support bundle if it is one, otherwise each of its files.
    pub(super) fn zip(
        &mut self,
        name: &str,
        stream: Box<dyn Read + Send + '_>,
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

    /// Opens an archive. A file whose central directory cannot be read is handed back.
    pub(super) fn archive(
        &mut self,
        name: &str,
        stream: Box<dyn Read + Send + '_>,
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
                // These bytes were counted when they were read.
                (kept, Counted::new(file, Bounds::new(Progress::default())))
            }
        };
        // The central directory at the end of a truncated zip may belong to a complete zip within it.
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

    /// Copies a stream to an unnamed file: an archive is read from its end.
    fn spool(&mut self, name: &str, stream: Box<dyn Read + Send + '_>) -> io::Result<File> {
        let (file, broken) = Spool::copy(stream, &self.bounds)?;
        match broken {
            Some(why) if self.bounds.is_tripped() => return Err(why),
            // The bytes read so far may contain complete members.
            Some(why) => self.failed(name, why),
            None => {}
        }
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

    /// Reads the members of a broken archive in their order, as far as possible.
    pub(super) fn salvage(&mut self, name: &str, mut file: File, reading: Reading, depth: u32) {
        if file.seek(SeekFrom::Start(0)).is_err() {
            return;
        }
        let mut file = io::BufReader::with_capacity(BLOCK, file);
        while !self.bounds.is_tripped() {
            let member = match read_zipfile_from_stream(&mut file) {
                Ok(Some(member)) => member,
                // The readable part ends here; the failure has been reported.
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
