//! The configuration file of a run: found by `--config` or the environment and nowhere else, read once, and folded into the
//! options that were not typed.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::configuration::Configured;
use super::options::{Judging, Shared, Thresholds};
use super::values;
use crate::config::{At, Config, MAX_BYTES};
use crate::date::Date;
use crate::error::Error;

/// The variable that names the file where no option does.
pub(super) const VARIABLE: &str = "DROPSIFT_CONFIG";

/// The file that is to be read: that of the option, else that of the environment.
fn path(judging: &Judging) -> Option<PathBuf> {
    let told = judging.config.clone();
    let set = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    told.or_else(|| set().map(PathBuf::from))
}

/// Reads the file of `judging`, and takes from it what no option says.
///
/// # Errors
/// If it cannot be read, or something in it is wrong.
pub(super) fn load(judging: &mut Judging) -> Result<(), Error> {
    let Some(path) = path(judging) else {
        return Ok(());
    };
    let name = path.display().to_string();
    if name == "-" {
        return Err(Error::Usage(
            "a configuration is read from a file, not from stdin; name it".to_owned(),
        ));
    }
    let text = text(&path, &name)?;
    // The day of the clock is asked for before the file can say its zone, which does not change it.
    let today = Date::of(values::read_options(judging)?.reading.reference);
    let config = Config::parse(&name, &text, today)?;
    let value = |told: &mut Option<String>,
                 said: &Option<At<String>>,
                 check: &dyn Fn(&str) -> Result<(), Error>| {
        if let Some(said) = said {
            check(&said.value)
                .map_err(|why| Error::Usage(format!("{}: {why}", config.place(said.line))))?;
            told.get_or_insert_with(|| said.value.clone());
        }
        Ok::<(), Error>(())
    };
    value(&mut judging.prefix, &config.prefix, &|text| {
        values::prefix(Some(text)).map(drop)
    })?;
    value(&mut judging.utc_offset, &config.utc_offset, &|text| {
        values::utc_offset(text).map(drop)
    })?;
    let mut checked = Thresholds::default();
    value(&mut checked.settle, &config.settle, &|text| {
        super::dates::duration(text).map(drop)
    })?;
    value(&mut checked.limit, &config.limit, &|text| {
        values::limit(text).map(drop)
    })?;
    judging.configured = Configured::of(config);
    Ok(())
}

/// Takes the thresholds that no option says from the file, which was loaded.
pub(super) fn fill(thresholds: &mut Thresholds, judging: &Judging) {
    let Some(config) = judging.configured.file() else {
        return;
    };
    for (told, said) in [
        (&mut thresholds.settle, &config.settle),
        (&mut thresholds.limit, &config.limit),
    ] {
        if let Some(said) = said {
            told.get_or_insert_with(|| said.value.clone());
        }
    }
}

/// Reads the file of options that read whole logs.
///
/// # Errors
/// As of [`load`].
pub(super) fn load_shared(shared: &mut Shared) -> Result<(), Error> {
    load(&mut shared.judging)?;
    fill(&mut shared.thresholds, &shared.judging);
    Ok(())
}

fn text(path: &PathBuf, name: &str) -> Result<String, Error> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let unreadable = |why: &str| Error::Unreadable {
        name: name.to_owned(),
        why: why.to_owned(),
    };
    let bytes = read().map_err(|why: io::Error| Error::Input {
        name: name.to_owned(),
        why,
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(
            "it is longer than 1 MiB, which no configuration is; name the TOML file",
        ));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| unreadable("it is no text; a configuration is TOML in UTF-8"))?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}
