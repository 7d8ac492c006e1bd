//! How pushes arrive: over ssh, over a local path, with push options; SHA-256.

use crate::support::{
    ALICE, APPROVALS, BOB, CAROL, Guarded, MAIN, MALLORY, Person, Said, TestRepo, option, sign, token_file,
};
use jit::domain::approval::Token;
use jit::domain::change::IdKind;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// Pushes over ssh: a script in the place of ssh runs the server's command as a forced command for `who` would, with an
/// environment of its own; `claimed` is what the client says in its own environment.
fn push_over_ssh(repo: &TestRepo, who: Person, claimed: Person, arguments: &[&str]) -> Said {
    let script = repo.path("ssh");
    let text = format!(
        "#!/bin/sh\nfor command; do :; done\n\
         exec env -i PATH=\"$PATH\" HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null \
         REMOTE_USER={} sh -c \"$command\"\n",
        who.name
    );
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut git = repo.as_pusher("git", claimed);
    git.current_dir(repo.work()).env("GIT_SSH_COMMAND", &script).env("GIT_SSH_VARIANT", "ssh");
    git.arg("push").arg(format!("ssh://git@server{}", repo.server().display())).args(arguments);
    crate::support::run(git, b"")
}

#[test]
fn over_ssh_the_servers_word_on_who_pushes_counts() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    // bob says that he is carol, so that his own approval would count.
    let words = ["bob may not update refs/heads/main", "not counted: bob", "the pusher's own approval"];
    repo.must_refuse(|| push_over_ssh(&repo, BOB, CAROL, &["HEAD:main"]), &words);
    let said = push_over_ssh(&repo, CAROL, BOB, &["HEAD:main"]);
    assert!(said.succeeded(), "{}", said.err);
    assert_eq!(repo.server_tip(MAIN), Some(commit));
}

#[test]
fn over_ssh_nothing_needs_a_home_folder() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.must_refuse(|| push_over_ssh(&repo, ALICE, ALICE, &["HEAD:main"]), &["`review` needs 1 approval"]);
    let offer = option(&sign(BOB, repo.approval(commit, MAIN)));
    let said = push_over_ssh(&repo, ALICE, ALICE, &["-o", &offer, "HEAD:main"]);
    assert!(said.succeeded(), "{}", said.err);
}

#[test]
fn over_http_the_web_servers_word_on_who_pushes_counts() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD");
    let commit = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    repo.approve(BOB, commit, MAIN);
    let update = [(Some(start), Some(commit), MAIN)];
    repo.must_refuse(|| repo.push_http(BOB, &update), &["not counted: bob", "the pusher's own approval"]);
    let said = repo.push_http(ALICE, &update);
    assert!(said.succeeded(), "{}", said.err);
    assert_eq!(repo.server_tip(MAIN), Some(commit));
    repo.log_is_sound();
}

#[test]
fn a_push_option_carries_a_token() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let token = sign(BOB, repo.approval(commit, MAIN));
    let said = repo.accepted(ALICE, &["-o", "ci.skip", "-o", &option(&token), "HEAD:main"]);
    assert!(said.contains("`review` is met: bob (maintainers)"), "{said}");
    assert_eq!(repo.kept(&commit), 1);
    // Once it has landed others can fetch what let it in.
    assert_eq!(repo.server_git(&["ls-tree", "-r", "--name-only", APPROVALS]), token_file(&token).0);
}

#[test]
fn a_push_option_that_is_no_good_token_is_said_and_does_not_count() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let good = sign(BOB, repo.approval(commit, MAIN));
    let mut forged = good.text.clone();
    let last = forged.pop().expect("not empty");
    forged.push(if last == 'A' { 'Q' } else { 'A' });
    let elsewhere = Token { repository: "server@0000".to_owned(), ..repo.approval(commit, MAIN) };
    let cases = [
        (format!("jit-token={forged}"), "not a token"),
        ("jit-token=".to_owned(), "not a token"),
        ("jit-token=jit1.\u{1b}[2J.x".to_owned(), "not a token"),
        (option(&sign(MALLORY, repo.approval(commit, MAIN))), "signed with a key that the policy does not know"),
        (option(&sign(BOB, elsewhere)), "signed for repository server@0000"),
    ];
    for (offer, why) in cases {
        let said = repo.refused(
            ALICE,
            &["-o", &offer, "HEAD:main"],
            &["a token of the push is not kept", why, "`review` needs 1 approval"],
        );
        assert!(!said.contains('\u{1b}'), "{said:?}");
        assert_eq!(repo.kept(&commit), 0, "{why}");
    }
    // A bad offer harms nobody else's.
    repo.accepted(ALICE, &["-o", "jit-token=x", "-o", &option(&good), "HEAD:main"]);
}

#[test]
fn a_repository_with_sha_256_is_guarded_as_well() {
    let repo = TestRepo::uninstalled(IdKind::GitSha256);
    repo.begin_main();
    repo.install(&format!("{REVIEW}[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\nrequire = [{{ role = \"dba\", approvals = 1 }}]\n"));
    let commit = repo.commit(ALICE, &["db/1.sql"]);
    assert_eq!(commit.hex().len(), 64);
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`"]);
    let offer = option(&sign(BOB, repo.approval(commit, MAIN)));
    repo.accepted(ALICE, &["-o", &offer, "HEAD:main"]);
    // The server has published what it kept.
    repo.git(&["fetch", "--quiet", "origin", &format!("+{APPROVALS}:{APPROVALS}")]);
    repo.commit_approvals(&[token_file(&sign(BOB, repo.approval(commit, "refs/heads/other")))]);
    repo.accepted(ALICE, &[APPROVALS]);
}
