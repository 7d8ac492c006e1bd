//! Notices: what people are told, who is told, and in which words (docs/notify.md).
//!
//! Whatever a notice says comes from the log, the tokens and the policy. It decides nothing.

mod change;
mod deliveries;
mod event;
mod journal;
mod memory;
mod notice;
pub mod retry;
mod route;
mod watch;
mod words;

pub use change::{Change, Commit, File};
pub use deliveries::Deliveries;
pub use event::{Event, NotAnEvent};
pub use journal::from_entry;
pub use memory::Told;
pub use notice::{About, Notice, NoticeId, RuleNotice, SCHEMA, Seen};
pub use route::{Recipient, Route, recipients};
pub use watch::{Standing, Watch, overdue};
pub use words::{Fact, facts, title};
