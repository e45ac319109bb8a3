//! Consistency of the registries: codes are unique, examples are judged as stated, samples are parsed by their format.

use std::collections::BTreeSet;

use dropsift::analyze::Analysis;
use dropsift::catalog::{Role, SERVICES, Standing, documented_anywhere};
use dropsift::cause::CAUSES;
use dropsift::input::reader::Reader;
use dropsift::input::{FORMATS, Prefixes, format_of};
use dropsift::report::{RENDERERS, Report};
use dropsift::rule::{EMITTERS, Scope};
use dropsift::site::{Provenance, Site, Window, WindowOrigin};
use dropsift::time::{Moment, Reading, parse_rfc3339};

/// Returns the report on a log, for the site of the examples: a worker by its name, and an upgrade in early May.
fn report_on(log: &str, rules: Option<&str>) -> Report {
    let time = |text| parse_rfc3339(text).unwrap();
    let mut site = Site::default();
    if let Some(rules) = rules {
        site.in_force.tell(None, "rules", rules, None).unwrap();
    }
    site.known
        .set_role(Some("harvester3-worker"), Role::Worker, Provenance::Told);
    site.upgrades.push(Window {
        origin: WindowOrigin::Told,
        from: Moment::At(time("2026-05-05T04:00:00Z")),
        to: Moment::At(time("2026-05-05T06:00:00Z")),
    });
    let mut analysis = Analysis::new(site, Scope::Documented);
    let reading = Reading {
        year: Some(2026),
        reference: time("2026-12-31T00:00:00Z"),
        offset: 0,
    };
    let mut scanner = Reader::new(Prefixes::documented(), reading);
    scanner.push(log.as_bytes(), &mut |item| analysis.push(item));
    scanner.finish(&mut |item| analysis.push(item));
    analysis.report(None)
}

#[test]
fn causes_take_their_examples_and_refuse_the_others() {
    for cause in CAUSES {
        assert!(
            cause.examples.iter().any(|e| !e.takes),
            "{} has no example that it refuses",
            cause.code
        );
        assert!(
            cause.examples.iter().any(|e| e.takes),
            "{} has no example that it takes",
            cause.code
        );
        for example in cause.examples {
            let found: Vec<&str> = report_on(example.log, example.rules)
                .findings
                .iter()
                .map(|f| f.cause.code)
                .collect();
            assert!(
                !found.is_empty(),
                "an example of {} is no drop line:\n{}",
                cause.code,
                example.log
            );
            assert_eq!(
                found.contains(&cause.code),
                example.takes,
                "{}: {found:?}\n{}",
                cause.code,
                example.log
            );
        }
    }
}

#[test]
fn codes_are_unique_and_kebab_case() {
    unique(CAUSES.iter().map(|c| c.code));
    unique(FORMATS.iter().map(|f| f.code));
    unique(RENDERERS.iter().map(|r| r.code));
    unique(EMITTERS.iter().map(|e| e.code));
}

fn unique<'a>(codes: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for code in codes {
        let kebab = code
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        assert!(kebab, "{code} is not kebab-case");
        assert!(seen.insert(code), "{code} stands twice");
    }
}

#[test]
fn formats_read_their_samples() {
    for format in FORMATS {
        let read = format_of(format.sample.as_bytes(), &Prefixes::documented());
        assert_eq!(read.map(|f| f.code), Some(format.code));
    }
}

#[test]
fn the_catalogue_agrees_with_itself() {
    for service in SERVICES {
        assert!(!service.source.is_empty(), "{} has no source", service.name);
        assert!(!service.name.is_empty() && !service.component.is_empty());
        if service.standing == Standing::UpToV1_8 {
            let rule = documented_anywhere(service.proto, service.ports.first).next();
            assert!(rule.is_none(), "{} is documented and is not", service.name);
        }
    }
    for rule in dropsift::catalog::RULES {
        // Every port that the page opens has a row.
        if let (Some(proto), None, Some(ports)) = (rule.proto, rule.sport, rule.dport) {
            for port in [ports.first, ports.last] {
                let row = dropsift::catalog::service(proto, port)
                    .unwrap_or_else(|| panic!("no row for {}", rule.comment));
                assert_eq!(row.addon, rule.addon, "{}", rule.comment);
            }
        }
    }
}
