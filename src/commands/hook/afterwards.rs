//! What a push to Mercurial leaves to do once its transaction is made: requests may land by themselves, and some need not be kept any longer.
//!
//! The hook that decides knows what arrived, the one that comes after the transaction may act, and neither the pusher nor a lock should wait
//! for it. So the first gives the second a line of words, through the script, and that starts a process with them.

use crate::adapters::mercurial::HgLanding;
use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts};
use crate::commands::{detached, notify};
use crate::domain::change::Target;
use crate::domain::request::RequestId;
use crate::enforcement::Arrived;
use crate::ports::parking::Landing as _;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

/// By what name the process is started, as if it were a hook.
pub(super) const NAME: &str = "hg-afterwards";

/// How long all of it may take. Nobody waits for it.
const LIMIT: Duration = Duration::from_secs(300);

/// The words before each value.
const TOKEN: &str = "token=";
const REQUEST: &str = "request=";
const MOVED: &str = "moved=";
/// In place of the target of a token that names none.
const ANY: &str = "-";
/// The word that says that the sibling may hold what no request needs.
const SWEEP: &str = "sweep";

/// What is left to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Afterwards {
    /// What may let requests land.
    pub(super) arrived: Arrived,
    /// The targets that the transaction moved.
    pub(super) moved: Vec<Target>,
    /// Whether a request was taken back.
    pub(super) sweep: bool,
}

impl Afterwards {
    /// Writes the line.
    pub(super) fn to_text(&self) -> String {
        let Self { arrived, moved, sweep } = self;
        let target = |target: &Option<Target>| target.as_ref().map_or_else(|| ANY.to_owned(), Target::to_string);
        let tokens = arrived.targets.iter().map(|one| format!("{TOKEN}{}", target(one)));
        let requests = arrived.requests.iter().map(|id| format!("{REQUEST}{id}"));
        let moved = moved.iter().map(|target| format!("{MOVED}{target}"));
        tokens.chain(requests).chain(moved).chain(sweep.then(|| SWEEP.to_owned())).collect::<Vec<_>>().join(" ")
    }

    /// Reads the line; `None` if it is none.
    fn parse(text: &str) -> Option<Self> {
        let mut read = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if word == SWEEP {
                read.sweep = true;
            } else if let Some(target) = word.strip_prefix(TOKEN) {
                let target = if target == ANY { None } else { Some(Target::parse(target).ok()?) };
                read.arrived.targets.insert(target);
            } else if let Some(id) = word.strip_prefix(REQUEST) {
                read.arrived.requests.insert(RequestId::parse(id).ok()?);
            } else {
                read.moved.push(Target::parse(word.strip_prefix(MOVED)?).ok()?);
            }
        }
        Some(read)
    }
}

/// Starts the process for the repository at `central`, with the line that the script gave back.
pub(super) fn start(parts: &ServerParts, central: &Path, line: OsString) {
    detached::start(parts, ["hook".into(), NAME.into(), central.into(), line]);
}

/// Does what is left to do.
pub(super) fn run(arguments: &[OsString], cx: &Context) -> Result<Exit, Failure> {
    let misused = || Failure::usage(format!("`{NAME}` is started by the other hooks"));
    let [central, line] = arguments else { return Err(misused()) };
    let (central, left) = (Path::new(central), line.to_str().and_then(Afterwards::parse).ok_or_else(misused)?);
    detached::leave();
    let parts = ServerParts::open(&central.join(".hg"))?;
    let deadline = Instant::now() + LIMIT;
    let mut landing = HgLanding::open(central, parts.settings.pusher_env.clone(), deadline).or_fail()?;
    let done = super::go_on(&parts, &left.arrived, &left.moved, &mut landing, deadline, cx);
    if left.sweep {
        landing.sweep().or_fail()?;
    }
    notify::start(&parts);
    done.map(|()| Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_is_read_as_it_was_written() {
        let target = |text: &str| Target::parse(text).expect("a target");
        let request = RequestId::parse("r-0123456789ab").expect("an id");
        let targets = [None, Some(target("branch:a%20b")), Some(target("bookmark:@"))].into_iter().collect();
        let arrived = Arrived { targets, requests: [request].into_iter().collect() };
        let cases = [
            (Afterwards::default(), ""),
            (Afterwards { sweep: true, ..Afterwards::default() }, "sweep"),
            (
                Afterwards { arrived, moved: vec![target("tag:v1")], sweep: false },
                "token=- token=branch:a%20b token=bookmark:@ request=r-0123456789ab moved=tag:v1",
            ),
        ];
        for (left, text) in cases {
            assert_eq!(left.to_text(), text);
            assert_eq!(Afterwards::parse(text), Some(left), "{text}");
        }
        for bad in ["landed", "token=main", "request=1", "moved=-", "moved= token=-"] {
            assert_eq!(Afterwards::parse(bad), None, "{bad}");
        }
    }
}
