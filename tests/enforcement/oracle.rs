//! The semantics once more, as slowly and plainly as they are written (docs/spec/semantics.md, 1 and 4 to 11), to compare with.

use crate::support::scenario::is_over;
use crate::support::{at, id};
use jit::domain::approval::quorum::Requirement;
use jit::domain::approval::{Kind, RoleChoice, SignedToken};
use jit::domain::change::{Action, Changeset, ChangesetId, Push, RefUpdate};
use jit::domain::name::{PrincipalId, RoleName};
use jit::domain::policy::{Bind, DefaultAnswer, Mode, Policy, ReasonRule, Rule, When};
use jit::domain::time::Span;
use std::collections::BTreeSet;

/// Whether the push may land.
pub fn allows(policy: &Policy, push: &Push, tokens: &[SignedToken]) -> bool {
    push.updates.iter().all(|update| {
        let mut known_to_match = false;
        let mut refused = false;
        for rule in policy.rules.iter().filter(|rule| rule.mode == Mode::Enforce) {
            let case = Case { policy, push, update, tokens, rule };
            if case.names() && case.matches() {
                known_to_match |= case.surely_matches();
                refused |= !case.is_met();
            }
        }
        !refused && (known_to_match || policy.default == DefaultAnswer::Allow)
    })
}

struct Case<'c> {
    policy: &'c Policy,
    push: &'c Push,
    update: &'c RefUpdate,
    tokens: &'c [SignedToken],
    rule: &'c Rule,
}

impl Case<'_> {
    fn names(&self) -> bool {
        // The only window of scenarios holds.
        if matches!(self.rule.when, Some(When::Outside(_))) {
            return false;
        }
        let branch = self.update.target.to_string();
        let branch = branch.strip_prefix("refs/heads/").expect("scenarios push branches");
        self.rule.targets.branches.as_ref().is_none_or(|list| list.matches(branch.as_bytes()))
            && self.rule.names_action(self.update.action())
    }

    fn is_plain(&self) -> bool {
        self.update.actions == [Action::Update]
    }

    /// Whether paths fall under the rule; `None`: nobody looked.
    fn touched(&self, paths: &Option<Vec<jit::domain::change::RepoPath>>) -> Option<bool> {
        let Some(patterns) = &self.rule.paths else { return Some(true) };
        paths.as_ref().map(|paths| paths.iter().any(|path| patterns.matches(path.as_bytes())))
    }

    /// Whether the update is over a limit of the rule; `None`: nobody counted.
    fn is_large(&self) -> Option<bool> {
        let Some(limits) = self.rule.larger_than else { return Some(true) };
        if self.update.actions == [Action::Delete] {
            return Some(true);
        }
        let commits: Vec<&Changeset> = self.update.changesets.iter().filter(|commit| self.is_new(&commit.id)).collect();
        let mut parts: Vec<_> = commits.iter().map(|commit| (commit.own_paths.clone(), commit.lines)).collect();
        if self.update.actions == [Action::Rewrite] {
            let changes = &self.update.tip_changes;
            parts.extend(changes.iter().map(|change| (change.paths.clone(), change.lines)));
            parts.extend(changes.is_empty().then_some((None, None)));
        }
        let unseen = parts.iter().any(|(paths, _)| paths.is_none());
        let uncounted = parts.iter().any(|(_, lines)| lines.is_none());
        let files: BTreeSet<_> = parts.iter().flat_map(|(paths, _)| paths.iter().flatten()).collect();
        let lines: usize = parts.iter().filter_map(|(_, lines)| *lines).sum();
        let sizes = [
            (limits.files, files.len(), unseen),
            (limits.lines, lines, uncounted),
            (limits.commits, commits.len(), false),
        ];
        let asked = || sizes.iter().filter_map(|(limit, size, unknown)| limit.map(|limit| (*size > limit, *unknown)));
        if asked().any(|(over, _)| over) {
            return Some(true);
        }
        if asked().any(|(_, unknown)| unknown) { None } else { Some(false) }
    }

    /// Whether a commit carries the labels of the rule; `None`: nobody looked.
    fn labelled(&self, commit: &Changeset) -> Option<bool> {
        let all = self.rule.labels.iter().map(|(key, list)| {
            let values: Vec<_> =
                commit.trailers.as_ref()?.iter().filter(|one| one.key.to_ascii_lowercase() == key.as_bytes()).collect();
            let unlabelled = values.is_empty() && list.written().iter().all(|entry| entry.starts_with('!'));
            Some(unlabelled || values.iter().any(|one| list.matches(&one.value)))
        });
        all.collect::<Option<Vec<bool>>>().map(|all| !all.contains(&false))
    }

    /// Whether the rule is about a commit; `None`: nobody looked at what would tell.
    fn picks(&self, commit: &Changeset) -> Option<bool> {
        match (self.touched(&commit.own_paths), self.labelled(commit)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }
    }

    fn is_new(&self, id: &ChangesetId) -> bool {
        self.update.scopes.get(&self.rule.name).is_none_or(|new| new.contains(id))
    }

    fn commits(&self) -> Vec<&Changeset> {
        let new = self.update.changesets.iter().filter(|commit| self.is_new(&commit.id));
        new.filter(|commit| self.picks(commit) != Some(false)).collect()
    }

    /// For each tip that is judged as such, whether it is known that it must be.
    fn tips(&self) -> Vec<(ChangesetId, bool)> {
        let [tip] = self.update.tips[..] else { panic!("scenarios have one tip") };
        let unpicked = self.rule.paths.is_none() && self.rule.labels.is_empty();
        let unlooked = self.rule.paths.is_none() && self.update.actions == [Action::Rewrite];
        let whole = unpicked || unlooked || self.update.actions == [Action::Delete];
        let change = self.update.tip_changes.first();
        match (&self.update.actions[0], change) {
            (Action::Update, _) => vec![],
            _ if whole => vec![(tip, true)],
            (Action::Rewrite, None) => vec![(tip, false)],
            (_, None) => vec![],
            (_, Some(change)) => match self.touched(&change.paths) {
                Some(false) => vec![],
                Some(true) => vec![(tip, true)],
                None => vec![(tip, false)],
            },
        }
    }

    fn matches(&self) -> bool {
        self.is_large() != Some(false) && (!self.commits().is_empty() || !self.tips().is_empty())
    }

    fn surely_matches(&self) -> bool {
        self.is_large() == Some(true)
            && (self.commits().iter().any(|commit| self.picks(commit) == Some(true))
                || self.tips().iter().any(|(_, sure)| *sure))
    }

    fn pusher(&self) -> Option<&PrincipalId> {
        self.policy.owner_of_login(self.push.pusher.login.as_deref()?)
    }

    fn is_met(&self) -> bool {
        let rule = self.rule;
        let asks = !rule.require.is_empty() || !rule.any_of.is_empty();
        let strange =
            |commit: &&Changeset| commit.authors.iter().any(|mail| self.policy.owner_of_email(mail).is_none());
        let nobody = self.push.pusher.login.is_none() && !rule.self_approval;
        let refused = rule.deny
            || rule.pushers_known && self.pusher().is_none()
            || rule.authors_known && self.commits().iter().any(strange);
        !refused
            && (!asks
                || !nobody
                    && !self.is_rejected()
                    && self.commits().iter().all(|commit| self.is_covered(commit))
                    && self.tips().iter().all(|(tip, _)| self.is_approved(tip, true)))
    }

    fn is_rejected(&self) -> bool {
        self.tokens.iter().any(|token| {
            self.end_of(token).is_some()
                && self.is_rejection(token)
                && !is_over(token.token.not_before.plus(Span::days(30)))
                && !token.token.not_after.is_some_and(is_over)
                && self.policy.holder(&token.key).is_some_and(|who| {
                    !self.is_taken_back(token, who)
                        && self.rule.roles().iter().any(|role| self.policy.holds_role(who, role))
                })
        })
    }

    fn is_rejection(&self, token: &SignedToken) -> bool {
        token.token.kind == Kind::Reject && self.is_here(token) && token.token.not_before <= at(300)
    }

    fn is_inside(&self, id: &ChangesetId) -> bool {
        self.update.tips.contains(id) || self.update.changesets.iter().any(|commit| commit.id == *id)
    }

    /// Where the token is about the content alone: the commit of the update at which that ends.
    fn end_of_content(&self, token: &SignedToken) -> Option<ChangesetId> {
        let foreign = !token.token.subject.is_some_and(|subject| self.is_inside(&subject));
        let found = self.update.contents.get(&token.token.content?)?;
        (foreign && self.rule.bind == Bind::Content).then_some(found.end)
    }

    /// The commit of the update up to which the token speaks.
    fn end_of(&self, token: &SignedToken) -> Option<ChangesetId> {
        token.token.subject.filter(|subject| self.is_inside(subject)).or_else(|| self.end_of_content(token))
    }

    /// Whether a token that is about the content alone was signed before that landed.
    fn is_used_up(&self, token: &SignedToken) -> bool {
        let landed = |content| self.update.contents.get(&content).and_then(|found| found.landed_at);
        self.end_of_content(token).is_some()
            && (token.token.content.and_then(landed).is_some_and(|moment| moment >= token.token.not_before)
                || token.token.subject.is_some_and(|subject| self.update.held.contains(&subject)))
    }

    fn is_here(&self, token: &SignedToken) -> bool {
        token.token.repository == self.push.repository && token.token.target.as_ref() == Some(&self.update.target)
    }

    fn is_taken_back(&self, token: &SignedToken, who: &PrincipalId) -> bool {
        self.tokens.iter().any(|other| {
            other.token.kind == Kind::Revoke(token.id)
                && self.policy.holder(&other.key) == Some(who)
                && other.token.not_before <= at(300)
        })
    }

    /// A commit has its quorum, or is a merge without own changes whose parents in the update all have it or are none of the
    /// rule's business.
    fn is_covered(&self, commit: &Changeset) -> bool {
        let honest = commit.parents.len() > 1 && commit.own_paths.as_ref().is_some_and(Vec::is_empty);
        let commits = self.commits();
        let parent_is = |parent: &ChangesetId| match commits.iter().find(|commit| commit.id == *parent) {
            Some(parent) => self.is_covered(parent),
            None => true,
        };
        self.is_approved(&commit.id, false) || (honest && commit.parents.iter().all(parent_is))
    }

    fn is_approved(&self, unit: &ChangesetId, as_tip: bool) -> bool {
        let usable: Vec<(PrincipalId, BTreeSet<RoleName>)> = self
            .tokens
            .iter()
            .filter(|token| if as_tip { self.end_of(token) == Some(*unit) } else { self.covers(token, unit) })
            .filter_map(|token| self.worth(token))
            .filter(|(who, _)| !self.is_self(unit, who))
            .collect();
        let mut held: Vec<(PrincipalId, BTreeSet<RoleName>)> = Vec::new();
        for (who, roles) in usable {
            match held.iter_mut().find(|(known, _)| *known == who) {
                Some((_, all)) => all.extend(roles),
                None => held.push((who, roles)),
            }
        }
        let alternatives = if self.rule.any_of.is_empty() { vec![vec![]] } else { self.rule.any_of.clone() };
        alternatives.iter().any(|alternative| {
            let entries: Vec<&Requirement> = self.rule.require.iter().chain(alternative).collect();
            if self.rule.distinct_people {
                let places = entries.iter().flat_map(|entry| std::iter::repeat_n(&entry.role, entry.approvals));
                seats(&places.collect::<Vec<_>>(), &held)
            } else {
                entries.iter().all(|entry| {
                    held.iter().filter(|(_, roles)| roles.contains(&entry.role)).count() >= entry.approvals
                })
            }
        })
    }

    fn is_self(&self, unit: &ChangesetId, who: &PrincipalId) -> bool {
        if self.rule.self_approval {
            return false;
        }
        let commit = self.update.changesets.iter().find(|commit| commit.id == *unit && self.is_new(unit));
        let made = commit.is_some_and(|commit| {
            commit.authors.iter().chain(&commit.committer).any(|mail| self.policy.owner_of_email(mail) == Some(who))
        });
        made || self.pusher() == Some(who)
    }

    /// Whose the token is and for which roles, if it counts at all.
    fn worth(&self, signed: &SignedToken) -> Option<(PrincipalId, BTreeSet<RoleName>)> {
        let token = &signed.token;
        let who = self.policy.holder(&signed.key)?;
        let own: Vec<&ChangesetId> = self.update.changesets.iter().map(|commit| &commit.id).collect();
        let known = |base: &ChangesetId| *base == id('a') || *base == id('y') || own.contains(&base);
        let base_fits = match self.is_plain() {
            true => {
                !token.base.is_empty()
                    && token.base.iter().all(known)
                    && (!self.rule.up_to_date || token.base == self.update.old)
            }
            false => token.base == self.update.old && self.update.tips.contains(&token.subject?),
        };
        let in_time = token.not_before <= at(300)
            && !token.not_after.is_none_or(is_over)
            && !is_over(token.not_before.plus(self.rule.ttl));
        let rejected = self.tokens.iter().any(|other| {
            self.is_rejection(other)
                && self.policy.holder(&other.key) == Some(who)
                && other.token.not_before >= token.not_before
                && self.end_of(other).is_some_and(|end| {
                    self.covers(signed, &end) || (self.end_of(signed) == Some(end) && self.update.tips.contains(&end))
                })
        });
        let reason = match &self.rule.reason {
            None => true,
            Some(ReasonRule::Required) => !token.reason.trim().is_empty(),
            Some(ReasonRule::Matches(_)) => panic!("scenarios have no expressions"),
        };
        let roles: BTreeSet<RoleName> = self
            .rule
            .roles()
            .into_iter()
            .filter(|role| {
                self.policy.holds_role(who, role)
                    && (token.role == RoleChoice::Any || token.role == RoleChoice::Only((*role).clone()))
            })
            .cloned()
            .collect();
        let counts = token.kind == Kind::Approve
            && self.is_here(signed)
            && token.action.as_ref() == Some(self.update.action())
            && base_fits
            && in_time
            && reason
            && !rejected
            && !self.is_taken_back(signed, who)
            && !self.is_used_up(signed)
            && self.update.rewritten_at.is_none_or(|moment| moment < token.not_before)
            && !roles.is_empty();
        counts.then(|| (who.clone(), roles))
    }

    fn covers(&self, signed: &SignedToken, commit: &ChangesetId) -> bool {
        let inside = |id: &ChangesetId| self.update.changesets.iter().any(|commit| commit.id == *id);
        let Some(end) = self.end_of(signed).filter(inside) else { return false };
        let below_base = self.is_plain() && signed.token.base.iter().any(|base| self.reaches(base, commit));
        inside(commit) && self.reaches(&end, commit) && !below_base
    }

    fn reaches(&self, from: &ChangesetId, to: &ChangesetId) -> bool {
        let Some(commit) = self.update.changesets.iter().find(|commit| commit.id == *from) else { return false };
        from == to || commit.parents.iter().any(|parent| self.reaches(parent, to))
    }
}

/// Tries every way to seat people.
fn seats(places: &[&RoleName], people: &[(PrincipalId, BTreeSet<RoleName>)]) -> bool {
    let Some((first, rest)) = places.split_first() else { return true };
    people.iter().enumerate().any(|(at, (_, roles))| {
        let mut others = people.to_vec();
        others.remove(at);
        roles.contains(*first) && seats(rest, &others)
    })
}
