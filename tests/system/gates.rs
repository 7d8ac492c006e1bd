//! Gates over ssh: a pipeline's key asks for gates as the login of its line, and can do nothing else.

use crate::page;
use crate::person::{PROGRAM, Said};
use crate::site::{REPOSITORY, Site};
use crate::sshd::{Sshd, repository, ssh, ssh_options, url};

/// The page's line for a pipeline, for the holder of `public_key`.
fn pipeline_line(public_key: &str) -> String {
    let page = include_str!("../../docs/spec/gate-server.md");
    let line = page.lines().find(|line| line.starts_with("restrict,command=")).expect("the page gives a line");
    let (options, _key) = line.split_once(" ssh-ed25519 ").expect("the line holds a key");
    format!("{} {public_key}\n", options.replace("jit gate-server", &format!("{PROGRAM} gate-server")))
}

#[test]
fn a_pipelines_key_asks_for_gates_and_can_do_nothing_else() {
    let site = Site::new();
    let mut lines = [&site.alice, &site.bob].map(|person| page::key_line(person.name, &person.public_key())).to_vec();
    // Whoever holds the key is in no policy; the line calls them `ci`.
    lines.push(pipeline_line(&site.mallory.public_key()));
    let _sshd = Sshd::start(&site, &page::block("# sshd_config"), &lines);
    let own = repository(&site);
    site.alice_pushes_and_bob_approves(&own, &own);
    let (runner, commit) = (&site.mallory, site.main());
    let ask = || -> Said {
        let mut jit = runner.command(PROGRAM);
        jit.env("GIT_SSH_COMMAND", format!("ssh {}", ssh_options(runner)));
        let server = url(&site, REPOSITORY);
        jit.args([
            "gate",
            "deploy",
            "--environment",
            "production",
            "--rev",
            &commit,
            "--server",
            &server,
            "--wait",
            "0s",
        ]);
        crate::person::run(jit, "")
    };
    let asked = ask();
    assert!(!asked.succeeded && asked.out.starts_with("waits: gate deploy of production"), "{asked:?}");
    site.bob.must_jit(&["sign", &commit, "--environment", "production", "--yes"]);
    let opened = ask();
    assert!(opened.succeeded && opened.out.starts_with("opened: gate deploy of production"), "{opened:?}");
    let pending = site.must_sh(&format!("jit audit show {REPOSITORY} --format json"));
    assert!(pending.out.contains(r#""kind":"gate""#) && pending.out.contains(r#""login":"ci""#), "{}", pending.out);

    let before = site.refs();
    let mark = site.root().join("mark");
    for command in
        [format!("git-receive-pack '{}'", site.path(REPOSITORY).display()), format!("touch {}", mark.display())]
    {
        let said = ssh(runner, &[], &[&command], "0000");
        assert!(said.out.starts_with("jit-gate/v1\nfailed 2\n"), "{command}: {said:?}");
    }
    assert!(!mark.exists());
    assert_eq!(site.refs(), before);
    site.log_is_sound();
}
