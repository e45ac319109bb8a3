//! Rules as JSON documents: the rules for a log, their state in a running chain, and a chain's differences from the
//! recommended one.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::json::{RuleV1, rule_v1};
use super::json_write::{ToolV1, write_line};
use super::rules::{ChainDifference, CheckedRules};
use super::{Report, Style, json_words};
use crate::chain::Rule;
use crate::rule::{Difference, Recommended};

#[derive(Serialize, JsonSchema)]
pub(super) struct RulesV1<'a> {
    #[schemars(schema_with = "json_words::rules_name")]
    schema: &'static str,
    tool: ToolV1<'static>,
    /// The filters that may have left findings out, as options; empty where none was on.
    filters: &'a [String],
    /// Drop lines whose findings the filters left out.
    filtered: u64,
    rules: Vec<RuleV1<'a>>,
    /// What the running chain has of each, where it was asked.
    checks: Vec<CheckV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct CheckV1<'a> {
    rule: &'a str,
    #[schemars(schema_with = "json_words::check_state")]
    state: &'static str,
    chain: Option<String>,
    number: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ChainV1<'a> {
    #[schemars(schema_with = "json_words::chain_name")]
    schema: &'static str,
    tool: ToolV1<'static>,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    /// The file that differs; null where there is none.
    file: Option<&'a str>,
    /// The recommended rules, in their order.
    rules: Vec<String>,
    missing: Vec<String>,
    extra: Vec<NumberedV1>,
    wider: Vec<WiderV1>,
    order: Vec<MisplacedV1>,
}

#[derive(Serialize, JsonSchema)]
struct NumberedV1 {
    number: usize,
    rule: String,
}

#[derive(Serialize, JsonSchema)]
struct WiderV1 {
    number: usize,
    rule: String,
    recommended: String,
}

#[derive(Serialize, JsonSchema)]
struct MisplacedV1 {
    number: usize,
    rule: String,
    behind: &'static str,
}

/// Writes the rules for a log.
pub(super) fn rules(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let checked = &[];
    check(&CheckedRules { report, checked }, style, out)
}

/// Writes the rules for a log, with their state in a running chain.
pub(super) fn check(rules: &CheckedRules<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let checked = rules.checked.iter().map(|checked| CheckV1 {
        rule: &checked.rule.id,
        state: checked.state.code(),
        chain: checked.at.as_ref().map(|(chain, _)| chain.clone()),
        number: checked.at.as_ref().map(|(_, number)| *number),
    });
    let document = RulesV1 {
        schema: "dropsift/rules/v1",
        tool: ToolV1::THIS,
        filters: &rules.report.filters,
        filtered: rules.report.tally.filtered,
        rules: rules.report.rules.iter().map(rule_v1).collect(),
        checks: checked.collect(),
    };
    write_line(&document, out)
}

/// Writes the recommended chain.
pub(super) fn chain(chain: &Recommended, _: Style, out: &mut dyn Write) -> io::Result<()> {
    document(chain, None, &Difference::default(), out)
}

/// Writes the recommended chain, and how that of a file differs.
pub(super) fn difference(
    one: &ChainDifference<'_>,
    _: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    document(one.chain, Some(one.file), one.difference, out)
}

fn document(
    chain: &Recommended,
    file: Option<&str>,
    difference: &Difference,
    out: &mut dyn Write,
) -> io::Result<()> {
    let texts = |rules: &[Rule]| rules.iter().map(ToString::to_string).collect();
    let document = ChainV1 {
        schema: "dropsift/chain/v1",
        tool: ToolV1::THIS,
        role: chain.role.code(),
        file,
        rules: texts(&chain.rules),
        missing: texts(&difference.missing),
        extra: (difference.extra.iter())
            .map(|(number, rule)| NumberedV1 {
                number: *number,
                rule: rule.to_string(),
            })
            .collect(),
        wider: (difference.wider.iter())
            .map(|(number, rule, recommended)| WiderV1 {
                number: *number,
                rule: rule.to_string(),
                recommended: recommended.to_string(),
            })
            .collect(),
        order: (difference.order.iter())
            .map(|(number, rule, behind)| MisplacedV1 {
                number: *number,
                rule: rule.to_string(),
                behind,
            })
            .collect(),
    };
    write_line(&document, out)
}
