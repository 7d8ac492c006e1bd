//! What a person sees before they sign: what exactly they state, which commits it is about, and what it will count for.

use super::safe;
use crate::domain::approval::quorum::Requirement;
use crate::domain::approval::{Kind, RoleChoice, Token, TokenId};
use crate::domain::change::{Action, ChangeSize, Changeset, ChangesetId};
use crate::domain::name::{PrincipalId, RuleName};
use crate::domain::policy::{Mode, RuleOutcome, Unmet, UpdateDecision};
use crate::domain::request::RequestId;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Commits and files that are listed before the rest is only counted.
const SHOWN: usize = 20;

/// Everything that a summary tells.
#[derive(Debug)]
pub struct Summary<'a> {
    /// Who signs.
    pub who: &'a PrincipalId,
    /// With which key: its fingerprint.
    pub key: String,
    /// The request that asks for it, with its reason.
    pub request: Option<&'a (RequestId, String)>,
    /// What will be signed.
    pub token: &'a Token,
    /// By which id the token is known to `decision`.
    pub id: TokenId,
    /// The commits that the target gains.
    pub commits: &'a [Changeset],
    /// The commits that it loses, by a rewrite or a deletion.
    pub lost: &'a [Changeset],
    /// How far the change reaches.
    pub size: &'a ChangeSize,
    /// How the update would be judged with the token.
    pub decision: &'a UpdateDecision,
}

/// What a token will be good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worth {
    /// A line for each rule that asks for approvals.
    pub lines: Vec<String>,
    /// Whether it changes anything: fills a place, or stops a push.
    pub counts: bool,
}

impl Summary<'_> {
    /// Writes the summary, without the `jit: ` in front of lines.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.statement(&mut text);
        self.commits(&mut text);
        self.lost(&mut text);
        files(&mut text, self.size);
        let worth = self.worth();
        for line in &worth.lines {
            add(&mut text, line);
        }
        if !worth.counts {
            add(&mut text, "warning: this token changes nothing as things stand");
        }
        text
    }

    fn statement(&self, text: &mut String) {
        let token = self.token;
        let verb = match &token.kind {
            Kind::Reject => "rejects".to_owned(),
            Kind::Override(rule) => format!("overrides the rule `{rule}`"),
            _ => "approves".to_owned(),
        };
        add(text, &format!("{} {verb}, with the key {}", self.who, self.key));
        let mut field = |name: &str, value: &str| add(text, &format!("  {name:<11}{value}"));
        field("repository", &safe(token.repository.as_bytes()));
        field("target", &token.target.as_ref().map_or_else(String::new, |target| safe(target.to_string().as_bytes())));
        field("action", &token.action.as_ref().map_or_else(String::new, ToString::to_string));
        field(
            "from",
            &match &token.base[..] {
                [] => "nothing: it does not exist yet".to_owned(),
                heads => heads.iter().map(ChangesetId::hex).collect::<Vec<_>>().join(", "),
            },
        );
        field("commit", &token.subject.map_or_else(String::new, |id| id.hex()));
        if let Some((id, reason)) = self.request {
            let why = if reason.is_empty() { String::new() } else { format!(": \"{}\"", safe(reason.as_bytes())) };
            field("request", &format!("{id}{why}"));
        }
        match &token.role {
            RoleChoice::Any => field("role", "any that is asked for and held"),
            RoleChoice::Only(role) => field("role", &format!("`{role}` only")),
        }
        if let Some(end) = token.not_after {
            field("valid", &format!("{} to {end} ({})", token.not_before, end.since(token.not_before)));
        }
        if !token.reason.is_empty() {
            field("reason", &safe(token.reason.as_bytes()));
        }
    }

    fn commits(&self, text: &mut String) {
        if !self.commits.is_empty() {
            commits(text, "", self.commits);
        } else if self.token.action != Some(Action::Delete) {
            add(text, "no commit that is new there");
        }
    }

    fn lost(&self, text: &mut String) {
        if !self.lost.is_empty() {
            commits(text, "it loses ", self.lost);
        }
    }

    /// Tells what the token will be good for, rule by rule.
    pub fn worth(&self) -> Worth {
        if let Kind::Override(rule) = &self.token.kind {
            return self.passes(rule);
        }
        let asking: Vec<&RuleOutcome> =
            self.decision.rules.iter().filter(|rule| !rule.require.is_empty() || !rule.any_of.is_empty()).collect();
        if asking.is_empty() {
            return Worth { lines: vec!["no rule asks for approvals here".to_owned()], counts: false };
        }
        let mut worth = Worth { lines: Vec::new(), counts: false };
        for rule in asking {
            let (what, counts) = match self.token.kind {
                Kind::Reject => self.stops(rule),
                _ => self.fills(rule),
            };
            let observed = if rule.mode == Mode::Observe { " (only observed)" } else { "" };
            worth.lines.push(format!("rule `{}`{observed} needs {}: {what}", rule.rule, needs(rule)));
            worth.counts |= counts;
            worth.lines.extend(rule.unmet.iter().filter_map(|unmet| self.rejected_by_another(unmet)));
        }
        worth
    }

    fn passes(&self, rule: &RuleName) -> Worth {
        let outcome = self.decision.rules.iter().find(|outcome| outcome.rule == *rule);
        let overriding = outcome.and_then(|outcome| outcome.overriding.as_ref());
        let refused = outcome.and_then(|outcome| outcome.not_counted.iter().find(|not| not.token == self.id));
        let (what, counts) = match (overriding, refused) {
            (_, Some(not)) => (format!("yours will not count: {}", safe(not.why.to_string().as_bytes())), false),
            (Some(one), None) if one.counted.iter().any(|counted| counted.token == self.id) => {
                (format!("yours counts; somebody else is to review it within {}", one.review_within), true)
            }
            _ => ("it is met without".to_owned(), false),
        };
        Worth { lines: vec![format!("rule `{rule}`: {what}")], counts }
    }

    fn fills(&self, rule: &RuleOutcome) -> (String, bool) {
        if let Some(counted) = rule.counted.iter().find(|counted| counted.token == self.id) {
            let of = counted.stands_in.as_ref().map(|(from, _)| format!(", for {from}")).unwrap_or_default();
            return (format!("yours counts, as `{}`{of}", counted.role), true);
        }
        if let Some(not) = rule.not_counted.iter().find(|not| not.token == self.id) {
            return (format!("yours will not count: {}", safe(not.why.to_string().as_bytes())), false);
        }
        if rule.counted.iter().any(|counted| counted.who == *self.who) {
            return ("an earlier approval of yours counts already".to_owned(), false);
        }
        ("the places that you could fill are filled already".to_owned(), false)
    }

    fn rejected_by_another(&self, unmet: &Unmet) -> Option<String> {
        match unmet {
            Unmet::Rejected { by, token, reason, until, .. } if *token != self.id => {
                let why = if reason.is_empty() { String::new() } else { format!(": \"{}\"", safe(reason.as_bytes())) };
                Some(format!("  rejected by {by} until {until}{why}"))
            }
            _ => None,
        }
    }

    fn stops(&self, rule: &RuleOutcome) -> (String, bool) {
        let stopped =
            rule.unmet.iter().any(|unmet| matches!(unmet, Unmet::Rejected { token, .. } if *token == self.id));
        if stopped {
            ("yours stops it".to_owned(), true)
        } else {
            ("yours does not stop it: you could not approve for it either".to_owned(), false)
        }
    }
}

/// Lists commits, after how many there are.
pub(super) fn commits(text: &mut String, lead: &str, commits: &[Changeset]) {
    add(text, &format!("{lead}{}:", counted(commits.len(), "commit", "commits")));
    for commit in commits.iter().take(SHOWN) {
        let authors: Vec<String> = commit.authors.iter().map(|mail| safe(mail)).collect();
        let merge = if commit.parents.len() > 1 { " (merge)" } else { "" };
        let words = safe(&commit.summary);
        add(text, &format!("  {} {}{merge} \"{words}\"", &commit.id.hex()[..12], authors.join(", ")));
    }
    if commits.len() > SHOWN {
        add(text, &format!("  and {} more", commits.len() - SHOWN));
    }
}

/// Lists the files that differ, after how many there are; nothing where none does.
pub(super) fn files(text: &mut String, size: &ChangeSize) {
    if size.files.is_empty() {
        return;
    }
    let files = counted(size.files.len(), "file", "files");
    add(text, &format!("{files}, lines +{} -{}:", size.added, size.removed));
    for file in size.files.iter().take(SHOWN) {
        add(text, &format!("  {} {} +{} -{}", file.how, safe(&file.path), file.added, file.removed));
    }
    if size.files.len() > SHOWN {
        add(text, &format!("  and {} more", size.files.len() - SHOWN));
    }
}

/// What a rule asks for, in words.
pub fn needs(rule: &RuleOutcome) -> String {
    let list = |entries: &[Requirement]| entries.iter().map(Requirement::to_string).collect::<Vec<_>>().join(" and ");
    let alternatives: Vec<String> = rule.any_of.iter().map(|entries| list(entries)).collect();
    let mut people = match (rule.require.is_empty(), alternatives.is_empty()) {
        (false, true) => list(&rule.require),
        (true, false) => alternatives.join(", or "),
        (false, false) => format!("{}, and {}", list(&rule.require), alternatives.join(", or ")),
        (true, true) => String::new(),
    };
    if let Some(reason) = &rule.reason {
        people.push_str(&format!(", each with {}", safe(reason.to_string().as_bytes())));
    }
    let checks: BTreeSet<String> =
        rule.checks.iter().map(|one| format!("`{}` from `{}`", one.check, one.role)).collect();
    let checks = checks.into_iter().collect::<Vec<_>>().join(", ");
    match (people.is_empty(), checks.is_empty()) {
        (true, true) => "no approvals".to_owned(),
        (true, false) => format!("the checks {checks}"),
        (false, true) => people,
        (false, false) => format!("{people}, and the checks {checks}"),
    }
}

/// `1 commit`, `2 commits`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

pub(super) fn add(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes everything");
}
