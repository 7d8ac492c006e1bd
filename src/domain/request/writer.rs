//! In whose name a server writes the requests that it keeps of refused pushes (docs/spec/request.md, "What a server takes").

/// Stands for a pusher whom nobody knows.
const NOBODY: &str = "jit";

/// The address of all of them: no mail ever arrives there.
const ADDRESS: &str = " <jit@localhost>";

/// Returns `LOGIN <jit@localhost>`, or `jit <jit@localhost>` for nobody and for a login that cannot stand there.
pub fn written_for(login: Option<&str>) -> String {
    let odd = |login: &str| {
        login.is_empty() || login != login.trim() || login.chars().any(|c| c.is_control() || matches!(c, '<' | '>'))
    };
    format!("{}{ADDRESS}", login.filter(|login| !odd(login)).unwrap_or(NOBODY))
}

/// Says who asks, by the words of a request's commit: the login for which a server wrote it, or what somebody says of themselves.
pub fn asked_by(by: &str) -> Option<&str> {
    match by.strip_suffix(ADDRESS) {
        Some(login) => Some(login).filter(|login| *login != NOBODY),
        None => Some(by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_writes_for_a_pusher_names_the_pusher() {
        let cases = [
            (Some("bob"), "bob <jit@localhost>", Some("bob")),
            (Some("Bob B."), "Bob B. <jit@localhost>", Some("Bob B.")),
            (None, "jit <jit@localhost>", None),
            (Some(""), "jit <jit@localhost>", None),
            (Some(" bob"), "jit <jit@localhost>", None),
            (Some("bob\nx"), "jit <jit@localhost>", None),
            (Some("alice <alice@example.com>"), "jit <jit@localhost>", None),
        ];
        for (login, written, asked) in cases {
            assert_eq!(written_for(login), written);
            assert_eq!(asked_by(written), asked);
        }
    }

    #[test]
    fn what_people_send_names_whom_they_say() {
        for by in ["bob <bob@example.com>", ""] {
            assert_eq!(asked_by(by), Some(by));
        }
    }
}
