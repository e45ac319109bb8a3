//! Pages that this program wrote, which have the report's JSON inside.

use std::io::{self, BufRead, ErrorKind};

use memchr::memmem;

/// First bytes of a page, in either case, as browsers write it anew.
const DOCTYPE: &[u8] = b"<!doctype html";
/// Text of the head of a page that this program wrote.
const GENERATOR: &[u8] = b"name=\"generator\" content=\"dropsift ";
/// The element that has the JSON.
const BEGIN: &[u8] = b"<script type=\"application/json\" id=\"report\">";
/// Number of first bytes among which the generator stands; a browser that saves a page puts its address before it.
const MAX_HEAD: usize = 4096;

/// Whether an input that begins with `head` is a page of this program; `None` while more bytes are needed.
pub(super) fn is_page(head: &[u8]) -> Option<bool> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = head.trim_ascii_start();
    let same = |(one, other): (&u8, &u8)| one.eq_ignore_ascii_case(other);
    if text.is_empty() || !text.iter().zip(DOCTYPE).all(same) {
        return Some(false);
    }
    match memmem::find(text, GENERATOR) {
        Some(_) if text.len() >= DOCTYPE.len() => Some(true),
        _ if text.len() < MAX_HEAD => None,
        _ => Some(false),
    }
}

/// Reads up to the JSON of a page.
///
/// # Errors
/// If reading fails, or the page has none.
pub(super) fn skip_to_json(page: &mut impl BufRead) -> io::Result<()> {
    let mut held: Vec<u8> = Vec::new();
    loop {
        let block = page.fill_buf()?;
        if block.is_empty() {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "it is a page of dropsift without a report in it, as that of a comparison is, or it is not whole: give the page of a report (-o html)",
            ));
        }
        let before = held.len();
        held.extend_from_slice(block);
        let length = block.len();
        if let Some(at) = memmem::find(&held, BEGIN) {
            page.consume(at + BEGIN.len() - before);
            return Ok(());
        }
        page.consume(length);
        held.drain(..held.len().saturating_sub(BEGIN.len() - 1));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::{is_page, skip_to_json};

    #[test]
    fn pages_are_told_by_their_generator() {
        let own = "<!doctype html>\n<html>\n<meta name=\"generator\" content=\"dropsift 0.1.0\">";
        assert_eq!(is_page(own.as_bytes()), Some(true));
        assert_eq!(
            is_page(own.replace("doctype", "DOCTYPE").as_bytes()),
            Some(true)
        );
        for open in ["<", "<!DOC", "<!doctype html><html>"] {
            assert_eq!(is_page(open.as_bytes()), None, "{open}");
        }
        let long = format!("<!doctype html>{}", " ".repeat(5000));
        for other in ["", "May 05", "<46>1 2026-05-05T00:00:00Z", "<html>", &long] {
            assert_eq!(is_page(other.as_bytes()), Some(false), "{other}");
        }
    }

    #[test]
    fn the_json_is_found_wherever_blocks_end() {
        let page =
            "a<script type=\"application/json\" <script type=\"application/json\" id=\"report\">{}";
        for size in 1..page.len() + 1 {
            let mut blocks = BufReader::with_capacity(size, page.as_bytes());
            skip_to_json(&mut blocks).unwrap();
            let mut rest = String::new();
            blocks.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "{}", "{size}");
        }
        let mut none = BufReader::new("no report".as_bytes());
        assert!(skip_to_json(&mut none).is_err() && none.fill_buf().unwrap().is_empty());
    }
}
