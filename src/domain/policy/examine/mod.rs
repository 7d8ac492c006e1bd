//! Looks for what is doubtful in a policy that loads: it may be meant, so it is said and keeps nothing from loading.
//!
//! Here, and only here, a clock and a repository play a part. What loading judges depends on the files alone.

mod example;
mod people;
mod protection;
mod quorum;
mod reach;

use super::draft::Draft;
use super::fault::{Fault, Place};
use super::{Contents, Policy, Warning};
use crate::domain::time::{Span, Timestamp};

/// How long before its end a principal's time is told to end soon.
pub const SOON: Span = Span::days(30);

/// What is known around a policy.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// The present moment.
    pub now: Timestamp,
    /// What the repository holds that the policy is for; `None`: nobody looked, and nothing is said of it.
    pub contents: Option<&'k Contents>,
}

/// Returns everything that is doubtful; `policy` is what `draft` means.
pub(super) fn warnings(draft: &Draft, policy: &Policy, known: &Known<'_>) -> Vec<Fault<Warning>> {
    let mut found = Vec::new();
    people::check(draft, policy, known.now, &mut found);
    quorum::check(draft, policy, known.now, &mut found);
    protection::check(draft, policy, known.contents, &mut found);
    if let Some(contents) = known.contents {
        reach::check(draft, contents, &mut found);
    }
    found
}

fn warn(found: &mut Vec<Fault<Warning>>, place: &Place, what: Warning) {
    found.push(Fault { place: Some(place.clone()), what, notes: Vec::new() });
}
