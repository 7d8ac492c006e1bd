//! Every key of a rule once on real pushes of each system: something that it refuses, and something that it lets in.
//!
//! One server has a branch for each key, and the rules of all of them. What stands at a key's edges is in `tests/enforcement` and in
//! the cases of `policies`.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, MALLORY, Person, hours_from, now};
use jit::domain::approval::{Status, Token};
use jit::domain::change::ChangesetId;
use jit::domain::policy::rule_keys;
use rstest::rstest;
use std::collections::BTreeSet;
use std::fs;

const BEFORE: &str = "[windows.now]\nfrom = 2020-01-01T00:00:00\nto = 9000-01-01T00:00:00\ntimezone = \"Europe/Vienna\"\n\
                      [windows.past]\nfrom = 2020-01-01T00:00:00\nto = 2020-01-02T00:00:00\ntimezone = \"Europe/Vienna\"\n\
                      [environments.staging]\nbranches = [\"key-environments\"]\n[checks.tests]\nrole = \"dba\"\n";

const ONE: &str = "require = [{ role = \"maintainers\", approvals = 1 }]";
const BOTH: Key = &[Form::Git, Form::Named];

/// The forms in which a key means something.
type Key = &'static [Form];

/// The branch of one key.
struct Branch<'r> {
    repo: &'r Central,
    refname: String,
}

impl Branch<'_> {
    fn tip(&self) -> ChangesetId {
        self.repo.values(&self.refname)[0]
    }

    /// Commits on the branch as the server has it.
    fn commit(&self, who: Person, paths: &[&str]) -> ChangesetId {
        self.commit_as(who, paths, "change")
    }

    fn commit_as(&self, who: Person, paths: &[&str], message: &str) -> ChangesetId {
        self.repo.go(self.tip());
        self.repo.commit_as(who, paths, message)
    }

    fn approve(&self, who: Person, commit: ChangesetId) {
        self.repo.approve(who, commit, &self.refname);
    }

    #[track_caller]
    fn refused(&self, who: Person, commit: ChangesetId, words: &str) {
        self.repo.refused(who, to(&self.refname, commit), &[words]);
    }

    #[track_caller]
    fn accepted(&self, who: Person, commit: ChangesetId) -> String {
        self.repo.accepted(who, to(&self.refname, commit))
    }

    /// A commit with this path is never let in, one with the other is.
    #[track_caller]
    fn never(&self, refused: &[&str], accepted: &[&str]) {
        self.refused(ALICE, self.commit(ALICE, refused), "says never");
        self.accepted(ALICE, self.commit(ALICE, accepted));
    }

    /// The commit is refused until all of these have approved it.
    #[track_caller]
    fn needs(&self, people: &[Person]) {
        let commit = self.commit(ALICE, &["a"]);
        for person in people {
            self.refused(ALICE, commit, "needs");
            self.approve(*person, commit);
        }
        self.accepted(ALICE, commit);
    }
}

/// A key, where it means something, the rest of its rules, and what shows that it works.
type Row = (&'static str, Key, &'static str, fn(&Branch<'_>));

fn rows() -> Vec<Row> {
    vec![
        ("name", BOTH, "paths = [\"db/**\"]\ndeny = true", |branch| {
            branch.refused(ALICE, branch.commit(ALICE, &["db/1"]), "`key-name` says never");
            branch.accepted(ALICE, branch.commit(ALICE, &["a"]));
        }),
        ("branches", BOTH, "deny = true", |branch| {
            let commit = branch.commit(ALICE, &["a"]);
            branch.refused(ALICE, commit, "says never");
            branch.repo.go(branch.repo.values(MAIN)[0]);
            let main = branch.repo.on(MAIN).commit(ALICE, &["a"]);
            branch.repo.accepted(ALICE, to(MAIN, main));
        }),
        ("tags", BOTH, "tags = [\"key-tags\"]\ndeny = true", |branch| {
            let commit = branch.repo.start;
            for (tag, refused) in [("refs/tags/key-tags2", false), ("refs/tags/key-tags", true)] {
                branch.repo.tag(tag, commit);
                if refused {
                    branch.repo.refused(ALICE, to(tag, commit), &["says never"]);
                } else {
                    branch.repo.accepted(ALICE, to(tag, commit));
                }
            }
        }),
        (
            "bookmarks",
            &[Form::Bookmarks],
            "bookmarks = [\"key-bookmarks\"]\npaths = [\"db/**\"]\ndeny = true",
            |branch| {
                branch.never(&["db/1"], &["a"]);
            },
        ),
        ("refs", &[Form::Git], "refs = [\"refs/heads/key-refs\"]\npaths = [\"db/**\"]\ndeny = true", |branch| {
            branch.never(&["db/1"], &["a"]);
        }),
        ("environments", BOTH, "environments = [\"staging\"]\npaths = [\"db/**\"]\ndeny = true", |branch| {
            branch.never(&["db/1"], &["a"]);
        }),
        ("paths", BOTH, "paths = [\"db/**\", \"!**/README\"]\ndeny = true", |branch| {
            branch.never(&["a", "db/1"], &["db/README"]);
        }),
        ("labels", BOTH, "labels = { Severity = [\"high\"] }\ndeny = true", |branch| {
            branch.refused(ALICE, branch.commit_as(ALICE, &["a"], "fix\n\nSeverity: High"), "says never");
            branch.accepted(ALICE, branch.commit_as(ALICE, &["a"], "fix\n\nSeverity: low"));
        }),
        ("larger_than", BOTH, "larger_than = { files = 1, lines = 2 }\ndeny = true", |branch| {
            branch.never(&["a", "b"], &["a"]);
        }),
        (
            "during",
            BOTH,
            "during = \"now\"\npaths = [\"now\"]\ndeny = true\n[[rule]]\nname = \"key-during-2\"\nBRANCH\nduring = \"past\"\npaths = [\"past\"]\ndeny = true",
            |branch| branch.never(&["now"], &["past"]),
        ),
        (
            "outside",
            BOTH,
            "outside = \"past\"\npaths = [\"past\"]\ndeny = true\n[[rule]]\nname = \"key-outside-2\"\nBRANCH\noutside = \"now\"\npaths = [\"now\"]\ndeny = true",
            |branch| branch.never(&["past"], &["now"]),
        ),
        ("actions", BOTH, "actions = [\"update\"]\ndeny = true", |branch| {
            branch.refused(ALICE, branch.commit(ALICE, &["a"]), "says never");
            let other = "refs/heads/key-actions2";
            branch.repo.go(branch.repo.start);
            let commit = branch.repo.on(other).commit(ALICE, &["a"]);
            branch.repo.accepted(ALICE, to(other, commit));
        }),
        ("require", BOTH, "require = [{ role = \"maintainers\", approvals = 2 }]", |branch| {
            branch.needs(&[BOB, CAROL])
        }),
        (
            "any_of",
            BOTH,
            "any_of = [[{ role = \"leads\", approvals = 2 }], [{ role = \"dba\", approvals = 1 }]]",
            |branch| branch.needs(&[CAROL, BOB]),
        ),
        ("checks", BOTH, "checks = [\"tests\"]", |branch| {
            let commit = branch.commit(ALICE, &["a"]);
            branch.refused(ALICE, commit, "needs the check `tests`");
            branch.repo.keep(BOB, branch.repo.attestation(commit, "tests", Status::Passed));
            branch.accepted(ALICE, commit);
        }),
        ("deny", BOTH, "deny = true\npaths = [\"db/**\"]", |branch| {
            let commit = branch.commit(ALICE, &["db/1"]);
            for person in [ALICE, BOB, CAROL] {
                branch.approve(person, commit);
            }
            branch.refused(ALICE, commit, "says never");
            branch.accepted(ALICE, branch.commit(ALICE, &["a"]));
        }),
        ("ttl", BOTH, "ttl = \"1h\"", |branch| {
            let commit = branch.commit(ALICE, &["a"]);
            let approval = || branch.repo.approval(commit, &branch.refname);
            branch.repo.keep(BOB, Token { not_before: hours_from(now(), -2), ..approval() });
            branch.refused(ALICE, commit, "older than the 1h that the rule allows");
            branch.repo.keep(BOB, approval());
            branch.accepted(ALICE, commit);
        }),
        ("self_approval", BOTH, "self_approval = true", |branch| branch.needs(&[ALICE])),
        (
            "distinct_people",
            BOTH,
            "require = [{ role = \"leads\", approvals = 1 }, { role = \"dba\", approvals = 1 }]\ndistinct_people = false",
            |branch| branch.needs(&[BOB]),
        ),
        ("bind", BOTH, "bind = \"content\"", |branch| {
            let before = branch.tip();
            let write = |text: &str, message: &str| {
                branch.repo.go(before);
                fs::write(branch.repo.file("bound"), text).expect("written");
                branch.repo.commit_as(ALICE, &[], message)
            };
            branch.repo.approve_all(BOB, &[write("1\n", "as it was signed")], &branch.refname);
            branch.refused(ALICE, write("2\n", "something else"), "needs 1 approval");
            branch.accepted(ALICE, write("1\n", "in other words"));
        }),
        ("up_to_date", BOTH, "up_to_date = true", |branch| {
            let one = branch.commit(ALICE, &["a"]);
            let two = branch.repo.commit(ALICE, &["b"]);
            branch.approve(BOB, one);
            branch.approve(CAROL, two);
            branch.accepted(ALICE, one);
            branch.refused(ALICE, two, "wants approvals that are up to date");
            branch.approve(CAROL, two);
            branch.accepted(ALICE, two);
        }),
        ("promoted_from", BOTH, "promoted_from = [\"main\"]", |branch| {
            branch.repo.go(branch.repo.values(MAIN)[0]);
            let bobs = branch.repo.on(MAIN).commit(BOB, &["promoted"]);
            branch.repo.go(branch.tip());
            branch.repo.on(&branch.refname).merge(bobs);
            let merge = branch.repo.commit(ALICE, &[]);
            branch.approve(BOB, merge);
            branch.refused(ALICE, merge, "author or committer");
            branch.repo.accepted(ALICE, to(MAIN, bobs));
            branch.accepted(ALICE, merge);
        }),
        ("reason", BOTH, "reason = \"^OPS-[0-9]+$\"", |branch| {
            let commit = branch.commit(ALICE, &["a"]);
            for (reason, refused) in [("see OPS-12", true), ("OPS-12", false)] {
                let approval = branch.repo.approval(commit, &branch.refname);
                branch.repo.keep(BOB, Token { reason: reason.to_owned(), ..approval });
                if refused {
                    branch.refused(ALICE, commit, "its reason is not what the rule asks for");
                }
            }
            branch.accepted(ALICE, commit);
        }),
        (
            "override",
            BOTH,
            "deny = true\noverride = { role = \"dba\", approvals = 1, ttl = \"1h\", review_within = \"3d\" }",
            |branch| {
                let commit = branch.commit(ALICE, &["a"]);
                branch.repo.keep(CAROL, branch.repo.overriding(commit, &branch.refname, "key-override"));
                branch.refused(ALICE, commit, "says never");
                branch.repo.keep(BOB, branch.repo.overriding(commit, &branch.refname, "key-override"));
                branch.accepted(ALICE, commit);
            },
        ),
        // That it lands by itself where it is kept is shown in `landings`; a push is judged as under any rule.
        ("land", BOTH, "land = \"auto\"", |branch| branch.needs(&[BOB])),
        // Whom it tells, and when, is shown in `tests/notify`; a push is judged as under any rule.
        ("escalate", BOTH, "escalate = { after = \"4h\", notify = [\"role:leads\"] }", |branch| branch.needs(&[BOB])),
        ("authors", BOTH, "authors = \"known\"", |branch| {
            branch.refused(ALICE, branch.commit(MALLORY, &["a"]), "wants authors whom the policy knows");
            branch.accepted(ALICE, branch.commit(BOB, &["a"]));
        }),
        ("pushers", BOTH, "pushers = \"known\"", |branch| {
            let commit = branch.commit(ALICE, &["a"]);
            branch.refused(MALLORY, commit, "wants a pusher whom the policy knows");
            branch.accepted(BOB, commit);
        }),
        (
            "mode",
            BOTH,
            "mode = \"observe\"\ndeny = true\n[[rule]]\nname = \"key-mode-2\"\nBRANCH\nmode = \"enforce\"\npaths = [\"db/**\"]\ndeny = true",
            |branch| {
                branch.never(&["db/1"], &["a"]);
            },
        ),
        ("message", BOTH, "message = \"Ask in the morning\"", |branch| {
            let commit = branch.commit(ALICE, &["a"]);
            branch.refused(ALICE, commit, "Ask in the morning");
            branch.approve(BOB, commit);
            assert!(!branch.accepted(ALICE, commit).contains("Ask in the morning"));
        }),
    ]
}

/// The rule of a row: on its own branch where it names no target, and asking for one approval where it asks for nothing.
fn rule((key, _, lines, _): &Row) -> String {
    let name = name(key);
    let branch = format!("branches = [\"{name}\"]");
    let names_target = ["tags =", "bookmarks =", "refs =", "environments ="].iter().any(|word| lines.contains(word));
    let asks = ["require =", "any_of =", "checks =", "deny =", "authors =", "pushers ="]
        .iter()
        .any(|word| lines.contains(word));
    let target = if names_target { "" } else { &branch };
    let asked = if asks { "" } else { ONE };
    format!("[[rule]]\nname = \"{name}\"\n{target}\n{asked}\n{}\n", lines.replace("BRANCH", &branch))
}

fn name(key: &str) -> String {
    format!("key-{}", key.replace('_', "-"))
}

#[rstest]
fn every_key_refuses_and_lets_in(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let rows: Vec<Row> = rows().into_iter().filter(|(_, forms, ..)| forms.contains(&form)).collect();
    let branches: Vec<String> = rows.iter().map(|(key, ..)| format!("refs/heads/{}", name(key))).collect();
    let rules: String = rows.iter().map(rule).collect();
    let names: Vec<&str> = branches.iter().map(String::as_str).collect();
    let repo = Central::with_branches(form, &format!("{BEFORE}{rules}"), &names);
    for ((.., shows), refname) in rows.iter().zip(branches) {
        repo.go(repo.start);
        repo.on(&refname);
        shows(&Branch { repo: &repo, refname });
    }
}

#[test]
fn no_key_is_left_out() {
    let shown: BTreeSet<&str> = rows().iter().map(|(key, ..)| *key).collect();
    let known: BTreeSet<&str> = rule_keys().iter().copied().collect();
    assert_eq!(shown, known);
    // Bookmarks are Mercurial's and refs are Git's; all else is shown in both.
    let in_one: Vec<&str> = rows().iter().filter(|(_, forms, ..)| *forms != BOTH).map(|(key, ..)| *key).collect();
    assert_eq!(in_one, ["bookmarks", "refs"]);
}
