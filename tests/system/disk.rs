//! A full and a read-only file system, and a log and token store of a hundred thousand entries.

use crate::small_disk::{fill, on_small_disk};
use crate::support::{ALICE, BOB, Guarded as _, MAIN, PROGRAM, TestRepo, run};
use std::fs;

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\", \"release\"]\n\
                     require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// How many entries and tokens a busy server has after some years.
const MANY: u64 = 100_000;

#[test]
fn on_a_full_disk_nothing_lands_and_with_room_it_goes_on() {
    for folder in ["server.git/jit", "state"] {
        let repo = TestRepo::new(RULES);
        repo.accepted(ALICE, &["HEAD:refs/heads/before"]);
        let _mounted = on_small_disk(&repo.path(folder));
        let mut refused = 0;
        // What fits into the journal's last page is recorded on a full disk too; a few pushes fill the page.
        for (number, pages) in [0, 0, 0, 0, 1, 2, 3].into_iter().enumerate() {
            let filler = fill(&repo.path(folder), pages * 4096);
            let (before, refname) = (repo.all_refs(), format!("HEAD:refs/heads/topic-{number}"));
            repo.commit(ALICE, &["a"]);
            let said = repo.push(ALICE, &[&refname]);
            refused += usize::from(!said.succeeded());
            assert!(said.succeeded() || repo.all_refs() == before, "{}", said.err);
            fs::remove_file(filler).expect("removed");
            // Of a line that did not fit, the beginning may stand there until the next one is written.
            repo.commit(ALICE, &["a"]);
            repo.accepted(ALICE, &[&refname]);
            repo.log_is_sound();
            assert_eq!(repo.last_decision().updates[0].found, None);
        }
        // The state folder is written after the landing only.
        assert_eq!(refused > 0, folder != "state", "{refused}");
    }
}

#[test]
fn on_a_read_only_disk_nothing_lands() {
    let repo = TestRepo::new(RULES);
    repo.accepted(ALICE, &["HEAD:refs/heads/before"]);
    let mounted = on_small_disk(&repo.path("server.git/jit"));
    mounted.read_only(true);
    let before = repo.all_refs();
    repo.commit(ALICE, &["a"]);
    let said = repo.push(ALICE, &["HEAD:refs/heads/topic"]);
    assert!(!said.succeeded() && said.err.contains("Read-only file system"), "{}", said.err);
    assert_eq!(repo.all_refs(), before);
    mounted.read_only(false);
    repo.accepted(ALICE, &["HEAD:refs/heads/topic"]);
}

/// What a hook asks of the system, whatever it reads from memory: how many calls, and how many bytes they read.
fn effort(repo: &TestRepo, line: &str) -> (usize, u64) {
    let file = repo.path("trace");
    let mut strace = repo.as_pusher("strace", ALICE);
    strace.args(["-qq", "-o", file.to_str().expect("a plain path"), "--", PROGRAM, "hook", "pre-receive"]);
    strace.env("GIT_DIR", ".").current_dir(repo.server());
    let said = run(strace, line.as_bytes());
    assert_eq!(said.code, Some(1), "{}", said.err);
    let trace = fs::read_to_string(file).expect("a trace");
    let reads = trace.lines().filter(|line| line.starts_with("read(") || line.starts_with("pread64("));
    let bytes = reads.filter_map(|line| line.rsplit_once(" = ")?.1.parse::<u64>().ok()).sum();
    (trace.lines().count(), bytes)
}

#[test]
fn a_long_log_and_many_tokens_cost_a_push_nothing() {
    let repo = TestRepo::new(RULES);
    let commit = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    let line = format!("{} {} {MAIN}\n", repo.server_tip(MAIN).expect("a value").hex(), commit.hex());
    effort(&repo, &line);
    let few = effort(&repo, &line);
    effort(&repo, &format!("{} {} refs/heads/release\n", "0".repeat(40), commit.hex()));
    repo.repeat_newest_entry(MANY);
    for number in 0..MANY {
        let folder = repo.jit_path(&format!("tokens/{:02x}/{number:038x}", number % 256));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("0".repeat(64)), "not looked at").expect("written");
    }
    // The first pushes after that read the new lines, each as many as its time allows.
    let caught_up = (0..20).any(|_| run(repo.hook("pre-receive"), line.as_bytes()).code == Some(1));
    assert!(caught_up, "the log is never read to its end");
    effort(&repo, &line);
    let many = effort(&repo, &line);
    assert!(many.0 <= few.0 + 20 && many.1 <= few.1 + 8_192, "calls and bytes: {few:?}, then {many:?}");
    repo.approve(BOB, commit, MAIN);
    let said = repo.push(ALICE, &["HEAD:main"]);
    assert!(said.succeeded(), "{}", said.err);
}
