//! `jit key`: makes an SSH key, or shows those that can sign, with the line that a policy wants.

use crate::adapters::ssh::{self, Candidate, KeyFileError, Listing, NewKeyError, PublicFileError};
use crate::cli::{Context, Exit, Failure, Format, safe};
use crate::domain::approval::PublicKey;
use directories::BaseDirs;
use serde_json::{Value, json};
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// Makes an SSH key or shows those that can sign.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a new Ed25519 key and print the line that a policy wants
    New {
        /// Where to write the private key; the public one gets `.pub` after the name [default: ~/.ssh/id_ed25519]
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
        /// Leave the private key unprotected, for machines
        #[arg(long)]
        no_passphrase: bool,
        /// What stands after the key [default: user@host]
        #[arg(long, value_name = "COMMENT")]
        comment: Option<String>,
    },
    /// Show a public key, its fingerprint and the line that a policy wants
    Show {
        /// The private or the public key file [default: ~/.ssh/id_ed25519]
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
    },
    /// List the keys in ~/.ssh that can sign
    List,
}

/// Does what `args` say.
///
/// # Errors
/// [`Failure`] when a key cannot be made, read or listed.
pub fn run(args: Args, cx: &Context) -> Result<Exit, Failure> {
    match args.command {
        Command::New { file, no_passphrase, comment } => {
            let path = file.map_or_else(default_file, Ok)?;
            ssh::is_free(&path).map_err(not_made)?;
            let comment = comment.unwrap_or_else(default_comment);
            let ask = |question: &str| cx.terminal.ask_hidden(question);
            let passphrase = if no_passphrase { None } else { Some(ssh::ask_new_passphrase(&ask).map_err(not_made)?) };
            let passphrase = passphrase.as_ref().map(|text| text.as_str());
            let key = ssh::create(&path, &comment, passphrase).map_err(not_made)?;
            cx.terminal.say(&format!("wrote {}", quoted(&path)));
            answer(&ShownKey { key, comment }, cx);
        }
        Command::Show { file } => {
            let path = file.map_or_else(default_file, Ok)?;
            answer(&read(&path)?, cx);
        }
        Command::List => {
            let home = home()?;
            let listing = ssh::list(&home)
                .map_err(|error| failed(&error).context(format!("cannot list {}", quoted(&home.join(".ssh")))))?;
            for skipped in &listing.skipped {
                cx.terminal.say(&format!("not listed: {}", chain(&skipped.why)));
            }
            if listing.candidates.is_empty() {
                cx.terminal.say("no key that can sign; hint: `jit key new` makes one");
            }
            cx.terminal.answer(&match cx.format {
                Format::Text => list_text(&listing),
                Format::Json => json_document(&list_json(&listing)),
            });
        }
    }
    Ok(Exit::Done)
}

/// A key as `new` and `show` print it.
#[derive(Debug, PartialEq, Eq)]
struct ShownKey {
    key: PublicKey,
    comment: String,
}

impl ShownKey {
    /// The public key line, with its comment.
    fn line(&self) -> String {
        if self.comment.is_empty() { self.key.openssh() } else { format!("{} {}", self.key.openssh(), self.comment) }
    }

    /// What goes below `[principals.NAME]` in a policy.
    fn policy_line(&self) -> String {
        format!("keys = [{}]", toml::Value::from(self.line()))
    }

    fn text(&self) -> String {
        let shown = |text: &str| safe(text.as_bytes());
        format!("{}\n{}\n{}\n", shown(&self.line()), self.key, shown(&self.policy_line()))
    }

    fn json(&self) -> Value {
        json!({
            "key": self.key.openssh(),
            "comment": self.comment,
            "fingerprint": self.key.to_string(),
            "policy": self.policy_line(),
        })
    }
}

fn answer(shown: &ShownKey, cx: &Context) {
    cx.terminal.answer(&match cx.format {
        Format::Text => shown.text(),
        Format::Json => json_document(&shown.json()),
    });
}

fn list_text(listing: &Listing) -> String {
    let line = |found: &Candidate| {
        let private = match &found.private_path {
            Some(path) => quoted(path),
            None => format!("{} (no private file beside it)", quoted(&found.public_path)),
        };
        format!("{}  {}  {private}\n", found.key, safe(found.comment.as_bytes()))
    };
    listing.candidates.iter().map(line).collect()
}

fn list_json(listing: &Listing) -> Value {
    let item = |found: &Candidate| {
        json!({
            "key": found.key.openssh(),
            "comment": found.comment,
            "fingerprint": found.key.to_string(),
            "public_file": found.public_path.to_string_lossy(),
            "private_file": found.private_path.as_ref().map(|path| path.to_string_lossy()),
        })
    };
    json!({ "keys": listing.candidates.iter().map(item).collect::<Vec<_>>() })
}

fn json_document(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Reads the key that `path` names: the public file beside a private one, a public file, or a private one alone.
fn read(path: &Path) -> Result<ShownKey, Failure> {
    let beside = ssh::with_pub(path);
    if beside.exists() {
        let (key, comment) = ssh::read_public(&beside).map_err(|error| not_public(&error))?;
        return Ok(ShownKey { key, comment });
    }
    if path.extension().is_some_and(|ending| ending == "pub") {
        let (key, comment) = ssh::read_public(path).map_err(|error| not_public(&error))?;
        return Ok(ShownKey { key, comment });
    }
    let key = ssh::public_half(path).map_err(|error| not_private(path, &error))?;
    Ok(ShownKey { key, comment: String::new() })
}

fn home() -> Result<PathBuf, Failure> {
    let dirs = BaseDirs::new().ok_or_else(|| Failure::undecided("there is no home folder"))?;
    Ok(dirs.home_dir().to_owned())
}

fn default_file() -> Result<PathBuf, Failure> {
    let home = home().map_err(|failure| failure.hint("`--file PATH` names the key"))?;
    Ok(home.join(".ssh").join("id_ed25519"))
}

/// `user@host`, as far as the system tells.
fn default_comment() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let comment = format!("{}@{host}", user.as_deref().unwrap_or("unknown"));
    comment.chars().filter(|c| !c.is_control()).collect()
}

fn failed(error: &dyn Error) -> Failure {
    Failure::from_error(Exit::Undecided, error)
}

fn not_made(error: NewKeyError) -> Failure {
    let failure = failed(&error);
    match error {
        NewKeyError::Exists { .. } => {
            failure.hint("`jit key show` shows the key that is there").hint("`--file PATH` writes another")
        }
        NewKeyError::EmptyPassphrase | NewKeyError::NoPassphrase(_) => {
            failure.hint("`--no-passphrase` leaves the key unprotected, for machines")
        }
        _ => failure,
    }
}

fn not_public(error: &PublicFileError) -> Failure {
    let failure = failed(error);
    match error {
        PublicFileError::Line { .. } => failure.hint("`jit key new --file PATH` makes a key that can sign"),
        _ => failure,
    }
}

fn not_private(path: &Path, error: &KeyFileError) -> Failure {
    let failure = failed(error);
    match error {
        KeyFileError::Unreadable { cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
            failure.hint("`jit key new` makes a key").hint("`jit key list` lists the keys in ~/.ssh")
        }
        KeyFileError::TooOpen { .. } => failure.hint(format!("`chmod 600 {}` takes it from the others", quoted(path))),
        KeyFileError::Algorithm { .. } => failure.hint("`jit key new --file PATH` makes a key that can sign"),
        _ => failure,
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    failed(error).chain.join(": ")
}

/// A path as the terminal may see it.
fn quoted(path: &Path) -> String {
    safe(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn new(path: &Path, comment: &str) -> Result<Exit, Failure> {
        let command =
            Command::New { file: Some(path.to_owned()), no_passphrase: true, comment: Some(comment.to_owned()) };
        run(Args { command }, &Context::default())
    }

    #[test]
    fn a_new_key_can_be_shown_by_either_file() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("key");
        assert_eq!(new(&path, "alice@laptop").expect("made"), Exit::Done);

        let shown = read(&path).expect("shown");
        assert_eq!(shown.comment, "alice@laptop");
        assert_eq!(read(&ssh::with_pub(&path)).expect("shown"), shown);
        fs::remove_file(ssh::with_pub(&path)).expect("removed");
        assert_eq!(read(&path).expect("shown"), ShownKey { comment: String::new(), ..shown });
    }

    #[test]
    fn a_key_that_exists_stays_and_the_hints_say_what_to_do() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("key");
        fs::write(&path, "precious").expect("written");
        let failure = new(&path, "alice@laptop").expect_err("refused");
        assert_eq!(failure.exit, Exit::Undecided);
        assert!(failure.hints.iter().any(|hint| hint.contains("--file")), "{failure:?}");
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
    }

    #[test]
    fn the_policy_line_survives_toml_whatever_the_comment() {
        let folder = TempDir::new().expect("a folder");
        for (name, comment) in [("a", "alice@laptop"), ("b", "\"]\\ # ' '''"), ("c", ""), ("d", "a\u{202e}b")] {
            let path = folder.path().join(name);
            new(&path, comment).expect("made");
            let shown = read(&path).expect("shown");
            let table: toml::Table = shown.policy_line().parse().expect("TOML");
            let line = table["keys"][0].as_str().expect("a string");
            assert_eq!(PublicKey::parse_openssh(line), Ok((shown.key, comment)));
            assert!(!shown.text().contains('\u{202e}'));
            assert_eq!(shown.json()["fingerprint"], shown.key.to_string());
        }
    }

    #[test]
    fn the_list_names_the_file_of_each_key() {
        let home = TempDir::new().expect("a folder");
        let ssh_folder = home.path().join(".ssh");
        new(&ssh_folder.join("id_ed25519"), "alice@laptop").expect("made");
        new(&ssh_folder.join("token"), "alice@token").expect("made");
        fs::remove_file(ssh_folder.join("token")).expect("removed");

        let listing = ssh::list(home.path()).expect("listed");

        let text = list_text(&listing);
        let [first, second] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(first.starts_with("SHA256:") && first.ends_with("/.ssh/id_ed25519"), "{first}");
        assert!(second.ends_with("token.pub (no private file beside it)"), "{second}");
        let json = list_json(&listing);
        assert_eq!(json["keys"][0]["comment"], "alice@laptop");
        assert_eq!(json["keys"][1]["private_file"], Value::Null);
    }

    #[test]
    fn a_missing_key_is_answered_with_how_to_make_one() {
        let folder = TempDir::new().expect("a folder");
        let failure = read(&folder.path().join("none")).expect_err("refused");
        assert!(failure.hints.iter().any(|hint| hint.contains("jit key new")), "{failure:?}");
    }
}
