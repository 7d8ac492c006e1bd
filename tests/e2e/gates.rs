//! Gates in a central Git repository: asked, signed, opened once; denied; waited for and resumed, there and over ssh.

use crate::requests::settings;
use crate::support::{
    ALICE, BOB, CAROL, Desk, GATES, Guarded as _, MALLORY, NOBODY, PROGRAM, Person, TestRepo, one, run, states,
};
use jit::domain::audit::{Event, Verdict};
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The gates of production, and one of staging that never opens.
const FROZEN: &str = r#"
[environments.staging]
branches = ["main"]
[[rule]]
name = "frozen"
environments = ["staging"]
actions = ["gate:deploy"]
deny = true
"#;

const DEPLOY: [&str; 5] = ["gate", "deploy", "--environment", "production", "--rev"];

/// A server where alice may push, with the desk of each person.
pub struct World {
    /// The server.
    pub repo: TestRepo,
}

impl World {
    /// Makes one with [`GATES`] and a gate of staging that is frozen.
    pub fn new() -> Self {
        Self { repo: TestRepo::new(&format!("{GATES}{FROZEN}")) }
    }

    /// alice pushes a change of `path` to main; returns the commit's id.
    pub fn commit(&self, path: &str) -> String {
        let id = self.repo.commit(ALICE, &[path]);
        self.repo.accepted(ALICE, &["HEAD:main"]);
        id.hex()
    }

    /// Where the server's repository is.
    pub fn server(&self) -> String {
        self.repo.server().to_str().expect("a plain path").to_owned()
    }

    /// The pipeline asks, whose login is `who`, and is answered with `code`.
    #[track_caller]
    fn gate(&self, who: Person, arguments: &[&str], code: i32) -> Value {
        let mut jit = self.repo.as_pusher(PROGRAM, who);
        jit.args(arguments).args(["--repo", &self.server(), "--format", "json"]);
        if !arguments.contains(&"--wait") {
            jit.args(["--wait", "0s"]);
        }
        let said = run(jit, b"");
        assert_eq!(said.code, Some(code), "jit {arguments:?}: {}\n{}", said.text(), said.err);
        self.repo.log_is_sound();
        serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", said.text(), said.err))
    }

    /// The pipeline's question cannot be asked, and ends with `code`; returns what was said.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let mut jit = self.repo.as_pusher(PROGRAM, ALICE);
        jit.args(arguments).args(["--repo", &self.server()]);
        let said = run(jit, b"");
        assert_eq!(said.code, Some(code), "jit {arguments:?}: {}\n{}", said.text(), said.err);
        said.err
    }

    /// alice's pipeline asks to deploy `rev` to production.
    #[track_caller]
    pub fn deploy(&self, rev: &str, code: i32) -> Value {
        self.gate(ALICE, &[&DEPLOY[..], &[rev]].concat(), code)
    }

    /// The gates in the log: what was answered, and how many tokens counted.
    fn gates(&self) -> Vec<(Verdict, usize)> {
        let of = |event: Event| match event {
            Event::Gate(gate) => Some((gate.decision.verdict, gate.decision.tokens.len())),
            _ => None,
        };
        self.repo.entries().into_iter().filter_map(|entry| of(entry.event)).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Signs without being asked.
#[track_caller]
pub fn sign(desk: &Desk<'_>, arguments: &[&str]) {
    desk.must(&[&["sign"], arguments, &["--yes"]].concat());
}

#[test]
fn a_gate_is_asked_for_signed_and_opens_once() {
    let world = World::new();
    let (bob, carol) = (world.repo.desk(BOB), world.repo.desk(CAROL));
    let first = world.commit("src/a");
    let asked = world.deploy(&first, 4);
    let id = text(&asked["request"]).to_owned();
    assert_eq!(asked["state"], "waits");
    assert!(asked["hints"].to_string().contains(&format!("jit sign {id}")), "{asked}");
    assert_eq!(states(&carol.json(&["pending"], 0)), one(&id, "open"));
    let shown = carol.json(&["show", &id], 0);
    assert_eq!((&shown["target"], &shown["action"]), (&"env:production".into(), &"gate:deploy".into()));
    assert_eq!(world.deploy(&first, 4)["request"], id.as_str(), "the same once more is the same request");

    sign(&bob, &[&id]);
    let waits = world.deploy(&first, 0);
    assert_eq!((&waits["state"], &waits["request"]), (&"opened".into(), &id.as_str().into()), "{waits}");
    assert_eq!(world.gates(), [(Verdict::Allow, 1)]);
    assert_eq!(states(&carol.json(&["pending", "--all"], 0)), vec![], "it is asked for no longer");
    assert_eq!(carol.json(&["show", &id, "--repo", &world.server()], 0)["state"], "opened");
    assert!(
        world.fails(&["gate", "--request", &id], 1).contains("no gate waits as"),
        "what opened does not open again"
    );
    assert_eq!(world.deploy(&first, 4)["state"], "waits", "the approval is spent");

    let second = world.commit("db/1.sql");
    assert_eq!(world.deploy(&second, 4)["state"], "waits");
    let (asked, rolled) = (world.commit("src/a"), world.deploy(&first, 4));
    assert_eq!((&rolled["state"], &rolled["subject"]), (&"waits".into(), &format!("git-sha1:{first}").into()));
    for desk in [&bob, &carol] {
        desk.git(&["fetch", "--quiet", "origin"]);
    }
    sign(&carol, &[&asked, "--environment", "production", "--action", "deploy"]);
    let missing = world.deploy(&asked, 4)["reason"].to_string();
    assert!(
        missing.contains("`migrations` needs 1 approval from `dba`"),
        "the migration in between is seen: {missing}"
    );
    sign(&bob, &[&second, "--environment", "production", "--action", "gate:deploy"]);
    world.deploy(&asked, 0);
    assert_eq!(world.gates().len(), 2);
}

#[test]
fn what_no_token_can_open_is_refused_at_once_and_recorded() {
    let world = World::new();
    let commit = world.commit("src/a");
    let refused = world.gate(ALICE, &["gate", "deploy", "--environment", "staging", "--rev", &commit], 1);
    assert_eq!(refused["state"], "refused");
    assert!(refused["reason"].to_string().contains("`frozen` says never"), "{refused}");
    let unknown = world.gate(NOBODY, &[&DEPLOY[..], &[&commit]].concat(), 1);
    assert!(unknown["reason"].to_string().contains("nobody knows who pushes"), "{unknown}");
    assert_eq!(world.gates(), [(Verdict::Deny, 0); 2]);
    let bob = world.repo.desk(BOB);
    let id = text(&world.deploy(&commit, 4)["request"]).to_owned();
    bob.must(&["reject", &id, "--reason", "not today", "--yes"]);
    let refused = world.deploy(&commit, 1);
    assert!(refused["reason"].to_string().contains("was rejected by bob"), "{refused}");
}

#[test]
fn what_waits_to_land_goes_nowhere() {
    let review = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\npaths = [\"src/secret\"]\n\
                  require = [{ role = \"leads\", approvals = 1 }]\n";
    let world = World { repo: TestRepo::new(&format!("{GATES}{review}")) };
    settings(&world.repo, "park = true\n");
    let landed = world.commit("src/a");
    let parked = world.repo.commit(ALICE, &["src/secret"]);
    assert!(!world.repo.push(ALICE, &["HEAD:main"]).succeeded());
    let before = world.repo.entries().len();
    // The server has it, and shows it to approvers.
    assert!(world.repo.server_git(&["cat-file", "-t", &parked.hex()]).contains("commit"));
    let said = world.fails(&[&DEPLOY[..], &[&parked.hex()]].concat(), 2);
    assert!(said.contains("is on no branch or tag of the server"), "{said}");
    assert_eq!(world.repo.entries().len(), before);
    assert_eq!(world.deploy(&landed, 4)["state"], "waits");
}

#[test]
fn bad_input_is_refused_before_anything_is_asked_for() {
    let world = World::new();
    let commit = world.commit("src/a");
    let before = world.repo.entries().len();
    let unknown = |name: &str, environment: &str| {
        let answer = world.gate(ALICE, &["gate", name, "--environment", environment, "--rev", &commit], 2);
        assert_eq!(answer["state"], "unknown");
        answer["hints"].to_string()
    };
    for hints in [unknown("deplyo", "production"), unknown("migrate", "staging"), unknown("deploy", "moon")] {
        assert!(hints.contains("it knows: deploy of production, migrate of production, deploy of staging"), "{hints}");
    }
    let gone = "1".repeat(40);
    let cases: [(&[&str], &str); 5] = [
        (&[&DEPLOY[..], &[&gone]].concat(), "is not a commit on the server"),
        (&[&DEPLOY[..], &["main^9"]].concat(), "is not a commit on the server"),
        (&["gate", "Deploy", "--environment", "production", "--rev", "main"], "invalid value"),
        (&["gate", "deploy", "--rev", "main"], "required"),
        (&[&DEPLOY[..], &["main", "--wait", "soon"]].concat(), "invalid value"),
    ];
    for (arguments, words) in cases {
        let said = world.fails(arguments, 2);
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    assert!(world.fails(&["gate", "--request", "r-000000000000"], 1).contains("no gate waits as"));
    assert_eq!(world.repo.entries().len(), before, "nothing was recorded");
}

/// Waits until `done` says so; the test fails if that takes longer than a minute.
#[track_caller]
fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in a minute: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_killed_wait_is_resumed_and_ends_when_the_gate_opens() {
    let world = World::new();
    let (commit, bob) = (world.commit("src/a"), world.repo.desk(BOB));
    let server = world.server();
    let waits = |arguments: &[&str]| {
        let mut jit = world.repo.as_pusher(PROGRAM, ALICE);
        jit.args(arguments).args(["--repo", &server, "--wait", "5m"]);
        jit.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        jit.spawn().expect("it starts")
    };
    let listed = || states(&bob.json(&["pending", &server, "--all"], 0));
    let mut first = waits(&[&DEPLOY[..], &[&commit]].concat());
    until("it is asked for", || !listed().is_empty());
    let (id, state) = listed().pop().expect("one");
    assert_eq!(state, "open");
    first.kill().and_then(|()| first.wait()).expect("it is killed");
    let second = waits(&["gate", "--request", &id]);
    sign(&bob, &[&id]);
    let output = second.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("opened: gate deploy of production"), "{said}");
    assert_eq!(world.gates(), [(Verdict::Allow, 1)]);
}

/// What a pipeline starts in the place of ssh: the key's forced command, with `before` ahead of it.
pub fn forced(world: &World, before: &str) -> String {
    let path = world.repo.path("ssh");
    let script = format!(
        "#!/bin/sh\nserve() {{ env -i PATH=\"$PATH\" REMOTE_USER=ci {PROGRAM} gate-server {}; }}\n{before}\nserve\n",
        world.server()
    );
    fs::write(&path, script).expect("written");
    format!("sh {}", path.to_str().expect("a plain path"))
}

/// A runner somewhere else asks over ssh.
fn runner(world: &World, ssh: &str, arguments: &[&str]) -> Child {
    let mut jit = world.repo.as_pusher(PROGRAM, MALLORY);
    jit.current_dir(world.repo.work()).env("GIT_SSH_COMMAND", ssh);
    jit.args(arguments).args(["--server", "ssh://git@git.example.com/srv/git/payments.git"]);
    jit.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    jit.spawn().expect("it starts")
}

/// What a runner said at its end, on both channels, and how it ended.
fn ended(child: Child) -> (String, Option<i32>) {
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&said).into_owned(), output.status.code())
}

#[test]
fn a_runner_asks_over_ssh_and_waits_on_when_the_server_goes_away() {
    let world = World::new();
    let (commit, bob) = (world.commit("src/a"), world.repo.desk(BOB));
    // The first connection breaks after the first report.
    let once = "[ -e \"$0.once\" ] || { touch \"$0.once\"; serve | sed /^end/q; exit 1; }";
    let ssh = forced(&world, once);
    let waits =
        runner(&world, &ssh, &["gate", "deploy", "--environment", "production", "--rev", "HEAD", "--wait", "5m"]);
    let listed = || bob.json(&["pending", &world.server(), "--all"], 0)["requests"].clone();
    until("it is asked for", || listed() != Value::Array(vec![]));
    let request = listed()[0].clone();
    assert_eq!((&request["requester"], &request["subject"]), (&"ci".into(), &format!("git-sha1:{commit}").into()));
    sign(&bob, &[text(&request["request"])]);
    let (said, code) = ended(waits);
    assert_eq!(code, Some(0), "{said}");
    for words in ["the server git@git.example.com went away", "opened: gate deploy of production"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    assert_eq!(world.gates(), [(Verdict::Allow, 1)]);
    world.repo.log_is_sound();
}

#[test]
fn a_runner_is_told_what_its_server_says_and_that_there_is_none() {
    let world = World::new();
    let commit = world.commit("src/a");
    let ssh = forced(&world, "");
    let ask = |name: &str, rev: &str, ssh: &str| {
        ended(runner(&world, ssh, &["gate", name, "--environment", "production", "--rev", rev, "--wait", "0s"]))
    };
    let cases = [
        (ask("deploy", &commit, &ssh), 4, "`jit gate --request r-"),
        (ask("deplyo", &commit, &ssh), 2, "it knows: deploy of production"),
        (ask("deploy", "nothing", &ssh), 2, "`nothing` is not a commit on the server"),
        (ask("deploy", &commit, "false"), 3, "the server git@git.example.com went away"),
        (ask("deploy", &commit, "echo hello; true"), 3, "does not speak jit-gate/v1"),
    ];
    for ((said, code), expected, words) in cases {
        assert_eq!(code, Some(expected), "{said}");
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
}

#[test]
fn whatever_comes_to_the_server_of_gates_is_answered_and_records_nothing() {
    let world = World::new();
    let before = world.repo.entries().len();
    let long = vec![b'x'; 100_000];
    let cases: [(&[u8], &str); 5] = [
        (b"", "failed 2"),
        (b"GET / HTTP/1.1\r\n\r\n", "failed 2"),
        (b"jit-gate/v1\nask production deploy\nrev --upload-pack=x\nreason -\nwait 0\n", "failed 2"),
        (b"jit-gate/v1\nresume r-000000000000\nwait 0\n", "failed 1"),
        (&long, "failed 2"),
    ];
    for (input, answer) in cases {
        let mut jit = world.repo.as_pusher(PROGRAM, ALICE);
        jit.args(["gate-server", &world.server()]);
        let said = run(jit, input);
        let lines: Vec<String> = said.text().lines().map(str::to_owned).collect();
        assert_eq!((lines[0].as_str(), lines[1].as_str()), ("jit-gate/v1", answer), "{lines:?}");
        assert_eq!(lines.last().map(String::as_str), Some("over"), "{lines:?}");
    }
    assert_eq!(world.repo.entries().len(), before);
}

#[test]
fn every_form_says_how_it_ended_and_a_closed_pipe_changes_nothing() {
    let world = World::new();
    let (commit, bob) = (world.commit("src/a"), world.repo.desk(BOB));
    bob.git(&["fetch", "--quiet", "origin"]);
    let ask = |environment: &str, form: &str| {
        let mut jit = world.repo.as_pusher(PROGRAM, ALICE);
        jit.args(["gate", "deploy", "--environment", environment, "--rev", &commit, "--wait", "0s", "--format", form]);
        jit.args(["--repo", &world.server()]);
        let said = run(jit, b"");
        (said.text(), said.code)
    };
    let cases = [
        (
            "production",
            "junit",
            4,
            "skipped=\"1\"><testcase classname=\"production\" name=\"deploy\"><skipped message=\"waits: ",
        ),
        ("staging", "junit", 1, "failures=\"1\""),
        ("moon", "junit", 2, "errors=\"1\""),
        ("production", "github", 4, "::warning title=jit gate deploy::waits: "),
        ("staging", "github", 1, "::error title=jit gate deploy::refused: "),
        ("staging", "text", 1, "refused: gate deploy of staging"),
    ];
    for (environment, form, code, words) in cases {
        let (said, ended) = ask(environment, form);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    sign(&bob, &[&commit, "--environment", "production", "--action", "deploy"]);
    let mut jit = world.repo.as_pusher(PROGRAM, ALICE);
    jit.args(DEPLOY).args([&commit, "--repo", &world.server()]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = jit.spawn().expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(world.gates().last(), Some(&(Verdict::Allow, 1)));
}
