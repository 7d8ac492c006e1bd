//! Whatever is not an explicit and complete "allow" refuses the push, says why on every transport, and changes nothing.

use crate::hg::{TRANSPORTS, TestHg, Transport, write_program};
use crate::hg_judge::{configure, install};
use jit::adapters::mercurial::HOOK_SCRIPTS;

/// A program that reads everything and then runs `end`.
fn program(end: &str) -> String {
    format!("#!/bin/sh\n{end}\n")
}

#[test]
fn every_bad_answer_refuses_and_changes_nothing() {
    let cases = [
        ("exits at once", "exit 0", "ended without an answer (status 0)"),
        ("fails", "exit 1", "ended without an answer (status 1)"),
        ("is killed", "kill -9 $$", "ended without an answer (killed by signal 9)"),
        ("says nothing and closes", "exec >&-; sleep 1", "ended without an answer"),
        ("talks rubbish", "echo hello", "asks what is not known here"),
        ("asks what is not known", "echo 'between 00'", "asks what is not known here"),
        ("asks for what is not a node", "echo 'ids zz -'", "the hook failed"),
        ("asks for what is not there", "echo changesets 1111111111111111111111111111111111111111", "the hook failed"),
        ("another version", "printf 'jit-hg-reply/v2 allow\\nend\\n'", "asks what is not known here"),
        ("breaks off", "printf 'jit-hg-reply/v1 allow\\n'", "ended without an answer"),
        ("breaks off in a line", "printf 'jit-hg-reply/v1 allow\\nend'", "ended without an answer"),
        ("neither allows nor denies", "printf 'jit-hg-reply/v1 maybe\\nend\\n'", "answers neither allow nor deny"),
        ("allows with a space", "printf 'jit-hg-reply/v1 allow \\nend\\n'", "answers neither allow nor deny"),
        (
            "allows with an unknown line",
            "printf 'jit-hg-reply/v1 allow\\nx y\\nend\\n'",
            "answer of the program is malformed",
        ),
        (
            "allows and aborts",
            "printf 'jit-hg-reply/v1 allow\\nabort no\\nend\\n'",
            "answer of the program is malformed",
        ),
        ("allows and fails", "printf 'jit-hg-reply/v1 allow\\nend\\n'; exit 3", "allowed but ended with status 3"),
        ("allows and goes on", "printf 'jit-hg-reply/v1 allow\\nend\\nmore\\n'", "goes on after its answer"),
        ("publishes rubbish", "printf 'jit-hg-reply/v1 allow\\npublish zz\\nend\\n'", "the hook failed"),
        ("denies without a reason", "printf 'jit-hg-reply/v1 deny\\nend\\n'", "denies without a reason"),
        ("hangs", "sleep 30", "took too long"),
        ("hangs behind its answer", "printf 'jit-hg-reply/v1 allow\\nend\\n'; exec sleep 30", "took too long"),
        ("leaves a child that hangs", "sleep 30 & exit 0", "took too long"),
        ("hangs with closed input", "exec <&-; sleep 30", "took too long"),
    ];
    let test = TestHg::new();
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    let before = test.server_state();
    let binary = test.path("binary");
    install(&test, &binary);
    configure(&test, "timeout = 1");
    for (name, end, expected) in cases {
        write_program(&binary, &program(end));
        let push = test.push(&clone, Transport::Local, &[]);
        assert_eq!(push.code, Some(255), "{name}: {}", push.said);
        assert!(push.said.contains(expected), "{name}: {}", push.said);
        assert_eq!(test.server_state(), before, "{name}");
    }
}

#[test]
fn without_program_folder_or_configuration_nothing_lands() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    let before = test.server_state();
    let binary = test.path("binary");
    install(&test, &binary);
    let refused = |expected: &str| {
        let push = test.push(&clone, Transport::Ssh, &[]);
        assert_eq!(push.code, Some(255), "{}", push.said);
        assert!(push.said.contains(expected), "{expected}: {}", push.said);
        assert_eq!(test.server_state(), before);
    };
    refused("cannot start the program");
    std::fs::write(&binary, "#!/bin/sh\n").expect("written");
    refused("cannot start the program");
    configure(&test, "binary = jit");
    refused("does not give absolute paths");
    configure(&test, "timeout = soon");
    configure(&test, &format!("binary = {}", binary.display()));
    refused("timeout is not a number");
    configure(&test, "folder = /nowhere");
    refused("there is no folder");
    configure(
        &test,
        "[hooks]\npretxnclose.jit = python:/nowhere.py:pretxnclose\npretxnopen.jit =\npretxnchangegroup.jit =",
    );
    let push = test.push(&clone, Transport::Local, &[]);
    assert_eq!(push.code, Some(255), "{}", push.said);
    assert_eq!(test.server_state(), before);
}

#[test]
fn without_the_hook_that_remembers_nothing_lands() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    let before = test.server_state();
    let binary = test.path("binary");
    install(&test, &binary);
    write_program(&binary, &program("echo state; sleep 5"));
    configure(&test, "[hooks]\npretxnopen.jit =\npretxnchangegroup.jit =");
    let push = test.push(&clone, Transport::Local, &[]);
    assert!(push.said.contains("what was there before is not known"), "{}", push.said);
    assert_eq!(test.server_state(), before);
}

#[test]
fn a_repository_without_the_folder_is_left_alone_only_if_told_so() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    install(&test, &test.path("binary"));
    configure(&test, "folder =\nunmanaged = allow");
    for (name, _) in HOOK_SCRIPTS {
        std::fs::rename(test.server().join(".hg/jit").join(name), test.path(name)).expect("moved");
    }
    std::fs::remove_dir_all(test.server().join(".hg/jit")).expect("removed");
    for hook in ["pretxnopen", "pretxnchangegroup", "pretxnclose", "txnclose", "txnabort"] {
        configure(&test, &format!("[hooks]\n{hook}.jit = python:{}:{hook}", test.path("jit_hook.py").display()));
    }
    let push = test.push(&clone, Transport::Ssh, &[]);
    assert_eq!(push.code, Some(0), "{}", push.said);
}

#[test]
fn the_reason_is_seen_on_every_transport_even_by_a_quiet_push() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    let before = test.server_state();
    let binary = test.path("binary");
    install(&test, &binary);
    let reply = "printf 'jit-hg-reply/v1 deny\\nsay jit: bob may not\\nabort jit: denied: two approvals missing\\nhint jit: ask carol\\nend\\n'";
    write_program(&binary, &program(reply));
    for transport in TRANSPORTS {
        for quiet in [false, true] {
            let push = test.push(&clone, transport, if quiet { &["--quiet"] } else { &[] });
            assert_eq!(push.code, Some(255), "{transport:?}: {}", push.said);
            assert!(push.said.contains("jit: denied: two approvals missing"), "{transport:?} {quiet}: {}", push.said);
            assert!(push.said.contains("jit: ask carol"), "{transport:?} {quiet}: {}", push.said);
            assert!(quiet || push.said.contains("jit: bob may not"), "{transport:?}: {}", push.said);
            assert_eq!(test.server_state(), before, "{transport:?}");
        }
    }
    write_program(&binary, &program("echo 'jit: something on standard error' >&2; exit 3"));
    for transport in TRANSPORTS {
        let push = test.push(&clone, transport, &[]);
        assert!(push.said.contains("something on standard error"), "{transport:?}: {}", push.said);
        assert_eq!(test.server_state(), before, "{transport:?}");
    }
}

#[test]
fn an_explicit_allow_lets_the_push_in_on_every_transport() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    let binary = test.path("binary");
    install(&test, &binary);
    write_program(&binary, &program("printf 'jit-hg-reply/v1 allow\\nsay jit: allowed\\nend\\n'"));
    for transport in TRANSPORTS {
        let node = test.change(&clone, "src/a", &format!("{transport:?}"));
        let push = test.push(&clone, transport, &[]);
        assert_eq!(push.code, Some(0), "{transport:?}: {}", push.said);
        assert!(push.said.contains("jit: allowed"), "{transport:?}: {}", push.said);
        assert!(test.server_state().starts_with(&node), "{transport:?}");
    }
}

#[test]
fn whatever_goes_wrong_in_the_script_refuses() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    let before = test.server_state();
    let binary = test.path("binary");
    write_program(&binary, &program("echo state; sleep 5"));
    install(&test, &binary);
    let script = test.server().join(".hg/jit/jit_facts.py");
    let original = std::fs::read_to_string(&script).expect("the script is there");
    let asked = "        view = self._repo.filtered(VIEW)\n        yield from self._features()";
    assert!(original.contains(asked));
    for raised in [
        "SystemExit(0)",
        "SystemExit('x')",
        "KeyboardInterrupt",
        "MemoryError",
        "OSError('no\\nroom')",
        "Exception('é')",
    ] {
        std::fs::write(&script, original.replace(asked, &format!("        raise {raised}\n{asked}"))).expect("written");
        for transport in [Transport::Local, Transport::Ssh] {
            let push = test.push(&clone, transport, &[]);
            assert_eq!(push.code, Some(255), "{raised}: {}", push.said);
            assert!(push.said.contains("jit: could not decide: the hook failed"), "{raised}: {}", push.said);
            assert_eq!(test.server_state(), before, "{raised}");
        }
    }
    std::fs::write(&script, original).expect("written");
    for (name, loaded) in [
        ("jit_facts.py", "raise SystemExit(0)"),
        ("jit_conversation.py", "def"),
        ("jit_conversation.py", "import nothing_"),
    ] {
        let script = test.server().join(".hg/jit").join(name);
        let original = std::fs::read(&script).expect("the script is there");
        std::fs::write(&script, loaded).expect("written");
        let push = test.push(&clone, Transport::Ssh, &["-q"]);
        assert!(push.said.contains("jit: could not decide: the hook failed"), "{loaded}: {}", push.said);
        assert_eq!((push.code, test.server_state()), (Some(255), before.clone()), "{loaded}");
        std::fs::write(&script, original).expect("written");
    }
}

#[test]
fn an_outcome_that_is_not_recorded_is_told_and_undoes_nothing() {
    let test = TestHg::new();
    let clone = test.clone("clone");
    let binary = test.path("binary");
    install(&test, &binary);
    let reply = "case $2 in hg-txnclose) exit 1;; esac; printf 'jit-hg-reply/v1 allow\\nend\\n'";
    write_program(&binary, &program(reply));
    let node = test.change(&clone, "src/a", "change");
    let push = test.push(&clone, Transport::Ssh, &[]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    assert!(push.said.contains("jit: the outcome was not recorded"), "{}", push.said);
    assert!(test.server_state().starts_with(&node));
}
