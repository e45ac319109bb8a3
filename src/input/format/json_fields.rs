//! Table of the names that collectors give to the parts of a log record, and the lookup of a name in it.

/// Part of a record that a JSON field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::input) enum Part {
    Message,
    Host,
    /// `_TRANSPORT` of the journal: the trusted transport.
    Transport,
    /// Name that the sender claims.
    Identifier,
    /// Name of the program, or a place in its code, in a field that is not syslog's.
    Program,
    /// Level of a logger, by its name.
    Level,
    /// The process that sent it; the kernel has none.
    Process,
    /// Unit, user or program of that process, as journald found them.
    Owner,
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

/// Number of parts.
pub(super) const PARTS: usize = Part::Pair as usize + 1;

/// Context of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// The record itself, or an object whose fields count as the record's.
    Record,
    Host,
    Body,
    Event,
    Systemd,
    Journald,
    Syslog,
    Process,
    Facility,
    /// What a collector of containers' logs knows of the pod.
    Kubernetes,
    /// A time that is an object.
    Date,
    /// An unknown object.
    Unknown,
}

use Within::{
    Body, Date, Event, Facility, Host, Journald, Kubernetes, Process, Record, Syslog, Systemd,
};

/// A field: its context, its name there, and the part that it holds.
pub(super) struct Field {
    within: Within,
    pub(super) name: &'static str,
    pub(super) part: Part,
}

const fn row(within: Within, name: &'static str, part: Part) -> Field {
    Field { within, name, part }
}

/// The one field whose value is an object, and says enough by being there.
pub(super) const EVENT: &str = "involvedObject";

/// Graylog's name for the host; others give it to a file or an input.
pub(super) const SOURCE: &str = "source";

/// Table of known fields. Of two rows for one part the first one wins.
///
/// Names are from: systemd.journal-fields(7); Fluent Bit's inputs systemd (also with `Lowercase` and
/// `Strip_Underscores`) and kmsg; Vector's sources journald and syslog; Filebeat's input journald and ECS 8; rsyslog's
/// and syslog-ng's JSON templates (`--scope rfc3164` and `rfc5424`); Docker's json-file; Loki's API, logcli and Grafana;
/// Splunk's exports; OpenTelemetry's logs data model; util-linux `dmesg -J`; rsyslog's ommysql; Azure Monitor's Syslog table;
/// CloudWatch Logs; Google Cloud Logging; Sumo Logic; Papertrail; MongoDB's extended JSON.
#[rustfmt::skip]
pub(super) const FIELDS: &[Field] = &[
    row(Record, "MESSAGE", Part::Message),
    row(Record, "message", Part::Message),
    row(Record, "msg", Part::Message),
    row(Record, "log", Part::Message),
    row(Record, "line", Part::Message),
    row(Record, "body", Part::Message),
    row(Record, "short_message", Part::Message),
    row(Record, "@message", Part::Message),
    row(Body, "stringValue", Part::Message),
    row(Event, "original", Part::Message),
    row(Record, "text", Part::Message),
    row(Record, "MSG", Part::Message),
    row(Record, "Message", Part::Message),
    row(Record, "Line", Part::Message),
    row(Record, "_raw", Part::Message),
    row(Record, "_HOSTNAME", Part::Host),
    row(Record, "_hostname", Part::Host),
    row(Record, "HOSTNAME", Part::Host),
    row(Record, "hostname", Part::Host),
    row(Syslog, "hostname", Part::Host),
    row(Host, "hostname", Part::Host),
    row(Host, "name", Part::Host),
    // Of Logstash, whose `host` is the sender then.
    row(Record, "logsource", Part::Host),
    row(Record, "Hostname", Part::Host),
    row(Record, "host", Part::Host),
    row(Record, "nodename", Part::Host),
    row(Record, "node_name", Part::Host),
    row(Record, "node", Part::Host),
    row(Record, "__journal__hostname", Part::Host),
    row(Record, "HOST", Part::Host),
    row(Record, "Host", Part::Host),
    row(Record, "HOST_FROM", Part::Host),
    row(Kubernetes, "host", Part::Host),
    row(Kubernetes, "node_name", Part::Host),
    row(Kubernetes, "pod_node_name", Part::Host),
    row(Record, SOURCE, Part::Host),
    row(Record, "_TRANSPORT", Part::Transport),
    row(Record, "_transport", Part::Transport),
    row(Record, "TRANSPORT", Part::Transport),
    row(Record, "transport", Part::Transport),
    row(Systemd, "transport", Part::Transport),
    row(Journald, "transport", Part::Transport),
    row(Record, "__journal__transport", Part::Transport),
    row(Record, "SYSLOG_IDENTIFIER", Part::Identifier),
    row(Record, "syslog_identifier", Part::Identifier),
    row(Syslog, "identifier", Part::Identifier),
    row(Syslog, "appname", Part::Identifier),
    row(Syslog, "app_name", Part::Identifier),
    row(Syslog, "program", Part::Identifier),
    row(Syslog, "programname", Part::Identifier),
    // With its PID, which the names do not have.
    row(Record, "syslogtag", Part::Identifier),
    row(Record, "appname", Part::Identifier),
    row(Record, "app_name", Part::Identifier),
    row(Record, "ident", Part::Identifier),
    row(Record, "tag", Part::Identifier),
    row(Record, "programname", Part::Identifier),
    row(Record, "PROGRAM", Part::Identifier),
    row(Record, "program", Part::Identifier),
    row(Record, "application_name", Part::Identifier),
    row(Record, "__journal_syslog_identifier", Part::Identifier),
    row(Record, "syslog_program", Part::Identifier),
    row(Record, "syslog_appname", Part::Identifier),
    row(Record, "syslog_app_name", Part::Identifier),
    row(Record, "syslog_tag", Part::Identifier),
    row(Record, "SysLogTag", Part::Identifier),
    row(Record, "SyslogIdentifier", Part::Identifier),
    row(Record, "app-name", Part::Identifier),
    row(Record, "APP-NAME", Part::Identifier),
    row(Record, "APP_NAME", Part::Identifier),
    row(Record, "APPNAME", Part::Identifier),
    row(Record, "appName", Part::Identifier),
    row(Process, "name", Part::Identifier),
    // `app`, `application`, `service`, `component` and `logger` are none: collectors give these to the kernel's records too.
    row(Record, "process_name", Part::Program),
    row(Record, "processName", Part::Program),
    row(Record, "ProcessName", Part::Program),
    row(Record, "process", Part::Program),
    row(Record, "SourceName", Part::Program),
    row(Record, "daemon", Part::Program),
    // The object that an Event of Kubernetes is about.
    row(Record, EVENT, Part::Program),
    row(Record, "caller", Part::Program),
    row(Record, "logger_name", Part::Program),
    row(Record, "loggerName", Part::Program),
    row(Record, "thread_name", Part::Program),
    row(Record, "stacktrace", Part::Program),
    row(Record, "funcName", Part::Program),
    row(Record, "kind", Part::Program),
    row(Record, "levelname", Part::Program),
    row(Record, "thread", Part::Program),
    row(Record, "ctx", Part::Program),
    row(Record, "remote_addr", Part::Program),
    row(Record, "request", Part::Program),
    row(Record, "method", Part::Program),
    row(Record, "level", Part::Level),
    row(Record, "SYSLOG_PID", Part::Process),
    row(Record, "_PID", Part::Process),
    row(Record, "syslog_pid", Part::Process),
    row(Record, "_pid", Part::Process),
    row(Record, "procid", Part::Process),
    row(Record, "PID", Part::Process),
    row(Record, "pid", Part::Process),
    row(Record, "process_id", Part::Process),
    row(Record, "processId", Part::Process),
    row(Record, "ProcessID", Part::Process),
    row(Syslog, "pid", Part::Process),
    row(Syslog, "procid", Part::Process),
    row(Process, "pid", Part::Process),
    row(Record, "_SYSTEMD_UNIT", Part::Owner),
    row(Record, "_systemd_unit", Part::Owner),
    row(Record, "SYSTEMD_UNIT", Part::Owner),
    row(Record, "systemd_unit", Part::Owner),
    row(Record, "__journal__systemd_unit", Part::Owner),
    row(Systemd, "unit", Part::Owner),
    row(Record, "unit", Part::Owner),
    row(Record, "_UID", Part::Owner),
    row(Record, "_uid", Part::Owner),
    row(Record, "_EXE", Part::Owner),
    row(Record, "_exe", Part::Owner),
    row(Record, "_COMM", Part::Owner),
    row(Record, "_comm", Part::Owner),
    row(Record, "EXE", Part::Owner),
    row(Record, "exe", Part::Owner),
    row(Record, "COMM", Part::Owner),
    row(Record, "comm", Part::Owner),
    row(Record, "SYSLOG_FACILITY", Part::Facility),
    row(Record, "syslog_facility", Part::Facility),
    row(Record, "facility", Part::Facility),
    row(Record, "FACILITY", Part::Facility),
    row(Record, "fac", Part::Facility),
    row(Record, "syslogfacility-text", Part::Facility),
    row(Record, "syslogfacility", Part::Facility),
    row(Facility, "code", Part::Facility),
    row(Facility, "name", Part::Facility),
    row(Syslog, "facility", Part::Facility),
    row(Syslog, "facility_label", Part::Facility),
    row(Record, "Facility", Part::Facility),
    row(Record, "facility_label", Part::Facility),
    row(Record, "facility_name", Part::Facility),
    row(Record, "facility_num", Part::Facility),
    row(Record, "FACILITY_NUM", Part::Facility),
    row(Record, "syslog_facility_code", Part::Facility),
    row(Record, "SyslogFacility", Part::Facility),
    row(Record, "SyslogFacilityValue", Part::Facility),
    row(Record, "pri", Part::Priority),
    row(Record, "PRI", Part::Priority),
    row(Record, "syslog_pri", Part::Priority),
    row(Syslog, "priority", Part::Priority),
    row(Record, "__REALTIME_TIMESTAMP", Part::Realtime),
    row(Record, "__realtime_timestamp", Part::Realtime),
    row(Record, "REALTIME_TIMESTAMP", Part::Realtime),
    row(Record, "realtime_timestamp", Part::Realtime),
    row(Record, "__MONOTONIC_TIMESTAMP", Part::Monotonic),
    row(Record, "__monotonic_timestamp", Part::Monotonic),
    row(Record, "_SOURCE_MONOTONIC_TIMESTAMP", Part::SourceMonotonic),
    row(Record, "_source_monotonic_timestamp", Part::SourceMonotonic),
    row(Record, "SOURCE_MONOTONIC_TIMESTAMP", Part::SourceMonotonic),
    row(Record, "source_monotonic_timestamp", Part::SourceMonotonic),
    row(Record, "_BOOT_ID", Part::Boot),
    row(Record, "_boot_id", Part::Boot),
    row(Record, "BOOT_ID", Part::Boot),
    row(Record, "boot_id", Part::Boot),
    row(Host, "boot_id", Part::Boot),
    row(Record, "@timestamp", Part::Time),
    row(Record, "timestamp", Part::Time),
    row(Record, "TIMESTAMP", Part::Time),
    row(Record, "time", Part::Time),
    row(Record, "ts", Part::Time),
    row(Record, "date", Part::Time),
    row(Record, "timeUnixNano", Part::Time),
    row(Record, "timereported", Part::Time),
    row(Record, "ISODATE", Part::Time),
    row(Record, "R_ISODATE", Part::Time),
    row(Record, "S_ISODATE", Part::Time),
    row(Record, "UNIXTIME", Part::Time),
    row(Record, "DATE", Part::Time),
    row(Record, "FULLDATE", Part::Time),
    row(Record, "_time", Part::Time),
    row(Record, "Time", Part::Time),
    row(Record, "tsNs", Part::Time),
    row(Record, "@t", Part::Time),
    row(Record, "Timestamp", Part::Time),
    row(Record, "TimeStamp", Part::Time),
    row(Record, "timeStamp", Part::Time),
    row(Record, "TIME", Part::Time),
    row(Record, "datetime", Part::Time),
    row(Record, "DateTime", Part::Time),
    row(Record, "dateTime", Part::Time),
    row(Record, "Datetime", Part::Time),
    row(Record, "date_time", Part::Time),
    row(Record, "eventTime", Part::Time),
    row(Record, "EventTime", Part::Time),
    row(Record, "event_time", Part::Time),
    row(Record, "eventtime", Part::Time),
    row(Record, "eventTimestamp", Part::Time),
    row(Record, "event_timestamp", Part::Time),
    row(Record, "log_time", Part::Time),
    row(Record, "logtime", Part::Time),
    row(Record, "syslog_timestamp", Part::Time),
    row(Record, "DeviceReportedTime", Part::Time),
    row(Record, "timegenerated", Part::Time),
    row(Record, "TimeGenerated", Part::Time),
    row(Record, "timeGenerated", Part::Time),
    row(Record, "time_generated", Part::Time),
    row(Record, "TimeGenerated [UTC]", Part::Time),
    row(Record, "generated_at", Part::Time),
    row(Record, "created_at", Part::Time),
    row(Record, "createdAt", Part::Time),
    row(Record, "Date", Part::Time),
    row(Record, "STAMP", Part::Time),
    row(Record, "S_STAMP", Part::Time),
    row(Record, "S_DATE", Part::Time),
    row(Record, "S_UNIXTIME", Part::Time),
    row(Date, "$date", Part::Time),
    row(Date, "$numberLong", Part::Time),
    row(Record, "R_UNIXTIME", Part::Time),
    row(Record, "R_DATE", Part::Time),
    row(Record, "R_STAMP", Part::Time),
    row(Record, "C_ISODATE", Part::Time),
    row(Record, "received_at", Part::Time),
    row(Record, "receivedAt", Part::Time),
    row(Record, "ReceivedAt", Part::Time),
    row(Record, "receiveTimestamp", Part::Time),
    row(Record, "_messagetime", Part::Time),
    row(Record, "_messageTime", Part::Time),
    row(Record, "ingestionTime", Part::Time),
    row(Record, "observedTimeUnixNano", Part::Time),
    row(Event, "created", Part::Time),
    row(Record, "sec", Part::Seconds),
    row(Record, "usec", Part::Micros),
    row(Record, "values", Part::Pair),
];

/// Objects that are entered, and the context of their fields.
#[rustfmt::skip]
pub(super) const OBJECTS: &[(&str, Within)] = &[
    ("_source", Record),
    ("labels", Record),
    ("stream", Record),
    ("fields", Record),
    ("attributes", Record),
    ("resource", Record),
    ("record", Record),
    ("result", Record),
    ("journal", Record),
    ("metadata", Record),
    ("host", Host),
    ("systemd", Systemd),
    ("journald", Journald),
    ("syslog", Syslog),
    ("process", Process),
    ("log", Record),
    ("body", Body),
    ("event", Event),
    ("facility", Facility),
    ("kubernetes", Kubernetes),
    // rsyslog's message as JSON, and syslog-ng's, with the fields of the journal.
    ("$!", Record),
    ("_journald", Record),
    ("@timestamp", Date),
    ("timestamp", Date),
    ("time", Date),
    ("date", Date),
    ("$date", Date),
];

/// Returns the index in [`OBJECTS`] of the object with this name.
pub(super) fn entered(name: &[u8]) -> Option<usize> {
    known(Within::Unknown, name).1
}

/// Returns the row of [`FIELDS`] for a field.
pub(super) fn field(within: Within, name: &[u8]) -> Option<u8> {
    known(within, name).0
}

/// Returns the row of [`FIELDS`] for a field, and the index in [`OBJECTS`] of an object with its name: a record has some twenty
/// fields, and few of them are in the tables.
#[inline]
pub(super) fn known(within: Within, name: &[u8]) -> (Option<u8>, Option<usize>) {
    let (mut row, mut object) = (None, None);
    let mut slot = hash(name);
    while let Some(index) = usize::from(SLOTS[slot]).checked_sub(1) {
        // Lengths are compared first: comparing the bytes needs a function call.
        let is_name = |known: &str| known.len() == name.len() && known.as_bytes() == name;
        match FIELDS.get(index) {
            Some(field) if row.is_none() && field.within == within && is_name(field.name) => {
                row = Some(index as u8);
            }
            Some(_) => {}
            None => {
                let index = index - FIELDS.len();
                object = object.or_else(|| is_name(OBJECTS[index].0).then_some(index));
            }
        }
        slot = (slot + 1) % SLOTS.len();
    }
    // Of the pod's own objects, its labels are anybody's.
    (row, object.filter(|_| within != Kubernetes))
}

/// Returns the slot for a name, by its length and some of its bytes.
const fn hash(name: &[u8]) -> usize {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return 0;
    };
    let middle = name[name.len() / 2] as usize;
    let key = name.len() * 7 + (*first as usize) * 31 + (*last as usize) * 131 + middle * 517;
    key % SLOTS.len()
}

/// Hash table from names to the rows of [`FIELDS`], counted from 1, and behind them those of [`OBJECTS`], with linear probing.
static SLOTS: [u16; 1024] = {
    assert!(OBJECTS.len() <= 32, "an object is a bit");
    assert!(FIELDS.len() <= 1 << u8::BITS, "a row is a byte");
    let mut slots = [0; 1024];
    let mut row = 0;
    while row < FIELDS.len() + OBJECTS.len() {
        let name = if row < FIELDS.len() {
            FIELDS[row].name
        } else {
            OBJECTS[row - FIELDS.len()].0
        };
        let mut slot = hash(name.as_bytes());
        while slots[slot] != 0 {
            slot = (slot + 1) % slots.len();
        }
        row += 1;
        slots[slot] = row as u16;
    }
    slots
};

#[cfg(test)]
mod tests {
    use super::{FIELDS, OBJECTS, Within, entered, field};

    #[test]
    fn each_name_is_found_where_it_stands() {
        for (index, (name, _)) in OBJECTS.iter().enumerate() {
            assert_eq!(entered(name.as_bytes()), Some(index));
        }
        for row in FIELDS {
            let found = field(row.within, row.name.as_bytes()).map(|at| &FIELDS[usize::from(at)]);
            let found = found.map(|found| (found.name, found.part));
            assert_eq!(found, Some((row.name, row.part)), "{}", row.name);
            assert_eq!(field(Within::Unknown, row.name.as_bytes()), None);
        }
        for other in ["", "x", "MESSAGE_ID", "__CURSOR"] {
            assert_eq!(field(Within::Record, other.as_bytes()), None);
        }
    }
}
