//! The tables and values of a TOML file, with the line of each.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, printable};
use crate::nearest::hint;

/// A TOML file that is read.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) name: &'t str,
    pub(super) text: &'t str,
}

/// A value, its key, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) text: Text<'a>,
    pub(super) key: &'a str,
    pub(super) line: usize,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'t> Text<'t> {
    /// Returns the line, from 1, of the byte at `at`.
    fn line(self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// Returns the line number at the start of `span`.
    pub(super) fn line_of(self, span: Range<usize>) -> usize {
        self.line(span.start)
    }

    /// Creates an error at a line; `why` ends with the remedy.
    pub(super) fn wrong(self, line: usize, why: &str) -> Error {
        Error::Usage(format!("{}:{line}: {why}", self.name))
    }

    /// Parses the text.
    ///
    /// # Errors
    /// If it is no TOML.
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'t>>, Error> {
        DeTable::parse(self.text).map_err(|why| {
            let line = why.span().map_or(1, |span| self.line_of(span));
            let message = why.message().replace('\n', ", ");
            self.wrong(
                line,
                &format!("this is no TOML: {message}; texts stand in quotes, lists in [ ]"),
            )
        })
    }

    /// Returns the fields of a table, each with a key of `known`.
    ///
    /// # Errors
    /// If a key is none of them; `place` names the table.
    pub(super) fn fields<'a>(
        self,
        table: &'a DeTable<'a>,
        known: &[&'static str],
        place: &str,
    ) -> Result<Vec<Field<'a>>, Error>
    where
        't: 'a,
    {
        let mut fields: Vec<Field<'a>> = Vec::new();
        for (key, value) in table {
            let line = self.line_of(key.span());
            let name: &Cow<'a, str> = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let near = hint(name, known.iter().copied());
                let why = format!(
                    "unknown key `{}` in {place};{near} it knows {}",
                    printable(name),
                    known.join(", ")
                );
                return Err(self.wrong(line, &why));
            }
            let key = name.as_ref();
            fields.push(Field {
                text: self,
                key,
                line,
                value,
            });
        }
        fields.sort_by_key(|field| field.value.span().start);
        Ok(fields)
    }
}

impl<'a> Field<'a> {
    /// Returns an error at its value.
    pub(super) fn wrong(&self, why: &str) -> Error {
        let line = self.text.line_of(self.value.span());
        self.text.wrong(line, why)
    }

    fn unlike(&self, form: &str) -> Error {
        self.wrong(&format!("`{}` is {form}", self.key))
    }

    /// Returns the value as text.
    ///
    /// # Errors
    /// If it is not a string; `example` is a valid value for the message.
    pub(super) fn text(&self, example: &str) -> Result<&'a str, Error> {
        let text = self.value.get_ref().as_str();
        text.ok_or_else(|| self.unlike(&format!("a text in quotes: {} = \"{example}\"", self.key)))
    }

    /// Returns the value as a list of texts; a single text counts as a list.
    ///
    /// # Errors
    /// If it is neither.
    pub(super) fn texts(&self, example: &str) -> Result<Vec<&'a str>, Error> {
        let refused = || self.unlike(&format!("a list of texts: {} = [\"{example}\"]", self.key));
        match self.value.get_ref() {
            DeValue::String(one) => Ok(vec![one.as_ref()]),
            DeValue::Array(list) => {
                let texts = list
                    .iter()
                    .map(|one| one.get_ref().as_str().ok_or_else(refused));
                texts.collect()
            }
            _ => Err(refused()),
        }
    }

    /// Returns the value as a port.
    ///
    /// # Errors
    /// If it is not a number from 0 to 65535.
    pub(super) fn port(&self) -> Result<u16, Error> {
        let number = self.value.get_ref().as_integer();
        let port = number.and_then(|n| u16::from_str_radix(n.as_str(), n.radix()).ok());
        port.ok_or_else(|| self.unlike(&format!("a number from 0 to 65535: {} = 5900", self.key)))
    }

    /// Returns the value as a date, quoted or not.
    ///
    /// # Errors
    /// If it is not a date, or has a time of day.
    pub(super) fn date(&self) -> Result<crate::date::Date, Error> {
        let written = match self.value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        crate::date::Date::parse(&written).ok_or_else(|| {
            self.unlike(&format!(
                "a date alone, the last day in UTC: {} = 2027-03-31",
                self.key
            ))
        })
    }

    /// Returns the tables of `[[key]]`, each with its line.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn tables(&self) -> Result<Vec<(usize, &'a DeTable<'a>)>, Error> {
        let refused = || {
            self.unlike(&format!(
                "a list of tables: write [[{}]] above each",
                self.key
            ))
        };
        let DeValue::Array(list) = self.value.get_ref() else {
            return Err(refused());
        };
        let tables = list.iter().map(|one| {
            let table = one.get_ref().as_table().ok_or_else(refused)?;
            Ok((self.text.line_of(one.span()), table))
        });
        tables.collect()
    }

    /// Returns the table of `[key]`.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn table(&self) -> Result<&'a DeTable<'a>, Error> {
        let table = self.value.get_ref().as_table();
        table.ok_or_else(|| self.unlike(&format!("a table: write [{}] above its keys", self.key)))
    }
}
