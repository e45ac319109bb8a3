//! HTTP server for the last report: `/metrics`, `/report.json` and `/healthz`, GET only.
//!
//! The publisher renders the metrics from time to time, so a scrape costs the reader of the log nothing. The report, which
//! may be large, is rendered when somebody asks, and let go of when it is of an earlier time. The number of connections is
//! bounded, each has one request, and a timeout for it.

mod http;
mod page;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use http::{Answer, Request};

pub use page::Page;

/// Upper bound on simultaneous connections: for a further one the oldest is closed, so that clients that only wait never keep
/// a probe out.
const MAX_CONNECTIONS: usize = 8;
/// Upper bound on the threads of connections, closed ones that wait for a report too; further ones get 503.
const MAX_THREADS: usize = 32;
/// Upper bound on the versions of the report that connections keep at once, besides the last one.
const MAX_REPORTS: usize = 1;
/// Time without a sign of life after which the reader of the log counts as stuck.
const ALIVE: Duration = Duration::from_secs(180);
/// Pause after a failed accept, as with too many open files.
const REST: Duration = Duration::from_millis(100);
/// Time that a request waits for a report to be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// A page, shared by the connections that send it.
type Body = Arc<Page>;

#[derive(Debug)]
struct State {
    metrics: Body,
    /// Media type of the metrics.
    metrics_type: &'static str,
    /// The last report, where somebody asked for it.
    report: Option<Body>,
    /// Whether somebody waits for a report.
    is_asked: bool,
    /// Time of the reader's last sign of life.
    alive: Instant,
    /// Versions of the report that connections may still send.
    sent: Vec<Weak<Page>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Notified when a report was made.
    made: Condvar,
}

/// Server for the pages that were published last.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Server {
    /// Starts to serve on `listener`.
    ///
    /// # Errors
    /// If the listener has no address, or no thread can be started.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new());
        let own = Arc::clone(&shared);
        thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || accept(&listener, &own))?;
        Ok(Self { shared, address })
    }

    /// Returns the address on which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes the metrics, which are served from now on. Where the log `has_changed` since the last ones, the report is of
    /// an earlier time, and is let go.
    pub fn publish_metrics(&self, metrics: Vec<u8>, kind: &'static str, has_changed: bool) {
        let mut state = self.shared.lock();
        state.metrics = Arc::new(Page::plain(metrics));
        state.metrics_type = kind;
        if has_changed && let Some(report) = state.report.take() {
            state.sent.push(Arc::downgrade(&report));
        }
    }

    /// Publishes the report, which is served until the log has changed.
    pub fn publish_report(&self, report: Page) {
        let mut state = self.shared.lock();
        state.report = Some(Arc::new(report));
        state.is_asked = false;
        self.shared.made.notify_all();
    }

    /// Whether somebody waits for a report, and there is memory for it.
    pub fn is_asked(&self) -> bool {
        let mut state = self.shared.lock();
        state.sent.retain(|sent| sent.strong_count() > 0);
        state.is_asked && state.sent.len() <= MAX_REPORTS
    }

    /// Records a sign of life of the reader of the log.
    pub fn beat(&self) {
        self.shared.lock().alive = Instant::now();
    }
}

impl Shared {
    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                metrics: Body::default(),
                metrics_type: "",
                report: None,
                is_asked: false,
                alive: Instant::now(),
                sent: Vec::new(),
            }),
            made: Condvar::new(),
        }
    }

    /// Locks the state, even after a panic: pages are replaced as a whole, so they are never half written.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the report, which is made if there is none; `None` if that takes longer than `patience`.
    fn report(&self, patience: Duration) -> Option<Body> {
        let mut state = self.lock();
        state.is_asked |= state.report.is_none();
        let waited = self
            .made
            .wait_timeout_while(state, patience, |state| state.report.is_none());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.report.clone()
    }

    fn answer(&self, path: &str, patience: Duration) -> Answer {
        let (metrics, kind, is_alive) = {
            let state = self.lock();
            let is_alive = state.alive.elapsed() < ALIVE;
            (Arc::clone(&state.metrics), state.metrics_type, is_alive)
        };
        match path {
            "/healthz" if is_alive => Answer::text(200, "ok\n"),
            "/healthz" => Answer::text(
                503,
                "the reader of the log has been stuck for three minutes\n",
            ),
            "/metrics" if metrics.length() == 0 => Answer::text(503, "it is starting; ask again\n"),
            "/metrics" => Answer::page(kind, metrics),
            "/report.json" => match self.report(patience) {
                Some(report) => Answer::page("application/json", report),
                None => Answer::text(
                    503,
                    "the log is being read, and no report was made so far; ask again\n",
                ),
            },
            _ => Answer::text(
                404,
                "not found: there is /metrics, /report.json and /healthz\n",
            ),
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let open = Arc::new(Connections::default());
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(REST);
            continue;
        };
        // Each thread has a share of them.
        if Arc::strong_count(&open) > MAX_THREADS {
            http::refuse(&stream);
            continue;
        }
        let stream = Arc::new(stream);
        open.add(&stream);
        let (shared, served, own) = (Arc::clone(shared), Arc::clone(&open), Arc::clone(&stream));
        let started = thread::Builder::new().spawn(move || {
            // An error means that the client has closed the connection.
            let _ = serve(&own, &shared);
            served.remove(&own);
        });
        if started.is_err() {
            open.remove(&stream);
        }
    }
}

/// Connections that are open, the oldest first.
#[derive(Debug, Default)]
struct Connections(Mutex<Vec<Arc<TcpStream>>>);

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection, and closes the oldest of too many.
    fn add(&self, stream: &Arc<TcpStream>) {
        let mut open = self.lock();
        if open.len() >= MAX_CONNECTIONS {
            // Its client may have closed it already.
            let _ = open.remove(0).shutdown(Shutdown::Both);
        }
        open.push(Arc::clone(stream));
    }

    fn remove(&self, stream: &Arc<TcpStream>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, stream));
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let answer = match http::read(stream)? {
        Request::Get { path, is_head } => {
            let answer = shared.answer(&path, PATIENCE);
            if is_head {
                answer.without_body()
            } else {
                answer
            }
        }
        Request::Wrong(answer) => answer,
    };
    http::write(stream, answer)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ALIVE, Page, Shared};

    #[test]
    fn a_reader_that_is_stuck_fails_the_probe_and_its_last_pages_stay() {
        let none = Shared::new();
        let made = Shared::new();
        made.lock().metrics = Page::plain(b"# EOF\n".to_vec()).into();
        made.lock().report = Some(Page::plain(b"{}".to_vec()).into());
        let stuck = Shared::new();
        stuck.lock().metrics = Page::plain(b"# EOF\n".to_vec()).into();
        stuck.lock().alive = Instant::now().checked_sub(ALIVE * 2).unwrap();
        for (path, shared, status) in [
            ("/healthz", &none, 200),
            ("/healthz", &made, 200),
            ("/healthz", &stuck, 503),
            ("/metrics", &none, 503),
            ("/metrics", &made, 200),
            ("/metrics", &stuck, 200),
            ("/report.json", &none, 503),
            ("/report.json", &made, 200),
            ("/", &made, 404),
        ] {
            let answer = shared.answer(path, Duration::ZERO);
            assert_eq!(answer.status(), status, "{path}");
        }
        // What was asked for is made, and what nobody asks for is not.
        assert!(none.lock().is_asked && !made.lock().is_asked);
    }
}
