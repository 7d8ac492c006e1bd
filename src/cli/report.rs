//! Why a command failed: the chain of causes, and all advice. Advice stands here and nowhere else.

use super::{Exit, safe};
use std::error::Error;
use std::fmt::Write as _;

/// A failure on its way to the terminal.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What failed, then each cause.
    pub chain: Vec<String>,
    /// What to do now.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure in plain words.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, chain: vec![what.into()], hints: Vec::new() }
    }

    /// A wrong command line.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Something that kept the command from an answer.
    pub fn undecided(what: impl Into<String>) -> Self {
        Self::new(Exit::Undecided, what)
    }

    /// Takes an error with all its causes.
    pub fn from_error(exit: Exit, error: &dyn Error) -> Self {
        let mut chain = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(inner) = cause {
            chain.push(inner.to_string());
            cause = inner.source();
        }
        Self { exit, chain, hints: Vec::new() }
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, advice: impl Into<String>) -> Self {
        self.hints.push(advice.into());
        self
    }

    /// Puts `what` in front of the chain.
    #[must_use]
    pub fn context(mut self, what: impl Into<String>) -> Self {
        self.chain.insert(0, what.into());
        self
    }

    /// Returns the lines to print, without the `jit: ` in front.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for (depth, what) in self.chain.iter().enumerate() {
            let lead = if depth == 0 { "error: " } else { "  caused by: " };
            writeln!(text, "{lead}{}", safe(what.as_bytes())).expect("a String takes everything");
        }
        for hint in &self.hints {
            writeln!(text, "hint: {hint}").expect("a String takes everything");
        }
        text
    }
}

/// Turns an error into a [`Failure`] that ends with "could not decide".
pub trait IntoFailure<T> {
    /// Keeps the value, or gives a [`Failure`] with all causes.
    ///
    /// # Errors
    /// The failure.
    fn or_fail(self) -> Result<T, Failure>;
}

impl<T, E: Error> IntoFailure<T> for Result<T, E> {
    fn or_fail(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(Exit::Undecided, &error))
    }
}
