//! What delivering a notice needs from outside: a place that takes it or says why not.

use crate::domain::notify::Notice;
use crate::domain::time::Span;
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// A place that notices go to.
pub trait Notifier: Send {
    /// Hands `notice` over; `Ok` once the other side has taken responsibility for it. The same notice can come again: its id says so.
    ///
    /// # Errors
    /// [`DeliveryError`]; it is then tried again later.
    fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError>;

    /// Returns what would be sent, without any secret.
    ///
    /// # Errors
    /// [`DeliveryError::Template`].
    fn preview(&self, notice: &Notice) -> Result<String, DeliveryError>;
}

/// Why a notice was not taken. No variant holds a secret or an address that is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The other side answered that it does not take it.
    #[error("refused with status {status}: {said}")]
    Refused {
        /// An HTTP status.
        status: u16,
        /// The beginning of the answer, escaped.
        said: String,
        /// For how long it wants to be left alone.
        retry_after: Option<Span>,
    },
    /// It sent us somewhere else. Nobody said that this place may have the notice.
    #[error("answered with a redirection (status {status}), which is not followed")]
    Redirected {
        /// An HTTP status.
        status: u16,
    },
    /// It could not be reached, or broke off.
    #[error("could not be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// A mail server did not take the message.
    #[error("the mail server did not take it")]
    Mail(#[source] Box<dyn Error + Send + Sync>),
    /// An address, a sender or a header is none.
    #[error("`{address}` is no mail address")]
    Address {
        /// It, escaped.
        address: String,
    },
    /// Nobody is left whom the mail could go to.
    #[error("there is nobody to send it to")]
    Nobody,
    /// A template cannot be read.
    #[error("the template {path:?} cannot be read")]
    TemplateFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A template does not work.
    #[error("the template does not work")]
    Template(#[source] Box<dyn Error + Send + Sync>),
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A command could not be run.
    #[error("the command {program:?} could not be run")]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A command ended with an error.
    #[error("the command ended with {status}: {said}")]
    Failed {
        /// How it ended.
        status: String,
        /// The beginning of what it wrote to standard error, escaped.
        said: String,
    },
    /// It took longer than the place may take, and was given up.
    #[error("took longer than {0}")]
    TooLong(Span),
}

impl DeliveryError {
    /// Returns for how long the other side wants to be left alone.
    pub fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Why a secret cannot be used. It never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the secret in {path:?} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than its owner can use the file.
    #[error("the secret in {path:?} is open to others: its mode is {mode:04o}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no plain file, is empty, is not text of one line, or longer than 4 KiB.
    #[error("the secret in {path:?} is not one line of text")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The variable is not set, or not one line of text.
    #[error("the variable {name} does not hold a secret")]
    Variable {
        /// The variable.
        name: String,
    },
    /// The address is none that notices can go to.
    #[error("the address of the place is no http or https address")]
    Url,
}
