//! A live run that serves its report, and what is asked of it and of other servers on the loopback.

#![allow(clippy::unwrap_used, dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// Time that nothing takes on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Series of a page: name with labels, and value.
pub(crate) type Series = BTreeMap<String, f64>;

/// A process that ends with the test, also with one that fails.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run of the program with `--metrics`.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) address: String,
    /// Kept open: a process that is told something on a closed pipe may end.
    said: BufReader<ChildStderr>,
}

impl Daemon {
    /// Starts it at a free port, or at the one of `address`.
    pub(crate) fn start(address: &str, args: &[&str]) -> Self {
        Self::start_to(Stdio::null(), address, args)
    }

    /// Starts it with its events written to `stdout`.
    pub(crate) fn start_to(stdout: Stdio, address: &str, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(["--metrics", address, "-f", "-o", "ndjson"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let process = Process(child);
        let mut address = String::new();
        while address.is_empty() {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "no start line");
            let url = line.split_once("http://").map(|(_, url)| url.to_owned());
            address = url.map_or_else(String::new, |url| {
                url.split('/').next().unwrap_or_default().to_owned()
            });
        }
        Self {
            process,
            address,
            said,
        }
    }

    /// Returns what its page has now.
    pub(crate) fn page(&self) -> Series {
        (get(&self.address, "/metrics").lines())
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect()
    }

    /// Waits until `is_there` holds for its page, and returns that.
    pub(crate) fn series(&self, is_there: impl Fn(&Series) -> bool) -> Series {
        wait("the page", || {
            let page = self.page();
            is_there(&page).then_some(page)
        })
    }
}

/// Waits until `look` finds something.
pub(crate) fn wait<T>(subject: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{subject} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns a port of the loopback that was free just now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Sends a request and returns the response, as far as it came.
pub(crate) fn ask(address: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // A connection that is refused may be reset behind its answer.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Returns the body of a page.
pub(crate) fn get(address: &str, path: &str) -> String {
    let answer = ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    assert!(head.lines().any(|line| line == length), "{head}");
    body.to_owned()
}

/// Returns the sum of all series of a metric that have these labels.
pub(crate) fn sum(series: &Series, metric: &str, labels: &[&str]) -> f64 {
    let own = series.iter().filter(|(name, _)| {
        name.starts_with(&format!("{metric}{{")) && labels.iter().all(|label| name.contains(label))
    });
    own.map(|(_, value)| value).sum()
}
