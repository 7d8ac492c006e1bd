//! The bodies that chat programs get, kept whole: each field stands in the program's public documentation.
//!
//! Slack: blocks of the types `header` (plain text, 150 characters) and `section` (3,000 characters), `verbatim` so that nothing in it
//! becomes a link or a mention, `text` for notifications. Teams: a message with one attachment, an adaptive card, whose rich text blocks know
//! no markup. Mattermost: an attachment with `fallback`, `color`, `title` and `text`.

use crate::support::now;
use jit::adapters::clock::SystemClock;
use jit::adapters::notify::{Sink, read};
use jit::domain::change::{Action, ChangesetId, IdKind, Target};
use jit::domain::name::RuleName;
use jit::domain::notify::{About, Change, Commit, Event, File, Notice, RuleNotice};
use jit::domain::text::safe;
use jit::domain::time::Timestamp;
use jit::ports::notifier::Notifier;
use serde_json::Value;
use std::sync::Arc;

/// The only place in `settings`.
pub fn place(settings: &str) -> Sink {
    let mut places = read("config.toml".into(), settings).expect("settings");
    assert_eq!(places.len(), 1);
    places.remove(0)
}

/// What delivers to the only place in `settings`.
pub fn notifier(settings: &str) -> Box<dyn Notifier> {
    place(settings).notifier(None, |_| None, Arc::new(SystemClock))
}

/// A place of this kind.
pub fn chat(kind: &str) -> String {
    format!("[[notify]]\nname = \"chat\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:9/x\"\n")
}

/// A request of somebody who would like to be markup.
pub fn hostile(event: Event) -> Notice {
    let id = |byte| ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("an id");
    let name = "<!channel> @all *bold* `code` <b>&amp;\nSubject: x\u{1b}[2J\u{202e}";
    let about = About {
        target: Target::parse("refs/heads/main").expect("a target"),
        actions: vec![Action::Update],
        old: vec![id(1)],
        new: vec![id(2)],
    };
    let rule = RuleNotice {
        name: RuleName::new("review").expect("a name"),
        message: Some(format!("ask {name}")),
        required: vec!["2 approvals from `maintainers`".to_owned()],
        missing: vec!["needs 2 approvals from `maintainers`; has 0".to_owned()],
    };
    // As the server reads them: nothing in them breaks a line.
    let text = safe(name.as_bytes());
    let change = Change {
        commits: vec![Commit { id: id(2), authors: vec![text.clone()], summary: text.clone() }],
        commit_count: 12,
        lost_count: 0,
        files: vec![File { path: text, how: 'M', added: 10, removed: 2 }],
        file_count: 1,
        added: 10,
        removed: 2,
    };
    Notice {
        entry: Some(7),
        request: Some("r-979789fe5823".to_owned()),
        about: Some(about),
        requester: Some(name.to_owned()),
        rules: vec![rule],
        change: Some(change),
        commands: vec![format!("jit sign {} --branch main", id(2).hex())],
        ..Notice::new(
            "payments@5f0c",
            event,
            "r-979789fe5823",
            Timestamp::parse("2026-11-21T20:00:00Z").expect("a time"),
        )
    }
}

#[test]
fn chat_programs_get_what_their_documentation_says_and_no_markup_from_outside() {
    let cases = [
        ("slack", include_str!("fixtures/slack.json")),
        ("teams", include_str!("fixtures/teams.json")),
        ("mattermost", include_str!("fixtures/mattermost.json")),
    ];
    for (kind, expected) in cases {
        let body = notifier(&chat(kind)).preview(&hostile(Event::Opened)).expect("a body");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let expected: Value = serde_json::from_str(expected).expect("a fixture");
        assert_eq!(body, expected, "{kind}:\n{body:#}");
    }
}

#[test]
fn long_messages_stay_within_what_chat_programs_take() {
    let mut notice = hostile(Event::Opened);
    let rule = notice.rules[0].clone();
    notice.rules =
        vec![RuleNotice { missing: vec!["<é漢\"".repeat(4000); 30], message: Some("&".repeat(9000)), ..rule }; 30];
    let change = notice.change.as_mut().expect("a change");
    (change.commit_count, change.commits) = (20, vec![change.commits[0].clone(); 20]);
    (change.file_count, change.files) = (20, vec![File { path: "漢&".repeat(200), ..change.files[0].clone() }; 20]);
    for kind in ["slack", "teams", "mattermost"] {
        let body = notifier(&chat(kind)).preview(&notice).expect("a body");
        assert!(body.contains(&notice.commands[0]), "{kind}: what to type is cut off");
        let json: Value = serde_json::from_str(&body).expect("JSON");
        match kind {
            "slack" => {
                let blocks = json["blocks"].as_array().expect("blocks");
                assert!(blocks.len() <= 50);
                for block in blocks {
                    let most = if block["type"] == "header" { 150 } else { 3000 };
                    let text = block["text"]["text"].as_str().expect("a text");
                    assert!((1..=most).contains(&text.chars().count()), "{}", text.len());
                }
            }
            "teams" => assert!(body.len() <= 28 * 1024, "{}", body.len()),
            _ => assert!(json["attachments"][0]["text"].as_str().is_some_and(|text| text.chars().count() <= 16_383)),
        }
    }
}

#[test]
fn a_body_does_not_depend_on_when_it_is_written() {
    let notice = hostile(Event::Denied);
    let written = |_| notifier(&chat("slack")).preview(&notice).expect("a body");
    assert_eq!(written(now()), written(now()));
}
