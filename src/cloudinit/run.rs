//! Boots with CloudInits: their commands in, the chains that they leave out.

use crate::chain::{Form, RuleSet, Runner};
use crate::cloudinit::Resource;

/// The chains that the commands of the wanted resources leave, run in their order.
pub fn boot(resources: &[Resource], wanted: impl Fn(&Resource) -> bool) -> RuleSet {
    let mut runner = Runner::new(Form::CloudInit);
    for resource in resources.iter().filter(|resource| wanted(resource)) {
        for fault in &resource.faults {
            runner.fault(fault.clone());
        }
        for command in &resource.commands {
            runner.run(&command.script());
        }
    }
    runner.finish()
}
