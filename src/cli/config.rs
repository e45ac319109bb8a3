//! `dropsift config`: the settings in force, and their origins.

use super::args::ConfigArgs;
use super::configuration::is_typed;
use super::configured::VARIABLE;
use super::{Exit, terminal, values, written};
use crate::config::{At, Config};
use crate::date::Date;
use crate::error::Error;
use crate::report::config::{Held, HeldNode, Setting};
use crate::site::{Known, Provenance, Site, WindowOrigin};
use crate::time::Moment;

/// Prints it.
pub(super) fn run(args: &ConfigArgs) -> Result<Exit, Error> {
    let write = args.written.form(|form| form.config)?;
    let options = values::read_options(&args.judging)?;
    let site = values::judged_by(&args.judging, &options, false)?;
    values::settle(&args.thresholds)?;
    values::log_limit(&args.thresholds)?;
    let config = args.judging.configured.file();
    let held = Held {
        file: config.map(|config| config.name.as_str()),
        by_environment: args.judging.config.is_none().then_some(VARIABLE),
        settings: settings(args, &site, config),
        nodes: nodes(&site, config),
        acceptances: config.map_or(&[], |config| &config.acceptances),
        today: Date::of(options.reading.reference),
    };
    let style = terminal::style(args.look.color);
    written(|out| write(&held, style, out))?;
    Ok(Exit::Clean)
}

/// Returns the source of a setting: the option, the file and line, or the origin in words.
fn place(origin: Provenance, option: &str, config: Option<&Config>, line: Option<usize>) -> String {
    match (origin, config, line) {
        (Provenance::Told, ..) => option.to_owned(),
        (Provenance::Config, Some(config), Some(line)) => config.place(line),
        (Provenance::Config, Some(config), None) => config.name.clone(),
        _ => origin.name().to_owned(),
    }
}

fn settings(args: &ConfigArgs, site: &Site, config: Option<&Config>) -> Vec<Setting> {
    let line = |find: &dyn Fn(&Config) -> Option<usize>| config.and_then(find);
    let setting = |name: &'static str,
                   values: Vec<String>,
                   origin: Provenance,
                   line: Option<usize>| Setting {
        name,
        values,
        origin,
        place: place(origin, &format!("--{name}"), config, line),
    };
    let nets = |known: &[Known<crate::net::IpNet>]| -> Vec<String> {
        known.iter().map(|net| net.value.to_string()).collect()
    };
    let first = |known: &[Known<crate::net::IpNet>]| {
        known.first().map_or(Provenance::Assumed, |net| net.origin)
    };
    let role = site.known.default_role();
    let mut all = vec![
        setting(
            "role",
            vec![role.value.code().to_owned()],
            role.origin,
            line(&|c| c.role.as_ref().map(|at| at.line)),
        ),
        setting(
            "node-net",
            match site.known.node_nets() {
                [] => vec!["the /24 of each node, IPv6: the /64".to_owned()],
                known => nets(known),
            },
            first(site.known.node_nets()),
            line(&|c| c.node_nets.as_ref().map(|at| at.line)),
        ),
        setting(
            "pod-cidr",
            site.pod_cidrs().iter().map(ToString::to_string).collect(),
            first(site.known.pod_cidrs()),
            line(&|c| c.pod_cidrs.as_ref().map(|at| at.line)),
        ),
    ];
    for (node, name) in site.in_force.texts() {
        let value = node.map_or_else(|| name.to_owned(), |node| format!("{node}={name}"));
        let is_told = (args.judging.rules.iter()).any(|told| told.ends_with(name));
        let by = if is_told {
            Provenance::Told
        } else {
            Provenance::Host
        };
        all.push(setting("rules", vec![value], by, None));
    }
    for window in &site.upgrades {
        let end = |moment: Moment| match moment {
            Moment::At(time) if time.0 > 0 && time.0 < i64::MAX => time.to_string(),
            Moment::At(_) => String::new(),
            _ => "a time of the log's own day".to_owned(),
        };
        let by = match window.origin {
            WindowOrigin::Told => Provenance::Told,
            WindowOrigin::Cluster | WindowOrigin::Found => Provenance::Cluster,
        };
        let value = format!("{}..{}", end(window.from), end(window.to));
        all.push(setting("upgrade", vec![value], by, None));
    }
    for (addon, used) in site.known.addons() {
        let line = config
            .and_then(|c| c.addons.iter().find(|at| at.value.0 == *addon))
            .map(|at| at.line);
        let name = if used.value { "addon" } else { "no-addon" };
        all.push(setting(name, vec![addon.clone()], used.origin, line));
    }
    let told = |typed: bool,
                said: &dyn Fn(&Config) -> Option<&At<String>>,
                value: &Option<String>| match value {
        None => (Provenance::Assumed, None),
        // What no option says was taken from the file.
        Some(_) if !typed => (Provenance::Config, config.and_then(said).map(|at| at.line)),
        Some(_) => (Provenance::Told, None),
    };
    type Texts<'a> = (
        &'static str,
        &'a Option<String>,
        fn(&Config) -> Option<&At<String>>,
        &'static str,
    );
    let texts: [Texts<'_>; 4] = [
        (
            "prefix",
            &args.judging.prefix,
            |c| c.prefix.as_ref(),
            "HARVESTER_DROP_",
        ),
        (
            "limit",
            &args.thresholds.limit,
            |c| c.limit.as_ref(),
            "10/min:5",
        ),
        (
            "settle",
            &args.thresholds.settle,
            |c| c.settle.as_ref(),
            "5min",
        ),
        (
            "utc-offset",
            &args.judging.utc_offset,
            |c| c.utc_offset.as_ref(),
            "+00:00",
        ),
    ];
    for (name, value, said, default) in texts {
        let (origin, line) = told(is_typed(name), &said, value);
        let value = value.clone().unwrap_or_else(|| default.to_owned());
        all.push(setting(name, vec![value], origin, line));
    }
    all
}

fn nodes(site: &Site, config: Option<&Config>) -> Vec<HeldNode> {
    let mut names: Vec<&str> = site.known.roles().keys().map(String::as_str).collect();
    names.extend(
        site.known
            .addresses()
            .values()
            .map(|node| node.value.as_str()),
    );
    names.extend(
        config
            .iter()
            .flat_map(|config| config.nodes.iter().map(|node| node.name.as_str())),
    );
    names.sort_unstable();
    names.dedup();
    let of_file =
        |name: &str| config.and_then(|config| config.nodes.iter().find(|node| node.name == name));
    let held = names.into_iter().map(|name| {
        let role = site.known.role(name);
        let own = of_file(name);
        let line = own.and_then(|node| node.role.as_ref()).map(|at| at.line);
        let line = line.or_else(|| {
            config
                .and_then(|config| config.role.as_ref())
                .map(|at| at.line)
        });
        let addresses = site
            .known
            .addresses()
            .iter()
            .filter(|(_, node)| node.value == name);
        HeldNode {
            name: name.to_owned(),
            role: role.value,
            origin: role.origin,
            place: place(role.origin, "--role", config, line),
            addresses: addresses
                .map(|(address, node)| {
                    let at =
                        own.and_then(|node| node.addresses.iter().find(|at| at.value == *address));
                    (
                        *address,
                        node.origin,
                        place(node.origin, "--node", config, at.map(|at| at.line)),
                    )
                })
                .collect(),
        }
    });
    held.collect()
}
