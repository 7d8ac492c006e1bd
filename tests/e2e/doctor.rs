//! `jit doctor` on an installation that was tampered with.

use crate::support::{Guarded, TestRepo};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const DENY: &str = "[[rule]]\nname = \"frozen\"\nbranches = [\"main\"]\ndeny = true\n";

fn chmod(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_sound_installation_is_found_sound() {
    let repo = TestRepo::new(DENY);
    let server = repo.server();
    let said = repo.jit(&["doctor", server.to_str().expect("a plain path")]);
    assert!(said.succeeded(), "{}\n{}", said.text(), said.err);
    assert!(!said.text().contains("FAIL"));
}

#[test]
fn what_would_let_a_push_around_the_installation_is_found() {
    type Tamper = fn(&TestRepo);
    let cases: [(&str, Tamper); 9] = [
        ("not executable", |repo| chmod(&repo.server().join("hooks/pre-receive"), 0o644)),
        ("pre-receive is missing", |repo| fs::remove_file(repo.server().join("hooks/pre-receive")).expect("removed")),
        ("not the script", |repo| fs::write(repo.server().join("hooks/pre-receive"), "#!/bin/sh\n").expect("written")),
        ("can be led around", |repo| drop(repo.server_git(&["config", "--unset", "core.hooksPath"]))),
        ("can be written by others", |repo| chmod(&repo.server().join("config"), 0o666)),
        ("can be written by others", |repo| chmod(&repo.jit_path("policies"), 0o777)),
        ("every push is denied", |repo| {
            fs::write(repo.jit_path("policies/rules.toml"), "version = 2").expect("written")
        }),
        ("clients cannot see the policy", |repo| drop(repo.server_git(&["update-ref", "-d", "refs/jit/policy"]))),
        ("cvsserver", |repo| drop(repo.server_git(&["config", "gitcvs.enabled", "true"]))),
    ];
    for (words, tamper) in cases {
        let repo = TestRepo::new(DENY);
        tamper(&repo);
        let server = repo.server();
        let said = repo.jit(&["doctor", server.to_str().expect("a plain path")]);
        assert_eq!(said.code, Some(1), "{words}: {}", said.text());
        let found = said.text().lines().any(|line| line.contains("FAIL") && line.contains(words));
        assert!(found, "{words} in {}", said.text());
    }
}
