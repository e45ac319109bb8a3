//! `explain`: one line's decision, a cause's page, a port's page, or an answer to each line of a stream.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use super::args::ExplainArgs;
use super::{Exit, complain, terminal, values, written};
use crate::analyze::explain;
use crate::cause::{CAUSES, Cause};
use crate::error::Error;
use crate::packet::proto_number;
use crate::report::explain::Explained;
use crate::report::ports::{Row, rows, rows_of};
use crate::report::{Style, json_explain, text_explain, text_pages};

/// A line is read up to this length, as everywhere.
const LONGEST_LINE: u64 = 1 << 20;

/// What a user asks about.
enum Topic<'a> {
    List,
    Stream,
    Line(&'a str),
    Cause(&'static Cause),
    /// The protocol, where one is named, and the ports.
    Port(Option<u8>, u16, u16),
    /// A protocol without ports.
    Proto,
    Unknown(&'a str),
}

/// Runs `explain`.
pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Error> {
    let asked = args.what.join(" ");
    let style = terminal::style(args.look.color);
    let json = args.written.is_json();
    let topic = if args.what.is_empty() && !io::stdin().is_terminal() {
        Topic::Stream
    } else {
        topic(asked.trim())
    };
    match topic {
        Topic::List if json => written(|out| json_explain::causes(CAUSES, out))?,
        Topic::List => written(|out| text_pages::list(style, out))?,
        Topic::Cause(cause) if json => written(|out| json_explain::causes(&[cause], out))?,
        Topic::Cause(cause) => written(|out| {
            text_pages::cause(cause, style, out)?;
            // The rules that are about no port.
            let rows = rows_without_ports(match cause.code {
                "pod-network" => "all",
                code => code,
            });
            if !rows.is_empty() {
                writeln!(out)?;
            }
            text_pages::ports(&rows, style, out)
        })?,
        Topic::Port(number, first, last) => {
            return ports(&rows_of(number, first, last), &asked, style, json);
        }
        Topic::Proto => return ports(&rows_without_ports(&asked), &asked, style, json),
        Topic::Line(text) => return line(args, text, style, json),
        Topic::Stream => return stream(args, style, json),
        Topic::Unknown(word) => return Err(unknown(word)),
    }
    Ok(Exit::Clean)
}

fn topic(asked: &str) -> Topic<'_> {
    let cause = CAUSES.iter().find(|cause| cause.code == asked);
    match (asked, cause) {
        ("" | "list", _) => Topic::List,
        ("-", _) => Topic::Stream,
        (_, Some(cause)) => Topic::Cause(cause),
        _ if asked.contains(|c: char| c.is_whitespace() || "={[".contains(c)) => Topic::Line(asked),
        _ => port(asked).unwrap_or(Topic::Unknown(asked)),
    }
}

/// Reads `tcp/10250`, `10250`, `2379:2380` or `gre`.
fn port(asked: &str) -> Option<Topic<'_>> {
    let (proto, ports) = match asked.split_once('/') {
        Some((proto, ports)) => (Some(proto_number(&proto.to_lowercase())?), ports),
        None if asked.starts_with(|c: char| c.is_ascii_digit()) => (None, asked),
        None => return proto_number(&asked.to_lowercase()).map(|_| Topic::Proto),
    };
    let (first, last) = ports.split_once([':', '-']).unwrap_or((ports, ports));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(Topic::Port(proto, first, last))
}

/// The rows of a protocol that are not about a port.
fn rows_without_ports(proto: &str) -> Vec<Row> {
    let mut rows = rows(None);
    rows.retain(|row| row.ports.is_none() && row.proto == proto);
    rows
}

fn ports(rows: &[Row], asked: &str, style: Style, json: bool) -> Result<Exit, Error> {
    written(|out| {
        if json {
            json_explain::ports(rows, out)
        } else if rows.is_empty() {
            text_pages::unlisted(asked, style, out)
        } else {
            text_pages::ports(rows, style, out)
        }
    })?;
    Ok(Exit::Clean)
}

fn unknown(word: &str) -> Error {
    let known = || CAUSES.iter().map(|cause| cause.code).chain(["list"]);
    let near = known()
        .map(|code| (distance(word, code), code))
        .filter(|(distance, code)| {
            *distance <= code.len() / 3 || (word.len() > 2 && code.contains(word))
        })
        .min();
    let hint = near.map_or_else(String::new, |(_, code)| format!(" did you mean `{code}`?"));
    Error::Usage(format!(
        "`{word}` is no cause, no port and no line of a log;{hint} `dropsift explain list` lists the causes, and a port is \
         written as tcp/10250"
    ))
}

/// How many characters must be put in, left out or changed to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, one) in a.chars().take(100).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = corner + usize::from(one != *other);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// Explains one line in full.
fn line(args: &ExplainArgs, text: &str, style: Style, json: bool) -> Result<Exit, Error> {
    let judge = judge(args)?;
    match judge(text.as_bytes()) {
        Ok(explained) if json => written(|out| json_explain::line(&explained, out))?,
        Ok(explained) => written(|out| text_explain::line(&explained, style, out))?,
        Err(why) => {
            if json {
                written(|out| json_explain::answer(Err(&why), out))?;
            }
            complain(&format!("the line cannot be explained: {why}"));
            return Ok(Exit::NotJudged);
        }
    }
    Ok(Exit::Clean)
}

/// Answers each line of stdin as it comes.
fn stream(args: &ExplainArgs, style: Style, json: bool) -> Result<Exit, Error> {
    let judge = judge(args)?;
    let mut input = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut lines, mut explained, mut blank) = (0_u64, 0_u64, true);
    let mut raw = Vec::new();
    while next_line(&mut input, &mut raw)? {
        let answer = judge(&raw);
        blank &= raw.trim_ascii().is_empty();
        explained += u64::from(answer.is_ok());
        let answer = answer.as_ref().map_err(String::as_str);
        if json {
            json_explain::answer(answer, &mut out)
        } else {
            block(answer, lines, style, &mut out)
        }
        .map_err(Error::Output)?;
        lines += 1;
        // What is at hand already is answered first.
        if !input.buffer().contains(&b'\n') {
            out.flush().map_err(Error::Output)?;
        }
    }
    out.flush().map_err(Error::Output)?;
    Ok(if explained == 0 && !blank {
        Exit::NotJudged
    } else {
        Exit::Clean
    })
}

/// The answer to one line of a stream, for people.
fn block(
    answer: Result<&Explained, &str>,
    before: u64,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if before > 0 {
        writeln!(out)?;
    }
    match answer {
        Ok(explained) => text_explain::line(explained, style, out),
        Err(why) => text_explain::refusal(why, out),
    }
}

/// Explains lines on the site that the options describe.
fn judge(args: &ExplainArgs) -> Result<impl Fn(&[u8]) -> Result<Explained, String>, Error> {
    let options = values::read_options(&args.judging)?;
    let site = values::judged_by(&args.judging, &options)?;
    let scope = args.scoped.scope();
    Ok(move |raw: &[u8]| explain(raw, &options.prefixes, options.reading, &site, scope))
}

/// Reads the next line into `raw`, without its end; what is too long is cut. `false` at the end of input.
fn next_line(input: &mut impl BufRead, raw: &mut Vec<u8>) -> Result<bool, Error> {
    let failed = |why| Error::Input {
        name: "-".to_owned(),
        why,
    };
    raw.clear();
    let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', raw);
    let read = read.map_err(failed)?;
    if raw.last() == Some(&b'\n') {
        raw.pop();
    } else if read as u64 == LONGEST_LINE {
        input.skip_until(b'\n').map_err(failed)?;
    }
    Ok(read > 0)
}
