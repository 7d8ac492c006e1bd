//! What an update moves: a Git ref, a Mercurial branch, bookmark or tag, or a gate's environment.

use crate::domain::name::EnvironmentName;
use crate::domain::text;
use std::fmt;

/// Which of a rule's keys names a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// `branches`: `refs/heads/…`, a Mercurial named branch.
    Branch,
    /// `tags`: `refs/tags/…`, a Mercurial effective tag.
    Tag,
    /// `bookmarks`: Mercurial only.
    Bookmark,
    /// Neither: any other Git ref.
    Ref,
    /// A gate.
    Environment,
}

/// The target of an update, as tokens write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A full Git refname, `refs/…`.
    Ref(Box<[u8]>),
    /// A Mercurial named branch.
    Branch(Box<[u8]>),
    /// A Mercurial bookmark.
    Bookmark(Box<[u8]>),
    /// A Mercurial tag.
    Tag(Box<[u8]>),
    /// The environment of a gate.
    Environment(EnvironmentName),
}

/// The text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a target is a full refname (refs/heads/main), branch:NAME, bookmark:NAME, tag:NAME or env:NAME")]
pub struct TargetError;

impl Target {
    /// Takes a full Git refname.
    ///
    /// # Errors
    /// [`TargetError`] if it does not begin with `refs/` or holds a NUL, a newline or nothing after `refs/`.
    pub fn git_ref(name: &[u8]) -> Result<Self, TargetError> {
        let rest = name.strip_prefix(b"refs/").ok_or(TargetError)?;
        if rest.is_empty() || rest.iter().any(|byte| matches!(byte, 0 | b'\n')) {
            return Err(TargetError);
        }
        Ok(Self::Ref(name.into()))
    }

    /// Reads the spelling of tokens and log entries.
    ///
    /// # Errors
    /// [`TargetError`] for anything that [`Target`]'s `Display` does not write.
    pub fn parse(written: &str) -> Result<Self, TargetError> {
        let name = |rest: &str| -> Result<Box<[u8]>, TargetError> {
            let bytes = text::decode(rest, b",").map_err(|_| TargetError)?;
            let blank = bytes.is_empty() || bytes.iter().any(|byte| matches!(byte, 0 | b'\n'));
            if blank { Err(TargetError) } else { Ok(bytes.into()) }
        };
        if written.starts_with("refs/") {
            return Self::git_ref(&text::decode(written, b"").map_err(|_| TargetError)?);
        }
        match written.split_once(':') {
            Some(("branch", rest)) => Ok(Self::Branch(name(rest)?)),
            Some(("bookmark", rest)) => Ok(Self::Bookmark(name(rest)?)),
            Some(("tag", rest)) => Ok(Self::Tag(name(rest)?)),
            Some(("env", rest)) => Ok(Self::Environment(EnvironmentName::new(rest).map_err(|_| TargetError)?)),
            _ => Err(TargetError),
        }
    }

    /// Returns the kind and the name that the patterns of that kind see.
    pub fn kind_and_name(&self) -> (TargetKind, &[u8]) {
        match self {
            Self::Ref(full) => {
                if let Some(name) = full.strip_prefix(b"refs/heads/") {
                    (TargetKind::Branch, name)
                } else if let Some(name) = full.strip_prefix(b"refs/tags/") {
                    (TargetKind::Tag, name)
                } else {
                    (TargetKind::Ref, full)
                }
            }
            Self::Branch(name) => (TargetKind::Branch, name),
            Self::Bookmark(name) => (TargetKind::Bookmark, name),
            Self::Tag(name) => (TargetKind::Tag, name),
            Self::Environment(name) => (TargetKind::Environment, name.as_str().as_bytes()),
        }
    }

    /// Tells whether the target is jit's own: below `refs/jit/`, or the Mercurial branch `jit-approvals`.
    pub fn is_own(&self) -> bool {
        match self {
            Self::Ref(full) => full.starts_with(b"refs/jit/"),
            Self::Branch(name) => **name == *b"jit-approvals",
            Self::Bookmark(_) | Self::Tag(_) | Self::Environment(_) => false,
        }
    }

    /// Returns the full Git refname, if this is a Git ref.
    pub fn as_git_ref(&self) -> Option<&[u8]> {
        match self {
            Self::Ref(full) => Some(full),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, kind: &str, name: &[u8]| {
            f.write_str(kind)?;
            text::write_encoded(f, name, b",")
        };
        match self {
            Self::Ref(full) => text::write_encoded(f, full, b""),
            Self::Branch(name) => named(f, "branch:", name),
            Self::Bookmark(name) => named(f, "bookmark:", name),
            Self::Tag(name) => named(f, "tag:", name),
            Self::Environment(name) => write!(f, "env:{name}"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_is_written() {
        for written in [
            "refs/heads/main",
            "refs/heads/caf%C3%A9,x",
            "branch:default",
            "branch:a%2Cb",
            "bookmark:@",
            "tag:v1",
            "env:production",
        ] {
            let target = Target::parse(written).expect(written);
            assert_eq!(target.to_string(), written);
        }
        for bad in ["main", "refs/", "HEAD", "branch:", "branch:a,b", "env:Prod", "refs/heads/a b", "x:y", ""] {
            assert_eq!(Target::parse(bad), Err(TargetError), "{bad}");
        }
    }

    #[test]
    fn only_the_places_of_its_own_are_its_own() {
        let cases = [
            ("refs/jit/approvals", true),
            ("refs/jit/x/y", true),
            ("refs/jitter", false),
            ("refs/heads/jit-approvals", false),
            ("refs/heads/refs/jit/x", false),
            ("branch:jit-approvals", true),
            ("branch:jit-approvals2", false),
            ("branch:default", false),
            ("bookmark:jit-approvals", false),
            ("tag:jit-approvals", false),
            ("env:jit-approvals", false),
        ];
        for (written, own) in cases {
            assert_eq!(Target::parse(written).expect(written).is_own(), own, "{written}");
        }
    }

    #[test]
    fn patterns_see_the_short_name_of_branches_and_tags() {
        let seen = |written: &str| {
            let target = Target::parse(written).expect(written);
            let (kind, name) = target.kind_and_name();
            (kind, String::from_utf8_lossy(name).into_owned())
        };
        assert_eq!(seen("refs/heads/a/b"), (TargetKind::Branch, "a/b".into()));
        assert_eq!(seen("refs/tags/v1"), (TargetKind::Tag, "v1".into()));
        assert_eq!(seen("refs/notes/x"), (TargetKind::Ref, "refs/notes/x".into()));
        assert_eq!(seen("branch:default"), (TargetKind::Branch, "default".into()));
    }
}
