//! Reads the journal's lines one after the other and says what each proves.

use super::checkpoint::SignedCheckpoint;
use super::entry::{EntryError, Header};
use super::frame::{Frame, FrameError};
use super::merkle::{Hash, Tree, leaf_hash};
use super::note::VerifierKey;

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// Not a frame at all.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Its leaf is not an entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// It is not the next line.
    #[error("the line says that it is entry {found}, where entry {expected} should stand")]
    Number {
        /// The index of the next entry.
        expected: u64,
        /// The index that it claims.
        found: u64,
    },
    /// The leaf is not the one that was hashed, or a line before it is not.
    #[error("the root is not that of the entries up to here")]
    Root,
    /// The signature is not by the log's key.
    #[error("the signature is not by the log's key")]
    Signature,
}

/// A line that follows from those before it.
#[derive(Debug)]
pub struct Accepted<'a> {
    /// Its parts.
    pub frame: Frame<'a>,
    /// Its leaf's header.
    pub header: Header<'a>,
    /// Its index, from 0.
    pub index: u64,
}

impl Accepted<'_> {
    /// Checks the signature and returns the checkpoint that the line holds.
    ///
    /// # Errors
    /// [`LineFault::Signature`] if it is not by `key`.
    pub fn checkpoint(&self, key: &VerifierKey) -> Result<SignedCheckpoint, LineFault> {
        let Frame { size, root, signature, .. } = self.frame;
        SignedCheckpoint::verified(size, root, signature, key).ok_or(LineFault::Signature)
    }
}

/// The tree over the lines so far.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    tree: Tree,
}

impl Chain {
    /// Goes on after the entries of `tree`.
    pub fn after(tree: Tree) -> Self {
        Self { tree }
    }

    /// Returns the tree over the lines so far.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Takes the next line, without its newline: form, number, leaf and root are checked, its signature is not.
    ///
    /// `keep` gets the nodes that the line brings, in the order of the flat file.
    ///
    /// # Errors
    /// [`LineFault`]; the chain is then not to be used any more.
    pub fn accept<'a>(&mut self, line: &'a [u8], keep: impl FnMut(Hash)) -> Result<Accepted<'a>, LineFault> {
        let accepted = self.follow(line, keep)?;
        if self.tree.root() == accepted.frame.root { Ok(accepted) } else { Err(LineFault::Root) }
    }

    /// As [`Chain::accept`], but for the root: that of a later line proves this leaf as well.
    ///
    /// # Errors
    /// As [`Chain::accept`].
    pub fn follow<'a>(&mut self, line: &'a [u8], keep: impl FnMut(Hash)) -> Result<Accepted<'a>, LineFault> {
        let frame = Frame::parse(line)?;
        let index = self.tree.size();
        if frame.size != index + 1 {
            return Err(LineFault::Number { expected: index, found: frame.size.wrapping_sub(1) });
        }
        let header = Header::parse(frame.leaf)?;
        self.tree.push(leaf_hash(frame.leaf), keep);
        Ok(Accepted { frame, header, index })
    }
}
