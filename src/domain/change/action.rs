//! What a ref update does to its target (docs/spec/semantics.md, 3).

use crate::domain::name::EnvironmentName;
use std::fmt;

/// One thing that an update does. The order is the one in which a token names the first that fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The target vanishes.
    Delete,
    /// The target did not exist.
    Create,
    /// The new value does not descend from the old one; also any move of a tag.
    Rewrite,
    /// Mercurial: a head of the branch is closed.
    Close,
    /// Mercurial: the branch gains a head.
    NewHead,
    /// The new value descends from the old one.
    Update,
    /// Mercurial: changesets become public.
    Publish,
    /// A pipeline asks to go on; the name is the administrator's (`gate:deploy`).
    Gate(EnvironmentName),
}

/// The text names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an action (create, update, rewrite, delete, close, new-head, publish or gate:NAME)")]
pub struct NotAnAction;

impl Action {
    /// Reads the word that policies and tokens use.
    ///
    /// # Errors
    /// [`NotAnAction`] for any other word.
    pub fn parse(text: &str) -> Result<Self, NotAnAction> {
        Ok(match text {
            "delete" => Self::Delete,
            "create" => Self::Create,
            "rewrite" => Self::Rewrite,
            "close" => Self::Close,
            "new-head" => Self::NewHead,
            "update" => Self::Update,
            "publish" => Self::Publish,
            _ => {
                let name = text.strip_prefix("gate:").ok_or(NotAnAction)?;
                Self::Gate(EnvironmentName::new(name).map_err(|_| NotAnAction)?)
            }
        })
    }

    /// Returns the gate's name, if this is one.
    pub fn gate(&self) -> Option<&EnvironmentName> {
        match self {
            Self::Gate(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Rewrite => "rewrite",
            Self::Close => "close",
            Self::NewHead => "new-head",
            Self::Update => "update",
            Self::Publish => "publish",
            Self::Gate(name) => return write!(f, "gate:{name}"),
        })
    }
}
