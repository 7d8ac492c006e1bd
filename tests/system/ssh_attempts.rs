//! What a client says of itself over ssh: without effect on the server of the page, and with effect where a part of it is missing.

use crate::page;
use crate::person::Said;
use crate::site::Site;
use crate::sshd::{Sshd, repository, set_ssh, ssh};

/// The client's variables that would switch the hooks off.
const NO_HOOKS: &str = "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null";

/// What a client may try: words before ssh, arguments of ssh, arguments of `git push`.
const ATTEMPTS: [(&str, &str, &[&str]); 8] = [
    ("", "", &[]),
    ("env REMOTE_USER=alice", "-o SendEnv=REMOTE_USER", &[]),
    ("", "-o SetEnv=REMOTE_USER=alice", &[]),
    ("env GIT_PROTOCOL=REMOTE_USER=alice", "-o SendEnv=GIT_PROTOCOL", &[]),
    (
        "env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null REMOTE_USER=alice",
        "-o SendEnv=GIT_* -o SendEnv=REMOTE_USER",
        &[],
    ),
    ("env GIT_CONFIG_PARAMETERS=\\\"'core.hooksPath'='/dev/null'\\\"", "-o SendEnv=GIT_CONFIG_PARAMETERS", &[]),
    ("env GIT_EXEC_PATH=/nonexistent GIT_TEMPLATE_DIR=/tmp GIT_TRACE=1", "-o SendEnv=GIT_*", &[]),
    ("", "", &["-o", "REMOTE_USER=alice", "-o", "jit-pusher=alice"]),
];

/// Lets bob push HEAD to `main` with the words `before` ssh and the arguments `more` of ssh.
fn push(site: &Site, before: &str, more: &str, arguments: &[&str]) -> Said {
    set_ssh(&site.bob, before, more);
    let mut all = vec!["push"];
    all.extend(arguments);
    let url = repository(site);
    all.extend([url.as_str(), "HEAD:main"]);
    let said = site.bob.git(&all);
    set_ssh(&site.bob, "", "");
    said
}

/// Runs every attempt; the server must take bob for bob.
#[track_caller]
fn all_attempts_are_bobs(site: &Site) {
    for (before, more, arguments) in ATTEMPTS {
        site.must_be_bobs(&format!("{before} ssh {more} {arguments:?}"), || push(site, before, more, arguments));
    }
}

/// The page's configuration, but for what it accepts from clients.
fn accepting(names: &str) -> String {
    let config = page::block("# sshd_config");
    assert!(config.contains("AcceptEnv GIT_PROTOCOL\n"), "{config}");
    config.replace("AcceptEnv GIT_PROTOCOL\n", &format!("AcceptEnv {names}\n"))
}

/// A site where bob has committed in alice's name and approved it himself.
fn site() -> Site {
    let site = Site::new();
    let sshd = Sshd::new(&site);
    let url = repository(&site);
    site.alice_pushes_and_bob_approves(&url, &url);
    site.bob_approves_what_alice_seems_to_have_written("more.txt");
    drop(sshd);
    site
}

/// Bob's line in the file of keys with `command` in place of the page's program.
fn bobs_line_with(site: &Site, command: &str) -> String {
    format!("restrict,command=\"{command}\" {}\n", site.bob.public_key())
}

#[test]
fn nothing_that_a_client_sends_changes_who_pushes_or_which_hooks_run() {
    let site = site();
    let _sshd = Sshd::new(&site);
    all_attempts_are_bobs(&site);
}

#[test]
fn the_forced_command_holds_also_where_sshd_accepts_too_much() {
    let site = site();
    let line = page::key_line("bob", &site.bob.public_key());
    let _sshd = Sshd::start(&site, &accepting("GIT_* REMOTE_USER"), &[line]);
    all_attempts_are_bobs(&site);
}

#[test]
fn sshd_holds_also_where_the_forced_command_empties_nothing() {
    let site = site();
    let line = bobs_line_with(&site, "REMOTE_USER=bob exec git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"");
    let _sshd = Sshd::start(&site, &page::block("# sshd_config"), &[line]);
    all_attempts_are_bobs(&site);
}

#[test]
fn without_either_a_client_switches_the_hooks_off() {
    let site = site();
    let line = bobs_line_with(&site, "REMOTE_USER=bob exec git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"");
    let _sshd = Sshd::start(&site, &accepting("GIT_*"), &[line]);
    let (before, known) = (site.main(), site.decisions());
    let said = push(&site, &format!("env {NO_HOOKS}"), "-o SendEnv=GIT_*", &[]);
    assert!(said.succeeded, "{}", said.err);
    assert_ne!(site.main(), before);
    assert_eq!(site.decisions(), known, "no hook has run");
}

#[test]
fn without_either_a_client_says_who_it_is() {
    let site = site();
    let line = bobs_line_with(&site, "exec git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"");
    let _sshd = Sshd::start(&site, &accepting("REMOTE_USER"), &[line]);
    let said = push(&site, "env REMOTE_USER=alice", "-o SendEnv=REMOTE_USER", &[]);
    assert!(said.succeeded, "{}", said.err);
    assert_eq!(site.decisions().last(), Some(&crate::flow::decided("alice", "allow")));
}

#[test]
fn another_program_on_the_server_cannot_be_asked_to_receive() {
    let site = site();
    let _sshd = Sshd::new(&site);
    let refused = "git-as: no such command or repository";
    let cases = [
        ("git -c core.hooksPath=/dev/null receive-pack", refused),
        ("env REMOTE_USER=alice git-receive-pack", refused),
        ("REMOTE_USER=alice git-receive-pack", refused),
        ("git-receive-pack --stateless-rpc", refused),
        ("/usr/bin/git-receive-pack", refused),
        ("sh -c true ; git-receive-pack", refused),
        // The rest begins as it should; `git-shell` finds what follows.
        ("git-receive-pack '/srv/git/payments.git' ;", "bad argument"),
        ("git-receive-pack '/srv/git/payments.git' --stateless-rpc", "bad argument"),
        ("git-receive-pack '/srv/git/payments.git' && REMOTE_USER=alice git-receive-pack", "bad argument"),
    ];
    for (program, words) in cases {
        let option = site.here(&format!("--receive-pack={program}"));
        let (said, gained) = site.must_fail(|| push(&site, "", "", &[&option]));
        assert!(said.err.contains(words), "{program}: {}", said.err);
        assert_eq!(gained, [], "{program}");
    }
}

#[test]
fn the_server_forwards_nothing() {
    let site = Site::new();
    let sshd = Sshd::new(&site);
    // To sshd itself, which would greet.
    let said = ssh(&site.bob, &["-W", &format!("127.0.0.1:{}", sshd.port())], &[], "");
    assert!(!said.succeeded && !said.out.contains("SSH-2.0"), "{said:?}");
    // The way there is open without ssh.
    let mut greeting = [0; 7];
    let mut direct = std::net::TcpStream::connect(("127.0.0.1", sshd.port())).expect("it listens");
    std::io::Read::read_exact(&mut direct, &mut greeting).expect("it greets");
    assert_eq!(&greeting, b"SSH-2.0");
}
