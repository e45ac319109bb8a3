//! The style and the script of all pages, and the policy that allows nothing else.

/// Parts that all pages share.
pub(super) struct Assets {
    pub(super) policy: &'static str,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) version: &'static str,
}

/// The policy has the hashes of the style and the script: a test calculates them anew, and with `UPDATE=1` writes them.
pub(super) const ASSETS: Assets = Assets {
    policy: include_str!("policy.txt").trim_ascii_end(),
    style: include_str!("style.css"),
    script: include_str!("script.js"),
    version: env!("CARGO_PKG_VERSION"),
};
