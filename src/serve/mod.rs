//! HTTP server for the last report: `/metrics`, `/report.json` and `/healthz`, GET only.
//!
//! The publisher renders the pages, so a request costs the reader of the log nothing. The number of connections is
//! bounded, each has one request, and a timeout for it.

mod http;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use http::{Answer, Request};

/// Upper bound on simultaneous connections; further ones get 503.
const MAX_CONNECTIONS: usize = 8;
/// Time without a sign of life after which the reader of the log counts as stuck.
const ALIVE: Duration = Duration::from_secs(180);
/// Pause after a failed accept, as with too many open files.
const REST: Duration = Duration::from_millis(100);

/// Pages to serve.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    pub metrics: Arc<[u8]>,
    /// Media type of the metrics.
    pub metrics_type: &'static str,
    pub report: Arc<[u8]>,
}

#[derive(Debug)]
struct State {
    pages: Pages,
    /// Time of the reader's last sign of life.
    alive: Instant,
}

/// Server for the pages that were published last.
#[derive(Debug)]
pub struct Server {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl Server {
    /// Starts to serve on `listener`.
    ///
    /// # Errors
    /// If the listener has no address, or no thread can be started.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State {
            pages: Pages::default(),
            alive: Instant::now(),
        }));
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || accept(&listener, &shared))?;
        Ok(Self { state, address })
    }

    /// Returns the address on which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes pages, which are served from now on.
    pub fn publish(&self, pages: Pages) {
        lock(&self.state).pages = pages;
    }

    /// Records a sign of life of the reader of the log.
    pub fn beat(&self) {
        lock(&self.state).alive = Instant::now();
    }
}

/// Locks the state, even after a panic: pages are replaced as a whole, so they are never half written.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, state: &Arc<Mutex<State>>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(REST);
            continue;
        };
        if open.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::AcqRel);
            http::refuse(&stream);
            continue;
        }
        let (state, served) = (Arc::clone(state), Arc::clone(&open));
        let started = thread::Builder::new().spawn(move || {
            // An error means that the client has closed the connection.
            let _ = serve(&stream, &state);
            served.fetch_sub(1, Ordering::AcqRel);
        });
        if started.is_err() {
            open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let answer = match http::read(stream)? {
        Request::Get { path, .. } if !PATHS.contains(&&path[..]) => Answer::text(
            404,
            "not found: there is /metrics, /report.json and /healthz\n",
        ),
        Request::Get { path, is_head } => {
            let (pages, alive) = {
                let state = lock(state);
                (state.pages.clone(), state.alive.elapsed() < ALIVE)
            };
            let answer = page(&path, &pages, alive);
            if is_head {
                answer.without_body()
            } else {
                answer
            }
        }
        Request::Wrong(answer) => answer,
    };
    http::write(stream, &answer)
}

const PATHS: [&str; 3] = ["/metrics", "/report.json", "/healthz"];

fn page(path: &str, pages: &Pages, is_alive: bool) -> Answer {
    match path {
        "/healthz" if is_alive => Answer::text(200, "ok\n"),
        "/healthz" => Answer::text(
            503,
            "the reader of the log has been stuck for three minutes\n",
        ),
        _ if pages.metrics.is_empty() => Answer::text(503, "no report yet\n"),
        "/metrics" => Answer::page(pages.metrics_type, Arc::clone(&pages.metrics)),
        _ => Answer::page("application/json", Arc::clone(&pages.report)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pages, page};

    #[test]
    fn a_reader_that_is_stuck_fails_the_probe_and_its_last_pages_stay() {
        let pages = Pages {
            metrics: b"# EOF\n"[..].into(),
            metrics_type: "text/plain",
            report: b"{}"[..].into(),
        };
        let none = Pages::default();
        for (path, pages, is_alive, status) in [
            ("/healthz", &none, true, 200),
            ("/healthz", &pages, true, 200),
            ("/healthz", &pages, false, 503),
            ("/metrics", &none, true, 503),
            ("/report.json", &none, true, 503),
            ("/metrics", &pages, false, 200),
            ("/report.json", &pages, true, 200),
        ] {
            let answer = page(path, pages, is_alive);
            assert_eq!(answer.status(), status, "{path} {is_alive}");
        }
    }
}
