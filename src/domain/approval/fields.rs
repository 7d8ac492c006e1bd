//! What a token of each kind must hold and must not (docs/spec/token.md, "Fields by kind").
//!
//! A token that breaks this table has no message, and a message that breaks it is no token.

use super::message::MAX_REASON;
use super::{Kind, MessageError, RoleChoice, Token};
use crate::domain::change::{Action, ChangesetId, IdKind, Target};

/// Holds a token against the table of fields in docs/spec/token.md.
pub(super) fn check(token: &Token) -> Result<(), MessageError> {
    let kind = token.kind.word();
    if token.repository.is_empty() {
        return Err(MessageError::Absent { field: "repo", kind });
    }
    if token.reason.len() > MAX_REASON {
        return Err(MessageError::LongReason { length: token.reason.len() });
    }
    match token.kind {
        Kind::Approve | Kind::Reject => check_statement(token, kind),
        Kind::Override(_) if token.reason.trim().is_empty() => Err(MessageError::NoReason { kind }),
        Kind::Override(_) => check_statement(token, kind),
        Kind::Review(_) => {
            check_target(token, kind)?;
            let rest = about_a_move(token).into_iter().filter(|(field, _)| *field != "target");
            check_absent(rest.chain([("not-after", token.not_after.is_some())]), kind)
        }
        Kind::Revoke(_) => {
            let rest = [("subject", token.subject.is_some()), ("not-after", token.not_after.is_some())];
            check_absent(rest.into_iter().chain(about_a_move(token)), kind)
        }
        Kind::Delegate { .. } => {
            check_absent([("subject", token.subject.is_some())].into_iter().chain(about_a_move(token)), kind)?;
            check_end(token, kind)
        }
        Kind::Attest { .. } => {
            token.subject.ok_or(MessageError::Absent { field: "subject", kind })?;
            check_absent(about_a_move(token), kind)?;
            check_end(token, kind)
        }
    }
}

/// The fields that only a token about a move of a target has, and whether they are given.
fn about_a_move(token: &Token) -> [(&'static str, bool); 5] {
    [
        ("target", token.target.is_some()),
        ("action", token.action.is_some()),
        ("base", !token.base.is_empty()),
        ("content", token.content.is_some()),
        ("role", token.role != RoleChoice::Any),
    ]
}

fn check_absent(
    fields: impl IntoIterator<Item = (&'static str, bool)>,
    kind: &'static str,
) -> Result<(), MessageError> {
    match fields.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(MessageError::Present { field, kind }),
        None => Ok(()),
    }
}

fn check_end(token: &Token, kind: &'static str) -> Result<(), MessageError> {
    let not_after = token.not_after.ok_or(MessageError::Absent { field: "not-after", kind })?;
    if not_after > token.not_before { Ok(()) } else { Err(MessageError::Window) }
}

/// Returns the subject and the target, which belong to the same kind of repository.
fn check_target<'t>(token: &'t Token, kind: &'static str) -> Result<(ChangesetId, &'t Target), MessageError> {
    let absent = |field| MessageError::Absent { field, kind };
    let subject = token.subject.ok_or_else(|| absent("subject"))?;
    let target = token.target.as_ref().ok_or_else(|| absent("target"))?;
    let mercurial = subject.kind() == IdKind::HgSha1;
    let fits = match target {
        Target::Ref(_) => !mercurial,
        Target::Branch(_) | Target::Bookmark(_) | Target::Tag(_) => mercurial,
        Target::Environment(_) => true,
    };
    if fits { Ok((subject, target)) } else { Err(MessageError::Mixed { field: "target" }) }
}

fn check_statement(token: &Token, kind: &'static str) -> Result<(), MessageError> {
    let (subject, target) = check_target(token, kind)?;
    let action = token.action.as_ref().ok_or(MessageError::Absent { field: "action", kind })?;
    check_end(token, kind)?;
    if token.base.iter().any(|id| id.kind() != subject.kind()) {
        return Err(MessageError::Mixed { field: "base" });
    }
    if !token.base.is_sorted_by(|one, next| one < next) {
        return Err(MessageError::BaseOrder);
    }
    if token.base.len() > 1 && !matches!(target, Target::Branch(_)) {
        return Err(MessageError::BaseCount);
    }
    match action {
        Action::Create if !token.base.is_empty() => Err(MessageError::BaseOfNothing),
        // Changesets become public, and gates open, whether or not the target has a value.
        Action::Create | Action::Publish | Action::Gate(_) => Ok(()),
        _ if token.base.is_empty() => Err(MessageError::BaseMissing { action: action.clone() }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval::{Status, TokenId};
    use crate::domain::name::{CheckName, EnvironmentName, RoleName, RuleName};
    use crate::domain::time::Timestamp;

    fn id(kind: IdKind, byte: u8) -> ChangesetId {
        ChangesetId::from_bytes(kind, &vec![byte; kind.length()]).expect("a full id")
    }

    fn approval() -> Token {
        Token {
            kind: Kind::Approve,
            repository: "payments@5f0c".to_owned(),
            subject: Some(id(IdKind::GitSha1, 2)),
            target: Target::parse("refs/heads/main").ok(),
            action: Some(Action::Update),
            base: vec![id(IdKind::GitSha1, 1)],
            content: None,
            role: RoleChoice::Any,
            not_before: Timestamp::from_unix(100).expect("a time"),
            not_after: Timestamp::from_unix(200),
            nonce: [7; 16],
            reason: String::new(),
        }
    }

    fn revocation() -> Token {
        let bare = Token { subject: None, target: None, action: None, base: vec![], not_after: None, ..approval() };
        Token { kind: Kind::Revoke(TokenId([9; 32])), ..bare }
    }

    type Change = fn(&mut Token);

    #[test]
    fn every_kind_needs_its_fields() {
        let needed: [(&str, Change); 5] = [
            ("repo", |token| token.repository.clear()),
            ("subject", |token| token.subject = None),
            ("target", |token| token.target = None),
            ("action", |token| token.action = None),
            ("not-after", |token| token.not_after = None),
        ];
        for (field, change) in needed {
            for kind in [Kind::Approve, Kind::Reject] {
                let word = kind.word();
                let mut token = Token { kind, ..approval() };
                assert_eq!(check(&token), Ok(()));
                change(&mut token);
                assert_eq!(check(&token), Err(MessageError::Absent { field, kind: word }));
            }
        }
    }

    #[test]
    fn a_revocation_has_nothing_but_its_subject() {
        assert_eq!(check(&revocation()), Ok(()));
        let refused: [(&str, Change); 7] = [
            ("subject", |token| token.subject = approval().subject),
            ("target", |token| token.target = approval().target),
            ("action", |token| token.action = approval().action),
            ("base", |token| token.base = approval().base),
            ("content", |token| token.content = Some([1; 32])),
            ("role", |token| token.role = RoleChoice::Only(RoleName::new("dba").expect("a name"))),
            ("not-after", |token| token.not_after = approval().not_after),
        ];
        for (field, change) in refused {
            let mut token = revocation();
            change(&mut token);
            assert_eq!(check(&token), Err(MessageError::Present { field, kind: "revoke" }));
        }
    }

    #[test]
    fn an_attestation_is_about_a_changeset_and_no_move_of_it() {
        let check = CheckName::new("tests").expect("a name");
        let bare = Token { target: None, action: None, base: vec![], ..approval() };
        let attestation = Token { kind: Kind::Attest { check, status: Status::Passed }, ..bare };
        assert_eq!(check_of(&attestation, |_| {}), Ok(()));
        let absent = |field| Err(MessageError::Absent { field, kind: "attest" });
        let present = |field| Err(MessageError::Present { field, kind: "attest" });
        let cases: [(Change, Result<(), MessageError>); 8] = [
            (|token| token.subject = None, absent("subject")),
            (|token| token.not_after = None, absent("not-after")),
            (|token| token.not_after = Some(token.not_before), Err(MessageError::Window)),
            (|token| token.target = approval().target, present("target")),
            (|token| token.action = approval().action, present("action")),
            (|token| token.base = approval().base, present("base")),
            (|token| token.content = Some([1; 32]), present("content")),
            (|token| token.role = RoleChoice::Only(RoleName::new("dba").expect("a name")), present("role")),
        ];
        for (change, expected) in cases {
            assert_eq!(check_of(&attestation, change), expected);
        }
    }

    #[test]
    fn an_override_says_why_and_a_review_is_about_a_commit_of_a_target() {
        let rule = || RuleName::new("freeze").expect("a name");
        let overriding = Token { kind: Kind::Override(rule()), reason: "on fire".to_owned(), ..approval() };
        assert_eq!(check_of(&overriding, |_| {}), Ok(()));
        let no_reason = Err(MessageError::NoReason { kind: "override" });
        assert_eq!(check_of(&overriding, |token| token.reason.clear()), no_reason);
        assert_eq!(check_of(&overriding, |token| token.reason = " \n".to_owned()), no_reason);
        let review = Token { kind: Kind::Review(rule()), action: None, base: vec![], not_after: None, ..approval() };
        assert_eq!(check_of(&review, |_| {}), Ok(()));
        let absent = |field| Err(MessageError::Absent { field, kind: "review" });
        let present = |field| Err(MessageError::Present { field, kind: "review" });
        let cases: [(Change, Result<(), MessageError>); 6] = [
            (|token| token.subject = None, absent("subject")),
            (|token| token.target = None, absent("target")),
            (|token| token.target = Target::parse("tag:v1").ok(), Err(MessageError::Mixed { field: "target" })),
            (|token| token.action = approval().action, present("action")),
            (|token| token.base = approval().base, present("base")),
            (|token| token.not_after = approval().not_after, present("not-after")),
        ];
        for (change, expected) in cases {
            assert_eq!(check_of(&review, change), expected);
        }
    }

    fn check_of(token: &Token, change: impl Fn(&mut Token)) -> Result<(), MessageError> {
        let mut changed = token.clone();
        change(&mut changed);
        check(&changed)
    }

    #[test]
    fn fields_that_contradict_each_other_are_refused() {
        let hg = |token: &mut Token| {
            token.subject = Some(id(IdKind::HgSha1, 2));
            token.base = vec![id(IdKind::HgSha1, 1), id(IdKind::HgSha1, 3)];
            token.target = Target::parse("branch:default").ok();
        };
        let cases: [(Change, MessageError); 8] = [
            (|token| token.not_after = Some(token.not_before), MessageError::Window),
            (|token| token.base.clear(), MessageError::BaseMissing { action: Action::Update }),
            (|token| token.action = Some(Action::Create), MessageError::BaseOfNothing),
            (|token| token.base = vec![id(IdKind::GitSha256, 1)], MessageError::Mixed { field: "base" }),
            (|token| token.target = Target::parse("tag:v1").ok(), MessageError::Mixed { field: "target" }),
            (|token| token.base.push(id(IdKind::GitSha1, 3)), MessageError::BaseCount),
            (|token| token.base.push(id(IdKind::GitSha1, 1)), MessageError::BaseOrder),
            (|token| token.reason = "x".repeat(2_001), MessageError::LongReason { length: 2_001 }),
        ];
        for (change, why) in cases {
            let mut token = approval();
            change(&mut token);
            assert_eq!(check(&token), Err(why));
        }
        let mut two_heads = approval();
        hg(&mut two_heads);
        assert_eq!(check(&two_heads), Ok(()));
        two_heads.base.reverse();
        assert_eq!(check(&two_heads), Err(MessageError::BaseOrder));
    }

    #[test]
    fn a_base_may_be_missing_only_where_nothing_may_stand() {
        let gate = Action::Gate(EnvironmentName::new("deploy").expect("a name"));
        for action in [Action::Create, Action::Publish, gate] {
            assert_eq!(check(&Token { action: Some(action), base: vec![], ..approval() }), Ok(()));
        }
        for action in [Action::Delete, Action::Rewrite, Action::Close, Action::NewHead, Action::Update] {
            let token = Token { action: Some(action.clone()), base: vec![], ..approval() };
            assert_eq!(check(&token), Err(MessageError::BaseMissing { action }));
        }
    }
}
