//! `--metrics`: schedule on which the report of a live run is published, and the state of its input on the page.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::terminal;
use crate::analyze::Analysis;
use crate::error::Error;
use crate::report::metrics::{CONTENT_TYPE, InputState, SaturatedSeconds, metrics};
use crate::report::{JSON, Report, Style};
use crate::serve::{Pages, Server};
use crate::time::{SECOND, Time};

/// Shortest interval between two renderings of the pages while lines come.
const OFTEN: Duration = Duration::from_secs(1);
/// Longest interval between two renderings while nothing changes: gauges depend on the time.
const SELDOM: Duration = Duration::from_secs(15);
/// Pages rest this many times as long as they took to make: the log comes first.
const REST: u32 = 20;
/// Width in columns of the report behind the pages, which is never printed as text.
const WIDTH: usize = 80;

/// Publishes reports.
pub(super) struct Publisher {
    server: Server,
    source: String,
    saturated: SaturatedSeconds,
    /// Whether lines came since the last pages.
    is_dirty: bool,
    made: Instant,
    rest: Duration,
    /// Time of the last bytes read.
    last_read: Option<Time>,
}

impl Publisher {
    /// Starts to serve at `address`, as ADDR:PORT, :PORT or PORT; without an address on the loopback.
    ///
    /// # Errors
    /// If that is no address, or cannot be listened on.
    pub(super) fn start(address: &str, source: String) -> Result<Self, Error> {
        let cannot = |why: String| {
            Error::Usage(format!(
                "--metrics `{address}`: {why}; give it a free address and port, as 127.0.0.1:9110"
            ))
        };
        let listener = TcpListener::bind(&addresses(address).map_err(cannot)?[..])
            .map_err(|why| cannot(why.to_string()))?;
        let server = Server::start(listener).map_err(|why| cannot(why.to_string()))?;
        Ok(Self {
            server,
            source,
            saturated: SaturatedSeconds::new(),
            is_dirty: false,
            made: Instant::now(),
            rest: Duration::ZERO,
            last_read: None,
        })
    }

    /// Address of the listening socket.
    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Notes that bytes came.
    pub(super) fn hear(&mut self) {
        self.is_dirty = true;
        self.last_read = Some(terminal::now());
    }

    /// Returns the time of the next rendering.
    pub(super) fn due(&self) -> Instant {
        self.made
            + if self.is_dirty {
                self.rest
            } else {
                self.rest.max(SELDOM)
            }
    }

    /// Notes that the reader is alive, whether pages are due or not.
    pub(super) fn beat(&self) {
        self.server.beat();
    }

    /// Publishes pages of a report. `now` is the current time of the log.
    pub(super) fn publish(&mut self, report: &Report, analysis: &Analysis, now: Option<Time>) {
        let began = Instant::now();
        let input = InputState {
            source: self.source.clone(),
            is_up: true,
            last_read: self
                .last_read
                .map_or(0.0, |time| time.0 as f64 / SECOND as f64),
            lost: analysis.lost(),
        };
        let page = metrics(
            report,
            &analysis.traffic(),
            &input,
            now,
            &mut self.saturated,
        );
        let mut document = Vec::new();
        // Writing to memory does not fail.
        let _ = (JSON.report)(report, Style::plain(WIDTH), &mut document);
        self.server.publish(Pages {
            metrics: page.into_bytes().into(),
            metrics_type: CONTENT_TYPE,
            report: document.into(),
        });
        self.is_dirty = false;
        self.made = Instant::now();
        self.rest = OFTEN.max(began.elapsed() * REST);
    }
}

/// Returns the addresses that `text` means.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]);
    }
    let found: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|_| "this is no address with a port".to_owned())?
        .collect();
    if found.is_empty() {
        return Err("this name has no address".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn a_port_alone_is_of_the_loopback() {
        let first = |text: &str| addresses(text).map(|found| found[0].to_string());
        for text in ["9110", ":9110", "127.0.0.1:9110"] {
            assert_eq!(first(text).as_deref(), Ok("127.0.0.1:9110"), "{text}");
        }
        assert_eq!(first("[::]:9110").as_deref(), Ok("[::]:9110"));
        assert_eq!(first("0.0.0.0:0").as_deref(), Ok("0.0.0.0:0"));
        for wrong in ["", ":", "70000", "127.0.0.1", "host:port"] {
            assert!(addresses(wrong).is_err(), "{wrong}");
        }
    }
}
