//! A log through the whole analysis, and everything that is written of it.

use dropsift::analyze::{Analysis, Live};
use dropsift::chain::parse_rule;
use dropsift::input::reader::Reader;
use dropsift::report::{
    Event, EventKind, Events, JSON, LiveText, MAX_CHARACTERS, RENDERERS, Report, Style, TEXT,
};
use dropsift::rule::{EMITTERS, Offer, Scope};
use dropsift::site::{Provenance, SETTLE, Site};

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
    let mut live = Live::new(dice.roll(2) == 0);
    let mut rows = [false, true].map(|color| {
        LiveText::new(
            Style {
                color,
                ..Style::plain(80)
            },
            SETTLE,
            true,
        )
    });
    let mut scanner = Reader::new(prefixes(), READING);
    let step = data.len() / 3 + 1;
    for block in data.chunks(step) {
        scanner.push(block, &mut |item| analysis.push(item));
        let now = (dice.roll(2) == 0).then(|| analysis.last()).flatten();
        let report = analysis.report(now);
        events(&mut rows, &live.changes(&report), &report);
    }
    scanner.finish(&mut |item| analysis.push(item));
    analysis.set_lines(scanner.lines());
    let last = analysis.report(None);
    events(&mut rows, &live.last_changes(&last), &last);
    events(&mut rows, &[Event::report(&last)], &last);
    checked(&last);
    for refused in analysis.refused() {
        assert!(refused.line.len() <= data.len() * 3 + 3);
    }
}

fn site(dice: &mut Dice) -> Site {
    let mut site = Site::default();
    let roles = dropsift::catalog::Role::ALL;
    site.known
        .set_role(None, roles[dice.roll(3)], Provenance::Assumed);
    if dice.roll(2) == 0 {
        site.in_force.tell(None, "chain", CHAIN, None).unwrap();
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
        let all_known = finding
            .rules
            .iter()
            .all(|id| report.rules.get(id).is_some());
        assert!(all_known, "a finding names a rule that is not there");
    }
    let written = |render: fn(&Report, Style, &mut dyn std::io::Write) -> std::io::Result<()>,
                   color| {
        let mut out = Vec::new();
        render(
            report,
            Style {
                color,
                ..Style::plain(80)
            },
            &mut out,
        )
        .unwrap();
        out
    };
    let plain = shown::plain("the report", written(TEXT.report, false));
    let colored = shown::colored("the report in colours", &written(TEXT.report, true));
    assert_eq!(plain, colored);
    let json = shown::json("the report", written(JSON.report, false));
    assert_eq!(json["tally"]["drops"], report.tally.drops);
    assert_eq!(
        json["findings"].as_array().unwrap().len(),
        report.findings.len()
    );
    for form in RENDERERS {
        let text = shown::plain(form.code, written(form.report, false));
        match form.code {
            "html" => {
                assert_eq!(text.matches("<script").count(), 2, "{text}");
                // The script, which stands last, names the element too.
                let page = text.split("<script").next().unwrap_or_default();
                let findings = page.matches("<details class=\"finding\"").count();
                assert_eq!(findings, report.findings.len());
            }
            "markdown" => assert!(text.chars().count() <= MAX_CHARACTERS),
            _ => {}
        }
    }
    rules(report);
}

/// The rules in every form: nothing of the log in what a shell reads.
fn rules(report: &Report) {
    for rule in &report.rules {
        safe(&rule.append());
        safe(&rule.insert().replace("$((n-1))", "1"));
        safe(&rule.undo());
        let (chain, read) = parse_rule(&rule.append()).unwrap();
        assert_eq!(chain, "HARVESTER_INPUT");
        assert!(read.means(&rule.rule), "{}", rule.append());
        assert_eq!(read.comment, rule.rule.comment);
    }
    let offer = Offer {
        rules: &report.rules,
        splits: &report.splits,
        prefixes: &[],
        file: None,
        no_rule: "No rule to add.",
        no_split: "No rule to split.",
        diff: false,
    };
    for emitter in EMITTERS.iter().filter(|emitter| !emitter.patches) {
        let mut out = Vec::new();
        let notes = (emitter.emit)(&offer, &mut out).unwrap();
        shown::plain("the notes", notes.join("\n").into_bytes());
        let text = shown::plain(emitter.code, out);
        // Above the parts of the nodes stands what is the same in every script.
        let lines = text
            .lines()
            .skip_while(|line| text.starts_with("#!") && !line.starts_with("part "));
        for line in lines.map(|line| line.trim_start().trim_start_matches("- ")) {
            if !line.starts_with('#') {
                safe(&line.replace(" '' ", " "));
            }
        }
    }
}

/// Of what a shell reads as more than text there are only strings in double quotes.
fn safe(line: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-./:,=!@".contains(c);
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

/// The most bytes of an event: a container's log line.
const LONGEST: usize = 16 * 1024;

fn events(rows: &mut [LiveText; 2], events: &[Event<'_>], report: &Report) {
    let writers = RENDERERS.iter().filter_map(|renderer| renderer.events);
    for writer in writers {
        match writer {
            Events::Each(write) => {
                for event in events {
                    let mut out = Vec::new();
                    write(event, &mut out).unwrap();
                    assert!(event.kind == EventKind::Report || out.len() < LONGEST);
                    let told = shown::json("an event", out);
                    assert_eq!(told["schema"], "dropsift/event/v1");
                }
            }
            Events::Rows => {
                for rows in &mut *rows {
                    let mut out = Vec::new();
                    rows.write(events, report, &mut out).unwrap();
                    rows.flush(&mut out).unwrap();
                    shown::colored("rows", &out);
                }
            }
        }
    }
}
