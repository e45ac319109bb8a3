//! `explain`: one line's decision, a cause's page, a port's page, or an answer to each line of a stream.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use super::args::ExplainArgs;
use super::query::PortQuery;
use super::{Exit, complain, stdio, terminal, values, written};
use crate::analyze::explain;
use crate::cause::{CAUSES, Cause};
use crate::error::Error;
use crate::nearest::hint;
use crate::report::Style;
use crate::report::explain::{Explained, Explanation};
use crate::report::ports::{PortList, Row, rows, rows_named, rows_of};

/// Upper bound on the bytes of a line, as everywhere.
const MAX_LINE: u64 = 1 << 20;

/// Topic of an `explain` command.
enum Topic<'a> {
    Stream,
    Line(&'a str),
    /// Several causes, or all.
    Causes(Vec<&'static Cause>),
    Cause(&'static Cause),
    Rows(Vec<Row>),
    Unknown(&'a str),
}

/// Runs `explain`.
pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Error> {
    let asked = args.what.join(" ");
    let style = terminal::style(args.look.color);
    let write = args.written.form(|form| form.explain)?;
    let topic = if args.what.is_empty() && !io::stdin().is_terminal() {
        Topic::Stream
    } else {
        topic(asked.trim())
    };
    let say = |answer: &Explanation<'_>| written(|out| write(answer, style, out));
    match topic {
        Topic::Causes(causes) => say(&Explanation::Causes(&causes))?,
        Topic::Cause(cause) => {
            // The rules that are about no port.
            let rows = rows_without_ports(match cause.code {
                "pod-network" => "all",
                code => code,
            });
            say(&Explanation::Cause(cause, &rows))?;
        }
        Topic::Rows(rows) => {
            let (asked, rows) = (&*asked, &rows[..]);
            let elsewhere = None;
            say(&Explanation::Ports(PortList {
                asked,
                rows,
                elsewhere,
            }))?;
        }
        Topic::Line(text) => return line(args, text, &say),
        Topic::Stream => return stream(args, style, write),
        Topic::Unknown(word) => return Err(unknown(word)),
    }
    Ok(Exit::Clean)
}

/// Whether the question is a line of a log, or all of stdin.
pub(super) fn is_of_lines(asked: &str) -> bool {
    let asked = asked.trim();
    asked.is_empty()
        || matches!(
            topic(asked),
            Topic::Line(_) | Topic::Stream | Topic::Unknown(_)
        )
}

fn topic(asked: &str) -> Topic<'_> {
    let all = || CAUSES.iter().copied();
    if let Some(cause) = all().find(|cause| cause.code == asked) {
        return Topic::Cause(cause);
    }
    let of_verdict: Vec<_> = all().filter(|c| c.verdict.code() == asked).collect();
    match asked {
        "" | "list" => Topic::Causes(all().collect()),
        "-" => Topic::Stream,
        _ if !of_verdict.is_empty() => Topic::Causes(of_verdict),
        _ => match catalogued(asked) {
            Some(rows) => Topic::Rows(rows),
            None if asked.contains(|c: char| c.is_whitespace() || "={[".contains(c)) => {
                Topic::Line(asked)
            }
            None => Topic::Unknown(asked),
        },
    }
}

/// Returns the rows of the catalogue on a port, a protocol, or a service, component or addon by its name; `None` where
/// it is none of those. A port that no row contains has an empty list.
pub(super) fn catalogued(asked: &str) -> Option<Vec<Row>> {
    let query = PortQuery::parse(asked);
    if let Some(protocol) = query.as_ref().filter(|query| query.ports.is_empty()) {
        let is_it = |row: &Row| row.number == protocol.proto;
        return Some(rows(None).into_iter().filter(is_it).collect());
    }
    // `ssh` is a service first, and then a name of /etc/services.
    let is_number = asked.contains('/') || asked.starts_with(|c: char| c.is_ascii_digit());
    let named = rows_named(asked);
    if !is_number && !named.is_empty() {
        return Some(named);
    }
    let query = query?;
    let ranges = query.ports.iter();
    let found = ranges.flat_map(|range| rows_of(query.proto, range.first, range.last));
    Some(found.collect())
}

/// Returns the rows of a protocol that are not about a port.
fn rows_without_ports(proto: &str) -> Vec<Row> {
    let mut rows = rows(None);
    rows.retain(|row| row.ports.is_none() && row.proto == proto);
    rows
}

/// Returns the error for an unknown word.
pub(super) fn unknown(word: &str) -> Error {
    let causes = CAUSES.iter().map(|cause| cause.code).chain(["list"]);
    let names = rows(None).into_iter();
    let names = names.flat_map(|row| row.component.into_iter().chain(row.addon));
    let near = hint(word, causes.chain(names));
    Error::Usage(format!(
        "`{word}` is no cause, no port, no service and no line of a log;{near} `dropsift explain list` lists the causes, and \
         `dropsift ports` the ports"
    ))
}

/// Explains one line in full.
fn line(
    args: &ExplainArgs,
    text: &str,
    say: &impl Fn(&Explanation<'_>) -> Result<(), Error>,
) -> Result<Exit, Error> {
    let explained = judge(args)?(text.as_bytes());
    say(&Explanation::Line(
        explained.as_ref().map_err(String::as_str),
    ))?;
    match explained {
        Ok(_) => Ok(Exit::Clean),
        Err(why) => {
            complain(&format!(
                "the line cannot be explained: {why}; give a whole line of the drop log, in quotes"
            ));
            Ok(Exit::NotJudged)
        }
    }
}

/// Writer of answers.
type Writer = fn(&Explanation<'_>, Style, &mut dyn Write) -> io::Result<()>;

/// Answers each line of stdin as it comes.
fn stream(args: &ExplainArgs, style: Style, write: Writer) -> Result<Exit, Error> {
    stdio::check_stdin()?;
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
        let answer = Explanation::Streamed(answer, lines);
        write(&answer, style, &mut out).map_err(Error::Output)?;
        lines += 1;
        // Available lines are answered before the output is flushed.
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

/// Explains lines on the site that the options describe.
fn judge(args: &ExplainArgs) -> Result<impl Fn(&[u8]) -> Result<Explained, String>, Error> {
    let options = values::read_options(&args.judging)?;
    let site = values::judged_by(&args.judging, &options, false)?;
    let scope = args.scoped.scope();
    Ok(move |raw: &[u8]| explain(raw, &options.prefixes, options.reading, &site, scope))
}

/// Reads the next line into `raw`, without its end; a line that is too long is cut. `false` at the end of input.
fn next_line(input: &mut impl BufRead, raw: &mut Vec<u8>) -> Result<bool, Error> {
    let failed = |why| Error::Input {
        name: "-".to_owned(),
        why,
    };
    raw.clear();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', raw);
    let read = read.map_err(failed)?;
    if raw.last() == Some(&b'\n') {
        raw.pop();
    } else if read as u64 == MAX_LINE {
        input.skip_until(b'\n').map_err(failed)?;
    }
    Ok(read > 0)
}
