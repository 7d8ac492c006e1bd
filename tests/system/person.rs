//! Somebody with a home folder, a key and a clone, who knows nothing of the server but its URL.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_jit");

/// What a program left behind.
#[derive(Debug)]
pub struct Said {
    pub succeeded: bool,
    pub out: String,
    /// Standard error, without the `remote: ` that Git puts before a hook's lines.
    pub err: String,
}

/// Runs `command` with `input`, away from any terminal.
pub fn run(mut command: Command, input: &str) -> Said {
    use std::io::Write as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("these tests need `{}`: {error}", command.get_program().display()));
    // A program that ends early need not read everything.
    let _closed = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    let err: Vec<&str> = err.lines().map(|line| line.strip_prefix("remote: ").unwrap_or(line).trim_end()).collect();
    Said {
        succeeded: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: err.join("\n"),
    }
}

/// A person.
pub struct Person {
    pub name: &'static str,
    home: PathBuf,
}

impl Person {
    /// Makes a home folder below `folder` and, with `jit key new`, a key where ssh and `jit` look for it.
    pub fn new(name: &'static str, folder: &Path) -> Self {
        let person = Self { name, home: folder.join("homes").join(name) };
        fs::create_dir_all(person.home.join(".ssh")).expect("a new folder");
        let comment = format!("{name}@laptop");
        let mut make = person.command(PROGRAM);
        make.args(["key", "new", "--no-passphrase", "--comment", &comment, "--file"]).arg(person.key());
        let said = run(make, "");
        assert!(said.succeeded, "{}", said.err);
        person
    }

    /// The private key, which opens the connection and signs approvals.
    pub fn key(&self) -> PathBuf {
        self.home.join(".ssh/id_ed25519")
    }

    pub fn public_key(&self) -> String {
        fs::read_to_string(self.key().with_extension("pub")).expect("a public key").trim().to_owned()
    }

    /// A path in the home folder.
    pub fn at_home(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// The clone.
    pub fn work(&self) -> PathBuf {
        self.home.join("payments")
    }

    /// Prepares a program that sees nothing of the developer's own environment but PATH.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(&self.home);
        command
    }

    /// Writes the settings that Git reads from the home folder: `settings`, and who commits.
    pub fn configure(&self, settings: &str) {
        let own = format!("[user]\nname = {0}\nemail = {0}@example.com\n[init]\ndefaultBranch = main\n", self.name);
        fs::write(self.home.join(".gitconfig"), own + settings).expect("written");
    }

    /// Runs Git in the clone.
    pub fn git(&self, arguments: &[&str]) -> Said {
        let mut git = self.command("git");
        git.current_dir(self.work()).args(arguments);
        run(git, "")
    }

    /// Runs `jit` in the clone.
    pub fn jit(&self, arguments: &[&str]) -> Said {
        let mut jit = self.command(PROGRAM);
        jit.current_dir(self.work()).args(arguments);
        run(jit, "")
    }

    /// Runs Git in the clone; it must succeed. Returns what it prints.
    #[track_caller]
    pub fn must_git(&self, arguments: &[&str]) -> String {
        let said = self.git(arguments);
        assert!(said.succeeded, "git {arguments:?}:\n{}", said.err);
        said.out.trim().to_owned()
    }

    /// Runs `jit` in the clone; it must succeed.
    #[track_caller]
    pub fn must_jit(&self, arguments: &[&str]) {
        let said = self.jit(arguments);
        assert!(said.succeeded, "jit {arguments:?}:\n{}{}", said.out, said.err);
    }

    /// Clones from `url`.
    pub fn clone(&self, url: &str) -> Said {
        let mut git = self.command("git");
        git.args(["clone", "--quiet", url]).arg(self.work());
        run(git, "")
    }

    /// Commits `file` in the clone; returns the commit's id.
    pub fn commit(&self, file: &str) -> String {
        fs::write(self.work().join(file), format!("{file} by {}\n", self.name)).expect("written");
        self.must_git(&["add", file]);
        self.must_git(&["commit", "--quiet", "--message", &format!("Add {file}")]);
        self.must_git(&["rev-parse", "HEAD"])
    }
}
