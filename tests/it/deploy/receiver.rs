//! A receiver of Alertmanager's webhooks, on the loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::support::daemon::{PATIENCE, wait};

/// Labels of an alert, and whether it fires.
pub(super) type Told = (BTreeMap<String, String>, bool);

/// The server, which ends with the test.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (all, over) = (Arc::clone(&told), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Acquire) {
                    break;
                }
                if let Some(alerts) = message(&stream) {
                    all.lock().unwrap().extend(alerts);
                }
            }
        });
        Self {
            address,
            told,
            is_over,
            thread: Some(thread),
        }
    }

    /// Returns what came so far, in its order.
    pub(super) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Waits for the last word on an alert with these labels to be that it fires, or that it does not any more.
    pub(super) fn wait(&self, labels: &[(&str, &str)], fires: bool) {
        let is_it = |told: &Told| {
            let has = |(key, value): &(&str, &str)| told.0.get(*key).is_some_and(|v| v == value);
            labels.iter().all(has)
        };
        wait(&format!("{labels:?} firing={fires}"), || {
            let told = self.told();
            let last = told.iter().rev().find(|told| is_it(told));
            last.is_some_and(|(_, now)| *now == fires).then_some(())
        });
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a message and confirms it; `None` where it is none.
fn message(stream: &TcpStream) -> Option<Vec<Told>> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut out = stream;
    out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .ok()?;
    let message: Value = serde_json::from_slice(&body).ok()?;
    let alerts = message["alerts"].as_array()?.iter().map(|alert| {
        let labels = serde_json::from_value(alert["labels"].clone()).unwrap();
        (labels, alert["status"] == "firing")
    });
    Some(alerts.collect())
}
