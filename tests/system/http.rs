//! Pushes over HTTP: the login that the web server has checked is the pusher, and no header is.

use crate::site::{Decided, REPOSITORY, Site};
use crate::web::{Stranger, Web, push};

fn site() -> Site {
    let site = Site::new();
    for person in [&site.alice, &site.bob, &site.mallory] {
        person.configure("");
    }
    site
}

#[test]
fn two_people_push_and_approve_over_http() {
    let site = site();
    let web = Web::new(&site, Stranger::Asked);
    site.alice_pushes_and_bob_approves(&web.url(&site.alice), &web.url(&site.bob));
}

#[test]
fn no_header_makes_somebody_else_of_a_pusher() {
    let site = site();
    let web = Web::new(&site, Stranger::Asked);
    site.alice_pushes_and_bob_approves(&web.url(&site.alice), &web.url(&site.bob));
    let commit = site.bob_approves_what_alice_seems_to_have_written("more.txt");
    let url = web.url(&site.bob);
    let cases: [&[&str]; 7] = [
        &[],
        &["Remote-User: alice"],
        &["REMOTE_USER: alice"],
        &["X-Remote-User: alice", "X-Forwarded-User: alice", "From: alice@example.com"],
        &["Git-Protocol: version=1\u{b}REMOTE_USER=alice"],
        &["GIT_CONFIG_COUNT: 1", "GIT_CONFIG_KEY_0: core.hooksPath", "GIT_CONFIG_VALUE_0: /dev/null"],
        &["Proxy: alice", "Auth-Type: None", "Script-Name: /", "Content-Language: alice"],
    ];
    for headers in cases {
        site.must_be_bobs(&format!("{headers:?}"), || push(&site.bob, &url, headers));
    }
    // What failed above lands as soon as she pushes it.
    let said = push(&site.bob, &web.url(&site.alice), &["Remote-User: bob"]);
    assert!(said.succeeded, "{}", said.err);
    assert_eq!(site.main(), commit);
}

#[test]
fn nobody_is_served_without_a_right_password() {
    let site = site();
    let web = Web::new(&site, Stranger::Asked);
    site.alice_pushes_and_bob_approves(&web.url(&site.alice), &web.url(&site.bob));
    site.bob_approves_what_alice_seems_to_have_written("more.txt");
    for login in ["", "alice:bob-password@", "alice:@", ":@", "bob:alice-password@"] {
        let (said, gained) = site.must_fail(|| push(&site.bob, &web.url_with(login), &["Remote-User: alice"]));
        assert!(
            said.err.contains("could not read Username") || said.err.contains("Authentication failed"),
            "{}",
            said.err
        );
        assert_eq!(gained, [], "{login}: no hook runs");
    }
}

#[test]
fn somebody_without_a_login_is_turned_away_by_git_and_is_nobody_where_git_lets_them_in() {
    let site = site();
    let web = Web::new(&site, Stranger::Asked);
    site.alice_pushes_and_bob_approves(&web.url(&site.alice), &web.url(&site.bob));
    site.bob_approves_what_alice_seems_to_have_written("more.txt");

    // A web server without `Require`.
    let web = Web::new(&site, Stranger::Passed);
    let headers = ["Remote-User: alice", "REMOTE_USER: alice"];
    let (said, gained) = site.must_fail(|| push(&site.bob, &web.url_with(""), &headers));
    assert!(said.err.contains("403"), "{}", said.err);
    assert_eq!(gained, [], "no hook runs");

    // And the setting that the page warns of.
    site.must_sh(&format!("git --git-dir={REPOSITORY} config http.receivepack true"));
    let (said, gained) = site.must_fail(|| push(&site.bob, &web.url_with(""), &headers));
    assert!(said.err.contains("nobody knows who pushes"), "{}", said.err);
    assert_eq!(gained, [Decided { login: None, verdict: "deny".to_owned() }]);
}
