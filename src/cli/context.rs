//! What every command is given.

use super::Terminal;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
}

/// The surroundings of a command.
#[derive(Debug, Default)]
pub struct Context {
    /// Where answers and talk go.
    pub terminal: Terminal,
    /// How answers are written.
    pub format: Format,
}
