//! `dropsift chain`: the recommended chain of a role, and how that of a file differs.

use super::args::ChainArgs;
use super::options::Addons;
use super::{Exit, configured, terminal, values, written};
use crate::catalog::Role;
use crate::chain::{ActiveChains, Family};
use crate::date::Date;
use crate::error::Error;
use crate::report::Style;
use crate::report::rules::ChainDifference;
use crate::rule::{CHAIN_FORMS, ChainForm, CloudInitFile, Recommended};
use crate::site::{Provenance, Site};

/// Prints the chain, or the difference.
pub(super) fn run(args: &ChainArgs) -> Result<Exit, Error> {
    let write = args.written.form(|form| form.difference)?;
    let addons = Addons {
        no_addon: args.no_addon.clone(),
        ..Addons::default()
    };
    let configured = configured::read(args.config.as_ref(), Date::of(terminal::now()))?;
    let config = configured.file();
    let prefix = values::prefix(args.prefix.as_deref())?;
    let mut site = Site {
        log_prefix: prefix.or_else(|| config?.prefix.as_ref().map(|said| said.value.clone())),
        ..Site::default()
    };
    configured.tell(&mut site.known);
    for net in values::nets(&args.pod_cidr)? {
        site.known.add_pod_cidr(net, Provenance::Told);
    }
    for (name, is_used) in values::addons(&addons)? {
        site.known.set_addon(&name, is_used, Provenance::Told);
    }
    let text = args.file.as_ref().map(|path| {
        let name = path.display().to_string();
        values::text_file(path).map(|text| (name, text))
    });
    let text = text.transpose()?;
    let by_selector = || {
        let (name, text) = text.as_ref()?;
        let role = None;
        CloudInitFile { name, text, role }.only_role()
    };
    let of_file = || config?.role.as_ref().map(|said| said.value);
    let Some(role) = args.role.or_else(by_selector).or_else(of_file) else {
        return Err(Error::Usage(format!(
            "which role is the chain for? say so with --role, one of {}",
            Role::ALL.map(Role::code).join(", ")
        )));
    };
    let chain = Recommended::new(role, &site);
    let Some((name, text)) = text else {
        return written(|out| match args.written.renderer().chain {
            Some(write) => write(&chain, Style::PLAIN, out),
            None => (of_code(&args.format).write)(&chain, out),
        })
        .map(|()| Exit::Clean);
    };
    let mut chains = ActiveChains::default();
    chains.tell(None, &name, &text, None)?;
    let known = chains.of("", role, Family::V4);
    let Some(difference) = known.and_then(|known| chain.difference(known.set)) else {
        return Err(Error::Unreadable {
            name,
            why: format!(
                "it has no chain that logs and drops on {role} nodes; give the output of `iptables-save`, or a CloudInit"
            ),
        });
    };
    let found = ChainDifference {
        chain: &chain,
        file: &name,
        difference: &difference,
    };
    written(|out| write(&found, Style::PLAIN, out))?;
    Ok(if difference.is_empty() {
        Exit::Clean
    } else {
        Exit::Missing
    })
}

fn of_code(code: &str) -> &'static ChainForm {
    let named = CHAIN_FORMS.iter().find(|form| form.code == code);
    named.copied().unwrap_or(CHAIN_FORMS[0])
}
