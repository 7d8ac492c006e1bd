//! Installing into a central repository: what it keeps, what it refuses, and how it goes away again.

use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, TestRepo, option, people, sign};
use jit::domain::change::IdKind;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

fn uninstalled() -> TestRepo {
    let repo = TestRepo::uninstalled(IdKind::GitSha1);
    repo.begin_main();
    repo.write_policy(&[("policy.toml", &format!("version = 1\ndefault = \"allow\"\n{}{REVIEW}", people()))]);
    repo
}

fn write_hook(repo: &TestRepo, name: &str, text: &str) {
    let path = repo.server().join("hooks").join(name);
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn hooks_that_were_there_are_called_and_come_back() {
    let repo = uninstalled();
    let seen = repo.path("seen");
    let before = format!("#!/bin/sh\ncat >> {0}\ntest ! -e {0}.no || {{ echo not today; exit 7; }}\n", seen.display());
    let after = format!("#!/bin/sh\necho after >> {}\n", seen.display());
    write_hook(&repo, "pre-receive", &before);
    write_hook(&repo, "post-receive", &after);
    assert!(repo.run_install().succeeded());

    repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/topic"]);
    let text = fs::read_to_string(&seen).expect("the old hooks ran");
    assert!(text.contains("refs/heads/topic") && text.contains("after"), "{text}");

    // Either one refuses.
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval"]);
    let no = repo.path("seen.no");
    fs::write(&no, "").expect("written");
    let said = repo.push(ALICE, &["HEAD:refs/heads/other"]);
    assert!(!said.succeeded() && said.err.contains("not today"), "{}", said.err);
    fs::remove_file(&no).expect("removed");

    let server = repo.server();
    let said = repo.jit(&["uninstall", server.to_str().expect("a plain path")]);
    assert!(said.succeeded(), "{}", said.err);
    for (name, text) in [("pre-receive", &before), ("post-receive", &after)] {
        assert_eq!(&fs::read_to_string(server.join("hooks").join(name)).expect("a hook"), text);
    }
    assert!(repo.push(ALICE, &["HEAD:main"]).succeeded(), "nothing is judged any more");
    repo.log_is_sound();
    assert!(matches!(repo.entries().last().map(|e| &e.event), Some(jit::domain::audit::Event::Uninstall(_))));
    let entries = repo.entries().len();
    let again = repo.jit(&["uninstall", server.to_str().expect("a plain path")]);
    assert!(again.succeeded() && again.err.contains("nothing was changed"), "{}", again.err);
    assert_eq!(repo.entries().len(), entries);
    let doctor = repo.jit(&["doctor", server.to_str().expect("a plain path")]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.text().contains("hook pre-receive is not the script"), "{}", doctor.text());
}

#[test]
fn a_hook_that_was_there_and_cannot_run_refuses() {
    let repo = uninstalled();
    write_hook(&repo, "pre-receive", "#!/nonexistent/interpreter\n");
    assert!(repo.run_install().succeeded());
    repo.commit(ALICE, &["a"]);
    assert!(!repo.push(ALICE, &["HEAD:refs/heads/topic"]).succeeded());
}

#[test]
fn a_hook_that_was_a_relative_link_is_called_and_comes_back() {
    let repo = uninstalled();
    let server = repo.server();
    fs::create_dir(server.join("site")).expect("a folder");
    write_hook(&repo, "../site/check", "#!/bin/sh\necho not today >&2\nexit 1\n");
    let hook = server.join("hooks/pre-receive");
    symlink("../site/check", &hook).expect("linked");
    assert!(repo.run_install().succeeded());
    repo.commit(ALICE, &["a"]);
    let push = || repo.push(ALICE, &["HEAD:refs/heads/topic"]);
    let said = push();
    assert!(!said.succeeded() && said.err.contains("not today"), "{}", said.err);

    // What it led to is gone: that is no reason to go on without it.
    fs::rename(server.join("site"), server.join("gone")).expect("moved");
    assert!(!push().succeeded());
    fs::rename(server.join("gone"), server.join("site")).expect("moved back");

    assert!(repo.jit(&["uninstall", server.to_str().expect("a plain path")]).succeeded());
    assert_eq!(fs::read_link(&hook).expect("a link"), std::path::Path::new("../site/check"));
    let said = push();
    assert!(!said.succeeded() && said.err.contains("not today"), "{}", said.err);
}

#[test]
fn installing_again_changes_nothing_that_was_decided() {
    let repo = uninstalled();
    write_hook(&repo, "pre-receive", "#!/bin/sh\nexit 0\n");
    assert!(repo.run_install().succeeded());
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    let (name, policy) = (repo.repository(), fs::read(repo.jit_path("policies/policy.toml")).expect("a policy"));
    let entries = repo.entries().len();
    let server = repo.server();
    for _ in 0..2 {
        let said = repo.jit(&["install", server.to_str().expect("a plain path")]);
        assert!(said.succeeded(), "{}", said.err);
    }
    assert_eq!(repo.repository(), name, "tokens stay valid");
    assert_eq!(fs::read(repo.jit_path("policies/policy.toml")).expect("a policy"), policy);
    assert_eq!(repo.entries().len(), entries);
    assert!(fs::read_to_string(repo.jit_path("kept-hooks/pre-receive")).expect("kept").contains("exit 0"));
    repo.refused(CAROL, &["--force", "HEAD:main", "HEAD:refs/jit/policy"], &["belongs to jit"]);
    repo.accepted(ALICE, &["HEAD:main"]);

    let said = repo.run_install();
    assert_eq!(said.code, Some(2), "another policy is not slipped in: {}", said.err);
}

#[test]
fn what_was_uninstalled_goes_on_where_it_ended() {
    let repo = uninstalled();
    assert!(repo.run_install().succeeded());
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    let path = repo.server();
    let server = path.to_str().expect("a plain path");
    assert!(repo.jit(&["uninstall", server]).succeeded());
    // Unseen by anybody.
    assert!(repo.push(ALICE, &["HEAD:main"]).succeeded());
    assert!(repo.jit(&["install", server]).succeeded());
    let next = repo.commit(ALICE, &["b"]);
    repo.approve(CAROL, next, MAIN);
    // Approvals from before are taken for spent: the log did not see how `main` got where it is.
    repo.refused(ALICE, &["HEAD:main"], &["spent: the target was rewritten or deleted"]);
    assert_eq!(repo.last_decision().updates[0].found, Some(vec![commit]));
}

#[test]
fn repositories_whose_hooks_a_forge_rewrites_are_refused() {
    let cases: [(&str, &str, &str); 8] = [
        ("gl-conf", "", "gitolite"),
        ("hooks/update", "use Gitolite::Hooks::Update;", "gitolite"),
        ("custom_hooks", "", "GitLab"),
        ("hooks/pre-receive", "# placed here by GitLab", "GitLab"),
        ("hooks/pre-receive", "# AUTO GENERATED BY GITEA", "Gitea"),
        ("hooks/pre-receive.d/gitea", "", "Gitea"),
        ("hooks/pre-receive", "# AUTO GENERATED BY FORGEJO", "Forgejo"),
        ("hooks/pre-receive.d/forgejo", "", "Forgejo"),
    ];
    for (mark, text, name) in cases {
        let repo = uninstalled();
        let path = repo.server().join(mark);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
        must_not_install(&repo, &[&format!("{name} manages the hooks")]);
    }
}

#[test]
fn a_folder_of_hooks_that_others_share_is_not_written() {
    let repo = uninstalled();
    let (hooks, shared) = (repo.server().join("hooks"), repo.path("shared-hooks"));
    fs::remove_dir_all(&hooks).expect("removed");
    fs::create_dir(&shared).expect("a folder");
    std::os::unix::fs::symlink(&shared, &hooks).expect("a link");
    must_not_install(&repo, &["is a link to"]);
    assert_eq!(fs::read_dir(&shared).expect("a folder").count(), 0);
}

/// What others can write in `folder`.
fn writable_by_others(folder: &std::path::Path) -> String {
    let mut find = std::process::Command::new("find");
    find.arg(folder).args(["-perm", "/022", "-not", "-type", "l"]);
    crate::support::run(find, b"").text()
}

#[test]
fn nothing_that_decides_can_be_written_by_others_whatever_the_umask_is() {
    let repo = uninstalled();
    let with_open_umask = |name: &str, program: &str, arguments: &[&str]| {
        let mut shell = repo.as_pusher("sh", ALICE);
        shell.current_dir(repo.work()).args(["-c", "umask 0; exec \"$0\" \"$@\"", program]).args(arguments);
        let said = crate::support::run(shell, b"");
        assert!(said.succeeded(), "{name}: {}", said.err);
    };
    let text = |path: std::path::PathBuf| path.to_str().expect("a plain path").to_owned();
    let (server, policies, state) = (text(repo.server()), text(repo.path("policies")), text(repo.path("state")));
    let install = ["install", &server, "--policies", &policies, "--state-dir", &state];
    with_open_umask("install", crate::support::PROGRAM, &install);
    assert_eq!(writable_by_others(&repo.server()), "");

    let commit = repo.commit(ALICE, &["a"]);
    let offer = option(&sign(BOB, repo.approval(commit, MAIN)));
    with_open_umask("push", "git", &["push", "--quiet", "origin", "-o", &offer, "HEAD:main"]);
    repo.write_policy(&[("policy.toml", &format!("version = 1\ndefault = \"deny\"\n{}{REVIEW}", people()))]);
    with_open_umask("apply", crate::support::PROGRAM, &["policy", "apply", &policies, &server, "--yes"]);
    assert_eq!(writable_by_others(&repo.server().join("jit")), "");
    assert_eq!(writable_by_others(&repo.path("state")), "");

    // What was opened afterwards is noticed when it is installed again.
    fs::set_permissions(repo.jit_path("policies"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let said = repo.jit(&["install", &server]);
    assert!(!said.succeeded() && said.err.contains("can be written by others"), "{}", said.err);
}

/// What stands in the way of an installation.
type Prepare<'p> = &'p dyn Fn(&TestRepo);

#[test]
fn what_cannot_be_protected_is_refused() {
    let mode = |path: &str, mode: u32| {
        let path = path.to_owned();
        move |repo: &TestRepo| {
            let path = repo.server().join(&path);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
    };
    let elsewhere = |repo: &TestRepo| drop(repo.server_git(&["config", "core.hooksPath", "/srv/hooks"]));
    let shallow = |repo: &TestRepo| fs::write(repo.server().join("shallow"), "").expect("written");
    let cases: [(&str, Prepare<'_>); 8] = [
        ("can be written by others", &mode("", 0o775)),
        ("can be written by others", &mode("", 0o777)),
        ("can be written by others", &mode("config", 0o664)),
        ("can be written by others", &mode("hooks", 0o775)),
        ("can be written by others", &mode("refs", 0o775)),
        ("can be written by others", &mode("objects", 0o777)),
        ("core.hooksPath", &elsewhere),
        ("shallow", &shallow),
    ];
    for (why, prepare) in cases {
        let repo = uninstalled();
        prepare(&repo);
        must_not_install(&repo, &[why]);
    }
}

#[test]
fn reftable_repositories_are_refused_with_the_reason() {
    let repo = uninstalled();
    fs::remove_dir_all(repo.server()).expect("removed");
    let server = repo.server();
    repo.git(&["init", "--quiet", "--bare", "--ref-format=reftable", server.to_str().expect("a plain path")]);
    let said = repo.run_install();
    assert!(!said.succeeded() && said.err.contains("reftable"), "{}", said.err);
}

#[test]
fn a_policy_that_does_not_load_is_not_installed() {
    let repo = uninstalled();
    repo.write_policy(&[("policy.toml", "version = 1\ndefault = \"maybe\"\n")]);
    must_not_install(&repo, &["`allow` or `deny`"]);
}

#[test]
fn nobodys_personal_settings_lead_around_the_hooks() {
    let repo = uninstalled();
    assert!(repo.run_install().succeeded());
    let personal = repo.path("gitconfig");
    fs::write(&personal, "[core]\n\thooksPath = /nonexistent\n").expect("written");
    repo.commit(ALICE, &["a"]);
    let push = || {
        let mut git = repo.as_pusher("git", ALICE);
        git.current_dir(repo.work()).env("GIT_CONFIG_GLOBAL", &personal).args(["push", "origin", "HEAD:main"]);
        crate::support::run(git, b"")
    };
    repo.must_refuse(push, &["`review` needs 1 approval"]);
}

/// Installation fails for a reason that it names, and leaves no hooks.
fn must_not_install(repo: &TestRepo, words: &[&str]) {
    let said = repo.run_install();
    assert!(!said.succeeded(), "installed: {}", said.err);
    for word in words {
        assert!(said.err.contains(word), "no `{word}` in: {}", said.err);
    }
    let hook = fs::read_to_string(repo.server().join("hooks/pre-receive")).unwrap_or_default();
    assert!(!hook.contains("jit"), "a hook was left: {hook}");
    assert!(!repo.jit_path("config.toml").exists(), "settings were left");
}
