//! Memory for ten million random flows around one missing rule. The test is alone in its process, whose peak memory it
//! reads, and takes most of a minute in a debug build.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "it/support/mod.rs"]
mod support;

use support::flood::{finds_the_needle, flooded};

#[test]
fn ten_million_flows_hide_no_missing_rule() {
    let lines = 10_000_000;
    let report = flooded(lines, |dice| dice.roll(65_536) as u16);
    finds_the_needle(&report, lines);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    if let Some(peak) = peak {
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib <= 64 << 10, "{kib} KiB at its peak");
    }
}
