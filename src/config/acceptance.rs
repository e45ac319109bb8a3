//! A stanza `[[accept]]`.

use super::values::{name, nets};
use super::walk::{Field, Text};
use crate::accept::{Acceptance, MAX_DAYS, is_quotable};
use crate::cause::{CAUSES, Verdict};
use crate::date::Date;
use crate::error::Error;
use crate::nearest::hint;
use crate::packet::{proto, proto_number};

/// The keys of a stanza.
pub(super) const KEYS: &[&str] = &[
    "verdict", "id", "node", "proto", "port", "peer", "cause", "reason", "until",
];

/// The protocols that have ports, of which only one is accepted at a time.
const WITH_PORTS: [u8; 5] = [proto::TCP, proto::UDP, 33, 132, 136];

/// The longest reason, in characters: it stands on a line of the report.
const MAX_REASON: usize = 200;

/// Reads the stanza that begins at `line`.
///
/// # Errors
/// If a value is not of its form, or one that is needed is absent.
pub(super) fn acceptance(
    file: Text<'_>,
    line: usize,
    fields: &[Field<'_>],
    today: Date,
) -> Result<Acceptance, Error> {
    let absent = |what: &str| file.wrong(line, &format!("an [[accept]] needs {what}"));
    let field = |key: &str| fields.iter().find(|field| field.key == key);
    let verdict =
        field("verdict").ok_or_else(|| absent("a verdict, as verdict = \"missing-rule\""))?;
    let reason =
        field("reason").ok_or_else(|| absent("a reason, as reason = \"closed on purpose\""))?;
    let until = field("until").ok_or_else(|| {
        absent("its last day, at most 366 days ahead, as until = 2027-03-31: so that somebody looks at it again")
    })?;
    let number = field("proto").map(protocol).transpose()?;
    let port = field("port").map(|field| field.port()).transpose()?;
    let id = field("id").map(id).transpose()?;
    let cause = field("cause").map(|field| {
        let text = field.text("documented-port")?;
        let cause = CAUSES.iter().find(|cause| cause.code == text).copied();
        cause.ok_or_else(|| {
            let near = hint(text, CAUSES.iter().map(|cause| cause.code));
            field.wrong(&format!(
                "no cause `{text}`;{near} `dropsift explain list` has them"
            ))
        })
    });
    let acceptance = Acceptance {
        verdict: self::verdict(verdict)?,
        id,
        node: field("node").map(name).transpose()?,
        proto: number,
        port,
        peers: field("peer")
            .map_or_else(|| Ok(Vec::new()), |field| nets(field, "192.168.122.200/32"))?,
        cause: cause.transpose()?,
        reason: self::reason(reason)?,
        until: self::until(until, today)?,
        origin: format!("{}:{line}", file.name),
    };
    if field("peer").is_some() && acceptance.peers.is_empty() {
        return Err(absent("a network in `peer`, or no `peer` for anybody"));
    }
    if acceptance.id.is_some() {
        return Ok(acceptance);
    }
    match (acceptance.proto, acceptance.port) {
        (None, None) => Err(absent(
            "proto and port, as proto = \"tcp\" and port = 5900, or the id of a finding",
        )),
        (None, Some(_)) => Err(absent("the proto of its port, as proto = \"tcp\"")),
        (Some(number), None) if WITH_PORTS.contains(&number) => Err(absent(
            "the port beside its proto, as port = 5900; a finding of several ports has its id",
        )),
        (Some(number), Some(_)) if !WITH_PORTS.contains(&number) => {
            let port = field("port").map_or(line, |field| field.line);
            Err(file.wrong(port, "this proto has no ports; take `port` out"))
        }
        _ => Ok(acceptance),
    }
}

fn verdict(field: &Field<'_>) -> Result<Verdict, Error> {
    let text = field.text("missing-rule")?;
    let codes = || Verdict::ALL.map(Verdict::code);
    let verdict = Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.code() == text);
    verdict.ok_or_else(|| {
        let near = hint(text, codes());
        field.wrong(&format!(
            "no verdict `{text}`;{near} expected {}",
            codes().join(", ")
        ))
    })
}

fn protocol(field: &Field<'_>) -> Result<u8, Error> {
    let text = field.text("tcp")?;
    let number = proto_number(text).or_else(|| text.parse().ok());
    number.ok_or_else(|| {
        field.wrong(&format!(
            "no protocol `{text}`; write it as tcp, udp, icmp, gre or 47"
        ))
    })
}

/// Returns the id of a finding, which has one form.
fn id(field: &Field<'_>) -> Result<String, Error> {
    const DIGITS: usize = 16;
    let text = field.text("6f1c0a4d2b9e8c37")?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != DIGITS || !text.bytes().all(is_digit) {
        return Err(field.wrong(&format!(
            "`{text}` is no id of a finding, which has {DIGITS} hexadecimal digits; `dropsift accept` writes it, and -o json has it"
        )));
    }
    Ok(text.to_owned())
}

fn reason(field: &Field<'_>) -> Result<String, Error> {
    let text = field.text("closed on purpose")?.trim();
    if text.is_empty() {
        return Err(field.wrong(
            "the reason is empty; say why the finding may stay, for the one who reads it next",
        ));
    }
    if !is_quotable(text) || text.chars().count() > MAX_REASON {
        return Err(field.wrong(&format!(
            "the reason is one line of at most {MAX_REASON} characters, without any that are not seen; write it anew"
        )));
    }
    Ok(text.to_owned())
}

fn until(field: &Field<'_>, today: Date) -> Result<Date, Error> {
    let until = field.date()?;
    if until.days_since(today) > MAX_DAYS {
        return Err(field.wrong(&format!(
            "until = {until} is more than {MAX_DAYS} days ahead of today, {today} (UTC); write a day up to {}",
            today.plus(MAX_DAYS)
        )));
    }
    Ok(until)
}
