//! Rewriting of a CloudInit whose `contents` is no block of lines: the whole object with the rules, for `kubectl apply`.

use serde_json::Value;

use super::{Wanted, Way, Written, by_lines};
use crate::chain::{Rule, Sought, parse_rule};
use crate::cloudinit::{self, Resource, boot_both_ways};
use crate::error::printable;

/// Returns the objects of a file as JSON, which is YAML too, with the wanted rules in them; the number of lines added,
/// and the notes for the user. `None` where the rules cannot be inserted this way either.
pub(super) fn patched(
    name: &str,
    text: &str,
    resources: &[Resource],
    wanted: &[Vec<Wanted>],
) -> Option<Written> {
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(text).ok()?;
    documents.retain(|document| !document.is_null());
    let mut objects = Vec::new();
    for document in &mut documents {
        cloudinits(document, &mut objects);
    }
    if objects.len() != resources.len() {
        return None;
    }
    let (mut added, mut notes) = (0, Vec::new());
    for (object, rules) in objects.into_iter().zip(wanted) {
        if rules.is_empty() {
            continue;
        }
        let Value::String(contents) = object.pointer_mut("/spec/contents")? else {
            return None;
        };
        let stages = cloudinit::read(contents).ok()?;
        let own = std::slice::from_ref(rules);
        let (text, lines, more) = (stages.len() == own.len())
            .then(|| by_lines(name, contents, own).ok())?
            .or_else(|| in_lists(contents, &stages, rules))?;
        *contents = text;
        added += lines;
        notes.extend(more);
    }
    let whole = match &mut documents[..] {
        [only] => only.take(),
        _ => serde_json::json!({"apiVersion": "v1", "kind": "List", "items": documents}),
    };
    let text = serde_json::to_string_pretty(&whole).ok()? + "\n";
    let name = printable(name);
    notes.push(format!(
        "the contents of {name} are no block of lines, so the whole object is written anew: apply it with kubectl apply -f"
    ));
    Some((text, added, notes))
}

/// The CloudInits in a document, in their order.
fn cloudinits<'v>(value: &'v mut Value, out: &mut Vec<&'v mut Value>) {
    if value.get("items").is_some_and(Value::is_array) {
        let items = value.get_mut("items").and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            cloudinits(item, out);
        }
    } else if value.get("kind").and_then(Value::as_str) == Some("CloudInit") {
        out.push(value);
    }
}

/// Stages on one line, with rules in their list of commands before that of LOG; those to be decided on are left out, since
/// JSON has no comments.
fn in_lists(contents: &str, stages: &[Resource], wanted: &[Wanted]) -> Option<Written> {
    let mut value: Value = serde_saphyr::from_str(contents).ok()?;
    let ways = boot_both_ways(stages);
    let (mut added, mut notes) = (0, Vec::new());
    for wanted in wanted {
        let found: Vec<Sought<'_>> = ways.sets().map(|set| wanted.seek(set)).collect();
        let lacking = || found.iter().filter_map(Way::of);
        let command = |way: &Way<'_>| {
            let rule = way.fitted(&wanted.rule);
            rule.append_command(wanted.family, &way.chain.name)
        };
        if !wanted.is_active {
            notes.extend(
                (lacking().next())
                    .map(|way| format!("left out, for you to decide first: {}", command(&way))),
            );
            continue;
        }
        if !found.iter().any(|found| !matches!(found, Sought::Nowhere)) {
            return None;
        }
        let mut done: Vec<&Rule> = Vec::new();
        for way in lacking() {
            if done.iter().any(|known| known.means(way.stop)) {
                continue;
            }
            let is_stop = |command: &Value| {
                let read = command.as_str().and_then(|text| parse_rule(text).ok());
                read.is_some_and(|(name, rule)| name == way.chain.name && rule.means(way.stop))
            };
            let steps = value.get_mut("stages")?.as_object_mut()?.values_mut();
            let steps = steps.filter_map(Value::as_array_mut).flatten();
            let lists = steps.filter_map(|step| step.get_mut("commands")?.as_array_mut());
            let (list, at) = lists
                .filter_map(|list| list.iter().position(is_stop).map(|at| (list, at)))
                .next()?;
            list.insert(at, command(&way).into());
            added += 1;
            done.push(way.stop);
        }
    }
    Some((
        serde_json::to_string_pretty(&value).ok()? + "\n",
        added,
        notes,
    ))
}
