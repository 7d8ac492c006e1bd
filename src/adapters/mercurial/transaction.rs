//! Which transactions are judged and which are only recorded, and who makes them.

/// What happens with a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// The policy decides.
    Judged,
    /// It is let be, and recorded: an administrator's repair, which no client can ask for.
    Recorded,
}

/// The transactions that are only recorded. `strip` takes changesets away, `repair` (its second half) puts those back
/// that it took too much. Refusing them would leave a damaged repository without a remedy.
const RECORDED: [&[u8]; 2] = [b"strip", b"repair"];

impl Treatment {
    /// Looks at the name of a transaction. Mercurial puts where it comes from on further lines; only the first counts.
    ///
    /// Every name that is not known to be a repair is judged, also a missing one.
    pub fn of(name: Option<&[u8]>) -> Self {
        let first = name.and_then(|name| name.split(|byte| *byte == b'\n').next());
        match first {
            Some(name) if RECORDED.contains(&name) => Self::Recorded,
            _ => Self::Judged,
        }
    }
}

/// Returns the login that the web server proved, from the URL that Mercurial gives its hooks.
///
/// `remote:http:HOST:USER`, both percent-encoded; USER is empty where nobody logged in. Over ssh the URL names only an address, and
/// a local path names nobody: `None`.
pub fn url_login(url: &[u8]) -> Option<String> {
    let mut parts = url.split(|byte| *byte == b':');
    let (remote, scheme, _host, user) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if remote != b"remote" || !matches!(scheme, b"http" | b"https") || parts.next().is_some() || user.is_empty() {
        return None;
    }
    let mut login = Vec::new();
    let mut rest = user;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let (digits, after) = tail.split_at_checked(2)?;
            login.extend(data_encoding::HEXUPPER_PERMISSIVE.decode(digits).ok()?);
            rest = after;
        } else {
            login.push(*first);
        }
    }
    String::from_utf8(login).ok().filter(|login| !login.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_repairs_are_not_judged() {
        for name in [&b"strip"[..], b"repair", b"strip\nwhatever"] {
            assert_eq!(Treatment::of(Some(name)), Treatment::Recorded);
        }
        for name in [
            &b"serve"[..],
            b"push",
            b"pull\nhttp://x",
            b"unbundle",
            b"unbundle\nstrip",
            b"commit",
            b"amend",
            b"bookmark",
            b"bookmarks",
            b"pushkey-phase",
            b"phase",
            b"debugobsolete",
            b"clone",
            b"",
            b"Strip",
            b"stripped",
        ] {
            assert_eq!(Treatment::of(Some(name)), Treatment::Judged, "{name:?}");
        }
        assert_eq!(Treatment::of(None), Treatment::Judged);
    }

    #[test]
    fn a_login_is_what_the_web_server_proved() {
        let cases: [(&str, Option<&str>); 12] = [
            ("remote:http:127.0.0.1:alice", Some("alice")),
            ("remote:https:%3A%3A1:alice%40corp", Some("alice@corp")),
            ("remote:http:host:b%C3%B3b", Some("bób")),
            ("remote:http::", None),
            ("remote:http:host:", None),
            ("remote:http:host:b%F3b", None),
            ("remote:http:host:b%0Ab", None),
            ("remote:http:host:b%4", None),
            ("remote:http:host:alice:bob", None),
            ("remote:ssh:10.0.0.1", None),
            ("remote:ssh:host:alice", None),
            ("file:/srv/repo", None),
        ];
        for (url, expected) in cases {
            assert_eq!(url_login(url.as_bytes()).as_deref(), expected, "{url}");
        }
    }
}
