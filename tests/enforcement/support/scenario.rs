//! Random policies, pushes and tokens, small enough to meet each other often.

use super::{Build, Draft, approve, at, changesets, key, policy_with, push, reject, revoke, update};
use jit::domain::approval::SignedToken;
use jit::domain::change::{Action, ChangesetId, Push, RefUpdate};
use jit::domain::policy::Policy;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What a property looks at.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The answer where no rule matches.
    pub default: &'static str,
    /// The rules' lines.
    pub rules: Vec<String>,
    /// What is pushed.
    pub push: Push,
    /// The tokens.
    pub tokens: Vec<SignedToken>,
}

impl Scenario {
    /// Loads the policy.
    pub fn policy(&self) -> Policy {
        loaded(self.default, &self.rules)
    }
}

/// Loads rules with the names `r0`, `r1` and so on.
pub fn loaded(default: &str, rules: &[String]) -> Policy {
    let named = |(number, lines): (usize, &String)| format!("[[rule]]\nname = \"r{number}\"\n{lines}\n");
    policy_with(default, &rules.iter().enumerate().map(named).collect::<String>())
}

/// The lines of one rule.
pub fn rules() -> impl Strategy<Value = String> {
    let asks = select(
        &[
            "require = [{ role = \"team\", approvals = 1 }]",
            "require = [{ role = \"team\", approvals = 2 }]",
            "require = [{ role = \"dba\", approvals = 1 }, { role = \"lead\", approvals = 1 }]",
            "require = [{ role = \"dba\", approvals = 1 }, { role = \"lead\", approvals = 1 }]\ndistinct_people = false",
            "any_of = [[{ role = \"dba\", approvals = 2 }], [{ role = \"lead\", approvals = 1 }]]",
            "require = [{ role = \"team\", approvals = 1 }]\nany_of = [[{ role = \"dba\", approvals = 1 }], [{ role = \"lead\", approvals = 2 }]]",
            "require = [{ role = \"team\", approvals = 1 }]\nself_approval = true",
            "require = [{ role = \"team\", approvals = 1 }]\nup_to_date = true",
            "require = [{ role = \"team\", approvals = 1 }]\nttl = \"1h\"\nreason = \"required\"",
            "require = [{ role = \"team\", approvals = 1 }]\nbind = \"content\"",
            "require = [{ role = \"team\", approvals = 2 }]\nbind = \"content\"",
            "require = [{ role = \"dba\", approvals = 1 }]\nbind = \"content\"\nup_to_date = true",
            "authors = \"known\"",
            "pushers = \"known\"",
            "deny = true",
        ][..],
    );
    let about = select(
        &[
            "",
            "",
            "paths = [\"db/**\"]",
            "paths = [\"!src/**\"]",
            "branches = [\"dev\"]",
            "labels = { Kind = [\"fix\"] }",
            "labels = { Kind = [\"!fix\"] }",
            "larger_than = { commits = 2 }",
            "larger_than = { files = 1, lines = 5 }",
            "paths = [\"db/**\"]\nlarger_than = { lines = 3, commits = 3 }",
            "paths = [\"db/**\"]\nlabels = { Kind = [\"f*\"] }",
        ][..],
    );
    let when = select(
        &[
            "",
            "",
            "",
            "during = \"march\"",
            "outside = \"march\"",
            "mode = \"observe\"",
            "actions = [\"update\", \"delete\"]",
        ][..],
    );
    (asks, about, when).prop_map(|(asks, about, when)| format!("{asks}\n{about}\n{when}"))
}

/// One commit: which others it stands on, who made it and how it is labelled, what it changes.
type Commit = (Vec<Index>, Vec<&'static str>, Option<&'static str>);

fn commits() -> impl Strategy<Value = Vec<Commit>> {
    let words =
        &["@alice", "@bob", "@mallory", "~carol", "@mallory", "@zed", "kind:Fix", "Kind:other", "?:", "%3", "%?"];
    let people = vec(select(&words[..]), 1..4);
    let changes = prop::option::weighted(0.9, select(&["", "src/1", "db/1", "src/1 db/1", "doc"][..]));
    vec((vec(any::<Index>(), 1..3), people, changes), 1..6)
}

/// Writes the commits as letters from `b` on, children first; `a` is the old value, `y` below it.
fn written(commits: &[Commit]) -> String {
    let letter = |number: usize| char::from(b'b' + u8::try_from(number).expect("few commits"));
    let mut lines: Vec<String> = Vec::new();
    for (number, (parents, people, changes)) in commits.iter().enumerate() {
        let mut on: Vec<char> = parents
            .iter()
            .map(|parent| match parent.index(number + 2) {
                0 => 'a',
                1 => 'y',
                one => letter(one - 2),
            })
            .collect();
        on.dedup();
        let on: String = on.into_iter().collect();
        lines.push(format!("{}<{on} {} {}", letter(number), people.join(" "), changes.unwrap_or("?")));
    }
    lines.reverse();
    lines.join("; ")
}

/// One update of `refs/heads/main` or, rarely, `refs/heads/dev`.
pub fn updates() -> impl Strategy<Value = RefUpdate> {
    let action = select(&["update", "update", "update", "rewrite", "create", "delete"][..]);
    let differs = prop::option::of(prop::option::of(select(&["src/1", "db/1"][..])));
    let spent = prop::option::weighted(0.1, select(&[-3000_i64, -20][..]));
    let scope = prop::option::weighted(0.3, vec(any::<bool>(), 6));
    let on = select(&["refs/heads/main", "refs/heads/main", "refs/heads/dev"][..]);
    let landed = prop::option::weighted(0.2, (any::<Index>(), select(&[-3000_i64, -20][..]), select(&["", "q"][..])));
    let drawn = (commits(), action, differs, spent, scope, on);
    (drawn, landed).prop_map(|((commits, action, differs, spent, scope, on), landed)| {
        let tip = char::from(b'a' + u8::try_from(commits.len()).expect("few commits"));
        let made = match action {
            "delete" => update("a", "", ""),
            "create" => update("", &tip.to_string(), &reached(&written(&commits), tip)),
            _ => update("a", &tip.to_string(), &reached(&written(&commits), tip)),
        };
        let mut made = with_contents(made.does(action).on(on).reaching("y"));
        if let Some((which, seconds, held)) = landed.filter(|_| !made.contents.is_empty()) {
            let names: Vec<char> = made.contents.keys().map(|content| char::from(content.0[0])).collect();
            made = made.landed(*which.get(&names), seconds).holding(held);
        }
        if let Some(seconds) = spent {
            made = made.rewritten(seconds);
        }
        match (action, differs) {
            ("rewrite", Some(Some(path))) => made.differs(tip, Some(&[path])),
            ("rewrite", Some(None)) => made.differs(tip, None),
            ("create", _) => {
                let new = scope.unwrap_or_else(|| vec![true; 6]);
                let kept = made.changesets.iter().zip(new).filter(|(_, new)| *new);
                let letters: String = kept.map(|(changeset, _)| char::from(changeset.id.as_bytes()[0])).collect();
                made.scope("r0", &letters)
            }
            _ => made,
        }
    })
}

/// The content of a commit that stands on nothing but a line of others is called by its letter in upper case.
fn with_contents(mut update: RefUpdate) -> RefUpdate {
    let mut others: Vec<ChangesetId> = update.changesets.iter().map(|commit| commit.id).collect();
    for commit in update.changesets.clone().iter().rev() {
        if let [parent] = commit.parents[..]
            && !others.contains(&parent)
        {
            others.retain(|other| *other != commit.id);
            let letter = char::from(commit.id.as_bytes()[0]);
            update = update.content(letter.to_ascii_uppercase(), letter);
        }
    }
    update
}

/// Leaves out what `tip` does not reach: it would not be in the update.
fn reached(text: &str, tip: char) -> String {
    let mut wanted = vec![super::id(tip)];
    let kept = text.split("; ").filter(|line| {
        let changeset = &changesets(line)[0];
        let reached = wanted.contains(&changeset.id);
        if reached {
            wanted.extend(&changeset.parents);
        }
        reached
    });
    kept.collect::<Vec<_>>().join("; ")
}

fn statement(rejects: bool) -> impl Strategy<Value = SignedToken> {
    let subject = select(&["a", "b", "c", "d", "e", "f", "z"][..]);
    let base = select(&["a", "a", "a", "a", "y", "b", "c", "z", ""][..]);
    let action = select(&["update", "update", "update", "rewrite", "create", "delete"][..]);
    let time = select(&[-7200_i64, -3600, -3599, -10, -10, -10, -5, 300, 301][..]);
    let role = prop::option::weighted(0.2, select(&["dba", "lead", "team"][..]));
    let who = select(&["alice", "bob", "carol", "alice", "bob", "carol", "A", "mallory", "x"][..]);
    let on = select(&["refs/heads/main", "refs/heads/main", "refs/heads/main", "refs/heads/dev"][..]);
    (subject, base, action, time, role, who, on).prop_map(move |(subject, base, action, time, role, who, on)| {
        // An encoding lets only creations be without a base, and those only.
        let base = if action == "create" { "" } else { base };
        let base = if base.is_empty() && action != "create" { "a" } else { base };
        let draft = if rejects { reject(subject, base) } else { approve(subject, base) };
        let mut draft: Draft = draft.to(action).from(time).on(on);
        if time % 2 == 0 {
            draft = draft.reason("because");
        }
        match role {
            Some(role) => draft.role(role).by(who),
            None => draft.by(who),
        }
    })
}

/// One approval.
pub fn approvals() -> impl Strategy<Value = SignedToken> {
    statement(false)
}

/// One rejection.
pub fn rejections() -> impl Strategy<Value = SignedToken> {
    statement(true)
}

/// Tokens that are meant for one of the updates: most often its tip on its old value, sometimes a part of it.
fn fitting(updates: Vec<RefUpdate>) -> impl Strategy<Value = SignedToken> {
    let who = select(&["alice", "bob", "carol"][..]);
    let part = prop::option::weighted(0.3, (any::<Index>(), prop::option::of(any::<Index>())));
    let time = select(&[-3000_i64, -30, -10, -10, -5][..]);
    let rejects = prop::bool::weighted(0.08);
    let moved = prop::bool::weighted(0.4);
    (any::<Index>(), who, part, time, rejects, moved).prop_map(move |(which, who, part, time, rejects, moved)| {
        let update = which.get(&updates);
        let (mut subject, mut base) = (update.tips[0], update.old.clone());
        if let Some((lower, upper)) = part.filter(|_| !update.changesets.is_empty()) {
            subject = lower.get(&update.changesets).id;
            if *update.action() == Action::Update {
                base.extend(upper.map(|upper| upper.get(&update.changesets).id));
                base.drain(..base.len() - 1);
            }
        }
        let letters = |ids: &[ChangesetId]| -> String { ids.iter().map(|id| char::from(id.as_bytes()[0])).collect() };
        let make = if rejects { reject } else { approve };
        // As signed before the commits had these ids.
        let content = letters(&[subject]).to_ascii_uppercase().chars().next().filter(|_| moved);
        let subject = if moved { "q".to_owned() } else { letters(&[subject]) };
        let draft = make(&subject, &letters(&base));
        content
            .map_or(draft.clone(), |content| draft.of(content))
            .to(&update.action().to_string())
            .on(&update.target.to_string())
            .from(time)
            .reason("because")
            .by(who)
    })
}

/// Tokens that fit, others, and revocations of these.
fn tokens(updates: Vec<RefUpdate>) -> impl Strategy<Value = Vec<SignedToken>> {
    let who = select(&["alice", "bob", "carol"][..]);
    let others = (vec(approvals(), 0..3), prop::option::weighted(0.15, rejections()));
    let revocations = vec((any::<Index>(), prop::option::of(who)), 0..2);
    (vec(fitting(updates), 0..7), others, revocations).prop_map(|(mut all, (others, rejection), revocations)| {
        all.extend(others);
        all.extend(rejection);
        let mut taken_back = Vec::new();
        for (which, who) in revocations.into_iter().filter(|_| !all.is_empty()) {
            let token = which.get(&all);
            let signer = ["alice", "bob", "carol"].into_iter().find(|name| key(name.as_bytes()[0]) == token.key);
            taken_back.push(revoke(token).by(who.or(signer).unwrap_or("mallory")));
        }
        all.extend(taken_back);
        all
    })
}

/// All of it; one or two updates by somebody.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    let who = select(&["mallory", "mallory", "mallory", "zed", "alice", "carol", ""][..]);
    let default = select(&["allow", "allow", "deny"][..]);
    (default, vec(rules(), 0..3), vec(updates(), 1..3), who).prop_flat_map(|(default, rules, updates, who)| {
        let push = push(who, &updates);
        tokens(updates).prop_map(move |tokens| Scenario { default, rules: rules.clone(), push: push.clone(), tokens })
    })
}

/// Tells whether `moment` has come, by the clock of the tests.
pub fn is_over(moment: jit::domain::time::Timestamp) -> bool {
    at(0) >= moment
}
