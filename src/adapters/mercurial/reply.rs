//! The answer to the hook's script (docs/spec/hg-request.md, "The reply").

use crate::domain::change::ChangesetId;

/// What the script is to do, and to say.
///
/// Texts go to people's terminals: whoever fills this in has escaped what came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The transaction may be made.
    Allow {
        /// Lines to print.
        say: Vec<String>,
        /// Changesets that become public in the same transaction: approvals, so that no marker can hide them.
        publish: Vec<ChangesetId>,
    },
    /// The transaction is refused, and nothing changes.
    Deny {
        /// Lines to print; lost where the pusher said `-q`.
        say: Vec<String>,
        /// The reason, in one or a few lines; shown on every transport, also with `-q`.
        reason: Vec<String>,
        /// What to do now; shown with the reason.
        hint: Vec<String>,
    },
}

impl Reply {
    /// Writes the reply as the script reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        let mut lines = |key: &str, lines: &[String]| {
            for line in lines.iter().flat_map(|line| line.split(['\n', '\r'])) {
                text.push_str(&format!("{key} {line}\n"));
            }
        };
        match self {
            Self::Allow { say, publish } => {
                lines("jit-hg-reply/v1", &["allow".to_owned()]);
                lines("say", say);
                lines("publish", &publish.iter().map(ChangesetId::hex).collect::<Vec<_>>());
            }
            Self::Deny { say, reason, hint } => {
                lines("jit-hg-reply/v1", &["deny".to_owned()]);
                lines("say", say);
                // The script takes a denial without a reason as a fault, and refuses all the same.
                lines("abort", reason);
                lines("hint", hint);
            }
        }
        text.push_str("end\n");
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;

    #[test]
    fn a_reply_says_one_thing_a_line() {
        let id = ChangesetId::from_bytes(IdKind::HgSha1, &[1; 20]).expect("not null");
        let allow = Reply::Allow { say: vec!["jit: allowed".into()], publish: vec![id] };
        let expected = format!("jit-hg-reply/v1 allow\nsay jit: allowed\npublish {}\nend\n", "01".repeat(20));
        assert_eq!(String::from_utf8(allow.to_bytes()).expect("UTF-8"), expected);
        let deny = Reply::Deny {
            say: vec![],
            reason: vec!["jit: denied\nend".into(), "publish\rallow".into()],
            hint: vec!["ask".into()],
        };
        assert_eq!(
            String::from_utf8(deny.to_bytes()).expect("UTF-8"),
            "jit-hg-reply/v1 deny\nabort jit: denied\nabort end\nabort publish\nabort allow\nhint ask\nend\n"
        );
    }
}
