//! What can be typed. Names of outputs, formats and verdicts come from their registries, never from a second list.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::cause::Verdict;
use crate::error::Error;
use crate::report::json_schema::SCHEMAS;
use crate::report::{Events, RENDERERS, Renderer};
use crate::rule::{CHAIN_FORMS, EMITTERS, Emitter, Scope};

/// Tells false positives from missing rules in the drop log of the Harvester host firewall.
#[derive(Debug, Parser)]
#[command(
    version,
    bin_name = "dropsift",
    max_term_width = 100,
    subcommand_precedence_over_arg = true
)]
#[command(after_help = "\
Exit codes: 0 nothing to do, 1 a rule is missing, 2 usage or an input that cannot be read, 3 input that was read but could \
not be judged.

Examples:
  journalctl -k -f | dropsift
  dropsift --role harvester3=worker kernel.log
  journalctl -k -o json | dropsift -o json | jq '.findings[] | select(.verdict == \"missing-rule\")'")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) shared: Shared,

    /// Logs, journals, journal directories, support bundles, packed or not; `-` is stdin, and the default
    #[arg(value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print only the ACCEPT rules
    #[command(after_help = "\
Examples:
  dropsift rules --rules harvester1=chain.txt kernel.log > add-rules.sh
  dropsift rules --format cloudinit-patch --diff 91-iptables-worker.yaml kernel.log
  dropsift rules --format split-log kernel.log
  ssh harvester1 iptables-save | dropsift rules --check kernel.log

With --format cloudinit-patch the first INPUT is the CloudInit to change; it is printed, not written. Its selector tells \
the role, unless --role does.")]
    Rules {
        /// Logs, journals, journal directories, support bundles, packed or not; `-` is stdin, and the default
        #[arg(value_name = "INPUT")]
        inputs: Vec<PathBuf>,

        /// What cloudinit-patch changes, as a unified diff
        #[arg(long)]
        diff: bool,

        /// What the running chain has of each rule: live, dead or absent. The chain is --rules, else iptables-save on stdin
        #[arg(long)]
        check: bool,
    },
    /// Print the recommended chain of a role, or how another chain differs from it
    #[command(after_help = "\
FILE is a dump of iptables, a script or a CloudInit; `-` is stdin. The role is --role, else the one that the selector of \
the CloudInit picks.

Examples:
  dropsift chain --role worker --format cloudinit
  iptables-save | dropsift chain --role control-plane -

Exit codes: 0 no difference, 1 the chains differ, 2 usage or a file that cannot be read.")]
    Chain {
        /// A chain to compare
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,

        /// Form of the chain
        #[arg(id = "format", long = "format", value_name = "FORM", default_value = CHAIN_FORMS[0].code, value_parser = PossibleValuesParser::new(CHAIN_FORMS.iter().map(|f| f.code)))]
        form: String,
    },
    /// Run the drops of a log through the chain of --rules: what it would accept now
    #[command(after_help = "\
Exit codes: 0 nothing that is missing still falls to DROP, 1 something does, or a suggestion would let in what should \
stay out, 2 usage or an input that cannot be read, 3 input that could not be judged.")]
    Simulate {
        /// Logs, journals, journal directories, support bundles, packed or not; `-` is stdin, and the default
        #[arg(value_name = "INPUT")]
        inputs: Vec<PathBuf>,

        /// The chain as it would be with the suggested rules in it
        #[arg(long)]
        with_suggested: bool,
    },
    /// Check a chain or a CloudInit against what the role needs
    #[command(after_help = "\
FILE is a dump of iptables, a script, a CloudInit, or Node objects whose labels the selectors must pick; `-` is stdin.

Exit codes: 0 nothing is wrong, 1 an error was found (warnings and notes do not count), 2 usage or a file that cannot be \
read.")]
    Audit {
        /// Chains and CloudInits
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,

        /// The VLAN of the management network: its address is on mgmt-br.VID
        #[arg(long, value_name = "VID", value_parser = clap::value_parser!(u16).range(1..=4094))]
        management_vlan: Option<u16>,

        /// A further interface that must be filtered
        #[arg(long, value_name = "NAME")]
        interface: Vec<String>,
    },
    /// Explain a line of a log, a cause or a port
    Explain {
        /// A drop line in quotes, a cause such as conntrack-loss, a port such as tcp/10250, `list`, or `-`: the lines of stdin
        #[arg(value_name = "LINE|CAUSE|PORT")]
        what: Vec<String>,
    },
    /// Print the port catalogue
    Ports,
    /// Print the JSON Schema of what -o json and -o ndjson write
    Schema {
        #[arg(value_name = "DOCUMENT", value_parser = PossibleValuesParser::new(SCHEMAS.iter().map(|s| s.code)))]
        document: String,
    },
    /// Print the completions for a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man,
}

/// The filters that `--not` may stand before.
const FILTERS: [&str; 3] = ["--port", "--peer", "--verdict"];

/// The arguments with each `--not` joined to the filter behind it, as `--not-port`: clap does not tell their order.
pub(super) fn turned(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    let mut plain = false;
    for arg in args {
        plain |= arg == "--";
        let text = arg.to_str().unwrap_or_default();
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        if !plain && FILTERS.contains(&name) && out.last().is_some_and(|last| last == "--not") {
            out.pop();
            out.push(format!("--not-{}", &text[2..]).into());
        } else {
            out.push(arg);
        }
    }
    out
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// What exits with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(super) enum FailOn {
    #[default]
    MissingRule,
    Review,
    Never,
}

/// Options of all commands that read logs.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Shared {
    /// Role of all nodes, or of one: control-plane (the default), worker or witness
    #[arg(
        long,
        value_name = "[NODE=]ROLE",
        global = true,
        help_heading = "Cluster"
    )]
    pub(super) role: Vec<String>,

    /// Address of a cluster node
    #[arg(
        long,
        value_name = "NODE=ADDR",
        global = true,
        help_heading = "Cluster"
    )]
    pub(super) node: Vec<String>,

    /// Network of the nodes; without it, the /24 of each node (IPv6: /64)
    #[arg(long, value_name = "CIDR", global = true, help_heading = "Cluster")]
    pub(super) node_net: Vec<String>,

    /// Network of the pods; without it, 10.52.0.0/16
    #[arg(long, value_name = "CIDR", global = true, help_heading = "Cluster")]
    pub(super) pod_cidr: Vec<String>,

    /// An addon that is in use
    #[arg(long, value_name = "NAME", global = true, help_heading = "Cluster")]
    pub(super) addon: Vec<String>,

    /// An addon that is not in use
    #[arg(long, value_name = "NAME", global = true, help_heading = "Cluster")]
    pub(super) no_addon: Vec<String>,

    /// The chain in force, of all nodes or of one: iptables-save, iptables -S, iptables -L -v -n, or CloudInit YAML
    #[arg(
        long,
        value_name = "[NODE=]FILE",
        global = true,
        help_heading = "Cluster"
    )]
    pub(super) rules: Vec<String>,

    /// A time in which the cluster was upgraded; RFC 3339, or as the log writes it
    #[arg(long, value_name = "START..END", global = true, help_heading = "Time")]
    pub(super) upgrade: Vec<String>,

    /// Take nothing in the log for an upgrade
    #[arg(long, global = true, help_heading = "Time")]
    pub(super) no_upgrade: bool,

    /// Judge only lines from this time on
    #[arg(long, value_name = "TIME", global = true, help_heading = "Time")]
    pub(super) since: Option<String>,

    /// Judge only lines up to this time
    #[arg(long, value_name = "TIME", global = true, help_heading = "Time")]
    pub(super) until: Option<String>,

    /// Year of the newest line, for logs without years
    #[arg(long, value_name = "YEAR", global = true, help_heading = "Time", value_parser = clap::value_parser!(i32).range(1970..=9998))]
    pub(super) year: Option<i32>,

    /// What the log's clock is ahead of UTC, as +02:00, for logs without zones
    #[arg(
        long,
        value_name = "OFFSET",
        global = true,
        help_heading = "Time",
        allow_hyphen_values = true
    )]
    pub(super) utc_offset: Option<String>,

    /// Quiet that settles a finding
    #[arg(
        long,
        value_name = "DURATION",
        global = true,
        help_heading = "Time",
        default_value = "5min"
    )]
    pub(super) settle: String,

    /// Limit of the LOG rule
    #[arg(
        long,
        value_name = "N/UNIT[:BURST]",
        global = true,
        help_heading = "LOG rule",
        default_value = "10/min:5"
    )]
    pub(super) limit: String,

    /// Prefix of the LOG rule, in place of HARVESTER_DROP_
    #[arg(long, value_name = "TEXT", global = true, help_heading = "LOG rule")]
    pub(super) prefix: Option<String>,

    /// Read the journal of this machine
    #[arg(long, global = true, help_heading = "Input")]
    pub(super) journal: bool,

    /// Only findings of this port
    #[arg(long, value_name = "PORT", global = true, help_heading = "Filters")]
    pub(super) port: Vec<u16>,

    /// Only findings of peers in this network
    #[arg(long, value_name = "CIDR", global = true, help_heading = "Filters")]
    pub(super) peer: Vec<String>,

    /// Only findings of this verdict
    #[arg(long, value_name = "VERDICT", global = true, help_heading = "Filters", value_parser = PossibleValuesParser::new(Verdict::ALL.map(Verdict::code)))]
    pub(super) verdict: Vec<String>,

    /// Turns the next filter around: all findings but those that it names
    #[arg(long, global = true, help_heading = "Filters")]
    pub(super) not: bool,

    /// What `--not --port` means; [`turned`] writes it.
    #[arg(long, value_name = "PORT", global = true, hide = true)]
    pub(super) not_port: Vec<u16>,

    /// What `--not --peer` means.
    #[arg(long, value_name = "CIDR", global = true, hide = true)]
    pub(super) not_peer: Vec<String>,

    /// What `--not --verdict` means.
    #[arg(long, value_name = "VERDICT", global = true, hide = true, value_parser = PossibleValuesParser::new(Verdict::ALL.map(Verdict::code)))]
    pub(super) not_verdict: Vec<String>,

    /// Form of the report
    #[arg(short, long, value_name = "FORM", global = true, help_heading = "Output", default_value = RENDERERS[0].code, value_parser = PossibleValuesParser::new(RENDERERS.iter().map(|r| r.code)))]
    pub(super) output: String,

    /// Form of the rules
    #[arg(long, value_name = "FORM", global = true, help_heading = "Output", default_value = EMITTERS[0].code, value_parser = PossibleValuesParser::new(EMITTERS.iter().map(|e| e.code)))]
    pub(super) format: String,

    /// Whom rules accept: as the docs write it, the sources of the port's row, the peers seen, or the nodes' network
    #[arg(long, value_name = "SCOPE", global = true, help_heading = "Output", default_value = Scope::Documented.code(), value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::code)))]
    pub(super) scope: String,

    /// Print findings as they come, and the report at the end (the default on a stdin that goes on)
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Output",
        overrides_with = "no_follow"
    )]
    pub(super) follow: bool,

    /// Print only the report at the end (the default for files)
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        overrides_with = "follow"
    )]
    pub(super) no_follow: bool,

    /// Live, say it also when only the numbers of a finding grow, once a minute
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) updates: bool,

    /// Print the events of -o ndjson without the report at the end
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) no_report: bool,

    /// What exits with 1
    #[arg(
        long,
        value_name = "WHAT",
        global = true,
        help_heading = "Output",
        value_enum,
        default_value_t
    )]
    pub(super) fail_on: FailOn,

    /// When to colour
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        help_heading = "Output",
        value_enum,
        default_value_t
    )]
    pub(super) color: Color,

    /// Do not show a long report in a pager (PAGER, else less)
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) no_pager: bool,

    /// No account on stderr
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(super) quiet: bool,

    /// Show the tests of each finding, and the lines that were not judged
    #[arg(short, long, global = true, help_heading = "Output", action = ArgAction::SetTrue)]
    pub(super) verbose: bool,
}

impl Shared {
    pub(super) fn renderer(&self) -> &'static Renderer {
        let named = RENDERERS.iter().find(|r| r.code == self.output);
        named.copied().unwrap_or(RENDERERS[0])
    }

    pub(super) fn emitter(&self) -> &'static Emitter {
        let named = EMITTERS.iter().find(|e| e.code == self.format);
        named.copied().unwrap_or(EMITTERS[0])
    }

    pub(super) fn scope(&self) -> Scope {
        let named = Scope::ALL.into_iter().find(|s| s.code() == self.scope);
        named.unwrap_or_default()
    }

    /// The verdicts that exit with 1.
    pub(super) const fn fail_on(&self) -> &'static [Verdict] {
        match self.fail_on {
            FailOn::MissingRule => &[Verdict::MissingRule],
            FailOn::Review => &[Verdict::MissingRule, Verdict::Review],
            FailOn::Never => &[],
        }
    }

    /// Refuses options of live runs where nothing is live.
    ///
    /// # Errors
    /// If one is set that would do nothing.
    pub(super) fn check_live(&self, inputs: &[PathBuf]) -> Result<(), Error> {
        let refused = if self.journal && self.follow {
            "--journal is read to its end; to follow it: journalctl -k -f -o short-precise | dropsift"
        } else if self.no_report && !matches!(self.renderer().events, Some(Events::Each(_))) {
            "--no-report leaves out the report behind the events of -o ndjson; add -o ndjson"
        } else if self.updates && self.renderer().events.is_none() {
            "--updates is for events, and this output has none; use -o text or -o ndjson"
        } else if self.updates && !self.follows(inputs) {
            "--updates is for live runs; add -f"
        } else {
            return Ok(());
        };
        Err(Error::Usage(refused.to_owned()))
    }

    /// Whether the input is read as one that may go on.
    pub(super) fn follows(&self, inputs: &[PathBuf]) -> bool {
        let stdin = (inputs.is_empty() && !self.journal)
            || matches!(inputs, [only] if only.as_os_str() == "-");
        self.follow || (stdin && !self.no_follow)
    }
}
