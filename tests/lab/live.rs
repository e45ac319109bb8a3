//! The main way of use: a verdict while the pipe stays open, the report on Ctrl-C.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::chain::Commands;
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

/// From the drop to its verdict.
const SOON: Duration = Duration::from_secs(3);

pub(crate) fn verdict_while_the_pipe_is_open(machine: &Arc<Machine>) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("worker")
        .without("--dport 9796")
        .apply(&node);
    let mut watch = Watch::start(machine, &network, &["--role", "worker"]);
    let before = Instant::now();
    peer.knock(&node.address, 9796);
    let (came, _) = watch.event("the missing port", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(9796),
        )
    });
    assert!(came - before < SOON, "the verdict took {:?}", came - before);
    watch.interrupt();
    let (report, code) = watch.report();
    assert_eq!(code, Some(1));
    assert!(
        is(
            &report["findings"][0],
            "missing-rule",
            "documented-port",
            Some(9796)
        ),
        "{}",
        watch.story()
    );
}
