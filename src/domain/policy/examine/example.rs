//! Names that a pattern matches, to ask about in its place (docs/spec/policy.md, "Checking").
//!
//! Whoever asks makes sure that the name is matched: a list can take away what one of its patterns takes.

/// How many names are made of one pattern.
const MOST: usize = 16;

/// What stands for the wildcards and for what a set leaves open, in the order in which it is tried.
const FILLERS: [char; 4] = ['x', 'y', '0', '_'];

/// Returns a name for each alternative of `pattern`, at most [`MOST`]; none for one that takes away.
pub(super) fn examples_of(pattern: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = if pattern.starts_with('!') { Vec::new() } else { vec![pattern.replace("**", "*")] };
    // The last one first, so that there are never more open ones than the pattern has bytes.
    while let Some(pattern) = open.pop().filter(|_| names.len() < MOST) {
        match alternatives(&pattern) {
            Some(list) => open.extend(list.into_iter().rev()),
            None => names.extend(example_of(&pattern)),
        }
    }
    names
}

/// Returns the patterns that stand for one with `{a,b}`, whose first such group is taken apart; `None` without.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let (mut starts, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    while let Some(c) = pattern[at..].chars().next() {
        let next = at + c.len_utf8();
        let skipped = match c {
            '\\' => pattern[next..].chars().next().map_or(0, char::len_utf8),
            '[' => set(&pattern[next..]).map_or(0, |(inside, _)| inside.len()),
            _ => 0,
        };
        match c {
            '{' => {
                depth += 1;
                if depth == 1 {
                    starts.push(at);
                }
            }
            ',' if depth == 1 => starts.push(at),
            '}' if depth == 1 => {
                let (before, after) = (&pattern[..*starts.first()?], &pattern[next..]);
                let ends = starts.iter().skip(1).copied().chain([at]);
                let middles = starts.iter().zip(ends).map(|(start, end)| &pattern[start + 1..end]);
                return Some(middles.map(|middle| format!("{before}{middle}{after}")).collect());
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = next + skipped;
    }
    None
}

/// Returns a name for a pattern without alternatives.
fn example_of(pattern: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' | '?' => name.push(FILLERS[0]),
            '\\' => name.push(rest.next()?),
            '[' => {
                let (inside, after) = set(rest.as_str())?;
                name.push(member(inside)?);
                rest = after.chars();
            }
            _ => name.push(c),
        }
    }
    Some(name)
}

/// Parts what stands in a set from what follows it. A bracket that would end it stands for itself where the set begins.
fn set(text: &str) -> Option<(&str, &str)> {
    let skipped = usize::from(text.starts_with(['!', '^']));
    let first = text[skipped..].chars().next()?.len_utf8();
    let end = skipped + first + text[skipped + first..].find(']')?;
    Some((&text[..end], &text[end + 1..]))
}

/// Returns a character that belongs to a set, of which `inside` stands between the brackets.
fn member(inside: &str) -> Option<char> {
    let Some(not) = inside.strip_prefix(['!', '^']) else { return inside.chars().next() };
    let chars: Vec<char> = not.chars().collect();
    let ranges = || chars.windows(3).filter(|three| three[1] == '-').map(|three| three[0]..=three[2]);
    FILLERS.into_iter().find(|filler| !chars.contains(filler) && !ranges().any(|range| range.contains(filler)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Patterns;

    #[test]
    fn a_pattern_matches_its_examples() {
        let cases: [(&str, &[&str]); 17] = [
            ("main", &["main"]),
            ("release/*", &["release/x"]),
            ("release/**/v?", &["release/x/vx"]),
            ("{main,stable}", &["main", "stable"]),
            ("a{b,{c,d}e}/*", &["ab/x", "ace/x", "ade/x"]),
            ("{a,b}{c,d}", &["ac", "ad", "bc", "bd"]),
            ("v[0-9]", &["v0"]),
            ("[abc]", &["a"]),
            ("[!x]", &["y"]),
            ("[^a-z]", &["0"]),
            ("[!]x]", &["y"]),
            ("[]x]", &["]"]),
            ("[{]{a,b}", &["{a", "{b"]),
            ("a\\{b", &["a{b"]),
            ("a\\{b,c\\}", &["a{b,c}"]),
            ("a\\*", &["a*"]),
            ("!main", &[]),
        ];
        for (pattern, expected) in cases {
            let names = examples_of(pattern);
            assert_eq!(names, expected, "{pattern}");
            let list = Patterns::new(&[pattern.to_owned()]).expect(pattern);
            assert!(names.iter().all(|name| list.matches(name.as_bytes())), "{pattern}: {names:?}");
        }
    }

    #[test]
    fn of_many_alternatives_some_are_asked_about() {
        assert_eq!(examples_of(&"{a,b}".repeat(200)).len(), MOST);
        assert_eq!(examples_of(&format!("{}a{}", "{".repeat(400), "}".repeat(400))), ["a"]);
    }
}
