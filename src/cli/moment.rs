//! Moments as people write them: a time, or how far it is from now.

use super::client_token::parse_span;
use crate::domain::time::{Span, Timestamp};

/// A moment as somebody wrote it.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So far from now.
    From(Span),
}

impl Moment {
    /// Reads `2026-11-21T20:00:00Z` or a length of time such as `7d`.
    ///
    /// # Errors
    /// What is wrong with it as a time.
    pub fn parse(text: &str) -> Result<Self, String> {
        let at = Timestamp::parse(text).map(Self::At);
        at.or_else(|not_a_time| parse_span(text).map(Self::From).map_err(|_| not_a_time.to_string()))
    }

    /// Returns the moment, in the future if it was given by its distance.
    pub fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::From(span) => now.plus(span),
        }
    }

    /// Returns the moment, in the past if it was given by its distance.
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::From(span) => now.minus(span),
        }
    }
}
