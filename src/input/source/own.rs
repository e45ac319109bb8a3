//! Documents that this program wrote: reports and events as JSON, one behind the other, on one line or on many, and
//! reports as pages.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde_json::value::RawValue;

use super::own_page::skip_to_json;
use super::{Opening, Summary};
use crate::input::event::LogEvent;

/// The longest document, in bytes: a report on as many findings as are kept apart is far shorter.
const MAX_DOCUMENT: usize = 128 << 20;

impl Opening<'_, '_, '_> {
    /// Passes each document of `stream` to the sink; that of a page is the only one.
    pub(super) fn own(&mut self, name: &str, stream: Box<dyn Read + Send + '_>) {
        let mut stream = io::BufReader::with_capacity(super::BLOCK, stream);
        let (is_page, at_most) = match begin(&mut stream) {
            Ok(OwnForm::Page) => (true, 1),
            Ok(OwnForm::Documents) => (false, usize::MAX),
            Err(why) => {
                self.failed(name, why);
                (self.sink)(LogEvent::EndOfOwn);
                return;
            }
        };
        let left = Rc::new(Cell::new(MAX_DOCUMENT));
        let bounded = Bounded {
            stream: &mut stream,
            left: left.clone(),
        };
        let documents = serde_json::Deserializer::from_reader(bounded).into_iter::<Box<RawValue>>();
        let mut is_whole = true;
        for document in documents.take(at_most) {
            match document {
                Ok(document) => {
                    left.set(MAX_DOCUMENT);
                    self.summary.add(Summary {
                        known: true,
                        blank: false,
                        ..Summary::default()
                    });
                    (self.sink)(LogEvent::Own {
                        input: name,
                        document: document.get(),
                    });
                }
                Err(why) => {
                    self.failed(name, broken(&why));
                    is_whole = false;
                    break;
                }
            }
        }
        if is_page && is_whole {
            match has_more(&mut stream) {
                Ok(false) => {}
                Ok(true) => {
                    let text = "more stands behind the page, which was not read: give each report, and each log, as a file of its own";
                    self.failed(name, io::Error::other(text));
                }
                Err(why) => self.failed(name, why),
            }
        }
        (self.sink)(LogEvent::EndOfOwn);
    }
}

/// Start of a stream.
enum OwnForm {
    Page,
    Documents,
}

/// Reads up to the first document.
fn begin(stream: &mut impl BufRead) -> io::Result<OwnForm> {
    if stream.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        stream.consume(3);
    }
    loop {
        match stream.fill_buf()?.first() {
            Some(byte) if byte.is_ascii_whitespace() => stream.consume(1),
            Some(b'<') => {
                skip_to_json(stream)?;
                return Ok(OwnForm::Page);
            }
            _ => return Ok(OwnForm::Documents),
        }
    }
}

/// Whether anything but blanks stands behind the end of a page.
fn has_more(page: &mut impl BufRead) -> io::Result<bool> {
    const END: &[u8] = b"</html>";
    let mut tag = Vec::new();
    loop {
        tag.clear();
        if page.read_until(b'>', &mut tag)? == 0 {
            return Ok(false);
        }
        let begin = tag.len().saturating_sub(END.len());
        if tag[begin..].eq_ignore_ascii_case(END) {
            break;
        }
    }
    loop {
        let block = page.fill_buf()?;
        let length = block.len();
        if length == 0 {
            return Ok(false);
        }
        if !block.iter().all(u8::is_ascii_whitespace) {
            return Ok(true);
        }
        page.consume(length);
    }
}

/// Describes why a document cannot be read, with the remedy.
fn broken(why: &serde_json::Error) -> io::Error {
    let place = format!("line {}, column {}", why.line(), why.column());
    let text = if let Some(kind) = why.io_error_kind() {
        if kind == io::ErrorKind::FileTooLarge {
            format!(
                "a report in it is longer than {} MiB; report the log again",
                MAX_DOCUMENT >> 20
            )
        } else {
            format!(
                "it ends with a fault at {place}: {why}; what came before counts, write the report anew for the rest"
            )
        }
    } else if why.is_eof() {
        "it ends within a report or an event: it is not whole. What came before counts; write it anew for the rest".to_owned()
    } else {
        format!(
            "it is a report or events up to {place}, and no JSON there; what came before counts, write it anew for the rest"
        )
    };
    io::Error::other(text)
}

/// A stream that ends where one document would be too long.
struct Bounded<R> {
    stream: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(left);
        let read = self.stream.read(&mut buffer[..most])?;
        self.left.set(left - read);
        Ok(read)
    }
}
