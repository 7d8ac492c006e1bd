//! Figures derived from log entries: how long approval takes, what waits, what was refused and why (docs/metrics.md).
//!
//! One pass over the entries, oldest first. What is remembered grows with the requests that have not ended, with the distinct rules, roles,
//! people, days and lengths of time, and not with the entries.

mod close;
mod figures;
mod fold;
mod freezes;
#[cfg(test)]
pub(crate) mod history;
mod key;
mod part;
mod refused;
mod spread;
mod tally;
#[cfg(test)]
mod tests;

pub use figures::{Day, Figures, Load, LogHealth, Notices, Overrides, Pushes, RulePushes, Said, Tokens};
pub use fold::{Fold, Response};
pub use key::Key;
pub use refused::Refused;
pub use spread::{FEWEST, Spread};
pub use tally::{Outcome, Tally};
