//! bytes ─scan→ record ─Format→ Entry ─packet→ Packet ─flow→ Flow ─Cause chain→ Diagnosis ─finding→ Finding ─rule→ AcceptRule ─Emitter→ text

pub mod input;
pub mod packet;

pub mod catalog;
pub mod chain;
pub mod cloudinit;
pub mod site;

pub mod flow;
pub mod saturation;

pub mod accept;
pub mod audit;
pub mod cause;
pub mod config;
pub mod finding;
pub mod rule;

pub mod analyze;
pub mod report;

pub mod serve;

pub mod cli;

mod beside;
pub mod date;
pub mod error;
mod leading;
mod names;
mod nearest;
pub mod net;
pub mod node_names;
pub mod provenance;
pub mod time;
