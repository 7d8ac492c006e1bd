//! A Mercurial server on a full and on a read-only file system.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::small_disk::{fill, on_small_disk};
use crate::support::ALICE;
use std::fs;

#[test]
fn on_a_full_disk_nothing_lands_in_mercurial_and_with_room_it_goes_on() {
    let guard = Guard::new("");
    let folder = guard.hg.server().join(".hg/jit");
    let _mounted = on_small_disk(&folder);
    let mut refused = 0;
    // What fits into the journal's last page is recorded on a full disk too; a few pushes fill the page.
    for (number, pages) in [0, 0, 0, 0, 1, 2].into_iter().enumerate() {
        let filler = fill(&folder, pages * 4096);
        guard.change("src/a", &format!("full {number}"));
        let before = guard.hg.server_state();
        let ran = guard.push(ALICE, Transport::Ssh, &[]);
        refused += usize::from(ran.code == Some(255));
        assert!(ran.code == Some(0) || guard.hg.server_state() == before, "{}", ran.said);
        fs::remove_file(filler).expect("removed");
        let commit = guard.change("src/a", &format!("room {number}"));
        guard.accepted(ALICE, Transport::Ssh, &[]);
        assert_eq!(guard.server_ids("default"), [commit]);
        guard.log_is_sound();
        assert_eq!(guard.decisions().pop().expect("a decision").updates[0].found, None);
    }
    assert!(refused > 0);
}

#[test]
fn on_a_read_only_disk_nothing_lands_in_mercurial() {
    let guard = Guard::new("");
    let mounted = on_small_disk(&guard.hg.server().join(".hg/jit"));
    mounted.read_only(true);
    guard.change("src/a", "change");
    let before = guard.hg.server_state();
    let ran = guard.push(ALICE, Transport::Ssh, &[]);
    assert!(ran.code == Some(255) && ran.said.contains("Read-only file system"), "{}", ran.said);
    assert_eq!(guard.hg.server_state(), before);
    mounted.read_only(false);
    guard.accepted(ALICE, Transport::Ssh, &[]);
}
