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

/// Returns the file that is to be read: that of the option, else that of the environment.
fn path(told: Option<&PathBuf>) -> Option<PathBuf> {
    let set = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    told.cloned().or_else(|| set().map(PathBuf::from))
}

/// Reads the file that `told`, the option, names, or the environment.
///
/// # Errors
/// If it cannot be read, or something in it is wrong.
pub(super) fn read(told: Option<&PathBuf>, today: Date) -> Result<Configured, Error> {
    let Some(path) = path(told) else {
        return Ok(Configured::default());
    };
    let name = path.display().to_string();
    if name == "-" {
        return Err(Error::Usage(
            "a configuration is read from a file, not from stdin; name it".to_owned(),
        ));
    }
    let text = text(&path, &name)?;
    let config = Config::parse(&name, &text, today)?;
    check(&config)?;
    Ok(Configured::of(config))
}

/// Checks the values that options have too.
fn check(config: &Config) -> Result<(), Error> {
    type Check = fn(&str) -> Result<(), Error>;
    let all: [(&Option<At<String>>, Check); 4] = [
        (&config.prefix, |text| values::prefix(Some(text)).map(drop)),
        (&config.utc_offset, |text| {
            values::utc_offset(text).map(drop)
        }),
        (&config.settle, |text| {
            super::dates::duration(text).map(drop)
        }),
        (&config.limit, |text| values::limit(text).map(drop)),
    ];
    for (said, check) in all {
        if let Some(said) = said {
            let placed = |why| Error::Usage(format!("{}: {why}", config.place(said.line)));
            check(&said.value).map_err(placed)?;
        }
    }
    Ok(())
}

/// Reads the file of `judging`, and takes from it what no option says.
///
/// # Errors
/// As of [`read`].
pub(super) fn load(judging: &mut Judging) -> Result<(), Error> {
    // The day of the clock is asked for before the file can say its zone, which does not change it.
    let today = Date::of(values::read_options(judging)?.reading.reference);
    judging.configured = read(judging.config.as_ref(), today)?;
    if let Some(config) = judging.configured.file() {
        take(&mut judging.prefix, &config.prefix);
        take(&mut judging.utc_offset, &config.utc_offset);
    }
    Ok(())
}

/// Takes what the file says where no option does.
fn take(told: &mut Option<String>, said: &Option<At<String>>) {
    if let Some(said) = said {
        told.get_or_insert_with(|| said.value.clone());
    }
}

/// Takes the thresholds that no option says from the file, which was loaded.
pub(super) fn fill(thresholds: &mut Thresholds, judging: &Judging) {
    let Some(config) = judging.configured.file() else {
        return;
    };
    take(&mut thresholds.settle, &config.settle);
    take(&mut thresholds.limit, &config.limit);
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
