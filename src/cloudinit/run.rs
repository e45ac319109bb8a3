//! Interpreter of CloudInits at boot: their files and commands in, the chains that they leave out.
//!
//! As elemental-toolkit runs yip: stage after stage, each with its `.before` and `.after`, and in each stage the files
//! of /oem by their names. A step writes its files, then runs its commands, if its `if` holds.

use crate::chain::{Assume, Form, RuleSet, Runner, Script, Ways};
use crate::cloudinit::{Command, File, Resource};

/// The stages of a boot in their order.
const STAGES: [&str; 6] = ["rootfs", "initramfs", "fs", "boot", "network", "reconcile"];

/// Returns the chains that the wanted resources leave, if conditions that cannot be known do not hold.
pub fn boot(resources: &[Resource], wanted: impl Fn(&Resource) -> bool) -> RuleSet {
    boot_both_ways(resources.iter().filter(|resource| wanted(resource))).set
}

/// Returns the chains that the resources leave, under each assumption about the unknown conditions.
pub fn boot_both_ways<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Ways {
    let resources: Vec<&Resource> = resources.into_iter().collect();
    Ways::of(Form::CloudInit, &mut |runner| run(runner, &resources))
}

/// Returns the chains that one resource leaves under an assumption about the unknown conditions.
pub(in crate::cloudinit) fn boot_assuming(resource: &Resource, assume: Assume) -> RuleSet {
    let mut runner = Runner::new(Form::CloudInit).assuming(assume);
    run(&mut runner, &[resource]);
    runner.finish()
}

/// Runs the resources once, on the present chains.
pub fn run(runner: &mut Runner, resources: &[&Resource]) {
    let mut resources = resources.to_vec();
    if resources.iter().all(|resource| resource.filename.is_some()) {
        resources.sort_by_key(|resource| resource.filename.as_ref().map(|name| &name.text));
    }
    for resource in &resources {
        for fault in &resource.faults {
            runner.fault(fault.clone());
        }
    }
    let mut steps: Vec<((usize, usize), usize, &Resource)> = Vec::new();
    for resource in &resources {
        let commands = resource
            .commands
            .iter()
            .map(|command| (rank(&command.stage), command.step));
        let files = resource
            .files
            .iter()
            .map(|file| (rank(&file.stage), file.step));
        let mut own: Vec<_> = commands.chain(files).collect();
        own.sort_unstable();
        own.dedup();
        steps.extend(
            own.into_iter()
                .map(|(stage, step)| (stage, step, *resource)),
        );
    }
    // The sort is stable: in a stage, the files keep their order, and so do the steps of each.
    steps.sort_by_key(|(stage, ..)| *stage);
    for (_, step, resource) in steps {
        for file in resource
            .files
            .iter()
            .filter(|file: &&File| file.step == step)
        {
            runner.write(&file.path, &file.text, file.line);
        }
        for command in resource
            .commands
            .iter()
            .filter(|command: &&Command| command.step == step)
        {
            match &command.condition {
                Some(condition) => {
                    let condition = Script::read(condition, command.line);
                    runner.run_if(&condition, &command.script());
                }
                None => runner.run(&command.script()),
            }
        }
    }
    runner.name_unused();
}

/// Returns the position of a stage in a boot; unknown stages come last.
fn rank(stage: &str) -> (usize, usize) {
    let (name, part) = match stage.strip_suffix(".before") {
        Some(name) => (name, 0),
        None => stage
            .strip_suffix(".after")
            .map_or((stage, 1), |name| (name, 2)),
    };
    let at = STAGES.iter().position(|known| *known == name);
    (at.unwrap_or(STAGES.len()), part)
}
