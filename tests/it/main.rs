//! All tests that need neither a real kernel (`lab`) nor a process of their own (`flood`), in one binary.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod audit;
mod bounds;
mod bundles;
mod chain;
mod cli;
mod commands;
mod dispositions;
mod docs;
mod endless;
mod explain;
mod faults;
mod filters;
mod floors;
mod forged;
mod formats;
mod forms;
mod fuzz;
mod golden;
mod hostile;
mod inputs;
mod journals;
mod judgement;
mod live;
mod memory;
mod metrics;
mod packet;
mod properties;
mod read;
mod registry;
mod report;
mod rules;
mod schema;
mod set_a;
mod supply;
mod support;
