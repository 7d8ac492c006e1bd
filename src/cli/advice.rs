//! What to do now: the advice after a denial, and the commands in it. What was decided stands in `answer`.

use super::answer::cut;
use super::terminal::safe;
use crate::domain::change::{Action, ChangesetId, Target, TargetKind};
use crate::domain::name::PrincipalId;
use crate::domain::policy::{Mode, RuleOutcome, Unmet, UpdateDecision};
use crate::enforcement::Opened;
use std::collections::BTreeSet;

/// Writes the advice for a denied update, which opened the requests `opened`; empty where nothing that somebody could type would help.
pub fn hints(update: &UpdateDecision, opened: &[&Opened]) -> Vec<String> {
    let mut hints = Vec::new();
    let unmet = || enforced(update).flat_map(|rule| &rule.unmet);
    let commands = sign_commands(update, opened);
    if !commands.is_empty() {
        hints.extend(who_signs(update, opened, &commands));
        let only_approvals = unmet().all(|unmet| matches!(unmet, Unmet::Approvals { .. } | Unmet::Check(_)));
        let possible = asking(update).all(|rule| !rule.could_sign.is_empty());
        if only_approvals && possible && !hints.is_empty() && update.action.gate().is_none() {
            hints.push("then push again".to_owned());
        }
    }
    for unmet in unmet() {
        match unmet {
            Unmet::Check(checked) => hints.push(format!(
                "somebody who holds `{}` can run `jit attest {} --check {} --status passed`",
                checked.role,
                checked.tip.hex(),
                checked.check
            )),
            Unmet::UnknownPusher => hints.push(
                "the server does not know who you are: push over a transport that authenticates you \
                 (an administrator can see `jit doctor`)"
                    .to_owned(),
            ),
            Unmet::Rejected { by, .. } => {
                hints.push(format!(
                    "talk to {by}: `jit revoke` takes the rejection back, a new version of the change does without it"
                ));
            }
            _ => {}
        }
    }
    for rule in enforced(update) {
        if let Some(overriding) = rule.overriding.as_ref().filter(|one| !one.could_sign.is_empty()) {
            let option = format!(" --override {} --reason '…'", rule.rule);
            let commands: Vec<String> = commands_for(update, opened, &rule.matched)
                .iter()
                .map(|command| format!("`{command}{option}`"))
                .collect();
            let who = either(&overriding.could_sign);
            hints.push(format!("in an emergency {who} can run {}", commands.join(" and ")));
        }
    }
    hints.dedup();
    hints
}

fn enforced(update: &UpdateDecision) -> impl Iterator<Item = &RuleOutcome> {
    update.rules.iter().filter(|rule| rule.mode == Mode::Enforce && !rule.is_met())
}

/// The enforcing rules in which places are empty.
fn asking(update: &UpdateDecision) -> impl Iterator<Item = &RuleOutcome> {
    enforced(update).filter(|rule| rule.unmet.iter().any(|unmet| matches!(unmet, Unmet::Approvals { .. })))
}

/// Rules whose empty places the same people can fill with the same command.
struct Group<'a> {
    able: &'a BTreeSet<PrincipalId>,
    with_reason: bool,
    rules: Vec<String>,
}

/// Says who can sign, rule by rule where they are not the same people.
fn who_signs(update: &UpdateDecision, opened: &[&Opened], commands: &[String]) -> Vec<String> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for rule in asking(update) {
        let name = format!("`{}`", rule.rule);
        let (able, with_reason) = (&rule.could_sign, rule.reason.is_some());
        match groups.iter_mut().find(|group| group.able == able && group.with_reason == with_reason) {
            Some(group) => group.rules.push(name),
            None => groups.push(Group { able, with_reason, rules: vec![name] }),
        }
    }
    let mut hints = Vec::new();
    let (several, mut can_sign) = (groups.len() > 1, false);
    for group in groups {
        let rules = if several { format!("for {}: ", cut(&group.rules)) } else { String::new() };
        if group.able.is_empty() {
            hints.push(format!(
                "{rules}nobody is left who could fill the empty places; ask an administrator of the policy"
            ));
            continue;
        }
        let reason = if group.with_reason { " --reason '…'" } else { "" };
        let commands: Vec<String> = commands.iter().map(|command| format!("`{command}{reason}`")).collect();
        hints.push(format!("{rules}{} can run {}", either(group.able), commands.join(" and ")));
        can_sign = true;
    }
    // What goes, becomes public or waits at a gate stands on the server already, and what is kept can be fetched.
    let is_there = opened.iter().any(|one| one.kept.is_ok()) || is_named(&update.action);
    if !is_there && can_sign {
        let heads = update.new.iter().map(|head| plain_command("jit request", head, update));
        let send = heads.map(|request| format!("`{request}` puts the commits where approvers can fetch them"));
        hints.splice(0..0, send);
    }
    hints
}

/// The commands with which an approver signs for `update`: one for each tip that needs its own approval.
fn sign_commands(update: &UpdateDecision, opened: &[&Opened]) -> Vec<String> {
    let unmet: Vec<ChangesetId> = asking(update)
        .flat_map(|rule| &rule.unmet)
        .flat_map(|unmet| match unmet {
            Unmet::Approvals { changesets, .. } => &changesets[..],
            _ => &[],
        })
        .copied()
        .collect();
    commands_for(update, opened, &unmet)
}

/// The commands that sign for each tip of `update`, by its request where it has one; of old heads, for those among `unmet`.
fn commands_for(update: &UpdateDecision, opened: &[&Opened], unmet: &[ChangesetId]) -> Vec<String> {
    let is_deleted = update.action == Action::Delete;
    // Of a Mercurial branch a head that vanishes needs one as well.
    let lost = update.old.iter().filter(|head| is_deleted || unmet.contains(head));
    // What has a request is signed for by its id, where signing finds out the action by itself.
    let has_request = |one: &Opened| match update.action {
        Action::Gate(_) => one.kept.is_ok(),
        ref action => !is_named(action),
    };
    let request = |id: &ChangesetId| opened.iter().find(|one| one.subject == *id && has_request(one));
    let command = |id: &ChangesetId| match request(id) {
        Some(one) => format!("jit sign {}", one.id),
        None => sign_command(id, &update.target, &update.action),
    };
    let mut heads: Vec<&ChangesetId> = Vec::new();
    for head in update.new.iter().chain(lost) {
        // What becomes public may be a head of before.
        if !heads.contains(&head) {
            heads.push(head);
        }
    }
    heads.into_iter().map(command).collect()
}

/// The command with which an approver signs for `id`.
pub fn sign_command(id: &ChangesetId, target: &Target, action: &Action) -> String {
    let action = if is_named(action) { format!(" --action {action}") } else { String::new() };
    format!("jit sign {} {}{action}", id.hex(), target_flag(target))
}

/// Tells whether an approver has to name the action: signing finds out every other by itself.
fn is_named(action: &Action) -> bool {
    matches!(action, Action::Delete | Action::Publish | Action::Gate(_))
}

fn plain_command(command: &str, id: &ChangesetId, update: &UpdateDecision) -> String {
    format!("{command} {} {}", id.hex(), target_flag(&update.target))
}

/// Names who could act: "alice", "alice or bob", "any of alice, bob, carol".
fn either(people: &BTreeSet<PrincipalId>) -> String {
    let names: Vec<String> = people.iter().map(ToString::to_string).collect();
    match &names[..] {
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        _ => format!("any of {}", cut(&names)),
    }
}

/// The option that names `target` on a command line, quoted for a shell.
pub fn target_flag(target: &Target) -> String {
    let (kind, name) = target.kind_and_name();
    let flag = match kind {
        TargetKind::Branch => "--branch",
        TargetKind::Tag => "--tag",
        TargetKind::Bookmark => "--bookmark",
        TargetKind::Ref => "--ref",
        TargetKind::Environment => "--environment",
    };
    format!("{flag} {}", quoted(name))
}

/// Quotes `name` so that a shell takes it as one plain word, whatever it holds.
fn quoted(name: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._/@+-".contains(byte);
    let text = safe(name);
    if !name.is_empty() && name[0] != b'-' && name.iter().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval::quorum::{Filled, Requirement};
    use crate::domain::change::IdKind;
    use crate::domain::name::{RoleName, RuleName};
    use crate::domain::policy::ReasonRule;
    use crate::domain::request::Request;
    use crate::enforcement::{Kept, NotKept};

    fn id(number: u8) -> ChangesetId {
        ChangesetId::from_bytes(IdKind::GitSha1, &[number; 20]).expect("an id")
    }

    fn rule(name: &str, able: &[&str], reason: Option<ReasonRule>) -> RuleOutcome {
        let requirement = Requirement { role: RoleName::new("dba").expect("a name"), approvals: 1 };
        let filled = vec![Filled { requirement: requirement.clone(), people: Vec::new() }];
        RuleOutcome {
            rule: RuleName::new(name).expect("a name"),
            mode: Mode::Enforce,
            message: None,
            require: vec![requirement],
            any_of: Vec::new(),
            reason,
            matched: vec![id(2)],
            overriding: None,
            checks: Vec::new(),
            unmet: vec![Unmet::Approvals { changesets: vec![id(2)], filled }],
            counted: Vec::new(),
            not_counted: Vec::new(),
            could_sign: able.iter().map(|who| PrincipalId::new(who).expect("a name")).collect(),
        }
    }

    fn update(rules: Vec<RuleOutcome>) -> UpdateDecision {
        UpdateDecision {
            target: Target::parse("refs/heads/main").expect("a target"),
            action: Action::Update,
            actions: vec![Action::Update],
            old: vec![id(1)],
            new: vec![id(2)],
            after: vec![id(2)],
            rules,
            default: None,
        }
    }

    #[test]
    fn the_advice_names_for_each_rule_who_can_type_what() {
        let sign = format!("can run `jit sign {} --branch main", id(2).hex());
        let nobody = "nobody is left who could fill the empty places; ask an administrator of the policy";
        let needs_reason = || Some(ReasonRule::Required);
        let cases: [(Vec<RuleOutcome>, Vec<String>, bool); 5] = [
            (
                vec![rule("a", &["alice", "bob"], None), rule("b", &["alice", "bob"], None)],
                vec![format!("alice or bob {sign}`")],
                true,
            ),
            (
                vec![rule("a", &["alice", "bob"], None), rule("b", &["carol"], None)],
                vec![format!("for `a`: alice or bob {sign}`"), format!("for `b`: carol {sign}`")],
                true,
            ),
            (vec![rule("a", &["alice"], needs_reason())], vec![format!("alice {sign} --reason '…'`")], true),
            (
                vec![rule("a", &["alice"], None), rule("b", &[], None)],
                vec![format!("for `a`: alice {sign}`"), format!("for `b`: {nobody}")],
                false,
            ),
            (vec![rule("a", &[], needs_reason())], vec![nobody.to_owned()], false),
        ];
        for (rules, expected, can_pass) in cases {
            let mut hints = hints(&update(rules), &[]);
            let again = hints.pop_if(|hint| hint == "then push again").is_some();
            hints.retain(|hint| !hint.contains("jit request"));
            assert_eq!(hints, expected);
            assert_eq!(again, can_pass, "{hints:?}");
        }
    }

    #[test]
    fn what_becomes_public_is_signed_for_once_and_not_sent_anywhere() {
        let published = UpdateDecision {
            target: Target::Branch((*b"default").into()),
            action: Action::Publish,
            actions: vec![Action::Publish],
            old: vec![id(2)],
            ..update(vec![rule("a", &["bob"], None)])
        };
        let sign = format!("bob can run `jit sign {} --branch default --action publish`", id(2).hex());
        assert_eq!(hints(&published, &[]), [sign, "then push again".to_owned()]);
    }

    #[test]
    fn what_opened_a_request_is_signed_for_by_its_id_and_sent_unless_the_server_keeps_it() {
        let update = update(vec![rule("a", &["alice"], None)]);
        let opened = |kept| {
            let request = Request {
                target: update.target.clone(),
                action: Action::Update,
                base: update.old.clone(),
                reason: String::new(),
            };
            Opened { id: request.id("payments@00", &id(2)), update: 0, subject: id(2), request, kept }
        };
        let send =
            format!("`jit request {} --branch main` puts the commits where approvers can fetch them", id(2).hex());
        let cases = [(Ok(Kept::Now), None), (Ok(Kept::Before), None), (Err(NotKept::Off), Some(send))];
        for (kept, send) in cases {
            let opened = opened(kept);
            let sign = format!("alice can run `jit sign {}`", opened.id);
            let expected: Vec<String> = send.into_iter().chain([sign, "then push again".to_owned()]).collect();
            assert_eq!(hints(&update, &[&opened]), expected);
        }
    }

    #[test]
    fn nobody_is_told_to_push_again_what_stays_refused() {
        let forbidden = RuleOutcome { unmet: vec![Unmet::Never], ..rule("freeze", &[], None) };
        assert_eq!(hints(&update(vec![forbidden.clone()]), &[]), Vec::<String>::new());
        let hints = hints(&update(vec![rule("a", &["alice"], None), forbidden]), &[]);
        assert!(hints.iter().all(|hint| hint != "then push again"), "{hints:?}");
    }

    #[test]
    fn names_are_quoted_for_a_shell() {
        let cases = [
            ("refs/heads/release/2", "--branch release/2"),
            ("refs/tags/v1", "--tag v1"),
            ("refs/heads/a;b", "--branch 'a;b'"),
            ("refs/heads/it's", "--branch 'it'\\''s'"),
            ("refs/heads/-f", "--branch '-f'"),
            ("refs/notes/x", "--ref refs/notes/x"),
        ];
        for (name, flag) in cases {
            assert_eq!(target_flag(&Target::git_ref(name.as_bytes()).expect("a target")), flag);
        }
    }
}
