//! What a command is about: REV, and the branch, bookmark, tag or ref that it should move.

use super::client::Client;
use super::local_clone::{KeptRequest, Move, Step, System};
use super::{Exit, Failure, safe};
use crate::domain::change::{Action, ChangesetId, Gate, Target, TargetKind};
use crate::domain::name::EnvironmentName;
use crate::domain::policy::Policy;
use crate::domain::request::{Request, RequestId};

/// Choices that are listed in an error.
const SHOWN: usize = 10;

/// Names one target.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(multiple = false)]
pub struct TargetArgs {
    /// The branch that should move: `main`, `release/2`; in Mercurial a named branch
    #[arg(long, short = 'b', value_name = "BRANCH")]
    pub branch: Option<String>,
    /// The tag that should move or be made: `v1.2`
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// The bookmark that should move or be made (Mercurial)
    #[arg(long, value_name = "NAME")]
    pub bookmark: Option<String>,
    /// The full name of any ref, `refs/…` (Git)
    #[arg(long = "ref", value_name = "REFNAME")]
    pub refname: Option<String>,
}

impl TargetArgs {
    /// Returns the target that is named, if one is.
    ///
    /// # Errors
    /// A usage [`Failure`] for a name that no target of `system` can have.
    pub fn named(&self, system: System) -> Result<Option<Target>, Failure> {
        match system {
            System::Git => self.git_ref(),
            System::Mercurial => self.mercurial(),
        }
    }

    fn git_ref(&self) -> Result<Option<Target>, Failure> {
        let full = match (&self.branch, &self.tag, &self.refname, &self.bookmark) {
            (Some(name), ..) if name.starts_with("refs/") => {
                return Err(Failure::usage("`--branch` wants a short name, such as `main`")
                    .hint("a full name stands after `--ref`"));
            }
            (Some(name), ..) => format!("refs/heads/{name}"),
            (_, Some(name), ..) => format!("refs/tags/{name}"),
            (_, _, Some(name), _) => name.clone(),
            (.., Some(_)) => {
                return Err(Failure::usage("Git has no bookmarks").hint("a branch stands after `--branch`"));
            }
            (None, None, None, None) => return Ok(None),
        };
        let bad = || {
            Failure::usage(format!("`{}` is not a full refname", safe(full.as_bytes())))
                .hint("such as `refs/heads/main` or `refs/notes/review`")
        };
        Target::git_ref(full.as_bytes()).map(Some).map_err(|_| bad())
    }

    fn mercurial(&self) -> Result<Option<Target>, Failure> {
        let name = [&self.branch, &self.tag, &self.bookmark].into_iter().flatten().next();
        let bytes = match (name, &self.refname) {
            (Some(name), _) if name.is_empty() || name.contains(['\0', '\n']) => {
                return Err(Failure::usage(format!("`{}` cannot be a name", safe(name.as_bytes()))));
            }
            (Some(name), _) => name.as_bytes().into(),
            (None, Some(_)) => {
                return Err(
                    Failure::usage("Mercurial has no refs").hint("add `--branch B`, `--bookmark NAME` or `--tag T`")
                );
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(match (&self.branch, &self.tag) {
            (Some(_), _) => Target::Branch(bytes),
            (_, Some(_)) => Target::Tag(bytes),
            (None, None) => Target::Bookmark(bytes),
        }))
    }
}

/// Names what a token can be about: a target, or the environment of a gate.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PlaceArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The environment of a gate (`jit gate`)
    #[arg(long, short = 'e', value_name = "NAME", value_parser = environment, conflicts_with = "TargetArgs")]
    environment: Option<EnvironmentName>,
}

impl PlaceArgs {
    /// Returns the target that is named, if one is.
    ///
    /// # Errors
    /// As [`TargetArgs::named`].
    pub fn named(&self, system: System) -> Result<Option<Target>, Failure> {
        match &self.environment {
            Some(environment) => Ok(Some(Target::Environment(environment.clone()))),
            None => self.target.named(system),
        }
    }
}

/// Reads the name of an environment, or of a gate's step, from the command line.
///
/// # Errors
/// What is wrong with it.
pub fn environment(text: &str) -> Result<EnvironmentName, String> {
    EnvironmentName::new(text).map_err(|error| error.to_string())
}

/// Reads an action from the command line; any other name is a gate's step.
///
/// # Errors
/// What is wrong with it.
pub fn action(text: &str) -> Result<Action, String> {
    Action::parse(text).or_else(|error| environment(text).map(Action::Gate).map_err(|_| error.to_string()))
}

/// A changeset and the target that it should move.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The changeset; for a deletion what the target holds.
    pub subject: ChangesetId,
    /// The target.
    pub target: Target,
    /// What the target holds on the server, sorted; nothing if it does not exist. Of a gate what it opened for last, by the request.
    pub base: Vec<ChangesetId>,
    /// The gate that should open, if it is about one.
    pub gate: Option<Action>,
    /// The request that asks for it, with its reason, if that is how it was found.
    pub request: Option<(RequestId, String)>,
}

impl Proposal {
    /// Finds out what `rev` (any name of a commit, or `r-…`; the current one if there is none), `named` and, of an environment, `action` mean,
    /// fetching what is missing.
    ///
    /// # Errors
    /// [`Failure`] says what could not be found, and what the choices are.
    pub fn find(
        client: &Client,
        rev: Option<&str>,
        named: Option<Target>,
        action: Option<&Action>,
    ) -> Result<Self, Failure> {
        let rev = rev.unwrap_or(client.local.system().current_revision());
        if let Ok(id) = RequestId::parse(rev) {
            return Self::of_request(client, id, named);
        }
        let subject = find_commit(client, rev, named.as_ref())?;
        if let Some(Target::Environment(environment)) = &named {
            return Self::of_gate(client, find_gate(&client.policy, environment, subject, action)?);
        }
        let (target, request) = match named {
            Some(target) => (target, None),
            None => choose_target(client, &subject)?,
        };
        Ok(Self { subject, base: client.local.value(&target)?, target, gate: None, request })
    }

    /// Returns what `gate` comes to. What it opened for last only the request tells; without one, nothing is said of that.
    ///
    /// # Errors
    /// As [`Proposal::find`].
    pub fn of_gate(client: &Client, gate: Gate) -> Result<Self, Failure> {
        let (target, action) = (gate.target(), gate.action());
        let id = RequestId::of_action(&client.published.repository, &target, &action, &gate.subject);
        if client.local.has_request(&id)? {
            return Self::of_request(client, id, Some(target));
        }
        Ok(Self { subject: gate.subject, target, base: Vec::new(), gate: Some(action), request: None })
    }

    fn of_request(client: &Client, id: RequestId, named: Option<Target>) -> Result<Self, Failure> {
        let Some(found) = requests(client, Some(&id))?.into_iter().find(|found| found.id == id) else {
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
        let Request { target, action, base, reason } = found.request;
        let gate = Some(action).filter(|action| action.gate().is_some());
        let base = if gate.is_some() { base } else { client.local.value(&target)? };
        Ok(Self { subject: found.subject, target, base, gate, request: Some((id, reason)) })
    }

    /// Returns what this comes to, if the target may be treated by `action` only: a move to the subject where that does not say.
    pub fn supposed(&self, action: Option<&Action>) -> Move {
        let step = Step::of(self.gate.as_ref().or(action), self.subject);
        Move { target: self.target.clone(), old: self.base.clone(), step }
    }

    /// Tells whether the target holds the subject already.
    ///
    /// # Errors
    /// [`Failure`] if the history cannot be read.
    pub fn has_landed(&self, client: &Client) -> Result<bool, Failure> {
        Ok(self.gate.is_none() && client.local.reaches(&self.base, &self.subject)?)
    }
}

/// Finds out which gate of `environment` is meant: the one that `action` names, or the only one that `policy` knows.
///
/// # Errors
/// A usage [`Failure`] that lists the choices.
pub fn find_gate(
    policy: &Policy,
    environment: &EnvironmentName,
    subject: ChangesetId,
    action: Option<&Action>,
) -> Result<Gate, Failure> {
    let gate = |name: &EnvironmentName| Gate { environment: environment.clone(), name: name.clone(), subject };
    let gates = policy.gates();
    let known: Vec<&EnvironmentName> = gates.iter().filter(|(of, _)| of == environment).map(|(_, name)| name).collect();
    let choices = || match &known[..] {
        [] => "the policy names no gate of it".to_owned(),
        names => format!("it has: {}", names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    match (action.map(Action::gate), &known[..]) {
        (Some(Some(name)), _) if policy.knows_gate(&gate(name)) => Ok(gate(name)),
        (Some(_), _) => {
            Err(Failure::usage(format!("`--action` names no gate of the environment `{environment}`")).hint(choices()))
        }
        (None, [only]) => Ok(gate(only)),
        (None, _) => Err(Failure::usage(format!("which gate of the environment `{environment}`?"))
            .hint(choices())
            .hint("`--action NAME` says it")),
    }
}

/// Finds the changeset that `rev` names, a commit or a request `r-…`, whatever it should move; fetches what is missing.
///
/// # Errors
/// [`Failure`] says what could not be found.
pub fn find_subject(client: &Client, rev: &str) -> Result<ChangesetId, Failure> {
    match RequestId::parse(rev) {
        Ok(id) => Ok(Proposal::of_request(client, id, None)?.subject),
        Err(_) => find_commit(client, rev, None),
    }
}

fn find_commit(client: &Client, rev: &str, named: Option<&Target>) -> Result<ChangesetId, Failure> {
    match client.local.resolve(rev)? {
        Some(subject) => Ok(subject),
        None => fetch_from_requests(client, rev, named),
    }
}

/// The requests of the server, or one of them. One whose name is not its own is none: the place is open to every pusher.
fn requests(client: &Client, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure> {
    let mut found = client.local.requests(only)?;
    found.retain(|kept| kept.request.id(&client.published.repository, &kept.subject) == kept.id);
    Ok(found)
}

/// Looks for a commit that is not here among the requests. Only full ids: a short one could be made to mean another commit.
fn fetch_from_requests(client: &Client, rev: &str, named: Option<&Target>) -> Result<ChangesetId, Failure> {
    let Some(subject) = client.local.full_id(rev) else {
        return Err(Failure::usage(format!("`{}` is not a commit here", safe(rev.as_bytes())))
            .hint("short ids and names are looked up here only; a full id, or `r-…`, is looked for among the requests as well"));
    };
    let likely = named.map(|target| RequestId::of(&client.published.repository, target, &subject));
    if client.local.fetch_requested(&subject, likely.as_ref())? {
        return Ok(subject);
    }
    let flag = named.map_or_else(|| "--branch B".to_owned(), super::advice::target_flag);
    Err(Failure::undecided(format!("the commit {} is not here, and no request on the server brings it", subject.hex()))
        .hint(format!("`{}` brings it if it stands on a branch of the server", client.local.system().fetch_command()))
        .hint(format!("whoever has it runs `jit request {} {flag}`", subject.hex())))
}

/// A target, and the request that names it with its reason.
type Choice = (Target, Option<(RequestId, String)>);

/// Without a target: in Mercurial the branch, which the changeset itself names; in Git the only open request, else what `@{push}` names.
fn choose_target(client: &Client, subject: &ChangesetId) -> Result<Choice, Failure> {
    let usual = client.local.usual_target(subject)?;
    if let (System::Mercurial, Some(branch)) = (client.local.system(), &usual) {
        return Ok((branch.clone(), None));
    }
    let mut open: Vec<Choice> = Vec::new();
    let moves = |found: &KeptRequest| found.subject == *subject && found.request.action.gate().is_none();
    for found in requests(client, None)?.into_iter().filter(moves) {
        let base = client.local.value(&found.request.target)?;
        if !client.local.reaches(&base, subject)? {
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
    if let Some(target) = usual {
        return Ok((target, None));
    }
    let targets = client.local.targets()?;
    let branches = targets.iter().filter(|target| target.kind_and_name().0 == TargetKind::Branch);
    let flags: Vec<String> = branches.take(SHOWN).map(super::advice::target_flag).collect();
    Err(Failure::usage(
        "what should move? no request is about this commit, and `@{push}` names no branch of the server",
    )
    .hint(format!("add one of: {}", flags.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `--branch`, `--tag`, `--bookmark` and `--ref`, of which one is given at most.
    fn named(system: System, [branch, tag, bookmark, refname]: [&str; 4]) -> Result<Option<String>, Vec<String>> {
        let own = |text: &str| (text != "-").then(|| text.to_owned());
        let arguments =
            TargetArgs { branch: own(branch), tag: own(tag), bookmark: own(bookmark), refname: own(refname) };
        let found = arguments.named(system).map_err(|failure| failure.chain)?;
        Ok(found.map(|target| target.to_string()))
    }

    #[test]
    fn a_target_is_named_by_its_short_name_or_in_full() {
        let cases = [
            (System::Git, ["-", "-", "-", "-"], None),
            (System::Git, ["release/2", "-", "-", "-"], Some("refs/heads/release/2")),
            (System::Git, ["-", "v1", "-", "-"], Some("refs/tags/v1")),
            (System::Git, ["-", "-", "-", "refs/notes/x"], Some("refs/notes/x")),
            (System::Mercurial, ["-", "-", "-", "-"], None),
            (System::Mercurial, ["release 2", "-", "-", "-"], Some("branch:release%202")),
            (System::Mercurial, ["-", "v1", "-", "-"], Some("tag:v1")),
            (System::Mercurial, ["-", "-", "@", "-"], Some("bookmark:@")),
        ];
        for (system, arguments, target) in cases {
            assert_eq!(named(system, arguments), Ok(target.map(str::to_owned)), "{arguments:?}");
        }
        let bad = [
            (System::Git, ["refs/heads/main", "-", "-", "-"]),
            (System::Git, ["-", "-", "@", "-"]),
            (System::Git, ["-", "-", "-", "main"]),
            (System::Git, ["-", "-", "-", "refs/"]),
            (System::Git, ["-", "-", "-", ""]),
            (System::Mercurial, ["-", "-", "-", "refs/heads/main"]),
            (System::Mercurial, ["", "-", "-", "-"]),
            (System::Mercurial, ["a\nb", "-", "-", "-"]),
        ];
        for (system, arguments) in bad {
            assert!(named(system, arguments).is_err(), "{system:?} {arguments:?}");
        }
    }
}
