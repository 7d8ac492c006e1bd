//! Who waits for a gate reads in the chat that it is asked for, and that it opened.

use crate::central::{Central, Form, to};
use crate::desk::set_places;
use crate::server::{Answer, Server};
use crate::support::{ALICE, BOB, GATES, Guarded as _, MAIN};
use jit::domain::approval::Token;
use jit::domain::change::{Action, Target};
use rstest::rstest;

#[rstest]
fn a_gate_is_told_in_the_chat_signed_and_opens_on_either_system(#[values(Form::Git, Form::Named)] form: Form) {
    let chat = Server::new(Answer::Status(200));
    let repo = Central::new(form, &GATES.replace("\"main\", \"default\"", "\"main\""));
    let place = format!("[[notify]]\nname = \"chat\"\nkind = \"slack\"\nurl = \"{}\"\n", chat.url(""));
    // The pipeline runs here without a login of its own.
    set_places(&repo, &(place + "events = [\"opened\", \"landed\"]\n"));
    repo.configure("unknown_pusher = \"deny\"", "unknown_pusher = \"allow\"");
    let commit = repo.commit(ALICE, &["src/a.rs"]);
    repo.accepted(ALICE, to(MAIN, commit));

    let hex = commit.hex();
    let deploy = ["gate", "deploy", "--environment", "production", "--rev", &hex, "--wait", "0s", "--repo"];
    let waits = repo.jit(&deploy);
    assert_eq!(waits.code, Some(4), "{}", waits.err);
    let opened = chat.wait_for(1)[0].json().to_string();
    for word in ["gate:deploy env:production", "rule deploy", "--environment production --action gate:deploy"] {
        assert!(opened.contains(word), "{word}: {opened}");
    }

    let (target, action) = (Target::parse("env:production").ok(), Action::parse("gate:deploy").ok());
    repo.keep(BOB, Token { target, action, base: Vec::new(), ..repo.approval(commit, MAIN) });
    let opens = repo.jit(&deploy);
    assert_eq!(opens.code, Some(0), "{}", opens.err);
    let told = chat.wait_for(2)[1].json().to_string();
    assert!(told.contains("opened"), "{told}");
}
