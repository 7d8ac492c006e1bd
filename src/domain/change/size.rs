//! How far a change reaches, for people who look at it.

/// How far a change reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSize {
    /// The files that differ, in the order of their paths, with lines added and removed; binary files count none.
    pub files: Vec<ChangedFile>,
    /// Lines added in all of them.
    pub added: usize,
    /// Lines removed in all of them.
    pub removed: usize,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path; a file that is gone has its old one.
    pub path: Vec<u8>,
    /// `A` added, `D` deleted, `M` changed, `T` another type.
    pub how: char,
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
}
