//! How the requests of a server stand and what they would change, found out once for all places.

use crate::cli::requests::{Details, RequestView, Requests};
use crate::cli::{Context, Failure};
use crate::domain::approval::TokenId;
use crate::domain::change::Action;
use crate::domain::notify::{About, Change, Notice, RuleNotice, Standing};
use crate::domain::policy::Mode;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// The requests of one server. All places look at the same, which is found out again when the log has grown.
pub(super) struct Desk<'a> {
    repo: Option<&'a Path>,
    cx: &'a Context,
    seen: Mutex<Seen>,
}

/// What was found out.
#[derive(Default)]
struct Seen {
    /// How long the log was.
    size: Option<u64>,
    views: Vec<RequestView>,
    standing: Arc<Vec<Standing>>,
    /// What requests would change, by their ids, or why that cannot be said; nothing of what has landed.
    changes: BTreeMap<String, Result<Option<Change>, String>>,
}

impl<'a> Desk<'a> {
    /// Begins with nothing found out.
    pub(super) fn new(repo: Option<&'a Path>, cx: &'a Context) -> Self {
        Self { repo, cx, seen: Mutex::default() }
    }

    /// Returns how each request stands that waits or has ended lately, now that the log has `size` entries; none where they cannot be
    /// read, for then nobody knows.
    pub(super) fn standing(&self, size: u64) -> Arc<Vec<Standing>> {
        self.standing_by(size, || self.open()?.list(true))
    }

    fn standing_by(&self, size: u64, list: impl FnOnce() -> Result<Vec<RequestView>, Failure>) -> Arc<Vec<Standing>> {
        let mut seen = self.seen();
        if seen.size != Some(size) {
            let Ok(views) = list() else { return Arc::default() };
            let standing = Arc::new(views.iter().map(of_view).collect());
            *seen = Seen { size: Some(size), views, standing, changes: BTreeMap::new() };
        }
        Arc::clone(&seen.standing)
    }

    /// Adds to each notice that asks people to look at a request what this would change, or why that cannot be said.
    pub(super) fn describe(&self, notices: &mut [Notice]) {
        let mut seen = self.seen();
        let Seen { views, changes, .. } = &mut *seen;
        let mut requests = None;
        for notice in notices.iter_mut().filter(|notice| notice.event.asks()) {
            let Some(id) = &notice.request else { continue };
            let of_it = |view: &&RequestView| view.asked.id.to_string() == *id;
            let change = changes.entry(id.clone()).or_insert_with(|| {
                let view = views.iter().find(of_it).ok_or("the request cannot be read now")?;
                match (&view.trouble, &view.judged) {
                    (Some(trouble), _) => return Err(trouble.clone()),
                    (None, None) => return Ok(None),
                    (None, Some(_)) => {}
                }
                let requests = requests.get_or_insert_with(|| self.open()).as_ref().map_err(words)?;
                let Details { commits, effect, .. } = requests.details(view).map_err(|failure| words(&failure))?;
                Ok(Some(Change::of(&commits, &effect.lost, &effect.size)))
            });
            match change {
                Ok(change) => notice.change.clone_from(change),
                Err(why) => notice.details.push(format!("what it would change cannot be said: {why}")),
            }
        }
    }

    fn open(&self) -> Result<Requests, Failure> {
        Requests::open(self.repo, None, self.cx)
    }

    /// What another place's thread left half done when it stopped is found out again.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(|stopped| {
            let mut seen = stopped.into_inner();
            *seen = Seen::default();
            seen
        })
    }
}

fn words(failure: &Failure) -> String {
    failure.chain.join(": ")
}

fn of_view(view: &RequestView) -> Standing {
    let asked = &view.asked;
    let goes = asked.action == Action::Delete;
    let enforcing = || view.rules.iter().filter(|rule| rule.mode == Mode::Enforce);
    let rules = enforcing().map(|rule| RuleNotice {
        name: rule.name.clone(),
        message: rule.message.clone(),
        required: vec![rule.needs.clone()],
        missing: if rule.met { Vec::new() } else { vec![rule.needs.clone()] },
    });
    let tokens = || enforcing().flat_map(|rule| &rule.tokens);
    let since = |id: &TokenId| {
        let mut signed = view.judged.iter().flat_map(|judged| &judged.tokens);
        signed.find(|signed| signed.id == *id).map_or(view.now, |signed| signed.token.not_before)
    };
    let approvals = tokens().filter(|token| token.role.is_some());
    let approvals = approvals.map(|token| (token.id, (token.who.to_string(), since(&token.id))));
    let rejections = tokens().filter(|token| token.role.is_none());
    Standing {
        id: asked.id.clone(),
        about: About {
            target: asked.target.clone(),
            actions: vec![asked.action.clone()],
            old: asked.base.clone(),
            new: if goes { Vec::new() } else { vec![asked.subject] },
        },
        requester: asked.requester.login.clone(),
        state: view.state,
        clocks: view.clocks,
        rules: rules.collect(),
        approvals: approvals.collect(),
        rejections: rejections.map(|token| (token.id, (token.who.to_string(), token.reason.clone()))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn requests_are_judged_once_for_all_places_until_the_log_grows() {
        let (cx, count) = (Context::default(), Cell::new(0));
        let desk = Desk::new(None, &cx);
        let look = |size, answer: Result<Vec<RequestView>, Failure>| {
            desk.standing_by(size, || {
                count.set(count.get() + 1);
                answer
            });
            count.get()
        };
        let failed = || Err(Failure::undecided("locked"));
        assert_eq!(look(5, failed()), 1);
        assert_eq!(look(5, Ok(Vec::new())), 2, "what could not be read is read again");
        assert_eq!((look(5, failed()), look(5, failed())), (2, 2));
        assert_eq!((look(6, Ok(Vec::new())), look(6, failed())), (3, 3));
    }
}
