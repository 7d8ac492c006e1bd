//! Patterns of CODEOWNERS and of Mercurial as those of a policy (docs/spec/semantics.md, 2).

use crate::domain::policy::Patterns;

/// Whose rules a CODEOWNERS file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A slash in the middle ties a pattern to the root, and what names a folder means all below it.
    GitHub,
    /// Only a leading slash ties a pattern to the root, and a pattern without a slash at its end is a file's.
    GitLab,
}

/// Returns the patterns that together match what `pattern` does; an error says why there are none.
pub(super) fn of_codeowners(pattern: &str, dialect: Dialect) -> Result<Vec<String>, &'static str> {
    let (rest, leads) = pattern.strip_prefix('/').map_or((pattern, false), |rest| (rest, true));
    let (rest, is_folder) = rest.strip_suffix('/').map_or((rest, false), |rest| (rest, true));
    let written: Vec<&str> = rest.split('/').collect();
    let mut parts = written.iter().map(|part| one_part(part, dialect)).collect::<Result<Vec<_>, _>>()?;
    let is_tied = leads || (dialect == Dialect::GitHub && parts.len() > 1);
    if !is_tied && parts[0] != "**" {
        parts.insert(0, "**".to_owned());
    }
    let last = parts[parts.len() - 1].clone();
    if is_folder {
        parts.push("**".to_owned());
        return checked(vec![joined(&parts)]);
    }
    let file = joined(&parts);
    if dialect == Dialect::GitLab || last == "*" || last == "**" {
        return checked(vec![file]);
    }
    parts.push("**".to_owned());
    checked(vec![file, joined(&parts)])
}

/// Writes a part between slashes.
fn one_part(part: &str, dialect: Dialect) -> Result<String, &'static str> {
    if matches!(part, "" | "." | "..") {
        return Err("no path has such a part");
    }
    if part == "**" {
        return Ok(part.to_owned());
    }
    let mut written = String::new();
    let mut chars = part.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => literal(chars.next().ok_or("it ends with a backslash")?, &mut written),
            '*' if written.ends_with('*') && !written.ends_with("\\*") => {}
            '*' | '?' => written.push(c),
            '[' if dialect == Dialect::GitHub => return Err("a range of characters does not count there"),
            '[' | ']' if dialect == Dialect::GitLab => written.push(c),
            _ => literal(c, &mut written),
        }
    }
    Ok(written)
}

/// Writes a character that stands for itself.
fn literal(c: char, written: &mut String) {
    if "*?[]{}\\!".contains(c) {
        written.push('\\');
    }
    written.push(c);
}

/// Writes a name that stands for itself.
pub(super) fn literal_name(name: &str) -> String {
    let mut written = String::new();
    name.chars().for_each(|c| literal(c, &mut written));
    written
}

fn joined(parts: &[String]) -> String {
    let mut parts = parts.to_vec();
    parts.dedup_by(|one, two| one == "**" && two == "**");
    // A file of any name in any folder.
    if parts == ["**", "*"] { "**".to_owned() } else { parts.join("/") }
}

fn checked(patterns: Vec<String>) -> Result<Vec<String>, &'static str> {
    match patterns.iter().all(|pattern| Patterns::check(pattern).is_ok()) {
        true => Ok(patterns),
        false => Err("a policy has no such pattern"),
    }
}

/// Returns the patterns that match what one of Mercurial's does, as the acl extension takes it.
pub(super) fn of_mercurial(pattern: &str) -> Result<Vec<String>, &'static str> {
    let (kind, rest) = match pattern.split_once(':') {
        Some((kind, rest)) if kind.bytes().all(|byte| byte.is_ascii_lowercase()) => (kind, rest),
        _ => ("glob", pattern),
    };
    let rest = if kind == "glob" { rest } else { rest.trim_end_matches('/') };
    let patterns = match kind {
        "glob" => vec![stars(rest)?],
        "relglob" => vec![format!("**/{}", stars(rest)?)],
        "path" | "relpath" if matches!(rest, "" | ".") => vec!["**".to_owned()],
        "path" | "relpath" => vec![literal_name(rest), format!("{}/**", literal_name(rest))],
        "rootfilesin" => vec![format!("{}/*", literal_name(rest))],
        _ => return Err("a policy has no such kind of pattern"),
    };
    if patterns.iter().any(|pattern| pattern.split('/').any(|part| matches!(part, "" | "." | ".."))) {
        return Err("no path has such a part");
    }
    checked(patterns)
}

/// Rewrites `**`, which Mercurial takes anywhere, so that it stands alone between slashes, and what matches a slash there.
fn stars(glob: &str) -> Result<String, &'static str> {
    let mut parts = Vec::new();
    for part in glob.split('/') {
        match part.find("**") {
            None => parts.push(part.to_owned()),
            Some(0) if part == "**" => parts.push(part.to_owned()),
            Some(0) => parts.extend(["**".to_owned(), format!("*{}", &part[2..])]),
            Some(_) => return Err("`**` stands beside other characters"),
        }
    }
    let written = slashes(&parts.join("/"))?;
    Ok(if written.starts_with('!') { format!("\\{written}") } else { written })
}

/// Rewrites what can match a slash in Mercurial and none in a policy: `?`, and sets of more than letters and digits. Of these a caret
/// would mean the opposite.
fn slashes(glob: &str) -> Result<String, &'static str> {
    let mut written = String::new();
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => written.extend(std::iter::once(c).chain(chars.next())),
            '?' => written.push_str("{?,/}"),
            '[' => {
                let set = chars.as_str().split_once(']').filter(|(set, _)| is_plain(set.as_bytes()));
                let (set, rest) = set.ok_or("a set of characters may match a slash there")?;
                written += &format!("[{set}]");
                chars = rest.chars();
            }
            _ => written.push(c),
        }
    }
    Ok(written)
}

/// Tells whether a set holds letters, digits and ranges of them, which everybody reads alike.
fn is_plain(set: &[u8]) -> bool {
    let plain = u8::is_ascii_alphanumeric;
    let mut rest = set;
    loop {
        rest = match rest {
            [] => return !set.is_empty(),
            [from, b'-', to, rest @ ..] if plain(from) && plain(to) => rest,
            [one, rest @ ..] if plain(one) => rest,
            _ => return false,
        };
    }
}

/// Tells whether no path can match both patterns; where that is not plain, false.
pub(super) fn are_disjoint(one: &str, two: &str) -> bool {
    let is_literal = |part: &&str| !part.contains(['*', '?', '[', '{', '\\']);
    let (mut left, mut right) = (one.split('/').peekable(), two.split('/').peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, Some(_)) | (Some(_), None) => return true,
            (Some(a), Some(b)) if is_literal(a) && is_literal(b) => {
                if a != b {
                    return true;
                }
                left.next();
                right.next();
            }
            _ => break,
        }
    }
    // What both must end with: the text after the last wildcard of the last part.
    let ending = |pattern: &str| -> Option<String> {
        // Braces can hold slashes, so that what seems to be the last part is not.
        let last = pattern.rsplit('/').next().filter(|last| !pattern.contains('{') && !last.contains(['[', '\\']))?;
        let tail = last.rsplit(['*', '?']).next().unwrap_or_default();
        (last != "**").then(|| if tail == last { format!("/{tail}") } else { tail.to_owned() })
    };
    match (ending(one), ending(two)) {
        (Some(a), Some(b)) => !format!("/{a}").ends_with(&b) && !format!("/{b}").ends_with(&a),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_becomes_what_it_means_there() {
        type Expected<'e> = Result<&'e [&'e str], ()>;
        let cases: [(&str, Expected<'_>, Expected<'_>); 19] = [
            ("*", Ok(&["**"]), Ok(&["**"])),
            ("*.js", Ok(&["**/*.js", "**/*.js/**"]), Ok(&["**/*.js"])),
            ("/docs/", Ok(&["docs/**"]), Ok(&["docs/**"])),
            ("docs/", Ok(&["**/docs/**"]), Ok(&["**/docs/**"])),
            ("docs/*", Ok(&["docs/*"]), Ok(&["**/docs/*"])),
            ("docs/api", Ok(&["docs/api", "docs/api/**"]), Ok(&["**/docs/api"])),
            ("/README", Ok(&["README", "README/**"]), Ok(&["README"])),
            ("/*", Ok(&["*"]), Ok(&["*"])),
            ("**/logs", Ok(&["**/logs", "**/logs/**"]), Ok(&["**/logs"])),
            ("/a/**/b/", Ok(&["a/**/b/**"]), Ok(&["a/**/b/**"])),
            ("/a**b", Ok(&["a*b", "a*b/**"]), Ok(&["a*b"])),
            ("/with\\ space", Ok(&["with space", "with space/**"]), Ok(&["with space"])),
            ("/{a,b}!", Ok(&["\\{a,b\\}\\!", "\\{a,b\\}\\!/**"]), Ok(&["\\{a,b\\}\\!"])),
            ("/\\*", Ok(&["\\*", "\\*/**"]), Ok(&["\\*"])),
            ("/v[12]", Err(()), Ok(&["v[12]"])),
            ("/a]", Ok(&["a\\]", "a\\]/**"]), Ok(&["a]"])),
            ("/", Err(()), Err(())),
            ("a//b", Err(()), Err(())),
            ("../a", Err(()), Err(())),
        ];
        for (pattern, in_github, in_gitlab) in cases {
            for (dialect, expected) in [(Dialect::GitHub, in_github), (Dialect::GitLab, in_gitlab)] {
                let found = of_codeowners(pattern, dialect).map_err(drop);
                let expected = expected.map(|list| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
                assert_eq!(found, expected, "{pattern} of {dialect:?}");
            }
        }
    }

    #[test]
    fn a_pattern_of_mercurial_becomes_what_it_means_there() {
        let cases: [(&str, Option<&[&str]>); 26] = [
            ("docs/**", Some(&["docs/**"])),
            ("docs/**.txt", Some(&["docs/**/*.txt"])),
            ("**.py", Some(&["**/*.py"])),
            ("glob:a/*", Some(&["a/*"])),
            ("path:a/b", Some(&["a/b", "a/b/**"])),
            ("path:.", Some(&["**"])),
            ("rootfilesin:a", Some(&["a/*"])),
            ("relglob:*.c", Some(&["**/*.c"])),
            ("!odd", Some(&["\\!odd"])),
            ("re:.*", None),
            ("a**b", None),
            ("**a**", None),
            ("a//b", None),
            ("docs/", None),
            ("path:docs/", Some(&["docs", "docs/**"])),
            ("src/b:c", Some(&["src/b:c"])),
            // There a slash is a character like others for `?` and for sets.
            ("a?b", Some(&["a{?,/}b"])),
            ("a\\?b", Some(&["a\\?b"])),
            ("*.[ch]", Some(&["*.[ch]"])),
            ("v[0-9a-c]", Some(&["v[0-9a-c]"])),
            ("[!a]", None),
            ("[^a]", None),
            ("[+-9]", None),
            ("[a-b-z]", None),
            ("a[", None),
            ("{a/b,c}", Some(&["{a/b,c}"])),
        ];
        for (pattern, expected) in cases {
            let expected = expected.map(|list| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
            assert_eq!(of_mercurial(pattern).ok(), expected, "{pattern}");
        }
    }

    #[test]
    fn what_matches_a_slash_in_mercurial_matches_it_in_the_policy() {
        let patterns = |pattern| Patterns::new(&of_mercurial(pattern).expect("a pattern")).expect("patterns");
        for (pattern, path, expected) in [
            ("a?b", "a/b", true),
            ("a?b", "axb", true),
            ("a?b", "axxb", false),
            ("a?b", "ab", false),
            ("?*", "a/b", false),
        ] {
            assert_eq!(patterns(pattern).matches(path.as_bytes()), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn patterns_that_share_no_path_are_told_apart() {
        let cases = [
            ("docs/**", "src/**", true),
            ("docs", "docs/**", true),
            ("**/*.js", "**/*.py", true),
            ("docs/**", "docs/api/**", false),
            ("**/*.js", "src/**", false),
            ("**/a", "**/ba", true),
            ("**/*a", "**/ba", false),
            ("**", "a", false),
            ("{a/b,c}", "c", false),
            ("a{?,/}b", "a/b", false),
            ("docs/{a,b}", "src/**", true),
        ];
        for (one, two, expected) in cases {
            assert_eq!((are_disjoint(one, two), are_disjoint(two, one)), (expected, expected), "{one} {two}");
        }
    }

    proptest! {
        /// Short names of few letters, so that patterns often match.
        #[test]
        fn what_is_told_apart_shares_no_path(
            one in "(a|b|\\*|\\*a|a\\*|\\?|\\*\\*)(/(a|b|\\*|\\*a|\\*\\*)){0,2}",
            two in "(a|b|\\*|\\*a|a\\*|\\?|\\*\\*)(/(a|b|\\*|\\*a|\\*\\*)){0,2}",
            paths in prop::collection::vec("[ab]{1,2}(/[ab]{1,2}){0,3}", 1..20),
        ) {
            let list = |text: &String| Patterns::new(std::slice::from_ref(text)).expect("a pattern");
            let (left, right) = (list(&one), list(&two));
            if are_disjoint(&one, &two) {
                for path in paths {
                    prop_assert!(!(left.matches(path.as_bytes()) && right.matches(path.as_bytes())), "{path}");
                }
            }
        }
    }
}
