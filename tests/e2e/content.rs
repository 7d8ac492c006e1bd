//! Approvals and rejections that follow a change to other commits (`bind = "content"`): what they survive, and what they do not.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, Person};
use jit::domain::approval::{Kind, Token};
use jit::domain::change::ChangesetId;
use rstest::rstest;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// What is below `docs` asks nobody.
const FOLLOWING: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\npaths = [\"!docs/**\"]\nbind = \"content\"\n\
                         require = [{ role = \"maintainers\", approvals = 1 }]\n";
const NEEDS: &str = "`review` needs 1 approval";

fn put(repo: &Central, path: &str, text: &str) {
    let file = repo.file(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("written");
}

/// A series of two commits by alice below a folder of its own, as it was approved, or otherwise.
struct Series<'r> {
    repo: &'r Central,
    name: &'r str,
}

impl Series<'_> {
    fn path(&self, file: &str) -> String {
        format!("src/{}/{file}", self.name)
    }

    fn one(&self, message: &str) -> ChangesetId {
        put(self.repo, &self.path("a"), "1\n");
        self.repo.commit_as(ALICE, &[], message)
    }

    fn second(&self) {
        put(self.repo, &self.path("b"), "2\n");
        fs::write(self.repo.file("db/0.sql"), format!("the first line\n{}\n", self.name)).expect("written");
    }

    fn two(&self, message: &str) -> ChangesetId {
        self.second();
        self.repo.commit_as(ALICE, &[], message)
    }

    /// The series on `base`, approved by bob.
    fn approved(&self, base: ChangesetId) -> [ChangesetId; 2] {
        self.repo.go(base);
        let series = [self.one("one"), self.two("two")];
        self.repo.approve_all(BOB, &series, MAIN);
        series
    }
}

/// A name, and how the series is made once more, on the commit that the working copy has.
type Way = (&'static str, fn(&Series<'_>) -> ChangesetId);

const DROPPED: [Way; 12] = [
    ("a part", |series| series.one("again")),
    ("one more", |series| {
        series.one("again");
        series.two("again");
        put(series.repo, &series.path("c"), "3\n");
        series.repo.commit_as(ALICE, &[], "one more")
    }),
    ("squashed", |series| {
        put(series.repo, &series.path("a"), "1\n");
        series.two("squashed")
    }),
    ("reordered", |series| {
        series.two("first");
        series.one("then")
    }),
    ("a dropped hunk", |series| {
        series.one("again");
        series.second();
        put(series.repo, "db/0.sql", "the first line\n");
        series.repo.commit_as(ALICE, &[], "again")
    }),
    ("another byte", |series| {
        series.one("again");
        series.second();
        put(series.repo, &series.path("b"), "2 \n");
        series.repo.commit_as(ALICE, &[], "again")
    }),
    ("a changed mode", |series| {
        put(series.repo, &series.path("a"), "1\n");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(series.repo.file(&series.path("a")), mode).expect("a mode");
        series.repo.commit_as(ALICE, &[], "again");
        series.two("again")
    }),
    ("a link to the same bytes", |series| {
        let file = series.repo.file(&series.path("a"));
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        symlink("1\n", &file).expect("a link");
        series.repo.commit_as(ALICE, &[], "again");
        series.two("again")
    }),
    ("another name", |series| {
        put(series.repo, &series.path("A"), "1\n");
        series.repo.commit_as(ALICE, &[], "again");
        series.two("again")
    }),
    ("an empty commit in between", |series| {
        series.one("again");
        series.repo.commit_as(ALICE, &[], "empty");
        series.two("again")
    }),
    ("a merge in between", |series| {
        let one = series.one("again");
        series.repo.go(series.repo.start);
        let side = series.repo.commit(ALICE, &[&format!("docs/{}", series.name)]);
        series.repo.go(one);
        series.repo.merge(side);
        series.repo.commit_as(ALICE, &[], "merged");
        series.two("again")
    }),
    ("a file that is already there", |series| {
        put(series.repo, &series.path("b"), "0\n");
        series.repo.commit_as(ALICE, &[], "before");
        series.one("again");
        series.two("again")
    }),
];

#[rstest]
fn whatever_changes_something_else_is_signed_anew(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, FOLLOWING);
    for (name, again) in DROPPED {
        let name = &name.replace(' ', "-");
        let series = Series { repo: &repo, name };
        series.approved(repo.start);
        repo.go(repo.start);
        let tip = again(&series);
        repo.refused(ALICE, to(MAIN, tip), &[NEEDS]);
    }
    // All but the last, which stands on another commit, could have been let in.
    let [_, tip] = Series { repo: &repo, name: "untouched" }.approved(repo.start);
    repo.accepted(ALICE, to(MAIN, tip));
}

#[rstest]
fn the_same_changes_on_another_base_are_let_in(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, FOLLOWING);
    let series = Series { repo: &repo, name: "series" };
    let approved = series.approved(repo.start);
    repo.go(repo.start);
    let moved = repo.commit(CAROL, &["docs/other"]);
    repo.accepted(CAROL, to(MAIN, moved));
    series.one("other words");
    let tip = series.two("and others");
    assert!(!approved.contains(&tip));
    let said = repo.accepted(ALICE, to(MAIN, tip));
    assert!(!said.contains("not counted"), "{said}");
    let updates = repo.last_decision().updates;
    let update = updates.iter().find(|update| update.target == repo.target(MAIN)).expect("an update of it");
    assert_eq!(update.contents, [repo.content(&approved)]);
}

#[rstest]
fn links_modes_and_moved_files_are_followed_and_have_one_content_in_both_systems(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
) {
    let repo = Central::new(form, FOLLOWING);
    let change = |message: &str| {
        put(&repo, "src/run", "go\n");
        fs::set_permissions(repo.file("src/run"), fs::Permissions::from_mode(0o755)).expect("a mode");
        symlink("run", repo.file("src/link")).expect("a link");
        fs::rename(repo.file("README"), repo.file("src/README")).expect("moved");
        repo.commit_as(ALICE, &[], message)
    };
    repo.go(repo.start);
    let approved = change("move");
    let content = "sha256:4e1dad80e24d0b14146fe0cbd906494e42759c684a47eecbb992896771992656";
    assert_eq!(repo.content(&[approved]).to_string(), content);
    repo.approve_all(BOB, &[approved], MAIN);
    repo.go(repo.start);
    let moved = repo.commit(CAROL, &["docs/other"]);
    repo.accepted(CAROL, to(MAIN, moved));
    repo.accepted(ALICE, to(MAIN, change("move on top")));
}

#[rstest]
fn amended_words_keep_an_approval_and_the_author_who_took_over_loses_it(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
) {
    let repo = Central::new(form, FOLLOWING);
    let series = Series { repo: &repo, name: "series" };
    series.approved(repo.start);
    repo.go(repo.start);
    series.one("amended");
    series.second();
    let bobs = repo.commit_as(BOB, &[], "two");
    repo.refused(ALICE, to(MAIN, bobs), &[NEEDS, "author or committer"]);
    repo.go(repo.start);
    series.one("amended");
    repo.accepted(ALICE, to(MAIN, series.two("amended, too")));
}

#[rstest]
fn the_same_patch_on_a_file_that_somebody_else_changed_is_signed_anew(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
) {
    let repo = Central::new(form, FOLLOWING);
    let series = Series { repo: &repo, name: "series" };
    series.approved(repo.start);
    repo.go(repo.start);
    put(&repo, "db/0.sql", "another first line\n");
    let below = repo.commit_as(CAROL, &[], "below");
    repo.approve(BOB, below, MAIN);
    repo.accepted(CAROL, to(MAIN, below));
    series.one("one");
    put(&repo, &series.path("b"), "2\n");
    put(&repo, "db/0.sql", "another first line\nseries\n");
    let tip = repo.commit_as(ALICE, &[], "two");
    repo.refused(ALICE, to(MAIN, tip), &[NEEDS]);
}

#[rstest]
fn a_rule_that_does_not_say_so_follows_nothing(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &FOLLOWING.replace("bind = \"content\"\n", ""));
    let series = Series { repo: &repo, name: "series" };
    series.approved(repo.start);
    repo.go(repo.start);
    series.one("amended");
    let tip = series.two("amended");
    repo.refused(ALICE, to(MAIN, tip), &[NEEDS]);
    repo.apply(&crate::central::in_force("allow", &crate::support::people(), FOLLOWING));
    repo.accepted(ALICE, to(MAIN, tip));
}

#[rstest]
fn a_rejection_follows_the_change_until_something_else_is_changed(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
) {
    let repo = Central::new(form, FOLLOWING);
    let series = Series { repo: &repo, name: "series" };
    repo.go(repo.start);
    let rejected = [series.one("one"), series.two("two")];
    repo.keep(CAROL, Token { kind: Kind::Reject, ..repo.approval_of(&rejected, MAIN) });
    repo.go(repo.start);
    series.one("amended");
    let tip = series.two("amended");
    let sign = |who: Person, tip: ChangesetId| repo.approve(who, tip, MAIN);
    sign(BOB, tip);
    repo.refused(ALICE, to(MAIN, tip), &["rejected", "carol"]);
    repo.go(repo.start);
    series.one("amended");
    series.second();
    put(&repo, &series.path("b"), "what carol asked for\n");
    let better = repo.commit_as(ALICE, &[], "better");
    sign(BOB, better);
    repo.accepted(ALICE, to(MAIN, better));
}

#[rstest]
fn what_landed_and_was_taken_back_needs_a_new_approval(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
    #[values(true, false)] amended: bool,
) {
    let repo = Central::new(form, FOLLOWING);
    repo.go(repo.start);
    let write = |message: &str| {
        put(&repo, "src/a", "1\n");
        repo.commit_as(ALICE, &[], message)
    };
    let approved = write("add");
    repo.approve_all(BOB, &[approved], MAIN);
    repo.go(repo.start);
    let landed = if amended { write("amended") } else { approved };
    repo.go(landed);
    repo.accepted(ALICE, to(MAIN, landed));
    fs::remove_file(repo.file("src/a")).expect("removed");
    let back = repo.commit_as(ALICE, &[], "take back");
    repo.approve(CAROL, back, MAIN);
    repo.accepted(ALICE, to(MAIN, back));
    let again = write("once more");
    repo.refused(ALICE, to(MAIN, again), &[NEEDS, "spent: the same changes landed"]);
    repo.approve(BOB, again, MAIN);
    repo.accepted(ALICE, to(MAIN, again));
}
