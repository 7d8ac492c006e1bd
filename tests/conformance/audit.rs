//! The log's format (docs/spec/audit-log.md): a good journal, and bad ones with what an audit must say of each.
//!
//! `vectors/audit/` holds FORMAT, `blobs/`, `good.jsonl` and `bad/*.jsonl`. The key is the Ed25519 seed of 32
//! times the letter `l`. `cases.txt` has a line for each journal: file, sound entries, tab, the report (`-`: sound).

use ed25519_dalek::SigningKey;
use jit::adapters::disk::log::{AuditPaths, Depth, verify};
use jit::domain::audit::{Frame, Hash, Origin, SignedCheckpoint, Tree, VerifierKey, encode_refs, leaf_hash};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/vectors/audit")
}

fn keys() -> (SigningKey, VerifierKey) {
    let signer = SigningKey::from_bytes(&[b'l'; 32]);
    let origin = Origin::new("git.example.com/payments").expect("an origin");
    let key = VerifierKey::of(origin, &signer);
    (signer, key)
}

/// Signs leaves in their order, as a log would if nothing stopped it.
fn journal(leaves: &[String]) -> String {
    let (signer, key) = keys();
    let mut tree = Tree::default();
    let line = |leaf: &String| {
        tree.push(leaf_hash(leaf.as_bytes()), |_| {});
        let head = SignedCheckpoint::sign(tree.size(), tree.root(), &key, &signer);
        let frame = Frame { leaf: leaf.as_bytes(), size: tree.size(), root: tree.root(), signature: head.signature };
        String::from_utf8(frame.write()).expect("ASCII")
    };
    leaves.iter().map(line).collect()
}

fn refs() -> Vec<u8> {
    encode_refs(&BTreeMap::new())
}

/// Genesis, denial, its repetition, allowed decision, outcome, recovery, uninstall.
fn leaves() -> Vec<String> {
    let (_, key) = keys();
    let decision = |second: u8, verdict: &str, again: &str| {
        let updates = match again {
            "" => format!(
                r#"{{"target":"refs/heads/main","actions":["update"],"old":["git-sha1:{}"],"new":["git-sha1:{}"],"rules":[],"refused":[]}}"#,
                "01".repeat(20),
                "02".repeat(20)
            ),
            _ => String::new(),
        };
        format!(
            r#"{{"time":"2026-11-21T20:00:0{second}Z","kind":"decision","repository":"payments@5f0c","pusher":{{"login":"bob","source":"env"}},"verdict":"{verdict}","updates":[{updates}],"tokens":{{}},"policy":"{}","reasons":[],"duration_ms":3{again}}}"#,
            Hash::of(b"policy")
        )
    };
    vec![
        format!(
            r#"{{"time":"2026-11-21T20:00:00Z","kind":"genesis","repository":"payments@5f0c","origin":"git.example.com/payments","system":"git","key":"{key}","refs":{{"blob":"{}","count":0}},"version":"0.1.0"}}"#,
            Hash::of(&refs())
        ),
        decision(1, "deny", ""),
        decision(2, "deny", r#","again":{"of":1,"count":2}"#),
        decision(3, "allow", ""),
        format!(
            r#"{{"time":"2026-11-21T20:00:04Z","kind":"outcome","of":3,"applied":[{{"target":"refs/heads/main","value":["git-sha1:{}"]}}],"how":"applied","settled":false}}"#,
            "02".repeat(20)
        ),
        r#"{"time":"2026-11-21T19:00:00Z","kind":"recovery","what":"accept-restore","size":5,"reason":"clock"}"#.into(),
        r#"{"time":"2026-11-21T19:00:01Z","kind":"uninstall","by":"alice"}"#.into(),
    ]
}

/// The good leaves with one of them changed, and everything signed as if it were right.
fn signed(index: usize, from: &str, to: &str) -> String {
    let mut leaves = leaves();
    let changed = leaves[index].replacen(from, to, 1);
    assert_ne!(changed, leaves[index], "{from} is there");
    leaves[index] = changed;
    journal(&leaves)
}

/// The good journal with one text replaced and nothing signed again.
fn spoilt(from: &str, to: &str) -> String {
    let good = journal(&leaves());
    let changed = good.replacen(from, to, 1);
    assert_ne!(changed, good, "{from} is there");
    changed
}

/// The journal without one line.
fn without(index: usize) -> String {
    let good = journal(&leaves());
    good.lines().enumerate().filter(|(at, _)| *at != index).map(|(_, line)| format!("{line}\n")).collect()
}

/// Each bad journal, by name.
fn bad() -> Vec<(&'static str, String)> {
    let good = journal(&leaves());
    vec![
        ("empty", String::new()),
        ("torn", good[..good.len() - 30].to_owned()),
        ("leaf-changed", spoilt("bob", "eve")),
        ("size-changed", spoilt("\"size\":3", "\"size\":4")),
        ("size-leading-zero", spoilt("\"size\":3", "\"size\":03")),
        ("space-in-frame", spoilt("{\"leaf\":{", "{\"leaf\": {")),
        ("signature-missing", spoilt("\"sig\"", "\"sag\"")),
        ("signature-of-another-line", swapped_signatures(&good)),
        ("line-missing", without(2)),
        ("first-line-missing", without(0)),
        ("line-twice", good.lines().take(2).chain(good.lines().skip(1)).map(|line| format!("{line}\n")).collect()),
        ("leaf-no-json", signed(1, "\"reasons\":[]", "\"reasons\":[")),
        ("leaf-two-kinds", signed(1, "\"kind\":\"decision\"", "\"kind\":\"decision\",\"kind\":\"decision\"")),
        ("leaf-without-updates", signed(1, "\"updates\"", "\"updated\"")),
        ("genesis-of-another-log", signed(0, "git.example.com", "hg.example.com")),
        ("genesis-twice", journal(&[leaves()[0].clone(), leaves()[0].clone()])),
        ("time-goes-back", signed(2, "20:00:02", "20:00:00")),
        ("outcome-of-a-denial", signed(4, "\"of\":3", "\"of\":1")),
        ("outcome-twice", journal(&[&leaves()[..5], &leaves()[4..5]].concat())),
        ("repetition-miscounted", signed(2, "\"count\":2", "\"count\":3")),
        ("repetition-of-an-allowed-push", signed(2, "\"deny\"", "\"allow\"")),
        ("blob-missing", signed(0, &Hash::of(&refs()).to_string(), &Hash::of(b"none").to_string())),
    ]
}

fn swapped_signatures(good: &str) -> String {
    let tail = |line: &str| line[line.len() - 90..].to_owned();
    let lines: Vec<&str> = good.lines().collect();
    let changed = format!("{}{}", &lines[2][..lines[2].len() - 90], tail(lines[3]));
    good.replacen(lines[2], &changed, 1)
}

/// Audits a journal in a folder of its own; gives the number of sound entries and the report.
fn audit(journal: &str) -> (u64, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = AuditPaths {
        audit_dir: folder.path().join("audit"),
        key_file: folder.path().join("key"),
        state_dir: folder.path().join("state"),
    };
    for name in ["journal", "blobs"] {
        fs::create_dir_all(paths.audit_dir.join(name)).expect("a folder");
    }
    fs::copy(vectors().join("FORMAT"), paths.audit_dir.join("FORMAT")).expect("FORMAT");
    for blob in fs::read_dir(vectors().join("blobs")).expect("blobs") {
        let blob = blob.expect("a blob");
        fs::copy(blob.path(), paths.audit_dir.join("blobs").join(blob.file_name())).expect("a blob");
    }
    fs::write(paths.audit_dir.join("journal/00000000.jsonl"), journal).expect("a journal");
    let found = verify(&paths, Depth::Full, &[]).expect("an audit");
    (found.entries, found.fault.map_or("-".to_owned(), |fault| fault.to_string()))
}

#[test]
fn every_journal_is_judged_as_its_case_says() {
    let cases = fs::read_to_string(vectors().join("cases.txt")).expect("the cases");
    assert_eq!(cases.lines().count(), bad().len() + 1);
    for case in cases.lines() {
        let (what, report) = case.split_once('\t').expect("two columns");
        let (name, entries) = what.split_once(' ').expect("file and number");
        let journal = fs::read_to_string(vectors().join(name)).expect(name);
        assert_eq!(audit(&journal), (entries.parse().expect("a number"), report.to_owned()), "{name}");
    }
}

/// After a change of the format that was meant: read the difference, then copy the fresh ones over.
#[test]
fn the_vectors_are_what_the_format_gives() {
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audit-vectors");
    write_vectors(&fresh);
    let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).expect("a vector");
    let bad = bad().into_iter().map(|(name, _)| format!("bad/{name}.jsonl"));
    for name in ["FORMAT".to_owned(), "good.jsonl".to_owned(), "cases.txt".to_owned()].into_iter().chain(bad) {
        let (stored, made) = (read(&vectors(), &name), read(&fresh, &name));
        assert_eq!(stored, made, "{name}; the fresh vectors stand in {}", fresh.display());
    }
}

fn write_vectors(folder: &Path) {
    let (_, key) = keys();
    let write = |name: String, content: &[u8]| fs::write(folder.join(name), content).expect("a vector");
    for part in ["blobs", "bad"] {
        fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    write("FORMAT".into(), format!("jit-audit 1\n{}\n{key}\n", key.origin()).as_bytes());
    write(format!("blobs/{}", Hash::of(&refs())), &refs());
    let mut cases = String::new();
    let good = std::iter::once(("good.jsonl".to_owned(), journal(&leaves())));
    for (name, journal) in good.chain(bad().into_iter().map(|(name, text)| (format!("bad/{name}.jsonl"), text))) {
        let (entries, report) = audit(&journal);
        cases.push_str(&format!("{name} {entries}\t{report}\n"));
        write(name, journal.as_bytes());
    }
    write("cases.txt".into(), cases.as_bytes());
}
