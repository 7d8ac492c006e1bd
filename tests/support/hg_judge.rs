//! The place of the program behind the hooks' script, taken by the test itself.
//!
//! The script starts a bridge, which connects its pipes to a socket of the test. So the real reader sees real transactions,
//! and a test says what to answer.

use super::hg::{TestHg, python, write_program};
use jit::adapters::mercurial::{
    CLONE_SCRIPTS, HOOK_SCRIPTS, Header, MercurialHistory, Reply, Request, Script, Treatment,
};
use jit::domain::change::{ChangesetId, RefUpdate, Target};
use jit::domain::name::RuleName;
use jit::ports::history::{History, HistoryError, Need, OwnPaths, Selection};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// The history as tests see it.
pub type Live = MercurialHistory<BufReader<UnixStream>, UnixStream>;

/// Writes the hook lines for `binary`, with the script as installation would place it.
pub fn install(test: &TestHg, binary: &Path) {
    let folder = test.server().join(".hg/jit");
    write_scripts(&folder, &HOOK_SCRIPTS);
    let script = folder.join(HOOK_SCRIPTS[0].0);
    let mut rc = String::from("[hooks]\n");
    for hook in ["pretxnopen", "pretxnchangegroup", "pretxnclose", "txnclose", "txnabort"] {
        rc.push_str(&format!("{hook}.jit = python:{}:{hook}\n", script.display()));
    }
    rc.push_str(&format!("[jit]\nbinary = {}\nfolder = {}\ntimeout = 20\n", binary.display(), folder.display()));
    fs::write(test.server().join(".hg/hgrc"), rc).expect("the configuration can be written");
}

fn write_scripts(folder: &Path, scripts: &[Script]) {
    fs::create_dir_all(folder).expect("a folder can be made");
    for (name, text) in scripts {
        fs::write(folder.join(name), text).expect("the script can be written");
    }
}

/// Lets `clone` ask the judge before each push, as a clone asks the program.
pub fn install_courtesy(test: &TestHg, clone: &Path) {
    let folder = clone.join(".hg/jit");
    write_scripts(&folder, &CLONE_SCRIPTS);
    let hgrc = clone.join(".hg/hgrc");
    let old = fs::read_to_string(&hgrc).unwrap_or_default();
    let script = folder.join(CLONE_SCRIPTS[0].0);
    let lines = format!(
        "[hooks]\npre-push.jit = python:{}:prepush\n[jit]\nbinary = {}\n",
        script.display(),
        test.path("bridge").display()
    );
    fs::write(hgrc, old + &lines).expect("the configuration can be written");
}

/// Adds lines to the server's configuration.
pub fn configure(test: &TestHg, lines: &str) {
    let path = test.server().join(".hg/hgrc");
    let old = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, format!("{old}{lines}\n")).expect("the configuration can be written");
}

/// What one hook told.
pub struct Seen {
    pub header: Header,
    /// For the hooks that are judged: the updates, loaded with own paths.
    pub updates: Result<Vec<RefUpdate>, HistoryError>,
    pub tokens: Vec<(ChangesetId, String)>,
    pub targets: BTreeMap<Target, Vec<ChangesetId>>,
}

/// Judges the server's transactions until the test ends.
pub struct Judge {
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Judge {
    /// Installs the hooks; `answer` decides in `pretxnclose`.
    pub fn start(test: &TestHg, answer: impl Fn(&Seen) -> Reply + Send + 'static) -> Self {
        let socket = test.path("socket");
        let bridge = test.path("bridge");
        write_program(
            &bridge,
            &BRIDGE.replace("PYTHON", &python().to_string_lossy()).replace("SOCKET", &socket.to_string_lossy()),
        );
        let listener = UnixListener::bind(&socket).expect("a socket can be made");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let store = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                judge(stream, &answer, &store);
            }
        });
        install(test, &bridge);
        Self { seen }
    }

    /// Installs the hooks and lets everything in.
    pub fn allowing(test: &TestHg) -> Self {
        Self::start(test, |seen| match &seen.updates {
            Ok(_) => Reply::Allow {
                say: vec![],
                publish: seen.tokens.iter().map(|(id, _)| *id).collect(),
                name: vec![],
                later: String::new(),
            },
            Err(error) => Reply::Deny { say: vec![], reason: vec![reason(error)], hint: vec![] },
        })
    }

    /// Takes what was seen since the last time, in the hook `name`.
    pub fn seen(&self, name: &str) -> Vec<Seen> {
        self.seen_by_all().into_iter().filter(|seen| seen.header.hook == name.as_bytes()).collect()
    }

    /// Takes what was seen since the last time, in all hooks.
    pub fn seen_by_all(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("no thread panicked"))
    }
}

/// The error with all that it refuses.
pub fn reason(error: &HistoryError) -> String {
    match error {
        HistoryError::Refused(refusals) => refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

fn judge(stream: UnixStream, answer: &impl Fn(&Seen) -> Reply, store: &Mutex<Vec<Seen>>) {
    let input = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    let request = Request::open(input, stream, None).expect("a well-formed request");
    let mut history: Live = MercurialHistory::new(request);
    let header = history.header().clone();
    let judged = matches!(&header.hook[..], b"pretxnclose" | b"pretxnchangegroup" | b"pre-push")
        && Treatment::of(header.name.as_deref()) == Treatment::Judged;
    let mut seen = Seen { header, updates: Ok(Vec::new()), tokens: Vec::new(), targets: BTreeMap::new() };
    if judged {
        seen.updates = loaded(&mut history);
        seen.tokens = history.tokens().to_vec();
        seen.targets = history.all_targets().unwrap_or_default();
    }
    let reply = if seen.header.hook == b"pretxnclose" {
        answer(&seen)
    } else {
        Reply::Allow { say: vec![], publish: vec![], name: vec![], later: String::new() }
    };
    store.lock().expect("no thread panicked").push(seen);
    let _ = history.reply(&reply);
}

/// Loads every update as three rules ask: one for branches alone, one for names that begin with `p`, one that was promoted from `default`.
pub fn loaded<R: Read, W: Write>(history: &mut MercurialHistory<R, W>) -> Result<Vec<RefUpdate>, HistoryError> {
    let mut updates = history.ref_updates()?;
    for update in &mut updates {
        let rule = |name: &str| RuleName::new(name).expect("a rule's name");
        let hidden = vec![
            Selection { rule: rule("all"), picks: Box::new(|_| true) },
            Selection { rule: rule("p"), picks: Box::new(|target| target.kind_and_name().1.starts_with(b"p")) },
        ];
        let from = |target: &Target| *target == Target::Branch((*b"default").into());
        let promoted = vec![Selection { rule: rule("promoted"), picks: Box::new(from) }];
        history.load(
            update,
            &Need { own_paths: OwnPaths::All, lines: Some(100), trailers: true, whole: false, hidden, promoted },
        )?;
        let bases = update.changesets.iter().flat_map(|changeset| changeset.parents.clone()).collect();
        history.reachable_bases(update, &bases)?;
    }
    Ok(updates)
}

/// Connects its standard streams to the socket.
const BRIDGE: &str = r#"#!PYTHON -IS
import os, socket, threading
link = socket.socket(socket.AF_UNIX)
link.connect("SOCKET")

def forward():
    while True:
        data = os.read(0, 65536)
        if not data:
            return
        link.sendall(data)

threading.Thread(target=forward, daemon=True).start()
while True:
    try:
        data = link.recv(65536)
    except ConnectionResetError:
        # The judge has answered without reading all: its answer came before this.
        break
    if not data:
        break
    while data:
        data = data[os.write(1, data):]
os._exit(0)
"#;

/// Writes the updates with the first lines of messages in place of ids, one a line:
///
/// `TARGET ACTION,… OLD -> NEW tips TIPS: CHANGESET(own paths) …`; of a creation, what no other target has.
pub fn described(test: &TestHg, repositories: &[&Path], updates: &[RefUpdate]) -> Vec<String> {
    let mut names = BTreeMap::new();
    for repository in repositories {
        let log = test.ok(repository, &["log", "--hidden", "--template", "{node} {desc|firstline}\n"]);
        names.extend(
            log.lines().filter_map(|line| line.split_once(' ')).map(|(id, name)| (id.to_owned(), name.to_owned())),
        );
    }
    let name = |id: &ChangesetId| names.get(&id.hex()).cloned().unwrap_or_else(|| id.hex());
    let list = |ids: &[ChangesetId]| {
        let mut names: Vec<String> = ids.iter().map(name).collect();
        names.sort();
        names.join("+")
    };
    let one = |update: &RefUpdate| {
        let actions: Vec<String> = update.actions.iter().map(ToString::to_string).collect();
        let (target, actions) = (&update.target, actions.join(","));
        let mut line = format!("{target} {actions} {} -> {}", list(&update.old), list(&update.new));
        if update.tips != update.new {
            line.push_str(&format!(" tips {}", list(&update.tips)));
        }
        line.push(':');
        let scope = update.scopes.get(&RuleName::new("all").expect("a rule's name"));
        for changeset in
            update.changesets.iter().filter(|changeset| scope.is_none_or(|ids| ids.contains(&changeset.id)))
        {
            let paths = changeset.own_paths.as_ref().expect("paths were asked for");
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            line.push_str(&format!(" {}({})", name(&changeset.id), paths.join(" ")));
        }
        line
    };
    updates.iter().map(one).collect()
}
