//! Each way in which a policy can be wrong, in words.

use super::{PatternError, limits};
use crate::domain::approval::KeyError;
use crate::domain::change::NotAnAction;
use crate::domain::name::NameError;
use std::fmt;

/// What a policy gives a name to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// `[principals.NAME]`
    Principal,
    /// `[roles.NAME]`
    Role,
    /// `[environments.NAME]`
    Environment,
    /// `[windows.NAME]`
    Window,
    /// `[checks.NAME]`
    Check,
    /// `[[rule]]`
    Rule,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Principal => "principal",
            Self::Role => "role",
            Self::Environment => "environment",
            Self::Window => "window",
            Self::Check => "check",
            Self::Rule => "rule",
        })
    }
}

/// What is wrong. Texts are quoted as the file has them: escape them before they reach a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// There is no file.
    #[error("the policy has no files")]
    NoFiles,
    /// More than one file has this name.
    #[error("two files have the name `{0}`")]
    FileTwice(String),
    /// The file is not read at all.
    #[error("the file is larger than {} bytes", limits::FILE_BYTES)]
    FileTooLarge,
    /// The files are not read at all.
    #[error("the files are larger than {} bytes together", limits::POLICY_BYTES)]
    PolicyTooLarge,
    /// There is more of something than the program takes.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A text is longer than the program takes.
    #[error("`{key}` is longer than {limit} bytes")]
    TooLong {
        /// The key.
        key: &'static str,
        /// How many bytes it may have.
        limit: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// The text is not TOML.
    #[error("not TOML: {detail}")]
    Syntax {
        /// What the parser says.
        detail: String,
    },
    /// The file does not say which version of the format it is written in.
    #[error("the file has no `version`")]
    NoVersion,
    /// Another version than the one that the program reads; the rest of the file was not checked.
    #[error("`version` is 1 in every policy that this program reads")]
    OtherVersion,
    /// What happens to updates that no rule matches is not said.
    #[error("no file has `default`")]
    NoDefault,
    /// It is said twice.
    #[error("`default` is given in two files")]
    DefaultTwice,
    /// The key does not exist.
    #[error("{section} has no key `{key}`")]
    UnknownKey {
        /// Where it stands, with an article.
        section: &'static str,
        /// What is written.
        key: String,
        /// What was probably meant.
        similar: Option<String>,
    },
    /// The program does not do this yet; to ignore it would be to promise what is not kept.
    #[error("`{0}` is not supported yet")]
    NotYet(String),
    /// The value has another type.
    #[error("`{key}` takes {expected}, not {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What it takes, with an article.
        expected: &'static str,
        /// What stands there, with an article.
        found: &'static str,
    },
    /// The text is none of the words that the key takes.
    #[error("`{key}` is {allowed}, not `{found}`")]
    NotAWord {
        /// The key.
        key: &'static str,
        /// The words, in prose.
        allowed: &'static str,
        /// What stands there.
        found: String,
    },
    /// The key must be there.
    #[error("{section} needs `{key}`")]
    MissingKey {
        /// Where, with an article.
        section: &'static str,
        /// The key.
        key: &'static str,
    },
    /// The list has no entries.
    #[error("`{0}` is an empty list")]
    EmptyList(&'static str),
    /// An entry stands twice in a list.
    #[error("`{0}` stands twice in this list")]
    EntryTwice(String),
    /// Not a name.
    #[error(transparent)]
    BadName(#[from] NameError),
    /// Two things of one kind have the same name.
    #[error("the {what} `{name}` is defined twice")]
    NameTwice {
        /// What kind of thing.
        what: Thing,
        /// The name.
        name: String,
    },
    /// Nothing of this kind has the name.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What kind of thing.
        what: Thing,
        /// The name.
        name: String,
        /// What was probably meant.
        similar: Option<String>,
    },
    /// Nobody holds the role.
    #[error("the role `{0}` has no members")]
    EmptyRole(String),
    /// The role is its own member, by way of the others.
    #[error("the role `{}` contains itself: {}", .0.first().map_or("", String::as_str), .0.join(" > "))]
    CyclicRole(Vec<String>),
    /// An entry that should name a role names something else.
    #[error("`{0}` is not `role:` and the name of a role")]
    NotARole(String),
    /// A key, address or login has two owners, or stands twice at one.
    #[error("{what} `{shown}` is given twice")]
    SharedIdentity {
        /// "the key", "the e-mail address", "the login".
        what: &'static str,
        /// The fingerprint, address or login.
        shown: String,
    },
    /// Not a public key.
    #[error("not an OpenSSH public key")]
    NotAKey,
    /// A private key stands where the public one belongs.
    #[error("a private key does not belong into a policy")]
    PrivateKey,
    /// A key of a kind that is not taken.
    #[error("a key must be ssh-ed25519, not {0}")]
    KeyKind(String),
    /// A key with which anybody could sign, or that has two spellings.
    #[error(transparent)]
    UnsafeKey(#[from] KeyError),
    /// Not an address that a commit can have.
    #[error("`{0}` is not an e-mail address")]
    NotAnEmail(String),
    /// Not a login.
    #[error("`{0}` is not a login")]
    NotALogin(String),
    /// Not a moment in UTC or with an offset.
    #[error("`valid_until` takes a date and time with its offset, in whole seconds, from 1970 to 9999")]
    NotATime,
    /// Not a length of time.
    #[error("`{text}` is not a length of time: {detail}")]
    NotADuration {
        /// What stands there.
        text: String,
        /// What the parser says.
        detail: String,
    },
    /// Nothing would ever count.
    #[error("`{0}` is shorter than a second")]
    SpanZero(&'static str),
    /// Approvals would count for longer than is wise.
    #[error("`{0}` is longer than {most}", most = limits::TTL)]
    SpanTooLong(&'static str),
    /// Not a pattern.
    #[error(transparent)]
    BadPattern(#[from] PatternError),
    /// A pattern that nothing could ever match.
    #[error("no {what} can match `{pattern}`")]
    Unmatchable {
        /// What the pattern is for: "path", "label", "branch", "tag", "refname".
        what: &'static str,
        /// The pattern.
        pattern: String,
    },
    /// All that the list takes, it takes away again.
    #[error("`{0}` matches nothing")]
    MatchesNothing(&'static str),
    /// No commit has a trailer with such a key.
    #[error("`{0}` is not the key of a trailer: letters, digits and `-`")]
    NotALabel(String),
    /// A key twice, in upper and lower case perhaps.
    #[error("the label `{0}` is given twice")]
    LabelTwice(String),
    /// The table has no entries.
    #[error("`labels` names no label")]
    NoLabels,
    /// The table has no entries.
    #[error("`larger_than` names no limit")]
    NoLimits,
    /// Not a size.
    #[error("`{0}` takes a number from 0 to {size}", size = limits::SIZE)]
    NotALimit(&'static str),
    /// No such time zone.
    #[error("`{name}` is not a time zone")]
    NotATimezone {
        /// What stands there.
        name: String,
        /// What was probably meant.
        similar: Option<String>,
    },
    /// Not a day of the week.
    #[error("`{0}` is not a day: mon, tue, wed, thu, fri, sat, sun")]
    NotADay(String),
    /// A weekly window's beginning or end that is no time of day.
    #[error("with `days`, `{0}` takes a time from \"00:00\" to \"23:59\"{end}", end = if *.0 == "to" { ", or \"24:00\"" } else { "" })]
    NotATimeOfDay(&'static str),
    /// A window's beginning or end that is no local date and time.
    #[error("without `days`, `{0}` takes a date and time without offset, in whole seconds")]
    NotALocalTime(&'static str),
    /// The window ends before it begins, or at once.
    #[error("the window does not end after it begins")]
    WindowEmpty,
    /// Not an action.
    #[error("`{text}` is {source}")]
    BadAction {
        /// What stands there.
        text: String,
        /// What actions there are.
        source: NotAnAction,
    },
    /// Not a regular expression.
    #[error("not a regular expression: {detail}")]
    BadExpression {
        /// What the parser says.
        detail: String,
    },
    /// The expression would take too much memory.
    #[error("the regular expression is too large")]
    ExpressionTooLarge,
    /// The expression is met by saying nothing.
    #[error("`reason` is met by an empty reason")]
    EmptyReasonMatches,
    /// Nobody would have to sign.
    #[error("`approvals` must be at least 1")]
    NoApprovals,
    /// More people than the role has.
    #[error("{approvals} approvals are asked of `{role}`, which has {members} {}", if *.members == 1 { "member" } else { "members" })]
    TooManyApprovals {
        /// The role.
        role: String,
        /// How many are asked.
        approvals: usize,
        /// How many people hold it.
        members: usize,
    },
    /// The people who hold the roles and have keys are too few for all places at once.
    #[error("`{key}` can never be met: {filled} of {places} places can be filled")]
    NeverMet {
        /// `require`, `any_of` or `override`.
        key: &'static str,
        /// How many places there are, those of `require` included.
        places: usize,
        /// How many of them the members can fill at most.
        filled: usize,
    },
    /// Nobody could attest a check.
    #[error("nobody who holds the role `{0}` has a key")]
    NoSigner(String),
    /// The rule changes nothing.
    #[error("the rule asks for nothing")]
    AsksNothing,
    /// No update can match both, or the one makes the other pointless.
    #[error("`{first}` and `{second}` exclude each other")]
    Exclusive {
        /// The key that comes first.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// The keys together match nothing, though any two of them could.
    #[error("the keys of this rule exclude each other")]
    MatchesNoUpdate,
    /// The environments are there for gates alone, and the rule is about none.
    #[error("these environments have no branches, tags or bookmarks, and the rule has no action `gate:NAME`")]
    MatchesNoGate,
    /// The key is about approvals, and none are asked.
    #[error("`{0}` has no effect in a rule that asks for no approvals")]
    NoEffect(&'static str),
}
