//! The words of a message, before any channel's markup: a title and a list of facts.

use super::change::Change;
use super::event::Event;
use super::notice::Notice;
use crate::domain::change::{Action, ChangesetId};
use crate::domain::text::safe;

/// How many digits of an id are shown.
const DIGITS: usize = 12;
/// How many entries of a list are shown.
const SHOWN: usize = 10;

/// One line of a message. Its value can hold what somebody outside wrote, without what could break a line or steer a terminal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fact {
    /// What is told, one or two words of ours.
    pub name: String,
    /// What there is to tell.
    pub value: String,
}

/// Returns the one line that says what happened.
pub fn title(notice: &Notice) -> String {
    let target = notice.about.as_ref().map_or_else(|| "the repository".to_owned(), |about| about.target.to_string());
    let rule = notice.rules.first().map_or_else(String::new, |rule| format!("`{}`", rule.name));
    let who = notice.requester.as_deref().unwrap_or("somebody unknown");
    let by = if notice.by.is_empty() { "somebody".to_owned() } else { cut(notice.by.clone()) };
    let text = match notice.event {
        Event::Opened => format!("{who} asks for approval: {}", asked(notice)),
        Event::Approved => format!("{by} approved {target} for {who}"),
        Event::Complete => format!("everything is there for {target}, asked for by {who}"),
        Event::Denied => format!("{by} rejected {target}, asked for by {who}"),
        Event::Expiring => format!("the request of {who} for {target} ends soon"),
        Event::Expired => format!("the request of {who} for {target} has expired"),
        Event::Reminder => format!("{who} still asks for approval: {}", asked(notice)),
        Event::Escalated => format!("{who} has waited for long, {rule} is not met: {}", asked(notice)),
        Event::Superseded => format!("{who} asks for a newer version on {target}"),
        Event::Cancelled => format!("{who} no longer asks for {target}"),
        Event::Overridden => format!("{by} overrode {rule} for {target}"),
        Event::ReviewDue => format!("the override of {rule} for {target} still waits for its review"),
        Event::Landed => match notice.about.as_ref().and_then(|about| about.actions.iter().find_map(Action::gate)) {
            Some(gate) => format!("the gate {gate} of {target} opened for {who}"),
            None => format!("{target} has what {who} asked for"),
        },
        Event::NotLanded => format!("{target} did not get by itself what {who} asked for"),
        Event::PolicyChanged => format!("{by} put another policy in force"),
        Event::Trouble => notice.details.first().cloned().unwrap_or_else(|| "the log needs a look".to_owned()),
        Event::Test => "this is a test: notices arrive here".to_owned(),
    };
    safe(text.as_bytes())
}

/// Returns what there is to know, in the order in which a reader wants it. Long lists are cut.
pub fn facts(notice: &Notice) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut say = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push(Fact { name: name.to_owned(), value: safe(value.as_bytes()) });
        }
    };
    say("repository", notice.repository.split('@').next().unwrap_or_default().to_owned());
    say("request", notice.request.clone().unwrap_or_default());
    say("asked by", notice.requester.clone().unwrap_or_default());
    say("by", cut(notice.by.clone()));
    if let Some(about) = &notice.about {
        say("target", about.target.to_string());
        say("action", list(&about.actions.iter().map(Action::to_string).collect::<Vec<_>>()));
        say("from", ids(&about.old));
        say("to", ids(&about.new));
    }
    for rule in notice.rules.iter().take(SHOWN) {
        let missing = if rule.missing.is_empty() { &rule.required } else { &rule.missing };
        let what = cut(missing.clone());
        say(&format!("rule {}", rule.name), if what.is_empty() { "matches".to_owned() } else { what });
        say("policy says", rule.message.clone().unwrap_or_default());
    }
    // Of trouble the first is the title.
    let said = usize::from(notice.event == Event::Trouble);
    notice.details.iter().skip(said).take(SHOWN).for_each(|detail| say("note", detail.clone()));
    for (name, value) in notice.change.iter().flat_map(Change::lines) {
        say(name, value);
    }
    say("until", notice.until.map(|until| until.to_string()).unwrap_or_default());
    say("at", notice.time.to_string());
    if let Some(seen) = &notice.checkpoint {
        say("log", format!("{} entries, root {}", seen.size, seen.root));
    }
    facts
}

/// What somebody asks for: to update, create, delete what.
fn asked(notice: &Notice) -> String {
    let Some(about) = &notice.about else { return "a change".to_owned() };
    let action = about.actions.first().map_or_else(|| "update".to_owned(), Action::to_string);
    format!("{action} {}", about.target)
}

fn ids(ids: &[ChangesetId]) -> String {
    cut(ids.iter().map(|id| id.hex()[..DIGITS].to_owned()).collect())
}

fn cut(mut words: Vec<String>) -> String {
    let more = words.len().saturating_sub(SHOWN);
    words.truncate(SHOWN);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    list(&words)
}

fn list(words: &[String]) -> String {
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{IdKind, Target};
    use crate::domain::name::RuleName;
    use crate::domain::notify::{About, Commit, RuleNotice, Seen};
    use crate::domain::time::Timestamp;

    fn id(byte: u8) -> ChangesetId {
        ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("an id")
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|one| (*one).to_owned()).collect()
    }

    fn rule(name: &str, message: Option<&str>, required: &[&str], missing: &[&str]) -> RuleNotice {
        RuleNotice {
            name: RuleName::new(name).expect("a name"),
            message: message.map(str::to_owned),
            required: texts(required),
            missing: texts(missing),
        }
    }

    fn notice(event: Event) -> Notice {
        Notice::new("payments@00", event, "1", Timestamp::EPOCH)
    }

    fn about(actions: Vec<Action>) -> Option<About> {
        let target = Target::parse("refs/heads/main").expect("a target");
        Some(About { target, actions, old: (1..=11).map(id).collect(), new: vec![id(12), id(13)] })
    }

    fn said(notice: &Notice) -> Vec<(String, String)> {
        facts(notice).into_iter().map(|fact| (fact.name, fact.value)).collect()
    }

    #[test]
    fn a_message_says_what_there_is_and_nothing_of_what_there_is_not() {
        let change = Change {
            commits: vec![Commit { id: id(12), authors: texts(&["bob@example.com"]), summary: "a table".to_owned() }],
            commit_count: 1,
            lost_count: 0,
            files: Vec::new(),
            file_count: 0,
            added: 0,
            removed: 0,
        };
        let full = Notice {
            request: Some("r-1".to_owned()),
            about: about(vec![Action::Update, Action::Rewrite]),
            requester: Some("bob\u{1b}[2J".to_owned()),
            by: texts(&["alice", "carol"]),
            rules: vec![
                rule("review", Some("ask alice"), &["2 approvals"], &["needs 2", "has 1"]),
                rule("audit", None, &["1 approval"], &[]),
                rule("freeze", None, &[], &[]),
            ],
            change: Some(change),
            details: texts(&["one", "two"]),
            until: Timestamp::from_unix(60),
            checkpoint: Some(Seen { size: 3, root: "00ff".to_owned(), note: String::new() }),
            ..notice(Event::Opened)
        };
        let old: Vec<String> = (1..=10).map(|byte| format!("{byte:02x}").repeat(6)).collect();
        let old = format!("{}, and 1 more", old.join(", "));
        let expected = [
            ("repository", "payments"),
            ("request", "r-1"),
            ("asked by", "bob\\u{1b}[2J"),
            ("by", "alice, carol"),
            ("target", "refs/heads/main"),
            ("action", "update, rewrite"),
            ("from", old.as_str()),
            ("to", "0c0c0c0c0c0c, 0d0d0d0d0d0d"),
            ("rule review", "needs 2, has 1"),
            ("policy says", "ask alice"),
            ("rule audit", "1 approval"),
            ("rule freeze", "matches"),
            ("note", "one"),
            ("note", "two"),
            ("commits", "1"),
            ("commit", "0c0c0c0c0c0c bob@example.com \"a table\""),
            ("until", "1970-01-01T00:01:00Z"),
            ("at", "1970-01-01T00:00:00Z"),
            ("log", "3 entries, root 00ff"),
        ];
        assert_eq!(said(&full), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let bare = [("repository", "payments"), ("at", "1970-01-01T00:00:00Z")];
        assert_eq!(said(&notice(Event::Opened)), bare.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn of_trouble_alone_the_first_detail_is_the_title() {
        for (event, expected) in [(Event::Trouble, &["two"][..]), (Event::Landed, &["one", "two"])] {
            let notice = Notice { details: texts(&["one", "two"]), ..notice(event) };
            let notes = said(&notice).into_iter().filter(|(name, _)| name == "note").map(|(_, value)| value);
            assert_eq!(notes.collect::<Vec<_>>(), expected, "{event}");
            assert_eq!(title(&notice) == "one", event == Event::Trouble, "{event}");
        }
    }

    #[test]
    fn a_title_says_who_asks_for_what() {
        let cases = [
            (None, "bob asks for approval: a change"),
            (about(Vec::new()), "bob asks for approval: update refs/heads/main"),
            (about(vec![Action::Delete]), "bob asks for approval: delete refs/heads/main"),
        ];
        for (about, expected) in cases {
            let notice = Notice { about, requester: Some("bob".to_owned()), ..notice(Event::Opened) };
            assert_eq!(title(&notice), expected);
        }
    }
}
