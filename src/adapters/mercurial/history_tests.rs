//! What is made of the script's answers, good and bad.

use super::MercurialHistory;
use super::changelog::{bytes_of, node_of};
use super::request::Request;
use super::wire::tests::answer;
use crate::domain::change::{Action, ChangesetId, IdKind, RefUpdate};
use crate::domain::name::RuleName;
use crate::ports::history::{History as _, HistoryError, Need, OwnPaths, Selection};
use proptest::prelude::*;
use std::io::Sink;

type Answer = Vec<(u8, Vec<u8>)>;

fn open(answers: &[Answer]) -> MercurialHistory<std::io::Cursor<Vec<u8>>, Sink> {
    let field = |bytes: &[u8]| [&u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    let pair = |key: &str, value: &str| (b'H', [field(key.as_bytes()), field(value.as_bytes())].concat());
    let header = answer(&[pair("hook", "pretxnclose"), pair("folder", "/r/.hg/jit"), pair("repository", "/r")]);
    let answers: Vec<u8> = answers.iter().flat_map(|records| answer(records)).collect();
    let bytes = [super::PREFACE, &header, &answers].concat();
    MercurialHistory::new(Request::replay(std::io::Cursor::new(bytes)).expect("a request"))
}

fn all(history: &mut MercurialHistory<std::io::Cursor<Vec<u8>>, Sink>) -> Result<Vec<RefUpdate>, HistoryError> {
    let mut updates = history.ref_updates()?;
    for update in &mut updates {
        let selection = || Selection { rule: RuleName::new("r").expect("a name"), picks: Box::new(|_| true) };
        let (hidden, promoted) = (vec![selection()], vec![selection()]);
        history.load(
            update,
            &Need { own_paths: OwnPaths::All, lines: None, trailers: true, whole: true, hidden, promoted },
        )?;
        history.reachable_bases(update, &update.old.iter().copied().collect())?;
    }
    Ok(updates)
}

/// A changeset with the node that its text has, as in a `C` record.
fn changeset(parent: Option<ChangesetId>, message: &str) -> (ChangesetId, Vec<u8>) {
    let text = format!("{}\nalice\n0 0\n\n{message}", "1".repeat(40));
    let node = node_of([bytes_of(parent.as_ref()), [0; 20]], text.as_bytes());
    let id = ChangesetId::from_bytes(IdKind::HgSha1, &node).expect("not null");
    (id, [&node[..], &bytes_of(parent.as_ref()), &[0; 20], text.as_bytes()].concat())
}

fn nodes(ids: &[ChangesetId]) -> Vec<u8> {
    let count = u32::try_from(ids.len()).expect("few").to_be_bytes();
    [&count[..], &ids.iter().flat_map(|id| id.as_bytes().to_vec()).collect::<Vec<_>>()].concat()
}

fn branch(old: &[ChangesetId], new: &[ChangesetId]) -> (u8, Vec<u8>) {
    let lists = [nodes(old), nodes(&[]), nodes(new), nodes(&[])].concat();
    (b'B', [&[0, 0, 0, 1, b'd', 0][..], &lists].concat())
}

/// A conversation about one changeset on top of another.
fn conversation() -> Vec<Answer> {
    let (base, _) = changeset(None, "base");
    let (tip, record) = changeset(Some(base), "tip");
    let stays = [b"a\0", "1".repeat(40).as_bytes(), b"\n"].concat();
    let comes = [b"B\0", "2".repeat(40).as_bytes(), b"\n"].concat();
    let piece = [&[0, 0, 0, 43][..], &stays, &[0, 0, 0, 86], &comes, &stays].concat();
    let target = [b"b\0\0\0\x01d", &nodes(&[base])[..]].concat();
    vec![
        vec![branch(&[base], &[tip])],
        vec![(b'I', tip.as_bytes().to_vec())],
        vec![(b'I', base.as_bytes().to_vec())],
        vec![(b'C', record)],
        vec![(b'V', target)],
        vec![(b'I', tip.as_bytes().to_vec())],
        vec![(b'D', [tip.as_bytes(), &piece].concat())],
        vec![(b'I', base.as_bytes().to_vec())],
    ]
}

#[test]
fn a_recorded_conversation_is_read_as_if_it_were_held_now() {
    let updates = all(&mut open(&conversation())).expect("a whole conversation");
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].actions, [Action::Update]);
    let paths = updates[0].changesets[0].own_paths.as_ref().expect("asked for");
    assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["B"]);
    assert_eq!(updates[0].reachable_bases.iter().copied().collect::<Vec<_>>(), updates[0].old);
}

#[test]
fn an_answer_about_something_else_is_refused() {
    let (other, record) = changeset(None, "other");
    let (tip, _) = changeset(Some(changeset(None, "base").0), "tip");
    let cases: [(usize, Answer); 8] = [
        (0, vec![(b'X', vec![])]),
        (0, vec![(b'U', b"treemanifest".to_vec())]),
        (0, vec![branch(&[], &[]), (b'K', vec![0, 0, 0, 0])]),
        (2, vec![(b'I', other.as_bytes().to_vec())]),
        (3, vec![(b'C', record[1..].to_vec())]),
        (6, vec![]),
        (6, vec![(b'D', other.as_bytes().to_vec())]),
        (6, vec![(b'D', tip.as_bytes().to_vec()), (b'D', tip.as_bytes().to_vec())]),
    ];
    for (place, records) in cases {
        let mut answers = conversation();
        answers[place] = records;
        assert!(all(&mut open(&answers)).is_err(), "{place}: {:?}", answers[place]);
    }
    let whole = conversation();
    for length in 0..whole.len() {
        assert!(all(&mut open(&whole[..length])).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_answers_make_the_reader_panic(
        place in 0usize..8,
        tag in proptest::sample::select(b"ULBKTPOCIALDVX".to_vec()),
        payload in proptest::collection::vec(any::<u8>(), 0..80),
        flip in any::<proptest::sample::Index>(),
    ) {
        let mut answers = conversation();
        if let Some((_, old)) = answers[place].first_mut() {
            let at = flip.index(old.len());
            old[at] ^= payload.first().copied().unwrap_or(1);
        }
        let _ = all(&mut open(&answers));
        answers[place].push((tag, payload));
        let _ = all(&mut open(&answers));
    }
}
