//! What people see of requests in Mercurial, over ssh and HTTP: the clone of whoever looks stays as it is.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL, one, states, time};
use jit::domain::time::Span;

const TWO: &str = "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\npaths = [\"src/**\"]\n\
                   require = [{ role = \"maintainers\", approvals = 2 }]\n";

/// The ids and states that `jit pending` lists.
#[track_caller]
fn pending(desk: &Desk<'_>, arguments: &[&str]) -> Vec<(String, String)> {
    states(&desk.json(&[&["pending"], arguments].concat(), 0))
}

#[test]
fn a_request_is_looked_at_from_clones_that_stay_as_they_are_until_it_lands() {
    {
        let transport = Transport::Ssh;
        let guard = Guard::new(TWO);
        let (alice, bob, carol) =
            (guard.desk(ALICE, transport), guard.desk(BOB, transport), guard.desk(CAROL, transport));
        let server = guard.hg.server().to_string_lossy().into_owned();
        let commit = alice.change("src/a", "change").hex();
        let refused = alice.push(&[]);
        let asked = alice.json(&["request", &commit, "-m", "please"], 0);
        let id = asked["request"].as_str().expect("an id").to_owned();
        assert!(refused.said.contains(&format!("jit sign {id}")), "{}", refused.said);

        let before = bob.seen();
        assert_eq!((pending(&bob, &[]), pending(&alice, &[])), (one(&id, "open"), vec![]));
        let seen = bob.json(&["show", &id, "--diff"], 0);
        assert_eq!((&seen["state"], &seen["reason"]), (&"open".into(), &"please".into()));
        assert_eq!((&seen["files"][0]["path"], &seen["matched"][0]["paths"][0]), (&"src/a".into(), &"src/a".into()));
        assert!(seen["diff"].as_str().expect("a patch").contains("+++ b/src/a"), "{seen}");
        assert_eq!(time(&seen["waits_until"]), time(&seen["opened"]).plus(Span::days(7)));
        assert_eq!(bob.seen(), before, "the clone has changed");
        let central = bob.json(&["show", &id, "--diff", "--repo", &server], 0);
        assert_eq!((&central["state"], &central["could_sign"]), (&"open".into(), &serde_json::json!(["bob", "carol"])));
        assert_eq!((&central["diff"], &central["commits"]), (&seen["diff"], &seen["commits"]));

        bob.must(&["reject", &id, "--reason", "not \u{1b}[31mthis way", "--yes"]);
        assert_eq!(pending(&carol, &["--all"]), one(&id, "denied"));
        let said = carol.must(&["show", &id]);
        assert!(said.contains("rejected by bob") && said.contains("not \\u{1b}[31mthis way"), "{said}");
        bob.must(&["sign", &id, "--yes"]);
        assert_eq!((pending(&bob, &[]), pending(&carol, &[])), (vec![], one(&id, "open")));
        carol.must(&["sign", &id, "--yes"]);
        for place in [&["show", &id][..], &["show", &id, "--repo", &server]] {
            let shown = carol.json(place, 0);
            let ends = shown["rules"][0]["tokens"].as_array().expect("a list").iter().map(|one| time(&one["until"]));
            assert_eq!((&shown["state"], time(&shown["use_before"])), (&"approved".into(), ends.min().expect("two")));
        }
        let pushed = alice.push(&[]);
        assert_eq!(pushed.code, Some(0), "{}", pushed.said);
        assert_eq!(carol.json(&["show", &id, "--repo", &server], 0)["state"], "landed");
        assert_eq!(pending(&carol, &["--all"]), vec![]);
    }
}

#[test]
fn a_newer_tip_of_the_same_person_supersedes() {
    let guard = Guard::new(TWO);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Http));
    let server = guard.hg.server().to_string_lossy().into_owned();
    alice.change("src/a", "change");
    assert_eq!(alice.push(&[]).code, Some(255));
    let listed = alice.json(&["pending", &server], 0);
    let first = listed["requests"][0]["request"].as_str().expect("an id").to_owned();
    assert_eq!(listed["requests"][0]["requester"], "alice");
    alice.change("src/a", "change again");
    assert_eq!(alice.push(&[]).code, Some(255));
    let second = alice.json(&["request", "."], 0)["request"].as_str().expect("an id").to_owned();
    let shown = bob.json(&["show", &first, "--repo", &server], 0);
    assert_eq!((&shown["state"], &shown["ended"]["by"]), (&"superseded".into(), &second.as_str().into()));
    assert_eq!(pending(&bob, &[]), one(&second, "open"));
    assert_eq!(pending(&bob, &[&server]), one(&second, "open"));
}
