//! HTTP/1.1, as far as a scrape needs it: one request for each connection, a bounded head, a response with its length.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::page::Page;

/// Upper bound on the bytes of a request's head; Prometheus and the API server's proxy send some hundred.
const MAX_HEAD: usize = 16 << 10;
/// Upper bound on the header fields of a request.
const MAX_FIELDS: usize = 64;
/// Time limit for receiving a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time limit for sending the response: a client that reads slowly keeps a connection, and the pages of then, no longer.
const DELIVERY: Duration = Duration::from_secs(20);

/// Time to wait for the peer to close an answered connection.
const LINGER: Duration = Duration::from_millis(500);

/// A parsed request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Get {
        path: String,
        is_head: bool,
    },
    /// A request that is not served, with its response.
    Wrong(Answer),
}

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    status: u16,
    kind: &'static str,
    body: Arc<Page>,
    has_body: bool,
}

impl Answer {
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            ..Self::page(
                "text/plain; charset=utf-8",
                Arc::new(Page::plain(text.as_bytes().to_vec())),
            )
        }
    }

    pub(super) const fn page(kind: &'static str, body: Arc<Page>) -> Self {
        Self {
            status: 200,
            kind,
            body,
            has_body: true,
        }
    }

    #[cfg(test)]
    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the response to HEAD: the header alone.
    pub(super) fn without_body(self) -> Self {
        Self {
            has_body: false,
            ..self
        }
    }
}

/// Reads one request. A request that is slower than [`PATIENCE`], or larger than [`MAX_HEAD`], is refused.
pub(super) fn read(mut stream: &TcpStream) -> io::Result<Request> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Request::Wrong(Answer::text(
                408,
                "the request came too slowly\n",
            )));
        }
        stream.set_read_timeout(Some(left))?;
        let mut block = [0; 2048];
        let filled = match stream.read(&mut block) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(filled) => filled,
            Err(why)
                if matches!(
                    why.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                continue;
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(why),
        };
        let known = head.len();
        head.extend_from_slice(&block[..filled]);
        // A head that comes byte by byte is parsed once, not with each byte.
        if has_end(&head[known.saturating_sub(3)..])
            && let Some(request) = parse(&head)
        {
            return Ok(request);
        }
        if head.len() > MAX_HEAD {
            return Ok(Request::Wrong(Answer::text(
                431,
                "the header is too large\n",
            )));
        }
    }
}

/// Whether an empty line is among `bytes`, which ends a head.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// Parses the head of a request; `None` while it is incomplete.
fn parse(head: &[u8]) -> Option<Request> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Partial) => None,
        Ok(httparse::Status::Complete(_)) => {
            let path = request.path.unwrap_or_default();
            // The query is ignored.
            let path = path.split('?').next().unwrap_or_default();
            let path = origin_form(path);
            Some(match request.method {
                Some("GET") | Some("HEAD") => Request::Get {
                    path: path.to_owned(),
                    is_head: request.method == Some("HEAD"),
                },
                _ => Request::Wrong(Answer::text(405, "only GET is served\n")),
            })
        }
        Err(httparse::Error::TooManyHeaders) => Some(Request::Wrong(Answer::text(
            431,
            "the header has too many fields\n",
        ))),
        Err(_) => Some(Request::Wrong(Answer::text(
            400,
            "this is no HTTP request\n",
        ))),
    }
}

/// Returns the path of a target in absolute form, `http://HOST/PATH`, which a server must take (RFC 9112, 3.2.2); any other
/// stays as it is.
fn origin_form(target: &str) -> &str {
    const SCHEME: &str = "http://";
    match target.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => target,
    }
}

/// Writes the response and ends the connection.
pub(super) fn write(stream: &TcpStream, answer: Answer) -> io::Result<()> {
    let mut out = Delivery {
        stream,
        deadline: Instant::now() + DELIVERY,
    };
    let reason = match answer.status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    };
    let allow = if answer.status == 405 {
        "Allow: GET, HEAD\r\n"
    } else {
        ""
    };
    let head = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.kind,
        answer.body.length()
    );
    out.write_all(head.as_bytes())?;
    if answer.has_body {
        answer.body.send(&mut out)?;
    }
    // Another version of the page may be made from now on.
    drop(answer);
    drain(stream)
}

/// Connection to which a response is sent until `deadline`.
struct Delivery<'s> {
    stream: &'s TcpStream,
    deadline: Instant,
}

impl Write for Delivery<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_write_timeout(Some(left))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shuts down the sending side and drains the request: closing a connection with unread bytes resets it, and the
/// response is lost.
fn drain(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let mut block = [0; 2048];
    for _ in 0..MAX_HEAD / block.len() {
        if stream.read(&mut block)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Answers a connection beyond the bound with 503, without reading its request.
pub(super) fn refuse(stream: &TcpStream) {
    let answer = Answer::text(503, "too many connections; ask again\n");
    // The peer may have closed already.
    let _ = stream
        .set_nonblocking(true)
        .and_then(|()| write(stream, answer));
}

#[cfg(test)]
mod tests {
    use super::{Request, has_end, parse};

    #[test]
    fn an_empty_line_ends_a_head() {
        assert!(has_end(b"Host: x\r\n\r\n") && has_end(b"Host: x\n\n"));
        assert!(!has_end(b"Host: x\r\n") && !has_end(b"\r\r\n"));
    }

    #[test]
    fn requests_are_read_as_far_as_they_go() {
        assert_eq!(parse(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"), None);
        let whole = |head: &[u8]| parse(head).unwrap();
        let get = |path: &str, is_head| Request::Get {
            path: path.to_owned(),
            is_head,
        };
        assert_eq!(
            whole(b"GET /metrics?x=1 HTTP/1.1\r\n\r\n"),
            get("/metrics", false)
        );
        assert_eq!(
            whole(b"HEAD /healthz HTTP/1.0\r\n\r\n"),
            get("/healthz", true)
        );
        for (target, path) in [
            ("http://x/metrics", "/metrics"),
            ("HTTP://node1:9110/metrics?x=http://y/z", "/metrics"),
            ("http://[::1]:9110/healthz", "/healthz"),
            ("http://x", "/"),
            ("/http://x/metrics", "/http://x/metrics"),
            ("https://x/metrics", "https://x/metrics"),
        ] {
            let head = format!("GET {target} HTTP/1.1\r\n\r\n");
            assert_eq!(whole(head.as_bytes()), get(path, false), "{target}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(80));
        let Request::Wrong(refused) = whole(many.as_bytes()) else {
            panic!("{many}");
        };
        assert_eq!(refused.status(), 431);
        for wrong in [
            &b"POST /metrics HTTP/1.1\r\n\r\n"[..],
            b"\x16\x03\x01 hello\r\n\r\n",
        ] {
            assert!(matches!(whole(wrong), Request::Wrong(_)));
        }
    }
}
