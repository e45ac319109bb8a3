//! The id of a finding.

use std::fmt::{self, Write};

use crate::cause::group::GroupKey;
use crate::flow::{PeerClass, Ports};

/// Returns the stable identifier of a finding, 16 hexadecimal digits: FNV-1a of its key in words.
pub(super) fn id(key: &GroupKey, node: &str) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    let _ = write!(
        hash,
        "{node}\n{}\n{:?}\n",
        if key.v6 { 6 } else { 4 },
        key.proto
    );
    let _ = match key.ports {
        Ports::None => Ok(()),
        Ports::Service { port, .. } => write!(hash, "{port}"),
        Ports::Pair { spt, dpt } => write!(hash, "{spt}/{dpt}"),
    };
    let words = [key.direction.code(), key.zone.code(), key.kind.code(), ""];
    for word in words {
        let _ = write!(hash, "\n{word}");
    }
    if let Some(peer) = key.scanner {
        let _ = write!(hash, "{peer}");
    }
    if key.class != PeerClass::Else {
        let _ = write!(hash, "\n{}", key.class.code());
    }
    format!("{:016x}", hash.0)
}

/// FNV-1a hash of the text written to it.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}
