//! Options that a subcommand knows but that have no effect beside the others: they are refused.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::explain;
use super::options::form;
use crate::error::Error;
use crate::report::Renderer;

/// Options that do nothing in some case.
struct Idle {
    subcommand: &'static str,
    /// Whether it is the case.
    when: fn(&ArgMatches) -> bool,
    /// Ids of the options.
    options: &'static [&'static str],
    /// Reason and remedy, after `--option`.
    why: &'static str,
}

const IDLE: &[Idle] = &[
    Idle {
        subcommand: "rules",
        when: |matches| written(matches).rules.is_some(),
        options: &["format"],
        why: "does nothing beside -o json, which has each rule in every form; leave one of the two out",
    },
    Idle {
        subcommand: "rules",
        when: |matches| is(matches, "format", "split-log"),
        options: &["scope"],
        why: "is for ACCEPT rules, and --format split-log writes none; leave it out",
    },
    Idle {
        subcommand: "rules",
        when: |matches| matches.get_flag("check"),
        options: &["fail_on"],
        why: "does nothing beside --check, which exits with 1 where a rule is not live; leave it out",
    },
    Idle {
        subcommand: "accept",
        when: |_| true,
        options: &["fail_on"],
        why: "does nothing here: accept prints a stanza, whatever the log lacks; leave it out",
    },
    Idle {
        subcommand: "explain",
        when: |matches| {
            let words = matches.get_many::<String>("what").unwrap_or_default();
            !explain::is_of_lines(&words.cloned().collect::<Vec<_>>().join(" "))
        },
        options: &[
            "role",
            "node",
            "node_net",
            "pod_cidr",
            "addon",
            "no_addon",
            "cluster",
            "host",
            "config",
            "rules",
            "upgrade",
            "year",
            "utc_offset",
            "prefix",
            "scope",
        ],
        why: "is for lines of a log, and this is none; leave it out, or give the line in quotes (`dropsift ports --role ROLE` has \
              the ports of a role)",
    },
];

/// Refuses options that would do nothing.
///
/// # Errors
/// If one was typed.
pub(super) fn check(matches: &ArgMatches) -> Result<(), Error> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let own = IDLE
        .iter()
        .filter(|idle| idle.subcommand == name && (idle.when)(matches));
    for idle in own {
        if let Some(option) = idle.options.iter().find(|id| is_typed(matches, id)) {
            let option = option.replace('_', "-");
            return Err(Error::Usage(format!("--{option} {}", idle.why)));
        }
    }
    Ok(())
}

fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    let is_known = matches.ids().any(|known| known.as_str() == id);
    is_known && matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Returns the form of the output.
fn written(matches: &ArgMatches) -> &'static Renderer {
    let code = matches.get_one::<String>("output");
    form(code.map_or("", String::as_str))
}

/// Whether an option was typed with that value.
fn is(matches: &ArgMatches, id: &str, value: &str) -> bool {
    is_typed(matches, id)
        && matches
            .get_raw(id)
            .is_some_and(|mut values| values.any(|typed| typed == value))
}
