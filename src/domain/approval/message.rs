//! The message of a token as bytes: what is signed (docs/spec/token.md, "Message").
//!
//! Every message has one spelling. Reading takes the lines in their fixed order, builds the [`Token`], writes it
//! again and compares, so nothing that a writer would not have written gets in. What a field may hold depends on
//! the kind of token: `fields` knows, and both directions ask it.

use super::{Kind, RoleChoice, Status, Token, TokenId, fields};
use crate::domain::change::{Action, ChangesetId, ContentId, IdError, NotAnAction, Target, TargetError};
use crate::domain::name::{CheckName, NameError, PrincipalId, RoleName, RuleName};
use crate::domain::text::{self, hex_array};
use crate::domain::time::{NotATime, Timestamp};
use data_encoding::HEXLOWER;

/// The longest reason in bytes, before escaping.
pub const MAX_REASON: usize = 2_000;

const FIRST_LINE: &str = "jit-token/v1\n";
const FIELDS: [&str; 13] = [
    "kind",
    "repo",
    "subject",
    "target",
    "action",
    "base",
    "content",
    "role",
    "detail",
    "not-before",
    "not-after",
    "nonce",
    "reason",
];

/// Why bytes are not the message of a token, or why a [`Token`] has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A byte that is neither printable ASCII nor a space nor a line feed.
    #[error("the message has bytes other than printable ASCII")]
    NotText,
    /// The first line is not `jit-token/v1`.
    #[error("the message does not begin with `jit-token/v1`")]
    Version,
    /// A line is missing, comes twice, or stands at another place than its own.
    #[error("expected the line of `{field}`")]
    Line {
        /// The field whose turn it was.
        field: &'static str,
    },
    /// The line feed after a value is missing.
    #[error("the line of `{field}` does not end")]
    Unended {
        /// The field of the last line.
        field: &'static str,
    },
    /// There is text after the last line.
    #[error("the message goes on after `reason`")]
    Trailing,
    /// No kind of token has this name.
    #[error("unknown kind of token")]
    UnknownKind,
    /// A value cannot be read.
    #[error("`{field}` is malformed")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with its value.
        #[source]
        why: FieldError,
    },
    /// A field has no value, and tokens of this kind need one.
    #[error("`{field}` is `-`, but a token of kind `{kind}` needs it")]
    Absent {
        /// The field.
        field: &'static str,
        /// The kind of the token.
        kind: &'static str,
    },
    /// A field has a value, and tokens of this kind have none.
    #[error("`{field}` has a value, but a token of kind `{kind}` has none")]
    Present {
        /// The field.
        field: &'static str,
        /// The kind of the token.
        kind: &'static str,
    },
    /// The action moves a target that exists, so the signer must have seen a value.
    #[error("`base` is `-`, but action `{action}` needs a target that exists")]
    BaseMissing {
        /// The action.
        action: Action,
    },
    /// The action creates the target, so there was no value to see.
    #[error("`base` has a value, but action `create` is for a target that does not exist")]
    BaseOfNothing,
    /// The ids of `base` are not in ascending order, or one occurs twice.
    #[error("the ids of `base` are not sorted")]
    BaseOrder,
    /// Only a Mercurial branch has several values.
    #[error("`base` has several ids, but only a Mercurial branch has several heads")]
    BaseCount,
    /// `subject`, `base` and `target` do not all belong to Git or all to Mercurial, with one hash.
    #[error("`{field}` belongs to another kind of repository than `subject`")]
    Mixed {
        /// The field that does not fit.
        field: &'static str,
    },
    /// The last moment is not after the first.
    #[error("`not-after` is not later than `not-before`")]
    Window,
    /// Tokens of this kind say why.
    #[error("a token of kind `{kind}` needs a reason")]
    NoReason {
        /// The kind of the token.
        kind: &'static str,
    },
    /// The reason is longer than [`MAX_REASON`].
    #[error("the reason has {length} bytes, {MAX_REASON} are allowed")]
    LongReason {
        /// Its length in bytes, before escaping.
        length: usize,
    },
    /// Everything can be read, but a writer would have spelled it differently.
    #[error("the message is not in its one accepted spelling")]
    Spelling,
}

/// What is wrong with the value of one field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Not a target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Not an action.
    #[error(transparent)]
    Action(#[from] NotAnAction),
    /// Not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not a role and a person.
    #[error("not two names")]
    Delegation,
    /// Not the name of a check and how it ended.
    #[error("not a name and `passed` or `failed`")]
    Status,
    /// Not a point in time.
    #[error(transparent)]
    Time(#[from] NotATime),
    /// Not `sha256:` and 64 lowercase hex digits.
    #[error("not `sha256:` and 64 lowercase hex digits")]
    Digest,
    /// Not 32 lowercase hex digits.
    #[error("not 32 lowercase hex digits")]
    Nonce,
    /// Not percent-encoded in the one accepted way.
    #[error("not in percent-encoded form")]
    Escapes,
    /// The escaped bytes are not UTF-8.
    #[error("not UTF-8")]
    Utf8,
}

/// Writes the message of `token`.
pub(super) fn encode(token: &Token) -> Result<String, MessageError> {
    fields::check(token)?;
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let digest = |bytes: &[u8]| format!("sha256:{}", HEXLOWER.encode(bytes));
    let subject = match &token.kind {
        Kind::Revoke(id) => digest(&id.0),
        _ => or_dash(token.subject.map(|id| id.to_string())),
    };
    let base: Vec<String> = token.base.iter().map(ChangesetId::to_string).collect();
    let values: [String; 13] = [
        token.kind.word().to_owned(),
        free_text(&token.repository),
        subject,
        or_dash(token.target.as_ref().map(Target::to_string)),
        or_dash(token.action.as_ref().map(Action::to_string)),
        or_dash((!base.is_empty()).then(|| base.join(","))),
        or_dash(token.content.map(|content| content.to_string())),
        match &token.role {
            RoleChoice::Any => "*".to_owned(),
            RoleChoice::Only(role) => role.to_string(),
        },
        or_dash(token.kind.detail()),
        token.not_before.to_string(),
        or_dash(token.not_after.map(|time| time.to_string())),
        HEXLOWER.encode(&token.nonce),
        if token.reason.is_empty() { "-".to_owned() } else { free_text(&token.reason) },
    ];
    let mut message = FIRST_LINE.to_owned();
    for (field, value) in FIELDS.iter().zip(values) {
        message.extend([field, " ", &value, "\n"]);
    }
    Ok(message)
}

/// Reads the message of a token.
pub(super) fn decode(bytes: &[u8]) -> Result<Token, MessageError> {
    let [kind, repo, subject, target, action, base, content, role, detail, not_before, not_after, nonce, reason] =
        values(bytes)?;
    let kind = kind_of(kind, subject, detail)?;
    let revokes = matches!(kind, Kind::Revoke(_));
    let bases = |value: &str| value.split(',').map(ChangesetId::parse).collect::<Result<Vec<_>, _>>();
    let token = Token {
        repository: present("repo", kind.word(), repo, parse_free_text)?,
        subject: if revokes { None } else { optional("subject", subject, ChangesetId::parse)? },
        target: optional("target", target, Target::parse)?,
        action: optional("action", action, Action::parse)?,
        base: optional("base", base, bases)?.unwrap_or_default(),
        content: optional("content", content, parse_content)?,
        role: match role {
            "*" => RoleChoice::Any,
            name => RoleChoice::Only(present("role", kind.word(), name, RoleName::new)?),
        },
        not_before: present("not-before", kind.word(), not_before, Timestamp::parse)?,
        not_after: optional("not-after", not_after, Timestamp::parse)?,
        nonce: present("nonce", kind.word(), nonce, parse_nonce)?,
        reason: optional("reason", reason, parse_free_text)?.unwrap_or_default(),
        kind,
    };
    if encode(&token)?.as_bytes() == bytes { Ok(token) } else { Err(MessageError::Spelling) }
}

/// Reads of the message of a token that was verified before what it is and since when it counts.
pub(super) fn stamp(bytes: &[u8]) -> Result<(Kind, Timestamp), MessageError> {
    let [kind, _, subject, .., detail, not_before, _, _, _] = values(bytes)?;
    let kind = kind_of(kind, subject, detail)?;
    let not_before = present("not-before", kind.word(), not_before, Timestamp::parse)?;
    Ok((kind, not_before))
}

fn kind_of(kind: &str, subject: &str, detail: &str) -> Result<Kind, MessageError> {
    let kind = match kind {
        "approve" => Kind::Approve,
        "reject" => Kind::Reject,
        "revoke" => Kind::Revoke(TokenId(present("subject", "revoke", subject, parse_digest)?)),
        "attest" => {
            let (check, status) = present("detail", "attest", detail, parse_status)?;
            Kind::Attest { check, status }
        }
        "override" => Kind::Override(present("detail", "override", detail, RuleName::new)?),
        "review" => Kind::Review(present("detail", "review", detail, RuleName::new)?),
        "delegate" => {
            let (role, to) = present("detail", "delegate", detail, parse_delegation)?;
            Kind::Delegate { role, to }
        }
        _ => return Err(MessageError::UnknownKind),
    };
    if detail != "-" && kind.detail().is_none() {
        return Err(MessageError::Present { field: "detail", kind: kind.word() });
    }
    Ok(kind)
}

/// Cuts a message into its 13 values.
fn values(bytes: &[u8]) -> Result<[&str; 13], MessageError> {
    let plain = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n');
    let text = str::from_utf8(bytes).ok().filter(|_| bytes.iter().all(plain)).ok_or(MessageError::NotText)?;
    let mut rest = text.strip_prefix(FIRST_LINE).ok_or(MessageError::Version)?;
    let mut values = [""; 13];
    for (value, field) in values.iter_mut().zip(FIELDS) {
        let after_name = rest.strip_prefix(field).and_then(|rest| rest.strip_prefix(' '));
        let line = after_name.ok_or(MessageError::Line { field })?;
        (*value, rest) = line.split_once('\n').ok_or(MessageError::Unended { field })?;
    }
    if rest.is_empty() { Ok(values) } else { Err(MessageError::Trailing) }
}

/// Escapes free text. The text `-` becomes `%2D`, because a bare `-` stands for "absent".
fn free_text(words: &str) -> String {
    if words == "-" { "%2D".to_owned() } else { text::encode(words.as_bytes(), b"") }
}

fn parse_free_text(value: &str) -> Result<String, FieldError> {
    if value == "%2D" {
        return Ok("-".to_owned());
    }
    let bytes = text::decode(value, b"").map_err(|_| FieldError::Escapes)?;
    String::from_utf8(bytes).map_err(|_| FieldError::Utf8)
}

fn parse_digest(value: &str) -> Result<[u8; 32], FieldError> {
    let hex = value.strip_prefix("sha256:").ok_or(FieldError::Digest)?;
    hex_array(hex).ok_or(FieldError::Digest)
}

fn parse_content(value: &str) -> Result<ContentId, FieldError> {
    ContentId::parse(value).ok_or(FieldError::Digest)
}

fn parse_status(value: &str) -> Result<(CheckName, Status), FieldError> {
    let (check, status) = value.split_once(' ').ok_or(FieldError::Status)?;
    Ok((CheckName::new(check)?, Status::parse(status).ok_or(FieldError::Status)?))
}

fn parse_delegation(value: &str) -> Result<(RoleName, PrincipalId), FieldError> {
    let (role, to) = value.split_once(' ').ok_or(FieldError::Delegation)?;
    Ok((RoleName::new(role)?, PrincipalId::new(to)?))
}

fn parse_nonce(value: &str) -> Result<[u8; 16], FieldError> {
    hex_array(value).ok_or(FieldError::Nonce)
}

/// Reads a value that may be `-`.
fn optional<'a, T, E: Into<FieldError>>(
    field: &'static str,
    value: &'a str,
    parse: impl FnOnce(&'a str) -> Result<T, E>,
) -> Result<Option<T>, MessageError> {
    if value == "-" {
        return Ok(None);
    }
    parse(value).map(Some).map_err(|why| MessageError::Field { field, why: why.into() })
}

/// Reads a value that tokens of any kind, or of this one, must have.
fn present<'a, T, E: Into<FieldError>>(
    field: &'static str,
    kind: &'static str,
    value: &'a str,
    parse: impl FnOnce(&'a str) -> Result<T, E>,
) -> Result<T, MessageError> {
    optional(field, value, parse)?.ok_or(MessageError::Absent { field, kind })
}
