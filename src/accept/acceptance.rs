//! An acceptance, and which findings it covers.

use std::net::IpAddr;

use crate::cause::{Cause, Verdict};
use crate::date::Date;
use crate::finding::{Accepted, Finding};
use crate::net::IpNet;

/// The longest time that an acceptance may hold, in days ahead of the clock.
pub const MAX_DAYS: i64 = 366;

/// The test that a finding meets which is accepted.
pub(super) const ACCEPTED: &str = "accepted";
/// Name of the test that lists the peers which an acceptance leaves out.
pub(super) const PARTIAL: &str = "acceptance-partial";

/// A finding that is known, and stays as it is.
#[derive(Clone)]
pub struct Acceptance {
    pub verdict: Verdict,
    /// The id of the one finding that it is of.
    pub id: Option<String>,
    pub node: Option<String>,
    /// The IP protocol number.
    pub proto: Option<u8>,
    /// The service port.
    pub port: Option<u16>,
    /// Networks in which all peers must lie; empty for any peer.
    pub peers: Vec<IpNet>,
    pub cause: Option<&'static Cause>,
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
    /// File and line of the acceptance.
    pub origin: String,
}

/// Reason why an acceptance does not cover a finding that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bar {
    Verdict,
    Cause,
    /// Some peers, or all, lie outside.
    Peers {
        all: bool,
    },
}

impl Acceptance {
    /// Whether it holds on `today`: the last day counts whole.
    pub fn holds(&self, today: Date) -> bool {
        today <= self.until
    }

    /// Whether it names `finding` by its id, node, protocol and port.
    pub(super) fn names(&self, finding: &Finding) -> bool {
        let is = |wanted: &Option<String>, own: &String| wanted.as_ref().is_none_or(|w| w == own);
        is(&self.id, &finding.id)
            && is(&self.node, &finding.node)
            && (self.proto).is_none_or(|proto| finding.key.proto == Some(proto))
            && (self.port.is_none() && (self.id.is_some() || finding.ports.is_empty())
                || self.port.is_some() && self.port == finding.port)
    }

    /// Returns the reason why it does not cover `finding`, which it names; `None` if it does.
    pub(super) fn bar(&self, finding: &Finding) -> Option<Bar> {
        if finding.verdict() != self.verdict {
            return Some(Bar::Verdict);
        }
        if self
            .cause
            .is_some_and(|cause| cause.code != finding.cause.code)
        {
            return Some(Bar::Cause);
        }
        let outside = self.outside(finding).len();
        let all = finding.peers.len() + finding.networks.len();
        (outside > 0).then_some(Bar::Peers {
            all: outside == all,
        })
    }

    /// Returns the peers of `finding`, and the networks that stand for peers, that do not lie in [`Acceptance::peers`].
    pub(super) fn outside(&self, finding: &Finding) -> Vec<IpNet> {
        if self.peers.is_empty() {
            return Vec::new();
        }
        let peers = finding
            .peers
            .iter()
            .copied()
            .map(|peer: IpAddr| IpNet::from(peer));
        let all = peers.chain(finding.networks.iter().copied());
        all.filter(|peer| !self.peers.iter().any(|net| net.contains(peer)))
            .collect()
    }

    pub(super) fn accepted(&self) -> Accepted {
        Accepted {
            reason: self.reason.clone(),
            until: self.until,
            origin: Some(self.origin.clone()),
        }
    }
}
