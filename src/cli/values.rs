//! Conversion of option texts to their values.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::FixedOffset;

use super::cluster;
use super::dates::{duration, moment, window};
use super::options::{Addons, Judging, Shared, Thresholds};
use super::stdio;
use crate::analyze::Analysis;
use crate::catalog::{Role, addons as known_addons};
use crate::date::Date;
use crate::error::{Error, printable};
use crate::input::{
    Prefixes,
    source::{Options, Progress},
};
use crate::nearest::hint;
use crate::net::{IpNet, parse_net};
use crate::rule::Scope;
use crate::site::{Limit, Provenance, SETTLE, Site};
use crate::time::{DAY, MINUTE, Moment, Reading, SECOND, Time};

/// Longest prefix that xt_LOG keeps, in bytes; iptables cuts a longer one silently.
const MAX_PREFIX: usize = 29;

/// Upper bound on the bytes of a file with rules; longer ones are refused.
const MAX_TEXT: u64 = crate::chain::MAX_TEXT as u64;
/// Number of bytes at the start of a file in which a report says what it is.
const MAX_HEAD: usize = 4_096;

fn usage<T>(text: String) -> Result<T, Error> {
    Err(Error::Usage(text))
}

/// Checks the prefix of the LOG rule.
pub(super) fn prefix(told: Option<&str>) -> Result<Option<String>, Error> {
    match told {
        Some(text) if text.is_empty() || text.len() > MAX_PREFIX => usage(format!(
            "prefix `{text}` has {} bytes; the LOG rule keeps 1 to {MAX_PREFIX} of them",
            text.len()
        )),
        told => Ok(told.map(str::to_owned)),
    }
}

/// Microseconds that a clock is ahead of UTC.
pub(super) fn utc_offset(text: &str) -> Result<i64, Error> {
    match text.parse::<FixedOffset>() {
        Ok(offset) => Ok(i64::from(offset.local_minus_utc()) * SECOND),
        Err(_) => usage(format!("`{text}` is no UTC offset; write it as +02:00")),
    }
}

/// Returns the options for reading logs.
pub(super) fn read_options(judging: &Judging) -> Result<Options, Error> {
    let prefixes = match prefix(judging.prefix.as_deref())? {
        None => Prefixes::documented(),
        Some(text) => Prefixes::only(&text),
    };
    let offset = judging.utc_offset.as_deref().map(utc_offset).transpose()?;
    let offset = offset.unwrap_or(0);
    let mut reading = Reading {
        year: judging.year,
        reference: super::terminal::now(),
        offset,
    };
    if let Some(told) = &judging.now {
        match moment(told, &reading)? {
            Moment::At(time) => reading.reference = time,
            _ => {
                return usage(format!(
                    "`{told}` is no date for --now; write 2026-05-05T12:00:00Z"
                ));
            }
        }
    }
    Ok(Options {
        prefixes,
        reading,
        progress: Progress::default(),
        since: None,
    })
}

/// Returns the options of a command that reads whole logs: files that ended before `--since` may be skipped.
pub(super) fn log_options(shared: &Shared) -> Result<Options, Error> {
    let options = read_options(&shared.judging)?;
    let since = shared.since.as_deref();
    let since = since
        .map(|text| moment(text, &options.reading))
        .transpose()?;
    Ok(Options { since, ..options })
}

/// Returns the addons whose use the user stated.
pub(super) fn addons(told: &Addons) -> Result<BTreeMap<String, bool>, Error> {
    let mut in_use = BTreeMap::new();
    for (names, used) in [(&told.addon, true), (&told.no_addon, false)] {
        for name in names {
            if !known_addons().contains(&name.as_str()) {
                let near = hint(name, known_addons());
                return usage(format!(
                    "no addon `{name}` is known to open ports;{near} expected {}",
                    known_addons().join(" or ")
                ));
            }
            in_use.insert(name.clone(), used);
        }
    }
    Ok(in_use)
}

/// Returns the site that the options describe, as far as single lines are judged by it.
pub(super) fn judged_by(
    judging: &Judging,
    options: &Options,
    is_verbose: bool,
) -> Result<Site, Error> {
    let mut site = Site {
        log_prefix: judging.prefix.clone(),
        ..Site::default()
    };
    judging.configured.tell(&mut site.known);
    for (name, is_used) in addons(&judging.addons)? {
        site.known.set_addon(&name, is_used, Provenance::Told);
    }
    for text in &judging.role {
        let (node, role) = match text.split_once('=') {
            Some(("", role)) => {
                return usage(format!(
                    "--role `{text}` has no node before the `=`; write --role NODE={role}, or --role {role} for all"
                ));
            }
            Some((node, role)) => (Some(node), role),
            None => (None, text.as_str()),
        };
        let Some(known) = Role::parse(role) else {
            let whose = node.map_or_else(String::new, |node| format!(" for node `{node}`"));
            // `kubectl get nodes` prints all roles of a node: control-plane,etcd,master.
            let first = role.split(',').next().unwrap_or(role);
            let near = hint(first, Role::ALL.map(Role::code));
            return usage(format!(
                "unknown role `{role}`{whose};{near} expected control-plane, worker or witness"
            ));
        };
        site.known.set_role(node, known, Provenance::Told);
    }
    for text in &judging.node {
        let pair = text.split_once('=');
        let Some((node, Ok(address))) = pair.map(|(node, address)| (node, address.parse())) else {
            return usage(format!(
                "`{text}` names no node; write it as harvester1=192.168.122.61"
            ));
        };
        site.known.set_address(address, node, Provenance::Told);
    }
    for net in nets(&judging.node_net)? {
        site.known.add_node_net(net, Provenance::Told);
    }
    for net in nets(&judging.pod_cidr)? {
        site.known.add_pod_cidr(net, Provenance::Told);
    }
    for text in &judging.rules {
        let (node, path) = rules_of(text);
        let text = text_file(Path::new(path))?;
        let taken = modified(path).or(Some(options.reading.reference));
        site.in_force.tell(node, path, &text, taken)?;
    }
    if !judging.quiet {
        for (name, faults, first) in site.in_force.faults() {
            let lines = if faults == 1 {
                "1 line"
            } else {
                &format!("{faults} lines")
            };
            super::say(&printable(&format!(
                "{name}: {lines} did not count, the first for this reason: {first}; `dropsift audit` tells more"
            )));
        }
    }
    for text in &judging.upgrade {
        site.upgrades.push(window(text, &options.reading)?);
    }
    cluster::learn(&mut site, judging, is_verbose)?;
    Ok(site)
}

/// Returns the site that the options describe, for commands that read whole logs.
pub(super) fn site(shared: &Shared, options: &Options) -> Result<Site, Error> {
    let moment = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| moment(text, &options.reading)).transpose()
    };
    Ok(Site {
        finds_upgrades: !shared.no_upgrade,
        settle: settle(&shared.thresholds)?,
        limit: log_limit(&shared.thresholds)?,
        since: moment(&shared.since)?,
        until: moment(&shared.until)?,
        ..judged_by(&shared.judging, options, shared.verbose)?
    })
}

/// Returns the quiet that settles a finding, in microseconds.
pub(super) fn settle(told: &Thresholds) -> Result<i64, Error> {
    let settle = told.settle.as_deref().map(duration).transpose()?;
    Ok(settle.unwrap_or(SETTLE))
}

/// Returns the limit of the LOG rule.
pub(super) fn log_limit(told: &Thresholds) -> Result<Limit, Error> {
    let told = told.limit.as_deref().map(limit).transpose()?;
    Ok(told.unwrap_or(Limit::DOCUMENTED))
}

/// Creates an analysis of `site` with the acceptances of the configuration file.
pub(super) fn analysis(site: Site, judging: &Judging, options: &Options, scope: Scope) -> Analysis {
    let mut analysis = Analysis::new(site, scope);
    let today = Date::of(options.reading.reference);
    analysis.accept(judging.configured.acceptances(), today);
    analysis
}

/// Stdin can be the log, the rules or the objects of the cluster.
pub(super) fn stdin_once(shared: &Shared, inputs: &[PathBuf]) -> Result<(), Error> {
    let judging = &shared.judging;
    let rules = judging.rules.iter().filter(|text| rules_of(text).1 == "-");
    let objects = judging
        .cluster
        .iter()
        .filter(|path| path.as_os_str() == "-");
    let others = rules.count() + objects.count();
    let named = inputs.iter().filter(|path| path.as_os_str() == "-").count();
    let log = if inputs.is_empty() && !shared.journal {
        1
    } else {
        named
    };
    if others > 0 && others + log > 1 {
        return usage(
            "stdin can be read once: name a file for the rules, as --rules chain.txt, for the objects, as --cluster \
             cluster.yaml, or for the log"
                .to_owned(),
        );
    }
    if others + log > 0 {
        stdio::check_stdin()?;
    }
    Ok(())
}

/// Returns the node, where one is named, and the file.
fn rules_of(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        // A node's name has no slash: `./a=b` is a file.
        Some((node, path)) if !node.contains('/') && !node.is_empty() => (Some(node), path),
        _ => (None, text),
    }
}

/// Reads a file that must be text; `-` is stdin.
pub(super) fn text_file(path: &Path) -> Result<String, Error> {
    let is_stdin = path.as_os_str() == "-";
    if is_stdin {
        stdio::check_stdin()?;
    }
    let read = || {
        let mut bytes = Vec::new();
        if is_stdin {
            io::stdin()
                .lock()
                .take(MAX_TEXT + 1)
                .read_to_end(&mut bytes)?;
        } else {
            File::open(path)?
                .take(MAX_TEXT + 1)
                .read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    };
    let name = || path.display().to_string();
    let bytes = read().map_err(|why| Error::Input { name: name(), why })?;
    if is_report(&bytes) {
        return Err(Error::Unreadable {
            name: name(),
            why: "it is a report of dropsift, which is read as a log is (`dropsift REPORT`); give the output of \
                  `iptables-save` here, or the CloudInit as YAML"
                .to_owned(),
        });
    }
    String::from_utf8(bytes).map_err(|_| Error::Unreadable {
        name: name(),
        why: "it is no text; give the output of `iptables-save`, or the CloudInit as YAML"
            .to_owned(),
    })
}

/// Whether a text begins as one that this program wrote for reading it again: JSON, events, or a page.
fn is_report(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEAD)]);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    head.starts_with('{') && head.contains("\"dropsift/")
        || head.starts_with('<') && head.contains("content=\"dropsift ")
}

/// Returns the time of the last write to the file; `None` for stdin.
fn modified(path: &str) -> Option<Time> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Time(i64::try_from(since.as_micros()).ok()?))
}

/// Reads networks.
pub(super) fn nets(texts: &[String]) -> Result<Vec<IpNet>, Error> {
    texts.iter().map(|text| net(text)).collect()
}

/// Reads a network.
pub(super) fn net(text: &str) -> Result<IpNet, Error> {
    parse_net(text).map_err(Error::Usage)
}

/// Reads `10/min:5`, with the units of iptables-extensions(8), limit.
pub(super) fn limit(text: &str) -> Result<Limit, Error> {
    const UNITS: [(&str, i64); 4] = [
        ("second", SECOND),
        ("minute", MINUTE),
        ("hour", 60 * MINUTE),
        ("day", DAY),
    ];
    let parsed = || {
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, burst.parse().ok()?),
            None => (text, Limit::DOCUMENTED.burst),
        };
        let (number, unit) = rate.split_once('/')?;
        let number: i64 = number.parse().ok().filter(|n| *n > 0)?;
        let (_, length) = UNITS
            .iter()
            .find(|(name, _)| !unit.is_empty() && name.starts_with(unit))?;
        let refill = length / number;
        (refill > 0 && burst > 0).then_some(Limit { refill, burst })
    };
    match parsed() {
        Some(limit) => Ok(limit),
        None => usage(format!(
            "`{text}` is no limit; write it as the LOG rule has it: 10/min:5"
        )),
    }
}
