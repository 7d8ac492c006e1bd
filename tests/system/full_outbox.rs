//! Notices, where there is no room left to keep them.

use crate::notify_desk::{happen_numbered, notify, repo, status, webhook};
use crate::notify_server::{Answer, Server};
use crate::small_disk::{fill, on_small_disk};
use crate::support::{ALICE, Guarded as _};
use std::collections::BTreeSet;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn on_a_full_disk_no_notice_is_forgotten_and_no_push_refused() {
    let server = Server::new(Answer::Status(200));
    let repo = repo(&webhook("hook", &server.url("")));
    assert_eq!(notify(&repo, "deliver", &[]).code, Some(0));
    let _mounted = on_small_disk(&repo.jit_path("notify"));
    let (mut happened, mut full) = (0, 0);
    for pages in [0, 0, 1, 2, 3, 4] {
        let filler = fill(&repo.jit_path("notify"), pages * 4096);
        happen_numbered(&repo, happened..happened + 3);
        happened += 3;
        let said = notify(&repo, "deliver", &["--now"]);
        let has_failed = said.code == Some(3) && said.err.contains("No space left");
        assert!(has_failed || said.code == Some(0), "{:?}: {}", said.code, said.err);
        full += usize::from(has_failed);
        fs::remove_file(filler).expect("removed");
    }
    assert!(full > 0);
    let filler = fill(&repo.jit_path("notify"), 0);
    happen_numbered(&repo, happened..happened + 1);
    repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/free"]);
    fs::remove_file(filler).expect("removed");
    // The process that the push started may be at it; whoever is, nothing is forgotten.
    let wanted: BTreeSet<String> = (0..=happened).map(|number| format!("alice-{number}")).collect();
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        notify(&repo, "deliver", &["--now"]);
        let told: BTreeSet<String> = server
            .received()
            .iter()
            .filter_map(|one| one.json()["by"][0].as_str().map(str::to_owned))
            .filter(|who| who.starts_with("alice-"))
            .collect();
        if told == wanted && status(&repo, "hook")["waiting"] == 0 {
            break;
        }
        assert!(Instant::now() < end, "forgotten: {:?}", wanted.difference(&told));
        sleep(Duration::from_millis(100));
    }
}
