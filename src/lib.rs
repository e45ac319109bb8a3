//! bytes ─scan→ record ─Format→ Entry ─packet→ Packet ─flow→ Flow ─Cause chain→ Diagnosis ─finding→ Finding ─rule→ AcceptRule ─Emitter→ text

pub mod catalog;
pub mod error;
pub mod flow;
pub mod input;
pub mod net;
pub mod packet;
pub mod saturation;
pub mod site;
pub mod time;
