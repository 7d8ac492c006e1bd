//! Pushes that are large, deep or many at once, and servers that stand somewhere odd: judged like any other, or refused.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, Guarded as _, MAIN, PROGRAM, TestRepo, run};
use data_encoding::HEXLOWER;
use rstest::rstest;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";
const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"**/db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";
const NEEDS_DBA: &str = "`migrations` needs 1 approval from `dba`";

#[rstest]
fn of_two_hundred_refs_one_that_is_refused_refuses_all(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let tip = repo.commit(ALICE, &["a"]);
    let topics = (0..199).map(|number| format!("refs/heads/topic-{number}"));
    let push = topics.fold(to(MAIN, tip), |push, topic| push.and(&topic, tip));
    let words = ["alice may not update refs/heads/main", "`review` needs 1 approval"];
    let said = repo.refused(ALICE, push.clone(), &words);
    assert_eq!(said.matches("jit: denied").count(), 1, "{said}");
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, push);
    let named =
        repo.last_decision().updates.into_iter().filter(|update| update.target != repo.target("branch:default"));
    assert_eq!(named.count(), 200);
}

#[test]
fn a_message_of_ten_megabytes_is_judged_and_shown_in_no_answer() {
    let repo = TestRepo::new(REVIEW);
    let message = "\u{1b}[2J\u{9b}31mjit: allowed\r\n\u{202e}".repeat(400_000);
    assert!(message.len() > 10_000_000);
    fs::write(repo.path("message"), &message).expect("written");
    let file = repo.path("message");
    let file = file.to_str().expect("a plain path");
    repo.git(&["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-F", file]);
    let said = repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval"]);
    assert!(said.len() < 10_000 && !said.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{} bytes", said.len());
    let journal = fs::metadata(repo.jit_path("audit/journal/00000000.jsonl")).expect("a journal");
    assert!(journal.len() < 100_000, "{} bytes", journal.len());
}

/// Stores a tree as it is and returns its id.
fn store_tree(repo: &TestRepo, entries: &[(&str, String, &str)]) -> String {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend(format!("{mode} {name}\0").into_bytes());
        bytes.extend(HEXLOWER.decode(id.as_bytes()).expect("hex"));
    }
    repo.git_with(&["hash-object", "-t", "tree", "-w", "--stdin"], &bytes)
}

#[test]
fn wide_and_deep_trees_are_looked_into() {
    let repo = TestRepo::new(MIGRATIONS);
    let (start, blob) = (repo.rev("HEAD").hex(), repo.git(&["rev-parse", "HEAD:README"]));
    let file = |name: &str| vec![("100644", name.to_owned(), blob.as_str())];
    let wide =
        |names: &str| (0..10_000).map(|n| ("100644", format!("{names}{n:05}"), blob.as_str())).collect::<Vec<_>>();
    let nested = |inmost: String| (0..200).fold(inmost, |id, _| store_tree(&repo, &[("40000", "d".to_owned(), &id)]));
    let under = |name: &str, id: &str| store_tree(&repo, &[("40000", name.to_owned(), id)]);
    let cases = [
        ("wide", under("free", &store_tree(&repo, &wide("f"))), under("db", &store_tree(&repo, &wide("f")))),
        ("deep", nested(store_tree(&repo, &file("f"))), nested(under("db", &store_tree(&repo, &file("f"))))),
    ];
    for (what, free, guarded) in cases {
        let commit = |tree: &str| repo.git(&["commit-tree", "-m", what, "-p", &start, tree]);
        let (free, guarded) = (commit(&free), commit(&guarded));
        repo.refused(ALICE, &[&format!("{guarded}:main")], &[NEEDS_DBA, &guarded[..12]]);
        repo.accepted(ALICE, &[&format!("{free}:main")]);
        // Taking everything away again touches as much as adding it did.
        repo.refused(ALICE, &[&format!("+{guarded}:main")], &[NEEDS_DBA]);
        repo.server_git(&["update-ref", MAIN, &start]);
    }
}

/// The file of a loose object.
fn object(repository: &Path, id: &str) -> std::path::PathBuf {
    repository.join("objects").join(&id[..2]).join(&id[2..])
}

#[test]
fn a_history_with_a_missing_or_spoilt_object_is_not_judged() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 3] = [
        ("missing", |path| fs::remove_file(path).expect("removed")),
        ("empty", |path| fs::write(path, "").expect("written")),
        ("another", |path| fs::write(path, fs::read(path).expect("an object").split_off(9)).expect("written")),
    ];
    for (what, harm) in harms {
        for part in ["HEAD~1", "HEAD~1^{tree}"] {
            let repo = TestRepo::new(MIGRATIONS);
            repo.commit(ALICE, &["src/a"]);
            repo.accepted(ALICE, &["HEAD:main"]);
            repo.commit(ALICE, &["src/b"]);
            repo.accepted(ALICE, &["HEAD:refs/heads/free"]);
            repo.commit(ALICE, &["src/c"]);
            let path = object(&repo.server(), &repo.git(&["rev-parse", &format!("main~1{}", &part[6..])]));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
            harm(&path);
            let before = fs::read_to_string(repo.server().join(MAIN)).expect("a ref");
            let said = repo.push(ALICE, &["HEAD:main"]);
            let denied = "jit: denied: the push could not be judged";
            assert!(!said.succeeded() && said.err.contains(denied), "{what} {part}: {}", said.err);
            assert_eq!(fs::read_to_string(repo.server().join(MAIN)).expect("a ref"), before, "{what} {part}");
        }
    }
}

#[test]
fn objects_that_are_borrowed_from_another_repository_are_judged_like_own_ones() {
    let repo = TestRepo::new(MIGRATIONS);
    let pool = repo.path("pool.git");
    repo.git(&["init", "--quiet", "--bare", pool.to_str().expect("a plain path")]);
    let guarded = repo.commit(ALICE, &["db/evil.sql"]);
    repo.commit(ALICE, &["src/a"]);
    repo.git(&["push", "--quiet", pool.to_str().expect("a plain path"), "HEAD:main"]);
    let borrowed = repo.server().join("objects/info/alternates");
    fs::write(&borrowed, format!("{}\n", pool.join("objects").display())).expect("written");
    repo.refused(ALICE, &["HEAD:main"], &[NEEDS_DBA, &guarded.hex()[..12]]);
    repo.approve(BOB, guarded, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    // Without the other repository the history is not whole any more.
    fs::remove_file(&borrowed).expect("removed");
    repo.commit(ALICE, &["src/b"]);
    let said = repo.push(ALICE, &["HEAD:main"]);
    assert!(!said.succeeded(), "let in: {}", said.err);
}

#[test]
fn a_bare_repository_that_was_moved_is_guarded_where_it_stands_now() {
    let repo = TestRepo::new(REVIEW);
    let moved = repo.path("moved.git");
    fs::rename(repo.server(), &moved).expect("moved");
    repo.git(&["remote", "set-url", "origin", moved.to_str().expect("a plain path")]);
    repo.commit(ALICE, &["a"]);
    let before = fs::read_to_string(moved.join(MAIN)).expect("a ref");
    let said = repo.push(ALICE, &["HEAD:main"]);
    assert!(!said.succeeded() && said.err.contains("`review` needs 1 approval"), "{}", said.err);
    assert_eq!(fs::read_to_string(moved.join(MAIN)).expect("a ref"), before);
    let said = repo.push(ALICE, &["HEAD:refs/heads/topic"]);
    assert!(said.succeeded(), "{}", said.err);
}

#[test]
fn the_hook_needs_neither_a_home_folder_nor_a_search_path() {
    let repo = TestRepo::new(REVIEW);
    let tip = repo.rev("HEAD").hex();
    let environments: [&[(&str, &str)]; 3] =
        [&[], &[("HOME", ""), ("PATH", ""), ("TMPDIR", "")], &[("HOME", "/nonexistent"), ("PATH", "/nonexistent")]];
    for environment in environments {
        for (refname, code) in [("refs/heads/topic", 0), ("refs/tags/../x", 1)] {
            let mut hook = repo.hook("pre-receive");
            hook.env_clear().env("GIT_DIR", ".").envs(environment.iter().copied());
            let said = run(hook, format!("{} {tip} {refname}\n", "0".repeat(40)).as_bytes());
            assert_eq!(said.code, Some(code), "{environment:?}: {}", said.err);
        }
    }
    repo.log_is_sound();
}

#[rstest]
fn a_key_that_others_can_read_or_of_another_log_lets_nothing_in(#[values(Form::Git, Form::Named)] form: Form) {
    let other = TestRepo::new(REVIEW);
    let another = fs::read(other.jit_path("key")).expect("a key");
    let mode =
        |mode: u32| move |key: &Path| fs::set_permissions(key, fs::Permissions::from_mode(mode)).expect("a mode");
    let text = |text: &[u8]| {
        let text = text.to_vec();
        move |key: &Path| fs::write(key, &text).expect("written")
    };
    type Spoil<'s> = &'s dyn Fn(&Path);
    let cases: [(&str, Spoil<'_>); 4] = [
        ("others than its owner can use it", &mode(0o640)),
        ("others than its owner can use it", &mode(0o604)),
        ("it is the key of another log", &text(&another)),
        ("it is not a log key", &text(b"jit-log-key-1\n")),
    ];
    let repo = Central::new(form, REVIEW);
    let (key, sound) = (repo.jit_path("key"), fs::read(repo.jit_path("key")).expect("a key"));
    let topic = to("refs/heads/topic", repo.on("refs/heads/topic").commit(ALICE, &["a"]));
    for (why, spoil) in cases {
        spoil(&key);
        repo.stopped(ALICE, topic.clone(), &[why]);
        fs::write(&key, &sound).expect("written");
        mode(0o600)(&key);
    }
    repo.accepted(ALICE, topic);
}

/// Lets the hook write files of at most so many blocks of 512 bytes.
fn limit_files(repo: &TestRepo, blocks: u32) {
    let hook = repo.server().join("hooks/pre-receive");
    fs::write(&hook, format!("#!/bin/sh\nulimit -f {blocks}\nexec '{PROGRAM}' hook pre-receive\n")).expect("written");
}

#[test]
fn a_log_that_may_not_grow_denies_and_goes_on_when_it_may() {
    let repo = TestRepo::new(REVIEW);
    repo.accepted(ALICE, &["HEAD:refs/heads/before"]);
    let hook = repo.server().join("hooks/pre-receive");
    let sound = fs::read(&hook).expect("a hook");
    for blocks in [0, 1, 2] {
        limit_files(&repo, blocks);
        let before = repo.all_refs();
        repo.commit(ALICE, &["a"]);
        let refname = format!("HEAD:refs/heads/topic-{blocks}");
        let said = repo.push(ALICE, &[&refname]);
        assert!(!said.succeeded(), "{blocks}: {}", said.err);
        assert_eq!(repo.all_refs(), before, "{blocks}");
        fs::write(&hook, &sound).expect("written");
        repo.accepted(ALICE, &[&refname]);
    }
}

#[rstest]
fn what_takes_too_long_to_judge_is_denied(#[values(Form::Git, Form::Named)] form: Form) {
    let rule = |number| {
        format!(
            "[[rule]]\nname = \"r{number}\"\nbranches = [\"main\"]\npaths = [\"**/*a*b*c*{number}*/**\"]\n\
             require = [{{ role = \"maintainers\", approvals = 1 }}]\n"
        )
    };
    let repo = Central::new(form, &(0..3_000).map(rule).collect::<String>());
    let files: Vec<String> = (0..5_000).map(|number| format!("aaabbbccc{number:05}")).collect();
    let commit = repo.commit_as(ALICE, &files.iter().map(String::as_str).collect::<Vec<_>>(), "much");
    repo.configure("deadline = \"30s\"", "deadline = \"100ms\"");
    repo.stopped(ALICE, to(MAIN, commit), &["no decision within 100ms"]);
    repo.configure("deadline = \"100ms\"", "deadline = \"30s\"");
    repo.go(repo.start);
    repo.accepted(ALICE, to("refs/heads/free", repo.on("refs/heads/free").commit(ALICE, &["a"])));
}
