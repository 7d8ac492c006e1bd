//! `jit hook pre-push`: stops a push early that the server would refuse. A courtesy: whoever wants can pass it by, and the server decides.

use super::status::assumed_login;
use crate::cli::client::Client;
use crate::cli::local_clone::{Move, Step, System};
use crate::cli::{Context, Exit, Failure, advice, answer};
use crate::domain::change::{ChangesetId, IdKind, Target};
use crate::domain::policy::Verdict;
use crate::enforcement::assess::Assessment;
use std::ffi::OsString;
use std::io::{self, Read as _};

/// Bytes of standard input that are read.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Judges the push on standard input; `arguments` are those that Git gives the hook: the remote's name, and its URL. Lets it go on wherever it cannot be judged here.
///
/// # Errors
/// [`Failure`] only for a log that cannot be trusted.
pub fn run(arguments: &[OsString], cx: &Context) -> Result<Exit, Failure> {
    // A remote without a name is given by its URL, in both places.
    let Some(remote) = arguments.first().and_then(|name| name.to_str()) else { return Ok(Exit::Done) };
    let mut input = Vec::new();
    if io::stdin().take(LONGEST).read_to_end(&mut input).is_err() {
        return Ok(Exit::Done);
    }
    let go_on = |failure: Failure| match failure.exit {
        // A log that has shrunk or forked: whoever pushes now should know.
        Exit::Denied => Err(failure),
        _ => Ok(Exit::Done),
    };
    // The ids say by their length which hash it is.
    let moves =
        [IdKind::GitSha1, IdKind::GitSha256].into_iter().flat_map(|kind| moves(&input, kind)).collect::<Vec<_>>();
    if moves.is_empty() {
        return Ok(Exit::Done);
    }
    let client = match Client::open(Some(remote), cx) {
        Ok(client) => client,
        Err(failure) => return go_on(failure),
    };
    let login = assumed_login(None, &client);
    let Ok(assessment) = client.assess(&moves, login.as_deref(), &[]) else {
        cx.terminal.say("note: this push cannot be judged here; the server will");
        return Ok(Exit::Done);
    };
    let Some(objection) = Objection::of(&assessment, client.local.system()) else { return Ok(Exit::Done) };
    objection.reason.iter().for_each(|line| cx.terminal.say(line));
    objection.hints.iter().for_each(|hint| cx.terminal.say(&format!("hint: {hint}")));
    Ok(Exit::Denied)
}

/// Why a push is stopped before it is made, a line each.
pub(super) struct Objection {
    /// What the server would say.
    pub(super) reason: Vec<String>,
    /// What to do now.
    pub(super) hints: Vec<String>,
}

impl Objection {
    /// Puts a denial into words; `None` for a push that would be let in.
    pub(super) fn of(assessment: &Assessment, system: System) -> Option<Self> {
        let (mut reason, mut hints) = (Vec::new(), Vec::new());
        for update in assessment.decision.updates.iter().filter(|update| update.verdict() == Verdict::Deny) {
            reason.extend(answer::update_lines(&assessment.push, update).lines().map(str::to_owned));
            hints.extend(advice::hints(update, &[]));
        }
        hints.dedup();
        hints.push(format!(
            "stopped before anything was sent; this is a courtesy of your clone: the server decides, and `{}` asks it",
            system.unchecked_push()
        ));
        (assessment.decision.verdict() == Verdict::Deny).then_some(Self { reason, hints })
    }
}

/// Reads `localref SP localid SP remoteref SP remoteid` lines; refs of jit's own are left out, as the server judges these by itself.
fn moves(input: &[u8], kind: IdKind) -> Vec<Move> {
    let read = |line: &[u8]| {
        // The local ref may be any expression, with spaces; the other three are not.
        let mut words = line.rsplitn(4, |byte| *byte == b' ');
        let (old, refname, new) = (words.next()?, words.next()?, words.next()?);
        let id = |hex: &[u8]| ChangesetId::from_hex(kind, str::from_utf8(hex).ok()?).ok();
        let known = |hex: &[u8]| hex.len() == kind.length() * 2;
        let own = refname.starts_with(b"refs/jit/");
        let target = Target::git_ref(refname).ok()?;
        let moves = known(old) && known(new) && !own && old != new;
        moves.then(|| Move { target, old: Vec::from_iter(id(old)), step: id(new).map_or(Step::Delete, Step::To) })
    };
    input.split(|byte| *byte == b'\n').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_but_those_of_jit_becomes_a_move() {
        let (one, two, none) = ("1".repeat(40), "2".repeat(40), "0".repeat(40));
        let input = format!(
            "refs/heads/a {one} refs/heads/main {two}\nHEAD~1 with spaces {one} refs/heads/new {none}\n\
             (delete) {none} refs/heads/old {two}\nrefs/x {one} refs/jit/approvals {two}\nrefs/x {one} refs/heads/same {one}\nnonsense\n"
        );
        let found = moves(input.as_bytes(), IdKind::GitSha1);
        let shape: Vec<(String, usize, bool)> =
            found.iter().map(|one| (one.target.to_string(), one.old.len(), one.step != Step::Delete)).collect();
        assert_eq!(
            shape,
            [
                ("refs/heads/main".to_owned(), 1, true),
                ("refs/heads/new".to_owned(), 0, true),
                ("refs/heads/old".to_owned(), 1, false),
            ]
        );
        assert!(moves(input.as_bytes(), IdKind::GitSha256).is_empty());
    }
}
