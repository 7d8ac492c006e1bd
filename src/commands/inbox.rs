//! `jit inbox`: the requests that wait, on the whole screen: read, approved and rejected without typing an id.

use crate::cli::client::Client;
use crate::cli::client_key::OwnKey;
use crate::cli::client_signing::sign_all;
use crate::cli::client_target::Proposal;
use crate::cli::inbox::{Effect, Happened, Item, Model, Screen, Verdict};
use crate::cli::requests::{RequestView, Requests, details_lines, next};
use crate::cli::signing::{Ready, Wanted};
use crate::cli::{Context, Exit, Failure, Format, safe};
use crate::domain::approval::Kind;
use crate::domain::change::Action;
use crate::domain::name::PrincipalId;
use crate::domain::request::RequestId;
use crate::domain::time::Span;
use std::path::PathBuf;

/// Shows what waits for you on the whole screen.
///
/// First what you could sign, then the rest, oldest first. Nothing is signed before the very text that is signed was on the screen and you said
/// yes to it. The keys stand at the bottom.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// The private key file [default: as for `jit sign`]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Does what `args` say, until somebody leaves.
///
/// # Errors
/// A usage [`Failure`] where there is no terminal; else one where the requests cannot be read. What goes wrong later is shown.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    if cx.format == Format::Json {
        return Err(Failure::usage("the inbox is for people").hint("`jit pending --format json` lists what waits"));
    }
    Screen::check()?;
    let mut desk = Desk { args, cx, requests: Requests::open(None, args.remote.as_deref(), cx)?, ready: None };
    let mut model = Model::new(desk.title(), desk.requests.viewer().map(|who| who.to_string()));
    model.list(desk.items()?);
    let mut screen = Screen::open()?;
    loop {
        screen.show(&mut model)?;
        let effect = match screen.wait()? {
            Happened::Key(key) => model.press(key),
            Happened::Pasted(text) => model.paste(&text),
            Happened::Resized => Effect::Nothing,
        };
        match effect {
            Effect::Nothing => {}
            Effect::Quit => return Ok(Exit::Done),
            effect => {
                model.note("one moment …");
                screen.show(&mut model)?;
                let done = screen.aside(|| desk.perform(effect, &mut model))?;
                if let Err(failure) = done {
                    model.fail(&failure.lines());
                }
            }
        }
    }
}

/// The repository side of the inbox.
struct Desk<'a> {
    args: &'a Args,
    cx: &'a Context,
    requests: Requests,
    /// What is shown for signing; gone as soon as anything else is done.
    ready: Option<(Client, Ready)>,
}

impl Desk<'_> {
    fn title(&self) -> String {
        let repository = self.requests.place().repository();
        safe(repository.split('@').next().unwrap_or_default().as_bytes())
    }

    fn items(&self) -> Result<Vec<Item>, Failure> {
        let viewer = self.requests.viewer();
        Ok(self.requests.list(false)?.iter().map(|view| item(view, viewer.as_ref())).collect())
    }

    fn perform(&mut self, effect: Effect, model: &mut Model) -> Result<(), Failure> {
        let ready = self.ready.take();
        model.note("");
        match effect {
            Effect::Nothing | Effect::Quit => {}
            Effect::Reload => self.reload(model)?,
            Effect::Read(id) => {
                let view = self.requests.find(&id)?;
                let details = self.requests.details(&view)?;
                model.read(id, &details_lines(&view, &details));
            }
            Effect::Patch(id) => {
                let view = self.requests.find(&id)?;
                let patch = self.requests.diff(&self.requests.details(&view)?)?;
                model.read_patch(
                    id,
                    if patch.is_empty() { "no file would change, or it cannot be told" } else { &patch },
                );
            }
            Effect::Prepare { id, verdict, reason } => self.prepare(id, verdict, reason, model)?,
            Effect::Sign => {
                let (mut client, ready) = ready.ok_or_else(|| Failure::undecided("nothing was shown to be signed"))?;
                let signed = sign_all(&ready.tokens, &ready.own, self.cx)?;
                client.keep(&signed)?;
                client.send_waiting()?;
                let said = ready.outcome(&signed, &client)?.short();
                self.reload(model)?;
                model.note(said);
            }
        }
        Ok(())
    }

    fn reload(&mut self, model: &mut Model) -> Result<(), Failure> {
        self.requests = Requests::open(None, self.args.remote.as_deref(), self.cx)?;
        model.list(self.items()?);
        Ok(())
    }

    fn prepare(&mut self, id: RequestId, verdict: Verdict, reason: String, model: &mut Model) -> Result<(), Failure> {
        let action = self.requests.find(&id)?.asked.action;
        let client = Client::open(self.args.remote.as_deref(), self.cx)?;
        let proposal = Proposal::find(&client, Some(&id.to_string()), None, None)?;
        let own = OwnKey::choose(&client, self.args.key.as_deref())?;
        let wanted = Wanted {
            kind: match verdict {
                Verdict::Approve => Kind::Approve,
                Verdict::Reject => Kind::Reject,
            },
            // What a move to the subject would not come to by itself.
            action: Some(&action).filter(|one| matches!(one, Action::Delete | Action::Rewrite | Action::Publish)),
            reason,
            ttl: None,
            role: None,
        };
        let ready = Ready::of(&client, &proposal, own, wanted)?;
        let mut signed = "This text is signed:\n".to_owned();
        for message in ready.messages()? {
            signed.push('\n');
            signed.extend(message.lines().map(|line| format!(" {line}\n")));
        }
        let notes: String = ready.notes.iter().map(|note| format!("note: {note}\n")).collect();
        model.ask(id, ready.question.clone(), &signed, &format!("\nThat means:\n\n{notes}{}", ready.summary));
        self.ready = Some((client, ready));
        Ok(())
    }
}

fn item(view: &RequestView, viewer: Option<&PrincipalId>) -> Item {
    let asked = &view.asked;
    Item {
        id: asked.id.clone(),
        mine: viewer.is_some_and(|who| view.waits_for(who)),
        state: view.state_word(),
        age: coarse(view.now.since(asked.opened)),
        requester: view.requester(),
        what: format!("{} {}", asked.action, safe(asked.target.to_string().as_bytes())),
        next: next(view),
        wants_reason: view.rules.iter().any(|rule| rule.wants_reason),
    }
}

/// A length of time in its largest unit: at most four characters for a thousand days.
fn coarse(span: Span) -> String {
    let seconds = span.as_seconds();
    match seconds {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_told_in_its_largest_unit() {
        let cases = [
            (0, "now"),
            (59, "now"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (8_640_000, "100d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(coarse(Span::seconds(seconds)), expected, "{seconds}");
        }
    }
}
