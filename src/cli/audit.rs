//! `dropsift audit`: what is wrong with a chain or a CloudInit.

use super::args::AuditArgs;
use super::{Exit, terminal, values, written};
use crate::audit::{Options, Severity, UNREADABLE, audit};
use crate::error::Error;
use crate::report::{Audited, audit_json, audit_text};

/// Checks the files.
pub(super) fn run(args: &AuditArgs) -> Result<Exit, Error> {
    let role = args.role.unwrap_or_default();
    let pod_cidr = args.pod_cidr.as_ref().map(|text| values::net(text));
    let mut files = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let text = values::text_file(path)?;
        files.push((name, text));
    }
    let borrowed: Vec<(&str, &str)> = (files.iter())
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let options = Options {
        addons: values::addons(&args.addons)?.into_iter().collect(),
        pod_cidr: pod_cidr.transpose()?,
        management_vlan: args.management_vlan,
        interfaces: args.interface.clone(),
        prefix: args.prefix.clone(),
    };
    let found = audit(role, &borrowed, &options);
    let audited = Audited {
        role,
        files: borrowed.iter().map(|(name, _)| *name).collect(),
        findings: &found,
    };
    let style = terminal::style(args.look.color);
    written(|out| {
        if args.written.is_json() {
            audit_json(&audited, out)
        } else {
            audit_text(&audited, style, out)
        }
    })?;
    let errors = || found.iter().filter(|f| f.severity == Severity::Error);
    Ok(if errors().any(|finding| finding.code == UNREADABLE) {
        Exit::Trouble
    } else if errors().next().is_some() {
        Exit::Missing
    } else {
        Exit::Clean
    })
}
