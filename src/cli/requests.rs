//! Requests as commands and the inbox show them: how each stands, what it would do, who can still decide. One view for Git and Mercurial,
//! on a server and in a clone.

mod json;
mod text;
mod view;

use super::client_key;
use super::local_clone::{Move, Step};
use super::supposing::{CLAIMED, Judged, Known, Place, Wish};
use super::{Context, Exit, Failure, advice, safe};
use crate::domain::change::Action;
use crate::domain::name::PrincipalId;
use crate::domain::policy::{carried, touched};
use crate::domain::request::{Asked, Clocks, Finding, RequestId, State, Wanted};
use crate::domain::text::safe_lines;
use crate::domain::time::Timestamp;
use std::path::Path;

pub use json::{details_json, view_json};
pub use text::{details_lines, next, row, rows};
pub use view::{Details, RequestView, RuleView, TokenView, Trigger};

/// The requests of one repository.
pub struct Requests {
    place: Place,
}

impl Requests {
    /// Opens the central repository at `path`, or what the current folder is in; of a clone, the server is `remote`.
    ///
    /// # Errors
    /// A [`Failure`] if there is neither, or it cannot be judged.
    pub fn open(path: Option<&Path>, remote: Option<&str>, cx: &Context) -> Result<Self, Failure> {
        Place::open(path, remote, cx).map(|place| Self { place })
    }

    /// Returns where the requests stand.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns who looks at them, as far as the user's keys tell: nobody on a server.
    pub fn viewer(&self) -> Option<PrincipalId> {
        match &self.place {
            Place::Clone(client) => {
                let local = &client.local;
                client_key::likely_self(&client.policy, local.system(), local.key_setting())
            }
            Place::Central(..) => None,
        }
    }

    /// Returns the requests, oldest first, each as it stands now: those that wait, or with `ended` all that are remembered.
    ///
    /// # Errors
    /// A [`Failure`] if they cannot be read. One that cannot be judged is no error: its view says why.
    pub fn list(&self, ended: bool) -> Result<Vec<RequestView>, Failure> {
        let wanted = if ended { Wanted::All } else { Wanted::Waiting };
        let known = self.place.asked(&wanted)?;
        let mut views = self.views(known);
        views.retain(|view| ended || view.state.waits());
        Ok(views)
    }

    /// Returns the request `id`, as it stands now.
    ///
    /// # Errors
    /// A [`Failure`] if there is none, or they cannot be read.
    pub fn find(&self, id: &RequestId) -> Result<RequestView, Failure> {
        let known = self.place.asked(&Wanted::Only(id.clone()))?;
        self.views(known).pop().ok_or_else(|| no_request(id))
    }

    /// Returns what the request would change, for people to look at; nothing where it cannot be judged.
    ///
    /// # Errors
    /// A [`Failure`] if the history cannot be read.
    pub fn details(&self, view: &RequestView) -> Result<Details, Failure> {
        let Some(judged) = &view.judged else { return Ok(Details::default()) };
        let update = self.place.update(self.supposed(&view.asked)?)?;
        let effect = self.place.effect(&update)?;
        let mut triggers = Vec::new();
        for outcome in &judged.decision.rules {
            let rule = self.place.policy().rules.iter().find(|rule| rule.name == outcome.rule);
            let Some(rule) = rule else { continue };
            triggers.extend(outcome.matched.iter().map(|id| Trigger {
                rule: rule.name.clone(),
                commit: *id,
                paths: touched(rule, &judged.update, id),
                labels: carried(rule, &judged.update, id),
            }));
        }
        Ok(Details { commits: update.changesets, effect, triggers })
    }

    /// Returns what the request changes as a patch, line by line; what could steer a terminal is escaped.
    ///
    /// # Errors
    /// A [`Failure`] if it cannot be read.
    pub fn diff(&self, details: &Details) -> Result<String, Failure> {
        let Some(to) = &details.effect.to else { return Ok(String::new()) };
        Ok(safe_lines(&self.place.diff(details.effect.from.as_ref(), to)?))
    }

    /// The push that would land the request, on the target as it stands.
    fn supposed(&self, asked: &Asked) -> Result<Move, Failure> {
        // For what a gate opened last the log says where there is one, and else the request.
        let old = if asked.action.gate().is_some() { asked.base.clone() } else { self.place.value(&asked.target)? };
        Ok(Move { target: asked.target.clone(), old, step: Step::of(Some(&asked.action), asked.subject) })
    }

    /// Judges each request's push by its requester.
    fn views(&self, known: Known) -> Vec<RequestView> {
        let mut wishes = Vec::new();
        let begun = known.requests.into_iter().map(|asked| {
            let begun = self.begin(&asked);
            if let Ok(Begun::Missing(wish)) = &begun {
                wishes.push(wish.clone());
            }
            (asked, begun)
        });
        let begun: Vec<_> = begun.collect();
        let mut judged = self.place.judge(&wishes).into_iter();
        let mut view = |(asked, begun): (Asked, Result<Begun, Failure>)| {
            let judged = match begun {
                Ok(Begun::Landed) => Ok(None),
                Ok(Begun::Missing(_)) => judged.next().unwrap_or_else(|| Err(not_here())).map(Some),
                Err(failure) => Err(failure),
            };
            self.view(asked, judged, known.now)
        };
        begun.into_iter().map(&mut view).collect()
    }

    fn view(&self, asked: Asked, judged: Result<Option<Judged>, Failure>, now: Timestamp) -> RequestView {
        let policy = self.place.policy();
        let (finding, judged, trouble) = match judged {
            Ok(None) => (Finding::Landed, None, None),
            Ok(Some(judged)) => (Finding::of(&judged.decision, policy, &judged.tokens), Some(judged), None),
            Err(failure) => (Finding::Unknown, None, Some(failure.chain.join(": "))),
        };
        // Where the log says how it ended, what is found now says nothing more of it.
        let trouble = trouble.filter(|_| asked.ended.is_none());
        let clocks = Clocks::of(asked.opened, self.place.keep(), finding);
        let state = State::of(asked.ended.as_ref(), finding, clocks.waits_until, now);
        let rules = judged.iter().flat_map(|judged| view::rules(judged, policy, asked.opened)).collect();
        RequestView { asked, state, clocks, now, rules, judged, trouble }
    }

    /// Looks at the target as it stands.
    fn begin(&self, asked: &Asked) -> Result<Begun, Failure> {
        if !self.place.has(&asked.subject)? {
            return Err(not_here());
        }
        let supposed = self.supposed(asked)?;
        if self.has_landed(asked, &supposed)? {
            return Ok(Begun::Landed);
        }
        Ok(Begun::Missing(Wish { supposed, login: self.login(asked) }))
    }

    fn has_landed(&self, asked: &Asked, supposed: &Move) -> Result<bool, Failure> {
        let subject = &asked.subject;
        Ok(match asked.action {
            Action::Delete => supposed.old.is_empty(),
            // What becomes public stood there before.
            Action::Publish | Action::Gate(_) => false,
            // The value may have been above it all the time.
            Action::Rewrite => {
                let mut exact = false;
                for value in &supposed.old {
                    let value = std::slice::from_ref(value);
                    exact |= self.place.reaches(value, subject)? && self.place.reaches(&[*subject], &value[0])?;
                }
                exact
            }
            _ => self.place.reaches(&supposed.old, subject)?,
        })
    }

    /// Returns the requester's login: on a server as the log has it, in a clone as the policy tells of who claims to ask.
    fn login(&self, asked: &Asked) -> Option<String> {
        let login = asked.requester.login.clone()?;
        if asked.requester.source != CLAIMED {
            return Some(login);
        }
        let policy = self.place.policy();
        let mail = login.rsplit_once('<').map(|(_, mail)| mail.trim_end_matches('>'));
        let who =
            mail.and_then(|mail| policy.owner_of_email(mail.as_bytes())).or_else(|| policy.owner_of_login(&login))?;
        client_key::only_login(policy, who)
    }
}

/// What the target tells of a request.
enum Begun {
    /// It has what the request asks for.
    Landed,
    /// It has not: this push is to be judged.
    Missing(Wish),
}

fn not_here() -> Failure {
    Failure::undecided("its commits are not here")
}

fn no_request(id: &RequestId) -> Failure {
    Failure::new(Exit::Denied, format!("there is no request {id}"))
        .hint("it may have landed or been cancelled; `jit pending --all` lists what there is")
}

impl RequestView {
    /// Returns who asks, escaped.
    pub fn requester(&self) -> String {
        let login = self.asked.requester.login.as_deref();
        login.map_or_else(|| "an unknown pusher".to_owned(), |login| safe(login.as_bytes()))
    }

    /// Returns what an approver can type now.
    pub fn approver_commands(&self) -> Vec<String> {
        if !matches!(self.state, State::Open | State::Denied) || self.judged.is_none() {
            return Vec::new();
        }
        let id = &self.asked.id;
        let reason = if self.rules.iter().any(|rule| rule.wants_reason) { " --reason '…'" } else { "" };
        vec![format!("jit sign {id}{reason}"), format!("jit reject {id} --reason '…'")]
    }

    /// Returns what the requester can type now.
    pub fn requester_commands(&self) -> Vec<String> {
        let Asked { id, subject, target, kept, .. } = &self.asked;
        if self.is_gate() && self.state.waits() {
            return vec![format!("jit gate --request {id}"), format!("jit request --cancel {id}")];
        }
        match (self.state, kept) {
            (State::Open | State::Denied | State::Approved, true) => vec![format!("jit request --cancel {id}")],
            (State::Open | State::Denied, false) => {
                vec![format!("jit request {} {}", subject.hex(), advice::target_flag(target))]
            }
            _ => Vec::new(),
        }
    }
}
