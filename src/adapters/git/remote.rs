//! What goes over the network: `git ls-remote`, `git fetch` and `git push`, run as the user would run them, so that their SSH
//! configuration, credentials and proxies hold. No shell is involved, refs are named in full, and no hook of the client runs.

use super::client::{Checkout, CheckoutError, trimmed};
use crate::domain::change::{ChangesetId, IdKind, Target};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::process::Output;
use std::time::Duration;

/// How often a fetch is tried while another process holds the lock of a ref.
const FETCHES: usize = 5;
/// What git says then.
const LOCKED: &[u8] = b"cannot lock ref";
const FETCH: &str = "fetch from the remote";

/// Where the refs that were fetched from a remote stand.
const FETCHED: &str = "refs/jit/remotes";

/// The refs of a remote, as it lists them.
pub type Listing = BTreeMap<Target, ChangesetId>;

/// Another repository that this one knows by name or by URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    name: String,
    folder: String,
}

/// Why a remote was not reached, or not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The repository has no remote.
    #[error("this repository has no remote")]
    None,
    /// The repository has several, and nothing says which is meant.
    #[error("this repository has several remotes and none is named: {}", .0.join(", "))]
    Several(Vec<String>),
    /// `git` failed on the remote.
    #[error("git could not {doing}")]
    Failed {
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// What it wrote to stderr.
        said: Vec<u8>,
    },
    /// What `git ls-remote` wrote is not a list of refs.
    #[error("the remote's list of refs cannot be read")]
    Listing,
    /// `git` could not be run.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote took it.
    Done,
    /// The remote did not move the ref.
    Rejected {
        /// The summary that git gives.
        why: Vec<u8>,
        /// What git and the remote wrote to stderr.
        said: Vec<u8>,
    },
}

impl Remote {
    /// Chooses: `wanted`, else `jit.remote`, else the remote of the current branch, else the only one, else `origin`.
    ///
    /// # Errors
    /// [`RemoteError::None`], [`RemoteError::Several`].
    pub fn choose(checkout: &Checkout, wanted: Option<&str>) -> Result<Self, RemoteError> {
        let known = checkout.remotes();
        let branch_remote = || {
            let branch = checkout.current_branch()?;
            let name = branch.strip_prefix("refs/heads/")?;
            checkout.setting(&format!("branch.{name}.remote")).filter(|name| known.iter().any(|known| known == name))
        };
        if let Some(name) = wanted.or_else(|| checkout.setting("jit.remote")).or_else(branch_remote) {
            return Ok(Self::named(name, &known));
        }
        match &known[..] {
            [] => Err(RemoteError::None),
            [only] => Ok(Self::named(only, &known)),
            many if many.iter().any(|name| name == "origin") => Ok(Self::named("origin", &known)),
            many => Err(RemoteError::Several(many.to_vec())),
        }
    }

    /// A remote that is not configured has a URL for a name, which is no part of a refname.
    fn named(name: &str, known: &[String]) -> Self {
        let folder = if known.iter().any(|known| known == name) {
            name.to_owned()
        } else {
            format!("url-{}", &data_encoding::HEXLOWER.encode(&Sha256::digest(name))[..12])
        };
        Self { name: name.to_owned(), folder }
    }

    /// Returns the name or URL by which git knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the remote's `refs/jit/<rest>` is kept: `refs/jit/remotes/<remote>/<rest>`.
    pub fn kept(&self, rest: &str) -> String {
        format!("{FETCHED}/{}/{rest}", self.folder)
    }

    /// Lists the remote's refs. Names that no [`Target`] can have are left out.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn list(&self, checkout: &Checkout) -> Result<Listing, RemoteError> {
        let output = checkout.git(["ls-remote", "--refs", "--quiet", "--", &self.name])?;
        let output = succeeded(output, "list the remote's refs")?;
        let kind = checkout.repository().id_kind();
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| entry(line, kind)).filter_map(Result::transpose).collect()
    }

    /// Fetches refs: pairs of the remote's full name and the local one, overwritten; without a local name only the objects.
    ///
    /// Nothing else is fetched or written: no tags, no `FETCH_HEAD`, no configured refspecs.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn fetch(&self, checkout: &Checkout, refs: &[(&Target, Option<String>)]) -> Result<(), RemoteError> {
        // A command line has room for some names only.
        refs.chunks(200).try_for_each(|some| self.fetch_some(checkout, some))
    }

    fn fetch_some(&self, checkout: &Checkout, refs: &[(&Target, Option<String>)]) -> Result<(), RemoteError> {
        let mut arguments: Vec<OsString> = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-prune",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--refmap=",
            "--",
            &self.name,
        ]
        .map(OsString::from)
        .to_vec();
        for (target, kept) in refs {
            let name = target.as_git_ref().unwrap_or_default();
            let refspec = match kept {
                Some(kept) => [b"+", name, b":", kept.as_bytes()].concat(),
                None => name.to_vec(),
            };
            arguments.push(OsString::from_vec(refspec));
        }
        for _ in 1..FETCHES {
            let output = checkout.git(&arguments)?;
            if output.status.success() {
                return Ok(());
            }
            // Another command of this clone writes the same refs in this moment.
            if !output.stderr.windows(LOCKED.len()).any(|words| words == LOCKED) {
                return succeeded(output, FETCH).map(drop);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        succeeded(checkout.git(&arguments)?, FETCH).map(drop)
    }

    /// Moves the remote's ref `name` forward to the local commit `new`.
    ///
    /// # Errors
    /// [`RemoteError::Failed`] if the remote was not reached; a refusal is [`Pushed::Rejected`].
    pub fn push(&self, checkout: &Checkout, new: &ChangesetId, name: &str) -> Result<Pushed, RemoteError> {
        self.push_refspec(checkout, &format!("{}:{name}", new.hex()))
    }

    /// Deletes the remote's ref `name`.
    ///
    /// # Errors
    /// As [`Remote::push`].
    pub fn delete(&self, checkout: &Checkout, name: &str) -> Result<Pushed, RemoteError> {
        self.push_refspec(checkout, &format!(":{name}"))
    }

    fn push_refspec(&self, checkout: &Checkout, refspec: &str) -> Result<Pushed, RemoteError> {
        let output = checkout.git([
            "push",
            "--quiet",
            "--porcelain",
            // Not the client's own hooks: pre-push would judge what is none of its business, and call us again.
            "--no-verify",
            "--no-follow-tags",
            "--no-signed",
            "--recurse-submodules=no",
            "--",
            &self.name,
            refspec,
        ])?;
        if output.status.success() {
            return Ok(Pushed::Done);
        }
        let refused = output.stdout.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"!\t"));
        match refused.and_then(|line| line.splitn(2, |byte| *byte == b'\t').nth(1)) {
            Some(why) => Ok(Pushed::Rejected { why: why.to_vec(), said: output.stderr }),
            None => Err(RemoteError::Failed { doing: "push to the remote", said: output.stderr }),
        }
    }
}

/// Reads `<id> TAB <refname>`; `None` for a name that nothing can be signed for.
fn entry(line: &[u8], kind: IdKind) -> Result<Option<(Target, ChangesetId)>, RemoteError> {
    let tab = line.iter().position(|byte| *byte == b'\t').ok_or(RemoteError::Listing)?;
    let hex = str::from_utf8(&line[..tab]).map_err(|_| RemoteError::Listing)?;
    let id = ChangesetId::from_hex(kind, hex).map_err(|_| RemoteError::Listing)?;
    Ok(Target::git_ref(&line[tab + 1..]).ok().map(|target| (target, id)))
}

fn succeeded(output: Output, doing: &'static str) -> Result<Output, RemoteError> {
    if output.status.success() { Ok(output) } else { Err(RemoteError::Failed { doing, said: output.stderr }) }
}

impl Checkout {
    /// Returns what `@{push}` of the current branch names on `remote`, if it names anything.
    ///
    /// # Errors
    /// [`CheckoutError`] if git cannot be run.
    pub fn push_target(&self, remote: &Remote) -> Result<Option<Target>, CheckoutError> {
        let Some(branch) = self.current_branch() else { return Ok(None) };
        let format = "--format=%(push:remotename)%00%(push:remoteref)%00%(push)";
        let output = self.git([OsStr::new("for-each-ref"), OsStr::new(format), OsStr::new(&branch)])?;
        let mut fields = trimmed(&output.stdout).split(|byte| *byte == 0);
        let (name, target, tracking) = (fields.next(), fields.next(), fields.next());
        // Where nothing names a remote, git takes the only one, or `origin`.
        let usual = || remote.name() == "origin" || self.remotes().len() == 1;
        let fits = name.is_some_and(|name| name == remote.name().as_bytes() || (name.is_empty() && usual()));
        if !fits {
            return Ok(None);
        }
        // git names the remote's ref only where a push refspec does; otherwise it names the ref that tracks it.
        let target = target.filter(|target| !target.is_empty()).map(<[u8]>::to_vec);
        let tracked = || self.tracked(remote, tracking.unwrap_or_default());
        Ok(target.or_else(tracked).and_then(|target| Target::git_ref(&target).ok()))
    }

    /// Returns the remote's ref that is fetched into the local ref `tracking`, by the remote's fetch refspecs.
    fn tracked(&self, remote: &Remote, tracking: &[u8]) -> Option<Vec<u8>> {
        self.all_settings(&format!("remote.{}.fetch", remote.name())).find_map(|refspec| {
            let refspec = refspec.strip_prefix('+').unwrap_or(refspec);
            let (source, destination) = refspec.split_once(':')?;
            match (source.split_once('*'), destination.split_once('*')) {
                (None, None) => (destination.as_bytes() == tracking).then(|| source.as_bytes().to_vec()),
                (Some((before, after)), Some((start, end))) => {
                    let middle = tracking.strip_prefix(start.as_bytes())?.strip_suffix(end.as_bytes())?;
                    Some([before.as_bytes(), middle, after.as_bytes()].concat())
                }
                _ => None,
            }
        })
    }
}
