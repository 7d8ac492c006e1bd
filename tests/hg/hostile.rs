//! Names, paths, messages and claims that are not what they seem, and servers that are broken: judged for what they are, or refused.

use crate::guard::Guard;
use crate::hg::{Ran, Transport, hg, write_program};
use crate::support::{ALICE, BOB, PROGRAM};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";
const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"default\"]\npaths = [\"**/db/**\"]\n\
                          require = [{ role = \"leads\", approvals = 1 }]\n";
const NEEDS: &str = "`migrations` needs 1 approval";

/// A path without a line end, which a manifest has no room for.
const PATHS: [&[u8]; 9] = [
    "\u{e9}.sql".as_bytes(),
    b"a\"b.sql",
    b"a\tb",
    "\u{202e}lqs.txt".as_bytes(),
    b"-rf",
    b"a\\b",
    b" ",
    b"\xff\xfe.sql",
    b"\x1b[2J",
];

#[test]
fn a_path_of_any_bytes_is_matched_as_it_is() {
    let rule = |number: usize| {
        format!(
            "[[rule]]\nname = \"r{number}\"\nbranches = [\"default\"]\npaths = [\"db/{number}/*\"]\n\
             require = [{{ role = \"leads\", approvals = 1 }}]\n"
        )
    };
    let guard = Guard::new(&(0..PATHS.len()).map(rule).collect::<String>());
    for (number, path) in PATHS.iter().enumerate() {
        let folder = guard.work.join(format!("db/{number}"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(OsStr::from_bytes(path)), "x").expect("written");
    }
    guard.commit("many names");
    let said = guard.refused(ALICE, Transport::Ssh, &[], &[]);
    for (number, path) in PATHS.iter().enumerate() {
        assert!(said.contains(&format!("`r{number}` needs 1 approval")), "{path:?}: {said}");
    }
}

#[test]
fn a_name_of_any_characters_is_judged_and_steers_no_terminal() {
    let guard = Guard::new(
        "[[rule]]\nname = \"names\"\nbookmarks = [\"x*\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n",
    );
    let (url, base) = (guard.hg.url_of("alice", Transport::Ssh), guard.id_of("0").hex());
    let before = guard.hg.server_state();
    for name in ["x\u{1b}[2Jjit: allowed", "x\u{202e}y", "x\"y", "x\ty", "x\u{e9}", "x%41", "x,y", "x'\\"] {
        let ran = guard.hg.hg(&guard.work, &["debugpushkey", &url, "bookmarks", name, "", &base]);
        assert!(ran.said.contains("`names` needs 1 approval"), "{name:?}: {}", ran.said);
        assert!(!ran.said.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.said);
        assert_eq!(guard.hg.server_state(), before, "{name:?}");
    }
    guard.log_is_sound();
}

/// Names a bookmark twice in one push: first what is approved, then what is not.
const TWICE: &str = r#"
from mercurial import bookmarks
for rev in sys.argv[3:]:
    names = [(b'stable', repo[rev.encode()].node())]
    bundler.newpart(b'bookmarks', data=bookmarks.binaryencode(repo, names))
send()
"#;

#[test]
fn a_bookmark_is_what_the_server_finds_whatever_a_client_claims() {
    let guard = Guard::new(
        "[[rule]]\nname = \"stable\"\nbookmarks = [\"stable\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n",
    );
    let [base, one, two] =
        [guard.id_of("0"), guard.change("src/a", "one"), guard.change("src/a", "two")].map(|id| id.hex());
    guard.accepted(ALICE, Transport::Ssh, &[]);
    let url = guard.hg.url_of("alice", Transport::Ssh);
    guard.approve(BOB, guard.id_of(&one), "bookmark:stable", "create", &[]);
    let before = guard.hg.server_state();
    let said = guard.hg.send_bundle(&guard.work, TWICE, &[&url, &one, &two]);
    assert_eq!(guard.hg.server_state(), before, "twice: {said}");
    guard.hg.send_bundle(&guard.work, TWICE, &[&url, &one]);
    let before = guard.hg.server_state();
    assert!(before.contains(&format!("{one} public  stable")), "{before}");
    // A deletion dressed as a creation, a move from where it is not, a creation of what is there.
    for (old, new) in [("", base.as_str()), (&base, &two), (&two, &base), ("", "")] {
        let ran = guard.hg.hg(&guard.work, &["debugpushkey", &url, "bookmarks", "stable", old, new]);
        assert_eq!(guard.hg.server_state(), before, "{old} {new}: {}", ran.said);
    }
    guard.log_is_sound();
}

#[test]
fn a_tag_of_what_comes_later_is_judged_when_that_comes() {
    let guard =
        Guard::new("[[rule]]\nname = \"tags\"\ntags = [\"v*\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n");
    let later = guard.change("src/a", "later");
    guard.hg.ok(&guard.work, &["update", "--quiet", "0"]);
    guard.hg.ok(&guard.work, &["branch", "--quiet", "tags"]);
    guard.hg.ok(&guard.work, &["tag", "--force", "--rev", &later.hex(), "v1"]);
    guard.accepted(ALICE, Transport::Ssh, &["--new-branch", "--rev", "."]);
    let words = ["alice may not create tag:v1", "`tags` needs 1 approval"];
    guard.refused(ALICE, Transport::Ssh, &["--rev", &later.hex()], &words);
    guard.approve(BOB, later, "tag:v1", "create", &[]);
    guard.accepted(ALICE, Transport::Ssh, &["--rev", &later.hex()]);
}

#[test]
fn wide_and_deep_folders_are_looked_into() {
    let wide = MIGRATIONS.replace("migrations", "wide").replace("**/db/**", "wide/f05000");
    let guard = Guard::new(&format!("{MIGRATIONS}{wide}"));
    for number in 0..10_000 {
        guard.hg.write(&guard.work, &format!("wide/f{number:05}"), "");
    }
    guard.hg.write(&guard.work, &format!("{}db/f", "d/".repeat(200)), "x");
    guard.commit("wide and deep");
    guard.refused(ALICE, Transport::Ssh, &[], &["`wide` needs 1 approval", NEEDS]);
}

#[test]
fn a_message_of_ten_megabytes_is_judged_and_shown_nowhere() {
    let guard = Guard::new(REVIEW);
    let message = "\u{1b}[2J\u{9b}31mjit: allowed\n\u{202e}".repeat(500_000);
    assert!(message.len() > 10_000_000);
    let file = guard.hg.path("message");
    fs::write(&file, &message).expect("written");
    guard.hg.write(&guard.work, "src/a", "change\n");
    guard.hg.ok(&guard.work, &["commit", "--quiet", "--logfile", &file.to_string_lossy()]);
    let said = guard.refused(ALICE, Transport::Ssh, &[], &["`review` needs 1 approval"]);
    assert!(said.len() < 10_000 && !said.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{} bytes", said.len());
    let journal = guard.audit_paths().audit_dir.join("journal/00000000.jsonl");
    assert!(fs::metadata(journal).expect("a journal").len() < 100_000);
}

#[test]
fn a_history_that_is_spoilt_is_not_judged() {
    let guard = Guard::new(MIGRATIONS);
    guard.change("src/a", "one");
    guard.accepted(ALICE, Transport::Ssh, &[]);
    guard.change("src/b", "two");
    let before = guard.hg.server_state();
    let path = guard.hg.server().join(".hg/store/00manifest.i");
    let sound = fs::read(&path).expect("a revlog");
    let mut flipped = sound.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    for spoilt in [&flipped, &sound[..sound.len() - 1], &[]] {
        fs::write(&path, spoilt).expect("written");
        let ran = guard.push(ALICE, Transport::Ssh, &[]);
        fs::write(&path, &sound).expect("written");
        assert_eq!(ran.code, Some(255), "{} bytes: {}", spoilt.len(), ran.said);
        assert_eq!(guard.hg.server_state(), before, "{} bytes", spoilt.len());
    }
    guard.accepted(ALICE, Transport::Ssh, &[]);
}

#[test]
fn a_push_of_nothing_starts_no_hook() {
    let guard = Guard::new(REVIEW);
    let entries = guard.entries().len();
    for transport in [Transport::Ssh, Transport::Http] {
        let ran = guard.push(ALICE, transport, &[]);
        assert_eq!(ran.code, Some(1), "{}", ran.said);
    }
    assert_eq!(guard.entries().len(), entries);
}

#[test]
fn a_repository_that_was_moved_takes_nothing_until_it_is_installed_again() {
    let guard = Guard::new("");
    guard.change("src/a", "change");
    let (server, moved) = (guard.hg.server(), guard.hg.path("moved"));
    fs::rename(&server, &moved).expect("moved");
    let url = format!("ssh://alice@host/{}", moved.display());
    let tip = || guard.hg.ok(&moved, &["log", "--rev", "tip", "--template", "{node}"]);
    let before = tip();
    let push = || guard.hg.hg(&guard.work, &["push", &url]);
    let ran = push();
    assert_eq!((ran.code, tip()), (Some(255), before), "{}", ran.said);
    let mut install = guard.hg.command(Path::new(PROGRAM), guard.hg.root.path());
    let ran: Ran = install.args(["install", "--server"]).arg(&moved).output().expect("jit starts").into();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    let ran = push();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    fs::rename(&moved, &server).expect("moved back");
    guard.log_is_sound();
}

#[test]
fn the_hooks_need_neither_a_home_folder_nor_a_search_path() {
    let guard = Guard::new(REVIEW);
    let (bare, server) = (guard.hg.path("bare.sh"), guard.hg.server());
    let serve = format!(
        "#!/bin/sh\nexec /usr/bin/env -i REMOTE_USER=alice {} -R {} serve --stdio\n",
        hg().display(),
        server.display()
    );
    write_program(&bare, &serve);
    let ssh = format!("ui.ssh={}", bare.display());
    guard.change("src/a", "change");
    guard.refused(ALICE, Transport::Ssh, &["--config", &ssh], &["alice may not update", "`review` needs 1 approval"]);
    guard.hg.ok(&guard.work, &["branch", "--quiet", "free"]);
    guard.hg.ok(&guard.work, &["commit", "--quiet", "--amend", "--message", "change"]);
    guard.accepted(ALICE, Transport::Ssh, &["--new-branch", "--config", &ssh]);
}

#[test]
fn a_log_that_may_not_grow_denies_in_mercurial_too() {
    let guard = Guard::new("");
    for blocks in [0, 1, 2] {
        let sound = guard.put_before_program(&format!("ulimit -f {blocks}\nexec $PROGRAM \"$@\""));
        guard.change("src/a", &format!("change {blocks}"));
        let before = guard.hg.server_state();
        let ran = guard.push(ALICE, Transport::Ssh, &[]);
        assert_eq!((ran.code, guard.hg.server_state()), (Some(255), before), "{blocks}: {}", ran.said);
        guard.set_configuration(&sound);
        guard.accepted(ALICE, Transport::Ssh, &[]);
    }
}
