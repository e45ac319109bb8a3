//! The clock, the environment and the terminal.

use std::io::{self, IsTerminal};
use std::time::{SystemTime, UNIX_EPOCH};

use super::options::Color;
use crate::report::Style;
use crate::time::Time;

/// Width, in columns, where there is no terminal.
const PIPED: usize = 80;
/// Upper bound on the width, in columns, for readable text.
const WIDEST: usize = 140;
/// Lower bound on the width, in columns, in which a table fits.
const NARROWEST: usize = 40;

/// Returns the current time.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
pub(super) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(since.as_micros() as i64)
}

/// Returns a time of the file system.
pub(super) fn time_of(at: SystemTime) -> Option<Time> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok().map(Time)
}

/// Returns the columns of the terminal on stderr; unlimited where there is none.
pub(super) fn stderr_width() -> usize {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

/// Returns the rows of the terminal on stdout, where there is one.
pub(super) fn rows() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(_, height)| usize::from(height.0))
}

/// Whether the locale's characters are UTF-8 (locale(7): the first of these that is set counts).
fn is_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Returns the style of the report on stdout.
pub(super) fn style(color: Color) -> Style {
    let terminal = io::stdout().is_terminal();
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org and https://bixense.com/clicolors
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto
            if std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0" && !v.is_empty()) =>
        {
            true
        }
        Color::Auto => terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    };
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = if terminal {
        terminal_size::terminal_size().map_or(PIPED, |(width, _)| usize::from(width.0))
    } else {
        told().unwrap_or(PIPED)
    };
    Style {
        width: width.clamp(NARROWEST, WIDEST),
        color,
        unicode: is_utf8(),
        evidence: false,
    }
}
