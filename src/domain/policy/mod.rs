//! The checked policy, how it is read, and the decision that it gives.

mod check;
mod checks;
mod coverage;
mod decision;
mod difference;
mod document;
mod draft;
mod evaluate;
mod fault;
mod fault_kind;
pub mod limits;
mod load;
mod model;
mod pattern;
mod quorums;
mod size;
mod standing;
mod units;
mod window;

pub use crate::domain::approval::quorum::Requirement;
pub use checks::{Attested, Checked};
pub use decision::{Counted, Decision, NotCounted, Overriding, RuleOutcome, Unmet, UpdateDecision, Verdict, Why};
pub use difference::diff;
pub use document::rule_keys;
pub use evaluate::evaluate;
pub use fault::{Fault, Faults, Note, Place, PolicyFile, Remark};
pub use fault_kind::{FaultKind, Thing};
pub use load::load;
pub use model::{
    Bind, DefaultAnswer, Environment, Mode, Override, Policy, Principal, ReasonRule, Role, Rule, TargetPatterns, When,
};
pub use pattern::{PatternError, Patterns};
pub use size::LargerThan;
pub use standing::LEEWAY;
pub use window::{Window, WindowSpan};
