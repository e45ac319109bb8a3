//! `--metrics`: schedule on which the report of a live run is published, and the state of its input on the page.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
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
    /// Files that are followed by their names.
    files: Vec<PathBuf>,
    /// Whether the input can be read, by who reads it.
    is_up: bool,
}

impl Publisher {
    /// Starts to serve at `address`, as ADDR:PORT, :PORT or PORT; without an address on the loopback.
    ///
    /// # Errors
    /// If that is no address, or cannot be listened on.
    pub(super) fn start(address: &str, sources: &[PathBuf]) -> Result<Self, Error> {
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
            source: sources
                .iter()
                .map(|source| name(source))
                .collect::<Vec<_>>()
                .join(", "),
            saturated: SaturatedSeconds::new(),
            is_dirty: false,
            made: Instant::now(),
            rest: Duration::ZERO,
            last_read: None,
            files: (sources.iter().filter(|source| source.is_file()).cloned()).collect(),
            is_up: true,
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

    /// Notes whether the input can be read.
    pub(super) const fn set_up(&mut self, is_up: bool) {
        self.is_dirty |= self.is_up != is_up;
        self.is_up = is_up;
    }

    /// Notes that the report has changed, as it does by time alone where a finding settles.
    pub(super) const fn note_change(&mut self) {
        self.is_dirty = true;
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
            // A file that was renamed or removed is not written to any more, unless another one takes its name.
            is_up: self.is_up && self.files.iter().all(|file| file.exists()),
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
        Err(_) => Err("this is no address with a port".to_owned()),
    }
}

/// Returns the name of an input as the label of its metrics.
fn name(source: &Path) -> String {
    match source.to_str() {
        Some("") => "journal".to_owned(),
        _ => source.display().to_string(),
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
    }
}
