//! Objects that Git itself would not make: forged dates, malformed trees and commits, odd names. Whatever cannot be read
//! for certain is refused; what can be is judged for what it is.

use crate::support::{ALICE, BOB, Guarded, MAIN, NOBODY, TestRepo};
use data_encoding::HEXLOWER;
use jit::domain::approval::{Kind, Token};
use jit::domain::change::Target;
use std::fs;

const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\", \"release/**\"]\npaths = [\"db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";

/// Stores an object as it is.
fn store(repo: &TestRepo, kind: &str, bytes: &[u8]) -> String {
    repo.git_with(&["hash-object", "-t", kind, "--literally", "-w", "--stdin"], bytes)
}

/// Mode, name, id.
type Entry<'e> = (&'e str, &'e str, &'e str);

/// Stores a tree with these entries in this order.
fn store_tree(repo: &TestRepo, entries: &[Entry<'_>]) -> String {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend(format!("{mode} {name}\0").into_bytes());
        bytes.extend(HEXLOWER.decode(id.as_bytes()).expect("hex"));
    }
    store(repo, "tree", &bytes)
}

const WHO: &str = "alice <alice@example.com> 1700000000 +0000";

/// Stores a commit of `tree` with `headers` between its parents and its message.
fn store_commit(repo: &TestRepo, tree: &str, parents: &[&str], headers: &str) -> String {
    let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
    store(repo, "commit", format!("tree {tree}\n{parents}{headers}\nchange\n").as_bytes())
}

fn honest_headers() -> String {
    format!("author {WHO}\ncommitter {WHO}\n")
}

#[test]
fn dates_that_lie_hide_nothing() {
    let dates = ["1", "4102444800"];
    for (old, new) in [(dates[0], dates[1]), (dates[1], dates[0]), (dates[0], dates[0]), (dates[1], dates[1])] {
        let repo = TestRepo::new(MIGRATIONS);
        let start = repo.rev("HEAD");
        let dated = |date: &str, parents: &[&str], tree: &str| {
            let who = format!("alice <alice@example.com> {date} +0000");
            store_commit(&repo, tree, parents, &format!("author {who}\ncommitter {who}\n"))
        };
        repo.commit(ALICE, &["db/evil.sql"]);
        let evil_tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
        let evil = dated(old, &[&start.hex()], &evil_tree);
        let cover = dated(new, &[&evil], &evil_tree);
        for target in ["main", "refs/heads/release/1"] {
            let words = ["`migrations` needs 1 approval from `dba`", &evil[..12]];
            repo.refused(ALICE, &[&format!("{cover}:{target}")], &words);
        }
    }
}

#[test]
fn a_merge_of_a_commit_with_itself_has_changes_of_its_own() {
    let repo = TestRepo::new(MIGRATIONS);
    let start = repo.rev("HEAD").hex();
    repo.commit(ALICE, &["db/evil.sql"]);
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    for parents in [vec![start.as_str(); 2], vec![start.as_str(); 3]] {
        let merge = store_commit(&repo, &tree, &parents, &honest_headers());
        let said = repo.push(ALICE, &[&format!("{merge}:main")]);
        assert!(!said.succeeded(), "let in: {}", said.err);
        assert_eq!(repo.server_tip(MAIN).map(|tip| tip.hex()), Some(start.clone()));
    }
}

#[test]
fn trees_that_git_would_not_make_are_refused() {
    let repo = TestRepo::new(MIGRATIONS);
    let start = repo.rev("HEAD").hex();
    let blob = repo.git(&["rev-parse", "HEAD:README"]);
    let folder = store_tree(&repo, &[("100644", "evil.sql", &blob)]);
    let file = ("100644", "README", blob.as_str());
    let trees: [(&str, Vec<Entry<'_>>); 8] = [
        ("a slash in a name", vec![file, ("100644", "db/evil.sql", &blob)]),
        ("a name twice", vec![file, ("40000", "db", &folder), ("40000", "db", &folder)]),
        ("a file and a folder of one name", vec![file, ("100644", "db", &blob), ("40000", "db", &folder)]),
        ("out of order", vec![("40000", "db", &folder), file]),
        ("no name", vec![("100644", "", &blob)]),
        ("a dot", vec![("40000", ".", &folder)]),
        ("two dots", vec![("40000", "..", &folder)]),
        ("a mode that is none", vec![file, ("777", "db", &folder)]),
    ];
    for (what, entries) in trees {
        let tree = store_tree(&repo, &entries);
        let commit = store_commit(&repo, &tree, &[&start], &honest_headers());
        let before = repo.all_refs();
        let said = repo.push(ALICE, &[&format!("{commit}:main")]);
        assert!(!said.succeeded(), "{what} was let in: {}", said.err);
        assert_eq!(repo.all_refs(), before, "{what}");
    }
    repo.log_is_sound();
}

#[test]
fn commits_that_git_would_not_make_are_refused_or_judged_by_everybody_whom_they_name() {
    let rules =
        "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n";
    let bob = WHO.replace("alice", "bob");
    let cases = [
        ("no author", format!("committer {WHO}\n")),
        ("no committer", format!("author {WHO}\n")),
        ("two authors", format!("author {WHO}\nauthor {bob}\ncommitter {WHO}\n")),
        ("two committers", format!("author {WHO}\ncommitter {WHO}\ncommitter {bob}\n")),
        ("another order", format!("committer {bob}\nauthor {WHO}\n")),
        ("no date", "author bob <bob@example.com>\ncommitter bob <bob@example.com>\n".to_owned()),
    ];
    for (what, headers) in cases {
        let repo = TestRepo::new(rules);
        let start = repo.rev("HEAD").hex();
        let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
        let commit = store_commit(&repo, &tree, &[&start], &headers);
        repo.approve(BOB, repo.id(&commit), MAIN);
        let said = repo.push(ALICE, &[&format!("{commit}:main")]);
        let names_bob = headers.contains("bob");
        assert!(!said.succeeded() || !names_bob, "{what}: bob approved what he wrote: {}", said.err);
        repo.log_is_sound();
    }
}

#[test]
fn paths_are_bytes_and_are_matched_as_they_are() {
    for name in ["\u{e9}.sql", "a\"b.sql", "a\nb.sql", "a\tb", "\u{202e}lqs.txt", "-rf", "a\\b", " "] {
        let repo = TestRepo::new(MIGRATIONS);
        fs::create_dir(repo.work().join("db")).expect("a folder");
        fs::write(repo.work().join("db").join(name), "x").expect("written");
        repo.commit(ALICE, &["src/lib.rs"]);
        repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`"]);
    }
    let repo = TestRepo::new(MIGRATIONS);
    let start = repo.rev("HEAD").hex();
    let blob = repo.git(&["rev-parse", "HEAD:README"]);
    let mut bytes = b"100644 \xff\xfe.sql\0".to_vec();
    bytes.extend(HEXLOWER.decode(blob.as_bytes()).expect("hex"));
    let folder = store(&repo, "tree", &bytes);
    let tree = store_tree(&repo, &[("100644", "README", &blob), ("40000", "db", &folder)]);
    let commit = store_commit(&repo, &tree, &[&start], &honest_headers());
    repo.refused(ALICE, &[&format!("{commit}:main")], &["`migrations` needs 1 approval from `dba`"]);
}

#[test]
fn links_and_submodules_are_changes() {
    for mode in ["120000", "160000"] {
        let repo = TestRepo::new(MIGRATIONS);
        let commit = repo.rev("HEAD").hex();
        let id = if mode == "160000" { commit } else { repo.git(&["rev-parse", "HEAD:README"]) };
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("{mode},{id},db/thing")]);
        repo.git(&["commit", "--quiet", "-m", "thing"]);
        repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`"]);
    }
}

#[test]
fn what_people_write_cannot_steer_a_terminal() {
    let repo = TestRepo::new(
        "[[rule]]\nname = \"review\"\nbranches = [\"**\"]\nauthors = \"known\"\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n",
    );
    let evil = "\u{1b}[2J\u{7}\u{202e}jit: allowed";
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", evil]);
    let author = format!("{evil} <{evil}@example.com>");
    repo.git(&["commit", "--quiet", "--allow-empty", "--author", &author, "-m", evil]);
    let refname = "refs/heads/x\u{202e}y";
    let target = Target::git_ref(refname.as_bytes()).ok();
    let rejection = repo.approval(repo.rev("HEAD"), "refs/heads/x");
    repo.keep(BOB, Token { kind: Kind::Reject, target, reason: evil.to_owned(), ..rejection });
    let push = || {
        let mut git = repo.as_pusher("git", NOBODY);
        git.current_dir(repo.work()).env("REMOTE_USER", evil).args(["push", "origin", &format!("HEAD:{refname}")]);
        crate::support::run(git, b"")
    };
    let said = repo.must_refuse(push, &["was rejected by bob", "wants authors whom the policy knows"]);
    let ours: Vec<&str> = said.lines().filter(|line| line.starts_with("jit:")).collect();
    for line in ours {
        assert!(!line.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{line:?}");
    }
    // The login stands in the log in a form that cannot steer one either.
    let journal = fs::read_to_string(repo.jit_path("audit/journal/00000000.jsonl")).expect("a journal");
    assert!(!journal.contains(['\u{1b}', '\u{7}', '\u{202e}']));
}

#[test]
fn a_refname_that_is_not_text_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let repo = TestRepo::new(MIGRATIONS);
    let push = || {
        let mut git = repo.as_pusher("git", ALICE);
        git.current_dir(repo.work()).args(["push", "origin"]).arg(OsStr::from_bytes(b"HEAD:refs/heads/release/\xff"));
        crate::support::run(git, b"")
    };
    repo.must_refuse(push, &["the refname refs/heads/release/%FF is not UTF-8"]);
}

/// A shallow push leaves out history; what cannot be seen cannot be judged.
#[test]
fn a_push_that_leaves_history_out_is_not_let_in() {
    let repo = TestRepo::new(MIGRATIONS);
    repo.git(&["checkout", "--quiet", "--orphan", "elsewhere"]);
    repo.commit(ALICE, &["db/evil.sql"]);
    repo.commit(ALICE, &["src/lib.rs"]);
    repo.commit(ALICE, &["src/lib.rs"]);
    let (work, shallow) = (repo.work(), repo.path("shallow"));
    let url = format!("file://{}", work.display());
    repo.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--branch",
        "elsewhere",
        &url,
        shallow.to_str().expect("a plain path"),
    ]);
    let push = |refspec: &str| {
        let mut git = repo.as_pusher("git", ALICE);
        git.current_dir(&shallow).arg("push").arg(repo.server()).arg(refspec);
        crate::support::run(git, b"")
    };
    // Installation has Git itself refuse it: afterwards nothing at all could be judged in this repository.
    assert_eq!(repo.server_git(&["config", "receive.shallowUpdate"]), "false");
    let said = push("HEAD:refs/heads/free");
    assert!(!said.succeeded() && said.err.contains("shallow update not allowed"), "{}", said.err);
    // Should somebody have allowed it since:
    repo.server_git(&["config", "receive.shallowUpdate", "true"]);
    repo.must_refuse(|| push("HEAD:refs/heads/release/1"), &["the push could not be judged"]);
    repo.must_refuse(|| push("+HEAD:main"), &["the push could not be judged"]);
}
