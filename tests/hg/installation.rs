//! Installing into a central Mercurial repository: what it keeps, what it refuses, and how it goes away again.

use crate::guard::Guard;
use crate::hg::{Ran, TestHg, Transport};
use crate::support::ALICE;
use jit::domain::audit::Event;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const NEVER: &str = "[[rule]]\nname = \"never\"\nbranches = [\"default\"]\ndeny = true\n";

fn doctor(guard: &Guard) -> Ran {
    guard.jit("doctor", &[])
}

#[test]
fn installing_again_changes_nothing_and_uninstalling_leaves_what_was_there() {
    let hg = TestHg::new();
    let hgrc = hg.server().join(".hg/hgrc");
    let theirs = "# ours since 2009\n[hooks]\nchangegroup.mail = true\n[web]\ncontact = bob";
    fs::write(&hgrc, theirs).expect("written");
    let guard = Guard::of(hg, NEVER);
    let (entries, settings, state) = (guard.entries().len(), fs::read(&hgrc).expect("read"), guard.hg.server_state());
    let ran = guard.jit("install", &["--server"]);
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert!(ran.said.contains("jit: renewed: every push to"), "{}", ran.said);
    assert_eq!((guard.entries().len(), guard.hg.server_state()), (entries, state));
    assert_eq!(fs::read(&hgrc).expect("read"), settings);
    assert!(String::from_utf8_lossy(&settings).starts_with(theirs));

    let said = doctor(&guard);
    assert_eq!(said.code, Some(0), "{}", said.said);
    assert!(!said.said.contains("FAIL"), "{}", said.said);

    guard.change("src/a", "change");
    guard.refused(ALICE, Transport::Ssh, &[], &["`never` says never"]);
    assert_eq!(guard.jit("uninstall", &[]).code, Some(0));
    assert_eq!(fs::read_to_string(&hgrc).expect("read"), theirs);
    assert!(matches!(guard.entries().pop().map(|entry| entry.event), Some(Event::Uninstall(_))));
    assert_eq!(guard.push(ALICE, Transport::Ssh, &[]).code, Some(0), "nothing is judged any more");
    assert!(guard.jit("uninstall", &[]).said.contains("nothing was changed"));
    let said = doctor(&guard);
    assert_eq!(said.code, Some(1));
    assert!(said.said.contains("are missing or changed"), "{}", said.said);
}

#[test]
fn a_web_server_that_runs_already_asks_with_the_next_push() {
    let hg = TestHg::new();
    let early = hg.clone("early");
    hg.change(&early, "src/a", "early");
    assert_eq!(hg.push(&early, Transport::Http, &[]).code, Some(0), "nothing is judged yet");
    let guard = Guard::of(hg, NEVER);
    guard.change("src/a", "change");
    guard.refused(ALICE, Transport::Http, &[], &["`never` says never"]);
}

#[test]
fn clients_are_shown_the_policy_and_the_requests_have_a_place() {
    let guard = Guard::new(NEVER);
    let (hg, server) = (&guard.hg, guard.hg.server());
    let shown = "branch('jit-approvals') and public() and closed()";
    let first = guard.server_ids(shown);
    assert_eq!(first.len(), 1);
    let text = hg.ok(&server, &["log", "--rev", shown, "--template", "{desc}"]);
    assert!(text.starts_with("jit-policy/v1\n{") && text.contains("deny = true"), "{text}");

    let policies = guard.write_policy("");
    let ran = guard.jit("policy apply", &["--yes", &policies]);
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    let both = guard.server_ids(shown);
    assert_eq!(both.len(), 2);
    let head = guard.server_ids(&format!("head() and {shown}"));
    assert_eq!(guard.server_ids(&format!("parents({})", head[0].hex())), first);
    guard.change("src/a", "change");
    guard.accepted(ALICE, Transport::Ssh, &[]);

    let sibling = hg.path("server-requests");
    assert_eq!(hg.ok(&sibling, &["config", "phases.publish"]), "False\n");
    assert!(fs::read_to_string(sibling.join(".hg/hgrc")).expect("settings").contains("pretxnclose.jit"));
    assert_eq!(guard.jit("audit verify", &[]).code, Some(0));
}

/// A server without `jit`, and what `jit install` says of it.
fn refused(prepare: impl Fn(&TestHg), arguments: &[&str], words: &str) {
    let hg = TestHg::new();
    prepare(&hg);
    let (server, state) = (hg.server(), hg.path("state").to_string_lossy().into_owned());
    let before = fs::read(server.join(".hg/hgrc")).ok();
    let mut install = hg.command(Path::new(crate::support::PROGRAM), hg.root.path());
    install.args(["install", "--state-dir", &state]).args(arguments).arg(&server);
    let ran: Ran = install.output().expect("jit starts").into();
    assert!(!matches!(ran.code, Some(0)), "installed, without `{words}`: {}", ran.said);
    assert!(ran.said.contains(words), "no `{words}` in: {}", ran.said);
    assert_eq!(fs::read(server.join(".hg/hgrc")).ok(), before, "{words}");
    assert!(!server.join(".hg/jit/config.toml").exists(), "{words}");
}

fn again(hg: &TestHg, arguments: &[&str]) {
    fs::remove_dir_all(hg.server()).expect("removed");
    hg.ok(hg.root.path(), arguments);
}

#[test]
fn what_cannot_be_protected_is_refused() {
    let mode = |path: &'static str, mode: u32| {
        move |hg: &TestHg| {
            let path = hg.server().join(path);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
    };
    refused(mode(".hg", 0o777), &[], "can be written by others");
    refused(mode(".hg/store", 0o775), &[], "can be written by others");
    refused(|hg| again(hg, &["init", "server"]), &[], "has no changeset");
    refused(
        |hg| again(hg, &["init", "server", "--config", "experimental.treemanifest=true"]),
        &[],
        "the repository needs `treemanifest`",
    );
    let no_default = |hg: &TestHg| {
        again(hg, &["init", "server"]);
        hg.write(&hg.server(), "a", "a\n");
        hg.ok(&hg.server(), &["branch", "--quiet", "other"]);
        hg.commit(&hg.server(), "one");
    };
    refused(no_default, &[], "neither an open branch `default` nor a bookmark `@`");
    let share = |hg: &TestHg| {
        fs::rename(hg.server(), hg.path("source")).expect("moved");
        hg.ok(hg.root.path(), &["--config", "extensions.share=", "share", "--quiet", "source", "server"]);
    };
    refused(share, &["--server"], "is a share: the history stands in");
    refused(|hg| fs::create_dir(hg.path("server-requests")).expect("a folder"), &[], "requests belong there");
}

#[test]
fn a_default_path_means_the_clients_side_unless_somebody_insists() {
    for (arguments, is_server) in [(&[][..], false), (&["--server"][..], true)] {
        let hg = TestHg::new();
        let (server, state) = (hg.server(), hg.path("state").to_string_lossy().into_owned());
        fs::write(server.join(".hg/hgrc"), "[paths]\ndefault = /srv/x\n").expect("written");
        let mut install = hg.command(Path::new(crate::support::PROGRAM), hg.root.path());
        install.args(["install", "--state-dir", &state]).args(arguments).arg(&server);
        let ran: Ran = install.output().expect("jit starts").into();
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.said);
        let hgrc = fs::read_to_string(server.join(".hg/hgrc")).expect("readable");
        assert!(hgrc.starts_with("[paths]\ndefault = /srv/x\n"), "{hgrc}");
        assert_eq!(hgrc.contains("pretxnclose.jit"), is_server, "{hgrc}");
        assert_eq!(hgrc.contains("pre-push.jit"), !is_server, "{hgrc}");
        assert_eq!(server.join(".hg/jit/config.toml").exists(), is_server);
    }
}

#[test]
fn without_hg_installation_says_how_to_get_it() {
    let hg = TestHg::new();
    let mut install = hg.command(Path::new(crate::support::PROGRAM), hg.root.path());
    let ran: Ran = install.env("PATH", hg.root.path()).arg("install").arg(hg.server()).output().expect("starts").into();
    assert_eq!(ran.code, Some(3), "{}", ran.said);
    assert!(ran.said.contains("cannot run hg") && ran.said.contains("hint: install Mercurial"), "{}", ran.said);
}

#[test]
fn doctor_finds_what_lets_a_push_around_or_keeps_all_out() {
    type Tamper = fn(&Guard);
    let append = |path: &Path, more: &str| {
        let old = fs::read_to_string(path).expect("read");
        fs::write(path, old + more).expect("written");
    };
    let guard = Guard::new(NEVER);
    let hgrc = guard.hg.server().join(".hg/hgrc");
    let cases: [(&str, Tamper); 6] = [
        ("are missing or changed", |guard| {
            let hgrc = guard.hg.server().join(".hg/hgrc");
            let changed = fs::read_to_string(&hgrc).expect("read").replace("pretxnclose.jit =", "pretxnclose.x =");
            fs::write(&hgrc, changed).expect("written");
        }),
        ("scripts are not this version's", |guard| {
            fs::write(guard.hg.server().join(".hg/jit/jit_facts.py"), "").expect("written");
        }),
        ("can be written by others", |guard| {
            let hgrc = guard.hg.server().join(".hg/hgrc");
            fs::set_permissions(&hgrc, fs::Permissions::from_mode(0o666)).expect("a mode");
        }),
        ("publishes what is pushed to it", |guard| {
            fs::write(guard.hg.path("server-requests/.hg/hgrc"), "").expect("written");
        }),
        ("server-requests is missing", |guard| {
            fs::remove_dir_all(guard.hg.path("server-requests")).expect("removed");
        }),
        ("clients see another policy", |guard| {
            fs::write(guard.hg.server().join(".hg/jit/policies/more.toml"), "version = 1\n").expect("written");
        }),
    ];
    for (words, tamper) in cases {
        tamper(&guard);
        let said = doctor(&guard);
        assert_eq!(said.code, Some(1), "{words}: {}", said.said);
        let found = said.stdout.lines().any(|line| line.contains("FAIL") && line.contains(words));
        assert!(found, "{words} in {}", said.said);
        fs::set_permissions(&hgrc, fs::Permissions::from_mode(0o644)).expect("a mode");
        assert_eq!(guard.jit("install", &["--server"]).code.map(|code| code < 4), Some(true));
    }
    append(&hgrc, "[jit]\ntimeout = 1\n");
    let said = doctor(&guard);
    assert!(said.stdout.contains("another configuration file gives jit.timeout another value"), "{}", said.said);
}
