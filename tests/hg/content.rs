//! What `jit sign` and `jit reject` write of a change's content, and how that follows a rebase and an amended message.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL};

const FOLLOWING: &str = "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\npaths = [\"!other/**\"]\nbind = \"content\"\n\
                         require = [{ role = \"leads\", approvals = 1 }]\n";

fn here(desk: &Desk<'_>) -> String {
    desk.hg(&["log", "--rev", ".", "--template", "{node}"])
}

#[test]
fn an_approval_follows_a_rebase_and_a_rejection_an_amended_message() {
    let guard = Guard::new(FOLLOWING);
    let desk = |who| guard.desk(who, Transport::Ssh);
    let (alice, bob, carol) = (desk(ALICE), desk(BOB), desk(CAROL));
    alice.change("src/a", "one");
    let asked = alice.change("src/b", "two").hex();
    alice.must(&["request", &asked]);
    bob.must(&["sign", &asked, "--yes"]);

    carol.change("other/c", "something else");
    let pushed = carol.push(&[]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.said);
    alice.hg(&["pull", "--quiet", "--rebase", "--config", "extensions.rebase="]);
    let rebased = here(&alice);
    assert_ne!(rebased, asked);
    let status = alice.json(&["status", &rebased], 0);
    assert!(status.to_string().contains("\"who\":\"bob\""), "{status}");

    alice.must(&["request", &rebased]);
    carol.must(&["reject", &rebased, "--reason", "not yet", "--yes"]);
    alice.hg(&["commit", "--amend", "--quiet", "--message", "better words"]);
    let amended = here(&alice);
    let refused = alice.push(&[]);
    assert_eq!(refused.code, Some(255), "{}", refused.said);
    assert!(refused.said.contains("rejected by carol") && refused.said.contains("not yet"), "{}", refused.said);
    alice.must(&["request", &amended]);
    let said = carol.must(&["sign", &amended, "--yes"]);
    assert!(said.contains("takes your rejection"), "{said}");
    let pushed = alice.push(&[]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.said);
}
