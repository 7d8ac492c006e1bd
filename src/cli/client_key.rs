//! Which key signs: the one that is named, or the one of the user's that the policy lists.

use super::client::Client;
use super::local_clone::System;
use super::{Context, Exit, Failure, safe};
use crate::adapters::ssh::{self, FileSigner};
use crate::domain::approval::PublicKey;
use crate::domain::name::PrincipalId;
use crate::domain::policy::Policy;
use directories::BaseDirs;
use std::path::{Path, PathBuf};

/// A key that may sign here, and whose it is.
#[derive(Debug, Clone)]
pub struct OwnKey {
    /// The private file.
    pub path: PathBuf,
    /// The key.
    pub key: PublicKey,
    /// Who holds it, by the policy.
    pub who: PrincipalId,
}

impl OwnKey {
    /// Chooses: `wanted`, else `jit.key`, else the one among `~/.ssh/*.pub` that the policy lists and whose private file is there.
    ///
    /// # Errors
    /// [`Failure`] if there is none, several, or one that the policy does not list.
    pub fn choose(client: &Client, wanted: Option<&Path>) -> Result<Self, Failure> {
        let (policy, system) = (&client.policy, client.local.system());
        Self::among(policy, system, wanted.map(Path::to_owned).or_else(|| client.local.key_setting().map(expanded)))
    }

    fn among(policy: &Policy, system: System, named: Option<PathBuf>) -> Result<Self, Failure> {
        match named {
            Some(path) => Self::named(policy, system, &path),
            None => Self::found(policy, system),
        }
    }

    fn named(policy: &Policy, system: System, path: &Path) -> Result<Self, Failure> {
        // The public file may be named as well; the private one stands beside it.
        let path = if path.extension().is_some_and(|ending| ending == "pub") {
            path.with_extension("")
        } else {
            path.to_owned()
        };
        let key = ssh::public_half(&path).map_err(|error| Failure::from_error(Exit::Undecided, &error))?;
        match policy.holder(&key) {
            Some(who) => Ok(Self { path, key, who: who.clone() }),
            None => Err(unknown(system, &[(key, path)])),
        }
    }

    fn found(policy: &Policy, system: System) -> Result<Self, Failure> {
        let home = BaseDirs::new().ok_or_else(|| Failure::undecided("no home folder is known"))?;
        let listing = ssh::list(home.home_dir())
            .map_err(|error| Failure::from_error(Exit::Undecided, &error).context("cannot list ~/.ssh"))?;
        let (mut own, mut lonely, mut tried) = (Vec::new(), Vec::new(), Vec::new());
        for candidate in listing.candidates {
            match (policy.holder(&candidate.key), candidate.private_path) {
                (Some(who), Some(path)) => own.push(Self { path, key: candidate.key, who: who.clone() }),
                (Some(_), None) => lonely.push(candidate.public_path),
                (None, _) => tried.push((candidate.key, candidate.public_path)),
            }
        }
        match own.len() {
            1 => own.pop().ok_or_else(|| unknown(system, &tried)),
            0 if !lonely.is_empty() => {
                let names: Vec<String> = lonely.iter().map(|path| shown(path)).collect();
                Err(Failure::undecided(format!("the private file of {} is not beside it", names.join(", ")))
                    .hint(format!("name the private file with `--key FILE`, or for good with {}", for_good(system))))
            }
            0 => Err(unknown(system, &tried)),
            _ => {
                let names: Vec<String> =
                    own.iter().map(|one| format!("{} ({}, {})", shown(&one.path), one.who, one.key)).collect();
                Err(Failure::usage(format!("several keys could sign: {}", names.join("; ")))
                    .hint(format!("name one with `--key FILE`, or for good with {}", for_good(system))))
            }
        }
    }

    /// Opens the private file, asking for a passphrase if it has one.
    ///
    /// # Errors
    /// [`Failure`] if it does not open, or holds another key by now.
    pub fn signer(&self, cx: &Context) -> Result<FileSigner, Failure> {
        use crate::ports::signer::Signer as _;
        let ask = |question: &str| cx.terminal.ask_hidden(question);
        let signer = ssh::load(&self.path, &ask).map_err(|error| Failure::from_error(Exit::Undecided, &error))?;
        if signer.public_key() == self.key {
            Ok(signer)
        } else {
            let path = shown(&self.path);
            Err(Failure::undecided(format!("{path} does not hold the key of the file beside it ({})", self.key)))
        }
    }
}

/// Returns who the user is by the policy, if exactly one of their keys tells; `setting` is their `jit.key`.
pub fn likely_self(policy: &Policy, system: System, setting: Option<&str>) -> Option<PrincipalId> {
    OwnKey::among(policy, system, setting.map(expanded)).ok().map(|own| own.who)
}

/// Returns the user's login by the policy, if exactly one of their keys tells who they are, and they have one.
pub fn likely_login(policy: &Policy, system: System, setting: Option<&str>) -> Option<String> {
    only_login(policy, &likely_self(policy, system, setting)?)
}

/// Returns the login of `who` by the policy, if there is exactly one.
pub fn only_login(policy: &Policy, who: &PrincipalId) -> Option<String> {
    match &policy.principals.get(who)?.logins[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn unknown(system: System, tried: &[(PublicKey, PathBuf)]) -> Failure {
    let failure = if tried.is_empty() {
        Failure::undecided("there is no Ed25519 key in ~/.ssh to sign with").hint("`jit key new` makes one")
    } else {
        let list: Vec<String> = tried.iter().map(|(key, path)| format!("{key} ({})", shown(path))).collect();
        Failure::undecided(format!("the policy lists none of your keys: {}", list.join(", ")))
    };
    let file = match tried {
        [(_, path)] => format!(" --file {}", shown(path)),
        _ => String::new(),
    };
    failure
        .hint(format!("`jit key show{file}` prints the line that an administrator adds to the policy"))
        .hint(format!("a key elsewhere is named with `--key FILE`, or for good with {}", for_good(system)))
}

fn for_good(system: System) -> String {
    system.setting("key", "FILE")
}

fn shown(path: &Path) -> String {
    safe(path.as_os_str().as_encoded_bytes())
}

/// Puts the home folder in place of a `~/` in front, as git does for paths.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), BaseDirs::new()) {
        (Some(rest), Some(home)) => home.home_dir().join(rest),
        _ => PathBuf::from(path),
    }
}
