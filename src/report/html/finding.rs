//! A finding on a page: the words of its row, and of what it opens to.

use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::{Finding, State};
use crate::flow::Direction;
use crate::packet::proto;
use crate::report::Report;
use crate::report::text::{Label, capital, many, moment, peers_by_name, reason, state, what};
use crate::rule::{AcceptRule, Disposition};
use crate::site::Zone;

/// The most addresses of peers that are written of one finding.
const MAX_PEERS: usize = 100;

/// Number of findings that a browser lays out at once, when they come into view. Each such batch costs it something in every
/// frame, and so does each finding of one that is in view.
pub(super) const BATCH: usize = 50;

/// Number of findings above which a browser is given only those that come into view: the others stand in the page as text,
/// which costs it a tenth.
pub(super) const LONG: usize = 1_000;

/// A finding, with the report that has its rules.
pub(super) struct FindingView<'r> {
    pub(super) f: &'r Finding,
    pub(super) report: &'r Report,
    pub(super) one_day: bool,
}

impl FindingView<'_> {
    pub(super) fn node(&self) -> String {
        printable_name(&self.f.node)
    }

    pub(super) const fn verdict(&self) -> &'static str {
        self.f.verdict().code()
    }

    pub(super) fn class(&self) -> &'static str {
        class(Label::of(self.f, self.report))
    }

    /// Says in a word or two how the finding is to be taken.
    pub(super) fn word(&self) -> &'static str {
        word(Label::of(self.f, self.report))
    }

    pub(super) fn port(&self) -> String {
        what(self.f)
    }

    pub(super) fn service(&self) -> &'static str {
        self.f.service.unwrap_or("")
    }

    /// Says how many drops there are, and of requests how many attempts.
    pub(super) fn drops(&self) -> String {
        let drops = many(self.f.logged, "drop");
        let is_tcp = self.f.key.proto == Some(proto::TCP);
        match (self.f.attempts, self.f.verdict()) {
            (1, Verdict::MissingRule) if is_tcp => format!("{drops}, 1 try"),
            (n @ 2.., Verdict::MissingRule) if is_tcp => format!("{drops}, {n} tries"),
            _ => drops,
        }
    }

    pub(super) fn state(&self) -> String {
        let last = moment(self.f.last, self.one_day);
        match (self.f.verdict(), self.f.state) {
            (Verdict::MissingRule, State::Ongoing) => "still dropped".to_owned(),
            (Verdict::MissingRule, State::Settled) => format!("stopped {last}"),
            (Verdict::MissingRule, State::Unproven) => format!("stopped {last}?"),
            _ => reason(self.f).to_owned(),
        }
    }

    pub(super) fn summary(&self) -> String {
        let last = moment(self.f.last, self.one_day);
        format!(
            "{}; {}.",
            capital(self.f.cause.summary),
            state(self.f, &last)
        )
    }

    pub(super) fn peers(&self) -> String {
        let named = peers_by_name(self.f, self.report);
        let all = self.f.peers.len() + self.f.networks.len();
        if all <= 4 {
            return named;
        }
        let peers = self.f.peers.iter().map(ToString::to_string);
        let networks = self.f.networks.iter().map(ToString::to_string);
        let mut shown: Vec<String> = peers.chain(networks).take(MAX_PEERS).collect();
        if all > shown.len() {
            shown.push(format!(
                "{} more, which the JSON in this file has",
                all - shown.len()
            ));
        }
        shown.join(", ")
    }

    pub(super) fn seen(&self) -> String {
        let (first, last) = (
            moment(self.f.first, self.one_day),
            moment(self.f.last, self.one_day),
        );
        let on = match self.f.interfaces.is_empty() {
            true => String::new(),
            false => format!(" on {}", self.f.interfaces.join(", ")),
        };
        if first == last {
            format!("{first}{on}")
        } else {
            format!("{first} to {last}{on}")
        }
    }

    pub(super) fn role(&self) -> String {
        let guess = if self.f.role_assumed { ", a guess" } else { "" };
        format!("{}{guess}", self.f.role)
    }

    /// Describes the packets: which way they go, the zone of their senders, and their flags.
    pub(super) fn packets(&self) -> String {
        let way = match self.f.direction() {
            Direction::Original => "requests to this node",
            Direction::Reply => "answers of a service on the peer",
            Direction::Unknown => "requests or answers, which the log does not show",
        };
        let from = match self.f.key.zone {
            Zone::Pod => "from pods",
            Zone::Inside => "from inside the cluster",
            Zone::Outside => "from outside the cluster",
        };
        let mut text = format!("{way}, {from}");
        for (flags, lines) in &self.f.flags {
            let names = match flags.to_string() {
                none if none.is_empty() => "no flag".to_owned(),
                names => names,
            };
            text.push_str(&format!(", {lines} × {names}"));
        }
        text
    }

    /// Returns the cause in words.
    pub(super) fn why(&self) -> String {
        capital(reason(self.f))
    }

    /// Says until when it is accepted.
    pub(super) fn accepted(&self) -> String {
        let accepted = self.f.accepted.as_ref();
        accepted.map_or_else(String::new, |accepted| capital(&accepted.words()))
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = RuleView<'_>> {
        self.report.rules_of(self.f).map(RuleView)
    }
}

/// A rule, with the commands that add it.
pub(super) struct RuleView<'r>(&'r AcceptRule);

impl RuleView<'_> {
    /// Says where the rule goes at once, and of one to decide on why.
    pub(super) fn heading(&self) -> String {
        let node = printable_name(&self.0.node);
        if self.0.disposition == Disposition::Documented {
            return format!("The rule, in force at once on {node}:");
        }
        let doubt = self.0.doubt.as_ref();
        let doubt = doubt.map_or_else(String::new, |doubt| format!("{}. ", capital(&doubt.text())));
        format!("{doubt}Once you have decided on the rule, it is in force at once on {node} by:")
    }

    pub(super) const fn role(&self) -> &'static str {
        self.0.role.code()
    }

    pub(super) fn now(&self) -> String {
        format!("{}\n{}", self.0.place_command(), self.0.insert())
    }

    pub(super) fn later(&self) -> String {
        format!("- {}", self.0.append())
    }
}

/// Returns the class of a label in the style sheet.
pub(super) const fn class(label: Label) -> &'static str {
    match label {
        Label::Missing => "missing",
        Label::Decide => "decide",
        Label::Review => "review",
        Label::Leave => "leave",
        Label::Noise => "noise",
        Label::Known => "known",
    }
}

/// Returns a label in words.
pub(super) const fn word(label: Label) -> &'static str {
    match label {
        Label::Missing => "Missing rule",
        Label::Decide => "Rule to decide on",
        Label::Review => "To review",
        Label::Leave => "Rightly dropped",
        Label::Noise => "False positive",
        Label::Known => "Accepted as it is",
    }
}

/// The verdicts, each with its words.
pub(super) const VERDICTS: [(&str, &str); 4] = [
    (Verdict::MissingRule.code(), "missing rule"),
    (Verdict::FalsePositive.code(), "false positive"),
    (Verdict::LeaveDropped.code(), "rightly dropped"),
    (Verdict::Review.code(), "to review"),
];
