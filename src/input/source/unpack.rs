//! Detection of an input's kind by its first bytes, and decompression.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};

use super::bounds::{Bounds, Counted, Unpacked};
use super::{decode, own_page, utf16};

/// Source of bytes.
pub(super) enum Source<'a> {
    /// A file that can be read again from its start.
    File(Counted<File>),
    Stream(Box<dyn Read + Send + 'a>),
}

/// Kind of an input, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Packed(Codec),
    Zip,
    Journal,
    /// What is not read, and what is said of it.
    Unread(&'static str),
    /// Reports or events of this program, as JSON, or a report as a page.
    Own,
    /// Anything else, which is read as lines.
    Text,
}

/// A compression format or text encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    /// Unpacked text in UTF-16, as PowerShell redirects output, little or big endian.
    Utf16 {
        low_first: bool,
    },
}

macro_rules! unread {
    ($what:literal, $command:literal) => {
        concat!(
            "it is packed with ",
            $what,
            ", and nothing of it is read. Unpack it, and name what comes out: `",
            $command,
            " FILE`"
        )
    };
}

/// Signatures of packed files and journals; no text log begins with one.
const MAGIC: &[(&[u8], Kind)] = &[
    (b"\x1f\x8b\x08", Kind::Packed(Codec::Gzip)),
    (b"\xfd7zXZ\0", Kind::Packed(Codec::Xz)),
    (b"\x28\xb5\x2f\xfd", Kind::Packed(Codec::Zstd)),
    // The first type of skippable frame, with which `pzstd` begins.
    (b"\x50\x2a\x4d\x18", Kind::Packed(Codec::Zstd)),
    // `BZh`, a level from 1 to 9, and the digits of pi; the level is not compared.
    (b"BZh?1AY&SY", Kind::Packed(Codec::Bzip2)),
    (b"BZh?\x17\x72\x45\x38\x50\x90", Kind::Packed(Codec::Bzip2)),
    // Byte order marks.
    (b"\xff\xfe", Kind::Packed(Codec::Utf16 { low_first: true })),
    (b"\xfe\xff", Kind::Packed(Codec::Utf16 { low_first: false })),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"LPKSHHRH", Kind::Journal),
    // Frames of today, and of versions before 1.4.
    (b"\x04\x22\x4d\x18", Kind::Unread(unread!("lz4", "lz4 -d"))),
    (b"\x02\x21\x4c\x18", Kind::Unread(unread!("lz4", "lz4 -d"))),
    (b"LZIP\x01", Kind::Unread(unread!("lzip", "lzip -d"))),
    (b"\x89LZO\0", Kind::Unread(unread!("lzop", "lzop -d"))),
    (
        b"7z\xbc\xaf\x27\x1c",
        Kind::Unread(unread!("7-Zip", "7z x")),
    ),
];

/// What is said of a tar archive.
const TAR: &str = "it is a tar archive, and nothing of it is read. Unpack it, and name the folder: `mkdir DIR; tar -xf FILE -C DIR; \
                   dropsift DIR`";

fn begins(head: &[u8], magic: &[u8]) -> bool {
    let same = |(&is, &should): (&u8, &u8)| is == should || should == b'?';
    head.iter().zip(magic).all(same)
}

/// Returns the kind of an input that begins with `head`; `None` while more bytes are needed.
fn kind(head: &[u8]) -> Option<Kind> {
    if let Some(kind) = own(head) {
        return kind;
    }
    match own_page::is_page(head) {
        Some(true) => return Some(Kind::Own),
        Some(false) => {}
        None => return None,
    }
    let mut fits = MAGIC.iter().filter(|(magic, _)| begins(head, magic));
    match fits.next() {
        None => match tar(head) {
            Some(is_told) => is_told.then_some(Kind::Unread(TAR)),
            None => Some(Kind::Text),
        },
        Some((magic, kind)) if magic.len() <= head.len() => Some(*kind),
        Some(_) => None,
    }
}

/// Whether a tar archive begins with `head`: `Some(false)` while more bytes are needed, `None` where none does.
fn tar(head: &[u8]) -> Option<bool> {
    /// Offset of `ustar`, which the formats of POSIX and of GNU share.
    const MARK: std::ops::Range<usize> = 257..262;
    /// Length of the name at the begin, which NULs fill up.
    const NAME: usize = 100;
    match head.get(MARK) {
        Some(mark) => (mark == b"ustar").then_some(true),
        None => {
            let nul = memchr::memchr2(0, b'\n', &head[..head.len().min(NAME)])?;
            (nul > 0 && head[nul] == 0).then_some(false)
        }
    }
}

/// Classifies a text that starts with `head` and may be a document of this program: `{"schema": "dropsift/`, or the
/// first keys of such a document after `jq -S` has sorted it.
fn own(head: &[u8]) -> Option<Option<Kind>> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    const FORMS: [&[&[u8]]; 4] = [
        &[b"{", b"\"schema\"", b":", b"\"dropsift/"],
        &[b"{", b"\"filters\"", b":", b"["],
        &[b"{", b"\"findings\"", b":", b"["],
        &[b"{", b"\"capped\"", b":", b"["],
    ];
    /// White space before it, in bytes; more is no document of ours.
    const MAX_BLANK: usize = 4096;
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let mut open = false;
    for form in FORMS {
        let mut rest = head;
        let mut begun = false;
        for (at, token) in form.iter().enumerate() {
            let blank = rest
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            rest = &rest[blank.min(MAX_BLANK)..];
            if let Some(behind) = rest.strip_prefix(*token) {
                rest = behind;
                begun = true;
                if at + 1 == form.len() {
                    return Some(Some(Kind::Own));
                }
                continue;
            }
            // More bytes are awaited only after a first token has matched: blank lines are lines of a log.
            open |= begun && token.starts_with(rest);
            break;
        }
    }
    open.then_some(None)
}

/// A stream whose first block was inspected.
pub(super) struct Peeked<'a> {
    head: Vec<u8>,
    stream: Box<dyn Read + Send + 'a>,
    kind: Kind,
}

impl<'a> Peeked<'a> {
    /// Reads into `head`, no further than needed: bytes that have come from a pipe must be processed before the next
    /// read blocks.
    pub(super) fn new(
        mut stream: Box<dyn Read + Send + 'a>,
        mut head: Vec<u8>,
    ) -> io::Result<Self> {
        let kind = look(&mut stream, &mut head)?;
        Ok(Self { head, stream, kind })
    }

    /// Unpacks a source; a file that must be seekable is handed back.
    pub(super) fn of(
        source: Source<'a>,
        mut head: Vec<u8>,
    ) -> io::Result<(Self, Option<Counted<File>>)> {
        let mut file = match source {
            Source::Stream(stream) => return Ok((Self::new(stream, head)?, None)),
            Source::File(file) => file,
        };
        let kind = look(&mut file, &mut head)?;
        if kind != Kind::Zip {
            let stream = Box::new(file);
            return Ok((Self { head, stream, kind }, None));
        }
        file.seek(SeekFrom::Start(0))?;
        let nothing = Self {
            head: Vec::new(),
            stream: Box::new(io::empty()),
            kind,
        };
        Ok((nothing, Some(file)))
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the first bytes of the stream.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns the stream from its start.
    pub(super) fn into_stream(mut self) -> Box<dyn Read + Send + 'a> {
        self.head.shrink_to_fit();
        Box::new(Cursor::new(self.head).chain(self.stream))
    }

    /// Returns the block that was read, and the stream of the rest.
    pub(super) fn into_block(self) -> (Vec<u8>, Box<dyn Read + Send + 'a>) {
        (self.head, self.stream)
    }
}

/// Fills `head`, up to its capacity, by one read, and by further ones only while the kind is undecided.
fn look(stream: &mut dyn Read, head: &mut Vec<u8>) -> io::Result<Kind> {
    let room = head.capacity().max(4096);
    head.resize(room, 0);
    let mut filled = 0;
    let told = loop {
        match stream.read(&mut head[filled..]) {
            Ok(0) => break Ok(Kind::Text),
            Ok(n) => filled += n,
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            // Bytes that were read before the stream broke are a log too; the next read returns the error again.
            Err(why) if filled == 0 => break Err(why),
            Err(_) => break Ok(Kind::Text),
        }
        if let Some(kind) = kind(&head[..filled]) {
            break Ok(kind);
        }
    };
    head.truncate(filled);
    told
}

/// Returns the decompressed bytes of `stream`, unpacked as they are read.
pub(super) fn unpack<'a>(
    codec: Codec,
    stream: Box<dyn Read + Send + 'a>,
    bounds: Bounds,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(match codec {
        Codec::Gzip => {
            let plain = decode::gzip(stream)?;
            Box::new(Unpacked::new(plain, bounds, "gzip", "gzip -t"))
        }
        Codec::Xz => Box::new(Unpacked::new(decode::xz(stream)?, bounds, "xz", "xz -t")),
        Codec::Zstd => {
            let plain = decode::zstd(stream)?;
            Box::new(Unpacked::new(plain, bounds, "zstd", "zstd -t"))
        }
        Codec::Bzip2 => {
            let plain = decode::bzip2(stream);
            Box::new(Unpacked::new(plain, bounds, "bzip2", "bzip2 -t"))
        }
        Codec::Utf16 { low_first } => Box::new(utf16::Utf8::new(stream, low_first)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_documents_are_told_by_their_first_key() {
        for text in [
            "{\"schema\":\"dropsift/report/v1\"",
            "\u{feff}{\n  \"schema\": \"dropsift/event/v9\"",
            "\n{\"findings\": [",
            "{\"filters\" :[",
            "{ \"capped\":[]",
        ] {
            assert_eq!(kind(text.as_bytes()), Some(Kind::Own), "{text}");
        }
        for text in ["{", "{\"sch", "{ \"schema\" ", "{\"schema\":\"drop"] {
            assert_eq!(kind(text.as_bytes()), None, "{text}");
        }
        for text in [
            "{\"__CURSOR\":\"s=1\"",
            "{\"schema\":\"other/v1\"",
            "{}",
            "{\"schema\":{",
            "\n\nMay 05",
            "[{\"schema\"",
            "\n",
        ] {
            assert_eq!(kind(text.as_bytes()), Some(Kind::Text), "{text}");
        }
    }

    #[test]
    fn as_few_bytes_as_can_tell_are_looked_at() {
        assert_eq!(kind(b"M"), Some(Kind::Text));
        assert_eq!(kind(b"B"), None);
        assert_eq!(kind(b"BZ "), Some(Kind::Text));
        assert_eq!(kind(b"BZh91AY&SY"), Some(Kind::Packed(Codec::Bzip2)));
        assert_eq!(kind(b"PK"), None);
        assert_eq!(kind(b"PK\x03\x04\x14"), Some(Kind::Zip));
        assert_eq!(kind(b"LPKSHHRH"), Some(Kind::Journal));
        let mut tar = b"var/log/messages".to_vec();
        tar.resize(257, 0);
        assert_eq!(kind(&tar), None);
        tar.extend(b"ustar\x0000");
        assert_eq!(kind(&tar), Some(Kind::Unread(TAR)));
        assert_eq!(kind(b"May 04 a\n\0"), Some(Kind::Text));
        assert_eq!(kind(b"\0\0\0May 04"), Some(Kind::Text));
    }
}
