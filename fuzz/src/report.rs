//! A log through the whole analysis, and everything that is written of it.

use dropsift::analyze::{Analysis, Live};
use dropsift::chain::parse_rule;
use dropsift::input::reader::Reader;
use dropsift::report::{Event, RENDERERS, Report, Style, json, text_event};
use dropsift::rule::{EMITTERS, Offer, Scope};
use dropsift::site::Site;

use super::seen::{READING, prefixes};
use super::{Dice, shown};

/// A chain in force: some ports open, one behind DROP.
const CHAIN: &str = include_str!("../seeds/chain/save-node");

/// The whole analysis of a log, in every form and live.
pub fn report(data: &[u8]) {
    let mut dice = Dice::of(data);
    let site = site(&mut dice);
    let scope = Scope::ALL[dice.roll(3)];
    let mut analysis = Analysis::new(site.clone(), scope);
    let mut live = Live::default();
    let mut scanner = Reader::new(prefixes(), READING);
    let step = data.len() / 3 + 1;
    for block in data.chunks(step) {
        scanner.push(block, &mut |item| analysis.push(item));
        let now = (dice.roll(2) == 0).then(|| analysis.last()).flatten();
        let report = analysis.report(now);
        events(&live.changes(&report, now));
    }
    scanner.finish(&mut |item| analysis.push(item));
    analysis.set_lines(scanner.lines());
    let last = analysis.report(None);
    events(&live.last_changes(&last));
    events(&[Event::report(&last)]);
    checked(&last);
    for refused in analysis.refused() {
        assert!(refused.line.len() <= data.len() * 3 + 3);
    }
}

fn site(dice: &mut Dice) -> Site {
    let mut site = Site::default();
    let roles = dropsift::catalog::Role::ALL;
    site.default_role = roles[dice.roll(3)];
    if dice.roll(2) == 0 {
        site.in_force.tell(None, "chain", CHAIN).unwrap();
    }
    site
}

/// What holds of a report, in every form.
pub fn checked(report: &Report) {
    let logged: u64 = report.findings.iter().map(|finding| finding.logged).sum();
    assert_eq!(logged, report.tally.drops, "a drop line is lost");
    let mut ids: Vec<&str> = report.findings.iter().map(|f| f.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), report.findings.len(), "two findings share an id");
    for finding in &report.findings {
        let all_known = finding.rules.iter().all(|id| report.rule(id).is_some());
        assert!(all_known, "a finding names a rule that is not there");
    }
    let [text, json] = RENDERERS else {
        panic!("there is a form that is not checked");
    };
    let written = |render: fn(&Report, Style, &mut dyn std::io::Write) -> std::io::Result<()>,
                   color| {
        let mut out = Vec::new();
        render(report, Style { width: 80, color }, &mut out).unwrap();
        out
    };
    let plain = shown::plain("the report", written(text.render, false));
    let colored = shown::colored("the report in colours", &written(text.render, true));
    assert_eq!(plain, colored);
    let json = shown::json("the report", written(json.render, false));
    assert_eq!(json["tally"]["drops"], report.tally.drops);
    assert_eq!(
        json["findings"].as_array().unwrap().len(),
        report.findings.len()
    );
    rules(report);
}

/// The rules in every form: nothing of the log in what a shell reads.
fn rules(report: &Report) {
    for rule in &report.rules {
        for command in [rule.append(), rule.insert(), rule.undo()] {
            safe(&command);
        }
        let (chain, read) = parse_rule(&rule.append()).unwrap();
        assert_eq!(chain, "HARVESTER_INPUT");
        assert_eq!(read.comment.as_deref(), Some(rule.comment.as_str()));
    }
    let offer = Offer {
        rules: &report.rules,
        splits: &report.splits,
        file: None,
        diff: false,
    };
    for emitter in EMITTERS.iter().filter(|emitter| !emitter.patches) {
        let mut out = Vec::new();
        let notes = (emitter.emit)(&offer, &mut out).unwrap();
        shown::plain("the notes", notes.join("\n").into_bytes());
        let text = shown::plain(emitter.code, out);
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches("- ");
            if line.starts_with('#') {
                continue;
            }
            match emitter.code {
                // Nothing in it comes of the log but the nodes' names, in comments.
                "split-log" => assert!(!line.contains(['$', '`', '\\', '*']), "{line:?}"),
                _ if line.starts_with("case \"$(") => {
                    assert_eq!(line.matches('$').count(), 2, "{line:?}");
                    assert!(!line.contains(['`', '\\']), "{line:?}");
                }
                _ => safe(line),
            }
        }
    }
}

/// Of what a shell reads as more than text there is only what the script itself needs: strings in double quotes, and
/// `2>/dev/null || :`.
fn safe(line: &str) {
    let line = line.replace(" 2>/dev/null", "").replace(" || :", "");
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-./:,=!".contains(c);
    for (at, part) in line.split('"').enumerate() {
        let quoted = at % 2 == 1;
        let fits = |c: char| plain(c) || (quoted && "()+".contains(c));
        assert!(part.chars().all(fits), "not safe for a shell: {line:?}");
    }
    assert!(
        line.matches('"').count().is_multiple_of(2),
        "an open quote: {line:?}"
    );
}

fn events(events: &[Event<'_>]) {
    for event in events {
        let mut out = Vec::new();
        json::event(event, &mut out).unwrap();
        let told = shown::json("an event", out);
        assert_eq!(told["schema"], "dropsift/event/v1");
        for color in [false, true] {
            let style = Style { width: 80, color };
            let mut out = Vec::new();
            text_event(event, style, &mut out).unwrap();
            shown::colored("an event", &out);
        }
    }
}
