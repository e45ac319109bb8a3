//! Files in an archive, as a support bundle has them: what they tell of the cluster, and their logs.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use dropsift::analyze::Analysis;
use dropsift::input::source::read_stream;
use dropsift::rule::Scope;
use dropsift::site::Site;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::seen::{self, options};
use super::{report, shown};

/// A line that begins a file of the archive; its name follows.
const FILE: &str = "=== ";

/// A text that describes an archive: `=== NAME` begins a file, and what stands in `A.zip/` goes into an archive of its own.
pub fn bundle(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut top: Vec<(String, Vec<u8>)> = Vec::new();
    let mut nested: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for part in text.split(&format!("\n{FILE}")) {
        let part = part.strip_prefix(FILE).unwrap_or(part);
        let (name, body) = part.split_once('\n').unwrap_or((part, ""));
        let body = body.as_bytes().to_vec();
        match name.split_once(".zip/") {
            Some((outer, inner)) => {
                let files = nested.entry(format!("{outer}.zip")).or_default();
                files.push((inner.to_owned(), body));
            }
            None => top.push((name.to_owned(), body)),
        }
    }
    top.extend((nested.iter()).map(|(name, files)| (name.clone(), packed(files))));
    let archive = packed(&top);
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut seen = seen::Seen::default();
    let (summary, errors) =
        read_stream("a bundle", Cursor::new(archive), &options(), &mut |item| {
            seen.take(&item);
            analysis.push(item);
        });
    for error in errors {
        shown::plain("an error", error.to_string().into_bytes());
    }
    assert!(
        seen.lines <= summary.lines,
        "more drop lines than lines: {seen:?}"
    );
    report::checked(&analysis.report(None));
}

/// The files as a zip.
fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, body) in files {
        // Two files of one name are refused.
        if zip.start_file(name.as_str(), stored).is_ok() {
            zip.write_all(body).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}
