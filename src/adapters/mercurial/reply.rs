//! The answer to the hook's script (docs/spec/hg-request.md, "The reply").

use super::sibling::Names;
use crate::domain::change::ChangesetId;

/// How many bytes of the reason, and of the advice, Mercurial carries to a pusher: parameters of its bundles are no longer, and it
/// breaks the connection over a longer one.
const MOST_TEXT: usize = 255;

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
        /// Bookmarks that are set in the same transaction: the names of requests that arrive.
        name: Names,
        /// One line that the script gives back once the transaction is made ([`super::Header::later`]); nothing, if it is empty.
        later: String,
    },
    /// The transaction is refused, and nothing changes.
    Deny {
        /// Lines to print; lost where the pusher said `-q`.
        say: Vec<String>,
        /// The reason. As much as fits is shown on every transport, also with `-q`; if that is not all, all of it is printed too.
        reason: Vec<String>,
        /// What to do now; shown with the reason, and likewise.
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
            Self::Allow { say, publish, name, later } => {
                lines("jit-hg-reply/v1", &["allow".to_owned()]);
                lines("say", say);
                lines("publish", &publish.iter().map(ChangesetId::hex).collect::<Vec<_>>());
                lines("name", &name.iter().map(|(name, id)| format!("{name} {}", id.hex())).collect::<Vec<_>>());
                lines("later", if later.is_empty() { &[] } else { std::slice::from_ref(later) });
            }
            Self::Deny { say, reason, hint } => {
                lines("jit-hg-reply/v1", &["deny".to_owned()]);
                let ((short_reason, cut), (short_hint, hint_cut)) = (shortened(reason), shortened(hint));
                if cut || hint_cut {
                    lines("say", reason);
                    lines("say", hint);
                }
                lines("say", say);
                // The script takes a denial without a reason as a fault, and refuses all the same.
                lines("abort", &short_reason);
                lines("hint", &short_hint);
            }
        }
        text.push_str("end\n");
        text.into_bytes()
    }
}

/// Returns the first lines that fit together, and whether that is not all. Of a first line that is too long, its beginning.
fn shortened(lines: &[String]) -> (Vec<String>, bool) {
    let mut room = MOST_TEXT;
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        match room.checked_sub(line.len()) {
            Some(left) => {
                kept.push(line.clone());
                // The line end that joins it to the next one.
                room = left.saturating_sub(1);
            }
            None if kept.is_empty() => {
                kept.push(line[..line.floor_char_boundary(room)].to_owned());
                break;
            }
            None => break,
        }
    }
    let cut = kept != lines;
    (kept, cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;
    use crate::domain::request::RequestId;

    #[test]
    fn what_mercurial_cannot_carry_is_printed_instead() {
        let long = |letter: &str| letter.repeat(200);
        let cases: [(Vec<String>, Vec<usize>); 5] = [
            (vec![long("a")], vec![200]),
            (vec![long("a"), "b".repeat(54)], vec![200, 54]),
            (vec![long("a"), "b".repeat(55)], vec![200]),
            (vec!["ä".repeat(200)], vec![254]),
            (vec!["a".repeat(255), String::new()], vec![255, 0]),
        ];
        for (lines, expected) in cases {
            let (kept, cut) = shortened(&lines);
            assert_eq!(kept.iter().map(String::len).collect::<Vec<_>>(), expected);
            assert_eq!(cut, kept != lines);
        }
        let deny = Reply::Deny { say: vec!["x".into()], reason: vec![long("a"), long("b")], hint: vec!["c".into()] };
        let (a, b) = (long("a"), long("b"));
        let expected = format!("jit-hg-reply/v1 deny\nsay {a}\nsay {b}\nsay c\nsay x\nabort {a}\nhint c\nend\n");
        assert_eq!(String::from_utf8(deny.to_bytes()).expect("UTF-8"), expected);
    }

    #[test]
    fn a_reply_says_one_thing_a_line() {
        let id = ChangesetId::from_bytes(IdKind::HgSha1, &[1; 20]).expect("not null");
        let name = vec![(RequestId::parse("r-0123456789ab").expect("an id"), id)];
        let allow = Reply::Allow { say: vec!["jit: allowed".into()], publish: vec![id], name, later: "x y".into() };
        let node = "01".repeat(20);
        let rest = format!("publish {node}\nname r-0123456789ab {node}\nlater x y\nend\n");
        let expected = format!("jit-hg-reply/v1 allow\nsay jit: allowed\n{rest}");
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
