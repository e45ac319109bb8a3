//! Judges one line alone, by the same stages as a log.

use crate::cause::scene::Scene;
use crate::cause::walk;
use crate::finding::findings;
use crate::flow::Flows;
use crate::input::{Entry, Line, Prefixes, line};
use crate::packet::Packet;
use crate::report::explain::Explained;
use crate::rule::{Scope, suggest};
use crate::site::Site;
use crate::time::Reading;

/// What the line `raw` is and why, else why it cannot be told.
pub fn explain(
    raw: &[u8],
    prefixes: &Prefixes,
    reading: Reading,
    site: &Site,
    scope: Scope,
) -> Result<Explained, String> {
    let line = line(raw, prefixes, reading)?;
    let packet = Packet::parse(&line.message).map_err(|why| why.to_string())?;
    let mut flows = Flows::default();
    flows.add(site, &entry(&line), &packet.brief(), 1);
    let scene = Scene::new(&flows, site, None);
    let group = (scene.groups().first()).and_then(|group| scene.group(group));
    let steps = group.map_or_else(Vec::new, |group| walk(&group, &scene));
    let mut findings = findings(&scene);
    let rules = suggest(&mut findings, site, scope);
    let finding = findings.pop().ok_or("nothing of it can be judged")?;
    Ok(Explained {
        line,
        steps,
        finding,
        rules,
    })
}

fn entry(line: &Line) -> Entry<'_> {
    Entry {
        time: line.time,
        fine: line.fine,
        host: line.host.as_deref(),
        message: line.message.as_bytes(),
        repeats: 1,
        monotonic: None,
        packet: None,
        interface: "",
    }
}
