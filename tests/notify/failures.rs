//! Places that fail, processes that are killed, outboxes with rubbish in them, clocks that jump.

use crate::desk::{append, happen, happen_numbered, notify, outbox, repo, set_places, status, webhook};
use crate::past::step;
use crate::server::{Answer, Server, trickle};
use crate::support::{Guarded as _, TestRepo, command, now, run};
use jit::domain::audit::Step;
use jit::domain::change::{ChangesetId, IdKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Delivers what installation has to tell, so that a test begins with nothing.
fn begun(server: &Server) -> TestRepo {
    let repo = repo(&webhook("hook", &server.url("T000/secret-path")));
    assert_eq!(notify(&repo, "deliver", &[]).code, Some(0));
    repo
}

/// The names in `by` of what came, with how often.
fn told(server: &Server) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for one in server.received() {
        *told.entry(one.json()["by"][0].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    told
}

#[test]
fn what_a_place_does_not_take_waits_and_is_delivered_later_under_the_same_id() {
    let elsewhere = Server::new(Answer::Status(200));
    let cases = [
        (Answer::Status(500), "status 500"),
        (Answer::Status(404), "status 404"),
        (Answer::Later(40), "status 429"),
        (Answer::Redirect(elsewhere.url("")), "redirection (status 307)"),
        (Answer::Long(3_000_000), "status 500: xxx"),
        (Answer::HangUp, "could not be reached"),
    ];
    for (answer, why) in cases {
        let server = Server::new(Answer::Status(200));
        let repo = begun(&server);
        let before = server.received().len();
        server.answers(answer.clone());
        happen(&repo, 1);
        let said = notify(&repo, "deliver", &[]);
        assert_eq!(said.code, Some(4), "{answer:?}: {}", said.err);
        let found = status(&repo, "hook");
        assert_eq!((&found["waiting"], &found["attempts"]), (&1.into(), &1.into()), "{answer:?}");
        assert!(found["error"].as_str().is_some_and(|error| error.contains(why)), "{answer:?}: {found}");
        assert!(found["error"].as_str().is_some_and(|error| error.len() < 400), "{answer:?}: {found}");
        // It is left alone for some seconds, unless somebody insists.
        notify(&repo, "deliver", &[]);
        assert_eq!(server.received().len(), before + 1, "{answer:?}");
        server.answers(Answer::After(Duration::from_millis(300)));
        assert_eq!(notify(&repo, "deliver", &["--now"]).code, Some(0), "{answer:?}");
        let received = server.received();
        let ids: BTreeSet<_> = received[before..].iter().map(|one| one.header("Idempotency-Key")).collect();
        assert_eq!((received.len() - before, ids.len()), (2, 1), "{answer:?}");
        assert_eq!(status(&repo, "hook")["waiting"], 0);
    }
    assert!(elsewhere.received().is_empty(), "a redirection was followed");
}

#[test]
fn a_place_that_wants_to_be_left_alone_is() {
    let server = Server::new(Answer::Status(200));
    let repo = begun(&server);
    let before = server.received().len();
    server.answers(Answer::Later(1800));
    happen(&repo, 50);
    notify(&repo, "deliver", &[]);
    assert_eq!(server.received().len(), before + 1);
    let until = status(&repo, "hook")["paused_until"].as_str().map(str::to_owned).expect("a pause");
    let until = jit::domain::time::Timestamp::parse(&until).expect("a time");
    assert!((1750..2800).contains(&until.since(now()).as_seconds()), "{until}");
    assert_eq!(status(&repo, "hook")["waiting"], 50);
}

#[test]
fn a_place_that_is_gone_is_tried_three_times_and_not_for_each_of_a_thousand() {
    let server = Server::new(Answer::Status(200));
    let repo = begun(&server);
    let before = server.received().len();
    server.answers(Answer::Status(502));
    happen(&repo, 1000);
    notify(&repo, "deliver", &[]);
    assert_eq!(server.received().len(), before + 3);
    server.answers(Answer::Status(200));
    notify(&repo, "deliver", &["--now"]);
    let told = told(&server);
    let forgotten: Vec<_> = (0..1000).map(|n| format!("alice-{n}")).filter(|who| !told.contains_key(who)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    assert_eq!(status(&repo, "hook")["waiting"], 0);
}

#[test]
fn a_deliverer_that_is_killed_two_hundred_times_forgets_nothing() {
    let server = Server::new(Answer::Status(200));
    let repo = begun(&server);
    let path = repo.server();
    let (mut seed, mut happened, end) = (1_u64, 0, Instant::now() + Duration::from_secs(300));
    for round in 0..200_u8 {
        if round % 2 == 0 {
            // Names go on where they stopped, so that each event is known by its own.
            happen_numbered(&repo, happened..happened + 3);
            happened += 3;
        }
        if round % 20 == 0 {
            // Each takes the place of the one before: what is told of that depends on what was told of it.
            let tip = ChangesetId::from_bytes(IdKind::GitSha1, &[round / 20 + 1; 20]).expect("an id");
            append(&repo, now(), [step(&repo, tip, Step::Sent { bytes: 1 })]);
        }
        let mut deliver = command(crate::support::PROGRAM, &repo.path("home"), crate::support::ALICE, 1);
        deliver.args(["notify", "deliver", "--now"]).arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = deliver.spawn().expect("started");
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sleep(Duration::from_micros((seed >> 33) % 50_000));
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(Instant::now() < end, "round {round}");
    }
    assert_eq!(notify(&repo, "deliver", &["--now"]).code, Some(0));
    let told = told(&server);
    let forgotten: Vec<_> = (0..happened).map(|n| format!("alice-{n}")).filter(|who| !told.contains_key(who)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    let mut events: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in server.received() {
        let of = |name| one.header(name).unwrap_or_default().to_owned();
        events.entry(of("X-Jit-Event")).or_default().insert(of("Idempotency-Key"));
    }
    let ids = ["policy-changed", "opened", "superseded"].map(|event| events.get(event).map_or(0, BTreeSet::len));
    assert_eq!(ids, [happened + 1, 10, 9], "forgotten, or under two ids");
}

#[test]
fn the_proxy_of_the_environment_is_asked_but_for_what_it_excepts() {
    let (server, proxy) = (Server::new(Answer::Status(200)), Server::new(Answer::Status(502)));
    let repo = repo("");
    let deliver = |url: &str, except: &str| {
        set_places(&repo, &webhook("hook", url));
        let mut jit = command(crate::support::PROGRAM, &repo.path("home"), crate::support::ALICE, 1);
        jit.env("ALL_PROXY", proxy.url("")).env("NO_PROXY", except);
        jit.args(["notify", "deliver", "--now"]).arg(repo.server());
        run(jit, b"").code
    };
    assert_eq!(deliver("http://hooks.example.invalid/T000", ""), Some(4));
    let asked = proxy.received();
    assert!(asked.iter().any(|one| one.path.contains("hooks.example.invalid")), "{asked:?}");
    assert_eq!(deliver(&server.url(""), "127.0.0.1"), Some(0));
    assert_eq!((proxy.received().len(), server.received().len()), (asked.len(), 1));
}

#[test]
fn rubbish_in_the_outbox_stops_nothing() {
    let server = Server::new(Answer::Status(200));
    let repo = begun(&server);
    let waiting = outbox(&repo, "hook", "waiting");
    for (name, text) in [
        ("000000000001-x.json", &b"{}"[..]),
        ("a", b""),
        ("zzz.json", b"\xff\xfe"),
        ("000000000000.json", b"{\"notice\":{\"schema\":\"jit-notice/1\"}}"),
        (".tmpA1b2", b"half"),
    ] {
        fs::write(waiting.join(name), text).expect("written");
    }
    fs::write(waiting.join("huge.json"), vec![b'['; 5 << 20]).expect("written");
    fs::create_dir(waiting.join("folder")).expect("a folder");
    symlink("/dev/zero", waiting.join("endless")).expect("a link");
    rustix::fs::mkfifoat(rustix::fs::CWD, waiting.join("pipe"), rustix::fs::Mode::RUSR).expect("a pipe");
    happen(&repo, 2);
    let before = server.received().len();
    let said = notify(&repo, "deliver", &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(server.received().len(), before + 2);
    let found = status(&repo, "hook");
    assert_eq!((&found["waiting"], &found["given_up"]), (&0.into(), &8.into()), "{found}");
    // A state that is spoilt is begun again from the recent entries: told twice, under the ids of before.
    fs::write(outbox(&repo, "hook", "state"), "{\"next\":-1").expect("written");
    assert_eq!(notify(&repo, "deliver", &[]).code, Some(0));
    let ids: BTreeSet<String> =
        server.received().iter().filter_map(|one| one.header("Idempotency-Key").map(str::to_owned)).collect();
    assert!(server.received().len() > ids.len());
    assert_eq!(ids.len(), before + 2);
}

#[test]
fn a_clock_that_jumps_holds_nothing_up() {
    let server = Server::new(Answer::Status(500));
    let repo = repo(&webhook("hook", &server.url("")));
    happen(&repo, 1);
    notify(&repo, "deliver", &[]);
    let waiting = outbox(&repo, "hook", "waiting");
    for path in fs::read_dir(&waiting).expect("a folder").flatten().map(|entry| entry.path()) {
        let mut job: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        (job["since"], job["next"]) = ("2199-01-01T00:00:00Z".into(), "2199-01-02T00:00:00Z".into());
        fs::write(&path, job.to_string()).expect("written");
    }
    server.answers(Answer::Status(200));
    let before = server.received().len();
    assert_eq!(notify(&repo, "deliver", &[]).code, Some(0));
    assert!(server.received().len() > before);
    assert_eq!(status(&repo, "hook")["waiting"], 0);
}

#[test]
fn what_was_tried_for_a_day_is_given_up_and_can_be_taken_up_again() {
    let server = Server::new(Answer::Status(500));
    let repo = repo(&webhook("hook", &server.url("")));
    happen(&repo, 1);
    notify(&repo, "deliver", &[]);
    for path in fs::read_dir(outbox(&repo, "hook", "waiting")).expect("a folder").flatten().map(|entry| entry.path()) {
        let mut job: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        job["since"] = "2020-01-01T00:00:00Z".into();
        fs::write(&path, job.to_string()).expect("written");
    }
    notify(&repo, "deliver", &["--now"]);
    let found = status(&repo, "hook");
    assert_eq!(found["waiting"], 0);
    let given_up = found["given_up"].as_u64().expect("a number");
    assert!(given_up > 0);
    assert_eq!(notify(&repo, "status", &[]).code, Some(1));
    server.answers(Answer::Status(200));
    let before = server.received().len();
    assert_eq!(notify(&repo, "deliver", &["--again"]).code, Some(0));
    assert_eq!(server.received().len() as u64, before as u64 + given_up);
    assert_eq!(status(&repo, "hook")["given_up"], 0);
    // Each was tried three times, and only the third time it was taken. That they were given up in between stays counted.
    let folder = repo.server();
    let told = repo.jit(&["metrics", folder.to_str().expect("a plain path"), "--format", "json"]);
    let figures: serde_json::Value = serde_json::from_slice(&told.out).expect("JSON");
    let counted = serde_json::json!({
        "sent": given_up, "failed": 2 * given_up, "retried": 2 * given_up, "given_up": given_up, "waiting": 0, "oldest": null
    });
    assert_eq!(figures["notices"]["hook"], counted, "{}", told.err);
}

#[test]
fn no_secret_leaves_for_the_screen_the_outbox_or_an_error() {
    let server = Server::new(Answer::Echo);
    let repo = repo("");
    let file = repo.path("url");
    fs::write(&file, server.url("services/T0SECRET/B0SECRET/hunter2SECRET")).expect("written");
    let place = format!("[[notify]]\nname = \"chat\"\nkind = \"slack\"\nurl_file = {file:?}\n");
    set_places(&repo, &place);
    for (mode, why) in [(0o644, "is open to others: its mode is 0644"), (0o600, "status 404")] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        happen(&repo, 1);
        for (word, options) in
            [("deliver", &["--now"][..]), ("test", &[]), ("status", &[]), ("status", &["--format", "json"])]
        {
            let said = notify(&repo, word, options);
            let text = said.text() + &said.err;
            assert!(!text.contains("SECRET"), "{text}");
            assert!(word == "deliver" || text.contains(why), "{word} {mode:o}: {text}");
        }
    }
    let mut files = vec![repo.jit_path("notify")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("read")).into_owned();
            assert!(!text.contains("SECRET"), "{}", path.display());
        }
    }
}

#[test]
fn a_place_that_takes_too_long_is_given_up_however_many_bytes_it_says() {
    // The greeting of a mail server that never comes to its end.
    let mail = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mail.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in mail.incoming().flatten() {
            std::thread::spawn(move || trickle(&mut stream, b"220-and more\r\n"));
        }
    });
    let mail = format!(
        "[[notify]]\nname = \"hook\"\nkind = \"email\"\nsmtp = \"smtp+local://127.0.0.1:{port}\"\nfrom = \"jit@example.com\"\n\
         to = [\"ops@example.com\", \"dba@example.com\"]\n"
    );
    let command = "[[notify]]\nname = \"hook\"\nkind = \"command\"\nargv = [\"/bin/sleep\", \"60\"]\n".to_owned();
    let (silent, trickling) = (Server::new(Answer::Silence), Server::new(Answer::Trickle));
    let places = [webhook("hook", &silent.url("")), webhook("hook", &trickling.url("")), mail, command];
    for place in places {
        // The first policy waits to be told.
        let repo = repo(&format!("{place}timeout = \"1s\"\n"));
        assert_eq!(notify(&repo, "deliver", &[]).code, Some(4), "{place}");
        let error = status(&repo, "hook")["error"].as_str().unwrap_or_default().to_owned();
        // Of an answer that is a refusal already, the rest does not matter.
        let refused = error.contains("status 500");
        assert!(refused || error.contains("took longer than 1s"), "{place}: {error}");
    }
}
