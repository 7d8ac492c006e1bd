//! The bodies that webhooks of chat programs take.

use super::escape::Markup;
use super::template::Template;
use crate::domain::notify::{Event, Notice, title};
use crate::domain::text::shortened;
use crate::ports::notifier::DeliveryError;
use serde_json::{Value, json};

/// The most characters of the text of a Slack section, and of a Slack header.
const SLACK_SECTION: usize = 3000;
const SLACK_HEADER: usize = 150;
/// The most sections of one message: with a header fewer than the 50 blocks that Slack takes.
const SLACK_SECTIONS: usize = 10;
/// The same of a text in Mattermost: together well within the 16,383 characters that it takes.
const MATTERMOST_PART: usize = 3000;
const MATTERMOST_PARTS: usize = 4;
/// The most characters of a line in a Teams card, and the most bytes of all: a message has 28 KB at most, and the title and what to type
/// come beside them.
const TEAMS_LINE: usize = 1000;
const TEAMS_LINES: usize = 20_000;

/// A chat program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chat {
    /// Slack's incoming webhooks, with blocks.
    Slack,
    /// The webhooks of Microsoft Teams' workflows, with an adaptive card.
    Teams,
    /// Mattermost's incoming webhooks, with an attachment.
    Mattermost,
}

impl Chat {
    /// Returns the markup of its texts.
    pub fn markup(self) -> Markup {
        match self {
            Self::Slack => Markup::Slack,
            Self::Teams => Markup::Plain,
            Self::Mattermost => Markup::Markdown,
        }
    }

    /// Returns the template that comes with the program.
    pub fn template(self) -> Template {
        Template::BuiltIn(match self {
            Self::Slack => include_str!("templates/slack.jinja"),
            Self::Teams => include_str!("templates/teams.jinja"),
            Self::Mattermost => include_str!("templates/mattermost.jinja"),
        })
    }

    /// Writes the body of a POST; `template` writes the text in it.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn body(self, notice: &Notice, template: &Template) -> Result<String, DeliveryError> {
        let text = template.render(notice, self.markup())?;
        let body = match self {
            Self::Slack => slack(notice, &text),
            Self::Teams => teams(notice, &text),
            Self::Mattermost => mattermost(notice, &text),
        };
        Ok(body.to_string())
    }
}

/// `text` is what a notification shows; the blocks are the message.
fn slack(notice: &Notice, text: &str) -> Value {
    let header = json!({ "type": "header", "text": { "type": "plain_text", "text": shortened(&title(notice), SLACK_HEADER), "emoji": false } });
    let section =
        |part: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": part, "verbatim": true } });
    let sections = parts(text, SLACK_SECTION, SLACK_SECTIONS).into_iter().map(section);
    let blocks: Vec<Value> = std::iter::once(header).chain(sections).collect();
    json!({ "text": Markup::Slack.escape(&shortened(&title(notice), SLACK_HEADER)), "blocks": blocks, "unfurl_links": false })
}

/// Text runs know no markup, so nothing needs an escape; a text block would read Markdown.
fn teams(notice: &Notice, text: &str) -> Value {
    let run = |text: &str, more: Value| {
        let mut run = json!({ "type": "TextRun", "text": text });
        run.as_object_mut().into_iter().for_each(|run| run.extend(more.as_object().cloned().unwrap_or_default()));
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let title = run(
        &shortened(&title(notice), TEAMS_LINE),
        json!({ "weight": "Bolder", "size": "Medium", "color": teams_colour(notice.event) }),
    );
    let mut room = TEAMS_LINES;
    let lines = text.lines().filter(|line| !line.is_empty()).map(|line| run(&shortened(line, TEAMS_LINE), json!({})));
    let lines = lines.take_while(|line| {
        let length = line.to_string().len();
        room = room.saturating_sub(length);
        room > 0
    });
    let commands = notice.commands.iter().map(|command| run(command, json!({ "fontType": "Monospace" })));
    let body: Vec<Value> = std::iter::once(title).chain(lines).chain(commands).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

fn mattermost(notice: &Notice, text: &str) -> Value {
    let title = title(notice);
    json!({
        "attachments": [{
            "fallback": title,
            "color": colour(notice.event),
            "title": Markup::Markdown.escape(&title),
            "text": parts(text, MATTERMOST_PART, MATTERMOST_PARTS).join("\n"),
        }],
    })
}

/// Green for what is well, red for what is not, else blue.
fn colour(event: Event) -> &'static str {
    match teams_colour(event) {
        "Good" => "#2e7d32",
        "Attention" => "#c62828",
        _ => "#1565c0",
    }
}

fn teams_colour(event: Event) -> &'static str {
    match event {
        Event::Complete | Event::Landed => "Good",
        Event::Denied
        | Event::Expired
        | Event::Escalated
        | Event::Overridden
        | Event::ReviewDue
        | Event::NotLanded
        | Event::Trouble => "Attention",
        _ => "Accent",
    }
}

/// Cuts a text at its lines into parts of at most `most` characters; a longer line is shortened. Of more than `count` parts the middle goes:
/// at the end stands what to type.
fn parts(text: &str, most: usize, count: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = shortened(line, most);
        match parts.last_mut().filter(|part| part.chars().count() + line.chars().count() < most) {
            Some(part) => {
                part.push('\n');
                part.push_str(&line);
            }
            None => parts.push(line),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    if parts.len() > count {
        parts.drain(count - 1..parts.len() - 1);
    }
    parts
}
