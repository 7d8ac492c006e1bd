//! The text of a message, by a template: the built-in one of its channel, or an administrator's.
//!
//! A template is given `title`, `facts` (each with `name` and `value`), `commands`, and `notice` with all of its fields. Whatever it
//! writes out is escaped for the channel; `{{ value|code }}` shows it in the channel's type for code. Nothing else can be reached from
//! a template, and how long it may run is bounded.

use super::escape::Markup;
use crate::domain::notify::{Notice, facts, title};
use crate::ports::notifier::DeliveryError;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// How many steps a template may take.
const FUEL: u64 = 200_000;
/// The most bytes of a template.
const MOST: u64 = 256 * 1024;

/// Which template writes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The one that comes with the program.
    BuiltIn(&'static str),
    /// This file.
    File(PathBuf),
}

impl Template {
    /// Writes the text of `notice` in `markup`.
    ///
    /// # Errors
    /// [`DeliveryError::TemplateFile`], [`DeliveryError::Template`].
    pub fn render(&self, notice: &Notice, markup: Markup) -> Result<String, DeliveryError> {
        let source = match self {
            Self::BuiltIn(text) => (*text).to_owned(),
            Self::File(path) => {
                read(path).map_err(|source| DeliveryError::TemplateFile { path: path.clone(), source })?
            }
        };
        let wrong = |error: minijinja::Error| DeliveryError::Template(Box::new(error));
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).build();
        environment.set_syntax(syntax.map_err(wrong)?);
        environment.set_formatter(move |out, _, value| {
            let text = value.to_string();
            let text = if value.is_safe() { text } else { markup.escape(&text) };
            out.write_str(&text).map_err(minijinja::Error::from)
        });
        environment.add_filter("code", move |value: &Value| Value::from_safe_string(markup.code(&value.to_string())));
        // It would let outside text pass as the template's own.
        environment.remove_filter("safe");
        environment.add_template("message", &source).map_err(wrong)?;
        let values = context! {
            title => title(notice),
            facts => Value::from(Serde(facts(notice))),
            commands => Value::from(Serde(&notice.commands)),
            notice => Value::from(Serde(notice)),
        };
        let text = environment.get_template("message").and_then(|template| template.render(values)).map_err(wrong)?;
        Ok(text.trim_end().to_owned())
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(text) }
}
