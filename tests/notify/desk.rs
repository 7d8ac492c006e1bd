//! A central repository whose settings name places for notices, and what stands in their outboxes.

use crate::support::{Guarded, Said, TestRepo};
use jit::adapters::disk::log::DiskLogStore;
use jit::domain::audit::{Entry, Event, Hash, PolicyChange};
use jit::domain::time::Timestamp;
use jit::ports::log::LogStore as _;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Two people of `maintainers` for `main`, beside whoever wrote it.
pub const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nmessage = \"ask in <#review> & wait\"\n\
                          require = [{ role = \"maintainers\", approvals = 2 }]\n";

/// A repository whose `main` asks for [`REVIEW`], with this text at the end of its settings.
pub fn repo(places: &str) -> TestRepo {
    let repo = TestRepo::new(REVIEW);
    set_places(&repo, places);
    repo
}

/// Puts `places` at the end of the settings, in place of what a test put there before.
pub fn set_places(repo: &impl Guarded, places: &str) {
    let path = repo.jit_path("config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    let own = text.split("# places\n").next().expect("a beginning");
    fs::write(path, format!("{own}# places\n{places}")).expect("written");
}

/// Lets the server keep what refused pushes bring.
pub fn park(repo: &impl Guarded) {
    let path = repo.jit_path("config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    assert!(text.contains("park = false"), "{text}");
    fs::write(&path, text.replace("park = false", "park = true")).expect("written");
}

/// A webhook.
pub fn webhook(name: &str, url: &str) -> String {
    format!("[[notify]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"{url}\"\n")
}

/// Runs `jit notify` with a word and options.
pub fn notify(repo: &TestRepo, word: &str, options: &[&str]) -> Said {
    let server = repo.server();
    let mut arguments = vec!["notify", word, server.to_str().expect("a plain path")];
    arguments.extend(options);
    repo.jit(&arguments)
}

/// What `jit notify status` says of the place `name`.
pub fn status(repo: &TestRepo, name: &str) -> serde_json::Value {
    let said = notify(repo, "status", &["--format", "json"]);
    let places: Vec<serde_json::Value> =
        serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.err));
    places.into_iter().find(|place| place["sink"] == name).expect("the place")
}

/// The outbox's folder of what waits, or another one of the place `name`.
pub fn outbox(repo: &TestRepo, name: &str, folder: &str) -> PathBuf {
    repo.jit_path(&format!("notify/{name}/{folder}"))
}

/// Appends `count` changes of the policy to the log, each of which is told, by alice-0, alice-1 and so on.
pub fn happen(repo: &TestRepo, count: usize) {
    happen_numbered(repo, 0..count);
}

/// As [`happen`], with these numbers.
pub fn happen_numbered(repo: &TestRepo, numbers: Range<usize>) {
    let change = |number| PolicyChange {
        digest: Hash::of(b"policy"),
        files: Hash::of(b"{}"),
        by: format!("alice-{number}"),
        changed: Vec::new(),
        blob: None,
    };
    append(repo, crate::support::now(), numbers.map(|number| Event::Policy(change(number))));
}

/// Writes entries of the moment `time` into the log.
pub fn append(repo: &TestRepo, time: Timestamp, events: impl IntoIterator<Item = Event>) {
    let store = DiskLogStore::new(repo.audit_paths(), Arc::new(move || time));
    let mut log = store.open(Instant::now() + Duration::from_secs(60)).expect("a log");
    log.keep_blob(b"{}").expect("kept");
    for event in events {
        log.append(&Entry { time, event }).expect("appended");
    }
}
