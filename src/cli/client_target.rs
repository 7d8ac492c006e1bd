//! What a command is about: REV, and the branch, tag or ref that it should move.

use super::client::Client;
use super::client_errors::{checkout_failure, git_failure, remote_failure};
use super::{Exit, Failure, safe};
use crate::adapters::git::Claim;
use crate::domain::change::{ChangesetId, Target};
use crate::domain::request::{Request, RequestId};

/// Where a server keeps requests.
const REQUESTS: &str = "refs/jit/requests/";

/// Choices that are listed in an error.
const SHOWN: usize = 10;

/// Names one target.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(multiple = false)]
pub struct TargetArgs {
    /// The branch that should move: `main`, `release/2`
    #[arg(long, short = 'b', value_name = "BRANCH")]
    pub branch: Option<String>,
    /// The tag that should move or be made: `v1.2`
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// The full name of any ref, `refs/…`
    #[arg(long = "ref", value_name = "REFNAME")]
    pub refname: Option<String>,
}

impl TargetArgs {
    /// Returns the target that is named, if one is.
    ///
    /// # Errors
    /// A usage [`Failure`] for a name that no Git ref can have.
    pub fn named(&self) -> Result<Option<Target>, Failure> {
        let full = match (&self.branch, &self.tag, &self.refname) {
            (Some(name), _, _) if name.starts_with("refs/") => {
                return Err(Failure::usage("`--branch` wants a short name, such as `main`")
                    .hint("a full name stands after `--ref`"));
            }
            (Some(name), _, _) => format!("refs/heads/{name}"),
            (_, Some(name), _) => format!("refs/tags/{name}"),
            (_, _, Some(name)) => name.clone(),
            (None, None, None) => return Ok(None),
        };
        let bad = || {
            Failure::usage(format!("`{}` is not a full refname", safe(full.as_bytes())))
                .hint("such as `refs/heads/main` or `refs/notes/review`")
        };
        Target::git_ref(full.as_bytes()).map(Some).map_err(|_| bad())
    }
}

/// A commit and the target that it should move.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The commit; for a deletion what the target holds.
    pub subject: ChangesetId,
    /// The target.
    pub target: Target,
    /// What the target holds on the server.
    pub base: Option<ChangesetId>,
    /// The request that asks for it, with its reason, if that is how it was found.
    pub request: Option<(RequestId, String)>,
}

impl Proposal {
    /// Finds out what `rev` (any name of a commit, or `r-…`) and `named` mean, fetching what is missing.
    ///
    /// # Errors
    /// [`Failure`] says what could not be found, and what the choices are.
    pub fn find(client: &Client, rev: &str, named: Option<Target>) -> Result<Self, Failure> {
        if let Ok(id) = RequestId::parse(rev) {
            return Self::of_request(client, id, named);
        }
        let subject = match client.checkout.resolve(rev).map_err(|error| checkout_failure(&error))? {
            Some(subject) => subject,
            None => fetch_from_requests(client, rev, named.as_ref())?,
        };
        let (target, request) = match named {
            Some(target) => (target, None),
            None => choose_target(client, &subject)?,
        };
        Ok(Self { subject, base: client.tip(&target)?, target, request })
    }

    fn of_request(client: &Client, id: RequestId, named: Option<Target>) -> Result<Self, Failure> {
        let Some(found) = fetch_requests(client, Some(&id))?.into_iter().find(|found| found.id == id) else {
            return Err(Failure::new(Exit::Denied, format!("the server has no request {id}"))
                .hint("it may have been cancelled; whoever made it can run `jit request REV --branch B` again"));
        };
        if let Some(other) = named.filter(|named| *named != found.request.target) {
            let (target, other) = (found.request.target.to_string(), other.to_string());
            return Err(Failure::usage(format!(
                "{id} asks for {}, not for {}",
                safe(target.as_bytes()),
                safe(other.as_bytes())
            )));
        }
        let base = client.tip(&found.request.target)?;
        Ok(Self {
            subject: found.subject,
            target: found.request.target,
            base,
            request: Some((id, found.request.reason)),
        })
    }

    /// Returns the ref update that this comes to: a move to the subject, or a deletion.
    pub fn claim(&self, delete: bool) -> Claim {
        let refname = self.target.as_git_ref().unwrap_or_default().to_vec();
        Claim { old: self.base, new: (!delete).then_some(self.subject), refname }
    }

    /// Tells whether the target holds the subject already.
    ///
    /// # Errors
    /// [`Failure`] if the history cannot be read.
    pub fn has_landed(&self, client: &Client) -> Result<bool, Failure> {
        contains(client, self.base.as_ref(), &self.subject)
    }
}

/// Tells whether the value `tip` reaches `commit`.
fn contains(client: &Client, tip: Option<&ChangesetId>, commit: &ChangesetId) -> Result<bool, Failure> {
    let Some(tip) = tip else { return Ok(false) };
    let repository = client.checkout.repository();
    let look = || match repository.commit_behind(tip)? {
        Some(tip) => repository.descends(&tip, commit),
        None => Ok(false),
    };
    look().map_err(|error| git_failure(&error))
}

/// A request as the server keeps it.
struct KeptRequest {
    id: RequestId,
    subject: ChangesetId,
    request: Request,
}

/// Fetches one request, or all, and reads them. What is not one is passed over: the place is open to every pusher.
fn fetch_requests(client: &Client, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure> {
    let repository = client.checkout.repository();
    let mut listed = Vec::new();
    for (target, value) in &client.listing {
        let name = target.as_git_ref().and_then(|name| name.strip_prefix(REQUESTS.as_bytes()));
        let id = name.and_then(|name| RequestId::parse(str::from_utf8(name).ok()?).ok());
        if let Some(id) = id.filter(|id| only.is_none_or(|only| only == id)) {
            listed.push((id, target, *value));
        }
    }
    let mut missing = Vec::new();
    for (id, target, value) in &listed {
        if !repository.has(value).map_err(|error| git_failure(&error))? {
            missing.push((*target, Some(client.remote.kept(&format!("requests/{id}")))));
        }
    }
    client.remote.fetch(&client.checkout, &missing).map_err(|error| remote_failure(&error, Some(&client.remote)))?;
    let read = |(id, _, value): (RequestId, &Target, ChangesetId)| {
        let commit = repository.request(&value).ok()?;
        let request = Request::parse(&commit.message).ok()?;
        let fits = request.id(&client.published.repository, &commit.subject) == id;
        fits.then_some(KeptRequest { id, subject: commit.subject, request })
    };
    Ok(listed.into_iter().filter_map(read).collect())
}

/// Looks for a commit that is not here among the requests. Only full ids: a short one could be made to mean another commit.
fn fetch_from_requests(client: &Client, rev: &str, named: Option<&Target>) -> Result<ChangesetId, Failure> {
    let shown = safe(rev.as_bytes());
    let Ok(subject) = ChangesetId::from_hex(client.checkout.repository().id_kind(), rev) else {
        return Err(Failure::usage(format!("`{shown}` is not a commit here"))
            .hint("short ids and names are looked up here only; a full id, or `r-…`, is looked for among the requests as well"));
    };
    let only = named.map(|target| RequestId::of(&client.published.repository, target, &subject));
    if fetch_requests(client, only.as_ref())?.iter().any(|found| found.subject == subject) {
        return Ok(subject);
    }
    // One of the commits below a request's: somebody may be asked for that one alone.
    for found in fetch_requests(client, None)? {
        if contains(client, Some(&found.subject), &subject)? {
            return Ok(subject);
        }
    }
    let hint = match named {
        Some(target) => {
            format!("whoever has it runs `jit request {} {}`", subject.hex(), super::advice::target_flag(target))
        }
        None => format!("whoever has it runs `jit request {} --branch B`", subject.hex()),
    };
    Err(Failure::undecided(format!("the commit {} is not here, and no request on the server brings it", subject.hex()))
        .hint("`git fetch` brings it if it stands on a branch of the server")
        .hint(hint))
}

/// A target, and the request that names it with its reason.
type Choice = (Target, Option<(RequestId, String)>);

/// Without a target: the only open request, else what `@{push}` names.
fn choose_target(client: &Client, subject: &ChangesetId) -> Result<Choice, Failure> {
    let mut open: Vec<Choice> = Vec::new();
    for found in fetch_requests(client, None)?.into_iter().filter(|found| found.subject == *subject) {
        let tip = client.tip(&found.request.target)?;
        if !contains(client, tip.as_ref(), subject)? {
            open.push((found.request.target, Some((found.id, found.request.reason))));
        }
    }
    let choice = |(target, request): &Choice| {
        let id = request.as_ref().map(|(id, _)| format!(" ({id})")).unwrap_or_default();
        format!("{}{id}", super::advice::target_flag(target))
    };
    if open.len() > 1 {
        let choices: Vec<String> = open.iter().map(choice).collect();
        return Err(Failure::usage(format!("several requests are about {}: {}", subject.hex(), choices.join(", ")))
            .hint("name the target"));
    }
    if let Some(only) = open.pop() {
        return Ok(only);
    }
    if let Some(target) = client.checkout.push_target(&client.remote).map_err(|error| checkout_failure(&error))? {
        return Ok((target, None));
    }
    let branches =
        client.listing.keys().filter(|target| target.as_git_ref().is_some_and(|name| name.starts_with(b"refs/heads/")));
    let flags: Vec<String> = branches.take(SHOWN).map(super::advice::target_flag).collect();
    Err(Failure::usage(
        "what should move? no request is about this commit, and `@{push}` names no branch of the server",
    )
    .hint(format!("add one of: {}", flags.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(branch: Option<&str>, tag: Option<&str>, refname: Option<&str>) -> Result<Option<String>, String> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let arguments = TargetArgs { branch: own(branch), tag: own(tag), refname: own(refname) };
        let found = arguments.named().map_err(|failure| failure.chain.join(": "))?;
        Ok(found.map(|target| target.to_string()))
    }

    #[test]
    fn a_target_is_named_by_its_short_name_or_in_full() {
        assert_eq!(named(None, None, None), Ok(None));
        assert_eq!(named(Some("release/2"), None, None), Ok(Some("refs/heads/release/2".to_owned())));
        assert_eq!(named(None, Some("v1"), None), Ok(Some("refs/tags/v1".to_owned())));
        assert_eq!(named(None, None, Some("refs/notes/x")), Ok(Some("refs/notes/x".to_owned())));
        for (branch, refname) in
            [(Some("refs/heads/main"), None), (None, Some("main")), (None, Some("refs/")), (None, Some(""))]
        {
            assert!(named(branch, None, refname).is_err(), "{branch:?} {refname:?}");
        }
    }
}
