//! `--metrics`: schedule on which the report of a live run is published, and the state of its input on the page.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use super::input::Input;
use crate::analyze::Analysis;
use crate::error::Error;
use crate::report::metrics::{CONTENT_TYPE, InputState, SaturatedSeconds, metrics};
use crate::report::{JSON, Report, Style};
use crate::serve::{Page, Server};

/// Shortest interval between two renderings of the pages while lines come.
const OFTEN: Duration = Duration::from_secs(1);
/// Longest interval between two renderings while nothing changes: gauges depend on the time.
const SELDOM: Duration = Duration::from_secs(15);
/// Pages rest this many times as long as they took to make: the log comes first.
const REST: u32 = 20;
/// Longest rest: a scrape comes each minute.
const MAX_REST: Duration = Duration::from_secs(60);
/// How many times as long they rest where somebody waits for the report, who goes away after ten seconds.
const REST_ASKED: u32 = 4;
const MAX_REST_ASKED: Duration = Duration::from_secs(4);
/// Interval of looking whether somebody waits for the report.
const LOOK: Duration = Duration::from_millis(100);
/// Width in columns of the report behind the pages, which is never printed as text.
const WIDTH: usize = 80;

/// Publishes reports.
pub(super) struct Publisher {
    server: Server,
    saturated: SaturatedSeconds,
    /// Whether lines came since the last pages.
    is_dirty: bool,
    /// Whether pages were made at all.
    has_pages: bool,
    /// Time of the last pages, and how long they took.
    made: Instant,
    took: Duration,
}

impl Publisher {
    /// Starts to serve at `address`, as ADDR:PORT, :PORT or PORT; without an address on the loopback.
    ///
    /// # Errors
    /// If that is no address, or cannot be listened on.
    pub(super) fn start(address: &str) -> Result<Self, Error> {
        let cannot = |why: String| {
            Error::Usage(format!(
                "--metrics `{address}`: {why}; give it a free address and port, as 127.0.0.1:9110"
            ))
        };
        let listener = TcpListener::bind(&addresses(address).map_err(cannot)?[..])
            .map_err(|why| cannot(why.to_string()))?;
        let server = Server::start(listener).map_err(|why| match why.kind() {
            // What the system answers where no thread can be started.
            ErrorKind::WouldBlock => Error::Usage(
                "--metrics needs a thread, and none can be started; allow more of them (`ulimit -u`, TasksMax= of systemd)"
                    .to_owned(),
            ),
            _ => cannot(why.to_string()),
        })?;
        Ok(Self {
            server,
            saturated: SaturatedSeconds::new(),
            is_dirty: false,
            has_pages: false,
            made: Instant::now(),
            took: Duration::ZERO,
        })
    }

    /// Address of the listening socket.
    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Notes that the report has changed, as it does by time alone where a finding settles, or the state of an input.
    pub(super) const fn note_change(&mut self) {
        self.is_dirty = true;
    }

    /// Returns the time of the next rendering, or of the next look whether somebody waits for it.
    pub(super) fn due(&self) -> Instant {
        if !self.has_pages {
            return self.made;
        }
        if self.server.is_asked() {
            return self.made + (self.took * REST_ASKED).min(MAX_REST_ASKED);
        }
        let least = if self.is_dirty { OFTEN } else { SELDOM };
        (self.made + least.max((self.took * REST).min(MAX_REST))).min(Instant::now() + LOOK)
    }

    /// Notes that the reader is alive, whether pages are due or not.
    pub(super) fn beat(&self) {
        self.server.beat();
    }

    /// Publishes the pages of a report, which it took since `began` to make. The one of an input without a line is there
    /// before anybody asks.
    pub(super) fn publish(
        &mut self,
        report: &Report,
        analysis: &Analysis,
        inputs: &[Input],
        began: Instant,
    ) {
        let states: Vec<InputState> = inputs.iter().map(Input::state).collect();
        let page = metrics(report, &analysis.traffic(), &states, &mut self.saturated);
        let is_asked = !self.has_pages || self.server.is_asked();
        let page = page.into_bytes();
        self.server
            .publish_metrics(page, CONTENT_TYPE, self.is_dirty);
        if is_asked {
            // Who waits for one that could not be made is told to ask again.
            let document = Page::packed(|out| (JSON.report)(report, Style::plain(WIDTH), out));
            if let Ok(document) = document {
                self.server.publish_report(document);
            }
        }
        self.is_dirty = false;
        self.has_pages = true;
        self.made = Instant::now();
        self.took = self.made - began;
    }
}

/// Returns the addresses that `text` means. `localhost` is the one name: to ask for others, a static binary would load the
/// libraries of another C library from the machine it runs on.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]);
    }
    if let Some(port) = text.strip_prefix("localhost:")
        && let Ok(port) = port.parse::<u16>()
    {
        return Ok(vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]);
    }
    match text.parse() {
        Ok(address) => Ok(vec![address]),
        Err(_) => {
            let (address, port) = text.rsplit_once(':').unwrap_or((text, ""));
            let is_bare = address.parse::<Ipv6Addr>().is_ok() && port.parse::<u16>().is_ok();
            Err(if is_bare {
                format!("an IPv6 address with a port has brackets: [{address}]:{port}")
            } else {
                "this is no address with a port".to_owned()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn a_port_alone_is_of_the_loopback() {
        let first = |text: &str| addresses(text).map(|found| found[0].to_string());
        for text in ["9110", ":9110", "127.0.0.1:9110", "localhost:9110"] {
            assert_eq!(first(text).as_deref(), Ok("127.0.0.1:9110"), "{text}");
        }
        assert_eq!(first("[::]:9110").as_deref(), Ok("[::]:9110"));
        assert_eq!(first("0.0.0.0:0").as_deref(), Ok("0.0.0.0:0"));
        for wrong in [
            "",
            ":",
            "70000",
            "127.0.0.1",
            "host:port",
            "localhost:70000",
            "node1:9110",
        ] {
            assert!(addresses(wrong).is_err(), "{wrong}");
        }
        for (bare, meant) in [("::1:19474", "[::1]:19474"), ("fe80::1:80", "[fe80::1]:80")] {
            let refused = addresses(bare).unwrap_err();
            assert!(refused.contains(meant), "{refused}");
        }
    }
}
