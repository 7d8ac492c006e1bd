//! A policy as it is written: typed values with their places, names not yet looked up.

use super::Window;
use super::fault::Place;
use super::model::{DefaultAnswer, Environment, Rule};
use crate::domain::approval::PublicKey;
use crate::domain::name::{CheckName, EnvironmentName, PrincipalId, RoleName, RuleName, WindowName};
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) defaults: Vec<At<DefaultAnswer>>,
    pub(super) principals: Vec<PrincipalDraft>,
    pub(super) roles: Vec<RoleDraft>,
    pub(super) environments: Vec<EnvironmentDraft>,
    pub(super) windows: Vec<WindowDraft>,
    pub(super) checks: Vec<CheckDraft>,
    pub(super) rules: Vec<RuleDraft>,
    /// A file or a definition could not be read: a name that seems missing may stand there.
    pub(super) has_gaps: bool,
}

/// `[principals.NAME]`
#[derive(Debug)]
pub(super) struct PrincipalDraft {
    pub(super) name: At<PrincipalId>,
    pub(super) keys: Vec<At<PublicKey>>,
    /// Lowercase in ASCII.
    pub(super) emails: Vec<At<String>>,
    pub(super) logins: Vec<At<String>>,
    pub(super) valid_until: Option<At<Timestamp>>,
    /// Nothing in it had a fault.
    pub(super) sound: bool,
}

/// `[roles.NAME]`
#[derive(Debug)]
pub(super) struct RoleDraft {
    pub(super) name: At<RoleName>,
    pub(super) people: Vec<At<PrincipalId>>,
    pub(super) roles: Vec<At<RoleName>>,
    pub(super) delegable: bool,
    /// Nothing in it had a fault.
    pub(super) sound: bool,
}

/// `[environments.NAME]`
#[derive(Debug)]
pub(super) struct EnvironmentDraft {
    pub(super) name: At<EnvironmentName>,
    pub(super) value: Environment,
    pub(super) entries: Vec<EntryDraft>,
    /// Nothing in it had a fault.
    pub(super) sound: bool,
}

/// `[windows.NAME]`
#[derive(Debug)]
pub(super) struct WindowDraft {
    pub(super) name: At<WindowName>,
    /// `None` if anything in it had a fault.
    pub(super) value: Option<Window>,
}

/// One entry of a list of patterns for targets or paths.
#[derive(Debug)]
pub(super) struct EntryDraft {
    /// The key of the list.
    pub(super) key: &'static str,
    /// As it is written, with or without `!` in front.
    pub(super) pattern: At<String>,
}

/// `[checks.NAME]`
#[derive(Debug)]
pub(super) struct CheckDraft {
    pub(super) name: At<CheckName>,
    /// `None` if it is missing or bad.
    pub(super) role: Option<At<RoleName>>,
}

/// One entry of `require`, or of an alternative of `any_of`.
#[derive(Debug)]
pub(super) struct RequirementDraft {
    pub(super) role: At<RoleName>,
    pub(super) approvals: At<usize>,
}

/// `override` of a rule.
#[derive(Debug)]
pub(super) struct OverrideDraft {
    pub(super) requirement: RequirementDraft,
    pub(super) ttl: Span,
    pub(super) review_within: Span,
}

/// `escalate` of a rule.
#[derive(Debug)]
pub(super) struct EscalationDraft {
    pub(super) after: Span,
    pub(super) notify: Vec<At<RoleName>>,
}

/// `[[rule]]`
#[derive(Debug)]
pub(super) struct RuleDraft {
    /// Its header, or the whole of an inline table.
    pub(super) place: Place,
    /// `None` if it is missing or bad.
    pub(super) name: Option<At<RuleName>>,
    /// The keys that are given, and where.
    pub(super) given: BTreeMap<&'static str, Place>,
    /// A key was refused, so that what the rule asks is not wholly known.
    pub(super) has_unknown_keys: bool,
    /// What needs no looking up. Its name is a placeholder where `name` is `None`; `require` and `any_of` are empty.
    pub(super) rule: Rule,
    pub(super) environments: Vec<At<EnvironmentName>>,
    /// Of `during` and `outside`.
    pub(super) windows: Vec<At<WindowName>>,
    pub(super) entries: Vec<EntryDraft>,
    pub(super) checks: Vec<At<CheckName>>,
    pub(super) require: Vec<RequirementDraft>,
    pub(super) any_of: Vec<At<Vec<RequirementDraft>>>,
    pub(super) overriding: Option<OverrideDraft>,
    pub(super) escalation: Option<EscalationDraft>,
    /// Nothing in it had a fault.
    pub(super) sound: bool,
}
