//! `dropsift rules`: only the rules, in one of their forms.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::args::RulesArgs;
use super::{Exit, batch, cluster, hint, say, say_unjudged, values, verdict, written};
use crate::analyze::unused_rules;
use crate::catalog::Role;
use crate::cause::Verdict;
use crate::chain::{ActiveChains, Chain, Chains, Family, INPUT};
use crate::error::{Error, printable, printable_name};
use crate::node_names::natural;
use crate::report::rules::CheckedRules;
use crate::report::{Report, Style, as_filtered, finding_line, no_split, nothing_passes};
use crate::rule::{self, Checked, CloudInitFile, Offer, RULE_IN_FORCE, State};
use crate::site::Site;

/// Prints the rules that the inputs need.
pub(super) fn run(args: &RulesArgs) -> Result<Exit, Error> {
    let args = &mut args.clone();
    // The file that is to be patched is one of objects too.
    let kept = usize::from(args.emitter().patches);
    cluster::sort_inputs(&mut args.shared, &mut args.read, kept)?;
    let args = &*args;
    let (shared, diff) = (&args.shared, args.diff);
    let inputs = &args.read.inputs[..];
    values::stdin_once(shared, inputs)?;
    let emitter = args.emitter();
    if diff && !emitter.patches {
        return Err(Error::Usage(
            "--diff shows a patch; use it with --format cloudinit-patch FILE".to_owned(),
        ));
    }
    let (file, inputs) = match inputs {
        [first, rest @ ..] if emitter.patches => (Some(first), rest),
        inputs => (None, inputs),
    };
    if emitter.patches && file.is_none() {
        return Err(Error::Usage(
            "--format cloudinit-patch changes a file; name it as the first input, before the logs"
                .to_owned(),
        ));
    }
    if inputs.is_empty() && !shared.journal && io::stdin().is_terminal() {
        hint();
        return Ok(Exit::Trouble);
    }
    let options = values::log_options(shared)?;
    let site = values::site(shared, &options)?;
    let read = file.map(|path| {
        let name = path.display().to_string();
        values::text_file(path).map(|text| (name, text))
    });
    let read = read.transpose()?;
    let file = read.as_ref().map(|(name, text)| CloudInitFile {
        name,
        text,
        role: told_role(&site),
    });
    if let Some(file) = &file {
        // A file that cannot be patched is reported before a long log is read.
        file.resources()?;
    }
    let prefixes = site.log_prefixes();
    let analysis = values::analysis(site, &shared.judging, &options, args.scoped.scope());
    let form = args.written.renderer();
    let (mut report, exit) = batch::run(shared, inputs, &options, analysis, form)?;
    say_unjudged(shared, &report);
    if shared.filters.is_any() {
        let findings = &report.findings;
        (report.splits).retain(|split| findings.iter().any(|found| found.node == split.node));
    }
    let no_rule = as_filtered(&report, "No rule to add");
    let no_split = no_split(&report);
    let offer = Offer {
        no_rule: &no_rule,
        no_split: &no_split,
        rules: &report.rules,
        splits: &report.splits,
        prefixes: &prefixes,
        file,
        diff,
    };
    if let Some(write) = args.written.renderer().rules {
        written(|out| write(&report, Style::PLAIN, out))?;
        return Ok(exit.and(verdict(shared, &report)));
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let notes = (emitter.emit)(&offer, &mut out)?;
    out.flush().map_err(Error::Output)?;
    if !shared.is_quiet() {
        for finding in &report.findings {
            let live = finding
                .evidence
                .iter()
                .filter(|test| test.name == RULE_IN_FORCE);
            for test in live {
                say(&format!(
                    "{}: {}",
                    printable_name(&finding.node),
                    printable(&test.text)
                ));
            }
        }
        if let Some(text) = nothing_passes(&report).filter(|_| emitter.patches) {
            say(&text);
        }
        for note in notes {
            say(&note);
        }
        said_closed(&report);
        let has_rules = !report.rules.is_empty() || !report.splits.is_empty();
        if emitter.is_script && has_rules && io::stdout().is_terminal() {
            say(
                "this is a script: save it (`> rules.sh`), copy it to the nodes, and run it there as root; \
                 `sh rules.sh -n` shows what it would do",
            );
        }
    }
    Ok(exit.and(verdict(shared, &report)))
}

/// Prints the state in the running chain of each rule that the inputs need.
pub(super) fn check(args: &RulesArgs) -> Result<Exit, Error> {
    let write = args.written.form(|form| form.check)?;
    let args = &mut args.clone();
    cluster::sort_inputs(&mut args.shared, &mut args.read, 0)?;
    let args = &*args;
    let shared = &args.shared;
    let inputs = &args.read.inputs[..];
    values::stdin_once(shared, inputs)?;
    let options = values::log_options(shared)?;
    let mut site = values::site(shared, &options)?;
    if shared.judging.rules.is_empty() {
        if inputs.is_empty() || inputs.iter().any(|path| path.as_os_str() == "-") {
            return Err(Error::Usage(
                "--check reads the running chain from stdin, so the log must be a file: \
                 iptables-save | dropsift rules --check kernel.log; or name the chain with --rules"
                    .to_owned(),
            ));
        }
        if io::stdin().is_terminal() {
            return Err(Error::Usage(
                "--check needs the running chain, and stdin is the terminal: iptables-save | dropsift rules --check kernel.log; \
                 or name the chain with --rules"
                    .to_owned(),
            ));
        }
        let dump = values::text_file(Path::new("-"))?;
        site.in_force.tell(None, "stdin", &dump, None)?;
    }
    // Suggestions follow from the log alone, whatever the chain contains by now.
    let chains = std::mem::take(&mut site.in_force);
    let prefixes = site.log_prefixes();
    let (report, exit) = batch::run(
        shared,
        inputs,
        &options,
        values::analysis(site, &shared.judging, &options, args.scoped.scope()),
        args.written.renderer(),
    )?;
    say_unjudged(shared, &report);
    let checked = rule::check(&report.rules, &report.findings, &chains, &prefixes);
    if !shared.is_quiet() {
        said_closed(&report);
    }
    let all = CheckedRules {
        report: &report,
        checked: &checked,
    };
    written(|out| write(&all, Style::PLAIN, out))?;
    if !shared.is_quiet() {
        for unused in unused_rules(&chains, &report.nodes) {
            say(&printable(&unused.text));
        }
        say_whose_chain(&checked, &chains);
    }
    let all_live = checked.iter().all(|one| one.state == State::Live);
    Ok(exit.and(if all_live { Exit::Clean } else { Exit::Missing }))
}

/// Returns a text on the rule that may stop the packets of another before it accepts them.
fn may_stop(one: &Checked<'_>, chains: &ActiveChains) -> Option<String> {
    let (name, number) = one.at.as_ref()?;
    let family = one.rule.family;
    let known = chains.of(&one.rule.node, one.rule.role, family)?;
    let rule = known.set.chain(family, name)?.rules.get(number - 1)?;
    let words: Vec<String> = rule.matches.iter().map(ToString::to_string).collect();
    Some(format!(
        "rule {number} of {} on {} may stop these packets before they are accepted: whether `{}` matches them cannot be known \
         here; look on the node (`ipset list` for a set), or try the connection",
        printable_name(name),
        printable_name(&one.rule.node),
        printable(&words.join(" "))
    ))
}

/// Says what the states rest on where that is not the running chain of each node.
fn say_whose_chain(checked: &[Checked<'_>], chains: &ActiveChains) {
    let mut nodes: Vec<&str> = checked.iter().map(|one| &*one.rule.node).collect();
    nodes.sort_by(|a, b| natural(a, b));
    nodes.dedup();
    if nodes.len() > 1 && nodes.iter().any(|node| chains.is_for_all(node)) {
        say(&format!(
            "the chain is taken for that of all {} nodes: if it is one node's, say whose with --rules NODE=FILE, or choose the \
             node with --only NODE",
            nodes.len(),
        ));
    }
    for node in nodes {
        let mut open: Vec<String> = (checked.iter())
            .filter(|one| one.rule.node == node && one.state == State::Unknown)
            .filter_map(|one| may_stop(one, chains))
            .collect();
        open.dedup();
        open.iter().for_each(|text| say(text));
        let is_unknown = |one: &&Checked<'_>| {
            one.rule.node == node && one.state == State::Unknown && one.at.is_none()
        };
        let unknown = checked.iter().filter(is_unknown).map(|one| one.rule);
        let mut missing: Vec<(Family, bool)> = unknown
            .map(|rule| {
                let is_given = chains.of(node, rule.role, rule.family).is_some();
                (rule.family, is_given)
            })
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let is_alone = |one: &&Checked<'_>| {
            let rule = one.rule;
            let known = chains.of(node, rule.role, rule.family);
            let is_counted = |chain: &Chain| chain.references.is_some();
            let lacks_input = |known: Chains<'_>| {
                known.set.chain(rule.family, INPUT).is_none()
                    && !known.firewall().is_some_and(is_counted)
            };
            rule.node == node && one.state == State::Live && known.is_some_and(lacks_input)
        };
        if let Some(one) = checked.iter().find(is_alone) {
            say(&format!(
                "INPUT of {} is not in what is given: a rule is live only if INPUT leads to its chain; save all chains with \
                 {}-save",
                printable_name(node),
                one.rule.family.tool()
            ));
        }
        for (family, is_given) in missing {
            let node = printable_name(node);
            let what = match (family, is_given) {
                (_, true) => format!("the chain of {node} that filters is not in what is given"),
                (Family::V4, _) => format!("no chain of {node} is given"),
                (Family::V6, _) => format!("no chain of {node} for IPv6 is given"),
            };
            let tool = family.tool();
            say(&format!(
                "{what}: save it there with {tool}-save, and add --rules {node}=FILE"
            ));
        }
    }
    if checked.iter().any(|one| one.state == State::NextBoot) {
        say(
            "what a CloudInit has is in force from the next boot on: give the running chain (iptables-save) to see what is now",
        );
    }
}

/// Returns the role that the user gave for all nodes, if any.
fn told_role(site: &Site) -> Option<Role> {
    let all = site.known.default_role();
    all.is_known().then_some(all.value)
}

/// Reports on stderr each accepted missing rule, for which no rule is offered.
fn said_closed(report: &Report) {
    for finding in report
        .findings
        .iter()
        .filter(|f| f.verdict() == Verdict::MissingRule)
    {
        if let Some(accepted) = &finding.accepted {
            say(&printable(&format!(
                "{}; {}: no rule is offered",
                finding_line(finding),
                accepted.words()
            )));
        }
    }
}
