//! Command line. Names of outputs, formats and verdicts come from their registries, never from a second list.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;

use super::help::MANUALS;
use super::options::{
    Addons, AnyOf, Inputs, Judging, Look, Scoped, Shared, Thresholds, Written, form, forms,
    one_role,
};
use crate::catalog::{Role, addons};
use crate::cause::CAUSES;
use crate::error::Error;
use crate::report::json_schema::SCHEMAS;
use crate::report::{Events, RENDERERS, Renderer};
use crate::rule::{CHAIN_FORMS, EMITTERS, Emitter};

/// Tells false positives from missing rules in the drop log of Harvester's firewall
#[derive(Debug, Parser)]
#[command(
    version,
    bin_name = "dropsift",
    max_term_width = 80,
    args_conflicts_with_subcommands = true
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) report: ReportArgs,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print only the ACCEPT rules
    Rules(RulesArgs),
    /// Print the recommended chain of a role, or how another chain differs from it
    Chain(ChainArgs),
    /// Run the drops of a log through the chain of --rules: what it would accept now
    Simulate(SimulateArgs),
    /// Check a chain or a CloudInit against what the role needs
    Audit(AuditArgs),
    /// Explain a line of a log, a cause or a port
    Explain(ExplainArgs),
    /// Print what is new, gone and changed between two logs or reports
    Diff(DiffArgs),
    /// Print the stanza of a configuration that accepts a finding as it is
    Accept(AcceptArgs),
    /// Print what holds of the cluster and the options, and from where
    Config(ConfigArgs),
    /// Print the port catalogue
    Ports(PortsArgs),
    /// Print the JSON Schema of what -o json and -o ndjson write
    Schema {
        #[arg(value_name = "DOCUMENT", value_parser = PossibleValuesParser::new(SCHEMAS.iter().map(|s| s.code)))]
        document: String,
    },
    /// Print the completions for a shell
    Completions {
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page of the program or of a subcommand
    Man {
        #[arg(value_name = "SUBCOMMAND", value_parser = AnyOf(subcommands), hide_possible_values = true)]
        subcommand: Option<String>,
    },
}

/// Arguments of the report, the command without a subcommand.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    pub(super) shared: Shared,

    /// Form of the report
    #[arg(short, long, value_name = "FORM", help_heading = "Output", default_value = RENDERERS[0].code, value_parser = forms(|form| Some(form.report)))]
    output: String,

    #[command(flatten)]
    pub(super) scoped: Scoped,

    /// Print findings as they come, then the report
    ///
    /// The default on a stdin that goes on. Several files are followed together, each through its rotations; a directory of
    /// journals is followed alone.
    #[arg(short, long, help_heading = "Output", overrides_with = "no_follow")]
    pub(super) follow: bool,

    /// Print only the report at the end (the default for files)
    #[arg(
        long,
        hide_short_help = true,
        help_heading = "Output",
        overrides_with = "follow"
    )]
    pub(super) no_follow: bool,

    /// Live, say it also when only the numbers of a finding grow, once a minute
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    pub(super) updates: bool,

    /// Print the events of -o ndjson without the report at the end
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    pub(super) no_report: bool,

    /// With --journal -f, keep in FILE how far the journal was read, and go on from there
    #[arg(
        long,
        value_name = "FILE",
        hide_short_help = true,
        help_heading = "Output",
        value_hint = clap::ValueHint::FilePath
    )]
    pub(super) cursor_file: Option<PathBuf>,

    /// Live, serve /metrics, /report.json and /healthz; a port alone is of 127.0.0.1
    #[arg(
        long,
        value_name = "ADDR:PORT",
        hide_short_help = true,
        help_heading = "Output"
    )]
    pub(super) metrics: Option<String>,

    /// Do not show a long report in a pager [PAGER, else less -FRX]
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    no_pager: bool,

    #[command(flatten)]
    pub(super) look: Look,

    #[command(flatten)]
    pub(super) read: Inputs,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.check))))]
pub(super) struct RulesArgs {
    #[command(flatten)]
    pub(super) shared: Shared,

    /// Form of the rules
    #[arg(long, value_name = "FORM", help_heading = "Output", default_value = EMITTERS[0].code, value_parser = PossibleValuesParser::new(EMITTERS.iter().map(|e| e.code)))]
    format: String,

    /// What cloudinit-patch changes, as a unified diff
    #[arg(long, help_heading = "Output", conflicts_with_all = ["check", "output"])]
    pub(super) diff: bool,

    /// What the running chain has of each: live, dead, absent, live from the next boot on, or unknown
    ///
    /// The chain is --rules, else what iptables-save gives on stdin.
    #[arg(long, help_heading = "Output", conflicts_with = "format")]
    pub(super) check: bool,

    #[command(flatten)]
    pub(super) scoped: Scoped,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) read: Inputs,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.difference))))]
pub(super) struct ChainArgs {
    /// A chain to compare
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,

    /// TOML with what is known of the cluster [DROPSIFT_CONFIG]
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = "Cluster", value_hint = clap::ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,

    /// Role of the nodes
    #[arg(long, value_name = "ROLE", help_heading = "Cluster", value_parser = one_role())]
    pub(super) role: Option<Role>,

    /// Network of the pods, or some with commas between them [without it: 10.52.0.0/16]
    #[arg(
        long,
        value_name = "CIDR",
        value_delimiter = ',',
        help_heading = "Cluster"
    )]
    pub(super) pod_cidr: Vec<String>,

    /// An addon that is not in use
    #[arg(long, value_name = "NAME", help_heading = "Cluster", value_parser = AnyOf(addons), hide_possible_values = true)]
    pub(super) no_addon: Vec<String>,

    /// Prefix of the LOG rule [without it: HARVESTER_DROP_]
    #[arg(long, value_name = "TEXT", help_heading = "LOG rule")]
    pub(super) prefix: Option<String>,

    /// Form of the chain
    #[arg(long, value_name = "FORM", help_heading = "Output", default_value = CHAIN_FORMS[0].code, value_parser = PossibleValuesParser::new(CHAIN_FORMS.iter().map(|f| f.code)), conflicts_with_all = ["file", "output"])]
    pub(super) format: String,

    #[command(flatten)]
    pub(super) written: Written,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("scope", |arg| arg.requires("with_suggested")))]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.simulate))))]
pub(super) struct SimulateArgs {
    #[command(flatten)]
    pub(super) shared: Shared,

    /// The chain as it would be with the suggested rules in it
    #[arg(long, help_heading = "Output")]
    pub(super) with_suggested: bool,

    #[command(flatten)]
    pub(super) scoped: Scoped,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) look: Look,

    #[command(flatten)]
    pub(super) read: Inputs,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.audit))))]
pub(super) struct AuditArgs {
    /// Chains and CloudInits
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    pub(super) files: Vec<PathBuf>,

    /// TOML with what is known of the cluster [DROPSIFT_CONFIG]
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = "Cluster", value_hint = clap::ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,

    /// Role of the nodes [without it: what a selector picks, else control-plane]
    #[arg(long, value_name = "ROLE", help_heading = "Cluster", value_parser = one_role())]
    pub(super) role: Option<Role>,

    /// Network of the pods, or some with commas between them [without it: 10.52.0.0/16]
    #[arg(
        long,
        value_name = "CIDR",
        value_delimiter = ',',
        help_heading = "Cluster"
    )]
    pub(super) pod_cidr: Vec<String>,

    #[command(flatten)]
    pub(super) addons: Addons,

    /// The VLAN of the management network: its address is on mgmt-br.VID
    #[arg(long, value_name = "VID", help_heading = "Cluster", value_parser = clap::value_parser!(u16).range(1..=4094))]
    pub(super) management_vlan: Option<u16>,

    /// A further interface that must be filtered
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub(super) interface: Vec<String>,

    /// Prefix of the LOG rule [without it: HARVESTER_DROP_]
    #[arg(long, value_name = "TEXT", help_heading = "LOG rule")]
    pub(super) prefix: Option<String>,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.explain))))]
pub(super) struct ExplainArgs {
    /// A drop line in quotes, a cause or verdict such as conntrack-loss, a port such as tcp/10250 or ssh, a component or
    /// addon such as kube-ovn, `list`, or `-`: the lines of stdin
    #[arg(value_name = "LINE|CAUSE|PORT|NAME", value_parser = AnyOf(causes), hide_possible_values = true)]
    pub(super) what: Vec<String>,

    #[command(flatten)]
    pub(super) judging: Judging,

    #[command(flatten)]
    pub(super) scoped: Scoped,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.diff))))]
pub(super) struct DiffArgs {
    /// The earlier log, journal, bundle, report or events
    #[arg(value_name = "BEFORE", value_hint = clap::ValueHint::AnyPath)]
    pub(super) before: PathBuf,

    /// The later one
    #[arg(value_name = "AFTER", value_hint = clap::ValueHint::AnyPath)]
    pub(super) after: PathBuf,

    #[command(flatten)]
    pub(super) shared: Shared,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct AcceptArgs {
    /// Id of the finding, or how it begins
    #[arg(value_name = "ID")]
    pub(super) id: String,

    /// Why it may stay as it is
    #[arg(long, value_name = "TEXT", help_heading = "Acceptance")]
    pub(super) reason: String,

    /// Last day on which that holds, in UTC, at most 366 days ahead: 2027-03-31
    #[arg(long, value_name = "DATE", help_heading = "Acceptance")]
    pub(super) end: String,

    #[command(flatten)]
    pub(super) shared: Shared,

    #[command(flatten)]
    pub(super) read: Inputs,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.config))))]
pub(super) struct ConfigArgs {
    #[command(flatten)]
    pub(super) judging: Judging,

    #[command(flatten)]
    pub(super) thresholds: Thresholds,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(mut_arg("output", |arg| arg.value_parser(forms(|form| form.ports))))]
pub(super) struct PortsArgs {
    /// Only this port, protocol, service, component or addon: 2112, tcp/2112, udp, etcd, kubeovn-operator
    #[arg(value_name = "QUERY", value_parser = AnyOf(addons), hide_possible_values = true)]
    pub(super) query: Vec<String>,

    /// Only what this role runs or opens
    #[arg(long, value_name = "ROLE", value_parser = one_role())]
    pub(super) role: Option<Role>,

    #[command(flatten)]
    pub(super) written: Written,

    #[command(flatten)]
    pub(super) look: Look,
}

fn subcommands() -> Vec<&'static str> {
    let manuals = MANUALS.iter().map(|manual| manual.name);
    manuals.filter(|name| !name.is_empty()).collect()
}

fn causes() -> Vec<&'static str> {
    CAUSES
        .iter()
        .map(|cause| cause.code)
        .chain(["list"])
        .collect()
}

impl ReportArgs {
    pub(super) fn renderer(&self) -> &'static Renderer {
        form(&self.output)
    }

    /// Whether a long report may go through a pager: one for people.
    pub(super) fn is_paged(&self) -> bool {
        !self.no_pager && matches!(self.renderer().events, Some(Events::Rows))
    }

    /// Refuses options of live runs where nothing is live.
    ///
    /// # Errors
    /// If one is set that would do nothing.
    pub(super) fn check_live(&self) -> Result<(), Error> {
        let refused = if self.cursor_file.is_some() && !self.follows_journal() {
            "--cursor-file is for a journal that is followed; add --journal -f"
        } else if self.shared.journal && self.follow && !self.read.inputs.is_empty() {
            "the journal of this machine and another input cannot both be followed; follow one at a time"
        } else if self.follow
            && self.read.inputs.len() > 1
            && self.read.inputs.iter().any(|input| input.is_dir())
        {
            "a directory of journals is followed alone; run once for it, and once for the files"
        } else if self.no_report && !matches!(self.renderer().events, Some(Events::Each(_))) {
            "--no-report leaves out the report behind the events of -o ndjson; add -o ndjson"
        } else if self.updates && self.renderer().events.is_none() {
            "--updates is for events, and this output has none; use -o text or -o ndjson"
        } else if self.updates && !self.follows() {
            "--updates is for live runs; add -f"
        } else if self.metrics.is_some() && !self.follows() {
            "--metrics is for live runs; add -f"
        } else {
            return Ok(());
        };
        Err(Error::Usage(refused.to_owned()))
    }

    /// Whether journals are followed: those of this machine, or of a directory.
    pub(super) fn follows_journal(&self) -> bool {
        let inputs = &self.read.inputs[..];
        let is_folder = matches!(inputs, [only] if only.is_dir());
        self.follow
            && ((self.shared.journal && inputs.is_empty()) || (is_folder && !self.shared.journal))
    }

    /// Whether the input is read as one that may go on.
    pub(super) fn follows(&self) -> bool {
        let inputs = &self.read.inputs[..];
        let stdin = (inputs.is_empty() && !self.shared.journal)
            || matches!(inputs, [only] if only.as_os_str() == "-");
        self.follow || (stdin && !self.no_follow)
    }
}

impl RulesArgs {
    pub(super) fn emitter(&self) -> &'static Emitter {
        let named = EMITTERS.iter().find(|e| e.code == self.format);
        named.copied().unwrap_or(EMITTERS[0])
    }
}
