//! A real Mercurial for tests: one pinned version in a virtual environment below `target/`, and repositories that see no configuration
//! but their own.

mod command_server;

use command_server::CommandServer;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};

/// The version that tests run with.
const VERSION: &str = "7.2.4";
/// The variable that names another version, to run all tests with that one.
const OTHER_VERSION: &str = "JIT_TEST_MERCURIAL";

/// Returns the virtual environment's folder of programs, made on first use.
///
/// Several test processes may come here at once: the first one makes it, under a lock.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(tmp).expect("target/tmp can be made");
        let lock = fs::File::create(tmp.join("mercurial.lock")).expect("target/tmp can be written");
        lock.lock().expect("the lock file can be locked");
        let version = std::env::var(OTHER_VERSION).unwrap_or_else(|_| VERSION.to_owned());
        let folder = tmp.join(format!("mercurial-{version}"));
        let ready = folder.join("ready");
        if !ready.exists() {
            let _ = fs::remove_dir_all(&folder);
            let why = "these tests need python3 with venv and pip, and a package index that has mercurial";
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder), why);
            let wanted = format!("mercurial=={version}");
            // setuptools: versions before 6.9 are built from source.
            run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &wanted, "setuptools"]), why);
            fs::write(ready, "").expect("the environment can be written");
        }
        folder.join("bin")
    })
}

fn run(command: &mut Command, why: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start ({error}): {why}"));
    assert!(output.status.success(), "{command:?} failed: {why}\n{}", text(&output.stderr));
}

/// Returns the path of `hg`.
pub fn hg() -> PathBuf {
    programs().join("hg")
}

/// Returns the path of the Python that can import Mercurial.
pub fn python() -> PathBuf {
    programs().join("python3")
}

/// Bytes as text, whatever they are.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    /// Both streams.
    pub said: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let stdout = text(&output.stdout);
        Self { code: output.status.code(), said: stdout.clone() + &text(&output.stderr), stdout }
    }
}

/// How a push travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Local,
    Ssh,
    Http,
}

pub const TRANSPORTS: [Transport; 3] = [Transport::Local, Transport::Ssh, Transport::Http];

/// A central repository `server` with the first changeset `base`, and whatever a test adds.
pub struct TestHg {
    pub root: tempfile::TempDir,
    http: OnceLock<HttpServer>,
    open: OnceLock<Mutex<CommandServer>>,
}

struct HttpServer {
    process: Child,
    url: String,
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl TestHg {
    /// Makes the server with one public changeset that has `docs/readme`, `src/a` and `src/b`.
    pub fn new() -> Self {
        Self::with_format(&[])
    }

    /// As [`TestHg::new`], with these `--config` settings at `hg init` and for the clones.
    pub fn with_format(settings: &[&str]) -> Self {
        let test = Self::empty();
        let server = test.server();
        let mut init = vec!["init", "server"];
        for setting in settings {
            init.extend(["--config", setting]);
        }
        test.ok(test.root.path(), &init);
        for file in ["docs/readme", "src/a", "src/b"] {
            test.write(&server, file, "base\n");
        }
        test.commit(&server, "base");
        test.ok(&server, &["phase", "--public", "tip"]);
        test
    }

    /// Makes the folder and the configuration, and no repository.
    pub fn empty() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let test = Self { root, http: OnceLock::new(), open: OnceLock::new() };
        let ssh = test.path("ssh.sh");
        // As a forced command does that knows whose key it was: the login goes into the environment.
        let forced = "#!/bin/sh\ncase $1 in *@*) REMOTE_USER=${1%@*}; export REMOTE_USER ;; esac\nshift\n\
                      SSH_CLIENT='10.1.2.3 1 22' exec sh -c \"$*\"\n";
        write_program(&ssh, forced);
        let rc = format!(
            "[ui]\nusername = Alice <alice@example.com>\ninteractive = no\nmerge = internal:fail\nssh = {}\nremotecmd = {}\n\
             [devel]\ndefault-date = 0 0\n[web]\nallow_push = *\npush_ssl = no\n",
            ssh.display(),
            hg().display()
        );
        fs::write(test.path("hgrc"), rc).expect("the configuration can be written");
        test
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn server(&self) -> PathBuf {
        self.path("server")
    }

    /// Runs a program with nothing of this machine's configuration.
    pub fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        command.env("HGRCPATH", self.path("hgrc")).env("HGPLAIN", "1").env("LC_ALL", "C.UTF-8");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(programs().to_owned()).chain(std::env::split_paths(&path));
        command.env("HOME", self.root.path()).env("PATH", std::env::join_paths(path).expect("plain paths"));
        command
    }

    /// Runs `hg`: what talks to a server, is rare or brings settings along in a process of its own, as a person would, the rest in the open one.
    pub fn hg(&self, folder: &Path, args: &[&str]) -> Ran {
        let apart = matches!(args[0], "push" | "pull" | "unbundle" | "strip") || args[0].starts_with("debug");
        if apart || args.contains(&"--config") {
            return self.command(&hg(), folder).args(args).output().expect("hg starts").into();
        }
        self.quickly(&[&["--cwd", &folder.to_string_lossy()], args].concat())
    }

    /// Runs `hg` in the process that stays open.
    pub fn quickly(&self, args: &[&str]) -> Ran {
        self.open.get_or_init(|| Mutex::new(self.start())).lock().expect("no command panics").run(args)
    }

    fn start(&self) -> CommandServer {
        CommandServer::start(self.command(&hg(), self.root.path()))
    }

    /// Adds lines to the configuration of all repositories, which an open process has read already.
    pub fn set_everywhere(&self, lines: &str) {
        let rc = fs::read_to_string(self.path("hgrc")).expect("the configuration is there");
        fs::write(self.path("hgrc"), rc + lines).expect("the configuration can be written");
        if let Some(open) = self.open.get() {
            *open.lock().expect("no command panics") = self.start();
        }
    }

    /// Runs `hg`, which must succeed, and returns its standard output.
    pub fn ok(&self, folder: &Path, args: &[&str]) -> String {
        let ran = self.hg(folder, args);
        assert_eq!(ran.code, Some(0), "hg {args:?}: {}", ran.said);
        ran.stdout
    }

    /// Runs a Python script that may import Mercurial, with `args`; it must succeed.
    pub fn python(&self, folder: &Path, script: &str, args: &[&str]) -> String {
        let ran: Ran =
            self.command(&python(), folder).arg("-c").arg(script).args(args).output().expect("starts").into();
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        ran.stdout
    }

    /// Runs a Python script that fills `bundler` and calls `send()`; `args` begin with the server's address.
    pub fn send_bundle(&self, clone: &Path, script: &str, args: &[&str]) -> String {
        let clone_name = clone.to_string_lossy();
        let all: Vec<&str> = std::iter::once(&*clone_name).chain(args.iter().copied()).collect();
        self.python(clone, &format!("{SEND}{script}"), &all)
    }

    pub fn write(&self, repository: &Path, file: &str, content: &str) {
        let path = repository.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, content).expect("a file can be written");
    }

    /// Records all changes of the working directory and returns the node.
    pub fn commit(&self, repository: &Path, message: &str) -> String {
        self.ok(repository, &["commit", "--addremove", "--quiet", "--message", message]);
        self.node(repository, ".")
    }

    /// Writes a file and records it.
    pub fn change(&self, repository: &Path, file: &str, message: &str) -> String {
        self.write(repository, file, &format!("{message}\n"));
        self.commit(repository, message)
    }

    /// Returns the full node of a revision.
    pub fn node(&self, repository: &Path, revision: &str) -> String {
        self.ok(repository, &["log", "--hidden", "--rev", revision, "--template", "{node}"])
    }

    /// Clones the server without its hooks.
    pub fn clone(&self, name: &str) -> PathBuf {
        let (server, clone) = (self.server(), self.path(name));
        self.ok(self.root.path(), &["clone", "--quiet", "--pull", &server.to_string_lossy(), &clone.to_string_lossy()]);
        clone
    }

    /// The server's address for a transport, for alice.
    pub fn url(&self, transport: Transport) -> String {
        self.url_of("alice", transport)
    }

    /// The server's address for a transport, for somebody who is logged in there; an empty name is nobody.
    pub fn url_of(&self, login: &str, transport: Transport) -> String {
        match transport {
            Transport::Local => self.server().to_string_lossy().into_owned(),
            Transport::Ssh => format!("ssh://{login}@host/{}", self.server().display()).replace("//@", "//"),
            Transport::Http => {
                format!("{}as-{login}", self.http.get_or_init(|| HttpServer::start(self)).url)
            }
        }
    }

    /// Pushes from a clone.
    pub fn push(&self, clone: &Path, transport: Transport, args: &[&str]) -> Ran {
        let url = self.url(transport);
        let mut all = vec!["push", url.as_str()];
        all.extend(args);
        self.hg(clone, &all)
    }

    /// What a push could have changed on the server: changesets with phases, bookmarks, markers.
    pub fn server_state(&self) -> String {
        let server = self.server();
        let log = self.ok(&server, &["log", "--hidden", "--template", "{node} {phase} {obsolete} {bookmarks}\n"]);
        let markers = fs::read(server.join(".hg/store/obsstore")).unwrap_or_default();
        assert!(!server.join(".hg/store/journal").exists(), "a transaction was left open");
        format!("{log}{markers:?}")
    }
}

/// Whatever a test did to the server, it is sound at the end.
impl Drop for TestHg {
    fn drop(&mut self) {
        // Mercurial's own check does not know where the experimental changelog keeps its lists of files.
        let requires = fs::read_to_string(self.server().join(".hg/store/requires")).unwrap_or_default();
        if !std::thread::panicking() && !requires.contains("exp-changelog-v2") {
            self.ok(&self.server(), &["verify", "--quiet"]);
        }
    }
}

/// What scripts that send bundles of their own have in common.
const SEND: &str = r#"
import sys
from mercurial import bundle2, changegroup, discovery, hg, ui as uimod
ui = uimod.ui.load()
repo = hg.repository(ui, sys.argv[1].encode())
other = hg.peer(ui, {}, sys.argv[2].encode())
bundler = bundle2.bundle20(ui, bundle2.bundle2caps(other))
bundler.newpart(b'replycaps', data=bundle2.encodecaps(bundle2.getrepocaps(repo, role=b'client')))

def send():
    stream = bundle2.util.chunkbuffer(bundler.getchunks())
    try:
        with other.commandexecutor() as executor:
            reply = executor.callcommand(b'unbundle', {b'bundle': stream, b'heads': [b'force'], b'url': other.url()}).result()
        bundle2.processbundle(repo, reply, lambda: None)
    except Exception as cause:
        print(type(cause).__name__, cause)
"#;

/// Serves the repository with somebody logged in, as a web server in front of it would say: whom the first folder of the path names.
const SERVE: &str = r#"
import os, sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
from mercurial.hgweb import hgweb

class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass

# The server's own, and the one beside it for requests, which has the same address with something behind it.
apps = {}

def app(ending):
    if ending not in apps:
        apps[ending] = hgweb(os.fsencode(sys.argv[1] + ending))
    return apps[ending]

def authenticated(environ, start_response):
    folder, slash, rest = environ['PATH_INFO'].lstrip('/').partition('/')
    login = folder.removeprefix('as-').removesuffix('-requests')
    environ['REMOTE_USER'] = login
    environ['SCRIPT_NAME'] = '/' + folder
    environ['PATH_INFO'] = slash + rest
    return app(folder.removeprefix('as-' + login))(environ, start_response)

server = make_server('127.0.0.1', 0, authenticated, handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
"#;

impl HttpServer {
    fn start(test: &TestHg) -> Self {
        let mut command = test.command(&python(), test.root.path());
        command.arg("-c").arg(SERVE).arg(test.server()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the web server starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("it says its port");
        Self { process, url: format!("http://127.0.0.1:{}/", line.trim()) }
    }
}

/// Writes a file that can be executed.
pub fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("a program can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
}
