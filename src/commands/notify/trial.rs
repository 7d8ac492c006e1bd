//! `jit notify test`: checks settings, templates and secrets, and sends each place a notice that says that it is a test.

use crate::adapters::clock::SystemClock;
use crate::cli::{Context, Exit, Failure, IntoFailure as _, ServerParts, repository, safe};
use crate::domain::change::{Action, ChangesetId, IdKind, Target};
use crate::domain::name::RuleName;
use crate::domain::notify::{About, Change, Commit, Event, File, Notice, RuleNotice};
use std::env;
use std::path::PathBuf;
use std::sync::Arc;

/// The arguments of `jit notify test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
    /// Only the place of this name
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Tries each place; exit 1 if one does not take the notice.
///
/// # Errors
/// A [`Failure`] if jit is not installed there, or the settings of the places do not hold.
pub(super) fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let parts = repository::server(args.repo.as_deref())?;
    let mut sinks = super::sinks(&parts)?;
    if let Some(wanted) = &args.sink {
        sinks.retain(|sink| sink.name.as_str() == wanted);
    }
    if sinks.is_empty() {
        return Err(Failure::usage("there is no such place to try").hint("config.toml lists them as `[[notify]]`"));
    }
    let mut exit = Exit::Done;
    let notice = sample(&parts)?;
    for sink in sinks {
        let notifier = sink.notifier(super::policy(&parts), |name| env::var_os(name), Arc::new(SystemClock));
        let tried = notifier.preview(&notice).and_then(|preview| {
            if !args.dry_run {
                notifier.deliver(&notice)?;
            }
            Ok(preview)
        });
        match tried {
            Ok(preview) if args.dry_run => cx.terminal.answer(&format!("{}:\n{}\n", sink.name, shown(&preview))),
            Ok(_) => cx.terminal.answer(&format!("{}: taken\n", sink.name)),
            Err(error) => {
                exit = Exit::Denied;
                let failure = Failure::from_error(exit, &error);
                cx.terminal.fail(&failure.context(format!("{}: not taken", sink.name)));
            }
        }
    }
    Ok(exit)
}

/// A notice that has something in every field, so that a template which works with it works with most.
fn sample(parts: &ServerParts) -> Result<Notice, Failure> {
    let id = |byte| ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).or_fail();
    let about = About {
        target: Target::git_ref(b"refs/heads/main").or_fail()?,
        actions: vec![Action::Update],
        old: vec![id(1)?],
        new: vec![id(2)?],
    };
    let rule = RuleNotice {
        name: RuleName::new("example").or_fail()?,
        message: Some("an example of what a policy says".to_owned()),
        required: vec!["2 approvals from `maintainers`".to_owned()],
        missing: vec!["needs 2 approvals from `maintainers`; has 1".to_owned()],
    };
    let now = parts.now();
    let sample = Notice {
        entry: Some(0),
        request: Some("r-000000000000".to_owned()),
        about: Some(about),
        requester: Some("alice".to_owned()),
        by: vec!["bob".to_owned()],
        rules: vec![rule],
        change: Some(Change {
            commits: vec![Commit {
                id: id(2)?,
                authors: vec!["alice@example.com".to_owned()],
                summary: "an example".to_owned(),
            }],
            commit_count: 1,
            lost_count: 0,
            files: vec![File { path: "example.txt".to_owned(), how: 'A', added: 1, removed: 0 }],
            file_count: 1,
            added: 1,
            removed: 0,
        }),
        details: vec!["nothing has happened: `jit notify test` sent this".to_owned()],
        until: Some(now),
        ..Notice::new(&parts.settings.repository, Event::Test, &now.to_string(), now)
    };
    let commands = super::commands_of(&Notice { event: Event::Opened, ..sample.clone() });
    Ok(Notice { commands, ..sample })
}

fn shown(preview: &str) -> String {
    preview.lines().map(|line| format!("  {}\n", safe(line.as_bytes()))).collect()
}
