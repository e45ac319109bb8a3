//! `dropsift audit`: what is wrong with a chain or a CloudInit.

use std::path::PathBuf;

use super::args::Shared;
use super::{Exit, terminal, values, written};
use crate::audit::{Options, Severity, UNREADABLE, audit};
use crate::error::Error;
use crate::report::{Audited, audit_json, audit_text};

/// Checks the files.
pub(super) fn run(
    shared: &Shared,
    paths: &[PathBuf],
    management_vlan: Option<u16>,
    interfaces: &[String],
) -> Result<Exit, Error> {
    let site = values::site(shared, &values::read_options(shared)?)?;
    if let Some(text) = shared.role.iter().find(|text| text.contains('=')) {
        return Err(Error::Usage(format!(
            "audit measures against one role, and `{text}` names a node's; write --role worker"
        )));
    }
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let text = values::text_file(&name)?;
        files.push((name, text));
    }
    let borrowed: Vec<(&str, &str)> = (files.iter())
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let options = Options {
        addons: site.addons.into_iter().collect(),
        pod_cidr: site.pod_cidrs.first().copied(),
        management_vlan,
        interfaces: interfaces.to_vec(),
        prefix: shared.prefix.clone(),
    };
    let found = audit(site.default_role, &borrowed, &options);
    let audited = Audited {
        role: site.default_role,
        files: borrowed.iter().map(|(name, _)| *name).collect(),
        findings: &found,
    };
    let style = terminal::style(shared.color);
    written(|out| {
        if shared.output == "json" {
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
