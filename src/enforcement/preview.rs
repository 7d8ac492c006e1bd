//! What the server would decide of a push that is only supposed: with its tokens, and what its log knows. Records nothing.

use super::assess::{AssessError, Assessment, assess};
use super::{Server, compare_with_log};
use crate::domain::change::{ContentId, Push, Pusher, Target};
use crate::domain::policy::Policy;
use crate::ports::history::History;
use crate::ports::log::LogError;
use std::time::Instant;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The push cannot be judged.
    #[error(transparent)]
    NotAssessed(#[from] AssessError),
}

impl Server<'_> {
    /// Judges by `policy` the push that `history` supposes, made by `login`; without one, nobody is taken for the pusher.
    ///
    /// The log's lock is held only while the log is read.
    ///
    /// # Errors
    /// [`PreviewError`].
    pub fn preview(
        &self,
        policy: &Policy,
        history: &mut dyn History,
        login: Option<&str>,
        deadline: Instant,
    ) -> Result<Assessment, PreviewError> {
        let mut updates = history.ref_updates().map_err(AssessError::History)?;
        // The first is the one that was asked for; a symbolic ref brings the ref that it names along.
        updates.retain(|update| !update.target.is_own());
        let log = self.log.open(deadline)?;
        let now = self.entry_time(log.as_ref());
        for update in &mut updates {
            let mut value = history.value(&update.target).map_err(AssessError::History)?;
            value.sort();
            compare_with_log(log.as_ref(), update, &value, now)?;
        }
        drop(log);
        let push = Push {
            repository: self.repository.to_owned(),
            pusher: Pusher { login: login.map(str::to_owned), source: "supposed".to_owned() },
            unknown_pusher_allowed: login.is_none() || self.unknown_pusher_allowed,
            updates,
        };
        let landed = |target: &Target, content: &ContentId| self.log.open(deadline)?.landed(target, content);
        Ok(assess(policy, push, history, self.approvals, &landed, now)?)
    }
}
