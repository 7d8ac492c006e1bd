//! Contents (docs/spec/token.md, "Content") against `vectors/contents.json`, which another program wrote.

use data_encoding::HEXLOWER;
use jit::domain::change::{Changeset, ChangesetId, ContentId, IdKind, Leaf, Room, contents};
use serde_json::Value;
use std::convert::Infallible;

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().expect("hex digits").as_bytes()).expect("hex digits")
}

fn leaf(side: &Value) -> Option<Leaf> {
    let mode = u32::from_str_radix(side.get("mode")?.as_str()?, 8).expect("octal digits");
    Some(Leaf::new(mode, &bytes(&side["bytes"])))
}

fn id(number: usize) -> ChangesetId {
    let number = u8::try_from(number + 1).expect("few commits");
    ChangesetId::from_bytes(IdKind::GitSha1, &[number; 20]).expect("not zero")
}

fn commit(number: usize) -> Changeset {
    Changeset {
        id: id(number),
        parents: vec![id(number + 1)],
        authors: Vec::new(),
        committer: None,
        summary: Vec::new(),
        own_paths: None,
        lines: None,
        trailers: None,
    }
}

/// The content of the whole line, from its first commit on.
fn content(commits: &[Value]) -> Option<ContentId> {
    let changesets: Vec<Changeset> = (0..commits.len()).map(commit).collect();
    let Ok(found) = contents(&changesets, Room::ALL, |changeset, line| {
        let place = changesets.iter().rev().position(|one| one.id == changeset.id).expect("one of them");
        let changes = commits[place].as_array().expect("a list");
        let mut changes: Vec<_> = changes.iter().map(|one| (bytes(&one["path"]), one)).collect();
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        let mut add = |(path, change): &(Vec<u8>, &Value)| {
            line.add(path, leaf(&change["old"]).as_ref(), leaf(&change["new"]).as_ref())
        };
        Ok::<bool, Infallible>(changes.iter().all(&mut add))
    });
    found.into_iter().find(|(_, found)| found.end == id(0)).map(|(content, _)| content)
}

#[test]
fn every_content_is_the_one_that_another_program_computed() {
    let cases: Value = serde_json::from_str(include_str!("vectors/contents.json")).expect("JSON");
    let cases = cases.as_array().expect("a list");
    assert!(cases.len() > 5);
    for case in cases {
        let found = content(case["commits"].as_array().expect("a list"));
        assert_eq!(found.map(|content| content.to_string()).as_deref(), case["content"].as_str(), "{}", case["what"]);
    }
    let page = include_str!("../../docs/spec/token.md");
    assert!(page.contains(cases[0]["content"].as_str().expect("a digest")), "the page's example is the first case");
}
