//! What each system does in its own way.

use super::content::Changed;
use crate::support::{Person, Said};
use jit::domain::approval::SignedToken;
use jit::domain::change::{ChangesetId, Target};
use std::path::PathBuf;
use std::process::Command;

/// A target, and the changeset that it is to have; without one it is deleted.
pub type Wish = (Target, Option<ChangesetId>);

/// What a system does in its own way.
pub trait System {
    /// A path beside the server and the clone.
    fn path(&self, name: &str) -> PathBuf;

    fn server(&self) -> PathBuf;

    fn jit_folder(&self) -> PathBuf;

    /// The clone's working copy.
    fn work(&self) -> PathBuf;

    /// Runs the built program.
    fn jit(&self, arguments: &[&str]) -> Said;

    /// Commits all that differs in the working copy, even if nothing does.
    fn record(&self, who: Person, message: &str) -> ChangesetId;

    /// What a commit with one parent changes, in no particular order. Names and contents are plain text.
    fn changed(&self, changeset: ChangesetId) -> Vec<Changed>;

    /// Makes the working copy what `changeset` has, or nothing; that is the parent of the next commit.
    fn go(&self, changeset: Option<ChangesetId>);

    /// The next commits are for this branch, where commits know that.
    fn on(&self, branch: &Target);

    /// Merges `other` into the working copy, without a commit; where both edited a file the working copy's stays.
    fn merge(&self, other: ChangesetId);

    /// Gives a tag of the clone to `changeset`, or takes it away.
    fn tag(&self, tag: &Target, changeset: Option<ChangesetId>);

    /// Pushes, by force where the client asks for that.
    fn push(&self, who: Person, wishes: &[Wish]) -> Said;

    /// The same as a process of its own.
    fn push_process(&self, who: Person, wishes: &[Wish]) -> Command;

    /// Brings tokens to the server, and with them the changesets of `wishes`.
    fn send(&self, who: Person, tokens: &[SignedToken], wishes: &[Wish]) -> Said;

    /// Names another program in the hooks, which is not there.
    fn lose_program(&self);

    /// Takes away the hook that records outcomes.
    fn lose_outcomes(&self);

    /// Puts a hook that refuses behind those of `jit`, or takes it away.
    fn stop_all(&self, stopped: bool);

    /// Changes a target of the server behind the back of every hook.
    fn set_behind(&self, target: &Target, changeset: Option<ChangesetId>);

    /// The server's values of a target.
    fn values(&self, target: &Target) -> Vec<ChangesetId>;

    /// Everything of the server that a push could change, but what is in its `jit` folder.
    fn state(&self) -> String;
}
