//! Tokens (docs/spec/token.md) against `vectors/tokens`, and against the real `ssh-keygen`.

use crate::token_vectors::{self, Vector};
use data_encoding::BASE64;
use jit::adapters::ssh;
use jit::domain::approval::{PublicKey, SignedToken, Token, export_armored, signed_bytes};
use jit::ports::signer::Signer;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/vectors/tokens")
}

fn generated() -> BTreeMap<String, String> {
    let file = |vector: &Vector| {
        let json = serde_json::to_string_pretty(vector).expect("plain strings");
        (format!("{}.json", vector.name), format!("{json}\n"))
    };
    token_vectors::all().iter().map(file).collect()
}

/// An error and its causes on one line; transparent layers say a thing once.
fn chain(error: &dyn Error) -> String {
    let mut lines = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        lines.push(inner.to_string());
        cause = inner.source();
    }
    lines.join(": ")
}

#[test]
fn every_vector_is_judged_as_it_says() {
    for vector in token_vectors::all() {
        let judged = SignedToken::parse(&vector.text());
        match (&judged, &vector.id, &vector.error) {
            (Ok(signed), Some(id), None) => {
                assert_eq!(&signed.id.to_string(), id, "{}", vector.name);
                assert_eq!(signed.text, vector.token, "{}", vector.name);
            }
            (Err(error), None, Some(expected)) => assert_eq!(&chain(error), expected, "{}", vector.name),
            _ => panic!("{}: {judged:?}", vector.name),
        }
    }
}

/// After a change of the format that was meant: read the difference, then copy the fresh ones over.
#[test]
fn the_vectors_on_disk_are_those_of_this_version() {
    let generated = generated();
    assert_eq!(generated.len(), token_vectors::all().len(), "two vectors have one name");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("token-vectors");
    fs::create_dir_all(&fresh).expect("made");
    for (name, text) in &generated {
        fs::write(fresh.join(name), text).expect("written");
    }
    let on_disk: BTreeSet<String> = fs::read_dir(folder())
        .expect("the vectors are there")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    let names: BTreeSet<String> = generated.keys().cloned().collect();
    assert_eq!(on_disk, names, "the fresh vectors stand in {}", fresh.display());
    for (name, expected) in generated {
        let stored = fs::read_to_string(folder().join(&name)).expect("a vector");
        assert_eq!(stored, expected, "{name}; the fresh vectors stand in {}", fresh.display());
    }
}

/// The specification, and the token that it shows.
fn page() -> (String, SignedToken) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/spec/token.md")).expect("a page");
    let shown = page.lines().find(|line| line.starts_with("jit1.")).expect("an example");
    let signed = SignedToken::parse(shown).expect("the example is a token");
    (page, signed)
}

#[test]
fn the_specification_shows_a_token_that_is_accepted() {
    let (page, signed) = page();
    let message = signed.token.message().expect("a message");
    assert!(page.contains(&format!("```text\n{message}```")), "the page shows another message");
    assert!(page.contains(&signed.id.to_string()), "the page names another id");
    assert!(page.contains(&signed.key.openssh()), "the page names another key");
    assert!(page.contains(&export_armored(&signed).expect("a signature")), "the page shows another signature");
}

/// Runs a program with `input`; tells whether it was content, and what it said.
fn run(program: &str, folder: &Path, options: &[&str], input: &[u8]) -> (bool, String) {
    let mut child = Command::new(program)
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // It may have refused and gone before it read everything.
    let _broken_pipe = child.stdin.take().expect("piped").write_all(input);
    let out = child.wait_with_output().expect("the program ends");
    let said = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn verify(folder: &Path, signed: &SignedToken, key: &PublicKey, message: &str) -> (bool, String) {
    fs::write(folder.join("signers"), format!("alice namespaces=\"jit-token@v1\" {}\n", key.openssh()))
        .expect("written");
    fs::write(folder.join("token.sig"), export_armored(signed).expect("a signature")).expect("written");
    let options = ["-Y", "verify", "-f", "signers", "-I", "alice", "-n", "jit-token@v1", "-s", "token.sig"];
    run("ssh-keygen", folder, &options, message.as_bytes())
}

#[test]
fn ssh_keygen_verifies_what_was_exported() {
    let scratch = TempDir::new().expect("a folder");
    for vector in token_vectors::all().iter().filter(|vector| vector.id.is_some()) {
        let signed = SignedToken::parse(&vector.token).expect("a good token");
        let message = signed.token.message().expect("a message");
        let (good, said) = verify(scratch.path(), &signed, &signed.key, &message);
        assert!(good && said.contains("Good \"jit-token@v1\" signature"), "{}: {said}", vector.name);
    }
}

#[test]
fn ssh_keygen_refuses_another_message_and_another_signer() {
    let scratch = TempDir::new().expect("a folder");
    let good = token_vectors::all().into_iter().find(|vector| vector.name == "approve").expect("a vector");
    let signed = SignedToken::parse(&good.token).expect("a good token");
    let message = signed.token.message().expect("a message");
    let bob = ed25519_dalek::SigningKey::from_bytes(&[b'b'; 32]).verifying_key().to_bytes();
    let bob = PublicKey::new(bob).expect("bob's key");
    assert!(verify(scratch.path(), &signed, &signed.key, &message).0);
    assert!(!verify(scratch.path(), &signed, &signed.key, &message.replace("main", "release")).0);
    assert!(!verify(scratch.path(), &signed, &bob, &message).0);
}

#[test]
fn the_specifications_script_prepares_a_token_for_ssh_keygen() {
    let (page, signed) = page();
    let (_, after) = page.split_once("```python\n").expect("a script");
    let (script, _) = after.split_once("```").expect("its end");
    let scratch = TempDir::new().expect("a folder");
    let (done, said) = run("python3", scratch.path(), &["-c", script], signed.text.as_bytes());
    assert!(done, "{said}");
    let signers = page.lines().find(|line| line.starts_with("alice namespaces=")).expect("a signers file");
    fs::write(scratch.path().join("signers"), format!("{signers}\n")).expect("written");
    let message = fs::read(scratch.path().join("message")).expect("a message");
    let options = ["-Y", "verify", "-f", "signers", "-I", "alice", "-n", "jit-token@v1", "-s", "message.sig"];
    let (good, said) = run("ssh-keygen", scratch.path(), &options, &message);
    assert!(good && said.starts_with("Good \"jit-token@v1\" signature for alice"), "{said}");
}

#[test]
fn a_signature_of_ssh_keygen_makes_the_same_token() {
    let scratch = TempDir::new().expect("a folder");
    let path = scratch.path().join("key");
    let key = ssh::create(&path, "alice@laptop", None).expect("a new key");
    let signer = ssh::load(&path, &|_| Err(std::io::Error::other("nobody is asked"))).expect("opened");
    let token = Token::parse_message(token_vectors::APPROVAL.as_bytes()).expect("a message");
    let ours = signer.sign(&signed_bytes(token_vectors::APPROVAL.as_bytes())).expect("signed");
    let ours = SignedToken::from_parts(token.clone(), key, ours).expect("a token");

    fs::write(scratch.path().join("message"), token_vectors::APPROVAL).expect("written");
    let (done, said) =
        run("ssh-keygen", scratch.path(), &["-Y", "sign", "-f", "key", "-n", "jit-token@v1", "message"], b"");

    assert!(done, "{said}");
    let theirs = fs::read_to_string(scratch.path().join("message.sig")).expect("a signature");
    assert_eq!(export_armored(&ours).expect("a signature"), theirs);
    let blob: String = theirs.lines().filter(|line| !line.starts_with('-')).collect();
    let blob = BASE64.decode(blob.as_bytes()).expect("base64");
    let raw = blob.last_chunk::<64>().expect("a signature at the end");
    assert_eq!(SignedToken::from_parts(token, key, *raw), Ok(ours));
}
