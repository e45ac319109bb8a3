//! A CloudInit with rules put in: only lines more, the same chain but for them, and nothing to do the second time.

use std::sync::OnceLock;

use dropsift::analyze::Analysis;
use dropsift::catalog::Role;
use dropsift::chain::{ChainOutcome, Evaluation, Family, Question, RuleSet};
use dropsift::cloudinit::{self as cloud, boot};
use dropsift::input::reader::Reader;
use dropsift::rule::{AcceptRule, CloudInitFile, EMITTERS, Offer, Rules, Scope};
use dropsift::site::{Provenance, Site};

use super::seen::{READING, prefixes};
use super::{Dice, chain, shown};

/// What a node of each role lacks: documented ports, one that nobody lists, and one of IPv6.
const LOG: &str = include_str!("../seeds/report/missing");

/// A CloudInit, or several.
pub fn cloudinit(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let mut dice = Dice::of(data);
    chain::audited(text, &mut dice);
    let role = Role::ALL[dice.roll(3)];
    let name = "a \u{1b}file";
    let file = CloudInitFile {
        name,
        text,
        role: Some(role),
    };
    let _ = file.only_role();
    let rules = rules(role);
    let patched = match file.patched(rules) {
        Ok(patched) => patched,
        Err(why) => {
            shown::plain("an error", why.to_string().into_bytes());
            return;
        }
    };
    shown::plain("the notes", patched.notes.join("\n").into_bytes());
    if !patched.anew {
        assert_eq!(more(text, &patched.text), patched.added, "{}", patched.text);
    }
    let again = CloudInitFile {
        text: &patched.text,
        ..file
    };
    let again = again
        .patched(rules)
        .expect("what was patched can be patched");
    assert_eq!(
        (again.text.as_str(), again.added),
        (patched.text.as_str(), 0)
    );
    diffed(&file, rules, &patched.text);
    judged(text, &patched.text, rules, &mut dice);
}

/// The rules for a role.
fn rules(role: Role) -> &'static [AcceptRule] {
    static RULES: OnceLock<Vec<Rules>> = OnceLock::new();
    let all = RULES.get_or_init(|| {
        let of = |role| {
            let mut site = Site::default();
            site.known.set_role(None, role, Provenance::Told);
            let mut analysis = Analysis::new(site, Scope::Documented);
            let mut scanner = Reader::new(prefixes(), READING);
            scanner.push(LOG.as_bytes(), &mut |item| analysis.push(item));
            scanner.finish(&mut |item| analysis.push(item));
            analysis.report(None).rules
        };
        Role::ALL.map(of).to_vec()
    });
    let at = Role::ALL.iter().position(|known| *known == role).unwrap();
    assert!(all[at].len() >= 3, "the log lacks too little");
    &all[at]
}

/// How many lines `new` has more than `old`, whose lines are all in it.
fn more(old: &str, new: &str) -> usize {
    let mut old = old.split_inclusive('\n').peekable();
    let mut added = 0;
    for line in new.split_inclusive('\n') {
        if old.next_if_eq(&line).is_none() {
            assert!(line.contains("tables -A "), "{line:?}");
            added += 1;
        }
    }
    assert_eq!(old.next(), None, "a line is gone: {new}");
    added
}

/// The diff makes the new text of the old one.
fn diffed(file: &CloudInitFile<'_>, rules: &[AcceptRule], new: &str) {
    let emitter = EMITTERS.iter().find(|emitter| emitter.patches).unwrap();
    let offer = Offer {
        rules,
        splits: &[],
        prefixes: &[],
        file: Some(*file),
        no_rule: "No rule to add.",
        no_split: "No rule to split.",
        diff: true,
    };
    let mut out = Vec::new();
    (emitter.emit)(&offer, &mut out).unwrap();
    let diff = String::from_utf8(out).unwrap();
    assert_eq!(applied(file.text, &diff), new, "{diff}");
}

/// `patch`, as far as unified diffs need it that lose no line.
fn applied(old: &str, diff: &str) -> String {
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut at = 0;
    let mut body = diff
        .split_inclusive('\n')
        .skip_while(|line| !line.starts_with("@@ -"));
    let mut rows = body.by_ref().peekable();
    while let Some(row) = rows.next() {
        if let Some(place) = row.strip_prefix("@@ -") {
            let first: usize = place.split([',', ' ']).next().unwrap().parse().unwrap();
            while at + 1 < first {
                out += lines[at];
                at += 1;
            }
            continue;
        }
        let (sign, mut line) = row.split_at(1);
        if rows
            .next_if(|next| next.starts_with("\\ No newline"))
            .is_some()
        {
            line = line.trim_end_matches('\n');
        }
        if sign != "+" {
            assert_eq!(lines[at], line, "the diff does not fit: {diff}");
            at += 1;
        }
        if sign != "-" {
            out += line;
        }
    }
    out + &lines[at..].concat()
}

/// What got in gets in, and what did not gets in by a new rule only.
fn judged(old: &str, new: &str, rules: &[AcceptRule], dice: &mut Dice) {
    let chains = |text: &str, role| -> RuleSet {
        let resources = cloud::read(text).expect("it was read before");
        boot(&resources, |resource| resource.picks(role))
    };
    for role in Role::ALL {
        let (before, after) = (chains(old, role), chains(new, role));
        for packet in chain::packets(dice) {
            let [then, now] = [&before, &after]
                .map(|set| set.evaluate(&Question::dropped(packet), Evaluation::FROM_HARVESTER));
            if matches!(then.end, ChainOutcome::Accepted(_)) {
                assert!(
                    matches!(now.end, ChainOutcome::Accepted(_)),
                    "{packet:?} is shut out"
                );
            } else if let ChainOutcome::Accepted(place) = &now.end {
                let family = Family::of(&packet);
                let rule = &after.chain(family, &place.chain).unwrap().rules[place.number - 1];
                let is_new = |new: &AcceptRule| new.rule.means(rule);
                assert!(rules.iter().any(is_new), "{packet:?} gets in by {rule}");
            }
        }
    }
}
