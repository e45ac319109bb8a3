//! `dropsift diff`: new, gone and changed findings between two inputs.

use std::path::PathBuf;

use super::args::DiffArgs;
use super::options::Shared;
use super::{Exit, batch, say, say_unjudged, terminal, values, written};
use crate::analyze::diff;
use crate::error::Error;
use crate::input::source::Options;
use crate::report::{Renderer, Report};
use crate::rule::Scope;
use crate::site::Site;

/// Compares the two inputs. The options are those of both.
pub(super) fn run(args: &DiffArgs) -> Result<Exit, Error> {
    let shared = &args.shared;
    let write = args.written.form(|form| form.diff)?;
    if shared.journal {
        return Err(Error::Usage(
            "diff compares two inputs that are named; write the journal to a file first: dropsift --journal -o json > now.json"
                .to_owned(),
        ));
    }
    let both = [args.before.clone(), args.after.clone()];
    values::stdin_once(shared, &both)?;
    if both.iter().all(|path| path.as_os_str() == "-") {
        return Err(Error::Usage(
            "stdin can be read once: name a file for BEFORE or for AFTER".to_owned(),
        ));
    }
    let options = values::log_options(shared)?;
    // A chain is read once, for both.
    let site = values::site(shared, &options)?;
    let form = args.written.renderer();
    let (before, one) = read(shared, &args.before, &options, site.clone(), "before", form)?;
    let (after, other) = read(shared, &args.after, &options, site, "after", form)?;
    let differs = diff(&before, &after);
    let style = terminal::style(args.look.color);
    written(|out| write(&differs, style, out))?;
    let fails = differs.fails(shared.fail_on()) > 0;
    let found = if fails { Exit::Missing } else { Exit::Clean };
    Ok(one.and(other).and(found))
}

fn read(
    shared: &Shared,
    path: &PathBuf,
    options: &Options,
    site: Site,
    which: &str,
    form: &Renderer,
) -> Result<(Report, Exit), Error> {
    if !shared.is_quiet() {
        say(&format!(
            "{which}: {}",
            crate::error::printable(&path.display().to_string())
        ));
    }
    let analysis = values::analysis(site, &shared.judging, options, Scope::default());
    let (report, exit) = batch::run(shared, std::slice::from_ref(path), options, analysis, form)?;
    say_unjudged(shared, &report);
    Ok((report, exit))
}
