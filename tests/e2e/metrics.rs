//! `jit metrics` on central repositories. What each figure is stands in docs/metrics.md, and is worked out in the tests beside the code.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, now, revocation};
use jit::domain::approval::{Kind, Token};
use rstest::rstest;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"*\"]\n\
                      require = [{ role = \"leads\", approvals = 1 }]\n";

fn figures(repo: &Central, arguments: &[&str]) -> Value {
    let said = repo.jit(&[&["metrics", "--format", "json"], arguments].concat());
    assert!(said.succeeded(), "{}", said.err);
    serde_json::from_slice(&said.out).expect("JSON")
}

#[rstest]
fn figures_of_pushes_are_those_of_what_happened(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let first = repo.commit(ALICE, &["a"]);
    repo.refused(ALICE, to(MAIN, first), &["needs"]);
    repo.approve(BOB, first, MAIN);
    repo.accepted(ALICE, to(MAIN, first));
    let second = repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, to(MAIN, second), &["needs"]);
    let rejection = Token { kind: Kind::Reject, ..repo.approval(second, MAIN) };
    // alice holds no role of the rule: what she says decides nothing.
    repo.keep(ALICE, rejection.clone());
    assert_eq!(figures(&repo, &[])["requests"]["waiting"]["n"], 1);
    let id = repo.keep(CAROL, rejection.clone());

    let told = figures(&repo, &["--by", "role"]);
    let ends = |told: &Value, outcome: &str| told["requests"]["outcomes"][outcome].clone();
    assert_eq!((ends(&told, "approved"), ends(&told, "denied")), (json!(1), json!(1)), "{told}");
    assert_eq!(told["requests"]["denial_rate"], 0.5);
    assert_eq!(told["groups"]["leads"]["outcomes"]["denied"], 1);
    assert_eq!((&told["pushes"]["accepted"], &told["pushes"]["refused"]), (&json!(1), &json!(2)), "{told}");
    assert_eq!(told["approvers"]["bob"]["decisions"], 1);
    assert_eq!(told["logs"][0]["entries"], repo.entries().len());
    assert_eq!(told["logs"][0]["sound"], true);

    repo.keep(CAROL, revocation(id, &rejection));
    let told = figures(&repo, &[]);
    assert_eq!((ends(&told, "denied"), &told["requests"]["waiting"]["n"]), (json!(0), &json!(1)), "{told}");
    // Nothing has happened in the second after the newest entry.
    let later = jit::domain::time::Timestamp::from_unix(now().unix() + 3_600).expect("a time").to_string();
    assert_eq!(figures(&repo, &["--since", &later])["pushes"]["accepted"], 0);
}

#[test]
fn several_logs_are_counted_together_and_one_that_is_not_sound_is_told() {
    let (git, hg) = (Central::new(Form::Git, REVIEW), Central::new(Form::Named, REVIEW));
    for repo in [&git, &hg] {
        let commit = repo.commit(ALICE, &["a"]);
        repo.refused(ALICE, to(MAIN, commit), &["needs"]);
    }
    // Its `jit` folder is `.hg/jit`.
    let other = hg.jit_folder().join("../..");
    let told = figures(&git, &[other.to_str().expect("a text")]);
    assert_eq!((&told["requests"]["waiting"]["n"], told["logs"].as_array().map(Vec::len)), (&json!(2), Some(2)));

    let file = git.file("../jit.prom");
    let name = file.to_str().expect("a text");
    let arguments = ["metrics", "--format", "openmetrics", "--output", name];
    assert!(git.jit(&arguments).succeeded());
    let written = fs::read_to_string(&file).expect("a file");
    assert!(written.contains("\njit_pending_requests 1\n") && written.ends_with("# EOF\n"), "{written}");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o644);

    let journal = git.jit_path("audit/journal/00000000.jsonl");
    let text = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, text.replace("\"verdict\":\"deny\"", "\"verdict\":\"dent\"")).expect("written");
    let said = git.jit(&arguments);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("is not sound"), "{}", said.err);
    let written = fs::read_to_string(&file).expect("a file");
    assert!(written.lines().any(|line| line.starts_with("jit_audit_chain_ok{") && line.ends_with(" 0")), "{written}");
}

#[rstest]
#[case(&["metrics", "--by", "person"], 2)]
#[case(&["metrics", "--since", "yesterday"], 2)]
#[case(&["metrics", "--format", "text"], 2)]
#[case(&["metrics", "/nowhere"], 3)]
#[case(&["metrics", "--output", "/nowhere/jit.prom"], 3)]
fn what_cannot_be_told_is_refused(#[case] arguments: &[&str], #[case] code: i32) {
    let repo = Central::new(Form::Git, REVIEW);
    assert_eq!(repo.jit(arguments).code, Some(code));
}
