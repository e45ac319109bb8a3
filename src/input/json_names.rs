//! The names that collectors give to the parts of a log record, as data.

/// What a field of a JSON record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Message,
    Host,
    /// The journal's `_TRANSPORT`: who really sent it.
    Transport,
    /// The name that the sender gives itself.
    Identifier,
    /// The process that sent it; the kernel has none.
    Process,
    Facility,
    /// Facility times eight, plus level.
    Priority,
    /// Microseconds since 1970, of reception.
    Realtime,
    /// Microseconds since boot, of reception.
    Monotonic,
    /// Microseconds since boot, when the kernel wrote it.
    SourceMonotonic,
    Boot,
    /// A time as the collector writes it.
    Time,
    /// Whole seconds since boot, and the microseconds besides.
    Seconds,
    Micros,
    /// A pair of time and line, as Loki has it.
    Pair,
}

/// How many parts there are.
pub(super) const PARTS: usize = Part::Pair as usize + 1;

/// A field: the object that it stands in, its name there, and what it is. Of two rows for one part the first in the
/// table wins.
pub(super) struct Name {
    pub(super) within: &'static str,
    pub(super) name: &'static str,
    pub(super) part: Part,
}

const fn row(within: &'static str, name: &'static str, part: Part) -> Name {
    Name { within, name, part }
}

/// Names are from: systemd.journal-fields(7); Fluent Bit's inputs systemd (also with `Lowercase` and `Strip_Underscores`)
/// and kmsg; Vector's sources journald and syslog; Filebeat's input journald and ECS 8; rsyslog's and syslog-ng's JSON
/// templates; Docker's json-file; Loki's API and logcli; OpenTelemetry's logs data model; util-linux `dmesg -J`.
pub(super) const NAMES: &[Name] = &[
    row("", "MESSAGE", Part::Message),
    row("", "message", Part::Message),
    row("", "msg", Part::Message),
    row("", "log", Part::Message),
    row("", "line", Part::Message),
    row("", "body", Part::Message),
    row("", "short_message", Part::Message),
    row("", "@message", Part::Message),
    row("body", "stringValue", Part::Message),
    row("event", "original", Part::Message),
    row("", "text", Part::Message),
    row("", "_HOSTNAME", Part::Host),
    row("", "_hostname", Part::Host),
    row("", "HOSTNAME", Part::Host),
    row("", "hostname", Part::Host),
    row("host", "hostname", Part::Host),
    row("host", "name", Part::Host),
    row("", "host", Part::Host),
    row("", "nodename", Part::Host),
    row("", "node_name", Part::Host),
    row("", "node", Part::Host),
    row("", "_TRANSPORT", Part::Transport),
    row("", "_transport", Part::Transport),
    row("", "TRANSPORT", Part::Transport),
    row("", "transport", Part::Transport),
    row("systemd", "transport", Part::Transport),
    row("journald", "transport", Part::Transport),
    row("", "__journal__transport", Part::Transport),
    row("", "SYSLOG_IDENTIFIER", Part::Identifier),
    row("", "syslog_identifier", Part::Identifier),
    row("syslog", "identifier", Part::Identifier),
    row("syslog", "appname", Part::Identifier),
    row("", "appname", Part::Identifier),
    row("", "app_name", Part::Identifier),
    row("", "ident", Part::Identifier),
    row("", "tag", Part::Identifier),
    row("", "programname", Part::Identifier),
    row("", "PROGRAM", Part::Identifier),
    row("", "syslogtag", Part::Identifier),
    row("", "__journal_syslog_identifier", Part::Identifier),
    row("process", "name", Part::Identifier),
    row("", "SYSLOG_PID", Part::Process),
    row("", "_PID", Part::Process),
    row("", "syslog_pid", Part::Process),
    row("", "_pid", Part::Process),
    row("", "procid", Part::Process),
    row("syslog", "pid", Part::Process),
    row("syslog", "procid", Part::Process),
    row("process", "pid", Part::Process),
    row("", "SYSLOG_FACILITY", Part::Facility),
    row("", "syslog_facility", Part::Facility),
    row("", "facility", Part::Facility),
    row("facility", "code", Part::Facility),
    row("facility", "name", Part::Facility),
    row("", "pri", Part::Priority),
    row("", "__REALTIME_TIMESTAMP", Part::Realtime),
    row("", "__realtime_timestamp", Part::Realtime),
    row("", "REALTIME_TIMESTAMP", Part::Realtime),
    row("", "realtime_timestamp", Part::Realtime),
    row("", "__MONOTONIC_TIMESTAMP", Part::Monotonic),
    row("", "__monotonic_timestamp", Part::Monotonic),
    row("", "_SOURCE_MONOTONIC_TIMESTAMP", Part::SourceMonotonic),
    row("", "_source_monotonic_timestamp", Part::SourceMonotonic),
    row("", "SOURCE_MONOTONIC_TIMESTAMP", Part::SourceMonotonic),
    row("", "source_monotonic_timestamp", Part::SourceMonotonic),
    row("", "_BOOT_ID", Part::Boot),
    row("", "_boot_id", Part::Boot),
    row("", "BOOT_ID", Part::Boot),
    row("", "boot_id", Part::Boot),
    row("host", "boot_id", Part::Boot),
    row("", "@timestamp", Part::Time),
    row("", "timestamp", Part::Time),
    row("", "TIMESTAMP", Part::Time),
    row("", "time", Part::Time),
    row("", "ts", Part::Time),
    row("", "date", Part::Time),
    row("", "timeUnixNano", Part::Time),
    row("", "timereported", Part::Time),
    row("", "sec", Part::Seconds),
    row("", "usec", Part::Micros),
    row("", "values", Part::Pair),
];

/// Objects whose fields count as fields of the record itself, and objects within which rows of the table stand: the
/// name that the table has for them.
pub(super) const OBJECTS: &[(&str, &str)] = &[
    ("_source", ""),
    ("labels", ""),
    ("stream", ""),
    ("fields", ""),
    ("attributes", ""),
    ("resource", ""),
    ("record", ""),
    ("journal", ""),
    ("metadata", ""),
    ("host", "host"),
    ("systemd", "systemd"),
    ("journald", "journald"),
    ("syslog", "syslog"),
    ("process", "process"),
    ("log", ""),
    ("body", "body"),
    ("event", "event"),
    ("facility", "facility"),
];
