//! Where the demonstration is played: folders for its people, and their commands run and shown.

use crate::adapters::ssh;
use crate::cli::{Context, Exit, Failure, IntoFailure, Style, safe};
use crate::domain::approval::{SignedToken, Token, signed_bytes};
use crate::domain::change::{Action, ChangesetId};
use crate::ports::signer::Signer as _;
use data_encoding::BASE64URL_NOPAD;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Somebody with a folder of their own.
pub(super) struct Person {
    name: String,
    folder: PathBuf,
    home: PathBuf,
}

impl Person {
    /// Returns the folder in which their commands run.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns their home folder.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Returns what they are called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns their private key's file.
    pub(super) fn key(&self) -> PathBuf {
        self.home.join(".ssh/id_ed25519")
    }
}

/// How a command should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// With exit code 0.
    Success,
    /// With another one.
    Refusal,
}

/// The folder of the demonstration, and the terminal that shows it.
pub(super) struct Stage<'c> {
    root: PathBuf,
    program: PathBuf,
    cx: &'c Context,
}

impl<'c> Stage<'c> {
    /// Sets up below `root`.
    pub(super) fn new(root: PathBuf, cx: &'c Context) -> Result<Self, Failure> {
        let program = env::current_exe().and_then(|path| path.canonicalize()).or_fail()?;
        Ok(Self { root, program, cx })
    }

    /// Returns the folder below which everything stands.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a person, with a home folder and a key.
    pub(super) fn person(&self, name: &str) -> Result<Person, Failure> {
        let person =
            Person { name: name.to_owned(), folder: self.root.join(name), home: self.root.join("homes").join(name) };
        fs::create_dir_all(person.home.join(".ssh")).or_fail()?;
        fs::create_dir(&person.folder).or_fail()?;
        let key = person.key();
        let comment = format!("{name}@example.com");
        let made = Command::new(&self.program)
            .args(["key", "new", "--no-passphrase", "--comment", &comment, "--file"])
            .arg(&key)
            .env("HOME", &person.home)
            .output()
            .or_fail()?;
        if !made.status.success() {
            return Err(
                Failure::undecided(String::from_utf8_lossy(&made.stderr).into_owned()).context("no key was made")
            );
        }
        Ok(person)
    }

    /// The one who installs.
    pub(super) fn administrator(&self) -> Person {
        Person { name: "administrator".to_owned(), folder: self.root.clone(), home: self.root.join("homes") }
    }

    /// Returns a person's public key as a policy lists it.
    fn public_key(&self, person: &Person) -> Result<String, Failure> {
        let text = fs::read_to_string(person.key().with_extension("pub")).or_fail()?;
        Ok(text.trim().to_owned())
    }

    /// Opens a new part with a sentence.
    pub(super) fn step(&self, sentence: &str) {
        let line = self.cx.terminal.styled(Style::Strong, &format!("# {sentence}"));
        self.cx.terminal.answer(&format!("\n{line}\n"));
    }

    /// Shows what a file holds.
    fn show_file(&self, name: &str, text: &str) {
        let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
        self.cx.terminal.answer(&format!("{name}:\n{indented}"));
    }

    /// Runs a command and shows it with what it prints.
    pub(super) fn run(&self, person: &Person, command: &str, expect: Expect) -> Result<(), Failure> {
        self.run_as(person, command, command, expect)
    }

    /// As [`Stage::run`], but shows `shown` instead of the command.
    pub(super) fn run_as(&self, person: &Person, command: &str, shown: &str, expect: Expect) -> Result<(), Failure> {
        let prompt = self.cx.terminal.styled(Style::Hint, &format!("{}$", person.name));
        self.cx.terminal.answer(&format!("{prompt} {shown}\n"));
        let output = self.output(person, command)?;
        for stream in [&output.stderr, &output.stdout] {
            let lines = String::from_utf8_lossy(stream);
            let clean: String = lines
                .lines()
                .map(|line| format!("    {}\n", safe(line.trim_end().replace('\t', "  ").as_bytes())))
                .collect();
            self.cx.terminal.answer(&clean);
        }
        let ended = if output.status.success() { Expect::Success } else { Expect::Refusal };
        if ended == expect {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Denied,
            format!("`{shown}` should have ended with {expect:?}, but ended with {ended:?}"),
        ))
    }

    /// Runs a command that must succeed and shows nothing; returns what it prints.
    pub(super) fn quiet(&self, person: &Person, command: &str) -> Result<String, Failure> {
        let output = self.output(person, command)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut failure = Failure::undecided(format!("`{command}` failed"));
        failure.chain.extend(String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned));
        Err(failure)
    }

    /// Writes a policy in which these people approve changes of the branch `main`, and shows it.
    pub(super) fn write_policy(&self, main: &str, people: &[&Person]) -> Result<(), Failure> {
        let mut policy = "version = 1\ndefault = \"allow\"\n\n".to_owned();
        for person in people {
            let (name, key) = (&person.name, self.public_key(person)?);
            policy += &format!(
                "[principals.{name}]\nkeys = [\"{key}\"]\nemails = [\"{name}@example.com\"]\nlogins = [\"{name}\"]\n\n"
            );
        }
        let members: Vec<String> = people.iter().map(|person| format!("\"{}\"", person.name)).collect();
        let members = members.join(", ");
        policy += &format!(
            r#"[roles.maintainers]
members = [{members}]

[[rule]]
name = "main-review"
branches = ["{main}"]
require = [{{ role = "maintainers", approvals = 1 }}]
message = "Every change of {main} is read by a second person."
"#
        );
        let folder = self.root.join("policies");
        fs::create_dir(&folder).or_fail()?;
        fs::write(folder.join("policy.toml"), &policy).or_fail()?;
        self.show_file("policies/policy.toml", &policy);
        Ok(())
    }

    /// Takes somebody's token and writes `change` into it: once signed anew with `person`'s key, once with the signature that it has.
    pub(super) fn forge(
        &self,
        person: &Person,
        token: &str,
        change: &str,
        action: Action,
    ) -> Result<[String; 2], Failure> {
        let real = SignedToken::parse(token.trim()).or_fail()?;
        let old = real.token.subject.ok_or_else(|| Failure::undecided("the token is no approval"))?;
        let subject = ChangesetId::from_hex(old.kind(), change).or_fail()?;
        let forged = Token { subject: Some(subject), action: Some(action), base: vec![old], ..real.token };
        let message = forged.message().or_fail()?;
        let signature = token.trim().rsplit('.').next().unwrap_or_default();
        let altered = format!("jit1.{}.{signature}", BASE64URL_NOPAD.encode(message.as_bytes()));
        let signer = ssh::load(&person.key(), &|_| Err(io::Error::other("the key has no passphrase"))).or_fail()?;
        let own = signer.sign(&signed_bytes(message.as_bytes())).or_fail()?;
        let own = SignedToken::from_parts(forged, signer.public_key(), own).or_fail()?;
        Ok([own.text, altered])
    }

    /// Runs `command`, split as a shell would for single quotes, with nothing of the caller's surroundings but PATH.
    fn output(&self, person: &Person, command: &str) -> Result<Output, Failure> {
        let words = split(command);
        let (name, arguments) = words.split_first().ok_or_else(|| Failure::undecided("an empty command"))?;
        let program = if name == "jit" { self.program.clone() } else { PathBuf::from(name) };
        Command::new(program)
            .args(arguments)
            .current_dir(&person.folder)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", &person.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", &person.name)
            .env("GIT_AUTHOR_EMAIL", format!("{}@example.com", person.name))
            .env("GIT_COMMITTER_NAME", &person.name)
            .env("GIT_COMMITTER_EMAIL", format!("{}@example.com", person.name))
            .env("HGRCPATH", person.home.join(".hgrc"))
            .env("HGPLAIN", "1")
            // In place of a transport that authenticates: see docs/operations.md.
            .env("REMOTE_USER", &person.name)
            .stdin(Stdio::null())
            .output()
            .or_fail()
            .map_err(|failure| failure.context(format!("`{name}` could not be run")))
    }
}

/// Splits at spaces outside single quotes.
fn split(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is always a word").push(c),
        }
    }
    words
}

/// Tells whether there is such a program.
pub(super) fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}
