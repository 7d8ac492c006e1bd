//! Named branches, over every transport.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB};

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

#[test]
fn a_push_is_refused_until_it_is_approved() {
    let guard = Guard::new(REVIEW);
    let base = guard.server_ids("default");
    let commit = guard.change("src/a", "change");
    for transport in [Transport::Ssh, Transport::Http] {
        guard.refused(ALICE, transport, &[], &["jit: denied: alice may not update branch:default"]);
        guard.refused(ALICE, transport, &["-q"], &["`review` needs 1 approval from `leads`", "jit sign"]);
    }
    guard.approve(BOB, commit, "branch:default", "update", &base);
    let said = guard.accepted(ALICE, Transport::Http, &[]);
    assert!(said.contains("jit:   `review` is met: bob (leads)"), "{said}");
}
