//! Groups of options. A subcommand includes the groups that it uses, and no other: an option without effect is refused.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Args as ClapArgs, ValueEnum};

use super::configuration::Configured;
use crate::catalog::{Role, addons};
use crate::cause::Verdict;
use crate::error::Error;
use crate::report::{RENDERERS, Renderer};
use crate::rule::Scope;

/// Use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Findings that make the exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(super) enum FailOn {
    #[default]
    MissingRule,
    Review,
    Never,
}

/// Parser that accepts any text, and completes known values. Invalid values are reported by [`super::values`], which
/// knows their meaning.
#[derive(Debug, Clone)]
pub(super) struct AnyOf(pub(super) fn() -> Vec<&'static str>);

impl TypedValueParser for AnyOf {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

fn roles() -> Vec<&'static str> {
    Role::ALL.map(Role::code).to_vec()
}

/// Returns the parser of a role that applies to all nodes.
pub(super) fn one_role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(roles()).try_map(|text| {
        Role::parse(&text).ok_or_else(|| "expected control-plane, worker or witness".to_owned())
    })
}

/// Addons whose use the user states.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Cluster")]
pub(super) struct Addons {
    /// An addon that is in use
    #[arg(long, hide_short_help = true, value_name = "NAME", value_parser = AnyOf(addons), hide_possible_values = true)]
    pub(super) addon: Vec<String>,

    /// An addon that is not in use
    #[arg(long, hide_short_help = true, value_name = "NAME", value_parser = AnyOf(addons), hide_possible_values = true)]
    pub(super) no_addon: Vec<String>,
}

/// Options by which the lines of a log are judged.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Judging {
    /// TOML with what is known of the cluster, and the findings that are accepted as they are [DROPSIFT_CONFIG]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "FILE",
        help_heading = "Cluster",
        value_hint = clap::ValueHint::FilePath
    )]
    pub(super) config: Option<PathBuf>,

    /// What the file of [`Judging::config`] says, once it was read.
    #[arg(skip)]
    pub(super) configured: Configured,

    /// What all nodes are, or one: control-plane, worker, witness
    ///
    /// Without it a node is taken for control-plane, and the report says that this is a guess.
    #[arg(long, value_name = "[NODE=]ROLE", help_heading = "Cluster", value_parser = AnyOf(roles), hide_possible_values = true)]
    pub(super) role: Vec<String>,

    /// Address of a cluster node
    #[arg(
        long,
        hide_short_help = true,
        value_name = "NODE=ADDR",
        help_heading = "Cluster"
    )]
    pub(super) node: Vec<String>,

    /// Network of the nodes [without it: the /24 of each, IPv6: /64]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "CIDR",
        value_delimiter = ',',
        help_heading = "Cluster"
    )]
    pub(super) node_net: Vec<String>,

    /// Network of the pods, or some with commas between them [without it: 10.52.0.0/16]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "CIDR",
        value_delimiter = ',',
        help_heading = "Cluster"
    )]
    pub(super) pod_cidr: Vec<String>,

    #[command(flatten)]
    pub(super) addons: Addons,

    /// What `kubectl get nodes -o yaml` prints
    ///
    /// Roles and addresses of nodes, the chains of CloudInits, addons, upgrades, pod networks. All of it: kubectl get nodes,cloudinits.node.harvesterhci.io,addons.harvesterhci.io,upgrades.harvesterhci.io -A -o yaml; JSON too, packed or not, and `-` is stdin. An option stands against an object, and where they differ the report says so.
    #[arg(long, value_name = "FILE", help_heading = "Cluster", value_hint = clap::ValueHint::FilePath)]
    pub(super) cluster: Vec<PathBuf>,

    /// Root of a node, for its role and boot files: / on the node itself
    ///
    /// Read are etc/hostname, RKE2's configuration and the files of /oem with firewall rules; a read-only mount does. On a node, --journal and a log on stdin take / unless told.
    #[arg(long, hide_short_help = true, value_name = "DIR", help_heading = "Cluster", value_hint = clap::ValueHint::DirPath)]
    pub(super) host: Option<PathBuf>,

    /// Chain of all nodes, or of one: from iptables-save
    ///
    /// Also `iptables -S`, `iptables -L -v -n`, a script, or a CloudInit, which is the chain of the next boot.
    #[arg(long, value_name = "[NODE=]FILE", help_heading = "Cluster")]
    pub(super) rules: Vec<String>,

    /// Time of an upgrade: 2026-05-05 04:30..06:00
    ///
    /// Times as of --since; either end may be left out, and `now..` goes on. False positives inside are expected.
    #[arg(
        long,
        value_name = "START..END",
        help_heading = "Time",
        allow_hyphen_values = true
    )]
    pub(super) upgrade: Vec<String>,

    /// Year of the newest line, for logs without years
    #[arg(long, hide_short_help = true, value_name = "YEAR", help_heading = "Time", value_parser = clap::value_parser!(i32).range(1970..=9998))]
    pub(super) year: Option<i32>,

    /// Zone of the log's clock, for logs without zones, as +02:00
    #[arg(
        long,
        hide_short_help = true,
        value_name = "OFFSET",
        help_heading = "Time",
        allow_hyphen_values = true
    )]
    pub(super) utc_offset: Option<String>,

    /// What `now` means, for tests
    #[arg(long, value_name = "TIME", hide = true)]
    pub(super) now: Option<String>,

    /// Prefix of the LOG rule [without it: HARVESTER_DROP_]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "TEXT",
        help_heading = "LOG rule"
    )]
    pub(super) prefix: Option<String>,

    /// Nothing on stderr but what went wrong
    #[arg(short, long, help_heading = "Output")]
    pub(super) quiet: bool,
}

/// What settles a finding, and what the LOG rule hides.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Thresholds {
    /// Quiet that settles a finding [without it: 5min]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "DURATION",
        help_heading = "Time"
    )]
    pub(super) settle: Option<String>,

    /// Limit of the LOG rule [without it: 10/min:5]
    #[arg(
        long,
        hide_short_help = true,
        value_name = "N/UNIT[:BURST]",
        help_heading = "LOG rule"
    )]
    pub(super) limit: Option<String>,
}

/// Options of all commands that read whole logs.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Shared {
    #[command(flatten)]
    pub(super) judging: Judging,

    /// Take nothing in the log for an upgrade
    #[arg(long, hide_short_help = true, help_heading = "Time")]
    pub(super) no_upgrade: bool,

    /// Judge from then on: 2026-05-05 04:30, 04:30, -1h
    ///
    /// As journalctl takes it: also 2026-05-05, RFC 3339, `@EPOCH`, now, today, yesterday, `5 minutes ago`. A time of day alone is of the day on which the log begins; what counts from now goes by this machine's clock.
    #[arg(
        long,
        value_name = "TIME",
        help_heading = "Time",
        allow_hyphen_values = true
    )]
    pub(super) since: Option<String>,

    /// Judge up to then
    #[arg(
        long,
        hide_short_help = true,
        value_name = "TIME",
        help_heading = "Time",
        allow_hyphen_values = true
    )]
    pub(super) until: Option<String>,

    #[command(flatten)]
    pub(super) thresholds: Thresholds,

    /// Read the journal of this machine
    #[arg(long, hide_short_help = true, help_heading = "Input")]
    pub(super) journal: bool,

    #[command(flatten)]
    pub(super) filters: Filters,

    /// The inputs that hold objects of the cluster: [`super::cluster::sort_inputs`] takes them out.
    #[arg(skip)]
    pub(super) objects: Vec<PathBuf>,

    /// What exits with 1
    #[arg(
        long,
        hide_short_help = true,
        value_name = "WHAT",
        help_heading = "Output",
        value_enum,
        default_value_t
    )]
    pub(super) fail_on: FailOn,

    /// Show the tests of each finding, and the lines that were not judged
    #[arg(short, long, hide_short_help = true, help_heading = "Output")]
    pub(super) verbose: bool,
}

/// Filters of the findings.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Only findings of this node
    #[arg(long, hide_short_help = true, value_name = "NODE")]
    pub(super) only: Vec<String>,

    /// Only this port: 2112, tcp/2112, 2379:2380
    #[arg(long, value_name = "[PROTO/]PORT")]
    pub(super) port: Vec<String>,

    /// Only findings of peers in this network
    #[arg(long, hide_short_help = true, value_name = "CIDR")]
    pub(super) peer: Vec<String>,

    /// Only findings of this verdict
    #[arg(long, hide_short_help = true, value_name = "VERDICT", value_parser = PossibleValuesParser::new(Verdict::ALL.map(Verdict::code)))]
    pub(super) verdict: Vec<String>,

    /// Turns the next filter around: all findings but those that it names
    #[arg(long, hide_short_help = true)]
    pub(super) not: bool,

    /// What `--not --only` means; [`super::words::arranged`] writes it.
    #[arg(long, value_name = "NODE", hide = true)]
    pub(super) not_only: Vec<String>,

    /// What `--not --port` means.
    #[arg(long, value_name = "PORT", hide = true)]
    pub(super) not_port: Vec<String>,

    /// What `--not --peer` means.
    #[arg(long, value_name = "CIDR", hide = true)]
    pub(super) not_peer: Vec<String>,

    /// What `--not --verdict` means.
    #[arg(long, value_name = "VERDICT", hide = true, value_parser = PossibleValuesParser::new(Verdict::ALL.map(Verdict::code)))]
    pub(super) not_verdict: Vec<String>,
}

impl Filters {
    /// Whether some findings are not wanted.
    pub(super) fn is_any(&self) -> bool {
        [
            &self.only,
            &self.port,
            &self.peer,
            &self.verdict,
            &self.not_only,
            &self.not_port,
            &self.not_peer,
            &self.not_verdict,
        ]
        .into_iter()
        .any(|values| !values.is_empty())
    }
}

/// Sources that suggested rules accept.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Scoped {
    /// Whom rules accept: as the docs write it, the sources of the port's row, the peers seen, or the nodes' network
    #[arg(long, hide_short_help = true, value_name = "SCOPE", help_heading = "Output", default_value = Scope::Documented.code(), value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::code)))]
    scope: String,
}

impl Scoped {
    pub(super) fn scope(&self) -> Scope {
        let named = Scope::ALL.into_iter().find(|s| s.code() == self.scope);
        named.unwrap_or_default()
    }
}

/// Output form of a subcommand, which offers those that it has by [`forms`].
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Written {
    /// How it is written
    #[arg(short, long, value_name = "FORM", help_heading = "Output", default_value = RENDERERS[0].code)]
    output: String,
}

impl Written {
    /// Returns the form.
    pub(super) fn renderer(&self) -> &'static Renderer {
        form(&self.output)
    }

    /// Returns what the form has of a subcommand.
    ///
    /// # Errors
    /// If it has none, which [`forms`] does not let pass.
    pub(super) fn form<T>(&self, of: fn(&Renderer) -> Option<T>) -> Result<T, Error> {
        of(self.renderer()).ok_or_else(|| {
            let known: Vec<&str> = (RENDERERS.iter())
                .filter(|form| of(form).is_some())
                .map(|form| form.code)
                .collect();
            Error::Usage(format!(
                "-o {} is no form of this; use one of {}",
                self.output,
                known.join(", ")
            ))
        })
    }
}

/// Returns the form with this code.
pub(super) fn form(code: &str) -> &'static Renderer {
    let named = RENDERERS.iter().find(|form| form.code == code);
    named.copied().unwrap_or(RENDERERS[0])
}

/// Returns the parser of the forms that have an output.
pub(super) fn forms<T>(of: fn(&Renderer) -> Option<T>) -> PossibleValuesParser {
    let having = RENDERERS.iter().filter(|form| of(form).is_some());
    PossibleValuesParser::new(having.map(|form| form.code))
}

/// Appearance of text output.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(super) struct Look {
    /// When to colour
    #[arg(
        long,
        hide_short_help = true,
        value_name = "WHEN",
        help_heading = "Output",
        value_enum,
        default_value_t
    )]
    pub(super) color: Color,
}

/// Inputs to read.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Inputs {
    /// Logs, journals, journal directories, support bundles, objects of the cluster, own reports and events, packed or not;
    /// `-` is stdin, and the default
    #[arg(value_name = "INPUT", value_hint = clap::ValueHint::AnyPath)]
    pub(super) inputs: Vec<PathBuf>,
}

impl Shared {
    /// Returns the verdicts that make the exit status 1.
    pub(super) const fn fail_on(&self) -> &'static [Verdict] {
        match self.fail_on {
            FailOn::MissingRule => &[Verdict::MissingRule],
            FailOn::Review => &[Verdict::MissingRule, Verdict::Review],
            FailOn::Never => &[],
        }
    }

    /// Whether stderr is restricted to errors.
    pub(super) const fn is_quiet(&self) -> bool {
        self.judging.quiet
    }
}
