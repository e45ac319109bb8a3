//! bytes ─scan→ record ─Format→ Entry ─packet→ Packet ─flow→ Flow ─Cause chain→ Diagnosis ─finding→ Finding ─rule→ AcceptRule ─Emitter→ text

pub mod audit;
pub mod catalog;
pub mod chain;
pub mod error;
pub mod input;
pub mod net;
pub mod packet;
pub mod time;
