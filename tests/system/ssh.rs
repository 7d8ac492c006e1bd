//! Pushes over ssh: the key with which somebody came tells who pushes.

use crate::page;
use crate::site::{REPOSITORY, Site};
use crate::sshd::{HOST, Sshd, repository, ssh, url};

#[test]
fn two_people_push_and_approve_over_ssh() {
    let site = Site::new();
    let _sshd = Sshd::new(&site);
    let url = repository(&site);
    site.alice_pushes_and_bob_approves(&url, &url);
}

#[test]
fn the_page_gives_bobs_line_as_it_gives_alices() {
    let lines = page::block("# /etc/ssh/keys/git");
    let bob = page::key_line("bob", "ssh-ed25519 AAAAC3… bob@desk");
    assert!(lines.contains(&bob), "{lines}");
}

#[test]
fn a_key_without_a_line_opens_nothing() {
    let site = Site::new();
    let _sshd = Sshd::new(&site);
    let said = site.mallory.clone(&repository(&site));
    assert!(!said.succeeded && said.err.contains("Permission denied (publickey)"), "{}", said.err);
}

#[test]
fn a_repository_is_guarded_by_every_path_that_leads_to_it() {
    let site = Site::new();
    let _sshd = Sshd::new(&site);
    let own = repository(&site);
    site.alice_pushes_and_bob_approves(&own, &own);
    site.bob_approves_what_alice_seems_to_have_written("more.txt");
    site.must_sh("ln -s payments.git /srv/git/current.git; ln -s . /srv/git/team");
    let paths = [
        "/srv/git/payments",
        "/srv/git/payments.git/",
        "/srv/git//payments.git",
        "/srv/git/./payments.git/.",
        "/srv/git/current.git",
        "/srv/git/team/team/current",
    ];
    for path in paths {
        site.must_be_bobs(path, || site.bob.git(&["push", &url(&site, path), "HEAD:main"]));
    }
}

#[test]
fn nothing_outside_the_folder_of_repositories_can_be_named() {
    let site = Site::new();
    let _sshd = Sshd::new(&site);
    let own = repository(&site);
    site.alice_pushes_and_bob_approves(&own, &own);
    // A repository elsewhere, with a hook that would run as the account.
    let trap = site.root().join("trap");
    site.must_sh(&format!(
        "git init --quiet --bare elsewhere.git; cd elsewhere.git; printf '#!/bin/sh\\ntouch {}\\n' > hooks/pre-receive; \
         chmod +x hooks/pre-receive",
        trap.display()
    ));
    let elsewhere = site.root().join("elsewhere.git");
    let paths = [
        format!("ssh://{HOST}{}", elsewhere.display()),
        url(&site, "/srv/git/../../elsewhere.git"),
        url(&site, "/srv/git/payments.git/../../../elsewhere.git"),
        format!("ssh://{HOST}/{}", elsewhere.display()),
        format!("ssh://{HOST}/~/../../elsewhere.git"),
        format!("{HOST}:elsewhere.git"),
        format!("{HOST}:../../elsewhere.git"),
        format!("{HOST}:"),
    ];
    for path in paths {
        let (said, gained) = site.must_fail(|| site.bob.git(&["push", &path, "HEAD:main"]));
        assert!(said.err.contains("git-as: no such command or repository"), "{path}: {}", said.err);
        assert_eq!(gained, []);
    }
    assert!(!trap.exists(), "the hook of another repository has run");
    // The trap works: the hook runs where a push reaches the repository.
    site.bob.must_git(&["push", "--quiet", &elsewhere.display().to_string(), "HEAD:main"]);
    assert!(trap.exists());
}

#[test]
fn nothing_but_git_can_be_asked_for() {
    let site = Site::new();
    let _sshd = Sshd::new(&site);
    let own = repository(&site);
    site.alice_pushes_and_bob_approves(&own, &own);
    let (mark, repo) = (site.root().join("mark"), site.path(REPOSITORY));
    let fill = |command: &str| {
        let command = command.replace("MARK", &mark.display().to_string());
        command.replace("REPO", &repo.display().to_string())
    };
    // The way is open for what Git asks for.
    let said = ssh(&site.bob, &[], &[&fill("git-receive-pack 'REPO'")], "0000");
    assert!(said.succeeded && said.out.contains("refs/heads/main"), "{said:?}");

    let cases: [(&[&str], &str); 26] = [
        (&[], ""),
        (&["-tt"], ""),
        (&[], "touch MARK"),
        (&[], "sh -c 'touch MARK'"),
        (&[], "git-receive-pack 'REPO'; touch MARK"),
        (&[], "git-receive-pack 'REPO'\ntouch MARK"),
        (&[], "git-receive-pack '$(touch MARK)'"),
        (&[], "git-receive-pack 'REPO/$(touch MARK)'"),
        (&[], "git-receive-pack `touch MARK`"),
        (&[], "git-receive-pack 'REPO' --advertise-refs"),
        (&[], "git-receive-pack --advertise-refs 'REPO'"),
        (&[], "git-receive-pack '--advertise-refs' 'REPO'"),
        (&[], "git-receive-pack --help"),
        (&[], "git-receive-pack"),
        (&[], "git -c core.hooksPath=/dev/null receive-pack 'REPO'"),
        (&[], "git --exec-path=REPO receive-pack 'REPO'"),
        (&[], "git --git-dir=REPO update-ref -d refs/heads/main"),
        (&[], "git --git-dir=REPO config core.hooksPath /dev/null"),
        (&[], "env REMOTE_USER=alice git-receive-pack 'REPO'"),
        (&[], "REMOTE_USER=alice git-receive-pack 'REPO'"),
        (&[], "git-shell -c \"git-receive-pack 'REPO'\""),
        (&[], "/usr/local/lib/jit/git-as alice"),
        (&[], "cvs server"),
        (&[], "scp -t REPO/hooks"),
        (&["-s"], "sftp"),
        (&["-s"], "git-receive-pack"),
    ];
    for (options, command) in cases {
        let command = fill(command);
        let words: &[&str] = if command.is_empty() { &[] } else { &[&command] };
        let input = fill("touch MARK\n");
        let (said, gained) = site.must_fail(|| ssh(&site.bob, options, words, &input));
        assert!(!said.out.contains("refs/heads"), "{options:?} {command}: {said:?}");
        // A command that begins as Git's do comes as far as `git-shell`, no other does; requests of ssh itself end before.
        let passed_on = !options.is_empty() || command.starts_with("git-receive-pack '/");
        assert!(passed_on || said.err.contains("git-as: no such command"), "{options:?} {command}: {said:?}");
        assert_eq!(gained, [], "{options:?} {command}");
        assert!(!mark.exists(), "{options:?} {command} has run a command");
    }
}
