//! What every command is given.

use super::Terminal;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
}

/// What can be asked for by `--format`. Each command says which of these it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Written {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// Comma-separated values.
    Csv,
    /// OpenMetrics, for Prometheus.
    OpenMetrics,
    /// A test report, as JUnit writes them.
    Junit,
    /// Workflow commands of GitHub Actions.
    Github,
}

impl Written {
    /// Returns what reads one of these words: of everything that a command answers, `text` and `json`.
    pub fn usual() -> impl clap::builder::TypedValueParser<Value = Self> {
        Self::among([("text", Self::Text), ("json", Self::Json)])
    }

    /// Returns what reads one of the formats of figures.
    pub fn of_figures() -> impl clap::builder::TypedValueParser<Value = Self> {
        let words =
            [("table", Self::Text), ("json", Self::Json), ("csv", Self::Csv), ("openmetrics", Self::OpenMetrics)];
        Self::among(words)
    }

    /// Returns what reads one of the formats in which a pipeline is answered.
    pub fn of_gates() -> impl clap::builder::TypedValueParser<Value = Self> {
        Self::among([("text", Self::Text), ("json", Self::Json), ("junit", Self::Junit), ("github", Self::Github)])
    }

    fn among<const N: usize>(words: [(&'static str, Self); N]) -> impl clap::builder::TypedValueParser<Value = Self> {
        let parser = clap::builder::PossibleValuesParser::new(words.map(|(word, _)| word));
        let find = move |word: String| words.into_iter().find(|(known, _)| *known == word).map(|(_, written)| written);
        clap::builder::TypedValueParser::map(parser, move |word| find(word).unwrap_or_default())
    }
}

impl From<Written> for Format {
    fn from(written: Written) -> Self {
        if written == Written::Json { Self::Json } else { Self::Text }
    }
}

/// The surroundings of a command.
#[derive(Debug, Default)]
pub struct Context {
    /// Where answers and talk go.
    pub terminal: Terminal,
    /// How answers are written.
    pub format: Format,
}
