//! The names that Mercurial gives transactions: each that the documentation lists is made to happen.

use crate::branches::world;
use crate::hg::Transport;
use jit::adapters::mercurial::Treatment;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../docs/mercurial.md");

/// The names of the table, each with whether it is judged.
fn documented() -> Vec<(String, bool)> {
    let rows = DOCUMENT.lines().filter(|line| line.ends_with("| judged |") || line.ends_with("| recorded |"));
    let mut names = Vec::new();
    for row in rows {
        let first = row.split('|').nth(1).expect("a first column");
        names.extend(first.split('`').skip(1).step_by(2).map(|name| (name.to_owned(), row.ends_with("| judged |"))));
    }
    names
}

#[test]
fn every_transaction_that_the_documentation_names_is_judged_or_recorded_as_it_says() {
    let (test, judge, clone) = world(
        "[extensions]\nstrip =\n[ui]\nusername = Bob <bob@example.com>\n[phases]\npublish = no\n[experimental]\nevolution = all",
    );
    let server = test.server();
    test.ok(&server, &["update", "-q", "tip"]);
    let url = test.url(Transport::Local);
    let evolve = ["--config", "experimental.evolution=all"];
    test.change(&clone, "src/a", "pushed");
    assert_eq!(test.push(&clone, Transport::Local, &[]).code, Some(0));
    test.change(&clone, "src/b", "served");
    assert_eq!(test.push(&clone, Transport::Ssh, &[]).code, Some(0));
    let (one, two) = (test.node(&clone, "desc(pushed)"), test.node(&clone, "desc(served)"));
    test.ok(&clone, &["debugpushkey", &url, "bookmarks", "new", "", &one]);
    test.ok(&clone, &["debugpushkey", &url, "phases", &one, "1", "0"]);
    test.change(&clone, "src/a", "bundled");
    let bundle = test.path("more.hg").to_string_lossy().into_owned();
    test.ok(&clone, &["bundle", "-q", "--base", &two, "-r", "tip", &bundle]);
    test.ok(&server, &["unbundle", "-q", &bundle]);
    test.change(&clone, "src/a", "pulled");
    test.ok(&server, &["pull", "-q", &clone.to_string_lossy()]);
    test.ok(&server, &["update", "-q", "tip"]);
    test.change(&server, "src/b", "local");
    test.ok(&server, &[&evolve[..], &["commit", "--amend", "-q", "-m", "amended"]].concat());
    test.ok(&server, &["bookmark", "here"]);
    test.ok(&server, &["debugobsolete", &"1".repeat(40)]);
    // A head beside, with which a part of what is stripped must be put back.
    test.ok(&server, &["update", "-q", &two]);
    test.change(&server, "docs/more", "beside");
    test.ok(&server, &["update", "-q", "desc(amended)"]);
    test.ok(&server, &["strip", "-q", "--force", "-r", "desc(pulled)"]);
    test.ok(&server, &["phase", "--public", "desc(beside)"]);

    let first = |name: &[u8]| String::from_utf8_lossy(name).lines().next().unwrap_or_default().to_owned();
    let happened: BTreeSet<String> =
        judge.seen("pretxnclose").iter().filter_map(|seen| seen.header.name.as_deref().map(first)).collect();
    let documented = documented();
    for (name, is_judged) in &documented {
        assert!(happened.contains(name), "{name} did not happen: {happened:?}");
        assert_eq!(Treatment::of(Some(name.as_bytes())) == Treatment::Judged, *is_judged, "{name}");
    }
    let others: Vec<&String> =
        happened.iter().filter(|name| documented.iter().all(|(known, _)| known != *name)).collect();
    assert!(others.is_empty(), "not in the documentation: {others:?}");
}
