//! `dropsift audit`: finds faults in a chain or a CloudInit.

use std::collections::BTreeMap;

use super::args::AuditArgs;
use super::{Exit, configured, terminal, values, written};
use crate::audit::{Options, Severity, UNREADABLE, audit};
use crate::date::Date;
use crate::error::Error;
use crate::report::Audited;
use crate::rule::CloudInitFile;
use crate::site::{Provenance, Site};

/// Checks the files.
pub(super) fn run(args: &AuditArgs) -> Result<Exit, Error> {
    let write = args.written.form(|form| form.audit)?;
    let configured = configured::read(args.config.as_ref(), Date::of(terminal::now()))?;
    let config = configured.file();
    let configured_role = || config?.role.as_ref().map(|said| said.value);
    let mut site = Site::default();
    let told = values::nets(&args.pod_cidr)?;
    let of_file = config.and_then(|config| config.pod_cidrs.as_ref());
    let of_file = of_file.iter().filter(|_| told.is_empty());
    for net in told.iter().chain(of_file.flat_map(|nets| &nets.value)) {
        site.known.add_pod_cidr(*net, Provenance::Told);
    }
    let mut files = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let text = values::text_file(path)?;
        files.push((name, text));
    }
    let borrowed: Vec<(&str, &str)> = (files.iter())
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let mut addons: BTreeMap<String, bool> = (config.iter())
        .flat_map(|config| config.addons.iter().map(|said| said.value.clone()))
        .collect();
    addons.extend(values::addons(&args.addons)?);
    // Else the role that the selectors of all files pick.
    let picked = || {
        let of = |(name, text)| {
            CloudInitFile {
                name,
                text,
                role: None,
            }
            .only_role()
        };
        let mut roles = borrowed.iter().copied().filter_map(of);
        let first = roles.next()?;
        roles.all(|role| role == first).then_some(first)
    };
    let role = (args.role.or_else(configured_role).or_else(picked)).unwrap_or_default();
    let options = Options {
        addons: addons.into_iter().collect(),
        pod_cidrs: site.pod_cidrs(),
        management_vlan: args.management_vlan,
        interfaces: args.interface.clone(),
        prefix: (args.prefix.clone())
            .or_else(|| config?.prefix.as_ref().map(|said| said.value.clone())),
    };
    let found = audit(role, &borrowed, &options);
    let audited = Audited {
        role,
        files: borrowed.iter().map(|(name, _)| *name).collect(),
        findings: &found,
    };
    let style = terminal::style(args.look.color);
    written(|out| write(&audited, style, out))?;
    let errors = || found.iter().filter(|f| f.severity == Severity::Error);
    Ok(if errors().any(|finding| finding.code == UNREADABLE) {
        Exit::Trouble
    } else if errors().next().is_some() {
        Exit::Missing
    } else {
        Exit::Clean
    })
}
