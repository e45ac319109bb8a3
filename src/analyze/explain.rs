//! Judges one line alone, by the same stages as a log.

use crate::cause::scene::Scene;
use crate::cause::walk;
use crate::finding::findings;
use crate::flow::Flows;
use crate::input::event::DropLine;
use crate::input::{Line, Prefixes, line};
use crate::packet::{Packet, PacketSummary};
use crate::report::explain::Explained;
use crate::rule::{Scope, suggest};
use crate::site::Site;
use crate::time::Reading;

/// Judges the line `raw` alone. The error says why it cannot be judged.
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
    let summary = packet.summary();
    flows.add(site, &drop_line(&line, summary), &summary, 1);
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

fn drop_line<'a>(line: &'a Line, packet: PacketSummary<'a>) -> DropLine<'a> {
    DropLine {
        time: line.time,
        fine: line.fine,
        monotonic: None,
        host: line.host.as_deref(),
        message: line.message.as_bytes(),
        packet: Ok(packet),
        repeats: 1,
    }
}
