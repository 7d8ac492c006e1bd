//! Pushes, and what must hold after each: a refused one has changed nothing, and the log is whole.

use super::Central;
use super::system::Wish;
use crate::support::{ALICE, Guarded as _, Person, Said, run};
use jit::domain::approval::SignedToken;
use jit::domain::audit::Verdict;
use jit::domain::change::ChangesetId;
use std::thread;

/// What one push asks for: targets, and the changeset that each is to have; without one it is deleted.
#[derive(Debug, Clone)]
pub struct Push(Vec<(String, Option<ChangesetId>)>);

/// Asks that `target` has `changeset`.
pub fn to(target: &str, changeset: ChangesetId) -> Push {
    Push(vec![(target.to_owned(), Some(changeset))])
}

/// Asks that `target` goes.
pub fn deletion(target: &str) -> Push {
    Push(vec![(target.to_owned(), None)])
}

impl Push {
    /// And, in the same push, that `target` has `changeset`.
    pub fn and(mut self, target: &str, changeset: ChangesetId) -> Self {
        self.0.push((target.to_owned(), Some(changeset)));
        self
    }
}

impl Central {
    fn wishes(&self, push: &Push) -> Vec<Wish> {
        push.0.iter().map(|(refname, changeset)| (self.target(refname), *changeset)).collect()
    }

    /// Pushes from the clone.
    pub fn push(&self, who: Person, push: &Push) -> Said {
        self.system.push(who, &self.wishes(push))
    }

    /// Pushes all of these at the same time.
    pub fn push_at_once(&self, pushes: &[Push]) -> Vec<Said> {
        let start = |push: &Push| {
            let process = self.system.push_process(ALICE, &self.wishes(push));
            thread::spawn(move || run(process, b""))
        };
        let started: Vec<_> = pushes.iter().map(start).collect();
        started.into_iter().map(|push| push.join().expect("it ends")).collect()
    }

    /// Pushes what the server must refuse for a reason that the answer names in `words`.
    #[track_caller]
    pub fn refused(&self, who: Person, push: Push, words: &[&str]) -> String {
        self.must_refuse(|| self.push(who, &push), words)
    }

    #[track_caller]
    fn must_refuse(&self, push: impl FnOnce() -> Said, words: &[&str]) -> String {
        let said = self.must_stop(push, words);
        self.log_is_sound();
        assert_eq!(self.last_decision().verdict, Verdict::Deny, "{said}");
        said
    }

    /// As [`Central::refused`], where something is so broken that the log need not say so.
    #[track_caller]
    pub fn stopped(&self, who: Person, push: Push, words: &[&str]) -> String {
        self.must_stop(|| self.push(who, &push), words)
    }

    /// Runs `push`, which must fail; nothing of the server may have changed but its log.
    #[track_caller]
    fn must_stop(&self, push: impl FnOnce() -> Said, words: &[&str]) -> String {
        let before = self.system.state();
        let said = push();
        assert!(!said.succeeded(), "let in:\n{}", said.err);
        for word in words {
            let word = self.form.words(word);
            assert!(said.err.contains(&word), "no `{word}` in:\n{}", said.err);
        }
        assert_eq!(self.system.state(), before, "a refused push has changed something");
        said.err
    }

    /// Pushes what the server must let in.
    #[track_caller]
    pub fn accepted(&self, who: Person, push: Push) -> String {
        self.must_accept(&push, self.push(who, &push))
    }

    #[track_caller]
    fn must_accept(&self, push: &Push, said: Said) -> String {
        assert!(said.succeeded(), "refused:\n{}", said.err);
        for (refname, changeset) in &push.0 {
            let values = self.values(refname);
            assert_eq!(values.is_empty(), changeset.is_none(), "{refname}:\n{}", said.err);
            assert!(changeset.is_none_or(|id| values.contains(&id)), "{refname} is at {values:?}:\n{}", said.err);
        }
        self.log_is_sound();
        assert_eq!(self.last_decision().verdict, Verdict::Allow, "{}", said.err);
        said.err
    }

    /// Brings tokens in the way that `jit sign` does; the server must let them in.
    #[track_caller]
    pub fn send(&self, who: Person, tokens: &[SignedToken]) {
        let said = self.system.send(who, tokens, &[]);
        assert!(said.succeeded(), "refused:\n{}", said.err);
        self.log_is_sound();
    }

    /// As [`Central::send`], of tokens that the server must refuse.
    #[track_caller]
    pub fn refused_tokens(&self, who: Person, tokens: &[SignedToken], words: &[&str]) {
        self.must_refuse(|| self.system.send(who, tokens, &[]), words);
    }

    /// As [`Central::accepted`], with tokens in the same push.
    #[track_caller]
    pub fn accepted_with(&self, who: Person, push: Push, tokens: &[SignedToken]) -> String {
        self.must_accept(&push, self.system.send(who, tokens, &self.wishes(&push)))
    }

    /// As [`Central::refused`], with tokens in the same push.
    #[track_caller]
    pub fn refused_with(&self, who: Person, push: Push, tokens: &[SignedToken], words: &[&str]) -> String {
        self.must_refuse(|| self.system.send(who, tokens, &self.wishes(&push)), words)
    }
}
