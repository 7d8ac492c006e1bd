//! What a push asks for, as the repository itself proves it (docs/spec/semantics.md, "Before any rule" and 3 to 5).
//!
//! The caller first takes [`History::ref_updates`]: claims checked, actions named, no changesets yet. It then works out from the
//! policy what it needs to know of each update and calls [`History::load`]. Nothing here is taken from the client but the
//! claim itself; what cannot be found out is an error, and an error is a denial.

use crate::domain::change::{ChangesetId, RefUpdate, Target};
use crate::domain::name::RuleName;
use crate::domain::text;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

/// The push and the history that it stands on.
///
/// "Existing" and "before the push" mean the values that the repository holds when the hook runs: a target that this same push
/// creates or moves counts with its value before.
pub trait History {
    /// Returns the updates of the push, in the order in which the client sent them.
    ///
    /// Filled: target, actions, old, new, tips. Empty: everything that [`History::load`] fills. A Git update that names a
    /// symbolic ref comes back once for each name, the named one first.
    ///
    /// # Errors
    /// [`HistoryError::Refused`], with every claim that does not hold, if any does not; else what kept it from finding out.
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError>;

    /// Fills `changesets` (children before parents), `scopes`, `promoted` and `tip_changes` of `update`.
    ///
    /// `tip_changes` is filled for a rewrite and a new head if `need.own_paths` is not [`OwnPaths::Unneeded`].
    ///
    /// # Errors
    /// [`HistoryError`]; `update` is then only partly filled and must not be judged.
    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError>;

    /// Fills `contents` of `update`, whose changesets are loaded, as far as there is room ([`crate::domain::change::Room::ALL`]).
    ///
    /// A content that cannot be read (too long, not here) is left out, with those that build on it.
    ///
    /// # Errors
    /// [`HistoryError`].
    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError>;

    /// Returns those of `ids` that an old value of `update` reaches, itself included. Exact, whatever dates say.
    ///
    /// # Errors
    /// [`HistoryError`] if the history cannot be read.
    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError>;

    /// Fills `reachable_bases` of `update` with those of `bases` that an old value reaches, itself included.
    ///
    /// Ids that the repository does not know are not reachable. An id is only ever left out wrongly, never taken in wrongly.
    ///
    /// # Errors
    /// [`HistoryError`] if the history of an old value cannot be read.
    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError>;

    /// Returns the value of `target` before the push: empty if it does not exist; a Mercurial branch has all its open heads.
    ///
    /// # Errors
    /// [`HistoryError`] if the value cannot be read.
    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError>;

    /// Returns every target that exists before the push, with its value.
    ///
    /// # Errors
    /// [`HistoryError`] if they cannot be listed.
    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError>;
}

impl<H: History + ?Sized> History for &mut H {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        (**self).ref_updates()
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        (**self).load(update, need)
    }

    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        (**self).contents(update)
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        (**self).held(update, ids)
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        (**self).reachable_bases(update, bases)
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        (**self).value(target)
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        (**self).all_targets()
    }
}

/// What evaluation needs to know of one update. The caller derives it from the rules that match the target and the action.
#[derive(Default)]
pub struct Need<'a> {
    /// For which changesets somebody asks for their own paths.
    pub own_paths: OwnPaths,
    /// How far somebody counts the lines of own changes, if at all; not without [`OwnPaths::All`].
    pub lines: Option<usize>,
    /// Whether somebody asks for trailers. If not, those of every changeset stay `None`.
    pub trailers: bool,
    /// For a creation: whether some rule looks at every changeset that the new value reaches.
    ///
    /// If not, [`RefUpdate::changesets`] holds only what some rule of [`Need::hidden`] sees; without such rules, nothing. A
    /// whole history is costly, and a rule of which the caller says nothing must not be judged on part of it: set this
    /// for every matching rule that is not in `hidden`. No effect on other actions.
    pub whole: bool,
    /// For a creation: for each rule here, the existing targets whose history it takes as judged before (docs/spec/semantics.md, 4).
    /// `refs/jit/**` never hides anything. No effect on other actions.
    pub hidden: Vec<Selection<'a>>,
    /// For each rule with `promoted_from`: the branches on which a changeset of the update may have been before.
    pub promoted: Vec<Selection<'a>>,
}

/// The existing targets that concern one rule.
pub struct Selection<'a> {
    /// The rule.
    pub rule: RuleName,
    /// Tells whether a target is among them.
    pub picks: Box<dyn Fn(&Target) -> bool + 'a>,
}

/// For which changesets the paths at which they differ of their own accord are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnPaths {
    /// For none. The paths of every changeset stay `None`.
    #[default]
    Unneeded,
    /// Only for changesets with several parents: enough to tell an honest merge from one with changes of its own.
    Merges,
    /// For all.
    All,
}

/// Why a push is refused for what it claims, before any rule is asked. A reason to deny, recorded as such.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimRefusal {
    /// Both the old and the new value are "absent".
    #[error("{} is neither created nor deleted: both ids are zero", text::encode(.refname, b""))]
    BothAbsent {
        /// The name as sent.
        refname: Vec<u8>,
    },
    /// The old value that the client claims is not the target's value.
    #[error(
        "{} is not at {} but at {}", text::encode(.refname, b""), value_text(.claimed), value_text(.actual)
    )]
    NotTheOldValue {
        /// The name as sent.
        refname: Vec<u8>,
        /// What the client claims; `None`: that it does not exist.
        claimed: Option<ChangesetId>,
        /// What it is; `None`: it does not exist.
        actual: Option<ChangesetId>,
    },
    /// The target occurs twice, directly or through a symbolic ref.
    #[error("{} occurs twice", text::encode(.refname, b""))]
    Twice {
        /// The name that occurs twice.
        refname: Vec<u8>,
    },
    /// A replacement (`refs/replace/…`) would let one object stand for another.
    #[error("{} would replace an object", text::encode(.refname, b""))]
    Replacement {
        /// The name as sent.
        refname: Vec<u8>,
    },
    /// The name is not a well-formed full refname below `refs/`.
    #[error("`{}` is not a refname below refs/", text::encode(.refname, b""))]
    NotARefname {
        /// The name as sent.
        refname: Vec<u8>,
    },
    /// The name is not UTF-8; its value could not be looked up reliably.
    #[error("the refname {} is not UTF-8", text::encode(.refname, b""))]
    NotUtf8 {
        /// The name as sent.
        refname: Vec<u8>,
    },
    /// A symbolic ref leads out of `refs/`, in a circle, or through too many others.
    #[error("the symbolic ref {} leads nowhere", text::encode(.refname, b""))]
    SymbolicRef {
        /// The name as sent.
        refname: Vec<u8>,
    },
    /// The new value is not an object of the repository, nor of the push.
    #[error("{} should become {new}, which is not there", text::encode(.refname, b""))]
    MissingObject {
        /// The name as sent.
        refname: Vec<u8>,
        /// The new value.
        new: ChangesetId,
    },
    /// The new value is a tag that cannot be followed to what it names: malformed, dangling, or too many tags of tags.
    #[error("{} should become the tag {new}, which cannot be followed", text::encode(.refname, b""))]
    TagCannotBeFollowed {
        /// The name as sent.
        refname: Vec<u8>,
        /// The new value.
        new: ChangesetId,
    },
    /// Mercurial: the name would be read back as another one than was judged.
    #[error("{target} would be read back under another name")]
    OddName {
        /// The branch, bookmark or tag.
        target: Target,
    },
    /// Mercurial: a changeset arrives that is obsolete and yet visible: no head of its branch here, and one for clients without markers.
    #[error("{changeset} is obsolete and would become visible")]
    ObsoleteArrival {
        /// The changeset.
        changeset: ChangesetId,
    },
    /// Mercurial: an approval would be hidden by an obsolescence marker.
    #[error("the approval {changeset} would be made obsolete")]
    ObsoleteApproval {
        /// The changeset that carries it.
        changeset: ChangesetId,
    },
    /// Mercurial: on the approvals' branch there is room for approvals only.
    #[error("{changeset} is on the approvals' branch and is no approval: {problem}")]
    NotAnApproval {
        /// The changeset.
        changeset: ChangesetId,
        /// What is wrong with it.
        problem: String,
    },
    /// Mercurial: a bookmark or tag would be set on an approval, or be called like their branch.
    #[error("{target} would name approvals")]
    NameOfApprovals {
        /// The bookmark or tag.
        target: Target,
    },
    /// A branch can only name a commit.
    #[error("the branch {} should become {new}, which is not a commit", text::encode(.refname, b""))]
    BranchNeedsACommit {
        /// The name as sent.
        refname: Vec<u8>,
        /// The new value.
        new: ChangesetId,
    },
}

fn value_text(value: &Option<ChangesetId>) -> String {
    value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// Why the history could not be found out. All but [`HistoryError::Refused`] mean "could not decide"; all mean deny.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The push claims what does not hold; never empty. A decision, not a failure.
    #[error("the push is refused for what it claims")]
    Refused(Vec<ClaimRefusal>),
    /// An object that the history needs is absent.
    #[error("the object {object} is missing")]
    Missing {
        /// Hex digits of its id.
        object: String,
    },
    /// An object is not what the format of the repository allows.
    #[error("the object {object} is malformed: {problem}")]
    Malformed {
        /// Hex digits of its id.
        object: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The push would cost more than any honest one does.
    #[error("the push has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many are read at most.
        limit: u64,
    },
    /// The deadline of the decision passed while the history was read.
    #[error("the deadline passed while the history was read")]
    DeadlinePassed,
    /// The target is of another system than the repository.
    #[error("{target} does not belong in this kind of repository")]
    ForeignTarget {
        /// What was asked for.
        target: Target,
    },
    /// The repository could not be read.
    #[error("cannot read the repository")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
}
