//! The real-kernel lab: nodes as network namespaces on a bridge without an uplink, the documented chain on them, real
//! traffic, the kernel's own log, read through a real `systemd-journald` and `journalctl` by `dropsift`.
//!
//! It needs root and the programs of [`machine::PROGRAMS`]. Without them each test is skipped by name; with
//! `DROPSIFT_LAB=required` it fails instead. All scenarios run at the same time: they mostly wait for the LOG rule's limit.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by a panic that says where"
)]

mod chain;
mod chance;
mod cloudinit;
mod conntrack;
mod evaluator;
mod follow;
mod journal;
mod live;
mod machine;
mod missing_port;
mod moves;
mod network;
mod nfs;
mod packet;
mod probes;
mod protocols;
mod saturation;
mod scan;
mod scenes;
mod traffic;
mod unit;
mod watch;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use machine::Machine;

/// A test on a machine; it panics on a failure.
type Scenario = fn(&Machine);

/// Scenarios by name: the longest first.
const SCENARIOS: &[(&str, Scenario)] = &[
    (
        "every_entry_of_a_growing_journal_is_met_once",
        follow::every_entry_is_met_once,
    ),
    (
        "journals_of_another_machine_id_or_folder_are_followed",
        follow::folders_come_and_go,
    ),
    (
        "the_unit_runs_under_systemd_and_tells_no_event_twice",
        unit::runs_under_systemd,
    ),
    (
        "split_log_rules_show_the_syns_that_saturation_hid",
        saturation::split_log_rules_show_the_syns,
    ),
    (
        "the_script_finds_its_place_on_chains_of_every_kind",
        scenes::of_rules,
    ),
    (
        "a_missing_port_is_found_cured_and_uncured",
        missing_port::is_found_cured_and_uncured,
    ),
    (
        "a_rule_behind_drop_is_cured",
        missing_port::behind_drop_is_cured,
    ),
    (
        "a_script_for_an_empty_chain_says_what_to_do",
        missing_port::empty_chain_is_told,
    ),
    (
        "all_forms_of_journalctl_say_the_same",
        live::all_forms_say_the_same,
    ),
    (
        "chains_by_chance_decide_as_the_kernel",
        chance::chains_decide_as_the_kernel,
    ),
    (
        "the_evaluator_agrees_with_the_kernel",
        evaluator::agrees_with_the_kernel,
    ),
    (
        "the_cloudinit_line_gives_the_live_chain",
        cloudinit::gives_the_live_chain,
    ),
    (
        "conntrack_loss_asks_for_no_rule",
        conntrack::loss_asks_for_no_rule,
    ),
    (
        "conntrack_loss_heals_when_the_node_sends",
        conntrack::heals_when_the_node_sends,
    ),
    (
        "a_syn_ack_lost_once_is_conntrack_loss",
        conntrack::syn_ack_lost_once,
    ),
    ("a_scanner_never_gets_a_rule", scan::never_gets_a_rule),
    (
        "a_load_balancer_asks_for_node_ports",
        probes::of_a_load_balancer,
    ),
    ("a_stranger_opens_no_narrowed_port", probes::of_a_stranger),
    (
        "nfs_clients_send_from_reserved_ports",
        nfs::from_reserved_ports,
    ),
    ("a_virtual_address_moves", moves::a_virtual_address_moves),
    (
        "a_node_vanishes_and_returns",
        moves::a_node_vanishes_and_returns,
    ),
    (
        "a_verdict_comes_while_the_pipe_is_open",
        live::verdict_while_the_pipe_is_open,
    ),
    ("a_lost_vxlan_datagram_is_a_missing_rule", protocols::vxlan),
    ("icmp_without_its_rule_is_a_missing_rule", protocols::icmp),
    ("an_ipv6_rule_is_for_review", protocols::ipv6),
    ("mdns_to_a_joined_group_is_left_dropped", protocols::mdns),
];

fn main() -> ExitCode {
    // Traffic comes from this program too, started again inside a namespace.
    if let Some(exit) = traffic::main() {
        return exit;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SCENARIOS.len());
    let required = env::var("DROPSIFT_LAB").is_ok_and(|value| value == "required");
    let machine = Machine::ready().map(Arc::new);
    if let Ok(machine) = machine.clone() {
        // Without a handler the lab works too; it is only left to others to clean up.
        let _ = ctrlc::set_handler(move || {
            machine.clean();
            interrupted();
        });
    }
    let trials = SCENARIOS.iter().map(|&(name, scenario)| match &machine {
        Ok(machine) => {
            let machine = Arc::clone(machine);
            Trial::test(name, move || {
                scenario(&machine);
                Ok(())
            })
        }
        Err(why) => {
            let told = if required {
                String::new()
            } else {
                format!("skipped: {why}")
            };
            let why = why.clone();
            Trial::test(name, move || Err(why.into()))
                .with_kind(told)
                .with_ignored_flag(!required)
        }
    });
    let trials = trials.collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Ok(machine) = machine {
        machine.clean();
    }
    conclusion.exit_code()
}

#[allow(clippy::exit, reason = "a signal handler has nobody to return to")]
fn interrupted() {
    std::process::exit(130);
}
