//! bytes ─scan→ record ─Format→ Entry ─packet→ Packet ─flow→ Flow ─Cause chain→ Diagnosis ─finding→ Finding ─rule→ AcceptRule ─Emitter→ text

pub mod packet;
