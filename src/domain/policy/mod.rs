//! The checked policy, how it is read, and the decision that it gives.

mod check;
mod checks;
mod contents;
mod coverage;
mod decision;
mod difference;
mod document;
mod draft;
mod evaluate;
mod examine;
mod fault;
mod fault_kind;
mod gates;
pub mod limits;
mod load;
mod model;
mod pattern;
mod protection;
mod quorums;
mod shares;
mod size;
mod standing;
mod triggers;
mod units;
mod warning;
mod window;

pub use crate::domain::approval::quorum::Requirement;
pub use checks::{Attested, Checked};
pub use contents::Contents;
pub use decision::{Counted, Decision, NotCounted, Overriding, RuleOutcome, Unmet, UpdateDecision, Verdict, Why};
pub use difference::{diff, keys_of};
pub use document::{rule_keys, schema};
pub use evaluate::evaluate;
pub use examine::{Known, SOON};
pub use fault::{Fault, Faults, Note, Place, PolicyFile, Remark, Warnings};
pub use fault_kind::{FaultKind, Thing};
pub use load::{examine, load};
pub use model::{
    Bind, DefaultAnswer, Environment, Escalation, Mode, Override, Policy, Principal, ReasonRule, Role, Rule,
    TargetPatterns, When,
};
pub use pattern::{PatternError, Patterns};
pub use protection::actions_on;
pub use shares::{Guard, Share, branches, guards, shares};
pub use size::{LargerThan, Measure};
pub use standing::LEEWAY;
pub use triggers::{carried, touched};
pub use units::new_to;
pub use warning::Warning;
pub use window::{Window, WindowSpan};
